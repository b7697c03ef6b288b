"""What the tests of orders and coupons ask for."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from adapters.payments import CouponUse, PrepayIntent, RefundIntent
from sandbox.server import Sandbox
from sandbox.world import Payment, UserCoupon

NUMBER: Final = "SR20261111000001"


def hero_order(sandbox: Sandbox) -> Payment:
    """林晓雯's paid order of sixty days ago."""
    hero = sandbox.world.cast["protagonist"]
    return next(p for p in sandbox.world.payments if p.person == hero)


def hero_coupon(sandbox: Sandbox) -> UserCoupon:
    """Her 双11满600减80."""
    hero = sandbox.world.cast["protagonist"]
    return next(c for c in sandbox.world.coupons if c.person == hero and c.state == "SENDED")


def intent(sandbox: Sandbox, number: str = NUMBER, **changes: Any) -> PrepayIntent:
    """Her order of the evening: 山岚轻羽绒服, ¥819."""
    paid = hero_order(sandbox)
    parts: dict[str, Any] = {
        "appid": paid.appid,
        "out_trade_no": number,
        "description": "山岚轻羽绒服 雾灰/M",
        "notify_url": "https://pay.yujian.example/hooks/payments/1900007291",
        "expires_at": sandbox.kit.clock.now() + timedelta(minutes=30),
        "attach": "store=SH-AFL",
        "total": 81900,
        "payer_openid": paid.payer_openid,
    }
    return PrepayIntent(**{**parts, **changes})


def use(sandbox: Sandbox, request_no: str = "USE0001") -> CouponUse:
    """The write-off of her coupon."""
    coupon = hero_coupon(sandbox)
    openid = hero_order(sandbox).payer_openid
    at = datetime(2026, 11, 11, 13, 0, tzinfo=UTC)
    return CouponUse(coupon.stock_id, coupon.code, coupon.appid, openid, request_no, at)


def bill_day(sandbox: Sandbox) -> date:
    """The day of her old order, Beijing."""
    paid_at = hero_order(sandbox).paid_at
    assert paid_at is not None
    return (paid_at.astimezone(UTC) + timedelta(hours=8)).date()


def refund_intent(sandbox: Sandbox, number: str = "RF20261111000001", amount: int = 5900) -> RefundIntent:
    """A part of her old order back."""
    paid = hero_order(sandbox)
    url = "https://pay.yujian.example/hooks/payments/1900007291"
    return RefundIntent(paid.out_trade_no, number, "七天无理由", url, amount, paid.total)
