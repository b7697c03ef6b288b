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
    DESCRIPTION_LENGTH,
    PREPAY_ID_LIFETIME,
    REASON_BYTES,
    REFUND_INTERVAL,
    REFUND_WINDOW,
    REFUNDS_PER_ORDER,
    PaymentsAdapter,
)
from adapters.payments.cash_coupons import (
    CASH_COUPONS_PER_CALL,
    CASH_STOCKS_PER_CALL,
)
from adapters.payments.client import (
    CertificatesClient,
    Wire,
)
from adapters.payments.config import (
    PaymentsConfig,
)
from adapters.payments.coupons import (
    COUPONS_PER_CALL,
)
from adapters.payments.errors import FAULTS
from adapters.payments.errors import TOOL as _NAME
from adapters.payments.events import (
    EVENT_KINDS,
)
from adapters.payments.keys import (
    PlatformKeys,
)
from adapters.payments.records import (
    BankCard,
    BillRow,
    CashCoupon,
    CashCouponPage,
    CashCouponSend,
    CashCouponState,
    CashCouponUsed,
    CashStock,
    CashStockPage,
    CashStockState,
    Coupon,
    CouponLink,
    CouponPage,
    CouponReceived,
    CouponSend,
    CouponSent,
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
    Receiver,
    ReceiverKind,
    Refund,
    RefundIntent,
    RefundNotice,
    RefundState,
    Relation,
    ScanCode,
    Share,
    ShareIntent,
    ShareNotice,
    SharePart,
    ShareResult,
    ShareReturn,
    ShareReturnIntent,
    ShareReturnState,
    Sharing,
    Transfer,
    TransferAccepted,
    TransferIntent,
    TransferNotice,
    TransferState,
)
from adapters.payments.sharing import (
    SHARE_DESCRIPTION_LENGTH,
    SHARE_PARTS,
    SHARINGS_PER_PAYMENT,
)
from adapters.payments.transfers import (
    CONFIRM_WITHIN,
    SCENE_REPORTS,
    TRANSFER_LEAST,
    TRANSFER_NAMED_ALWAYS,
    TRANSFER_NAMED_FROM,
    TRANSFER_REMARK_LENGTH,
)

__all__ = [
    "ATTACH_LENGTH",
    "CASH_COUPONS_PER_CALL",
    "CASH_STOCKS_PER_CALL",
    "CONFIRM_WITHIN",
    "COUPONS_PER_CALL",
    "DESCRIPTION_LENGTH",
    "PREPAY_ID_LIFETIME",
    "REASON_BYTES",
    "REFUNDS_PER_ORDER",
    "REFUND_INTERVAL",
    "REFUND_WINDOW",
    "SCENE_REPORTS",
    "SHARE_DESCRIPTION_LENGTH",
    "SHARE_PARTS",
    "SHARINGS_PER_PAYMENT",
    "TOOL",
    "TRANSFER_LEAST",
    "TRANSFER_NAMED_ALWAYS",
    "TRANSFER_NAMED_FROM",
    "TRANSFER_REMARK_LENGTH",
    "BankCard",
    "BillRow",
    "CashCoupon",
    "CashCouponPage",
    "CashCouponSend",
    "CashCouponState",
    "CashCouponUsed",
    "CashStock",
    "CashStockPage",
    "CashStockState",
    "Coupon",
    "CouponLink",
    "CouponPage",
    "CouponReceived",
    "CouponSend",
    "CouponSent",
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
    "Receiver",
    "ReceiverKind",
    "Refund",
    "RefundIntent",
    "RefundNotice",
    "RefundState",
    "Relation",
    "ScanCode",
    "Share",
    "ShareIntent",
    "ShareNotice",
    "SharePart",
    "ShareResult",
    "ShareReturn",
    "ShareReturnIntent",
    "ShareReturnState",
    "Sharing",
    "Transfer",
    "TransferAccepted",
    "TransferIntent",
    "TransferNotice",
    "TransferState",
]


@asynccontextmanager
async def _open(config: PaymentsConfig, runtime: Runtime) -> AsyncIterator[PaymentsAdapter]:
    """Load the keys and open the account. Raises ValueError that names a bad setting."""
    signer, key, keys = signing.signer(config), signing.apiv3_key(config), PlatformKeys(config)
    wire = Wire(config, Upstream(runtime, _NAME, config.external_id), signer, keys)
    keys.fetched_with(CertificatesClient(wire, key).certificates)
    yield PaymentsAdapter(config, wire, signer, key)


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
