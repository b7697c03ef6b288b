"""The menu (自定义菜单) of an official account: put as a whole in place of the one before, or taken away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from adapters.official_account import MenuEntry, OfficialAccountAdapter
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: Entries of the menu, and below one of them.
MOST_ENTRIES: Final = 3
MOST_BELOW: Final = 5
#: Bytes of a name in UTF-8, of an entry and of one below it; of a key, and of an address.
NAME_BYTES: Final = 16
NAME_BYTES_BELOW: Final = 60
KEY_BYTES: Final = 128
URL_BYTES: Final = 1024
#: What an entry can do, in the platform's words, and what its value is.
KINDS: Final = {
    "click": "key",
    "view": "url",
    "miniprogram": "url",
    "scancode_push": "key",
    "scancode_waitmsg": "key",
    "pic_sysphoto": "key",
    "pic_photo_or_album": "key",
    "pic_weixin": "key",
    "location_select": "key",
    "media_id": "media_id",
    "view_limited": "media_id",
    "article_id": "article_id",
    "article_view_limited": "article_id",
}


class Entry(msgspec.Struct, frozen=True):
    """An entry as the platform has it, see the adapter's ``MenuEntry``; with entries below it is a heading."""

    name: str
    kind: str = ""
    value: str = ""
    appid: str = ""
    path: str = ""
    entries: tuple[Entry, ...] = ()

    @classmethod
    def of(cls, record: MenuEntry) -> Entry:
        below = tuple(cls.of(each) for each in record.entries)
        return cls(record.name, record.kind, record.value, record.appid, record.path, below)

    def record(self) -> MenuEntry:
        """As the adapter takes it."""
        below = tuple(each.record() for each in self.entries)
        return MenuEntry(self.name, self.kind, self.value, self.appid, self.path, below)


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for; no entries: no menu. ``account`` None: not said."""

    entries: tuple[Entry, ...]
    account: str | None


class Replace(msgspec.Struct, frozen=True):
    """The menu that is to be, and the one that was there when this was asked."""

    appid: str
    entries: tuple[Entry, ...]
    before: tuple[Entry, ...]


class Remove(msgspec.Struct, frozen=True):
    """The menu of this account."""

    appid: str


class Changed(msgspec.Struct, frozen=True):
    """The account, and its menu now."""

    appid: str
    entries: tuple[Entry, ...]


async def _plan_replace(planning: Planning, asked: Wanted) -> Effect:
    if not 1 <= len(asked.entries) <= MOST_ENTRIES:
        raise StepRefused("BAD_USER_INPUT", f"A menu has 1 to {MOST_ENTRIES} entries; menuDelete takes it away.")
    for each in asked.entries:
        _check(each, below=False)
    adapter = planning.tools.get(OfficialAccountAdapter, asked.account)
    return Effect(Replace(adapter.account, asked.entries, await _stands(adapter)), values={"appid": adapter.account})


async def _plan_delete(planning: Planning, asked: Wanted) -> Effect:
    adapter = planning.tools.get(OfficialAccountAdapter, asked.account)
    return Effect(Remove(adapter.account), values={"appid": adapter.account})


def _check(entry: Entry, *, below: bool) -> None:
    """Raises StepRefused for an entry that the platform would not take."""
    most = NAME_BYTES_BELOW if below else NAME_BYTES
    size = len(entry.name.encode())
    if not 1 <= size <= most:
        raise _wrong(entry, f"its name has {size} bytes in UTF-8, 1 to {most} are possible (a character has 3)")
    if entry.entries:
        if below or entry.kind or entry.value or len(entry.entries) > MOST_BELOW:
            raise _wrong(
                entry, f"a heading does nothing itself, and has 1 to {MOST_BELOW} entries with none below them"
            )
        for each in entry.entries:
            _check(each, below=True)
        return
    holds = KINDS.get(entry.kind)
    if holds is None:
        raise _wrong(entry, "it needs a kind, or entries below it")
    if not entry.value or len(entry.value.encode()) > (KEY_BYTES if holds == "key" else URL_BYTES):
        raise _wrong(entry, f"its value, here {holds}, is missing or too long")
    if holds == "url" and not entry.value.startswith(("https://", "http://")):
        raise _wrong(entry, "its value must be a web address that begins with https://")
    if (entry.kind == "miniprogram") is not bool(entry.appid and entry.path):
        raise _wrong(entry, "a mini-program has appid and path, and nothing else has")


def _wrong(entry: Entry, why: str) -> StepRefused:
    return StepRefused("BAD_USER_INPUT", f"The entry {entry.name[:20]!r} cannot be: {why}.")


async def _undo(ctx: StepContext, intent: Replace, outcome: Changed | None) -> None:
    """The menu that was there before, or none, where nobody has put another one meanwhile; also where ours may never
    have been put."""
    del outcome
    adapter = ctx.tools.get(OfficialAccountAdapter, intent.appid)
    if await _stands(adapter) != intent.entries:
        return
    if intent.before:
        await adapter.menu_replace(_records(intent.before))
    else:
        await adapter.menu_delete()


# KEYED: the same menu again is the same menu.
@step(
    name="menu.replace",
    tool="official_account",
    kind=Kind.COMPENSATABLE,
    delivery=Delivery.KEYED,
    undo=_undo,
)
async def replace(ctx: StepContext, intent: Replace) -> Changed:
    """One call."""
    adapter = ctx.tools.get(OfficialAccountAdapter, intent.appid)
    await adapter.menu_replace(_records(intent.entries))
    return Changed(intent.appid, intent.entries)


# A PIVOT: menus that are for some people only go with it, and nobody here knows them.
@step(name="menu.delete", tool="official_account", kind=Kind.PIVOT, delivery=Delivery.KEYED)
async def delete(ctx: StepContext, intent: Remove) -> Changed:
    """One call."""
    adapter = ctx.tools.get(OfficialAccountAdapter, intent.appid)
    await adapter.menu_delete()
    return Changed(intent.appid, ())


async def _stands(adapter: OfficialAccountAdapter) -> tuple[Entry, ...]:
    return tuple(Entry.of(each) for each in await adapter.menu())


def _records(entries: Sequence[Entry]) -> list[MenuEntry]:
    return [each.record() for each in entries]


REPLACE: Final = Action("menuReplace", replace, _plan_replace)
DELETE: Final = Action("menuDelete", delete, _plan_delete)
