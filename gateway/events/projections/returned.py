"""Goods that a shop took back (退货小票): return tickets of tills, as files tell of them.

A return is an after-sale of the order that it names and a fact ``refund.succeeded`` of that order's buyer. One that
names none, as a till without a scanner writes it, is a refund all the same, of an order that only it is about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Self

from sqlalchemy import delete, func, select

from gateway.database.facts import Fact
from gateway.database.reading import chunks
from gateway.database.rows import AnyRow
from gateway.database.tables.facts import fact
from gateway.database.tables.members import identity
from gateway.database.tables.projections import after_sale, purchase
from gateway.events.projections.imported import (
    TOOL,
    Back,
    ImportedLine,
    ImportedOrder,
    People,
    reversal,
)
from gateway.events.projector import Batch, Handle, Linked

SOURCE: Final = "POS"


@dataclass(frozen=True, slots=True)
class ImportedReturn:
    """A return ticket; amounts and pieces without the sign, in fen. ``original`` is the number of the ticket of sale,
    ``refund_id`` 微信支付's number where the money went back there."""

    account: str
    number: str
    original: str | None
    lines: tuple[ImportedLine, ...]
    amount: int
    created_at: datetime
    handles: tuple[Handle, ...] = field(default=(), repr=False)
    store: str | None = None
    guide: str | None = None
    campaign: str | None = None
    mchid: str | None = None
    refund_id: str | None = None
    source: str = SOURCE

    @property
    def ticket(self) -> str:
        """Our name for it."""
        return f"{SOURCE}:{self.account}:{self.number}"

    @property
    def order(self) -> str:
        """The order that it is about: the original's id in table purchase, or its own name."""
        return self.ticket if self.original is None else f"{SOURCE}:{self.account}:{self.original}"

    @property
    def key(self) -> tuple[str, str]:
        """Its primary key in table after_sale, where stores' after-sales have an appid."""
        return f"{SOURCE}:{self.account}", self.number

    def anonymous(self) -> Self:
        """The same as nobody's."""
        return replace(self, handles=())


async def write(
    batch: Batch, returns: Sequence[ImportedReturn], orders: Sequence[ImportedOrder], run: str, people: People
) -> tuple[int, int, Mapping[str, Back]]:
    """Write returns, of which some may be of ``orders`` that the same batch will write.

    Returns how many were new, how many changed, and what has gone back of each order before and by now.
    """
    last = {each.key: each for each in returns}
    stored = await _stored(batch, [*last])
    touched = {each.id for each in orders} | {each.order for each in last.values()}
    before = await _sums(batch, sorted(touched | {row.purchase for row in stored.values()}))
    told = await _told(batch, {row.purchase for row in stored.values()})
    buyers = await _buyers(batch, last.values(), {each.id: people.get(each.handles) for each in orders}, people)
    new = [each for key, each in last.items() if key not in stored]
    changed = [
        each
        for key, each in last.items()
        if key in stored and not _same(each, buyers[each.ticket], stored[key], told.get(each.ticket))
    ]
    moved = Counter(before)
    for each in changed:
        moved[stored[each.key].purchase] -= stored[each.key].refund
        await batch.connection.execute(
            delete(after_sale).where(after_sale.c.appid == each.key[0], after_sale.c.after_sale_id == each.key[1])
        )
    for each in (*new, *changed):
        moved[each.order] += each.amount
    await batch.upsert(after_sale, [_row(each) for each in (*new, *changed)])
    batch.facts += [_fact(each, buyers[each.ticket], "") for each in new]
    batch.facts += [reversal(told[each.ticket], run) for each in changed if each.ticket in told]
    batch.facts += [_fact(each, buyers[each.ticket], f"@{run}") for each in changed]
    back = {name: Back(before.get(name, 0), moved[name]) for name in {*before, *moved}}
    return len(new), len(changed), back


def _same(ticket: ImportedReturn, buyer: Linked | None, row: AnyRow, told: AnyRow | None) -> bool:
    if (row.purchase, row.refund, row.created_at) != (ticket.order, ticket.amount, ticket.created_at):
        return False
    if told is None:
        # The bill told of the refund first, and knows no lines.
        return bool(row.quantity == _pieces(ticket))
    whose = buyer is None or told.identity == buyer.identity
    where = (told.store, told.guide, told.campaign) == (ticket.store, ticket.guide, ticket.campaign)
    return whose and where and told.payload.get("lines") == _lines(ticket)


async def _stored(batch: Batch, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], AnyRow]:
    found: dict[tuple[str, str], AnyRow] = {}
    for appid in sorted({appid for appid, _ in keys}):
        for some in chunks(number for each, number in keys if each == appid):
            where = (after_sale.c.appid == appid) & after_sale.c.after_sale_id.in_(some)
            rows = await batch.connection.execute(select(after_sale).where(where))
            found |= {(row.appid, row.after_sale_id): row for row in rows}
    return found


async def _sums(batch: Batch, orders: Sequence[str]) -> dict[str, int]:
    """What the returns that are stored have given back of each order."""
    found: dict[str, int] = {}
    for some in chunks(orders):
        rows = await batch.connection.execute(
            select(after_sale.c.purchase, func.sum(after_sale.c.refund).label("sum"))
            .where(after_sale.c.purchase.in_(some))
            .group_by(after_sale.c.purchase)
        )
        found |= {row.purchase: int(row.sum) for row in rows}
    return found


async def _told(batch: Batch, orders: set[str]) -> dict[str, AnyRow]:
    """The facts by which returns of these orders were told and that stand, by ticket."""
    found: dict[str, AnyRow] = {}
    for some in chunks(sorted(orders)):
        where = fact.c.order_ref.in_(some) & (fact.c.kind == "refund.succeeded") & (fact.c.tool == TOOL)
        rows = (await batch.connection.execute(select(fact).where(where).order_by(fact.c.id))).all()
        gone = {row.reversal_of for row in rows}
        standing = [row for row in rows if row.reversal_of is None and row.id not in gone]
        found |= {row.payload["ticket"]: row for row in standing if "ticket" in row.payload}
    return found


async def _buyers(
    batch: Batch, returns: Any, sold: Mapping[str, Linked | None], people: People
) -> dict[str, Linked | None]:
    """Whose each return is: the buyer of its order where that is known, else whom the return itself names."""
    known: dict[str, Linked | None] = {}
    for some in chunks({each.order for each in returns} - {*sold}):
        rows = await batch.connection.execute(
            select(purchase.c.id, purchase.c.identity, identity.c.member, identity.c.home)
            .join(identity, identity.c.id == purchase.c.identity, isouter=True)
            .where(purchase.c.id.in_(some))
        )
        known |= {row.id: None if row.identity is None else Linked(row.identity, row.member, row.home) for row in rows}
    known |= sold
    return {each.ticket: known.get(each.order, people.get(each.handles)) for each in returns}


def _pieces(ticket: ImportedReturn) -> int:
    return sum(line.quantity for line in ticket.lines)


def _lines(ticket: ImportedReturn) -> list[dict[str, Any]]:
    return [{"sku": line.sku, "quantity": line.quantity, "paid": line.paid} for line in ticket.lines]


def _row(ticket: ImportedReturn) -> dict[str, Any]:
    appid, number = ticket.key
    return {
        "appid": appid,
        "after_sale_id": number,
        "purchase": ticket.order,
        "kind": "RETURN",
        "state": "SUCCEEDED",
        "reason": SOURCE,
        "sku": ticket.lines[0].sku,
        "quantity": _pieces(ticket),
        "refund": ticket.amount,
        "created_at": ticket.created_at,
        "updated_at": ticket.created_at,
    }


def _fact(ticket: ImportedReturn, buyer: Linked | None, suffix: str) -> Fact:
    """The refund. Under 微信支付's own number it is told once, whether the bill or the file comes first."""
    at_wechat = bool(ticket.mchid and ticket.refund_id)
    return Fact(
        kind="refund.succeeded",
        occurred_at=ticket.created_at,
        source="import",
        source_key=str(ticket.refund_id) if at_wechat else f"return:{ticket.number}{suffix}",
        account=str(ticket.mchid) if at_wechat else ticket.account,
        tool="payments" if at_wechat else TOOL,
        member=buyer.member if buyer else None,
        identity=buyer.identity if buyer else None,
        store=ticket.store,
        guide=ticket.guide,
        campaign=ticket.campaign,
        order_ref=ticket.order,
        amount_fen=ticket.amount,
        quantity=_pieces(ticket),
        reason="RETURN",
        payload={"ticket": ticket.ticket, "lines": _lines(ticket)},
    )
