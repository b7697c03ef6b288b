"""Which mini-program (小程序) an action means."""

from __future__ import annotations

from typing import Final

from adapters.mini_program_store import MiniProgramStoreAdapter
from gateway.runtime import ToolNotConfigured
from gateway.transactions.actions import Planning
from gateway.transactions.steps import StepRefused

TOOL: Final = "mini_program_store"


def mini_program(planning: Planning, appid: str | None) -> MiniProgramStoreAdapter:
    """The mini-program, or the first one of the settings. Raises StepRefused and ToolNotConfigured."""
    if appid is not None:
        found = planning.tools.get(MiniProgramStoreAdapter, appid)
        if found.kind != "mini_program":
            raise StepRefused("BAD_USER_INPUT", f"The account {appid} is a shop; name a mini-program (小程序).")
        return found
    for each in planning.tools.all(MiniProgramStoreAdapter):
        if each.kind == "mini_program":
            return each
    raise ToolNotConfigured(TOOL)
