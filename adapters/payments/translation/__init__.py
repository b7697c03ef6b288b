"""Wire shapes of 微信支付 into our records; pure."""

from adapters.payments.translation.bills import bill_row, fen, fund_flow
from adapters.payments.translation.coupons import COUPON_STATES, cash_coupon, cash_stock, coupon
from adapters.payments.translation.notices import notices
from adapters.payments.translation.orders import payment, refund
from adapters.payments.translation.sharing import share_return, sharing
from adapters.payments.translation.times import rfc3339, utc
from adapters.payments.translation.transfers import accepted, transfer, transfer_state

__all__ = [
    "COUPON_STATES",
    "accepted",
    "bill_row",
    "cash_coupon",
    "cash_stock",
    "coupon",
    "fen",
    "fund_flow",
    "notices",
    "payment",
    "refund",
    "rfc3339",
    "share_return",
    "sharing",
    "transfer",
    "transfer_state",
    "utc",
]
