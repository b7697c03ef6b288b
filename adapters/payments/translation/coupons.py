"""Merchant coupons and cash coupons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from adapters.payments import models
from adapters.payments.records import (
    CashCoupon,
    CashCouponState,
    CashCouponUsed,
    CashStock,
    CashStockState,
    Coupon,
    CouponReceived,
    CouponState,
)
from adapters.payments.translation.times import utc

#: The platform's states behind each of ours, for its list filter; "" asks for all.
COUPON_STATES: Final[Mapping[CouponState | None, Sequence[str]]] = {
    None: ("",),
    CouponState.USABLE: ("SENDED",),
    CouponState.USED: ("USED",),
    CouponState.EXPIRED: ("EXPIRED",),
    CouponState.INVALID: ("DEACTIVATED", "DELETED"),
}
_COUPON_STATE: Final = {
    remote: ours for ours, remotes in COUPON_STATES.items() if ours is not None for remote in remotes
}


def coupon(mchid: str, wire: models.Coupon, openid: str, appid: str) -> Coupon:
    """A merchant coupon; the platform does not repeat openid and appid."""
    fixed = wire.coupon_use_rule.fixed_normal_coupon
    return Coupon(
        mchid=mchid,
        stock_id=wire.stock_id,
        code=wire.coupon_code,
        appid=appid,
        openid=openid,
        name=wire.stock_name,
        state=_COUPON_STATE.get(wire.coupon_state, CouponState.INVALID),
        discount=fixed.discount_amount if fixed else None,
        minimum=fixed.transaction_minimum if fixed else None,
        received_at=utc(wire.receive_time),
        starts_at=utc(wire.available_start_time),
        expires_at=utc(wire.expire_time),
        used_at=utc(wire.use_time) if wire.use_time else None,
    )


def coupon_received(mchid: str, wire: models.CouponNotification) -> CouponReceived:
    """A merchant coupon that a user took."""
    return CouponReceived(mchid, wire.stock_id, wire.coupon_code, wire.openid, wire.unionid, utc(wire.send_time))


def cash_coupon(wire: models.CashCoupon, openid: str, appid: str) -> CashCoupon:
    """A cash coupon; the platform does not repeat openid and appid."""
    normal, used = wire.normal_coupon_information, wire.consume_information
    known = wire.status in CashCouponState.__members__
    return CashCoupon(
        mchid=wire.stock_creator_mchid,
        stock_id=wire.stock_id,
        coupon_id=wire.coupon_id,
        appid=appid,
        openid=openid,
        name=wire.coupon_name,
        state=CashCouponState(wire.status) if known else CashCouponState.UNKNOWN,
        value=normal.coupon_amount if normal else None,
        minimum=normal.transaction_minimum if normal else None,
        received_at=utc(wire.create_time),
        starts_at=utc(wire.available_begin_time),
        expires_at=utc(wire.available_end_time),
        used_at=utc(used.consume_time) if used else None,
        transaction_id=used.transaction_id if used else "",
    )


def cash_coupon_used(wire: models.CashCouponNotification) -> CashCouponUsed:
    """A cash coupon that a payment took."""
    used = wire.consume_information
    return CashCouponUsed(
        mchid=wire.stock_creator_mchid,
        stock_id=wire.stock_id,
        coupon_id=wire.coupon_id,
        transaction_id=used.transaction_id,
        amount=used.consume_amount,
        at=utc(used.consume_time),
    )


def cash_stock(mchid: str, wire: models.CashStock) -> CashStock:
    """A stock of cash coupons."""
    known = wire.status in {each.value for each in CashStockState}
    return CashStock(
        mchid=wire.stock_creator_mchid or mchid,
        stock_id=wire.stock_id,
        name=wire.stock_name,
        state=CashStockState(wire.status) if known else CashStockState.UNKNOWN,
        starts_at=utc(wire.available_begin_time) if wire.available_begin_time else None,
        ends_at=utc(wire.available_end_time) if wire.available_end_time else None,
        sent=wire.distributed_coupons,
    )
