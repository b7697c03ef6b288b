"""Every kind of notification (回调通知) that the platform documents, and its use here."""

from __future__ import annotations

from typing import Final

from adapters.base.webhooks import EventKind

_REFUND: Final = "the refund, the payment's refunded total and the order's"

EVENT_KINDS: Final = (
    EventKind("TRANSACTION.SUCCESS", "支付成功", "PaymentNotice", "the payment; an order that waits for it goes on"),
    EventKind("REFUND.SUCCESS", "退款成功", "RefundNotice", _REFUND),
    EventKind("REFUND.ABNORMAL", "退款异常", "RefundNotice", _REFUND),
    EventKind("REFUND.CLOSED", "退款关闭", "RefundNotice", _REFUND),
    EventKind(
        "COUPON.SEND", "领取商家券", "CouponReceived", "the coupon is read, once an app of ours knows the shopper"
    ),
    EventKind("COUPON.USE", "代金券核销", "CashCouponUsed", "a fact, and the coupon where the gateway gave it"),
    EventKind(
        "MCHTRANSFER.BILL.FINISHED",
        "商家转账完成",
        "TransferNotice",
        "the red packet; a transfer that is not the gateway's is left out",
    ),
    EventKind(
        "PROFITSHARING.SUCCESS", "分账动账", "ShareNotice", "a fact, and the part where the gateway shared the payment"
    ),
    EventKind(
        "PROFITSHARING.RETURN",
        "分账回退",
        "ShareNotice",
        "a return of the gateway's is asked about; one of others' is a fact",
    ),
)
