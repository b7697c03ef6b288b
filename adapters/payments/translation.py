"""Wire shapes of 微信支付 into our records; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

import msgspec

from adapters.base.webhooks import InboundEvent
from adapters.payments import models
from adapters.payments.records import (
    BillRow,
    Coupon,
    CouponReceived,
    CouponState,
    FundAccount,
    FundFlow,
    Payment,
    PaymentNotice,
    PaymentState,
    PromotionDetail,
    Refund,
    RefundNotice,
    RefundState,
)

_BEIJING: Final = timezone(timedelta(hours=8))
_YUAN: Final = re.compile(r"(-?)(\d{1,12})\.(\d{2})", re.ASCII)

#: The platform's states behind each of ours, for its list filter; "" asks for all.
COUPON_STATES: Final[Mapping[CouponState | None, Sequence[str]]] = {
    None: ("",),
    CouponState.USABLE: ("SENDED",),
    CouponState.USED: ("USED",),
    CouponState.EXPIRED: ("EXPIRED",),
    CouponState.INVALID: ("DEACTIVATED", "DELETED"),
}
_COUPON_STATE: Final = {
    remote: ours for ours, remotes in COUPON_STATES.items() if ours is not None for remote in remotes
}
#: 收支类型 of a fund flow.
_DIRECTIONS: Final = {"收入": 1, "支出": -1}


def utc(instant: datetime) -> datetime:
    """The same instant in UTC."""
    return instant.astimezone(UTC)


def fen(yuan: str) -> int:
    """A bill's amount, yuan with two decimals, as fen. No floats. Raises ValueError."""
    match = _YUAN.fullmatch(yuan)
    if match is None:
        raise ValueError("an amount of the bill is not yuan with two decimals")
    sign, whole, cents = match.groups()
    amount = int(whole) * 100 + int(cents)
    return -amount if sign else amount


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


def bill_row(row: models.BillLine) -> BillRow:
    """A row of a trade bill. In payment rows the platform writes ``0`` for the numbers of a refund."""
    refund_id = _number(row["微信退款单号"])
    return BillRow(
        kind="REFUND" if refund_id else "PAYMENT",
        mchid=row["商户号"],
        appid=row["公众账号ID"],
        at=_local(row["交易时间"]),
        transaction_id=row["微信订单号"],
        out_trade_no=row["商户订单号"],
        payer_openid=row["用户标识"],
        trade_type=row["交易类型"],
        state=row["交易状态"],
        total=fen(row["订单金额"]),
        settlement=fen(row["应结订单金额"]),
        refund_id=refund_id,
        out_refund_no=_number(row["商户退款单号"]),
        refund_amount=fen(row["申请退款金额"]),
        refund_state=row["退款状态"],
        description=row["商品名称"],
        attach=row["商户数据包"],
        fee=row["手续费"],
    )


def fund_flow(account: FundAccount, row: models.BillLine) -> FundFlow:
    """A row of a fund flow bill. Raises ValueError."""
    sign = _DIRECTIONS.get(row["收支类型"])
    if sign is None:
        raise ValueError("money neither came in nor went out")
    return FundFlow(
        account=account,
        at=_local(row["记账时间"]),
        business_id=row["微信支付业务单号"],
        flow_id=row["资金流水单号"],
        name=row["业务名称"],
        kind=row["业务类型"],
        amount=sign * fen(row["收支金额(元)"]),
        balance=fen(row["账户结余(元)"]),
        voucher=row["业务凭证号"],
    )


def _local(text: str) -> datetime:
    """A bill's Beijing time."""
    return utc(datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=_BEIJING))


def coupon(mchid: str, wire: models.Coupon, openid: str, appid: str) -> Coupon:
    """A merchant coupon; the platform does not repeat openid and appid."""
    fixed = wire.coupon_use_rule.fixed_normal_coupon
    return Coupon(
        mchid=mchid,
        stock_id=wire.stock_id,
        code=wire.coupon_code,
        appid=appid,
        openid=openid,
        name=wire.stock_name,
        state=_COUPON_STATE.get(wire.coupon_state, CouponState.INVALID),
        discount=fixed.discount_amount if fixed else None,
        minimum=fixed.transaction_minimum if fixed else None,
        received_at=utc(wire.receive_time),
        starts_at=utc(wire.available_start_time),
        expires_at=utc(wire.expire_time),
        used_at=utc(wire.use_time) if wire.use_time else None,
    )


def notices(mchid: str, event: InboundEvent) -> Sequence[object]:
    """What a notification means; published samples lack ``original_type``, so ``event_type`` decides."""
    if event.kind == "TRANSACTION.SUCCESS":
        return (PaymentNotice(payment(msgspec.convert(event.payload, models.Transaction))),)
    if event.kind.startswith("REFUND."):
        return (RefundNotice(_notified_refund(msgspec.convert(event.payload, models.RefundNotification))),)
    if event.kind == "COUPON.SEND":
        wire = msgspec.convert(event.payload, models.CouponNotification)
        return (CouponReceived(mchid, wire.stock_id, wire.coupon_code, wire.openid, wire.unionid, utc(wire.send_time)),)
    return ()


def _notified_refund(wire: models.RefundNotification) -> Refund:
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


def _number(text: str) -> str:
    return "" if text == "0" else text
