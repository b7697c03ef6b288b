"""微信支付 (WeChat Pay) API v3: one account is one mchid."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.base.http import Upstream
from adapters.base.runtime import Runtime
from adapters.base.spec import ToolSpec
from adapters.payments import signing
from adapters.payments.adapter import (
    ATTACH_LENGTH,
    COUPONS_PER_CALL,
    DESCRIPTION_LENGTH,
    PREPAY_ID_LIFETIME,
    REASON_BYTES,
    REFUND_INTERVAL,
    REFUND_WINDOW,
    REFUNDS_PER_ORDER,
    PaymentsAdapter,
)
from adapters.payments.client import PaymentsClient
from adapters.payments.config import PaymentsConfig
from adapters.payments.errors import FAULTS
from adapters.payments.errors import TOOL as _NAME
from adapters.payments.events import EVENT_KINDS
from adapters.payments.records import (
    BillRow,
    Coupon,
    CouponPage,
    CouponReceived,
    CouponState,
    CouponUse,
    CouponUsed,
    FundAccount,
    FundFlow,
    Payment,
    PaymentNotice,
    PaymentRequest,
    PaymentState,
    Prepaid,
    PrepayIntent,
    PromotionDetail,
    Refund,
    RefundIntent,
    RefundNotice,
    RefundState,
)

__all__ = [
    "ATTACH_LENGTH",
    "COUPONS_PER_CALL",
    "DESCRIPTION_LENGTH",
    "PREPAY_ID_LIFETIME",
    "REASON_BYTES",
    "REFUNDS_PER_ORDER",
    "REFUND_INTERVAL",
    "REFUND_WINDOW",
    "TOOL",
    "BillRow",
    "Coupon",
    "CouponPage",
    "CouponReceived",
    "CouponState",
    "CouponUse",
    "CouponUsed",
    "FundAccount",
    "FundFlow",
    "Payment",
    "PaymentNotice",
    "PaymentRequest",
    "PaymentState",
    "PaymentsAdapter",
    "PaymentsConfig",
    "Prepaid",
    "PrepayIntent",
    "PromotionDetail",
    "Refund",
    "RefundIntent",
    "RefundNotice",
    "RefundState",
]


@asynccontextmanager
async def _open(config: PaymentsConfig, runtime: Runtime) -> AsyncIterator[PaymentsAdapter]:
    """Load the keys and open the account. Raises ValueError that names a bad setting."""
    signer, verifier, key = signing.signer(config), signing.verifier(config), signing.apiv3_key(config)
    upstream = Upstream(runtime, _NAME, config.external_id)
    yield PaymentsAdapter(config, PaymentsClient(config, upstream, signer, verifier), signer, verifier, key)


TOOL: ToolSpec[PaymentsConfig, PaymentsAdapter] = ToolSpec(
    name=_NAME,
    title="微信支付",
    config=PaymentsConfig,
    adapter=PaymentsAdapter,
    open=_open,
    faults=FAULTS,
    events=EVENT_KINDS,
    exempt={
        "batches": "The platform has no batch read: orders, refunds and coupons are asked for one by one.",
        "refused_token": "Every request is signed with the merchant's key; there is no token.",
        "truncate:close": "The answer is a 204 without a body.",
    },
)
