"""Merchant coupons (商家券) in a checkout: which fit, and the own book's locks on them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.base.errors import NotFound, Unauthorized
from adapters.payments import COUPONS_PER_CALL, Coupon, CouponState, PaymentsAdapter
from gateway.database.engine import Database
from gateway.database.statements import insert_new
from gateway.database.tables.stock import coupon_lock
from gateway.transactions.parties import Shopper
from gateway.transactions.records import CouponRef


def ref(coupon: Coupon) -> CouponRef:
    """Its name in our book."""
    return CouponRef(coupon.mchid, coupon.stock_id, coupon.code)


async def held(payments: PaymentsAdapter, shopper: Shopper, wanted: CouponRef | None) -> Sequence[Coupon]:
    """The shopper's usable coupons, live: one call for the first twenty. A wanted one beyond them costs
    a second. Empty for a merchant who has no merchant coupons (the product is closed to new ones)."""
    try:
        page = await payments.coupons(shopper.openid, shopper.appid, state=CouponState.USABLE, limit=COUPONS_PER_CALL)
    except Unauthorized as error:
        if error.reason == "product_not_opened":
            return ()
        raise
    found = list(page.items)
    if wanted is None or wanted.mchid != payments.account or any(ref(each) == wanted for each in found):
        return found
    if page.total > len(found):
        one = await payments.coupon(shopper.openid, shopper.appid, wanted.code)
        if not isinstance(one, NotFound) and one.stock_id == wanted.stock_id and one.state is CouponState.USABLE:
            found.append(one)
    return found


def misfit(coupon: Coupon, goods: int, now: datetime, *, locked: bool) -> str | None:
    """Why a coupon cannot be used for goods of so many fen now; None when it can."""
    if locked:
        return "LOCKED"
    if coupon.discount is None:
        return "NOT_AN_AMOUNT"
    if now < coupon.starts_at:
        return "NOT_STARTED"
    if now >= coupon.expires_at:
        return "EXPIRED"
    if goods < (coupon.minimum or 0):
        return "BELOW_MINIMUM"
    return None


async def locked(database: Database, refs: Sequence[CouponRef]) -> set[CouponRef]:
    """Those that an open or paid order holds."""
    if not refs:
        return set()
    rows = await database.fetch(
        select(coupon_lock.c.mchid, coupon_lock.c.stock_id, coupon_lock.c.code).where(
            coupon_lock.c.mchid.in_({each.mchid for each in refs}),
            coupon_lock.c.stock_id.in_({each.stock_id for each in refs}),
            coupon_lock.c.code.in_({each.code for each in refs}),
        )
    )
    return {CouponRef(*row) for row in rows} & set(refs)


async def lock(connection: AsyncConnection, coupon: CouponRef, order_id: str, now: datetime, until: datetime) -> bool:
    """Hold it for an order; False when another order does. ``until`` is when that order expires: a lock goes
    with its order's fate, never by the clock alone."""
    row = {
        "mchid": coupon.mchid,
        "stock_id": coupon.stock_id,
        "code": coupon.code,
        "purchase": order_id,
        "locked_at": now,
        "until": until,
    }
    return await insert_new(connection, coupon_lock, [row], keys=("mchid", "stock_id", "code")) == 1


async def unlock(connection: AsyncConnection, order_id: str) -> None:
    """Give it back unused."""
    await connection.execute(
        delete(coupon_lock).where(coupon_lock.c.purchase == order_id, coupon_lock.c.used_at.is_(None))
    )


async def spend(connection: AsyncConnection, order_id: str, at: datetime) -> None:
    """It was used for this order and stays held."""
    await connection.execute(update(coupon_lock).where(coupon_lock.c.purchase == order_id).values(used_at=at))
