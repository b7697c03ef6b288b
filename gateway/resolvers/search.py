"""Members by what is known of them: all criteria must hold, and every page is found along an index.

One criterion drives: its index has the members in the list's order, and each member it leads to is tested for the
others by primary key. A list in the order of a time is driven by that time, unless a criterion has so few members that
sorting these is less work.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Select, String, cast, func, literal, select, union_all

from gateway.context import Context
from gateway.database.hints import unindexed
from gateway.database.tables.labels import member_activity, member_label
from gateway.database.tables.members import member
from gateway.database.tables.projections import contact_tag, follower_tag
from gateway.events.labels import GUIDE, STORE, TAG
from gateway.resolvers.auditing import LookUp, recorded
from gateway.resolvers.errors import UserError
from gateway.resolvers.members import MemberRecord, listed
from gateway.resolvers.paging import PageArgs, Range, Slice, aware, merged, page_size

#: A criterion with fewer members than this may drive a list that is in the order of a time: they are sorted.
FEW: Final = 5000
_TAIL = re.compile("[0-9]{4}")
_LONGEST_TEXT = 100


@dataclass(frozen=True, slots=True)
class Between:
    """A half-open range of time; None is open."""

    start: datetime | None = None
    end: datetime | None = None

    def holds(self, column: ColumnElement[Any]) -> list[ColumnElement[bool]]:
        """As conditions on a column."""
        found: list[ColumnElement[bool]] = []
        if self.start is not None:
            found.append(column >= literal(self.start, column.type))
        if self.end is not None:
            found.append(column < literal(self.end, column.type))
        return found or [column.is_not(None)]


@dataclass(frozen=True, slots=True)
class Criteria:
    """What is known of the members; None is not known. ``store`` and ``guide`` are native ids.

    ``tag`` is (name, account or None for any). ``updated_after`` is exclusive.
    """

    name: str | None = None
    phone: str | None = None
    phone_tail: str | None = None
    out_id: str | None = None
    level: str | None = None
    tag: tuple[str, str | None] | None = None
    store: str | None = None
    guide: str | None = None
    active: Between | None = None
    joined: Between | None = None
    updated_after: datetime | None = None

    @property
    def personal(self) -> list[str]:
        """Which of them are personal values."""
        return [name for name in ("name", "phone", "phone_tail") if getattr(self, name) is not None]

    @property
    def scope(self) -> str:
        """What a cursor is bound to: the list, and what is given."""
        given = [(each.name, getattr(self, each.name)) for each in fields(self)]
        return ":".join(["members", *(f"{name}={value!r}" for name, value in given if value is not None)])

    @property
    def order(self) -> str:
        """What the list is ordered by: for those who sync the time of change, else the range that is asked for."""
        if self.updated_after is not None:
            return "updated"
        return "active" if self.active is not None else "joined" if self.joined is not None else "id"


@dataclass(frozen=True, slots=True)
class _Labels:
    """Members who have one of these labels."""

    kind: str
    values: tuple[str, ...]

    def rows(self) -> Select[Any]:
        return select(literal(1)).where(member_label.c.kind == self.kind, member_label.c.value.in_(self.values))


@dataclass(frozen=True, slots=True)
class _Column:
    """Members with this value in their row. ``narrow``: never more than a handful have it."""

    column: ColumnElement[Any]
    value: Any
    narrow: bool = False

    def rows(self) -> Select[Any]:
        return select(literal(1)).where(self.column == self.value)


_Term = _Labels | _Column


async def page(ctx: Context, args: PageArgs, criteria: Criteria) -> Slice[MemberRecord]:
    """Members, from projections only; oldest first unless a time is asked for. Needs the scope members:read.

    A search by name or phone is recorded as a fact, without the value.
    """
    ctx.principal.require("members:read")
    page_size(ctx, args)
    terms = await _terms(ctx, criteria)
    found: Slice[str] = Slice([], [], False, False)
    if terms is not None:
        found = await _slice(ctx, args, criteria, await _driver(ctx, criteria, terms), terms)
    if criteria.personal:
        await recorded(ctx, LookUp(tuple(criteria.personal), len(found.items)))
    return await listed(ctx, found)


async def ids_of(ctx: Context, criteria: Criteria, most: int, after: str | None = None) -> tuple[list[str], str | None]:
    """Ids of the members whom ``page`` would list, up to ``most``, and the place after them; None at the end.

    One statement per full page. Raises as ``page`` does; searches by name or phone are recorded too.
    """
    ctx.principal.require("members:read")
    found: list[str] = []
    terms = await _terms(ctx, criteria)
    if terms is not None:
        driver = await _driver(ctx, criteria, terms)
        limit = ctx.settings.limits.page
        while len(found) < most:
            some = await _slice(
                ctx, PageArgs(first=min(limit, most - len(found)), after=after), criteria, driver, terms
            )
            found += some.items
            after = some.cursors[-1] if some.has_next else None
            if after is None:
                break
    else:
        after = None
    if criteria.personal:
        await recorded(ctx, LookUp(tuple(criteria.personal), len(found)))
    return found, after


async def _slice(
    ctx: Context, args: PageArgs, criteria: Criteria, driver: _Term | None, terms: Sequence[_Term]
) -> Slice[str]:
    order = criteria.order
    return await merged(
        ctx,
        criteria.scope,
        _ranges(criteria, driver, terms),
        ["id"] if order == "id" else ["at", "id"],
        args,
        lambda row: str(row.id),
        descending=order in {"active", "joined"},
    )


async def _terms(ctx: Context, criteria: Criteria) -> list[_Term] | None:
    """What to look for, apart from times; None when nobody can have it. Raises UserError."""
    for name, given in (("lastActivity", criteria.active), ("joined", criteria.joined)):
        if given is not None:
            for end, instant in (("from", given.start), ("until", given.end)):
                if instant is not None:
                    aware(instant, f"{name}.{end}")
    if criteria.updated_after is not None:
        aware(criteria.updated_after, "updatedAfter")
    terms: list[_Term] = []
    if criteria.out_id is not None:
        terms.append(_Column(member.c.out_id, _text("outId", criteria.out_id), narrow=True))
    if criteria.phone is not None:
        terms.append(_Column(member.c.phone_hash, _text("phone", criteria.phone), narrow=True))
    if criteria.phone_tail is not None:
        if not _TAIL.fullmatch(criteria.phone_tail):
            raise UserError("phoneTail must be the last four digits of a phone number.")
        terms.append(_Column(member.c.phone_tail_hash, criteria.phone_tail, narrow=True))
    if criteria.name is not None:
        terms.append(_named(_text("name", criteria.name)))
    if criteria.guide is not None:
        terms.append(_Labels(GUIDE, (criteria.guide,)))
    if criteria.tag is not None:
        values = await _tag_values(ctx, *criteria.tag)
        if not values:
            return None
        terms.append(_Labels(TAG, values))
    if criteria.store is not None:
        terms.append(_Labels(STORE, (criteria.store,)))
    if criteria.level is not None:
        terms.append(_Column(member.c.level, _grade(ctx, criteria.level)))
    return terms


def _text(name: str, text: str) -> str:
    text = text.strip()
    if not 1 <= len(text) <= _LONGEST_TEXT or "\0" in text:
        raise UserError(f"{name} must have 1 to {_LONGEST_TEXT} characters.")
    return text


def _named(text: str) -> _Column:
    """Names are sealed: there are keyed hashes of their first one, two and three characters, and of the whole."""
    prefixes = (member.c.name_first_hash, member.c.name_second_hash, member.c.name_third_hash)
    if len(text) <= len(prefixes):
        return _Column(prefixes[len(text) - 1], text)
    return _Column(member.c.name_hash, text, narrow=True)


async def _tag_values(ctx: Context, name: str, account: str | None) -> tuple[str, ...]:
    """Labels of the tags with this name; each account has tags of its own. One statement."""
    name = _text("tag.name", name)
    official = select(follower_tag.c.appid.label("account"), cast(follower_tag.c.id, String).label("id"))
    staff = select(contact_tag.c.corpid.label("account"), contact_tag.c.id.label("id"))
    official, staff = official.where(follower_tag.c.name == name), staff.where(contact_tag.c.name == name)
    rows = await ctx.database.fetch(union_all(official, staff))
    return tuple(sorted(f"{row.account}:{row.id}" for row in rows if account in {None, row.account}))


def _grade(ctx: Context, name: str) -> int:
    """The platform's number of a level by the brand's name, or the number itself where a level has no name."""
    levels = ctx.settings.levels
    found = next((each.grade for each in levels if each.name == name), None)
    if found is None and name.isascii() and name.isdigit() and len(name) < 5:
        found = int(name)
    if found is None:
        names = ", ".join(each.name for each in levels) or "none but their numbers"
        raise UserError(f"There is no level {name[:40]!r}; there are: {names}.")
    return found


async def _driver(ctx: Context, criteria: Criteria, terms: Sequence[_Term]) -> _Term | None:
    """The criterion whose index leads to the members; None for the index of the list's own order.

    Where that is not plain, one statement counts each one's members, up to FEW.
    """
    narrow = next((each for each in terms if isinstance(each, _Column) and each.narrow), None)
    if narrow is not None or not terms:
        return narrow
    if criteria.order == "id" and len(terms) == 1:
        return terms[0]
    counts = [
        select(func.count()).select_from(each.rows().limit(FEW).subquery()).scalar_subquery().label(f"n{n}")
        for n, each in enumerate(terms)
    ]
    [row] = await ctx.database.fetch(select(*counts))
    count, place = min((count, place) for place, count in enumerate(row))
    return terms[place] if criteria.order == "id" or count < FEW else None


def _ranges(criteria: Criteria, driver: _Term | None, terms: Sequence[_Term]) -> list[Range]:
    """Where to look: one range, or one for each label of the driver."""
    others = [each for each in terms if each is not driver]
    if isinstance(driver, _Labels):
        return [_range(criteria, _Labels(driver.kind, (value,)), others) for value in driver.values]
    return [_range(criteria, driver, others)]


def _range(criteria: Criteria, driver: _Term | None, others: Sequence[_Term]) -> Range:
    order = criteria.order
    tables, who = _from(order, driver)
    led = driver is None
    query = select(who.label("id")) if order == "id" else select(_time(order, led=led).label("at"), who.label("id"))
    query = query.select_from(tables)
    if isinstance(driver, _Labels):
        query = query.where(member_label.c.kind == driver.kind, member_label.c.value == driver.values[0])
    elif driver is not None:
        query = query.where(driver.column == driver.value)
    query = query.where(
        *_row_conditions(criteria, others, who, inside=_has(tables, member), led=led),
        *_activity_conditions(criteria, who, inside=_has(tables, member_activity), led=led),
    )
    for each in others:
        if isinstance(each, _Labels):
            also = member_label.alias()
            query = query.where(
                select(literal(1))
                .where(also.c.kind == each.kind, also.c.value.in_(each.values), also.c.member == who)
                .exists()
            )
    return Range(query, [who] if order == "id" else [_time(order, led=led), who])


def _from(order: str, driver: _Term | None) -> tuple[FromClause, ColumnElement[Any]]:
    """The tables of a range, the driver's first, and the column of the member's id."""
    tables: FromClause
    if isinstance(driver, _Labels):
        tables, who = member_label, member_label.c.member
        if order in {"updated", "joined"}:
            tables = tables.join(member, member.c.id == who)
    elif driver is None and order == "active":
        return member_activity, member_activity.c.member
    else:
        tables, who = member, member.c.id
    if order == "active":
        tables = tables.join(member_activity, member_activity.c.member == who)
    return tables, who


def _has(tables: FromClause, table: FromClause) -> bool:
    return table in tables._from_objects  # noqa: SLF001 - SQLAlchemy shows the tables of a join by no other name.


def _time(order: str, *, led: bool) -> ColumnElement[Any]:
    """The time that the list is ordered by, through its index only where this leads."""
    column = {
        "updated": member.c.updated_at,
        "joined": member.c.joined_at,
        "active": member_activity.c.last_activity_at,
    }[order]
    return column if led else unindexed(column)


def _row_conditions(
    criteria: Criteria, others: Sequence[_Term], who: ColumnElement[Any], *, inside: bool, led: bool
) -> list[ColumnElement[bool]]:
    """What must hold of the member's row: on the row itself where the range has it, else looked up by the id."""
    rows: Any = member if inside else member.alias()

    def value(column: ColumnElement[Any]) -> ColumnElement[Any]:
        own = rows.c[column.key]
        return unindexed(own) if inside else own

    found: list[ColumnElement[bool]] = [value(member.c.merged_into).is_(None), value(member.c.erased_at).is_(None)]
    found += [value(each.column) == each.value for each in others if isinstance(each, _Column)]
    if criteria.updated_after is not None:
        # Its index may lead only where nothing else does.
        column = member.c.updated_at if inside and led else value(member.c.updated_at)
        found.append(column > literal(criteria.updated_after, member.c.updated_at.type))
    if criteria.joined is not None:
        leads = inside and led and criteria.order == "joined"
        found += criteria.joined.holds(member.c.joined_at if leads else value(member.c.joined_at))
    if inside:
        return found
    return [select(literal(1)).where(rows.c.id == who, *found).exists()]


def _activity_conditions(
    criteria: Criteria, who: ColumnElement[Any], *, inside: bool, led: bool
) -> list[ColumnElement[bool]]:
    if criteria.active is None:
        return []
    if inside:
        return criteria.active.holds(_time("active", led=led))
    also = member_activity.alias()
    return [select(literal(1)).where(also.c.member == who, *criteria.active.holds(also.c.last_activity_at)).exists()]
