"""微信支付 in the contract suite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adapters.payments import TOOL, CouponState, PaymentsAdapter
from sandbox.server import Sandbox
from tests.adapters.contract_case import Case, Operation
from tests.adapters.payments.products import OPERATIONS, behaving
from tests.adapters.payments.shopping import bill_day, hero_coupon, hero_order, intent, refund_intent, use

_ORDERS = "/v3/pay/transactions"
_REFUNDS = "/v3/refund/domestic/refunds"
_COUPONS = "/v3/marketing/busifavor"


async def _prepay(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    return await adapter.prepay(adapter.prepay_body(intent(sandbox)))


async def _close(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    number = "SR20261111CLOSED"
    with behaving(sandbox):
        await adapter.prepay(adapter.prepay_body(intent(sandbox, number)))
    await adapter.close(number)
    return None


async def _refund(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    return await adapter.refund(refund_intent(sandbox))


async def _use(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    return await adapter.use_coupon(use(sandbox))


async def _give_back(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    coupon = hero_coupon(sandbox)
    with behaving(sandbox):
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
        *OPERATIONS,
    ),
    secrets=_secrets,
)
