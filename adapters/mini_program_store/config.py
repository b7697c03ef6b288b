"""Settings of one account of this tool: a mini-program or a store."""

from __future__ import annotations

from typing import Literal

from adapters.base.secrets import Secret
from adapters.base.spec import AccountConfig


class MiniProgramStoreConfig(AccountConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A 小程序 or a 微信小店; a brand that has both configures two accounts, each with its own secret.

    Attributes:
        kind: ``mini_program`` (logs shoppers in) or ``store`` (sells).
        appid: begins with ``wx``.
        secret: AppSecret from 开发管理, for the store from its own console.
        gh_id: 原始 ID, begins with ``gh_``; pushes are addressed to it.
        callback_token: Token entered under 消息推送.
        aes_key: EncodingAESKey entered there, 43 characters.
        encrypted: True for 安全模式. Plain pushes are then refused, because in 明文模式 nothing
            signs the body.
        push_format: what the console is set to. Both formats are read whatever it says, so that a
            change in the console loses no event; it is here for the health page.
    """

    kind: Literal["mini_program", "store"]
    appid: str
    secret: Secret
    gh_id: str
    callback_token: Secret
    aes_key: Secret
    base_url: str = "https://api.weixin.qq.com"
    encrypted: bool = True
    push_format: Literal["xml", "json"] = "json"

    @property
    def external_id(self) -> str:
        """The appid."""
        return self.appid
