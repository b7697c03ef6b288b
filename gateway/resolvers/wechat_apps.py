"""Which account of ``mini_program_store`` a question means: a mini-program (小程序), or a shop (微信小店)."""

from __future__ import annotations

from typing import Final, Literal

from adapters.mini_program_store import MiniProgramStoreAdapter
from gateway.context import Context
from gateway.resolvers.errors import UserError
from gateway.runtime.tools import ToolNotConfigured

TOOL: Final = "mini_program_store"
_SAID: Final = {"mini_program": "a mini-program", "store": "a shop"}


def mini_program(ctx: Context, appid: str | None) -> MiniProgramStoreAdapter:
    """The mini-program, or the first one of the settings. Raises ToolNotConfigured and UserError."""
    return _of(ctx, "mini_program", appid)


def shop(ctx: Context, appid: str | None) -> MiniProgramStoreAdapter:
    """The shop, or the first one of the settings. Raises ToolNotConfigured and UserError."""
    return _of(ctx, "store", appid)


def _of(ctx: Context, kind: Literal["mini_program", "store"], appid: str | None) -> MiniProgramStoreAdapter:
    if appid is not None:
        adapter = ctx.tool(MiniProgramStoreAdapter, appid)
        if adapter.kind != kind:
            raise UserError(f"The account {appid} is {_SAID[adapter.kind]}; name {_SAID[kind]}.")
        return adapter
    for adapter in ctx.accounts(MiniProgramStoreAdapter):
        if adapter.kind == kind:
            return adapter
    raise ToolNotConfigured(TOOL)
