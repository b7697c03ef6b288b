"""Money goes back: wholly, in parts, once, and never more than was paid."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import select, text, update

from adapters.payments import PaymentsAdapter, Refund
from gateway.access.principal import Principal
from gateway.database import Database
from gateway.database.tables.projections import coupon, payment, refund
from gateway.transactions import refund_steps
from gateway.transactions.records import Problem, RefundDone, RefundInput
from gateway.transactions.states import SagaState
from tests.gateway.transactions.shop import MCHID, Shop

HQ = Principal("hq", "hq", frozenset({"operations"}))
REFUNDS = "POST /v3/refund/domestic/refunds"


async def paid(shop: Shop) -> str:
    """An order of ¥819, paid."""
    done = await shop.flagship()
    await shop.notify(await shop.pay(done))
    await shop.worker.drain()
    return done.order_id


async def ask(shop: Shop, order: str, amount: int | None = None, key: str = "refund-key") -> RefundDone | Problem:
    return await shop.checkout.refunds.refund(HQ, RefundInput(order, amount, "七天无理由", key))


async def settle(shop: Shop, done: RefundDone, status: str = "SUCCESS") -> None:
    """The bank decides, and the transaction learns of it when it asks."""
    await shop.act("payments", "settle_refund", out_refund_no=done.number, status=status)
    shop.pass_time(minutes=2)
    await shop.worker.drain()


async def seen(shop: Shop, done: RefundDone) -> tuple[str, dict[str, tuple[str, str | None]]]:
    view = await shop.checkout.transaction(done.transaction_id)
    assert view is not None
    return view.state, {each.name: (each.state, each.reason) for each in view.steps}


async def begun(shop: Shop, order: str, amount: int | None = None, key: str = "refund-key") -> RefundDone:
    done = await ask(shop, order, amount, key)
    assert isinstance(done, RefundDone), done
    await shop.worker.drain()
    return done


async def test_a_whole_refund_returns_money_coupon_and_coat(any_shop: Shop) -> None:
    shop = any_shop
    ref = await shop.coupon()
    order = await paid(shop)
    assert await shop.pieces() == (2, 0)
    done = await begun(shop, order)
    assert done.amount == 81900
    state, steps = await seen(shop, done)
    assert (state, steps["refund.send"][0]) == ("COMPLETING", "DONE")
    assert (await shop.order(order)).refunded == 0
    await settle(shop, done)
    state, steps = await seen(shop, done)
    assert state == "COMPLETED"
    assert {each[0] for each in steps.values()} == {"DONE"}
    row = await shop.order(order)
    assert (row.refunded, row.fulfilment_state, row.state) == (81900, "CANCELLED", "PAID")
    assert await shop.pieces() == (3, 0)
    held = await shop.database.one(select(coupon.c.state).where(coupon.c.code == ref.code))
    assert held is not None
    assert held.state == "USABLE"
    assert [shop.effects("payments", kind) for kind in ("refund", "coupon_return")] == [1, 1]
    kinds = [each.kind for each in await shop.facts("refund.requested", "refund.succeeded", "coupon.returned")]
    assert kinds == ["refund.requested", "refund.succeeded", "coupon.returned"]


async def test_parts_go_back_a_minute_apart_and_never_more_than_was_paid(shop: Shop) -> None:
    order = await paid(shop)
    first = await begun(shop, order, 50000, "part-one")
    second = await begun(shop, order, 31000, "part-two")
    # The platform would refuse the second one: it is sent when a minute has passed.
    assert shop.effects("payments", "refund") == 1
    refused = await ask(shop, order, 901, "part-three")
    assert isinstance(refused, Problem)
    assert (refused.code, refused.details) == ("REFUND_TOO_MUCH", {"refundable": 900})
    shop.pass_time(minutes=2)
    await shop.worker.drain()
    assert shop.effects("payments", "refund") == 2
    await settle(shop, first)
    await settle(shop, second)
    shop.pass_time(minutes=10)
    await shop.worker.drain()
    for done in (first, second):
        state, steps = await seen(shop, done)
        assert state == "COMPLETED"
        assert steps["stock.restock"] == ("SKIPPED", "REFUNDED_IN_PART")
        assert steps["coupon.return"] == ("SKIPPED", "REFUNDED_IN_PART")
    assert (await shop.order(order)).refunded == 81000
    assert await shop.pieces() == (2, 0)


async def test_pieces_and_coupon_come_back_with_the_part_that_succeeds_last(shop: Shop) -> None:
    ref = await shop.coupon()
    order = await paid(shop)
    first = await begun(shop, order, 50000, "part-one")
    second = await begun(shop, order, None, "the-rest")
    shop.pass_time(minutes=2)
    await shop.worker.drain()
    await settle(shop, first, "ABNORMAL")
    await settle(shop, second)
    shop.pass_time(minutes=10)
    await shop.worker.drain()
    state, steps = await seen(shop, second)
    assert state == "COMPLETED"
    assert steps["stock.restock"] == steps["coupon.return"] == ("SKIPPED", "REFUNDED_IN_PART")
    row = await shop.order(order)
    assert (row.refunded, row.fulfilment_state, await shop.pieces()) == (31900, "READY", (2, 0))
    await settle(shop, first)
    await shop.checkout.desk.retry(HQ, first.transaction_id, "the payer has another card")
    await shop.worker.drain()
    state, steps = await seen(shop, first)
    assert (state, steps["stock.restock"][0], steps["coupon.return"][0]) == ("COMPLETED", "DONE", "DONE")
    row = await shop.order(order)
    assert (row.refunded, row.fulfilment_state, await shop.pieces()) == (81900, "CANCELLED", (3, 0))
    held = await shop.database.one(select(coupon.c.state).where(coupon.c.code == ref.code))
    assert held is not None
    assert held.state == "USABLE"


async def test_the_same_key_is_the_same_refund(any_shop: Shop) -> None:
    shop = any_shop
    order = await paid(shop)
    answers = await asyncio.gather(*(ask(shop, order, 100) for _ in range(3)))
    assert len({each.number for each in answers if isinstance(each, RefundDone)}) == 1
    other = await ask(shop, order, 200)
    assert isinstance(other, Problem)
    assert other.code == "IDEMPOTENCY_MISMATCH"
    await shop.worker.drain()
    assert shop.effects("payments", "refund") == 1


async def test_two_refunds_at_once_never_give_back_more_than_was_paid(any_shop: Shop) -> None:
    shop = any_shop
    order = await paid(shop)
    answers = await asyncio.gather(*(ask(shop, order, 81900, f"at-once-{n}") for n in range(3)))
    assert len([each for each in answers if isinstance(each, RefundDone)]) == 1
    assert {each.code for each in answers if isinstance(each, Problem)} == {"REFUND_TOO_MUCH"}
    rows = await shop.database.fetch(
        select(refund.c.amount).where(refund.c.mchid == MCHID, refund.c.state == "REQUESTED")
    )
    assert [each.amount for each in rows] == [81900]


async def test_an_account_without_money_needs_a_person_who_retries_under_the_same_number(shop: Shop) -> None:
    order = await paid(shop)
    shop.sandbox.kit.faults.add("payments", "code", endpoint=REFUNDS, value="NOT_ENOUGH")
    done = await begun(shop, order)
    state, steps = await seen(shop, done)
    assert (state, steps["refund.send"]) == ("NEEDS_ATTENTION", ("FAILED", "REJECTED:not_enough"))
    assert shop.effects("payments", "refund") == 0
    shop.sandbox.kit.faults.clear()
    await shop.checkout.desk.retry(HQ, done.transaction_id, "funded")
    await shop.worker.drain()
    await settle(shop, done)
    assert (await seen(shop, done))[0] == "COMPLETED"
    assert shop.effects("payments", "refund") == 1


@pytest.mark.parametrize(("status", "reason"), [("CLOSED", "REFUND_CLOSED"), ("ABNORMAL", "REFUND_ABNORMAL")])
async def test_a_refund_that_the_bank_does_not_take_needs_a_person(shop: Shop, status: str, reason: str) -> None:
    order = await paid(shop)
    done = await begun(shop, order)
    await settle(shop, done, status)
    state, steps = await seen(shop, done)
    assert (state, steps["refund.settle"]) == ("NEEDS_ATTENTION", ("FAILED", reason))
    assert (steps["coupon.return"], steps["stock.restock"]) == (("PENDING", None), ("PENDING", None))
    assert (await shop.order(order)).refunded == 0
    assert await shop.pieces() == (2, 0)


async def waits_for_a_lock(database: Database) -> bool:
    """Whether a statement of this server waits for a row."""
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'payment'")
    return bool((await database.fetch(waiting))[0][0])


async def test_refunds_that_are_learned_at_once_are_both_summed(any_shop: Shop) -> None:
    """The other process has its own transaction: what it sums may not be what was there before ours was committed."""
    shop = any_shop
    order = await paid(shop)
    numbers = []
    for key in ("refund-key-1", "refund-key-2"):
        numbers.append((await begun(shop, order, 30_000, key)).number)
        # The platform takes one refund of an order a minute.
        shop.pass_time(minutes=2)
    for each in numbers:
        await shop.act("payments", "settle_refund", out_refund_no=each, status="SUCCESS")
    adapter = shop.tools.get(PaymentsAdapter, MCHID)
    told = [each for each in [await adapter.refund_status(number) for number in numbers] if isinstance(each, Refund)]
    second: asyncio.Task[None] | None = None
    async with shop.projector.batch() as batch:
        await batch.connection.execute(update(payment).values(refunded=payment.c.refunded))
        await batch.connection.execute(
            update(refund).where(refund.c.out_refund_no == numbers[0]).values(state="SUCCESS", succeeded_at=batch.now)
        )
        second = asyncio.create_task(refund_steps.apply(shop.projector, MCHID, told[1:], source="poll"))
        while not shop.database.is_sqlite and not await waits_for_a_lock(shop.database):  # noqa: ASYNC110 — no bell
            await asyncio.sleep(0.005)
    await second
    assert [row.refunded for row in await shop.database.fetch(select(payment.c.refunded))] == [60_000]
    assert (await shop.order(order)).refunded == 60_000


async def test_a_refusal_of_the_bank_is_certain_also_when_it_was_asked_in_vain_before(shop: Shop) -> None:
    done = await begun(shop, await paid(shop))
    shop.sandbox.kit.faults.add(
        "payments", "code", endpoint="GET /v3/refund/*", calls=(1,), value="RESOURCE_NOT_EXISTS"
    )
    shop.pass_time(minutes=2)
    await shop.worker.drain()
    await settle(shop, done, "CLOSED")
    assert (await seen(shop, done))[1]["refund.settle"] == ("FAILED", "REFUND_CLOSED")


async def test_a_refund_that_came_to_nothing_frees_its_money_when_a_person_says_so(shop: Shop) -> None:
    order = await paid(shop)
    shop.sandbox.kit.faults.add("payments", "code", endpoint=REFUNDS, value="NOT_ENOUGH")
    done = await begun(shop, order)
    shop.sandbox.kit.faults.clear()
    assert isinstance(await ask(shop, order, 81900, "another-key"), Problem)
    await shop.checkout.desk.resolve(HQ, done.transaction_id, SagaState.COMPENSATED, "paid back in cash")
    assert (await seen(shop, done))[1]["refund.request"] == ("UNDONE", None)
    assert isinstance(await ask(shop, order, 81900, "another-key"), RefundDone)


async def test_what_cannot_be_refunded_is_refused_with_nothing_written(shop: Shop) -> None:
    unpaid = await shop.flagship()
    cases: list[tuple[str, Any, str]] = [
        (unpaid.order_id, 100, "ORDER_NOT_REFUNDABLE"),
        ("MINI_PROGRAM:nobody:nothing", 100, "ORDER_UNKNOWN"),
    ]
    for order, amount, code in cases:
        answer = await ask(shop, order, amount)
        assert isinstance(answer, Problem)
        assert answer.code == code
    assert await shop.database.fetch(select(refund.c.out_refund_no).where(refund.c.state == "REQUESTED")) == []
    assert await shop.facts("refund.requested") == []
