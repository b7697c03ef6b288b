"""Cash coupons (代金券) that the gateway gave: the platform tells of those that a payment took."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update

from adapters.payments import CashCoupon, CashCouponUsed
from gateway.database.facts import Fact
from gateway.database.tables.members import identity
from gateway.database.tables.projections import cash_coupon
from gateway.events.projector import Batch, Projector

TOOL = "payments"


async def given(
    batch: Batch, mchid: str, stock_id: str, coupon_id: str, owner: str, found: CashCoupon | None, *, at: datetime
) -> None:
    """One is in the hands of an identity of ours. ``found`` is None where it could not be read."""
    await batch.upsert(
        cash_coupon,
        [
            {
                "mchid": mchid,
                "coupon_id": coupon_id,
                "stock_id": stock_id,
                "identity": owner,
                "name": None if found is None else found.name,
                "value": None if found is None else found.value,
                "minimum": None if found is None else found.minimum,
                "given_at": at,
                "starts_at": None if found is None else found.starts_at,
                "expires_at": None if found is None else found.expires_at,
                "used_at": None if found is None else found.used_at,
            }
        ],
    )
    member = (await batch.connection.execute(select(identity.c.member).where(identity.c.id == owner))).scalar()
    batch.facts.append(
        Fact(
            kind="coupon.received",
            occurred_at=at,
            source="own",
            # A merchant coupon's code may be the same number.
            source_key=f"cash:{coupon_id}",
            account=mchid,
            tool=TOOL,
            member=member,
            identity=owner,
            amount_fen=None if found is None else found.value,
            payload={"stock": stock_id, "name": "" if found is None else found.name},
        )
    )


async def used(projector: Projector, mchid: str, events: Sequence[CashCouponUsed]) -> None:
    """Payments took them (代金券核销). Of one that the gateway did not give, nobody here knows whose it was."""
    async with projector.batch() as batch:
        for each in events:
            mine = (cash_coupon.c.mchid == mchid, cash_coupon.c.coupon_id == each.coupon_id)
            await batch.connection.execute(
                update(cash_coupon).where(*mine).values(used_at=each.at, as_of=batch.as_of)
            )  # fmt: skip
            found = await batch.connection.execute(
                select(cash_coupon.c.identity, identity.c.member)
                .join(identity, identity.c.id == cash_coupon.c.identity)
                .where(*mine)
            )
            owner = found.one_or_none()
            batch.facts.append(
                Fact(
                    kind="coupon.used",
                    occurred_at=each.at,
                    source="webhook",
                    source_key=f"cash:{each.coupon_id}",
                    account=mchid,
                    tool=TOOL,
                    member=None if owner is None else owner.member,
                    identity=None if owner is None else owner.identity,
                    amount_fen=each.amount,
                    payload={"stock": each.stock_id},
                )
            )
