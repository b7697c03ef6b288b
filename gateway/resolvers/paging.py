"""Connections over SQL: keyset cursors in both directions, opaque, signed, bound to their arguments."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Any, Generic, TypeVar

import orjson
from sqlalchemy import ColumnElement, Integer, Row, Select, bindparam, func, literal, select, tuple_, union

from gateway.context import Context
from gateway.database.prepared import Prepared, list_of
from gateway.resolvers.errors import CursorExpired, CursorInvalid, PageTooLarge, UserError

T = TypeVar("T")
DEFAULT_PAGE = 20
_TAG = 12


@dataclass(frozen=True, slots=True)
class PageArgs:
    """The arguments of a connection field. ``first``/``after`` go forward, ``last``/``before`` backward."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Slice(Generic[T]):
    """One page of a connection."""

    items: Sequence[T]
    cursors: Sequence[str]
    has_next: bool
    has_previous: bool

    def map(self, function: Callable[[T], Any]) -> Slice[Any]:
        """The same page of other things."""
        return Slice([function(i) for i in self.items], self.cursors, self.has_next, self.has_previous)


def page_size(ctx: Context, args: PageArgs) -> int:
    """How many items are wanted. Raises PageTooLarge or UserError."""
    if args.first is not None and args.last is not None:
        raise UserError("Pass first or last, not both.")
    if args.after is not None and args.before is not None:
        raise UserError("Pass after (with first) or before (with last), not both.")
    name, size = ("last", args.last) if args.last is not None else ("first", args.first)
    if size is None:
        return DEFAULT_PAGE
    limit = ctx.settings.limits.page
    if size < 0 or size > limit:
        raise PageTooLarge(f"{name} is {size}: it must be between 0 and {limit}; page with after or before.")
    return size


async def keyset(
    ctx: Context,
    scope: str,
    statement: Select[Any],
    order: Sequence[tuple[ColumnElement[Any], bool]],
    args: PageArgs,
    make: Callable[[Row[Any]], T],
) -> Slice[T]:
    """One page of a SELECT in the given order; ``order`` is (column, descending) and ends in a unique one.

    All columns go the same way, so that one row comparison finds the place. ``scope`` names the list and
    the arguments that a cursor must be used with. One statement.
    """
    size = page_size(ctx, args)
    backward = args.last is not None or args.before is not None
    columns = [column for column, _ in order]
    descending = order[0][1] != backward
    cursor = args.before if backward else args.after
    if cursor is not None:
        decoded = decode_cursor(ctx, scope, cursor, len(columns))
        # Typed by their columns: a bare datetime would be bound as another type than the column's.
        values = tuple_(*(literal(v, c.type) for v, c in zip(decoded, columns, strict=True)))
        place = tuple_(*columns)
        statement = statement.where(place < values if descending else place > values)
    statement = statement.order_by(*(c.desc() if descending else c.asc() for c in columns)).limit(size + 1)
    rows = list(await ctx.database.fetch(statement))
    more = len(rows) > size
    rows = rows[:size]
    if backward:
        rows.reverse()
    names = [column.key or "" for column in columns]
    cursors = [encode_cursor(ctx, scope, [getattr(row, name) for name in names]) for row in rows]
    return Slice(
        [make(row) for row in rows],
        cursors,
        has_next=(cursor is not None) if backward else more,
        has_previous=more if backward else cursor is not None,
    )


@dataclass(frozen=True, slots=True)
class Range:
    """Rows that an index has in the list's order: a SELECT that names its key columns ``names``, and these columns."""

    statement: Select[Any]
    columns: Sequence[ColumnElement[Any]]


async def merged(
    ctx: Context,
    scope: str,
    ranges: Sequence[Range],
    names: Sequence[str],
    args: PageArgs,
    make: Callable[[Row[Any]], T],
    *,
    descending: bool,
) -> Slice[T]:
    """One page of several ranges as one list: no more than a page is read from each. One statement.

    ``names`` are the labels of the key columns, the last of which is unique; a row that is in two ranges is listed
    once.
    """
    size = page_size(ctx, args)
    backward = args.last is not None or args.before is not None
    down = descending != backward
    cursor = args.before if backward else args.after
    decoded = None if cursor is None else decode_cursor(ctx, scope, cursor, len(names))
    parts = []
    for each in ranges:
        part = each.statement
        if decoded is not None:
            values = tuple_(*(literal(v, c.type) for v, c in zip(decoded, each.columns, strict=True)))
            place = tuple_(*each.columns)
            part = part.where(place < values if down else place > values)
        parts.append(part.order_by(*(c.desc() if down else c.asc() for c in each.columns)).limit(size + 1))
    rows = list(await ctx.database.fetch(parts[0] if len(parts) == 1 else _united(parts, names, size, down=down)))
    more = len(rows) > size
    rows = rows[:size]
    if backward:
        rows.reverse()
    return Slice(
        [make(row) for row in rows],
        [encode_cursor(ctx, scope, [getattr(row, name) for name in names]) for row in rows],
        has_next=(cursor is not None) if backward else more,
        has_previous=more if backward else cursor is not None,
    )


def _united(parts: Sequence[Select[Any]], names: Sequence[str], size: int, *, down: bool) -> Select[Any]:
    found = union(*(select(part.subquery()) for part in parts)).subquery()
    return select(found).order_by(*(found.c[n].desc() if down else found.c[n].asc() for n in names)).limit(size + 1)


class OwnedList(Generic[T]):
    """A connection that many owners have: the first pages of all owners on a page are one statement.

    ``statement`` selects the rows with ``owner`` beside them; ``order`` is as in ``keyset``. ``before`` is
    awaited with the owners before their rows are read, such as to load the keys of what is sealed.
    """

    def __init__(
        self,
        name: str,
        statement: Select[Any],
        owner: ColumnElement[Any],
        order: Sequence[tuple[ColumnElement[Any], bool]],
        make: Callable[[Row[Any]], T],
        *,
        before: Callable[[Context, Sequence[str]], Awaitable[None]] | None = None,
    ) -> None:
        self.name = name
        self._before = before
        self._statement = statement
        self._owner = owner
        self._order = order
        self._make = make

    async def page(self, ctx: Context, owner: str, args: PageArgs) -> Slice[T]:
        """One page of one owner."""
        page_size(ctx, args)
        if args.after is None and args.before is None and args.last is None:
            return await ctx.loaders.load(self._first_pages, (owner, args))
        if self._before is not None:
            await self._before(ctx, [owner])
        statement = self._statement.where(self._owner == owner)
        return await keyset(ctx, self._scope(owner), statement, self._order, args, self._make)

    async def _first_pages(self, ctx: Context, keys: Sequence[tuple[str, PageArgs]]) -> Sequence[Slice[T]]:
        if self._before is not None:
            await self._before(ctx, list(dict.fromkeys(owner for owner, _ in keys)))
        pages: dict[tuple[str, PageArgs], Slice[T]] = {}
        for args in {args for _, args in keys}:
            owners = [owner for owner, wanted in keys if wanted == args]
            pages.update({(o, args): s for o, s in (await self._ranked(ctx, owners, args)).items()})
        return [pages[key] for key in keys]

    @cached_property
    def _ranking(self) -> Prepared:
        """The first rows of many owners: built once, since building costs more than running it."""
        order = [c.desc() if down else c.asc() for c, down in self._order]
        rank = func.row_number().over(partition_by=self._owner, order_by=order).label("rank_")
        ranked = (
            self._statement.where(self._owner.in_(list_of("owners")))
            .add_columns(self._owner.label("owner_"), rank)
            .subquery()
        )
        return Prepared(
            select(ranked)
            .where(ranked.c.rank_ <= bindparam("most", type_=Integer()))
            .order_by(ranked.c.owner_, ranked.c.rank_)
        )

    async def _ranked(self, ctx: Context, owners: Sequence[str], args: PageArgs) -> dict[str, Slice[T]]:
        size = page_size(ctx, args)
        rows = await ctx.database.fetch(self._ranking, {"owners": list(owners), "most": size + 1})
        names = [column.key or "" for column, _ in self._order]
        result = {}
        for owner in owners:
            mine = [row for row in rows if row.owner_ == owner]
            kept = mine[:size]
            cursors = [encode_cursor(ctx, self._scope(owner), [getattr(row, name) for name in names]) for row in kept]
            result[owner] = Slice([self._make(row) for row in kept], cursors, len(mine) > size, False)
        return result

    def _scope(self, owner: str) -> str:
        return f"{self.name}:{owner}"


def in_memory(ctx: Context, scope: str, items: Sequence[T], args: PageArgs) -> Slice[T]:
    """One page of a short list that is here already (a live answer)."""
    size = page_size(ctx, args)
    start, end = 0, len(items)
    if args.after is not None:
        start = _place(ctx, scope, args.after, end) + 1
    if args.before is not None:
        end = _place(ctx, scope, args.before, end)
    if args.last is not None or args.before is not None:
        start = max(start, end - size)
    else:
        end = min(end, start + size)
    return Slice(
        items[start:end],
        [encode_cursor(ctx, scope, [index]) for index in range(start, max(start, end))],
        has_next=end < len(items),
        has_previous=start > 0,
    )


def aware(instant: datetime, name: str) -> datetime:
    """An argument's instant. Raises UserError for one without an offset: it would mean another time elsewhere."""
    if instant.tzinfo is None:
        raise UserError(f"{name} has no offset: write it as 2026-11-11T20:00:00+08:00, or with Z for UTC.")
    return instant


def _place(ctx: Context, scope: str, cursor: str, length: int) -> int:
    """Where a cursor stands in a live list, which may have become shorter since."""
    index = int(decode_cursor(ctx, scope, cursor, 1)[0])
    if index >= length:
        raise CursorExpired("The list has changed since this cursor was made; start again without it.")
    return index


def encode_cursor(ctx: Context, scope: str, values: Sequence[object]) -> str:
    """Keyset values as an opaque, signed text."""
    raw = orjson.dumps([_plain(value) for value in values])
    return base64.urlsafe_b64encode(_sign(ctx, scope, raw) + raw).rstrip(b"=").decode()


def decode_cursor(ctx: Context, scope: str, text: str, size: int) -> list[Any]:
    """The keyset values of a cursor. Raises CursorInvalid when it is not ours for this list."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        data = b""
    tag, raw = data[:_TAG], data[_TAG:]
    if not hmac.compare_digest(tag, _sign(ctx, scope, raw)):
        raise CursorInvalid("This cursor was not made for this list with these arguments; start again without it.")
    values = [_typed(value) for value in orjson.loads(raw)]
    if len(values) != size:
        raise CursorInvalid("This cursor is of an older release; start again without it.")
    return values


def _sign(ctx: Context, scope: str, raw: bytes) -> bytes:
    key = ctx.database.keyring.hash("cursor", "cursor")
    return hmac.digest(key, scope.encode() + b"\0" + raw, sha256)[:_TAG]


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return {"t": value.isoformat()}
    return {"b": value.hex()} if isinstance(value, bytes) else value


def _typed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return datetime.fromisoformat(value["t"]) if "t" in value else bytes.fromhex(value["b"])
