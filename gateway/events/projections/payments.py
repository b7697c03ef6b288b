"""Payments, refunds and merchant coupons (微信支付订单、退款、商家券)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.payments import BillRow, Coupon, Payment, Refund
from gateway.database.facts import Fact, Source
from gateway.database.tables.members import identity
from gateway.database.tables.projections import coupon, payment, purchase, refund
from gateway.events.erased import erased, owners, unless_erased, unless_sealed
from gateway.events.kinds import normal
from gateway.events.projector import Batch, Evidence, Handle, Linked, Projector, whole_second

TOOL = "payments"


async def bill(projector: Projector, rows: Sequence[BillRow]) -> int:
    """One day's trade bill: payments, among them those made at a till (付款码), and refunds."""
    paid = [row for row in rows if row.kind == "PAYMENT"]
    keys = [(row.mchid, row.out_trade_no) for row in paid]
    paid = await unless_sealed(projector.database, payment.name, paid, keys)
    returned = [row for row in rows if row.kind == "REFUND"]
    evidence = [
        Evidence(
            _payer(projector, row.appid, row.payer_openid),
            f"{TOOL}.trade_bill",
            row.at,
            via="bill",
        )
        for row in paid
    ]
    # A bill tells how things stood on its day: what a query or a notification said later, stays.
    gone = await erased(projector, evidence)
    evidence = [each for each, out in zip(evidence, gone, strict=True) if not out]
    last = max((whole_second(row.at) for row in rows), default=None)
    async with projector.batch(evidence, as_of=last) as batch:
        pairs = list(zip(paid, owners(batch.linked, gone), strict=True))
        wrote = await batch.upsert(
            payment,
            [_bill_payment(row, linked) for row, linked in pairs],
            # A bill knows less than a query: it must not forget which order was paid.
            insert_only=("purchase", "refunded", "sub_mchid"),
        )
        wrote += await batch.upsert(refund, [_bill_refund(row) for row in returned])
        buyers = await _buyers(batch, [row.out_trade_no for row in returned])
        batch.facts += [_captured(row, linked) for row, linked in pairs]
        batch.facts += [
            _refunded(row, buyers.get((row.mchid, row.out_trade_no), _NOBODY))
            for row in returned
            if row.refund_state == "SUCCESS"
        ]
        await _sum_refunds(batch, {(row.mchid, row.out_trade_no) for row in rows})
        return wrote


async def paid(projector: Projector, record: Payment, purchase: str | None, *, source: Source) -> None:
    """One payment as a notification or a query shows it. ``purchase`` is our order, if it is ours."""
    await all_paid(projector, [record], {record.out_trade_no: purchase}, source=source)


async def all_paid(
    projector: Projector, records: Sequence[Payment], orders: Mapping[str, str | None], *, source: Source
) -> None:
    """Payments of one mchid, each number once. ``orders`` maps a number to our order, if it is ours."""
    keys = [(each.mchid, each.out_trade_no) for each in records]
    records = await unless_sealed(projector.database, payment.name, records, keys)
    now = projector.clock.now()
    shown = [each for each in records if each.payer_openid]
    evidence = [
        Evidence(_payer(projector, each.appid, each.payer_openid), f"{TOOL}.payment", each.paid_at or now, via=source)
        for each in shown
    ]
    shown, evidence = await unless_erased(projector, shown, evidence)
    async with projector.batch(evidence) as batch:
        payers = {each.out_trade_no: linked for each, linked in zip(shown, batch.linked, strict=True)}
        rows = [
            _payment(each, payers.get(each.out_trade_no), orders.get(each.out_trade_no), now)
            # A notification is true for when it was paid: it knows less than the bill, and nothing of refunds.
            | {"as_of": whole_second(each.paid_at) if source == "webhook" and each.paid_at else batch.as_of}
            for each in records
        ]
        await batch.upsert(payment, rows, insert_only=("refunded", "description", "purchase"))
        for each in records:
            await _of_order(batch, each, orders.get(each.out_trade_no))
            payer = payers.get(each.out_trade_no)
            if each.paid_at is not None and payer is not None:
                batch.facts.append(_paid_fact(each, each.paid_at, payer, orders.get(each.out_trade_no), source))


def _payment(record: Payment, linked: Linked | None, order: str | None, now: datetime) -> dict[str, object]:
    return {
        "mchid": record.mchid,
        "out_trade_no": record.out_trade_no,
        "transaction_id": record.transaction_id,
        "appid": record.appid,
        "identity": linked.identity if linked else None,
        "state": record.state.name,
        "trade_type": record.trade_type,
        "total": record.total,
        "payer_total": record.payer_total,
        "refunded": 0,
        "paid_at": record.paid_at,
        "at": record.paid_at or now,
        "description": "",
        "purchase": order,
    }


def _paid_fact(record: Payment, at: datetime, payer: Linked, order: str | None, source: Source) -> Fact:
    return Fact(
        kind="payment.captured",
        occurred_at=at,
        source=source,
        source_key=record.transaction_id,
        account=record.mchid,
        tool=TOOL,
        member=payer.member,
        identity=payer.identity,
        order_ref=order,
        amount_fen=record.total,
        payload={
            "outTradeNo": record.out_trade_no,
            "payerTotal": record.payer_total,
            "tradeType": record.trade_type,
        },
    )


async def _of_order(batch: Batch, record: Payment, order: str | None) -> None:
    """Which order was paid is known to us alone, whatever was read of the payment before."""
    if order is not None:
        await batch.connection.execute(
            update(payment)
            .where(payment.c.mchid == record.mchid, payment.c.out_trade_no == record.out_trade_no)
            .values(purchase=order)
        )


async def refunded(projector: Projector, records: Sequence[Refund], *, source: Source) -> None:
    """Refunds as notifications or queries show them. One that has succeeded goes on having succeeded."""
    async with projector.batch() as batch:
        done = await batch.connection.execute(
            select(refund.c.mchid, refund.c.out_refund_no).where(
                refund.c.out_refund_no.in_([each.out_refund_no for each in records]), refund.c.state == "SUCCESS"
            )
        )
        over = {(row.mchid, row.out_refund_no) for row in done}
        await batch.upsert(
            refund,
            [
                {
                    "mchid": each.mchid,
                    "out_refund_no": each.out_refund_no,
                    "out_trade_no": each.out_trade_no,
                    "refund_id": each.refund_id,
                    "state": each.state.name,
                    "amount": each.amount,
                    "succeeded_at": each.succeeded_at,
                }
                for each in records
                if each.succeeded_at is not None or (each.mchid, each.out_refund_no) not in over
            ],
        )
        await _sum_refunds(batch, {(each.mchid, each.out_trade_no) for each in records})
        buyers = await _buyers(batch, [each.out_trade_no for each in records])
        batch.facts += [
            _refunded_fact(each, each.succeeded_at, buyers.get((each.mchid, each.out_trade_no), _NOBODY), source)
            for each in records
            if each.succeeded_at is not None
        ]


def _refunded_fact(record: Refund, at: datetime, buyer: _Buyer, source: Source) -> Fact:
    return Fact(
        kind="refund.succeeded",
        occurred_at=at,
        source=source,
        source_key=record.refund_id,
        account=record.mchid,
        tool=TOOL,
        identity=buyer[0],
        order_ref=buyer[1],
        amount_fen=record.amount,
        payload={"outTradeNo": record.out_trade_no},
    )


async def refund_requested(batch: Batch, mchid: str, out_trade_no: str, out_refund_no: str, amount: int) -> None:
    """A refund that the gateway is about to ask for: REQUESTED until the platform says more."""
    row = {
        "mchid": mchid,
        "out_refund_no": out_refund_no,
        "out_trade_no": out_trade_no,
        "refund_id": "",
        "state": "REQUESTED",
        "amount": amount,
        "succeeded_at": None,
    }
    await batch.upsert(refund, [row])


async def refund_given_up(batch: Batch, mchid: str, out_refund_no: str) -> None:
    """A refund that the platform never got: it holds no money of its order any more."""
    mine = (refund.c.mchid == mchid, refund.c.out_refund_no == out_refund_no, refund.c.state == "REQUESTED")
    await batch.connection.execute(update(refund).where(*mine).values(state="CLOSED", as_of=batch.as_of))


async def without(connection: AsyncConnection, identities: Sequence[str], purchases: Sequence[str]) -> None:
    """After an erasure: what somebody paid of other people's orders stays with those, without the payer."""
    await connection.execute(update(payment).where(payment.c.identity.in_(identities)).values(identity=None))
    await connection.execute(update(payment).where(payment.c.purchase.in_(purchases)).values(purchase=None))


async def apps_of(projector: Projector, openid: str, appids: Sequence[str]) -> Sequence[str]:
    """In which of these apps somebody is known by an openid: an event may name it without its app."""
    hashed = projector.database.keyring.hash(normal("OPENID", openid), "identity")
    rows = await projector.database.fetch(
        select(identity.c.issuer).where(
            identity.c.kind == "OPENID", identity.c.issuer.in_(appids), identity.c.value_hash == hashed
        )
    )
    return [row.issuer for row in rows]


async def coupons(projector: Projector, records: Sequence[Coupon], *, source: Source = "poll") -> int:
    """Coupons of shoppers, as the platform lists them."""
    evidence = [
        Evidence(
            projector.handles(appid=each.appid, openid=each.openid, unionid=None),
            f"{TOOL}.user_coupons",
            each.received_at,
        )
        for each in records
    ]
    records, evidence = await unless_erased(projector, records, evidence)
    async with projector.batch(evidence) as batch:
        pairs = list(zip(records, batch.linked, strict=True))
        batch.facts += [_coupon_fact(each, linked, source) for each, linked in pairs]
        return await batch.upsert(coupon, [_coupon(each, linked) for each, linked in pairs])


def _payer(projector: Projector, appid: str, openid: str) -> tuple[Handle, ...]:
    """Whoever pays may pay for another (代付, gifts): the openid is the payer's own, and is joined with nobody else."""
    return projector.handles(appid=appid, openid=openid, unionid=None)


#: (identity, order)
_Buyer = tuple[str | None, str | None]
_NOBODY: _Buyer = (None, None)


async def _buyers(batch: Batch, numbers: Sequence[str]) -> dict[tuple[str, str], _Buyer]:
    """Whose refunds these payments' are, as far as it is known: the order's buyer, else who paid (a gift: 代付)."""
    found = await batch.connection.execute(
        select(
            payment.c.mchid,
            payment.c.out_trade_no,
            payment.c.purchase,
            func.coalesce(purchase.c.identity, payment.c.identity).label("buyer"),
        )
        .join(purchase, purchase.c.id == payment.c.purchase, isouter=True)
        .where(payment.c.out_trade_no.in_(numbers))
    )
    return {(row.mchid, row.out_trade_no): (row.buyer, row.purchase) for row in found}


async def _sum_refunds(batch: Batch, keys: set[tuple[str, str]]) -> None:
    """Keep the payments' refunded totals; only money that has gone back counts.

    The payments are locked by a statement of its own: a sum that began before another refund of the same payment was
    committed would not have it, also where it waits for the row.
    """
    by_mchid: dict[str, list[str]] = defaultdict(list)
    for mchid, number in keys:
        by_mchid[mchid].append(number)
    for mchid, numbers in by_mchid.items():
        total = (
            select(func.coalesce(func.sum(refund.c.amount), 0))
            .where(
                refund.c.mchid == payment.c.mchid,
                refund.c.out_trade_no == payment.c.out_trade_no,
                refund.c.state == "SUCCESS",
            )
            .scalar_subquery()
        )
        mine = (payment.c.mchid == mchid, payment.c.out_trade_no.in_(numbers))
        locking = select(payment.c.out_trade_no).where(*mine).order_by(payment.c.out_trade_no).with_for_update()
        await batch.connection.execute(locking)
        await batch.connection.execute(update(payment).where(*mine).values(refunded=total))


def _bill_payment(row: BillRow, linked: Linked | None) -> dict[str, object]:
    return {
        "mchid": row.mchid,
        "out_trade_no": row.out_trade_no,
        "transaction_id": row.transaction_id,
        "sub_mchid": None,
        "appid": row.appid,
        "identity": linked.identity if linked else None,
        "state": row.state,
        "trade_type": row.trade_type,
        "total": row.total,
        "payer_total": row.settlement,
        "refunded": 0,
        "paid_at": row.at,
        "at": row.at,
        "description": row.description,
        "purchase": None,
    }


def _bill_refund(row: BillRow) -> dict[str, object]:
    return {
        "mchid": row.mchid,
        "out_refund_no": row.out_refund_no,
        "out_trade_no": row.out_trade_no,
        "refund_id": row.refund_id,
        "state": row.refund_state,
        "amount": row.refund_amount,
        "succeeded_at": row.at if row.refund_state == "SUCCESS" else None,
    }


def _captured(row: BillRow, linked: Linked | None) -> Fact:
    return Fact(
        kind="payment.captured",
        occurred_at=row.at,
        source="bill",
        source_key=row.transaction_id,
        account=row.mchid,
        tool=TOOL,
        member=linked.member if linked else None,
        identity=linked.identity if linked else None,
        amount_fen=row.total,
        payload={"outTradeNo": row.out_trade_no, "payerTotal": row.settlement, "tradeType": row.trade_type},
    )


def _refunded(row: BillRow, buyer: _Buyer) -> Fact:
    return Fact(
        kind="refund.succeeded",
        occurred_at=row.at,
        source="bill",
        source_key=row.refund_id,
        account=row.mchid,
        tool=TOOL,
        identity=buyer[0],
        order_ref=buyer[1],
        amount_fen=row.refund_amount,
        payload={"outTradeNo": row.out_trade_no},
    )


def _coupon(record: Coupon, linked: Linked) -> dict[str, object]:
    return {
        "mchid": record.mchid,
        "stock_id": record.stock_id,
        "code": record.code,
        "identity": linked.identity,
        "name": record.name,
        "state": record.state.name,
        "discount": record.discount,
        "minimum": record.minimum,
        "received_at": record.received_at,
        "starts_at": record.starts_at,
        "expires_at": record.expires_at,
        "used_at": record.used_at,
    }


def _coupon_fact(record: Coupon, linked: Linked, source: Source) -> Fact:
    return Fact(
        kind="coupon.received",
        occurred_at=record.received_at,
        source=source,
        source_key=record.code,
        account=record.mchid,
        tool=TOOL,
        member=linked.member,
        identity=linked.identity,
        amount_fen=record.discount,
        payload={"stock": record.stock_id, "name": record.name},
    )
