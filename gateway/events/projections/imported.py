"""Tickets of tills (POS) and orders of the past (IMPORT), as files of the brand's own systems tell of them.

A file may be imported again, corrected: an order that says the same changes nothing; one that says something else is
overwritten, and its facts are taken back and told anew, since the log is never edited.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol, Self, TypeVar

from sqlalchemy import bindparam, delete, select, update

from gateway.database.facts import Fact
from gateway.database.reading import chunks
from gateway.database.rows import AnyRow
from gateway.database.statements import insert_new
from gateway.database.tables.facts import fact
from gateway.database.tables.members import identity
from gateway.database.tables.projections import purchase, purchase_line
from gateway.events import labels
from gateway.events.erased import erased, unless_sealed
from gateway.events.projector import Batch, Evidence, Handle, Linked, Projector

TOOL = "import"
_CHUNK = 500
#: What an import tells of an order; other facts about it, such as a message sent, are not its own.
_KINDS = (
    *("order.created", "order.paid", "order.line", "order.closed", "order.completed", "pos.ticket", "refund.succeeded"),
)
_COMPARED = (
    *("form", "state", "list_total", "discount", "freight", "payable", "payer_paid", "refunded", "created_at"),
    *("paid_at", "store", "guide", "campaign", "scene", "method", "fulfilment_state", "receiver_city", "mchid"),
    *("out_trade_no", "transaction_id", "out_id"),
)


@dataclass(frozen=True, slots=True)
class Back:
    """Fen that returns had given back of an order before this batch, and with it."""

    before: int = 0
    now: int = 0


NOTHING: Mapping[str, Back] = {}


@dataclass(frozen=True, slots=True)
class ImportedLine:
    """A line; fen. ``paid`` is its share of what the order costs, so that the lines sum to the payable less freight."""

    sku: str
    title: str
    quantity: int
    list_amount: int
    discount: int
    paid: int
    category: str | None = None
    brand: str | None = None


@dataclass(frozen=True, slots=True)
class ImportedOrder:
    """An order or ticket. ``account`` names the system that numbered it; ``handles`` the customer, none if unknown."""

    source: str
    account: str
    number: str
    form: str
    state: str
    lines: tuple[ImportedLine, ...]
    list_total: int
    discount: int
    freight: int
    payable: int
    refunded: int
    created_at: datetime
    paid_at: datetime | None
    closed_at: datetime | None
    completed_at: datetime | None
    refunded_at: datetime | None
    method: str
    fulfilment_state: str
    handles: tuple[Handle, ...] = field(default=(), repr=False)
    store: str | None = None
    guide: str | None = None
    campaign: str | None = None
    scene: str | None = None
    receiver: str | None = field(default=None, repr=False)
    receiver_city: str | None = None
    mchid: str | None = None
    out_trade_no: str | None = None
    transaction_id: str | None = None
    out_id: str | None = None

    @property
    def id(self) -> str:
        """Its id in table purchase."""
        return f"{self.source}:{self.account}:{self.number}"

    @property
    def order(self) -> str:
        """The order that it is about: itself."""
        return self.id

    def anonymous(self) -> Self:
        """The same as nobody's."""
        return replace(self, handles=(), receiver=None, receiver_city=None)


class Record(Protocol):
    """What an order and the return of one have in common."""

    @property
    def source(self) -> str: ...
    @property
    def order(self) -> str: ...
    @property
    def handles(self) -> tuple[Handle, ...]: ...
    @property
    def created_at(self) -> datetime: ...

    def anonymous(self) -> Self: ...


R = TypeVar("R", bound=Record)
#: Whom the names of a record led to.
People = Mapping[tuple[Handle, ...], Linked]


def evidence(records: Sequence[Record]) -> list[Evidence]:
    """One Evidence per customer whom these records name, by the earliest of them."""
    first: dict[tuple[Handle, ...], Record] = {}
    for each in records:
        if each.handles and (each.handles not in first or each.created_at < first[each.handles].created_at):
            first[each.handles] = each
    return [
        Evidence(handles, f"{TOOL}.{each.source.lower()}", each.created_at, via="import")
        for handles, each in first.items()
    ]


def people(batch: Batch, records: Sequence[Record]) -> People:
    """Whom the records' names led to, in a batch that was opened with their ``evidence``."""
    return dict(zip((each.handles for each in evidence(records)), batch.linked, strict=True))


async def unless_erased(projector: Projector, records: Sequence[R]) -> list[R]:
    """The records without those of orders that an erasure has sealed; those from before their customer's erasure are
    nobody's."""
    records = await unless_sealed(projector.database, purchase.name, records, [(each.order,) for each in records])
    told = [Evidence(each.handles, TOOL, each.created_at) for each in records]
    return [
        each.anonymous() if gone else each for each, gone in zip(records, await erased(projector, told), strict=True)
    ]


async def write(
    batch: Batch, orders: Sequence[ImportedOrder], run: str, people: People, back: Mapping[str, Back] = NOTHING
) -> tuple[int, int]:
    """Write orders. Returns how many were new and how many changed.

    Of several with one number the last counts. ``run`` distinguishes the facts of a correction. ``back`` is what
    returns have given back of them besides what the orders themselves say.
    """
    last = {each.id: each for each in orders}
    stored = await _stored(batch, last)
    lines = await _stored_lines(batch, stored)
    new = [each for each in last.values() if each.id not in stored]
    changed = [
        each
        for each in last.values()
        if each.id in stored and not _same(each, people.get(each.handles), stored[each.id], lines[each.id], back)
    ]
    written = [*new, *changed]
    await _give_back(batch, {name: each for name, each in back.items() if name not in {e.id for e in written}})
    if not written:
        return 0, 0
    await batch.upsert(purchase, [_row(batch, each, people.get(each.handles), back) for each in written])
    for some in chunks([each.id for each in changed], _CHUNK):
        await batch.connection.execute(delete(purchase_line).where(purchase_line.c.purchase.in_(some)))
    rows = [_line(each, number, line) for each in written for number, line in enumerate(each.lines, 1)]
    await insert_new(batch.connection, purchase_line, rows, keys=("purchase", "line"))
    # Of a corrected order the customer may have been another one before.
    before = {row.identity for row in stored.values() if row.identity is not None}
    owners = [*(each.member for each in people.values()), *await _members(batch, before)]
    await labels.keep(batch.connection, owners)
    batch.facts += [told for each in new for told in _facts(each, people.get(each.handles), "")]
    batch.facts += await _taken_back(batch, changed, run)
    batch.facts += [told for each in changed for told in _facts(each, people.get(each.handles), f"@{run}")]
    return len(new), len(changed)


async def _give_back(batch: Batch, back: Mapping[str, Back]) -> None:
    """Add what returns have changed to orders that are not written anyway."""
    moved = [{"which": name, "more": each.now - each.before} for name, each in sorted(back.items())]
    moved = [each for each in moved if each["more"]]
    if moved:
        values = {"refunded": purchase.c.refunded + bindparam("more"), "changed_at": batch.now}
        await batch.connection.execute(
            update(purchase).where(purchase.c.id == bindparam("which")).values(values), moved
        )


async def _members(batch: Batch, identities: Iterable[str]) -> list[str | None]:
    """Whom these identities lead to."""
    found: list[str | None] = []
    for some in chunks(sorted(identities), _CHUNK):
        rows = await batch.connection.execute(select(identity.c.member).where(identity.c.id.in_(some)))
        found += rows.scalars()
    return found


async def _stored(batch: Batch, ids: Iterable[str]) -> dict[str, AnyRow]:
    found: dict[str, AnyRow] = {}
    for some in chunks(list(ids), _CHUNK):
        rows = await batch.connection.execute(select(purchase).where(purchase.c.id.in_(some)))
        found |= {row.id: row for row in rows}
    return found


async def _stored_lines(batch: Batch, ids: Iterable[str]) -> Mapping[str, list[tuple[Any, ...]]]:
    found: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for some in chunks(list(ids), _CHUNK):
        rows = await batch.connection.execute(
            select(purchase_line)
            .where(purchase_line.c.purchase.in_(some))
            .order_by(purchase_line.c.purchase, purchase_line.c.line)
        )
        for row in rows:
            found[row.purchase].append((row.sku, row.title, row.quantity, row.list_amount, row.discount, row.paid))
    return found


def _same(
    order: ImportedOrder, linked: Linked | None, row: AnyRow, lines: list[tuple[Any, ...]], back: Mapping[str, Back]
) -> bool:
    said = _values(order) | {"refunded": order.refunded + back.get(order.id, Back()).before}
    return (
        all(said[name] == getattr(row, name) for name in _COMPARED)
        and (linked.identity if linked else None) == row.identity
        and (order.receiver if linked else None) == (row.receiver or None)
        and [(e.sku, e.title, e.quantity, e.list_amount, e.discount, e.paid) for e in order.lines] == lines
    )


def _values(order: ImportedOrder) -> dict[str, Any]:
    return {name: getattr(order, name) for name in _COMPARED if name != "payer_paid"} | {
        "payer_paid": order.payable if order.paid_at is not None else None
    }


def _row(batch: Batch, order: ImportedOrder, linked: Linked | None, back: Mapping[str, Back]) -> dict[str, Any]:
    # Of an order that is nobody's no erasure could ever reach the receiver.
    sealed = None if linked is None else batch.seal(order.receiver, linked)
    return _values(order) | {
        "refunded": order.refunded + back.get(order.id, Back()).now,
        "id": order.id,
        "source": order.source,
        "account": order.account,
        "native_id": order.number,
        "identity": linked.identity if linked else None,
        "receiver": sealed,
        "updated_at": batch.as_of,
        "changed_at": batch.now,
    }


def _line(order: ImportedOrder, number: int, line: ImportedLine) -> dict[str, Any]:
    return {
        "purchase": order.id,
        "line": number,
        "sku": line.sku,
        "title": line.title,
        "quantity": line.quantity,
        "list_amount": line.list_amount,
        "discount": line.discount,
        "paid": line.paid,
    }


def _facts(order: ImportedOrder, linked: Linked | None, suffix: str) -> list[Fact]:
    """What is told of an order. ``suffix`` tells a correction from what was told first."""
    how = {"source": order.source, "form": order.form, "method": order.method}

    def told(kind: str, at: datetime, key: str = "", account: str | None = None, **more: Any) -> Fact:
        return Fact(
            kind=kind,
            occurred_at=at,
            source="import",
            source_key=(key or order.number) + suffix,
            account=order.account if account is None else account,
            tool=TOOL,
            member=linked.member if linked else None,
            identity=linked.identity if linked else None,
            store=order.store,
            guide=order.guide,
            campaign=order.campaign,
            order_ref=order.id,
            **more,
        )

    facts = []
    if order.source == "POS":
        pieces = sum(line.quantity for line in order.lines)
        facts.append(told("pos.ticket", order.created_at, amount_fen=order.payable, quantity=pieces))
    else:
        facts.append(told("order.created", order.created_at, amount_fen=order.payable, payload=how))
    if order.paid_at is not None:
        whole = how | {"payerPaid": order.payable, "discount": order.discount, "freight": order.freight}
        facts.append(told("order.paid", order.paid_at, amount_fen=order.payable, payload=whole))
        facts += [
            told(
                "order.line",
                order.paid_at,
                f"{order.number}:{number}",
                line=line.sku,
                amount_fen=line.paid,
                quantity=line.quantity,
                payload={"list": line.list_amount, "discount": line.discount}
                | {name: value for name, value in (("category", line.category), ("brand", line.brand)) if value},
            )
            for number, line in enumerate(order.lines, 1)
        ]
    if order.closed_at is not None:
        facts.append(told("order.closed", order.closed_at, amount_fen=order.payable))
    if order.completed_at is not None:
        facts.append(told("order.completed", order.completed_at, amount_fen=order.payable))
    if order.refunded and order.refunded_at is not None:
        facts.append(told("refund.succeeded", order.refunded_at, amount_fen=order.refunded))
    return facts + _payment(order, linked)


def _payment(order: ImportedOrder, linked: Linked | None) -> list[Fact]:
    """The money at 微信支付, under the key by which the bill tells of it too: whichever comes first stands."""
    if order.paid_at is None or not (order.mchid and order.transaction_id):
        return []
    return [
        Fact(
            kind="payment.captured",
            occurred_at=order.paid_at,
            source="import",
            source_key=order.transaction_id,
            account=order.mchid,
            tool="payments",
            member=linked.member if linked else None,
            identity=linked.identity if linked else None,
            order_ref=order.id,
            amount_fen=order.payable,
        )
    ]


async def _taken_back(batch: Batch, orders: Sequence[ImportedOrder], run: str) -> list[Fact]:
    """Reversals of what imports have told of these orders and not taken back yet."""
    reversals: list[Fact] = []
    for some in chunks([each.id for each in orders], _CHUNK):
        rows = (
            await batch.connection.execute(
                select(fact).where(
                    fact.c.order_ref.in_(some),
                    fact.c.kind.in_(_KINDS),
                    fact.c.source == "import",
                )
            )
        ).all()
        gone = {row.reversal_of for row in rows}
        # What a return has told of the order is the return's own.
        own = [row for row in rows if row.reversal_of is None and row.id not in gone and "ticket" not in row.payload]
        reversals += [reversal(row, run) for row in own]
    return reversals


def reversal(row: AnyRow, run: str) -> Fact:
    """What takes a fact of the log back."""
    return Fact(
        kind=row.kind,
        occurred_at=row.occurred_at,
        source="import",
        source_key=f"{row.id}@{run}",
        account=row.account,
        tool=row.tool,
        member=row.member,
        identity=row.identity,
        store=row.store,
        guide=row.guide,
        campaign=row.campaign,
        order_ref=row.order_ref,
        line=row.line,
        amount_fen=row.amount_fen,
        quantity=row.quantity,
        reason="CORRECTED",
        reversal_of=row.id,
        payload=row.payload,
    )
