"""What notifications mean."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from adapters.base.webhooks import InboundEvent
from adapters.payments import models
from adapters.payments.records import PaymentNotice, RefundNotice, TransferNotice
from adapters.payments.translation.coupons import cash_coupon_used, coupon_received
from adapters.payments.translation.orders import notified_refund, payment
from adapters.payments.translation.sharing import share_notice
from adapters.payments.translation.transfers import transfer


def notices(mchid: str, event: InboundEvent) -> Sequence[object]:
    """What a notification means; published samples lack ``original_type``, so ``event_type`` decides."""
    payload = event.payload
    if event.kind == "TRANSACTION.SUCCESS":
        return (PaymentNotice(payment(msgspec.convert(payload, models.Transaction))),)
    if event.kind.startswith("REFUND."):
        return (RefundNotice(notified_refund(msgspec.convert(payload, models.RefundNotification))),)
    if event.kind == "COUPON.SEND":
        return (coupon_received(mchid, msgspec.convert(payload, models.CouponNotification)),)
    if event.kind == "COUPON.USE":
        return (cash_coupon_used(msgspec.convert(payload, models.CashCouponNotification)),)
    if event.kind == "MCHTRANSFER.BILL.FINISHED":
        return (TransferNotice(transfer(mchid, msgspec.convert(payload, models.TransferNotification))),)
    if event.kind in {"PROFITSHARING.SUCCESS", "PROFITSHARING.RETURN"}:
        returned = event.kind == "PROFITSHARING.RETURN"
        return (share_notice(mchid, msgspec.convert(payload, models.ShareNotification), returned=returned),)
    return ()
