"""The member's timeline: the fact log, told in sentences.

A member's facts lie under each of their identities, and those of the member as such under each id that leads to
them. Each of these is a range of an index that is in the order of time already, so a page reads no more than a page
from each range, wherever it stands, and merges them: the thousandth page costs what the first one does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    bindparam,
    false,
    func,
    or_,
    select,
    true,
    tuple_,
    union_all,
)

from adapters.registry import TOOLS
from gateway.context import Context
from gateway.database.fact_kinds import FACT_KINDS, TOLD
from gateway.database.prepared import Prepared, list_of
from gateway.database.rows import AnyRow
from gateway.database.tables.facts import fact
from gateway.database.tables.members import identity, member
from gateway.resolvers.errors import UserError
from gateway.resolvers.members import MemberRecord
from gateway.resolvers.paging import PageArgs, Slice, aware, decode_cursor, encode_cursor, page_size

#: What the gateway recorded by itself, in a filter by tool.
OWN = "gateway"


@dataclass(frozen=True, slots=True)
class EntryRecord:
    """One fact of a member's life with the brand. ``tool`` is None for the gateway's own facts; money in fen."""

    id: str
    kind: str
    family: str
    at: datetime
    recorded_at: datetime
    tool: str | None
    summary: str
    amount: int | None
    source: str
    account: str
    identity: str | None
    store: str | None
    guide: str | None
    campaign: str | None
    ad: str | None
    order: str | None
    quantity: int | None
    reason: str | None
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of a timeline is wanted; None is everything. ``start`` is inclusive, ``end`` exclusive."""

    tools: tuple[str, ...] | None = None
    kinds: tuple[str, ...] | None = None
    families: tuple[str, ...] | None = None
    start: datetime | None = None
    end: datetime | None = None

    def checked(self) -> Wanted:
        """Itself. Raises UserError for a tool or kind that does not exist, and for a time without offset."""
        known = {OWN, *(spec.name for spec in TOOLS)}
        for tool in self.tools or ():
            if tool not in known:
                raise UserError(f"There is no tool {tool[:40]!r}; pass some of {', '.join(sorted(known))}.")
        for kind in self.kinds or ():
            if kind not in TOLD:
                raise UserError(f"The timeline has no kind {kind[:40]!r}; docs/lists.md lists them.")
        for name, instant in (("from", self.start), ("until", self.end)):
            if instant is not None:
                aware(instant, name)
        return self

    @property
    def told(self) -> list[str]:
        """The kinds to look for."""
        return [
            name
            for name, kind in TOLD.items()
            if (self.kinds is None or name in self.kinds) and (self.families is None or kind.family in self.families)
        ]


@dataclass(frozen=True, slots=True)
class _Key:
    """One page of one member's timeline."""

    member: str
    args: PageArgs
    wanted: Wanted

    @property
    def scope(self) -> str:
        """What a cursor is bound to."""
        return f"member.timeline:{self.member}" + ("" if self.wanted == Wanted() else f":{self.wanted}")

    @property
    def backward(self) -> bool:
        return self.args.last is not None or self.args.before is not None

    @property
    def cursor(self) -> str | None:
        return self.args.before if self.backward else self.args.after


@dataclass(frozen=True, slots=True)
class _Shape:
    """Which conditions a statement has: it is built once for each shape."""

    sqlite: bool
    backward: bool
    cursor: bool
    tools: bool
    own: bool
    start: bool
    end: bool


async def timeline(
    ctx: Context, record: MemberRecord, args: PageArgs, wanted: Wanted | None = None
) -> Slice[EntryRecord]:
    """Newest first. The first pages of all members of a list are one statement, any other page is one of its own."""
    page_size(ctx, args)
    key = _Key(record.id, args, (wanted or Wanted()).checked())
    if key.cursor is None:
        return await ctx.loaders.load(_pages, key)
    return (await _read(ctx, [key]))[key]


async def _pages(ctx: Context, keys: Sequence[_Key]) -> Sequence[Slice[EntryRecord]]:
    alike: dict[tuple[PageArgs, Wanted], list[_Key]] = defaultdict(list)
    for key in keys:
        alike[(key.args, key.wanted)].append(key)
    found: dict[_Key, Slice[EntryRecord]] = {}
    for group in alike.values():
        found |= await _read(ctx, group)
    return [found[key] for key in keys]


async def _read(ctx: Context, keys: Sequence[_Key]) -> dict[_Key, Slice[EntryRecord]]:
    """The pages of members who are asked for the same. One statement."""
    args, wanted = keys[0].args, keys[0].wanted
    size = page_size(ctx, args)
    cursor, backward = keys[0].cursor, keys[0].backward
    shape, params = _request(wanted, sqlite=ctx.database.is_sqlite, backward=backward, cursor=cursor is not None)
    params |= {"owners": [key.member for key in keys], "most": size + 1}
    if cursor is not None:
        params["place_at"], params["place_id"] = decode_cursor(ctx, keys[0].scope, cursor, 2)
    rows = await ctx.database.fetch(_statement(shape), params)
    grouped: dict[str, list[AnyRow]] = defaultdict(list)
    for row in rows:
        grouped[row.owner_].append(row)
    pages = {}
    for key in keys:
        more = len(grouped[key.member]) > size
        kept = grouped[key.member][:size]
        if backward:
            kept.reverse()
        pages[key] = Slice(
            [entry(row) for row in kept],
            [encode_cursor(ctx, key.scope, [row.occurred_at, row.id]) for row in kept],
            has_next=(cursor is not None) if backward else more,
            has_previous=more if backward else cursor is not None,
        )
    return pages


def _request(wanted: Wanted, *, sqlite: bool, backward: bool, cursor: bool) -> tuple[_Shape, dict[str, Any]]:
    tools = wanted.tools
    shape = _Shape(
        sqlite=sqlite,
        backward=backward,
        cursor=cursor,
        tools=tools is not None,
        own=tools is not None and OWN in tools,
        start=wanted.start is not None,
        end=wanted.end is not None,
    )
    params: dict[str, Any] = {"kinds": wanted.told}
    if tools is not None:
        params["tools"] = [tool for tool in tools if tool != OWN]
    if wanted.start is not None:
        params["start"] = wanted.start
    if wanted.end is not None:
        params["end"] = wanted.end
    return shape, params


@lru_cache(maxsize=128)
def _statement(shape: _Shape) -> Prepared:
    """Pages of ``owners``, each of ``most`` entries, the nearest to the cursor first."""
    owners: BindParameter[Any] = list_of("owners")
    by_identity = _branch(shape, identity, lambda facts: facts.c.identity == identity.c.id, identity.c.member).where(
        identity.c.member.in_(owners)
    )
    # What is the member's own, under the ids of the whole family: of those who merged into them, too.
    family = func.coalesce(member.c.merged_into, member.c.id)
    by_member = _branch(shape, member, _own, family).where(
        or_(member.c.id.in_(owners), member.c.merged_into.in_(owners))
    )
    found = union_all(by_identity, by_member).subquery("found")
    rank = func.row_number().over(partition_by=found.c.owner_, order_by=_order(shape, found)).label("rank_")
    ranked = select(found, rank).subquery("ranked")
    most = ranked.c.rank_ <= bindparam("most", type_=Integer())
    return Prepared(select(ranked).where(most).order_by(ranked.c.owner_, ranked.c.rank_))


def _own(facts: FromClause) -> ColumnElement[bool]:
    """A person became a member once, however many ids they were known under before these merged."""
    once = or_(facts.c.kind != "member.created", member.c.merged_into.is_(None))
    return (facts.c.member == member.c.id) & facts.c.identity.is_(None) & once


def _branch(
    shape: _Shape,
    source: FromClause,
    belongs: Callable[[FromClause], ColumnElement[bool]],
    owner: ColumnElement[Any],
) -> Select[Any]:
    """The first facts of each row of ``source``, which is an identity or a member.

    PostgreSQL says that by LATERAL, SQLite by a correlated list of ids: each of them knows one of the two only.
    """
    facts = fact.alias("its")
    wanted: Select[Any] = (
        (select(facts.c.id) if shape.sqlite else select(facts))
        .where(belongs(facts), *_conditions(shape, facts))
        .order_by(*_order(shape, facts))
        .limit(bindparam("most", type_=Integer()))
    )
    if shape.sqlite:
        told = fact.alias("told")
        joined = source.join(told, told.c.id.in_(wanted.correlate(source)))
        return select(told, owner.label("owner_")).select_from(joined)
    lateral = wanted.correlate(source).lateral("told")
    return select(lateral, owner.label("owner_")).select_from(source.join(lateral, true()))


def _conditions(shape: _Shape, facts: FromClause) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [facts.c.kind.in_(list_of("kinds"))]
    at = facts.c.occurred_at
    if shape.tools:
        found.append(
            or_(
                facts.c.tool.in_(list_of("tools")),
                facts.c.tool.is_(None) if shape.own else false(),
            )
        )
    if shape.start:
        found.append(at >= bindparam("start", type_=at.type))
    if shape.end:
        found.append(at < bindparam("end", type_=at.type))
    if shape.cursor:
        here = tuple_(at, facts.c.id)
        place = tuple_(bindparam("place_at", type_=at.type), bindparam("place_id", type_=facts.c.id.type))
        found.append(here > place if shape.backward else here < place)
    return found


def _order(shape: _Shape, facts: FromClause) -> list[ColumnElement[Any]]:
    columns = (facts.c.occurred_at, facts.c.id)
    return [column.asc() if shape.backward else column.desc() for column in columns]


#: Messages that are not simply to the member, by ``to`` of the fact.
_WHOM = {"guide": "导购收到付款提醒", "new_contact": "收到导购的欢迎语"}


def sentence(kind: str, payload: Mapping[str, Any], amount: int | None, quantity: int | None) -> str:
    """What a fact says of itself, in Chinese. Money in fen."""
    scene = payload.get("scene")
    values = {
        "scene": f"（场景 {scene}）" if scene else "",
        "group": payload.get("group", ""),
        "name": payload.get("name", ""),
        "amount": f"¥{amount / 100:.2f}" if amount is not None else "",
        "quantity": "" if quantity is None else abs(quantity),
        "whom": _WHOM.get(payload.get("to", ""), "消息已发送"),
    }
    return FACT_KINDS[kind].summary.format(**values).strip()


def entry(row: Any) -> EntryRecord:
    """A row of the fact log, or a ``LoggedFact``, of a kind that the timeline tells."""
    kind, payload = TOLD[row.kind], row.payload or {}
    return EntryRecord(
        id=row.id,
        kind=row.kind,
        family=kind.family or "",
        at=row.occurred_at,
        recorded_at=row.recorded_at,
        tool=row.tool,
        summary=sentence(row.kind, payload, row.amount_fen, row.quantity),
        amount=row.amount_fen,
        source=row.source,
        account=row.account,
        identity=row.identity,
        store=row.store,
        guide=row.guide,
        campaign=row.campaign,
        ad=row.ad,
        order=row.order_ref,
        quantity=row.quantity,
        reason=row.reason,
        payload=payload,
    )
