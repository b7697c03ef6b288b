"""A member's standing: level, points, totals, and the code that shows it at the till."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select

from gateway.context import Context
from gateway.database.ledgers import CURRENT_LEVELS, highest
from gateway.database.owned import POINTS
from gateway.database.tables.ledger import points_entry
from gateway.members import codes
from gateway.members import points as ledger
from gateway.members.lots import expiring as lapsing
from gateway.members.totals import Totals
from gateway.members.totals import totals as read_totals
from gateway.resolvers import members
from gateway.resolvers.errors import SessionRequired, UserError
from gateway.resolvers.members import MemberRecord
from gateway.resolvers.paging import OwnedList, aware
from gateway.transactions.effects.points import Wanted

#: The most points that one adjustment moves.
MOST_POINTS = 100_000_000
#: Days ahead for which lapsing points can be asked, and business months of a window.
MOST_DAYS, MOST_MONTHS = 3660, 120


@dataclass(frozen=True, slots=True)
class LevelRecord:
    """会员等级: the brand's name for the grade, growth, and the growth at which the next one begins."""

    name: str
    growth: int
    next_at: int | None


@dataclass(frozen=True, slots=True)
class EntryRecord:
    """One entry of a member's points."""

    kind: str
    points: int
    reason: str
    at: datetime
    valid_until: datetime | None


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What HQ wants: points that come (or go, below zero), why, and until when they hold."""

    member: str
    points: int
    reason: str
    valid_until: datetime | None
    key: str


class MemberUnknown(UserError):
    """An id that leads to no member, or to one who was erased."""

    code = "MEMBER_UNKNOWN"


async def level(ctx: Context, member_id: str) -> LevelRecord | None:
    """The member's level by the brand's own names; None without one."""
    found = await ctx.loaders.load(_levels, member_id)
    if found is None:
        return None
    grade, growth = found
    levels = sorted(ctx.settings.levels, key=lambda each: each.growth)
    name = next((each.name for each in levels if each.grade == grade), str(grade))
    next_at = next((each.growth for each in levels if each.grade > grade), None)
    return LevelRecord(name, growth, next_at)


async def _levels(ctx: Context, member_ids: Sequence[str]) -> Sequence[tuple[int, int] | None]:
    """Batch: the highest (grade, growth) of each member's family. One statement."""
    found = highest(await ctx.database.fetch(CURRENT_LEVELS, {"owners": list(member_ids)}))
    return [found.get(each) for each in member_ids]


async def points(ctx: Context, member_ids: Sequence[str]) -> Sequence[int | None]:
    """Batch: points that each member can spend; None without any entry. One statement, or two (``balances``)."""
    found = await ledger.balances(ctx.database.fetch, member_ids, ctx.clock.now())
    return [found.get(each) for each in member_ids]


async def expiring(ctx: Context, member_id: str, days: int) -> Sequence[tuple[datetime, int]]:
    """(when, how many) points lapse within so many days unless they are spent. Raises UserError."""
    if not 1 <= days <= MOST_DAYS:
        raise UserError(f"within is {days}: it must be between 1 and {MOST_DAYS} days.")
    entries = await ctx.loaders.load(_entries, member_id)
    return lapsing(entries, ctx.clock.now(), timedelta(days=days))


async def _entries(ctx: Context, member_ids: Sequence[str]) -> Sequence[Sequence[Any]]:
    """Batch: every entry of each member. One statement."""
    found = await ledger.entries_of(ctx.database.fetch, member_ids)
    return [found[each] for each in member_ids]


def _entry(row: Row[Any]) -> EntryRecord:
    return EntryRecord(row.kind, row.delta, row.reason, row.occurred_at, row.valid_until)


#: Entries of 0 open or close an account and move nothing.
MEMBER_ENTRIES = OwnedList(
    "member.points.entries",
    select(POINTS).where(POINTS.c.delta != 0),
    POINTS.c.owner,
    [(POINTS.c.occurred_at, True), (POINTS.c.id, True)],
    _entry,
)


async def totals(ctx: Context, member_id: str, months: int) -> Totals:
    """What the member's facts add up to. Raises UserError."""
    if not 1 <= months <= MOST_MONTHS:
        raise UserError(f"months is {months}: it must be between 1 and {MOST_MONTHS}.")
    return await ctx.loaders.load(_totals, (member_id, months))


async def _totals(ctx: Context, keys: Sequence[tuple[str, int]]) -> Sequence[Totals]:
    """Batch: one statement per length of window."""
    wanted: dict[int, list[str]] = defaultdict(list)
    for member_id, months in keys:
        wanted[months].append(member_id)
    now = ctx.clock.now()
    found = {months: await read_totals(ctx.database.fetch, ids, now, months) for months, ids in wanted.items()}
    return [found[months][member_id] for member_id, months in keys]


def member_code(ctx: Context, record: MemberRecord, seconds: int) -> str:
    """A code for the till, for the shopper's own session. Raises SessionRequired or UserError."""
    if ctx.principal.member != record.id:
        raise SessionRequired("A member code is the shopper's own: send the session token of sessionCreate.")
    if not codes.SHORTEST <= seconds <= codes.LONGEST:
        raise UserError(f"expiresIn is {seconds}: it must be between {codes.SHORTEST} and {codes.LONGEST} seconds.")
    return codes.issue(ctx.database.keyring, record.id, ctx.clock.now(), seconds)


async def adjustment(ctx: Context, wanted: Adjustment) -> Wanted:
    """What an adjustment is to book. Needs the scope points:write. Raises UserError."""
    ctx.principal.require("points:write")
    now = ctx.clock.now()
    if wanted.points == 0 or abs(wanted.points) > MOST_POINTS:
        raise UserError(f"points is {wanted.points}: it must be 1 to {MOST_POINTS}, or as much below zero.")
    if not wanted.reason.strip() or len(wanted.reason) > 100 or "\0" in wanted.reason:
        raise UserError("reason must have 1 to 100 characters; the shopper sees it.")
    if wanted.valid_until is not None and (wanted.points < 0 or aware(wanted.valid_until, "validUntil") <= now):
        raise UserError("validUntil is for points that come, and lies in the future.")
    record = await ctx.loaders.load(members.by_ids, wanted.member)
    if record is None:
        raise MemberUnknown("There is no such member; pass the id as you received it.")
    return Wanted(record.id, wanted.points, wanted.reason, wanted.valid_until, wanted.key)


async def entry(ctx: Context, entry_id: str) -> EntryRecord:
    """An entry that is in the ledger."""
    [row] = await ctx.database.fetch(select(points_entry).where(points_entry.c.id == entry_id))
    return _entry(row)
