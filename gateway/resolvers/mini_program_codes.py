"""Codes (小程序码) of mini-programs that the gateway made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, select

from gateway.context import Context
from gateway.database.tables.files import file_ledger, mini_program_code
from gateway.resolvers import wechat_apps
from gateway.resolvers.paging import PageArgs, Slice, keyset

#: Who makes them.
SCOPE: Final = "members:write"
_THERE: Final = (
    select(mini_program_code)
    .join(file_ledger, file_ledger.c.id == mini_program_code.c.file)
    .where(file_ledger.c.state == "COMMITTED")
)


@dataclass(frozen=True, slots=True)
class CodeRecord:
    """A code; ``page`` empty for the home page, ``width`` in pixels."""

    file: str
    appid: str
    scene: str
    page: str
    width: int
    transparent: bool
    made_at: datetime


async def page(ctx: Context, account: str | None, scene: str | None, args: PageArgs) -> Slice[CodeRecord]:
    """Those that are not deleted, the newest first; of one mini-program, or of all.

    Raises Forbidden, ToolNotConfigured and UserError.
    """
    ctx.principal.require(SCOPE)
    statement = _THERE
    if account is not None:
        wechat_apps.mini_program(ctx, account)
        statement = statement.where(mini_program_code.c.appid == account)
    if scene is not None:
        statement = statement.where(mini_program_code.c.scene == scene)
    order = [(mini_program_code.c.made_at, True), (mini_program_code.c.file, True)]
    return await keyset(ctx, f"miniProgramCodes:{account}:{scene!r}", statement, order, args, _record)


async def by_files(ctx: Context, files: Sequence[str]) -> Sequence[CodeRecord | None]:
    """Batch by the picture's id. One statement."""
    rows = await ctx.database.fetch(_THERE.where(mini_program_code.c.file.in_(files)))
    found = {row.file: _record(row) for row in rows}
    return [found.get(each) for each in files]


def _record(row: Row[Any]) -> CodeRecord:
    return CodeRecord(row.file, row.appid, row.scene, row.page, row.width, row.transparent, row.made_at)
