"""The documented answers, decoded and translated; and the bill's odd text."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from adapters.payments import (
    CouponState,
    FundAccount,
    Payment,
    PaymentState,
    PromotionDetail,
    Refund,
    RefundState,
    models,
)
from adapters.payments.sandbox.bills import COLUMNS, SUMMARY
from adapters.payments.translation import bill_row, coupon, fen, fund_flow, payment, refund

WIRE = Path(__file__).parent / "wire"


def wire(name: str) -> bytes:
    """A recorded answer."""
    return (WIRE / f"{name}.json").read_bytes()


def test_a_paid_order() -> None:
    assert payment(msgspec.json.decode(wire("order"), type=models.Transaction)) == Payment(
        mchid="1900007291",
        appid="wx2421b1c4370ec43b",
        out_trade_no="SR20260131000001",
        transaction_id="4200001234202601310123456789",
        state=PaymentState.SUCCESS,
        trade_type="JSAPI",
        total=10000,
        payer_total=9900,
        currency="CNY",
        paid_at=datetime(2026, 1, 31, 2, 20, 30, tzinfo=UTC),
        payer_openid="oTestOpenid0000000000000001",
        attach="store=0755",
        promotion=(PromotionDetail("109519", "满100减1", 100, "931386", 0, 100, 0),),
    )


def test_an_unpaid_order_and_a_state_of_tomorrow() -> None:
    unpaid = msgspec.json.decode(wire("order_unpaid"), type=models.Transaction)
    found = payment(unpaid)
    assert (found.state, found.transaction_id, found.payer_total) == (PaymentState.NOTPAY, "", None)
    assert payment(msgspec.structs.replace(unpaid, trade_state="MERGED")).state is PaymentState.UNKNOWN


def test_a_refund() -> None:
    assert refund("1900007291", msgspec.json.decode(wire("refund"), type=models.Refund)) == Refund(
        mchid="1900007291",
        out_trade_no="SR20260131000001",
        transaction_id="4200001234202601310123456789",
        out_refund_no="RF20260131000001",
        refund_id="50300001232026013100000000001",
        state=RefundState.PROCESSING,
        amount=2500,
        total=10000,
        created_at=datetime(2026, 1, 31, 2, 59, tzinfo=UTC),
        succeeded_at=None,
    )


def test_coupons() -> None:
    page = msgspec.json.decode(wire("coupons"), type=models.CouponList)
    found = coupon("1900007291", page.data[0], "oTest", "wx2421b1c4370ec43b")
    assert (page.total_count, found.state, found.discount, found.minimum) == (1, CouponState.USABLE, 1000, 10000)
    percent = msgspec.json.decode(wire("coupon_discount"), type=models.Coupon)
    other = coupon("1900007291", percent, "oTest", "wx2421b1c4370ec43b")
    assert (other.state, other.discount, other.minimum) == (CouponState.INVALID, None, None)
    assert "oTest" not in repr(found)


def test_the_small_answers() -> None:
    use = msgspec.json.decode(wire("coupon_use"), type=models.CouponUseAnswer)
    back = msgspec.json.decode(wire("coupon_return"), type=models.CouponReturnAnswer)
    link = msgspec.json.decode(wire("trade_bill"), type=models.BillLink)
    assert use.wechatpay_use_time.astimezone(UTC) == datetime(2026, 2, 2, 2, 20, 30, tzinfo=UTC)
    assert back.wechatpay_return_time.astimezone(UTC) == datetime(2026, 2, 2, 2, 25, tzinfo=UTC)
    assert msgspec.json.decode(wire("fund_flow_bill"), type=models.BillLink) == link
    assert link.hash_value == "79bb0f45fc4c42234a918000b2668d689e2bde04"
    assert msgspec.json.decode(wire("prepay"), type=models.PrepayAnswer).prepay_id.startswith("wx2014")
    assert msgspec.json.decode(wire("error"), type=models.ErrorBody) == models.ErrorBody("PARAM_ERROR")


ROW = (
    "`2026-01-30 13:44:33,`wx2421b1c4370ec43b,`1900007291,`0,`WEB,`4200001234,`SR20260130000001,`oTest,"
    "`JSAPI,`SUCCESS,`OTHERS,`CNY,`99.00,`1.00,`0,`0,`0.00,`0.00,`,`,`门店,订单,`store=0755,`0.60000,"
    "`0.60%,`100.00,`0.00,`"
)


def bill(*rows: str) -> str:
    """A whole bill of these rows."""
    return "\r\n".join(("\ufeff" + COLUMNS, *rows, SUMMARY, "`1,`99.00,`0.00,`0.00,`0.60,`100.00,`0.00", ""))


def test_a_row_of_the_published_shape() -> None:
    (row,) = models.trade_bill_rows(bill(ROW))
    found = bill_row(row)
    assert (found.kind, found.total, found.settlement, found.refund_id) == ("PAYMENT", 10000, 9900, "")
    assert (found.description, found.attach, found.fee) == ("门店,订单", "store=0755", "0.60000")
    assert found.at == datetime(2026, 1, 30, 5, 44, 33, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        bill(ROW.replace(",`CNY", "")),
        bill(ROW).removesuffix(bill()[len(COLUMNS) + 1 :]),
        "<html>busy</html>",
        "",
    ],
    ids=["short row", "cut off", "html", "empty"],
)
def test_another_shape_is_no_bill(text: str) -> None:
    with pytest.raises(ValueError, match="bill"):
        list(models.trade_bill_rows(text))


FLOWS = (
    (
        "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),"
        "资金变更提交申请人,备注,业务凭证号"
    ),
    (
        "`2026-01-30 13:44:33,`4200001234,`1900007291202601300001,`交易,`交易,`收入,`99.00,`1099.00,"
        "`system,`a,`b,`SR20260130000001"
    ),
    (
        "`2026-01-30 13:50:00,`50300001,`1900007291202601300002,`退款,`退款,`支出,`0.02,`1098.98,"
        "`system,`,`RF20260130000001"
    ),
)
FLOW_END = ("资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额", "`2,`1,`99.00,`1,`0.02", "")


def test_flows_of_the_published_shape() -> None:
    """A remark is free text and may hold a comma and a backtick."""
    came, left = (fund_flow(FundAccount.BASIC, row) for row in models.fund_flow_rows("\n".join((*FLOWS, *FLOW_END))))
    assert (came.amount, came.balance, came.business_id, came.voucher) == (
        9900,
        109900,
        "4200001234",
        "SR20260130000001",
    )
    assert (left.amount, left.kind, left.voucher) == (-2, "退款", "RF20260130000001")
    assert left.at == datetime(2026, 1, 30, 5, 50, tzinfo=UTC)


def test_money_that_neither_comes_nor_goes_is_no_flow() -> None:
    text = "\n".join((*FLOWS, *FLOW_END)).replace("支出,`0.02", "冻结,`0.02")
    with pytest.raises(ValueError, match="neither"):
        [fund_flow(FundAccount.BASIC, row) for row in models.fund_flow_rows(text)]
    with pytest.raises(ValueError, match="bill"):
        list(models.fund_flow_rows(bill(ROW)))


@pytest.mark.parametrize(
    ("yuan", "expected"),
    [("0.00", 0), ("0.01", 1), ("0.29", 29), ("19.99", 1999), ("-8.10", -810), ("90071992547409.93", None)],
)
def test_yuan_to_fen(yuan: str, expected: int | None) -> None:
    if expected is None:
        with pytest.raises(ValueError, match="yuan"):
            fen(yuan)
    else:
        assert fen(yuan) == expected


@pytest.mark.parametrize("yuan", ["1", "1.5", "1.234", "1e2", "", "￥1.00", "1.00\n", "१.००"])
def test_what_is_no_amount(yuan: str) -> None:
    with pytest.raises(ValueError, match="yuan"):
        fen(yuan)
