"""Orders and refunds."""

from __future__ import annotations

from adapters.payments import models
from adapters.payments.records import Payment, PaymentState, PromotionDetail, Refund, RefundState
from adapters.payments.translation.times import utc


def payment(wire: models.Transaction) -> Payment:
    """An order, from the query or from a notification."""
    return Payment(
        mchid=wire.mchid,
        appid=wire.appid,
        out_trade_no=wire.out_trade_no,
        transaction_id=wire.transaction_id,
        state=_payment_state(wire.trade_state),
        trade_type=wire.trade_type,
        total=wire.amount.total,
        payer_total=wire.amount.payer_total,
        currency=wire.amount.currency,
        paid_at=utc(wire.success_time) if wire.success_time else None,
        payer_openid=wire.payer.openid,
        attach=wire.attach,
        promotion=tuple(_promotion(one) for one in wire.promotion_detail),
    )


def refund(mchid: str, wire: models.Refund) -> Refund:
    """A refund, from the API."""
    return Refund(
        mchid=mchid,
        out_trade_no=wire.out_trade_no,
        transaction_id=wire.transaction_id,
        out_refund_no=wire.out_refund_no,
        refund_id=wire.refund_id,
        state=_refund_state(wire.status),
        amount=wire.amount.refund,
        total=wire.amount.total,
        created_at=utc(wire.create_time),
        succeeded_at=utc(wire.success_time) if wire.success_time else None,
    )


def notified_refund(wire: models.RefundNotification) -> Refund:
    """A refund, from a notification, which does not say when it was asked for."""
    return Refund(
        mchid=wire.mchid,
        out_trade_no=wire.out_trade_no,
        transaction_id=wire.transaction_id,
        out_refund_no=wire.out_refund_no,
        refund_id=wire.refund_id,
        state=_refund_state(wire.refund_status),
        amount=wire.amount.refund,
        total=wire.amount.total,
        created_at=None,
        succeeded_at=utc(wire.success_time) if wire.success_time else None,
    )


def _promotion(wire: models.Promotion) -> PromotionDetail:
    return PromotionDetail(
        coupon_id=wire.coupon_id,
        name=wire.name,
        amount=wire.amount,
        stock_id=wire.stock_id,
        wechatpay_contribution=wire.wechatpay_contribute,
        merchant_contribution=wire.merchant_contribute,
        other_contribution=wire.other_contribute,
    )


def _payment_state(text: str) -> PaymentState:
    return PaymentState(text) if text in PaymentState.__members__ else PaymentState.UNKNOWN


def _refund_state(text: str) -> RefundState:
    return RefundState(text) if text in RefundState.__members__ else RefundState.UNKNOWN
