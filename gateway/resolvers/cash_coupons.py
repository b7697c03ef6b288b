"""Cash coupons (代金券) that the gateway gave, as our rows have them: no platform is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, select

from gateway.context import Context
from gateway.database.tables.members import identity
from gateway.database.tables.projections import cash_coupon
from gateway.resolvers.paging import OwnedList


@dataclass(frozen=True, slots=True)
class CashCouponRecord:
    """One; money in fen. ``name`` and what follows from the stock are None where the platform could not be asked."""

    mchid: str
    coupon_id: str
    stock_id: str
    name: str | None
    value: int | None
    minimum: int | None
    given_at: datetime
    starts_at: datetime | None
    expires_at: datetime | None
    used_at: datetime | None


_ROWS: Final = select(cash_coupon, identity.c.member).join(identity, identity.c.id == cash_coupon.c.identity)


def _record(row: Row[Any]) -> CashCouponRecord:
    return CashCouponRecord(
        row.mchid,
        row.coupon_id,
        row.stock_id,
        row.name,
        row.value,
        row.minimum,
        row.given_at,
        row.starts_at,
        row.expires_at,
        row.used_at,
    )


MEMBER_CASH_COUPONS: Final = OwnedList(
    "member.cashCoupons",
    _ROWS,
    identity.c.member,
    [(cash_coupon.c.given_at, True), (cash_coupon.c.coupon_id, True)],
    _record,
)


async def by_keys(ctx: Context, keys: Sequence[tuple[str, str]]) -> Sequence[CashCouponRecord | None]:
    """Batch by (mchid, coupon id). One statement."""
    rows = await ctx.database.fetch(_ROWS.where(cash_coupon.c.coupon_id.in_([number for _, number in keys])))
    found = {(row.mchid, row.coupon_id): _record(row) for row in rows}
    return [found.get(each) for each in keys]
