"""What follows a payment, when it goes wrong or is not wanted."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from adapters.payments import Refund, RefundNotice, RefundState
from gateway.database.rows import AnyRow
from gateway.database.tables.dimensions import guide
from gateway.database.tables.ledger import points_entry
from gateway.database.tables.projections import coupon
from gateway.transactions.records import CheckoutDone, TransactionView
from gateway.transactions.tail_steps import MESSAGE_WINDOW
from sandbox.faults import FaultKind
from tests.gateway.transactions.conftest import OpenShop
from tests.gateway.transactions.shop import MCHID, Shop

SEND = "POST /cgi-bin/message/send"
USE = "POST */coupons/use"


async def paid(shop: Shop, **more: object) -> CheckoutDone:
    done = await shop.flagship(**more)
    await shop.notify(await shop.pay(done))
    return done


def states(view: TransactionView) -> dict[str, tuple[str, str | None]]:
    return {each.name: (each.state, each.reason) for each in view.steps[4:]}


async def test_what_is_not_wanted_is_skipped_with_its_reason(shop: Shop) -> None:
    done = await shop.buy(shop.basket(guide=None), 89900)
    await shop.notify(await shop.pay(done))
    view = await shop.view(done)
    assert view.state == "COMPLETED"
    assert states(view) == {
        "coupon.use": ("SKIPPED", "NO_COUPON"),
        "guide.notify": ("SKIPPED", "NO_GUIDE"),
        "conversion.report": ("SKIPPED", "NO_CLICK"),
    }
    assert view.order_id == done.order_id


async def test_without_consent_nothing_is_reported(shop: Shop) -> None:
    done = await paid(shop, click="wx07ptidwiwn5fde")
    await shop.worker.drain()
    view = await shop.view(done)
    assert view.state == "COMPLETED"
    assert states(view)["conversion.report"] == ("SKIPPED", "NO_CONSENT")
    assert shop.calls("social_ads") == 0
    [refused] = await shop.facts("audience.refused")
    assert (refused.member, refused.reason, refused.order_ref) == (shop.buyer.member, "NO_CONSENT", done.order_id)


async def test_the_last_word_on_consent_counts(shop: Shop) -> None:
    await shop.allow_ads()
    done = await shop.flagship(click="wx07ptidwiwn5fde")
    shop.pass_time(seconds=5)
    await shop.allow_ads(given=False)
    await shop.notify(await shop.pay(done))
    await shop.worker.drain()
    assert states(await shop.view(done))["conversion.report"] == ("SKIPPED", "NO_CONSENT")
    assert shop.calls("social_ads") == 0


async def test_a_guide_who_left_gets_no_message(shop: Shop) -> None:
    done = await shop.flagship()
    async with shop.database.write() as connection:
        await connection.execute(update(guide).where(guide.c.id == shop.guide).values(state="INACTIVE"))
    await shop.notify(await shop.pay(done))
    await shop.worker.drain()
    view = await shop.view(done)
    assert view.state == "COMPLETED"
    assert states(view)["guide.notify"] == ("SKIPPED", "GUIDE_LEFT")
    assert shop.effects("enterprise_chat", "app_message") == 0


async def test_a_brand_without_an_ad_account_skips_the_report(opens: OpenShop, sqlite_url: str) -> None:
    shop = await opens(sqlite_url, without=("social_ads",))
    await shop.allow_ads()
    done = await paid(shop, click="wx07ptidwiwn5fde")
    await shop.worker.drain()
    view = await shop.view(done)
    assert view.state == "COMPLETED"
    assert states(view)["conversion.report"] == ("SKIPPED", "TOOL_NOT_CONFIGURED")


async def test_a_coupon_redeemed_in_a_shop_meanwhile_keeps_its_discount(shop: Shop) -> None:
    ref = await shop.coupon()
    done = await shop.flagship()
    await shop.act("payments", "redeem_in_shop", coupon_code=ref.code)
    await shop.notify(await shop.pay(done))
    await shop.worker.drain()
    view = await shop.view(done)
    assert view.state == "COMPLETED"
    assert states(view)["coupon.use"] == ("DONE", None)
    order = await shop.order(done.order_id)
    assert (order.state, order.discount, order.payer_paid) == ("PAID", 8000, 81900)
    [conflict] = await shop.facts("coupon.conflict")
    assert (conflict.reason, conflict.amount_fen, conflict.account) == ("COUPON_CONFLICT", 8000, MCHID)
    assert await shop.facts("coupon.used") == []
    assert shop.effects("payments", "coupon_use") == 1


async def test_a_used_coupon_is_used_in_our_books_too(shop: Shop) -> None:
    ref = await shop.coupon()
    await paid(shop)
    await shop.worker.drain()
    row = await shop.database.one(select(coupon).where(coupon.c.code == ref.code))
    assert row is not None
    assert row.state == "USED"
    assert row.used_at is not None
    quote = await shop.checkout.quote(shop.buyer, shop.basket())
    assert ref not in [each.ref for each in quote.usable]  # type: ignore[union-attr]


@pytest.mark.parametrize("fault", ["reset_before", "reset_after"])
async def test_each_effect_happens_once_through_lost_connections(shop: Shop, fault: FaultKind) -> None:
    await shop.allow_ads()
    done = await shop.flagship(click="wx07ptidwiwn5fde")
    payment = await shop.pay(done)
    shop.sandbox.kit.faults.add("payments", fault, endpoint=USE, calls=(1, 2, 3, 4))
    shop.sandbox.kit.faults.add("enterprise_chat", fault, endpoint=SEND, calls=(1, 2, 3, 4))
    shop.sandbox.kit.faults.add("social_ads", fault, endpoint="POST */user_actions/add", calls=(1, 2, 3, 4))
    await shop.notify(payment)
    await shop.worker.drain()
    assert (await shop.view(done)).state == "COMPLETING"
    for _ in range(4):
        shop.pass_time(minutes=2)
        await shop.worker.drain()
    assert (await shop.view(done)).state == "COMPLETED"
    assert shop.effects("payments", "coupon_use") == 1
    assert shop.effects("enterprise_chat", "app_message") == 1
    assert shop.effects("social_ads", "user_action.PURCHASE") == 1
    assert len(await shop.facts("message.attempted", "message.accepted")) == 2


async def test_one_platform_that_is_down_does_not_hold_back_the_others(shop: Shop) -> None:
    shop.sandbox.kit.faults.add("enterprise_chat", "status", endpoint=SEND, value=503)
    done = await paid(shop)
    await shop.worker.drain()
    view = await shop.view(done)
    assert view.state == "COMPLETING"
    assert states(view)["coupon.use"] == ("DONE", None)
    assert states(view)["guide.notify"] == ("RUNNING", None)
    shop.sandbox.kit.faults.clear()
    shop.pass_time(minutes=10)
    await shop.worker.drain()
    assert (await shop.view(done)).state == "COMPLETED"


async def test_a_message_whose_fate_is_unknown_is_not_repeated_after_its_window(shop: Shop) -> None:
    shop.sandbox.kit.faults.add("enterprise_chat", "reset_after", endpoint=SEND)
    done = await paid(shop)
    await shop.worker.drain()
    shop.sandbox.kit.faults.clear()
    shop.pass_time(seconds=MESSAGE_WINDOW.total_seconds())
    await shop.worker.drain()
    view = await shop.view(done)
    assert view.state == "NEEDS_ATTENTION"
    assert states(view)["guide.notify"] == ("UNKNOWN", "OUTCOME_UNKNOWN")
    assert shop.effects("enterprise_chat", "app_message") == 1


@pytest.mark.parametrize(
    ("lost", "refused"),
    [
        pytest.param((1,), (2,), id="refused in the attempt whose answer was lost"),
        pytest.param((1, 2, 3), (4,), id="refused in the next attempt"),
    ],
)
async def test_a_later_refusal_does_not_forget_a_message_that_may_have_gone(
    shop: Shop, lost: tuple[int, ...], refused: tuple[int, ...]
) -> None:
    done = await shop.flagship()
    shop.sandbox.kit.faults.add("enterprise_chat", "reset_after", endpoint=SEND, calls=lost)
    shop.sandbox.kit.faults.add("enterprise_chat", "code", endpoint=SEND, value="45009", calls=refused)
    await shop.notify(await shop.pay(done))
    await shop.worker.drain()
    while shop.sandbox.kit.journal.count("enterprise_chat", SEND) < refused[0]:
        shop.pass_time(minutes=1)
        await shop.worker.drain()
    assert states(await shop.view(done))["guide.notify"] == ("RUNNING", None)
    assert shop.effects("enterprise_chat", "app_message") == 1
    shop.pass_time(hours=13)
    await shop.worker.drain()
    assert shop.effects("enterprise_chat", "app_message") == 1
    assert shop.sandbox.kit.journal.count("enterprise_chat", SEND) == refused[0]
    view = await shop.view(done)
    assert view.state == "NEEDS_ATTENTION"
    assert states(view)["guide.notify"] == ("UNKNOWN", "OUTCOME_UNKNOWN")


async def test_a_message_that_certainly_did_not_go_is_sent_however_late(shop: Shop) -> None:
    done = await shop.flagship()
    shop.sandbox.kit.faults.add("enterprise_chat", "code", endpoint=SEND, value="45009", calls=(1,))
    await shop.notify(await shop.pay(done))
    await shop.worker.drain()
    assert shop.effects("enterprise_chat", "app_message") == 0
    shop.pass_time(hours=13)
    await shop.worker.drain()
    assert (await shop.view(done)).state == "COMPLETED"
    assert shop.effects("enterprise_chat", "app_message") == 1


async def test_a_final_refusal_after_a_lost_answer_is_no_proof_that_nothing_happened(shop: Shop) -> None:
    done = await shop.flagship()
    shop.sandbox.kit.faults.add("enterprise_chat", "reset_after", endpoint=SEND, calls=(1, 2, 3))
    shop.sandbox.kit.faults.add("enterprise_chat", "code", endpoint=SEND, value="81013", calls=(4,))
    await shop.notify(await shop.pay(done))
    await shop.worker.drain()
    shop.pass_time(minutes=1)
    await shop.worker.drain()
    view = await shop.view(done)
    assert view.state == "NEEDS_ATTENTION"
    assert states(view)["guide.notify"] == ("UNKNOWN", "REJECTED:nobody_reached")
    assert shop.effects("enterprise_chat", "app_message") == 1
    assert await shop.facts("message.attempted", "message.failed") == []


async def test_a_message_that_is_refused_is_a_failed_step(shop: Shop) -> None:
    done = await shop.flagship()
    shop.sandbox.kit.faults.add("enterprise_chat", "code", endpoint=SEND, value="81013")
    await shop.notify(await shop.pay(done))
    await shop.worker.drain()
    view = await shop.view(done)
    assert view.state == "NEEDS_ATTENTION"
    state, reason = states(view)["guide.notify"]
    assert (state, reason) == ("FAILED", "REJECTED:nobody_reached")
    facts = await shop.facts("message.attempted", "message.accepted", "message.failed")
    assert [(each.kind, each.reason) for each in facts] == [
        ("message.attempted", None),
        ("message.failed", "nobody_reached"),
    ]
    assert shop.effects("enterprise_chat", "app_message") == 0


def _refund_of(shop: Shop, order: AnyRow) -> Refund:
    """¥19.00 of the order's ¥819.00."""
    return Refund(
        mchid=MCHID,
        out_trade_no=order.out_trade_no,
        transaction_id=order.transaction_id,
        out_refund_no="RF1",
        refund_id="50300000001",
        state=RefundState.SUCCESS,
        amount=1900,
        total=81900,
        created_at=None,
        succeeded_at=shop.sandbox.kit.clock.now(),
    )


async def test_a_refund_shows_in_the_order(shop: Shop) -> None:
    done = await paid(shop)
    order = await shop.order(done.order_id)
    refund = _refund_of(shop, order)
    for _ in range(2):
        await shop.checkout.refunds.on_refunds(MCHID, [RefundNotice(refund)])
    order = await shop.order(done.order_id)
    assert order.refunded == 1900
    [fact] = await shop.facts("refund.succeeded")
    assert (fact.amount_fen, fact.identity, fact.order_ref) == (1900, order.identity, order.id)


async def test_an_order_earns_points_and_its_refund_takes_its_share_back(opens: OpenShop, sqlite_url: str) -> None:
    shop = await opens(sqlite_url, points=[{"since": datetime(2026, 1, 1, tzinfo=UTC), "per_yuan": 1}])
    done = await paid(shop)
    order = await shop.order(done.order_id)
    await shop.worker.drain()
    for _ in range(2):
        await shop.checkout.refunds.on_refunds(MCHID, [RefundNotice(_refund_of(shop, order))])
        await shop.worker.drain()
    rows = await shop.database.fetch(select(points_entry).order_by(points_entry.c.id))
    assert [(row.kind, row.delta, row.identity) for row in rows] == [
        ("EARN", 819, order.identity),
        ("REVERSAL", -19, order.identity),
    ]
