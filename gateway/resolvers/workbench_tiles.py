"""The tile that the app has on employees' workbenches (工作台自定义展示), as the platform shows it."""

from __future__ import annotations

from typing import Final

from adapters.enterprise_chat import EnterpriseChatAdapter
from adapters.enterprise_chat.records.messages import Tile
from gateway.context import Context

#: Who says what tiles show; a guide with a session sees their own.
SCOPE: Final = "messages:send"


async def shown(ctx: Context, guide: tuple[str, str] | None, account: str | None) -> Tile:
    """Everybody's, or what one guide, (corpid, userid), sees; one call. Raises Forbidden and ToolNotConfigured."""
    if guide is None or ctx.principal.guide != ":".join(guide):
        ctx.principal.require(SCOPE)
    if guide is None:
        return await ctx.tool(EnterpriseChatAdapter, account).tile()
    corpid, userid = guide
    return await ctx.tool(EnterpriseChatAdapter, corpid).tile(userid)
