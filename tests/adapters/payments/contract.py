"""微信支付 in the contract suite."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from adapters.payments import TOOL, CouponState, CouponUse, PrepayIntent, RefundIntent
from adapters.payments.adapter import PaymentsAdapter
from sandbox.server import Sandbox
from sandbox.world import Payment, UserCoupon
from tests.adapters.contract_case import Case, Operation

NUMBER: Final = "SR20261111000001"
_ORDERS = "/v3/pay/transactions"
_REFUNDS = "/v3/refund/domestic/refunds"
_COUPONS = "/v3/marketing/busifavor"


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


@contextmanager
def _behaving(sandbox: Sandbox) -> Iterator[None]:
    """What an operation needs beforehand happens without the faults that it is about."""
    rules, sandbox.kit.faults.rules = sandbox.kit.faults.rules, []
    try:
        yield
    finally:
        sandbox.kit.faults.rules = rules


async def _prepay(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    return await adapter.prepay(adapter.prepay_body(intent(sandbox)))


async def _close(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    number = "SR20261111CLOSED"
    with _behaving(sandbox):
        await adapter.prepay(adapter.prepay_body(intent(sandbox, number)))
    await adapter.close(number)
    return None


def refund_intent(sandbox: Sandbox, number: str = "RF20261111000001", amount: int = 5900) -> RefundIntent:
    """A part of her old order back."""
    paid = hero_order(sandbox)
    url = "https://pay.yujian.example/hooks/payments/1900007291"
    return RefundIntent(paid.out_trade_no, number, "七天无理由", url, amount, paid.total)


async def _refund(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    return await adapter.refund(refund_intent(sandbox))


async def _use(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    return await adapter.use_coupon(use(sandbox))


async def _give_back(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    coupon = hero_coupon(sandbox)
    with _behaving(sandbox):
        await adapter.use_coupon(use(sandbox))
    return await adapter.return_coupon(coupon.stock_id, coupon.code, "RET0001")


async def _payment(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    return await adapter.payment(hero_order(sandbox).out_trade_no)


async def _refund_status(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    return await adapter.refund_status(sandbox.world.refunds[0].out_refund_no)


async def _bill(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    return await adapter.trade_bill(bill_day(sandbox))


async def _flows(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    return await adapter.fund_flows(bill_day(sandbox))


async def _coupons(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    paid = hero_order(sandbox)
    return await adapter.coupons(paid.payer_openid, paid.appid, state=CouponState.USABLE)


async def _coupon(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    paid = hero_order(sandbox)
    return await adapter.coupon(paid.payer_openid, paid.appid, hero_coupon(sandbox).code)


def _secrets(settings: Mapping[str, Any]) -> Sequence[str]:
    key = str(settings["merchant_private_key"])
    return [str(settings["apiv3_key"]), key, key.splitlines()[1]]


CASE = Case(
    spec=TOOL,
    alias="main",
    operations=(
        Operation("prepay", "idempotent", _prepay, f"POST {_ORDERS}/jsapi", "order", 1),
        Operation("close", "idempotent", _close, f"POST {_ORDERS}/out-trade-no/*/close", "close", 1),
        Operation("refund", "idempotent", _refund, f"POST {_REFUNDS}", "refund", 1),
        Operation("use_coupon", "idempotent", _use, f"POST {_COUPONS}/coupons/use", "coupon_use", 1),
        Operation("return_coupon", "idempotent", _give_back, f"POST {_COUPONS}/coupons/return", "coupon_return", 1),
        Operation("payment", "read", _payment, f"GET {_ORDERS}/out-trade-no/*"),
        Operation("refund_status", "read", _refund_status, f"GET {_REFUNDS}/*"),
        Operation("trade_bill", "read", _bill, "GET /v3/bill/tradebill"),
        Operation("fund_flows", "read", _flows, "GET /v3/bill/fundflowbill"),
        Operation("coupons", "read", _coupons, f"GET {_COUPONS}/users/*/coupons"),
        Operation("coupon", "read", _coupon, f"GET {_COUPONS}/users/*/coupons/*/appids/*"),
    ),
    secrets=_secrets,
)
