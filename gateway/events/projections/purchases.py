"""Own orders: placed through the gateway's checkout, in the brand's mini-programs. Their only writer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update

from gateway.database.facts import Fact, Source
from gateway.database.rows import AnyRow
from gateway.database.tables.members import identity
from gateway.database.tables.projections import coupon, payment, purchase, purchase_line
from gateway.database.tables.stock import coupon_lock
from gateway.events import labels
from gateway.events.projector import Batch, Linked

SOURCE = "MINI_PROGRAM"
TOOL = "mini_program_store"


@dataclass(frozen=True, slots=True)
class OwnLine:
    """A line of an own order, fen."""

    sku: str
    title: str
    quantity: int
    list_amount: int
    discount: int
    paid: int


@dataclass(frozen=True, slots=True)
class OwnOrder:
    """An order as it is placed. ``number`` is the out_trade_no too; ``guide`` is credited."""

    appid: str
    number: str
    saga: str
    mchid: str
    identity: str
    member: str
    lines: tuple[OwnLine, ...]
    list_total: int
    discount: int
    freight: int
    payable: int
    method: str
    store: str | None
    guide: str | None
    created_at: datetime

    @property
    def id(self) -> str:
        """Its id in table purchase."""
        return purchase_id(self.appid, self.number)


def purchase_id(appid: str, number: str) -> str:
    """Our id of an own order."""
    return f"{SOURCE}:{appid}:{number}"


async def placed(batch: Batch, order: OwnOrder, pickup_code: str | None) -> None:
    """An order that waits for its payment. The code is what the shopper shows in the store (提货码)."""
    home = await batch.connection.scalar(select(identity.c.home).where(identity.c.id == order.identity))
    code = batch.seal(pickup_code, Linked(order.identity, order.member, home))
    await batch.upsert(purchase, [_row(order) | {"pickup_code": code, "changed_at": batch.now}])
    await batch.connection.execute(
        purchase_line.insert(),
        [
            {
                "purchase": order.id,
                "line": number,
                "sku": each.sku,
                "title": each.title,
                "quantity": each.quantity,
                "list_amount": each.list_amount,
                "discount": each.discount,
                "paid": each.paid,
            }
            for number, each in enumerate(order.lines, 1)
        ],
    )
    row = await _read(batch, order.id)
    if order.store is not None:
        await labels.keep(batch.connection, [row.member])
    batch.facts.append(_fact(row, "order.created", order.created_at, amount_fen=order.payable, payload=_how(row)))


async def paid(
    batch: Batch, order_id: str, *, at: datetime, payer_paid: int, transaction_id: str | None, source: Source
) -> None:
    """The money is in; goods to be picked up are ready in the store."""
    row = await _read(batch, order_id)
    await _set(
        batch,
        order_id,
        state="PAID",
        paid_at=at,
        payer_paid=payer_paid,
        transaction_id=transaction_id,
        fulfilment_state="READY" if row.method == "PICKUP" else "PENDING",
    )
    batch.facts.append(
        _fact(
            row,
            "order.paid",
            at,
            source=source,
            amount_fen=row.payable,
            payload={**_how(row), "payerPaid": payer_paid, "discount": row.discount, "freight": row.freight},
        )
    )
    lines = await batch.connection.execute(
        select(purchase_line).where(purchase_line.c.purchase == order_id).order_by(purchase_line.c.line)
    )
    batch.facts += [
        _fact(
            row,
            "order.line",
            at,
            source=source,
            source_key=f"{row.native_id}:{each.line}",
            line=each.sku,
            amount_fen=each.paid,
            quantity=each.quantity,
            payload={"list": each.list_amount, "discount": each.discount},
        )
        for each in lines.all()
    ]


async def closed(batch: Batch, order_id: str, *, at: datetime, reason: str) -> None:
    """It will not be paid any more. ``reason`` EXPIRED, CANCELLED or FAILED."""
    row = await _read(batch, order_id)
    await _set(batch, order_id, state="CLOSED", fulfilment_state="CANCELLED")
    batch.facts.append(_fact(row, "order.closed", at, amount_fen=row.payable, reason=reason))


async def shipped(
    batch: Batch, order_id: str, *, at: datetime, method: str, carrier: str | None, tracking: str | None
) -> None:
    """All of it is on its way (发货); of several parcels the first one is named."""
    row = await _read(batch, order_id)
    await _set(
        batch,
        order_id,
        method=method,
        fulfilment_state="SHIPPED",
        shipped_at=at,
        carrier=carrier,
        tracking=tracking,
    )
    batch.facts.append(_fact(row, "order.shipped", at, payload={"method": method}))


async def reshipped(batch: Batch, order_id: str, *, method: str, carrier: str | None, tracking: str | None) -> None:
    """It is on its way otherwise than was told before (重新发货); since when stays as it was."""
    await _set(batch, order_id, method=method, carrier=carrier, tracking=tracking)


async def picked_up(batch: Batch, order_id: str, *, at: datetime, by: str) -> bool:
    """The goods were handed out in the store (提货核销); False, and nothing changed, when they did not lie ready."""
    now = batch.as_of
    statement = (
        update(purchase)
        .where(purchase.c.id == order_id, purchase.c.state == "PAID", purchase.c.fulfilment_state == "READY")
        .values(fulfilment_state="RECEIVED", updated_at=now, as_of=now, changed_at=batch.now)
    )
    if (await batch.connection.execute(statement)).rowcount == 0:
        return False
    await told(batch, order_id, "order.picked_up", at, order_id, payload={"by": by})
    return True


async def refunded(batch: Batch, mchid: str, numbers: Sequence[str]) -> None:
    """Take over what has gone back of these orders, as the projected payments sum it.

    They are locked by a statement of its own, so that the sums are those that are committed by then.
    """
    mine = (purchase.c.mchid == mchid, purchase.c.out_trade_no.in_(numbers), purchase.c.source == SOURCE)
    await batch.connection.execute(select(purchase.c.id).where(*mine).order_by(purchase.c.id).with_for_update())
    total = (
        select(payment.c.refunded)
        .where(payment.c.mchid == purchase.c.mchid, payment.c.out_trade_no == purchase.c.out_trade_no)
        .scalar_subquery()
    )
    now = batch.as_of
    await batch.connection.execute(
        update(purchase)
        .where(*mine)
        .values(refunded=func.coalesce(total, purchase.c.refunded), updated_at=now, as_of=now, changed_at=batch.now)
    )


async def locked(batch: Batch, order_id: str) -> AnyRow:
    """The order, which nobody else changes until the transaction ends."""
    statement = update(purchase).where(purchase.c.id == order_id).values(changed_at=batch.now).returning(*purchase.c)
    row: AnyRow = (await batch.connection.execute(statement)).one()
    return row


async def cancelled(batch: Batch, order_id: str, states: Sequence[str]) -> bool:
    """Nothing of it will be handed out any more; False, and nothing changed, when it stands in no such state."""
    now = batch.as_of
    statement = (
        update(purchase)
        .where(purchase.c.id == order_id, purchase.c.fulfilment_state.in_(states))
        .values(fulfilment_state="CANCELLED", updated_at=now, as_of=now, changed_at=batch.now)
    )
    return (await batch.connection.execute(statement)).rowcount == 1


async def coupon_returned(batch: Batch, order_id: str, mchid: str, stock_id: str, code: str, *, at: datetime) -> None:
    """The order's coupon is the shopper's again (退券)."""
    mine = (coupon.c.mchid == mchid, coupon.c.stock_id == stock_id, coupon.c.code == code)
    await batch.connection.execute(update(coupon).where(*mine).values(state="USABLE", used_at=None, as_of=batch.as_of))
    await batch.connection.execute(delete(coupon_lock).where(coupon_lock.c.purchase == order_id))
    await told(
        batch, order_id, "coupon.returned", at, f"{order_id}:{code}", account=mchid, tool="payments",
        payload={"stock": stock_id},
    )  # fmt: skip


async def told(batch: Batch, order_id: str, kind: str, at: datetime, key: str, **more: Any) -> None:
    """A further fact about an own order, with its people and places filled in; ``more`` overrides them."""
    row = await _read(batch, order_id)
    batch.facts.append(_fact(row, kind, at, source_key=key, **more))


async def _read(batch: Batch, order_id: str) -> AnyRow:
    """The order with the member whom its buyer is now."""
    statement = (
        select(purchase, identity.c.member)
        .join(identity, identity.c.id == purchase.c.identity)
        .where(purchase.c.id == order_id)
    )
    row: AnyRow = (await batch.connection.execute(statement)).one()
    return row


async def _set(batch: Batch, order_id: str, **values: Any) -> None:
    now = batch.as_of
    await batch.connection.execute(
        update(purchase)
        .where(purchase.c.id == order_id)
        .values(updated_at=now, as_of=now, changed_at=batch.now, **values)
    )


def _row(order: OwnOrder) -> dict[str, Any]:
    return {
        "id": order.id,
        "source": SOURCE,
        "account": order.appid,
        "native_id": order.number,
        "form": "GUIDE" if order.guide else "FLAGSHIP",
        "state": "UNPAID",
        "identity": order.identity,
        "list_total": order.list_total,
        "discount": order.discount,
        "freight": order.freight,
        "payable": order.payable,
        "payer_paid": None,
        "refunded": 0,
        "created_at": order.created_at,
        "updated_at": order.created_at,
        "store": order.store,
        "guide": order.guide,
        "method": order.method,
        "fulfilment_state": "PENDING",
        "mchid": order.mchid,
        "out_trade_no": order.number,
        "saga": order.saga,
    }


def _how(row: AnyRow) -> Mapping[str, Any]:
    return {"source": row.source, "form": row.form, "method": row.method}


def _fact(
    row: AnyRow, kind: str, at: datetime, *, source: Source = "own", source_key: str | None = None, **more: Any
) -> Fact:
    values: dict[str, Any] = {
        "account": row.account,
        "tool": TOOL,
        "member": row.member,
        "identity": row.identity,
        "store": row.store,
        "guide": row.guide,
        "campaign": row.campaign,
        "order_ref": row.id,
    }
    return Fact(kind=kind, occurred_at=at, source=source, source_key=source_key or row.native_id, **{**values, **more})
