"""QR codes with a scene (带参数二维码), and who came by them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import JSON, Row, func, select, type_coerce

from adapters.official_account import OfficialAccountAdapter
from gateway.context import Context
from gateway.database.engine import Database
from gateway.database.tables.facts import fact
from gateway.database.tables.followers import scene_code
from gateway.resolvers.errors import UserError
from gateway.resolvers.paging import PageArgs, Slice, keyset

#: Who makes them, and sees who came.
SCOPE = "members:write"
#: Days that scans are counted over.
MOST_DAYS: Final = 92
_CAME: Final = ("follow", "qr.scan")


@dataclass(frozen=True, slots=True)
class SceneCodeRecord:
    """A code; ``expires_at`` None: permanent."""

    appid: str
    ticket: str
    scene: str
    label: str
    url: str
    image_url: str
    made_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Scans:
    """People who followed by it, and followers who scanned it."""

    follows: int
    scans: int


@dataclass(frozen=True, slots=True)
class Counted:
    """A scene of an account, over business days: the first one, and the one after the last."""

    appid: str
    scene: str
    start: date
    until: date


async def page(ctx: Context, account: str | None, scene: str | None, args: PageArgs) -> Slice[SceneCodeRecord]:
    """The newest first; of one account, or of all. Raises Forbidden and ToolNotConfigured."""
    ctx.principal.require(SCOPE)
    ctx.services.tools.get(OfficialAccountAdapter, account)
    statement = select(scene_code)
    if account is not None:
        statement = statement.where(scene_code.c.appid == account)
    if scene is not None:
        statement = statement.where(scene_code.c.scene == scene)
    order = [(scene_code.c.made_at, True), (scene_code.c.appid, True), (scene_code.c.ticket, True)]
    return await keyset(ctx, f"sceneCodes:{account}:{scene!r}", statement, order, args, _record)


async def by_keys(ctx: Context, keys: Sequence[tuple[str, str]]) -> Sequence[SceneCodeRecord | None]:
    """Batch by (appid, ticket). One statement."""
    rows = await ctx.database.fetch(select(scene_code).where(scene_code.c.ticket.in_({each for _, each in keys})))
    found = {(row.appid, row.ticket): _record(row) for row in rows}
    return [found.get(each) for each in keys]


def span(start: date, until: date) -> None:
    """Raises UserError for days that are none, or too many."""
    if not timedelta() < until - start <= timedelta(days=MOST_DAYS):
        raise UserError(f"Ask for 1 to {MOST_DAYS} days: until is the day after the last one.")


async def scans(ctx: Context, wanted: Sequence[Counted]) -> Sequence[Scans]:
    """Batch: who came by each code. One statement for all that are counted over the same days."""
    return await count(ctx.database, wanted)


async def count(database: Database, wanted: Sequence[Counted]) -> Sequence[Scans]:
    """See ``scans``."""
    spans: dict[tuple[date, date], list[Counted]] = defaultdict(list)
    for each in wanted:
        spans[(each.start, each.until)].append(each)
    found: dict[tuple[date, date, str, str, str], int] = {}
    for (start, until), some in spans.items():
        told = (
            select(fact.c.kind, fact.c.account, type_coerce(fact.c.payload, JSON)["scene"].as_string().label("scene"))
            .where(
                fact.c.kind.in_(_CAME),
                fact.c.business_date >= start,
                fact.c.business_date < until,
                fact.c.account.in_({each.appid for each in some}),
                fact.c.is_test.is_(False),
            )
            .subquery()
        )
        rows = await database.fetch(
            select(told.c.kind, told.c.account, told.c.scene, func.count().label("many"))
            .where(told.c.scene.in_({each.scene for each in some}))
            .group_by(told.c.kind, told.c.account, told.c.scene)
        )
        found |= {(start, until, row.account, row.scene, row.kind): row.many for row in rows}
    return [
        Scans(*(found.get((each.start, each.until, each.appid, each.scene, kind), 0) for kind in _CAME))
        for each in wanted
    ]


def _record(row: Row[Any]) -> SceneCodeRecord:
    return SceneCodeRecord(
        row.appid, row.ticket, row.scene, row.label, row.url, row.image_url, row.made_at, row.expires_at
    )
