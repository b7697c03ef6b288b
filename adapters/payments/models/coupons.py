"""Merchant coupons (商家券)."""

from __future__ import annotations

import msgspec

from adapters.payments.models.envelopes import Instant


class CouponNotification(msgspec.Struct, frozen=True):
    """Content of COUPON.SEND: a merchant coupon was taken."""

    coupon_code: str
    stock_id: str
    send_time: Instant
    openid: str = ""
    unionid: str = ""


class FixedCoupon(msgspec.Struct, frozen=True):
    """``fixed_normal_coupon``: an amount off from a minimum."""

    discount_amount: int
    transaction_minimum: int = 0


class CouponUseRule(msgspec.Struct, frozen=True):
    """``coupon_use_rule``; other kinds of coupon have no fixed amount."""

    fixed_normal_coupon: FixedCoupon | None = None


class Coupon(msgspec.Struct, frozen=True):
    """A merchant coupon (商家券) of a user."""

    coupon_code: str
    stock_id: str
    coupon_state: str
    available_start_time: Instant
    expire_time: Instant
    receive_time: Instant
    stock_name: str = ""
    stock_type: str = ""
    coupon_use_rule: CouponUseRule = CouponUseRule()
    use_time: Instant | None = None


class CouponList(msgspec.Struct, frozen=True):
    """A page of a user's coupons."""

    total_count: int
    data: tuple[Coupon, ...] = ()


class CouponUseRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of ``POST …/coupons/use``."""

    coupon_code: str
    stock_id: str
    appid: str
    use_time: str
    use_request_no: str
    openid: str = ""


class CouponUseAnswer(msgspec.Struct, frozen=True):
    """Answer of ``POST …/coupons/use``."""

    stock_id: str
    wechatpay_use_time: Instant


class CouponReturnRequest(msgspec.Struct, frozen=True):
    """Body of ``POST …/coupons/return``."""

    coupon_code: str
    stock_id: str
    return_request_no: str


class CouponReturnAnswer(msgspec.Struct, frozen=True):
    """Answer of ``POST …/coupons/return``."""

    wechatpay_return_time: Instant


class CouponSendRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of ``POST …/coupons/send``; ``coupon_code`` only for stocks whose codes the merchant gives."""

    openid: str
    appid: str
    stock_id: str
    out_request_no: str
    coupon_code: str = ""


class CouponSendAnswer(msgspec.Struct, frozen=True):
    """Answer of ``POST …/coupons/send``. The code may be missing."""

    stock_id: str
    coupon_code: str = ""


class CouponLinkRequest(msgspec.Struct, frozen=True):
    """Body of ``POST …/coupons/associate`` and ``…/coupons/disassociate``."""

    stock_id: str
    coupon_code: str
    out_trade_no: str
    out_request_no: str


class CouponLinkAnswer(msgspec.Struct, frozen=True):
    """Answer of ``POST …/coupons/associate``."""

    wechatpay_associate_time: Instant


class CouponUnlinkAnswer(msgspec.Struct, frozen=True):
    """Answer of ``POST …/coupons/disassociate``."""

    wechatpay_disassociate_time: Instant


class CouponDeactivateRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of ``POST …/coupons/deactivate``."""

    coupon_code: str
    stock_id: str
    deactivate_request_no: str
    deactivate_reason: str = ""


class CouponDeactivateAnswer(msgspec.Struct, frozen=True):
    """Answer of ``POST …/coupons/deactivate``."""

    wechatpay_deactivate_time: Instant
