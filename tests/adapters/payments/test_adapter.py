"""Records and requests, against the sandbox's world."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from adapters.base.errors import Conflict, Invalid, NotFound, RateLimited, Rejected
from adapters.payments import (
    COUPONS_PER_CALL,
    TOOL,
    BillRow,
    CouponState,
    CouponUsed,
    FundAccount,
    Payment,
    PaymentsAdapter,
    PaymentState,
    Refund,
    RefundState,
)
from sandbox.server import Sandbox
from sandbox.world import build_world
from tests.adapters.payments.conftest import act
from tests.adapters.payments.products import scanned
from tests.adapters.payments.shopping import (
    NUMBER,
    bill_day,
    hero_coupon,
    hero_order,
    intent,
    refund_intent,
    use,
)
from tests.conftest import EVENING, OpenTool

MCHID = "1900007291"


def test_the_prepay_body_is_canonical(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    paid = hero_order(sandbox)
    at = datetime(2026, 11, 11, 13, 28, 0, 999999, tzinfo=UTC)
    asked = intent(sandbox, expires_at=at, profit_sharing=True)
    assert adapter.prepay_body(asked).decode() == (
        f'{{"appid":"{paid.appid}","mchid":"{MCHID}","description":"山岚轻羽绒服 雾灰/M",'
        f'"out_trade_no":"{NUMBER}","time_expire":"2026-11-11T21:28:00+08:00",'
        '"notify_url":"https://pay.yujian.example/hooks/payments/1900007291",'
        f'"amount":{{"total":81900,"currency":"CNY"}},"payer":{{"openid":"{paid.payer_openid}"}},"attach":"store=SH-AFL",'
        '"settle_info":{"profit_sharing":true}}'
    )
    assert b"settle_info" not in adapter.prepay_body(replace(asked, profit_sharing=False))


def busy_days(sandbox: Sandbox) -> set[date]:
    """Beijing days on which the brand's mchid was paid or gave back."""
    paid = [p.paid_at for p in sandbox.world.payments if p.paid_at and p.mchid == MCHID]
    refunded = [r.created_at for r in sandbox.world.refunds]
    return {(at.astimezone(UTC) + timedelta(hours=8)).date() for at in paid + refunded}


BAD_INTENTS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"appid": "wx0000000000000000"}, "invalid_appid"),
    ({"out_trade_no": "short"}, "invalid_out_trade_no"),
    ({"out_trade_no": "SR 20261111"}, "invalid_out_trade_no"),
    ({"description": ""}, "invalid_description"),
    ({"description": "衣" * 128}, "invalid_description"),
    ({"attach": "x" * 129}, "invalid_attach"),
    ({"total": 0}, "invalid_total"),
    ({"expires_at": datetime(2026, 11, 11)}, "invalid_expires_at"),  # noqa: DTZ001 — naive on purpose
)


def test_an_impossible_intent_is_refused_before_it_is_stored(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    for changes, reason in BAD_INTENTS:
        with pytest.raises(Invalid) as caught:
            adapter.prepay_body(replace(intent(sandbox), **changes))
        assert (changes, caught.value.reason) == (changes, reason)
    assert sandbox.kit.journal.calls == []


async def test_an_order_is_made_signed_and_paid(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    asked = intent(sandbox)
    prepaid = await adapter.prepay(adapter.prepay_body(asked))
    waiting = await adapter.payment(NUMBER)
    request = adapter.payment_request(asked.appid, prepaid.prepay_id)
    assert waiting == Payment(
        MCHID,
        asked.appid,
        NUMBER,
        "",
        PaymentState.NOTPAY,
        "",
        81900,
        None,
        "CNY",
        None,
        "",
        "store=SH-AFL",
        (),
    )
    assert request.package == f"prepay_id={prepaid.prepay_id}"
    assert (request.sign_type, len(request.nonce_str)) == ("RSA", 32)

    wire = {
        "timeStamp": request.time_stamp,
        "nonceStr": request.nonce_str,
        "package": request.package,
        "signType": request.sign_type,
        "paySign": request.pay_sign,
    }
    with pytest.raises(ValueError, match="支付验证签名失败"):
        await act(sandbox, "pay", out_trade_no=NUMBER, payment_request={**wire, "nonceStr": "other"})
    answer = await act(sandbox, "pay", out_trade_no=NUMBER, payment_request=wire, cash_coupon=1000)
    paid = await adapter.payment(NUMBER)

    assert isinstance(paid, Payment)
    assert (paid.state, paid.total, paid.payer_total) == (PaymentState.SUCCESS, 81900, 80900)
    assert (paid.transaction_id, paid.payer_openid) == (answer["transaction_id"], asked.payer_openid)
    assert paid.trade_type == "JSAPI"
    assert [(one.amount, one.merchant_contribution) for one in paid.promotion] == [(1000, 1000)]
    assert paid.paid_at is not None
    assert timedelta(0) <= paid.paid_at - EVENING.astimezone(UTC) < timedelta(minutes=1)
    assert paid.paid_at.tzinfo is UTC


async def test_the_same_body_gives_a_fresh_prepay_id_and_another_is_refused(
    adapter: PaymentsAdapter, sandbox: Sandbox
) -> None:
    asked = intent(sandbox)
    first = await adapter.prepay(adapter.prepay_body(asked))
    second = await adapter.prepay(adapter.prepay_body(asked))
    assert first != second
    with pytest.raises(Conflict) as caught:
        await adapter.prepay(adapter.prepay_body(replace(asked, total=81901)))
    assert (caught.value.reason, caught.value.upstream_code) == ("out_trade_no_used", "OUT_TRADE_NO_USED")
    assert [effect.key for effect in sandbox.kit.journal.of_kind("payments", "order")] == [NUMBER]


async def test_closing_is_repeatable_and_final(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    body = adapter.prepay_body(intent(sandbox))
    await adapter.prepay(body)
    await adapter.close(NUMBER)
    await adapter.close(NUMBER)
    closed = await adapter.payment(NUMBER)
    assert isinstance(closed, Payment)
    assert closed.state is PaymentState.CLOSED
    with pytest.raises(Conflict):
        await adapter.prepay(body)
    with pytest.raises(ValueError, match="CLOSED"):
        await act(sandbox, "pay", out_trade_no=NUMBER)
    assert len(sandbox.kit.journal.of_kind("payments", "close")) == 1


async def test_a_paid_order_cannot_be_closed(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    with pytest.raises(Conflict) as caught:
        await adapter.close(hero_order(sandbox).out_trade_no)
    assert caught.value.reason == "order_paid"
    assert sandbox.kit.journal.effects == []


async def test_what_is_not_there_is_a_value(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    paid = hero_order(sandbox)
    order = await adapter.payment("SR20261111NOWHERE")
    refund = await adapter.refund_status("RF|nowhere*1@x")
    coupon = await adapter.coupon(paid.payer_openid, paid.appid, "1000000000000000000009")
    assert [type(one) for one in (order, refund, coupon)] == [NotFound, NotFound, NotFound]
    await adapter.ping()
    with pytest.raises(NotFound):
        await adapter.close("SR20261111NOWHERE")


async def test_numbers_with_odd_characters_are_signed_as_sent(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    number = "SR|2026*11-11_1"
    await adapter.prepay(adapter.prepay_body(intent(sandbox, number)))
    payment = await adapter.payment(number)
    assert isinstance(payment, Payment)
    assert payment.out_trade_no == number


async def test_a_refund_is_accepted_then_settled(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    paid, asked = hero_order(sandbox), refund_intent(sandbox)
    accepted = await adapter.refund(asked)
    again = await adapter.refund(asked)
    assert accepted == again
    assert (accepted.state, accepted.amount, accepted.total) == (RefundState.PROCESSING, 5900, 15900)
    assert (accepted.mchid, accepted.transaction_id) == (MCHID, paid.transaction_id)
    order = await adapter.payment(paid.out_trade_no)
    assert isinstance(order, Payment)
    assert order.state is PaymentState.REFUND
    assert order.state.paid
    await act(sandbox, "settle_refund", out_refund_no=asked.out_refund_no, status="SUCCESS")
    done = await adapter.refund_status(asked.out_refund_no)
    assert not isinstance(done, NotFound)
    assert done.state is RefundState.SUCCESS
    assert done.succeeded_at is not None
    assert [e.key for e in sandbox.kit.journal.of_kind("payments", "refund")] == [asked.out_refund_no]


async def test_refunds_never_exceed_the_order(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    await adapter.refund(refund_intent(sandbox, "RF1", 10000))
    sandbox.kit.clock.advance(timedelta(minutes=1))
    with pytest.raises(Rejected) as caught:
        await adapter.refund(refund_intent(sandbox, "RF2", 5901))
    assert caught.value.reason == "rule_broken"
    await adapter.refund(refund_intent(sandbox, "RF3", 5900))
    assert [e.key for e in sandbox.kit.journal.of_kind("payments", "refund")] == ["RF1", "RF3"]


async def test_the_bill_of_an_old_day(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    paid = hero_order(sandbox)
    rows = await adapter.trade_bill(bill_day(sandbox))
    assert rows is not None
    mine = [row for row in rows if row.out_trade_no == paid.out_trade_no]
    assert paid.paid_at is not None
    assert mine == [
        BillRow(
            kind="PAYMENT",
            mchid=MCHID,
            appid=paid.appid,
            at=paid.paid_at.astimezone(UTC),
            transaction_id=paid.transaction_id,
            out_trade_no=paid.out_trade_no,
            payer_openid=paid.payer_openid,
            trade_type="JSAPI",
            state="SUCCESS",
            total=15900,
            settlement=15900,
            refund_id="",
            out_refund_no="",
            refund_amount=0,
            refund_state="",
            description="晨溪渔夫帽",
            attach="",
            fee="0.95400",
        )
    ]


async def test_the_bills_hold_every_old_payment_and_refund(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    expected = {p.out_trade_no for p in sandbox.world.payments if p.mchid == MCHID}
    seen: list[BillRow] = []
    for day in sorted(busy_days(sandbox)):
        seen += await adapter.trade_bill(day) or []
    payments = [row.out_trade_no for row in seen if row.kind == "PAYMENT"]
    assert sorted(payments) == sorted(expected)
    refund = next(row for row in seen if row.kind == "REFUND")
    assert (refund.refund_amount, refund.refund_state, refund.fee) == (39900, "SUCCESS", "-2.39400")
    assert refund.out_refund_no == sandbox.world.refunds[0].out_refund_no
    assert "MICROPAY" in {row.trade_type for row in seen}


async def test_a_till_payment_is_in_the_next_days_bill_only(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    text = "清仓,两件,`八折"
    made = await act(sandbox, "pos_pay", mchid=MCHID, person="maqiang", total=12345, description=text)
    with pytest.raises(Rejected):
        await adapter.trade_bill(EVENING.date())
    sandbox.kit.clock.advance(timedelta(hours=12))
    with pytest.raises(RateLimited) as caught:
        await adapter.trade_bill(EVENING.date())
    assert (caught.value.reason, caught.value.retry_after) == ("statement_creating", 600.0)
    sandbox.kit.clock.advance(timedelta(hours=2))
    rows = await adapter.trade_bill(EVENING.date())
    assert rows is not None
    assert [(r.out_trade_no, r.trade_type, r.total, r.fee, r.description) for r in rows] == [
        (made["out_trade_no"], "MICROPAY", 12345, "0.74070", text)
    ]


async def test_the_flows_of_a_day_are_what_its_bill_says(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    kinds = set()
    for day in sorted(busy_days(sandbox)):
        rows, flows = await adapter.trade_bill(day) or [], await adapter.fund_flows(day) or []
        moved = Counter[str]()
        for flow in flows:
            kinds.add(flow.kind)
            if "手续费" not in flow.kind:
                moved[flow.business_id] += flow.amount
        assert moved == Counter(
            {row.refund_id or row.transaction_id: row.settlement - row.refund_amount for row in rows}
        )
        fees = -sum(flow.amount for flow in flows if "手续费" in flow.kind)
        assert abs(fees - sum(float(row.fee) * 100 for row in rows)) <= len(rows)
        for before, after in pairwise(flows):
            assert after.balance == before.balance + after.amount
    assert kinds == {"交易", "扣除交易手续费", "退款", "退还交易手续费"}
    assert await adapter.fund_flows(day, FundAccount.OPERATION) is None


async def test_a_console_refund_is_told_by_nobody(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    paid = hero_order(sandbox)
    made = await act(sandbox, "console_refund", out_trade_no=paid.out_trade_no, amount=100)
    found = await adapter.refund_status(made["out_refund_no"])
    assert isinstance(found, Refund)
    assert (found.state, found.amount, found.refund_id) == (RefundState.SUCCESS, 100, made["refund_id"])


async def test_a_day_without_trade_has_no_bill(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    busy = busy_days(sandbox)
    quiet = next(
        EVENING.date() - timedelta(days=n) for n in range(2, 90) if EVENING.date() - timedelta(days=n) not in busy
    )
    assert await adapter.trade_bill(quiet) is None
    assert await adapter.fund_flows(quiet) is None


async def test_the_coupons_of_a_member(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    paid, held = hero_order(sandbox), hero_coupon(sandbox)
    page = await adapter.coupons(paid.payer_openid, paid.appid)
    usable = await adapter.coupons(paid.payer_openid, paid.appid, state=CouponState.USABLE)
    assert [(c.name, c.state) for c in page.items] == [
        ("双11满600减80", CouponState.USABLE),
        ("金卡满1000减150", CouponState.USABLE),
        ("会员日满300减30", CouponState.EXPIRED),
    ]
    assert page.total == 3
    assert (usable.total, list(usable.items)) == (2, list(page.items[:2]))
    first = page.items[0]
    assert (first.discount, first.minimum, first.code) == (8000, 60000, held.code)
    assert first.expires_at == held.expires_at.astimezone(UTC).replace(microsecond=0)
    assert await adapter.coupon(paid.payer_openid, paid.appid, held.code) == first


async def test_coupon_pages_and_their_limit(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    paid = hero_order(sandbox)
    whole = await adapter.coupons(paid.payer_openid, paid.appid)
    parts = [await adapter.coupons(paid.payer_openid, paid.appid, offset=n, limit=1) for n in range(4)]
    assert [c for part in parts for c in part.items] == list(whole.items)
    assert [part.total for part in parts] == [3, 3, 3, 3]
    invalid = await adapter.coupons(paid.payer_openid, paid.appid, state=CouponState.INVALID)
    assert (invalid.items, invalid.total) == ((), 0)
    with pytest.raises(Invalid):
        await adapter.coupons(paid.payer_openid, paid.appid, limit=COUPONS_PER_CALL + 1)


async def test_a_coupon_is_used_once_and_given_back(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    asked, paid = use(sandbox), hero_order(sandbox)
    first = await adapter.use_coupon(asked)
    again = await adapter.use_coupon(asked)
    assert first == again
    assert first == CouponUsed(asked.stock_id, asked.code, first.used_at)
    with pytest.raises(Conflict) as caught:
        await adapter.use_coupon(replace(asked, use_request_no="USE0002"))
    assert caught.value.reason == "already_exists"
    used = await adapter.coupon(paid.payer_openid, paid.appid, asked.code)
    assert not isinstance(used, NotFound)
    assert (used.state, used.used_at) == (CouponState.USED, first.used_at)
    await adapter.return_coupon(asked.stock_id, asked.code, "RET0001")
    await adapter.return_coupon(asked.stock_id, asked.code, "RET0001")
    back = await adapter.coupon(paid.payer_openid, paid.appid, asked.code)
    assert not isinstance(back, NotFound)
    assert back.state is CouponState.USABLE
    kinds = [e.kind for e in sandbox.kit.journal.effects]
    assert kinds == ["coupon_use", "coupon_return"]


async def test_a_coupon_redeemed_in_a_shop_is_a_conflict(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    asked = use(sandbox)
    await act(sandbox, "redeem_in_shop", coupon_code=asked.code)
    with pytest.raises(Conflict):
        await adapter.use_coupon(asked)
    assert len(sandbox.kit.journal.of_kind("payments", "coupon_use")) == 1


async def test_an_expired_coupon_is_rejected(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    expired = next(c for c in sandbox.world.coupons if c.state == "EXPIRED")
    asked = replace(use(sandbox), stock_id=expired.stock_id, code=expired.code, openid="")
    with pytest.raises(Rejected) as caught:
        await adapter.use_coupon(asked)
    assert caught.value.reason == "rule_limit"


async def test_the_franchise_has_its_own_orders(sandbox: Sandbox, open_tool: OpenTool) -> None:
    franchise = await open_tool(TOOL, sandbox, "xian")
    theirs = next(p for p in sandbox.world.payments if p.mchid == franchise.account)
    payment = await franchise.payment(theirs.out_trade_no)
    assert (payment.mchid, payment.total) == ("1900008837", 129900)
    assert isinstance(await franchise.payment(hero_order(sandbox).out_trade_no), NotFound)


async def test_fifty_queries_at_once(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    """Signing happens in threads: each request still carries its own signature."""
    numbers = [p.out_trade_no for p in sandbox.world.payments if p.mchid == MCHID]
    asked = [numbers[i % len(numbers)] for i in range(50)]
    found = await asyncio.gather(*(adapter.payment(number) for number in asked))
    assert [p.out_trade_no for p in found if isinstance(p, Payment)] == asked


def test_config_shows_no_secret(sandbox: Sandbox) -> None:
    world = build_world(EVENING)
    merchant = world.merchants[0]
    config = msgspec.convert(
        {**sandbox.describe()["platforms"]["payments"]["accounts"]["main"]},
        TOOL.config,
        dec_hook=lambda kind, value: kind(str(value)),
    )
    assert merchant.apiv3_key not in repr(config)
    assert "PRIVATE KEY" not in repr(config)


async def test_invalid_coupons_are_two_states_in_one_list(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    paid = hero_order(sandbox)
    held = (await adapter.coupons(paid.payer_openid, paid.appid)).items
    entries = sandbox.platforms["payments"].books[MCHID].coupons  # type: ignore[attr-defined] # its memory
    for coupon, state in zip(held, ("DELETED", "DEACTIVATED", "DELETED"), strict=True):
        entries[coupon.code].state = state
    pages = [
        await adapter.coupons(paid.payer_openid, paid.appid, state=CouponState.INVALID, offset=offset, limit=limit)
        for offset, limit in ((0, 20), (0, 1), (1, 1), (2, 20), (3, 20))
    ]
    codes = [held[1].code, held[0].code, held[2].code]
    assert [[coupon.code for coupon in page.items] for page in pages] == [
        codes,
        codes[:1],
        codes[1:2],
        codes[2:],
        [],
    ]
    assert [page.total for page in pages] == [3] * 5
    assert {coupon.state for coupon in pages[0].items} == {CouponState.INVALID}


async def test_a_code_is_scanned_by_somebody(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    body, paid = adapter.prepay_body(scanned(sandbox)), hero_order(sandbox)
    first, second = await adapter.prepay_code(body), await adapter.prepay_code(body)
    assert first != second
    made = await act(sandbox, "pay", code_url=second.url, payer_openid=paid.payer_openid)
    found = await adapter.payment_by_id(made["transaction_id"])
    assert isinstance(found, Payment)
    assert (found.trade_type, found.payer_openid, found.total) == ("NATIVE", paid.payer_openid, 81900)
    assert found == await adapter.payment("SR20261111NATIVE")
    assert isinstance(await adapter.payment_by_id("4200000000"), NotFound)


async def test_a_closed_code_has_a_refusal_of_its_own(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    body = adapter.prepay_body(scanned(sandbox))
    await adapter.prepay_code(body)
    await adapter.close("SR20261111NATIVE")
    with pytest.raises(Conflict) as caught:
        await adapter.prepay_code(body)
    assert caught.value.reason == "order_closed"


async def test_a_refund_from_the_available_balance(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    asked = replace(refund_intent(sandbox), from_available=True)
    assert await adapter.refund(asked) == await adapter.refund(asked)
    with pytest.raises(Rejected):
        await adapter.refund(replace(asked, from_available=False))
    entry = sandbox.platforms["payments"].books[MCHID].refunds[asked.out_refund_no][1]  # type: ignore[attr-defined]
    assert entry.body["funds_account"] == "AVAILABLE"
