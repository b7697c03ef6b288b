"""Cash coupons (代金券), which 微信支付 itself applies to a payment."""

from __future__ import annotations

import msgspec

from adapters.payments.models.envelopes import Instant


class NormalCoupon(msgspec.Struct, frozen=True):
    """``normal_coupon_information``: an amount off from a minimum."""

    coupon_amount: int
    transaction_minimum: int = 0


class CashCouponConsumption(msgspec.Struct, frozen=True):
    """``consume_information``: the payment that took it."""

    consume_time: Instant
    consume_mchid: str = ""
    transaction_id: str = ""
    consume_amount: int = 0


class CashCoupon(msgspec.Struct, frozen=True):
    """A cash coupon of a user."""

    stock_creator_mchid: str
    stock_id: str
    coupon_id: str
    status: str
    available_begin_time: Instant
    available_end_time: Instant
    create_time: Instant
    coupon_name: str = ""
    coupon_type: str = ""
    no_cash: bool = False
    normal_coupon_information: NormalCoupon | None = None
    consume_information: CashCouponConsumption | None = None


class CashCouponList(msgspec.Struct, frozen=True):
    """A page of a user's cash coupons."""

    total_count: int
    data: tuple[CashCoupon, ...] = ()


class CashCouponNotification(msgspec.Struct, frozen=True):
    """Content of COUPON.USE."""

    stock_creator_mchid: str
    stock_id: str
    coupon_id: str
    consume_information: CashCouponConsumption


class CashCouponSendRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of ``POST …/users/{openid}/coupons``; value and minimum only for stocks that leave them open."""

    stock_id: str
    out_request_no: str
    appid: str
    stock_creator_mchid: str
    coupon_value: int = 0
    coupon_minimum: int = 0


class CashCouponSendAnswer(msgspec.Struct, frozen=True):
    """Answer of ``POST …/users/{openid}/coupons``."""

    coupon_id: str


class CashStock(msgspec.Struct, frozen=True):
    """A stock (批次). Its page gives more than is read here."""

    stock_id: str
    status: str
    stock_creator_mchid: str = ""
    stock_name: str = ""
    available_begin_time: Instant | None = None
    available_end_time: Instant | None = None
    distributed_coupons: int = 0


class CashStockList(msgspec.Struct, frozen=True):
    """A page of a merchant's stocks."""

    total_count: int
    data: tuple[CashStock, ...] = ()


class CashStockSwitched(msgspec.Struct, frozen=True):
    """Answer of ``POST …/stocks/{stock_id}/start``, ``/pause`` and ``/restart``; each names its own time."""

    stock_id: str
