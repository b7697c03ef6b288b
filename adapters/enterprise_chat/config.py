"""Settings of one corp (企业)."""

from __future__ import annotations

from adapters.base.secrets import Secret
from adapters.base.spec import AccountConfig


class EnterpriseChatConfig(AccountConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One corp and the self-built app (自建应用) through which the gateway speaks.

    Attributes:
        base_url: the real host, ``https://qyapi.weixin.qq.com``, by default.
        corpid: 企业ID; 我的企业 → 企业信息 in the admin console.
        agentid: AgentId of the self-built app; 应用管理 → the app.
        app_secret: Secret of the self-built app, same page.
        contact_secret: Secret with which customers are read. A corp from before December 2023 may still use
            that of 客户联系 → API; later corps have none, and grant the self-built app under 客户联系 →
            可调用应用 instead: leave it empty, and the app's own secret is used for everything.
        sync_secret: Secret of 通讯录同步 (管理工具): lists the ids of everybody, and nothing else.
        trusted_hosts: host names of our pages in the client (可信域名 of the app). Only their addresses are signed;
            without any, no page is.
        callback_token: Token of 接收事件服务器.
        aes_key: EncodingAESKey of 接收事件服务器, 43 characters.
    """

    base_url: str = "https://qyapi.weixin.qq.com"
    corpid: str
    agentid: int
    app_secret: Secret
    contact_secret: Secret = Secret("")
    sync_secret: Secret = Secret("")
    trusted_hosts: tuple[str, ...] = ()
    callback_token: Secret
    aes_key: Secret

    @property
    def external_id(self) -> str:
        """The corpid."""
        return self.corpid
