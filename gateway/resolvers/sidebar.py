"""The sidebar of a guide's chat (聊天工具栏): signatures with which its page may ask the client."""

from __future__ import annotations

from dataclasses import dataclass

from adapters.enterprise_chat import EnterpriseChatAdapter
from adapters.enterprise_chat.records.sidebar import JsConfig, JsIdentity
from gateway.context import Context

#: Who is given signatures: a page that has one speaks with the client as the brand's own.
SCOPE = "sidebar"


@dataclass(frozen=True, slots=True)
class SidebarRecord:
    """Both signatures of one address."""

    corp: JsConfig
    agent: JsConfig


async def config(ctx: Context, url: str, account: str | None) -> SidebarRecord:
    """Raises Forbidden, ToolNotConfigured, and Invalid for a page that is not on a trusted host."""
    ctx.principal.require(SCOPE)
    adapter = ctx.tool(EnterpriseChatAdapter, account)
    return SidebarRecord(await adapter.js_config(url, JsIdentity.CORP), await adapter.js_config(url, JsIdentity.AGENT))
