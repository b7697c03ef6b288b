"""微信小店: products, orders, after-sales, membership cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import case, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.mini_program_store import AfterSale, Order, Product, ProductDraft, VipMember
from gateway.database.facts import Fact, Source
from gateway.database.tables.projections import (
    after_sale,
    membership_card,
    offer,
    product,
    product_draft,
    purchase,
    purchase_line,
)
from gateway.events.erased import erased, owners, unless_erased, unless_sealed
from gateway.events.projections import standing
from gateway.events.projector import Batch, Evidence, Handle, Linked, Projector, phone_handle

TOOL = "mini_program_store"


async def products(projector: Projector, records: Sequence[Product]) -> int:
    """Products with their variants and the platform's own stock."""
    async with projector.batch() as batch:
        wrote = await batch.upsert(
            product,
            [
                {
                    "appid": each.appid,
                    "product_id": each.product_id,
                    "spu": each.spu,
                    "title": each.title,
                    "image": each.image,
                    "category": each.category,
                    "on_sale": each.on_sale,
                }
                for each in records
            ],
        )
        await batch.upsert(
            offer,
            [
                {
                    "appid": each.appid,
                    "sku_id": sku.sku_id,
                    "product_id": each.product_id,
                    "sku": sku.code,
                    "attributes": [list(pair) for pair in sku.attributes],
                    "price": sku.price,
                    "platform_stock": sku.stock,
                }
                for each in records
                for sku in each.skus
            ],
        )
        return wrote


async def drafts(
    projector: Projector,
    appid: str,
    found: Mapping[str, ProductDraft | None],
    *,
    reasons: Mapping[str, str] | None = None,
    facts: Sequence[Fact] = (),
) -> None:
    """Drafts by their products' numbers; None where a product has none that shoppers do not see: it has passed.

    ``reasons`` are what audits said that were just refused; a draft keeps its reason until it is written anew.
    """
    reasons = reasons or {}
    async with projector.batch() as batch:
        rows = [_draft(appid, number, each) for number, each in found.items() if each is not None]
        await batch.upsert(product_draft, rows)
        for number, reason in reasons.items():
            await _change_draft(batch, appid, number, reason=reason)
        for number in sorted(number for number, each in found.items() if each is None):
            await _change_draft(batch, appid, number, state="PASSED", reason=None)
        batch.facts += facts


def _draft(appid: str, number: str, draft: ProductDraft) -> dict[str, object]:
    return {
        "appid": appid,
        "product_id": number,
        "spu": draft.spu,
        "title": draft.title,
        "state": draft.state.value,
        "skus": [[sku.code, [list(pair) for pair in sku.attributes], sku.price, sku.stock] for sku in draft.skus],
    }


async def _change_draft(batch: Batch, appid: str, number: str, **values: object) -> None:
    """Of a row that was not read later."""
    await batch.connection.execute(
        update(product_draft)
        .where(
            product_draft.c.appid == appid, product_draft.c.product_id == number, product_draft.c.as_of <= batch.as_of
        )
        .values(as_of=batch.as_of, **values)
    )


async def product_deleted(batch: Batch, appid: str, number: str) -> None:
    """The platform has it no more; orders keep what they say of it."""
    await _change_draft(batch, appid, number, state="DELETED", reason=None)
    for table in (offer, product):
        await batch.connection.execute(delete(table).where(table.c.appid == appid, table.c.product_id == number))


async def stock_changed(connection: AsyncConnection, appid: str, sku: str, delta: int) -> None:
    """The platform has taken a change of ours; no event tells of it."""
    pieces = offer.c.platform_stock + delta
    await connection.execute(
        update(offer)
        .where(offer.c.appid == appid, offer.c.sku == sku)
        .values(platform_stock=case((pieces > 0, pieces), else_=0))
    )


async def cards(projector: Projector, records: Sequence[VipMember]) -> int:
    """Membership cards: grade, growth and points, which the ledgers follow."""
    evidence = [
        Evidence(
            _card_handles(projector, each),
            f"{TOOL}.vip_user",
            projector.clock.now(),
            phone=each.phone or "",
            verified=True,
            said_at=projector.as_of,
        )
        for each in records
    ]
    # The platform does not say since when.
    records, evidence = await unless_erased(projector, records, evidence, [None] * len(evidence))
    async with projector.batch(evidence) as batch:
        pairs = list(zip(records, batch.linked, strict=True))
        wrote = await batch.upsert(
            membership_card,
            [
                {
                    "appid": each.appid,
                    "identity": linked.identity,
                    "grade": each.grade,
                    "growth": each.experience,
                    "points": each.score,
                }
                for each, linked in pairs
            ],
        )
        await standing.follow_cards(batch, [(each.appid, linked) for each, linked in pairs], projector.clock)
        return wrote


def _card_handles(projector: Projector, record: VipMember) -> tuple[Handle, ...]:
    """A card's phone is the one that WeChat has verified: it joins by the rules of CONDITIONAL evidence."""
    handles = projector.handles(appid=record.appid, openid=record.openid, unionid=record.unionid)
    return (*handles, phone_handle(record.phone)) if record.phone else handles


async def orders(projector: Projector, records: Sequence[Order], *, source: Source = "poll") -> int:
    """Store orders with their lines. The receiver may be another person than the buyer.

    An order of somebody erased is nobody's, and one that is sealed stays as it was sealed.
    """
    keys = [(purchase_id(each),) for each in records]
    records = await unless_sealed(projector.database, purchase.name, records, keys)
    evidence = [
        Evidence(
            projector.handles(appid=each.appid, openid=each.openid, unionid=each.unionid),
            f"{TOOL}.order",
            each.created_at,
            via=source,
        )
        for each in records
    ]
    gone = await erased(projector, evidence)
    async with projector.batch([each for each, out in zip(evidence, gone, strict=True) if not out]) as batch:
        pairs = list(zip(records, owners(batch.linked, gone), strict=True))
        rows = [_purchase(batch, *pair) for pair in pairs]
        await _stamp(batch, rows)
        wrote = await batch.upsert(purchase, rows)
        await _replace_lines(batch, records)
        for each, linked in pairs:
            batch.facts += _order_facts(each, linked, source)
        return wrote


async def after_sales(projector: Projector, records: Sequence[AfterSale], *, source: Source = "poll") -> int:
    """After-sales (售后) of store orders."""
    keys = [(f"STORE:{each.appid}:{each.order_id}",) for each in records]
    records = await unless_sealed(projector.database, purchase.name, records, keys)
    async with projector.batch() as batch:
        ids = [f"STORE:{each.appid}:{each.order_id}" for each in records]
        buyers = await batch.connection.execute(
            select(purchase.c.id, purchase.c.identity).where(purchase.c.id.in_(ids))
        )
        buyer = {row.id: row.identity for row in buyers}
        batch.facts += [_after_sale_fact(each, buyer.get(ref), source) for each, ref in zip(records, ids, strict=True)]
        await _after_sales_changed(batch, records)
        return await batch.upsert(
            after_sale,
            [
                {
                    "appid": each.appid,
                    "after_sale_id": each.after_sale_id,
                    "purchase": f"STORE:{each.appid}:{each.order_id}",
                    "kind": each.kind.name if hasattr(each.kind, "name") else str(each.kind),
                    "state": each.state,
                    "reason": each.reason,
                    "sku": each.sku_id,
                    "quantity": each.quantity,
                    "refund": each.refund,
                    "created_at": each.created_at,
                    "updated_at": each.updated_at,
                }
                for each in records
            ],
        )


async def _after_sales_changed(batch: Batch, records: Sequence[AfterSale]) -> None:
    """An order has changed when one of its after-sales has."""
    found = await batch.connection.execute(
        select(after_sale.c.appid, after_sale.c.after_sale_id, after_sale.c.updated_at).where(
            after_sale.c.after_sale_id.in_([each.after_sale_id for each in records])
        )
    )
    held = {(row.appid, row.after_sale_id): row.updated_at for row in found}
    changed = {
        f"STORE:{each.appid}:{each.order_id}"
        for each in records
        if held.get((each.appid, each.after_sale_id)) != each.updated_at
    }
    await batch.connection.execute(
        update(purchase).where(purchase.c.id.in_(sorted(changed))).values(changed_at=batch.now)
    )


def purchase_id(order: Order) -> str:
    """Our id of a store order."""
    return f"STORE:{order.appid}:{order.order_id}"


async def _stamp(batch: Batch, rows: Sequence[dict[str, object]]) -> None:
    """Orders that are read again as they were keep the time of their change: who syncs need not read them again."""
    found = await batch.connection.execute(
        select(
            purchase.c.id, purchase.c.updated_at, purchase.c.state, purchase.c.identity, purchase.c.changed_at
        ).where(purchase.c.id.in_([row["id"] for row in rows]))
    )
    held = {row.id: row for row in found}
    for row in rows:
        old = held.get(row["id"])
        same = old is not None and all(getattr(old, name) == row[name] for name in ("updated_at", "state", "identity"))
        row["changed_at"] = old.changed_at if old is not None and same else batch.now


async def _replace_lines(batch: Batch, records: Sequence[Order]) -> None:
    """Lines follow their order: where a newer reading of it was kept, its lines are kept too."""
    ids = [purchase_id(each) for each in records]
    kept = await batch.connection.execute(
        select(purchase.c.id).where(purchase.c.id.in_(ids), purchase.c.as_of == batch.as_of)
    )
    written = set(kept.scalars())
    await batch.watch(purchase_line, purchase_line.c.purchase.in_(written))
    await batch.connection.execute(delete(purchase_line).where(purchase_line.c.purchase.in_(written)))
    lines = [line for each in records if purchase_id(each) in written for line in _lines(each)]
    if lines:
        await batch.connection.execute(purchase_line.insert(), lines)


def _purchase(batch: Batch, order: Order, linked: Linked | None) -> dict[str, object]:
    return {
        "id": purchase_id(order),
        "source": "STORE",
        "account": order.appid,
        "native_id": order.order_id,
        "form": "FLAGSHIP",
        "state": order.state.name,
        "identity": linked.identity if linked else None,
        "list_total": order.list_total,
        "discount": order.discount,
        "freight": order.freight,
        "payable": order.payable,
        "payer_paid": order.payable if order.paid_at else None,
        "refunded": 0,
        "created_at": order.created_at,
        "updated_at": order.updated_at,
        "paid_at": order.paid_at,
        "shipped_at": order.shipped_at,
        "scene": str(order.scene) if order.scene else None,
        "method": "EXPRESS" if str(order.fulfilment) == "UNKNOWN" else str(order.fulfilment),
        "fulfilment_state": _FULFILMENT.get(order.state.name, "PENDING"),
        "carrier": order.carrier or None,
        "tracking": order.tracking_number or None,
        "receiver": batch.seal(order.receiver_name, linked) if linked else None,
        "receiver_city": order.receiver_city or None,
        "transaction_id": order.transaction_id or None,
    }


_FULFILMENT = {
    "SHIPPED": "SHIPPED",
    "PARTLY_SHIPPED": "PARTLY_SHIPPED",
    "COMPLETED": "RECEIVED",
    "CANCELLED": "CANCELLED",
}


def _lines(order: Order) -> list[dict[str, object]]:
    return [
        {
            "purchase": purchase_id(order),
            "line": number,
            "sku": line.sku_code,
            "title": line.title,
            "quantity": line.quantity,
            "list_amount": line.list_amount,
            "discount": line.list_amount - line.paid_amount,
            "paid": line.paid_amount,
        }
        for number, line in enumerate(order.lines, 1)
    ]


def _order_facts(order: Order, linked: Linked | None, source: Source) -> list[Fact]:
    ref = purchase_id(order)
    owner = linked.member if linked else None
    identity = linked.identity if linked else None

    def fact(kind: str, at: object, **more: object) -> Fact:
        return Fact(
            kind=kind,
            occurred_at=at,  # type: ignore[arg-type] # callers pass instants only
            source=source,
            source_key=order.order_id,
            account=order.appid,
            tool=TOOL,
            member=owner,
            identity=identity,
            order_ref=ref,
            **more,  # type: ignore[arg-type] # the fields of Fact
        )

    facts = [fact("order.created", order.created_at, amount_fen=order.payable)]
    if order.paid_at:
        facts.append(fact("order.paid", order.paid_at, amount_fen=order.payable))
        facts += [
            Fact(
                kind="order.line",
                occurred_at=order.paid_at,
                source=source,
                source_key=f"{order.order_id}:{number}",
                account=order.appid,
                tool=TOOL,
                member=owner,
                identity=identity,
                order_ref=ref,
                line=line.sku_code,
                amount_fen=line.paid_amount,
                quantity=line.quantity,
                payload={"list": line.list_amount},
            )
            for number, line in enumerate(order.lines, 1)
        ]
    if order.shipped_at:
        facts.append(fact("order.shipped", order.shipped_at))
    if order.state.name == "COMPLETED":
        facts.append(fact("order.completed", order.updated_at, amount_fen=order.payable))
    if order.state.name == "CANCELLED":
        facts.append(fact("order.closed", order.updated_at))
    return facts


def _after_sale_fact(record: AfterSale, buyer: str | None, source: Source) -> Fact:
    done = record.state == "SUCCEEDED"
    kind = record.kind.name if hasattr(record.kind, "name") else str(record.kind)
    return Fact(
        kind=f"after_sale.{'completed' if done else 'changed'}",
        occurred_at=record.updated_at if done else record.created_at,
        source=source,
        source_key=f"{record.after_sale_id}:{record.state}",
        account=record.appid,
        tool=TOOL,
        identity=buyer,
        order_ref=f"STORE:{record.appid}:{record.order_id}",
        amount_fen=record.refund,
        quantity=record.quantity,
        reason=record.reason,
        payload={"type": kind, "state": record.state, "afterSale": record.after_sale_id},
    )
