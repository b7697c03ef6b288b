"""The sidebar of a guide's chat (聊天工具栏)."""

from __future__ import annotations

from typing import Annotated

import strawberry

from adapters.enterprise_chat.records.sidebar import JsConfig
from gateway.resolvers import sidebar
from gateway.schema.info import Info
from gateway.schema.scalars import Long


@strawberry.type(description="What the client checks before a page may speak with it (JS-SDK 签名).")
class JsSignature:
    """Signature."""

    timestamp: Long = strawberry.field(description="Seconds since 1970, as the call wants them.")
    nonce_str: str = strawberry.field(description="随机串.")
    signature: str = strawberry.field(description="签名.")

    @classmethod
    def of(cls, record: JsConfig) -> JsSignature:
        return cls(
            timestamp=Long(int(record.timestamp.timestamp())), nonce_str=record.nonce, signature=record.signature
        )


@strawberry.type(description="What a page in a chat's sidebar gives to the client of 企业微信.")
class SidebarConfig:
    """Config."""

    corpid: str = strawberry.field(description="appId of wx.config, corpid of wx.agentConfig (企业ID).")
    agentid: int = strawberry.field(description="agentid of wx.agentConfig (应用ID).")
    config: JsSignature = strawberry.field(description="For wx.config: the page speaks as the corp.")
    agent_config: JsSignature = strawberry.field(
        description="For wx.agentConfig: as the app, which may ask whom the chat is with (getCurExternalContact)."
    )


@strawberry.type(description="Questions of a page in a chat's sidebar.")
class SidebarQueries:
    """Sidebar."""

    @strawberry.field(
        description="Signatures for a page of the brand's in the sidebar of a chat (聊天工具栏). Needs the scope"
        " sidebar, which guides have. A page that is not https on one of the account's trusted hosts (可信域名) is"
        " INVALID with the reason page_not_trusted."
    )
    async def sidebar_config(
        self,
        info: Info,
        url: Annotated[
            str,
            strawberry.argument(
                description="The page's address exactly as the browser has it; what follows # is left."
            ),
        ],
        account: Annotated[
            str | None, strawberry.argument(description="corpid; the first corp of the settings without one.")
        ] = None,
    ) -> SidebarConfig | None:
        found = await sidebar.config(info.context, url, account)
        return SidebarConfig(
            corpid=found.corp.corpid,
            agentid=found.corp.agentid,
            config=JsSignature.of(found.corp),
            agent_config=JsSignature.of(found.agent),
        )
