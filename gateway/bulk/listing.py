"""What can be exported: rows in the order of a key, a page at a time, each with the member whom it is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from gateway.database.engine import Database
from gateway.database.rows import AnyRow
from gateway.database.tables.facts import fact
from gateway.database.tables.members import identity, member
from gateway.database.tables.projections import purchase
from gateway.database.types import UtcDateTime


@dataclass(frozen=True, slots=True)
class Found:
    """A row: its place in the order, its id, the member whom it is about, and what is known of it already.

    ``plain`` is None where the caller's selection says what to write.
    """

    place: Sequence[Any]
    id: str
    member: str | None
    plain: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """One exportable list. ``code`` is the type code of its nodes; ``selection`` what is written if none is given."""

    name: str
    statement: Select[Any]
    keys: tuple[ColumnElement[Any], ...]
    filters: Mapping[str, Callable[[Any], ColumnElement[bool]]]
    found: Callable[[AnyRow], Found]
    code: str | None = None
    type_name: str = ""
    selection: str = ""

    async def page(
        self, database: Database, filters: Mapping[str, Any], after: Sequence[Any] | None, limit: int
    ) -> list[Found]:
        """The rows behind a place."""
        statement = self._where(self.statement, filters).order_by(*self.keys).limit(limit)
        if after is not None:
            statement = statement.where(self._behind(after))
        return [self.found(row) for row in await database.fetch(statement)]

    async def count(self, database: Database, filters: Mapping[str, Any]) -> int:
        """How many rows there are now; more may come while they are written."""
        counted = self._where(self.statement, filters).with_only_columns(func.count())
        row = await database.one(counted)
        return 0 if row is None else int(row[0])

    def _where(self, statement: Select[Any], filters: Mapping[str, Any]) -> Select[Any]:
        for name, value in filters.items():
            statement = statement.where(self.filters[name](value))
        return statement

    def _behind(self, after: Sequence[Any]) -> ColumnElement[bool]:
        values = [
            datetime.fromisoformat(value) if isinstance(key.type, UtcDateTime) else value
            for key, value in zip(self.keys, after, strict=True)
        ]
        if len(self.keys) == 1:
            return self.keys[0] > values[0]
        # Not as tuples: their values would be bound without the columns' types, and SQLite keeps instants as numbers.
        first, second = self.keys
        return and_(first >= values[0], or_(first > values[0], second > values[1]))


def _instant(value: str) -> datetime:
    return datetime.fromisoformat(value)


def _member(row: AnyRow) -> Found:
    return Found((row.id,), row.id, row.id)


def _order(row: AnyRow) -> Found:
    return Found((row.created_at.isoformat(), row.id), row.id, row.member)


_FACT = (
    *(fact.c.id, fact.c.kind, fact.c.occurred_at, fact.c.recorded_at, fact.c.business_date, fact.c.tool),
    *(fact.c.account, fact.c.source, fact.c.store, fact.c.guide, fact.c.campaign, fact.c.ad, fact.c.order_ref),
    *(fact.c.line, fact.c.amount_fen, fact.c.quantity, fact.c.reason, fact.c.reversal_of, fact.c.payload),
)


_FACT_NAMES = tuple(str(column.name) for column in _FACT)


def _fact(row: AnyRow) -> Found:
    # A fact names the member of its time; the identity says who that is now.
    who = row.now or row.member
    plain = {name: getattr(row, name) for name in _FACT_NAMES} | {"member": who}
    return Found((row.recorded_at.isoformat(), row.id), row.id, who, plain)


LISTINGS: Final[Mapping[str, Listing]] = {
    listing.name: listing
    for listing in (
        Listing(
            "MEMBERS",
            select(member.c.id).where(member.c.merged_into.is_(None), member.c.erased_at.is_(None)),
            (member.c.id,),
            {
                "updated_after": lambda value: member.c.updated_at > _instant(value),
                "level": lambda value: member.c.level == value,
            },
            _member,
            code="mb",
            type_name="Member",
            selection="id outId name phone level { name } points { balance } joinedAt updatedAt",
        ),
        Listing(
            "ORDERS",
            select(purchase.c.id, purchase.c.created_at, identity.c.member).outerjoin(
                identity, identity.c.id == purchase.c.identity
            ),
            (purchase.c.created_at, purchase.c.id),
            {
                "from": lambda value: purchase.c.created_at >= _instant(value),
                "before": lambda value: purchase.c.created_at < _instant(value),
                "store": lambda value: purchase.c.store == value,
            },
            _order,
            code="or",
            type_name="Order",
            selection="id source form state payable { amount currency } createdAt "
            "items { title quantity paid { amount currency } sku { code } }",
        ),
        Listing(
            "FACTS",
            select(*_FACT, fact.c.member, identity.c.member.label("now")).outerjoin(
                identity, identity.c.id == fact.c.identity
            ),
            (fact.c.recorded_at, fact.c.id),
            {
                "from": lambda value: fact.c.recorded_at >= _instant(value),
                "before": lambda value: fact.c.recorded_at < _instant(value),
                "store": lambda value: fact.c.store == value,
            },
            _fact,
        ),
    )
}
