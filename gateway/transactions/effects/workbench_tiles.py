"""The tile that the app has on employees' workbenches (工作台自定义展示): for everybody, or for single guides."""

from __future__ import annotations

from typing import Final

import msgspec
from sqlalchemy import select

from adapters.enterprise_chat import EnterpriseChatAdapter
from adapters.enterprise_chat.records.messages import Tile, TileItem, TileKind
from gateway.database.tables.dimensions import guide
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: Guides of one request; figures and lines of one tile.
MOST_GUIDES: Final = 100
MOST_ITEMS: Final = {TileKind.FIGURES: 4, TileKind.LINES: 3}


class Item(msgspec.Struct, frozen=True):
    """A figure, or a line, and where it leads."""

    label: str
    value: str = ""
    url: str = ""
    page: str = ""


class Shown(msgspec.Struct, frozen=True):
    """What a tile shows; ``kind`` is a name of ``TileKind``, what it does not have is empty."""

    kind: str
    items: tuple[Item, ...] = ()
    content_url: str = ""
    url: str = ""
    page: str = ""
    double_height: bool = False


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for; no ``userids``: for everybody, and with ``replace`` for those who had another one."""

    account: str | None
    shown: Shown
    userids: tuple[str, ...] = ()
    replace: bool = False


class Set(msgspec.Struct, frozen=True):
    """The same, of one corp."""

    corpid: str
    shown: Shown
    userids: tuple[str, ...]
    replace: bool


class Done(msgspec.Struct, frozen=True):
    """What is shown now."""

    corpid: str
    shown: Shown


async def _plan(planning: Planning, asked: Wanted) -> Effect:
    adapter = planning.tools.get(EnterpriseChatAdapter, asked.account)
    _check(asked.shown)
    if len(asked.userids) > MOST_GUIDES:
        raise StepRefused("BAD_USER_INPUT", f"{len(asked.userids)} guides given: {MOST_GUIDES} are possible.")
    if asked.userids and asked.replace:
        raise StepRefused("BAD_USER_INPUT", "replaceGuides belongs to a tile for everybody: leave guides out.")
    rows = await planning.database.fetch(
        select(guide.c.userid).where(
            guide.c.corpid == adapter.account,
            guide.c.userid.in_(asked.userids),
            guide.c.state == "ACTIVE",
            guide.c.valid_to.is_(None),
        )
    )
    if missing := len(set(asked.userids) - {row.userid for row in rows}):
        raise StepRefused(
            "GUIDE_UNKNOWN", f"{missing} of the guides are unknown or have left; take them from the query guides."
        )
    intent = Set(adapter.account, asked.shown, asked.userids, asked.replace)
    return Effect(intent, values={"corpid": adapter.account})


def _check(shown: Shown) -> None:
    kind = TileKind[shown.kind]
    most = MOST_ITEMS.get(kind)
    if most is not None and not 1 <= len(shown.items) <= most:
        raise StepRefused("BAD_USER_INPUT", f"{len(shown.items)} items given: 1 to {most} are possible.")
    addresses = [shown.content_url, shown.url, *(each.url for each in shown.items)]
    if any(each and not each.startswith(("https://", "http://")) for each in addresses):
        raise StepRefused("BAD_USER_INPUT", "Addresses are web addresses that begin with https://.")


# KEYED: what is set again is set once. RETRIABLE: what a tile showed before is out of date.
@step(name="workbench_tile.set", tool="enterprise_chat", kind=Kind.RETRIABLE, delivery=Delivery.KEYED)
async def put(ctx: StepContext, intent: Set) -> Done:
    """One call. Employees see it the next time that they open their workbench."""
    adapter = ctx.tools.get(EnterpriseChatAdapter, intent.corpid)
    if intent.userids:
        await adapter.set_tiles(intent.userids, _record(intent.shown))
    else:
        await adapter.set_tile(_record(intent.shown), replace_users=intent.replace)
    return Done(intent.corpid, intent.shown)


def _record(shown: Shown) -> Tile:
    items = tuple(TileItem(each.label, each.value, each.url, each.page) for each in shown.items)
    return Tile(TileKind[shown.kind], items, shown.content_url, shown.url, shown.page, shown.double_height)


SET: Final = Action("workbenchTileSet", put, _plan)
