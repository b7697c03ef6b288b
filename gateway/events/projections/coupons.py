"""Merchant coupons (商家券) that the brand itself writes off or gives back: 微信支付 calls nobody back for that."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update

from gateway.database.facts import Fact
from gateway.database.tables.members import identity
from gateway.database.tables.projections import coupon
from gateway.events.projector import Batch

TOOL = "payments"
_STATES = {"coupon.used": "USED", "coupon.returned": "USABLE"}


async def moved(
    batch: Batch, kind: str, mchid: str, stock_id: str, code: str, *, at: datetime, key: str, store: str | None = None
) -> None:
    """The coupon was used (``coupon.used``), or is the shopper's again (``coupon.returned``)."""
    mine = (coupon.c.mchid == mchid, coupon.c.stock_id == stock_id, coupon.c.code == code)
    used_at = at if kind == "coupon.used" else None
    values = {"state": _STATES[kind], "used_at": used_at, "as_of": batch.as_of}
    await batch.connection.execute(update(coupon).where(*mine).values(values))
    row = (
        await batch.connection.execute(
            select(coupon.c.discount, coupon.c.identity, identity.c.member)
            .join(identity, identity.c.id == coupon.c.identity)
            .where(*mine)
        )
    ).one()
    batch.facts.append(
        Fact(
            kind=kind,
            occurred_at=at,
            source="own",
            source_key=key,
            account=mchid,
            tool=TOOL,
            member=row.member,
            identity=row.identity,
            store=store,
            amount_fen=row.discount,
            payload={"stock": stock_id},
        )
    )
