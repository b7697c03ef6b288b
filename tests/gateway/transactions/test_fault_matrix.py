"""Every kind of fault at every step, notifications doubled and reordered, clocks that differ: one ending."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from adapters.base.errors import UpstreamError
from adapters.payments import Payment
from gateway.access.principal import Principal
from gateway.transactions.actions import AnyAction
from gateway.transactions.effects.cash_coupons import SEND, Gift
from gateway.transactions.effects.points import ADJUST
from gateway.transactions.effects.points import Wanted as Gave
from gateway.transactions.effects.shipments import SHIP, Parcel, Wanted
from gateway.transactions.records import CheckoutDone, Problem, RefundDone, RefundInput
from sandbox.faults import FaultKind, FaultRule
from tests.gateway.actions.trading import allow, begun, ordered, part, ref
from tests.gateway.transactions.conftest import OpenShop
from tests.gateway.transactions.shop import Shop, hurried

pytestmark = pytest.mark.fault_matrix

#: How a call goes wrong. A timeout before the effect is ``hang``, after it ``reset_after`` or an answer that is cut.
FAULTS: list[tuple[FaultKind, float | str]] = [
    ("hang", 0),
    ("reset_before", 0),
    ("reset_after", 0),
    ("status", 500),
    ("status", 503),
    ("html", 0),
    ("truncate", 0),
    ("garbage", 0),
]
#: Every call of a checkout, from the quote on.
CHECKOUT_CALLS = [
    ("payments", "GET /v3/marketing/*"),
    ("payments", "POST /v3/pay/transactions/jsapi"),
    ("payments", "GET /v3/pay/transactions/*"),
    ("payments", "POST /v3/marketing/*/coupons/use"),
    ("enterprise_chat", "POST /cgi-bin/message/send"),
    ("social_ads", "POST */user_actions/add"),
]
REFUND_CALLS = [
    ("payments", "POST /v3/refund/*"),
    ("payments", "GET /v3/refund/*"),
    ("payments", "POST /v3/marketing/*/coupons/return"),
]
#: ``fault``, each of them.
each_fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault[0]}-{fault[1]}")
HQ = Principal("hq", "hq", frozenset({"operations"}))
CLICK = "wx07ptidwiwn5fde"


async def ended(shop: Shop, transaction: str) -> str:
    """Work on until the transaction has ended, or an hour and a half has passed."""
    for _ in range(45):
        await shop.worker.drain()
        view = await shop.checkout.transaction(transaction)
        assert view is not None
        if view.state not in {"COMPLETING", "AWAITING_PAYMENT", "RUNNING", "COMPENSATING"}:
            return view.state
        shop.pass_time(minutes=2)
    return view.state


async def bought_once(shop: Shop, done: CheckoutDone) -> None:
    """The one ending of a checkout."""
    assert await ended(shop, done.transaction_id) == "COMPLETED"
    assert set((await shop.steps(done)).values()) == {"DONE"}
    assert (await shop.order(done.order_id)).state == "PAID"
    assert await shop.pieces() == (2, 0)
    effects = [("payments", "payment"), ("payments", "coupon_use"), ("enterprise_chat", "app_message")]
    effects.append(("social_ads", "user_action.PURCHASE"))
    assert {each: shop.effects(*each) for each in effects} == dict.fromkeys(effects, 1)
    kinds = [
        each.kind for each in await shop.facts("order.paid", "payment.captured", "coupon.used", "message.accepted")
    ]
    assert sorted(kinds) == ["coupon.used", "message.accepted", "order.paid", "payment.captured"]


def plan(shop: Shop, call: tuple[str, str], fault: tuple[FaultKind, float | str]) -> FaultRule:
    """The first call of its kind goes wrong."""
    return shop.sandbox.kit.faults.add(call[0], fault[0], endpoint=call[1], value=fault[1], calls=(1,))


@dataclass(slots=True)
class Next(FaultRule):
    """What the platform is called for right after the call that ``first`` had go wrong."""

    first: FaultRule | None = None

    def matches(self, platform: str, endpoint: str) -> bool:
        if platform != self.platform or self.first is None or not self.first.seen:
            return False
        self.seen += 1
        # That call itself is counted too.
        return self.seen == 2


def lose(shop: Shop, call: tuple[str, str], then: tuple[FaultKind, float | str]) -> Next:
    """The first call of its kind has its effect and its answer is lost; what is called next, be it the question or the
    repetition, goes wrong as well."""
    first = plan(shop, call, ("reset_after", 0))
    rule = Next(call[0], "*", then[0], then[1], first=first)
    shop.sandbox.kit.faults.rules.append(rule)
    return rule


@each_fault
@pytest.mark.parametrize("call", CHECKOUT_CALLS, ids=lambda call: call[1])
async def test_a_checkout(shop: Shop, call: tuple[str, str], fault: tuple[FaultKind, float | str]) -> None:
    await shop.allow_ads()
    ref = await shop.coupon()
    plan(shop, call, fault)
    await buys(shop, ref)


@each_fault
@pytest.mark.parametrize("call", [each for each in CHECKOUT_CALLS if "POST" in each[1]], ids=lambda call: call[1])
async def test_a_checkout_of_which_an_answer_is_lost(
    shop: Shop, call: tuple[str, str], fault: tuple[FaultKind, float | str]
) -> None:
    await shop.allow_ads()
    ref = await shop.coupon()
    then = lose(shop, call, fault)
    await buys(shop, ref)
    assert then.seen > 1


async def buys(shop: Shop, ref: str) -> None:
    """A client that does not give up, and a shopper who pays."""
    for number in range(3):
        # A client that got no order asks again; where its order was undone, under a new key.
        done = await shop.ask(shop.basket(coupon=ref), 81900, f"purchase-{number}", click=CLICK)
        if isinstance(done, CheckoutDone):
            break
        shop.pass_time(minutes=2)
        await shop.worker.drain()
    assert isinstance(done, CheckoutDone), done
    payment = await _paid(shop, done)
    await shop.notify(payment)
    await bought_once(shop, done)


@each_fault
async def test_a_checkout_by_code(shop: Shop, fault: tuple[FaultKind, float | str]) -> None:
    await shop.allow_ads()
    ref = await shop.coupon()
    plan(shop, ("payments", "POST /v3/pay/transactions/native"), fault)
    for number in range(3):
        done = await shop.ask(shop.basket(coupon=ref), 81900, f"purchase-{number}", click=CLICK, by_code=True)
        if isinstance(done, CheckoutDone):
            break
        shop.pass_time(minutes=2)
        await shop.worker.drain()
    assert isinstance(done, CheckoutDone), done
    await shop.notify(await _paid(shop, done))
    await bought_once(shop, done)


async def _paid(shop: Shop, done: CheckoutDone) -> Payment:
    """The shopper pays; what the platform then says, as soon as it can be asked."""
    number = done.order_id.rsplit(":", 1)[-1]
    await shop.act("payments", "pay", out_trade_no=number, payer_openid=shop.openid("linxiaowen"))
    for _ in range(3):
        try:
            payment = await shop.payments.payment(number)
        except UpstreamError:
            continue
        assert isinstance(payment, Payment)
        return payment
    raise AssertionError("the platform cannot be asked")


@each_fault
@pytest.mark.parametrize("call", REFUND_CALLS, ids=lambda call: call[1])
async def test_a_refund(shop: Shop, call: tuple[str, str], fault: tuple[FaultKind, float | str]) -> None:
    done = await paid(shop)
    plan(shop, call, fault)
    await refunded_once(shop, done)


@each_fault
@pytest.mark.parametrize("call", [each for each in REFUND_CALLS if "POST" in each[1]], ids=lambda call: call[1])
async def test_a_refund_of_which_an_answer_is_lost(
    shop: Shop, call: tuple[str, str], fault: tuple[FaultKind, float | str]
) -> None:
    done = await paid(shop)
    then = lose(shop, call, fault)
    await refunded_once(shop, done)
    assert then.seen > 1


async def paid(shop: Shop) -> CheckoutDone:
    """An order whose tail has ended."""
    done = await shop.flagship()
    await shop.notify(await shop.pay(done))
    await shop.worker.drain()
    return done


async def refunded_once(shop: Shop, done: CheckoutDone) -> None:
    """The one ending of a refund."""
    refund = await shop.checkout.refunds.refund(HQ, RefundInput(done.order_id, None, "七天无理由", "refund-key"))
    assert isinstance(refund, RefundDone), refund
    for _ in range(5):
        await shop.worker.drain()
        shop.pass_time(minutes=2)
    await shop.act("payments", "settle_refund", out_refund_no=refund.number, status="SUCCESS")
    assert await ended(shop, refund.transaction_id) == "COMPLETED"
    assert [shop.effects("payments", kind) for kind in ("refund", "coupon_return")] == [1, 1]
    assert (await shop.order(done.order_id)).refunded == 81900
    assert await shop.pieces() == (3, 0)


async def ships(shop: Shop) -> tuple[AnyAction, object]:
    """Can be asked about."""
    return SHIP, Wanted(ref(shop, await ordered(shop)), "", (Parcel("YTO", "YT0000000001"),))


async def gives(shop: Shop) -> tuple[AnyAction, object]:
    """Has a key."""
    await allow(shop)
    return SEND, Gift(shop.buyer.member or "", "", "9856000", "MARKETING")


#: Fields that nothing undoes: the call, and the effect that there may be one of.
LAST: dict[Callable[[Shop], Awaitable[tuple[AnyAction, object]]], tuple[str, str, str]] = {
    ships: ("mini_program_store", "POST /channels/ec/order/delivery/send", "order_shipped"),
    gives: ("payments", "POST /v3/marketing/favor/users/*/coupons", "cash_coupon"),
}
REFUSED: list[tuple[FaultKind, float | str]] = [("code", 268485199), ("code", "INVALID_REQUEST")]


@pytest.mark.parametrize("fault", [*FAULTS, *REFUSED], ids=lambda fault: f"{fault[0]}-{fault[1]}")
@pytest.mark.parametrize("last", LAST, ids=lambda last: last.__name__)
async def test_a_last_field_of_which_an_answer_is_lost(
    shop: Shop,
    last: Callable[[Shop], Awaitable[tuple[AnyAction, object]]],
    fault: tuple[FaultKind, float | str],
) -> None:
    """It has happened: a platform that then refuses the question or the repetition undoes nothing."""
    tool, call, effect = LAST[last]
    action, asked = await last(shop)
    before = shop.effects(tool, effect)
    points = Gave(shop.buyer.member or "", 100, "到店有礼")
    then = lose(shop, (tool, call), fault)
    opened = await begun(shop)
    with hurried():
        await part(opened, "points", ADJUST, points)
        answer = await part(opened, "last", action, asked)
    if isinstance(answer, Problem):
        assert opened.decided
        assert opened.answer is not None
        assert opened.answer.code == "TRANSACTION_IN_PROGRESS"
    for _ in range(5):
        shop.pass_time(minutes=2)
        await shop.worker.drain()
    again = await begun(shop)
    for field, each, given in (("points", ADJUST, points), ("last", action, asked)):
        assert not isinstance(await part(again, field, each, given), Problem)
    assert (await ended(shop, again.id), shop.effects(tool, effect) - before, then.seen > 1) == ("COMPLETED", 1, True)
    assert len(await shop.facts("points.changed")) == 1


async def test_notifications_doubled_reordered_and_beside_a_query(any_shop: Shop) -> None:
    shop = any_shop
    await shop.allow_ads()
    done = await shop.flagship(click=CLICK)
    payment = await shop.pay(done)
    await asyncio.gather(
        shop.notify(payment), shop.checkout.sync(shop.buyer, done.order_id), shop.notify(payment), shop.worker.drain()
    )
    await bought_once(shop, done)
    refund = await shop.checkout.refunds.refund(HQ, RefundInput(done.order_id, None, "七天无理由", "refund-key"))
    assert isinstance(refund, RefundDone)
    await shop.worker.drain()
    await shop.act("payments", "settle_refund", out_refund_no=refund.number, status="SUCCESS")
    await shop.notify(payment)  # An old notification, after the refund's end.
    assert await ended(shop, refund.transaction_id) == "COMPLETED"
    await shop.notify(payment)
    assert (await shop.order(done.order_id)).refunded == 81900
    assert shop.effects("payments", "refund") == 1


@pytest.mark.parametrize("seconds", [-240, -30, 30, 240])
async def test_clocks_that_differ_by_less_than_the_platforms_allow(
    opens: OpenShop, sqlite_url: str, seconds: int
) -> None:
    shop = await opens(sqlite_url, skew=timedelta(seconds=seconds))
    await shop.allow_ads()
    done = await shop.flagship(click=CLICK)
    await shop.notify(await shop.pay(done))
    await bought_once(shop, done)
