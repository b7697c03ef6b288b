"""The menu (自定义菜单) of an official account, live."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.official_account import MenuEntry, OfficialAccountAdapter
from gateway.context import Context

#: Who speaks to everybody who follows.
SCOPE = "messages:send"


async def menu(ctx: Context, account: str | None) -> tuple[str, Sequence[MenuEntry]]:
    """The appid, and the menu's entries; none where there is no menu. One call. Raises Forbidden, ToolNotConfigured."""
    ctx.principal.require(SCOPE)
    adapter = ctx.tool(OfficialAccountAdapter, account)
    return adapter.account, await adapter.menu()
