"""What a person's facts add up to, kept in the transaction that appends them.

``ADDS`` is the one place that says which kind of fact adds what (docs/ledger.md shows it). All of it is sums, the
earliest and the latest, so facts may come late, in any order and from any number of processes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database.clock import BUSINESS_ZONE
from gateway.database.rows import AnyRow
from gateway.database.statements import insert_columns
from gateway.database.tables.ledger import identity_total, member_total

if TYPE_CHECKING:
    from gateway.database.facts import Fact


@dataclass(frozen=True, slots=True)
class Adds:
    """What one fact of a kind adds to its person's totals."""

    #: One order and its ``amount_fen`` to the spend; its instant is the order's.
    order: bool = False
    #: One refund and its ``amount_fen``, where it names an order: what was never spend is not taken from it. A
    #: completed after-sale of nothing, such as an exchange, is none.
    refund: bool = False
    #: Its instant is one at which the person was seen at the fact's tool.
    seen: bool = False


_SEEN = Adds(seen=True)

#: Kinds that are not here add nothing. A payment is the money of an order and never counted beside it.
ADDS: Final[Mapping[str, Adds]] = {
    "order.paid": Adds(order=True, seen=True),
    "refund.succeeded": Adds(refund=True),
    "after_sale.completed": Adds(refund=True),
    "ad.click": _SEEN,
    "after_sale.changed": _SEEN,
    "contact.added": _SEEN,
    "contact.deleted_by_customer": _SEEN,
    "coupon.received": _SEEN,
    "coupon.used": _SEEN,
    "file.stored": _SEEN,
    "follow": _SEEN,
    "group.joined": _SEEN,
    "group.left": _SEEN,
    "lead": _SEEN,
    "mini_program.authorised": _SEEN,
    "mini_program.visit": _SEEN,
    "order.created": _SEEN,
    "order.picked_up": _SEEN,
    "payment.captured": _SEEN,
    "phone.bound": _SEEN,
    "pos.ticket": _SEEN,
    "qr.scan": _SEEN,
    "unfollow": _SEEN,
    "web_page.authorised": _SEEN,
}


@dataclass(slots=True)
class Sums:
    """One person's month at one tool. Money in fen."""

    orders: int = 0
    spend: int = 0
    refunds: int = 0
    refunded: int = 0
    first_order_at: datetime | None = None
    last_order_at: datetime | None = None
    seen_at: datetime | None = None

    def add(self, each: Fact | AnyRow) -> None:
        """Count one fact, given as such or as a row of the log. One that reverses another takes its count and amount
        back, and leaves the instants."""
        adds, amount, occurred_at = ADDS[each.kind], each.amount_fen or 0, each.occurred_at
        reversal = each.reversal_of is not None
        sign = -1 if reversal else 1
        if adds.order:
            self.orders += sign
            self.spend += sign * amount
            if not reversal:
                self.first_order_at = min(self.first_order_at or occurred_at, occurred_at)
                self.last_order_at = max(self.last_order_at or occurred_at, occurred_at)
        if adds.refund and amount and each.order_ref is not None:
            self.refunds += sign
            self.refunded += sign * amount
        if adds.seen and not reversal:
            self.seen_at = max(self.seen_at or occurred_at, occurred_at)


#: (identity or member, month as yyyymm, tool or empty).
Key = tuple[str, int, str]


def month_of(at: datetime) -> int:
    """The business month of an instant, as yyyymm."""
    day = at.astimezone(BUSINESS_ZONE)
    return day.year * 100 + day.month


async def add_facts(connection: AsyncConnection, facts: Iterable[Fact]) -> None:
    """Add facts that are new in the log to the totals: one statement for identities, one for bare members."""
    by_identity: dict[Key, Sums] = {}
    by_member: dict[Key, Sums] = {}
    for each in facts:
        if each.kind not in ADDS or each.is_test:
            continue
        kept, subject = (by_identity, each.identity) if each.identity is not None else (by_member, each.member)
        if subject is None:
            continue
        key = (subject, month_of(each.occurred_at), each.tool or "")
        sums = kept.get(key)
        if sums is None:
            sums = kept[key] = Sums()
        sums.add(each)
    await add_sums(connection, identity_total, by_identity)
    await add_sums(connection, member_total, by_member)


async def add_sums(connection: AsyncConnection, table: Table, sums: Mapping[Key, Sums]) -> None:
    """Add to the stored rows of identity_total or member_total. In order of key, so that two writers never
    wait for each other."""
    keys = sorted(sums)
    if not keys:
        return
    values = [sums[key] for key in keys]
    subject = next(iter(table.primary_key)).name
    columns: dict[str, Sequence[Any]] = {
        subject: [key[0] for key in keys],
        "month": [key[1] for key in keys],
        "tool": [key[2] for key in keys],
    }
    columns |= {name: [getattr(each, name) for each in values] for name in Sums.__slots__}
    await insert_columns(connection, table, columns, conflict=_ADD[table.name])


def _adding(table: Table) -> str:
    name = table.name
    added = [f"{column} = {name}.{column} + excluded.{column}" for column in ("orders", "spend", "refunds", "refunded")]
    kept = [
        f"{column} = CASE WHEN {name}.{column} IS NULL OR excluded.{column} {sign} {name}.{column}"
        f" THEN excluded.{column} ELSE {name}.{column} END"
        for column, sign in (("first_order_at", "<"), ("last_order_at", ">"), ("seen_at", ">"))
    ]
    keys = ", ".join(column.name for column in table.primary_key)
    return f" ON CONFLICT ({keys}) DO UPDATE SET {', '.join(added + kept)}"


_ADD: Final = {table.name: _adding(table) for table in (identity_total, member_total)}
