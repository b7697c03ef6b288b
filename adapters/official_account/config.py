"""Settings of one official account."""

from __future__ import annotations

from adapters.base.secrets import Secret
from adapters.base.spec import AccountConfig
from adapters.wechat.callbacks import CallbackCrypto


class OfficialAccountConfig(AccountConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where each value is found: mp.weixin.qq.com, 设置与开发 → 开发接口管理 → 基本配置.

    Attributes:
        appid: 开发者ID (AppID).
        secret: 开发者密码 (AppSecret).
        gh_id: 原始ID, ``gh_…``; callbacks are addressed to it.
        callback_token: 令牌 (Token) of the callback URL.
        aes_key: 消息加解密密钥 (EncodingAESKey), 43 characters; needed when ``encrypted``.
        encrypted: True for 安全模式, False for 明文模式 and 兼容模式.
        trusted_hosts: host names of our pages inside WeChat, in the console under 公众号设置 → 功能设置 as
            JS接口安全域名 and 网页授权域名. Only their addresses are signed and logged in to; without any, none.
        previous_aes_key: the EncodingAESKey before the last change; the platform may use it for a while yet.
    """

    base_url: str = "https://api.weixin.qq.com"
    appid: str
    secret: Secret
    gh_id: str
    callback_token: Secret
    aes_key: Secret = Secret("")
    encrypted: bool = True
    previous_aes_key: Secret | None = None
    trusted_hosts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse at start what would only fail at the first callback."""
        if self.encrypted and not self.aes_key:
            raise ValueError("aes_key is missing: 安全模式 needs the EncodingAESKey of the console's 基本配置")
        self.crypto()

    @property
    def external_id(self) -> str:
        """The appid."""
        return self.appid

    def crypto(self) -> CallbackCrypto:
        """Keys of the callback URL; raises ValueError for an EncodingAESKey that is none."""
        return CallbackCrypto(self.callback_token, self.aes_key, self.appid, previous_aes_key=self.previous_aes_key)
