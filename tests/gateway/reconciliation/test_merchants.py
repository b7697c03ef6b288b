"""Every kind of difference with 微信支付, planted at the platform or in our books; found, repaired, or left."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from gateway.database.clock import BUSINESS_ZONE
from gateway.database.tables.projections import payment, purchase, refund
from gateway.database.tables.reconciliation import reconciliation, reconciliation_difference
from gateway.events.projections import payments
from gateway.reconciliation import Kind, Reconciliation, Run, State
from gateway.transactions.checkout import CheckoutDone
from tests.databases import *  # noqa: F403
from tests.gateway.transactions.shop import MCHID, Shop


def today(shop: Shop) -> date:
    return shop.sandbox.kit.clock.now().astimezone(BUSINESS_ZONE).date()


def number(done: CheckoutDone) -> str:
    return done.order_id.rsplit(":", 1)[-1]


async def morning(shop: Shop) -> None:
    """The next day after 10:00, when the bills are out; what was due meanwhile has run."""
    now = shop.sandbox.kit.clock.now().astimezone(BUSINESS_ZONE)
    shop.pass_time(hours=34 - now.hour + 1)
    await shop.worker.drain()


async def reconcile(shop: Shop, day: date) -> Run:
    """The main merchant account's run."""
    service = Reconciliation(shop.projector, shop.queue, shop.tools, shop.checkout)
    [found] = [each for each in await service.run(day) if each.account == MCHID]
    return found


def told(found: Sequence[Any]) -> list[tuple[Kind, str]]:
    return sorted((each.kind, each.number) for each in found)


async def test_a_day_as_it_should_be_is_clean(any_shop: Shop) -> None:
    day = today(any_shop)
    await any_shop.notify(await any_shop.pay(await any_shop.flagship()))
    till = await any_shop.act("payments", "pos_pay", mchid=MCHID, person="maqiang", total=12345)
    await morning(any_shop)
    run = await reconcile(any_shop, day)
    assert (run.state, run.compared, run.learned, run.repaired, run.left) == (State.CLEAN, 2, 1, [], [])
    row = await any_shop.database.one(select(payment).where(payment.c.out_trade_no == till["out_trade_no"]))
    assert row is not None
    assert row.total == 12345
    assert (await reconcile(any_shop, day)).learned == 0


async def test_a_lost_notification_is_made_up_for(any_shop: Shop) -> None:
    shop, day = any_shop, today(any_shop)
    done = await shop.flagship()
    await shop.pay(done, quiet=True)
    assert (await shop.order(done.order_id)).state == "UNPAID"
    # Not by its own expiry job: that stands still here.
    shop.pass_time(hours=24)
    run = await reconcile(shop, day)
    assert (run.state, told(run.repaired), run.left) == (State.REPAIRED, [(Kind.MISSING_HERE, number(done))], [])
    assert (await shop.order(done.order_id)).state == "PAID"
    assert await shop.pieces() == (2, 0)
    await shop.worker.drain()
    assert (await shop.view(done)).state == "COMPLETED"
    assert shop.effects("payments", "coupon_use") == 1
    again = await reconcile(shop, day)
    assert (again.state, again.repaired, again.left) == (State.CLEAN, [], [])
    kept = await shop.database.fetch(select(reconciliation).where(reconciliation.c.account == MCHID))
    assert [(row.state, row.repaired, row.left) for row in kept] == [("REPAIRED", 1, 0), ("CLEAN", 0, 0)]
    [line] = await shop.database.fetch(
        select(reconciliation_difference).where(reconciliation_difference.c.number == number(done))
    )
    assert (line.kind, line.number, line.theirs_fen, line.repaired) == ("MISSING_HERE", number(done), 81900, True)


async def test_a_payment_that_the_bill_brought_first_is_still_applied(shop: Shop) -> None:
    """Reading bills for the projections must not hide that the order never heard of its money."""
    day = today(shop)
    done = await shop.flagship()
    await shop.pay(done, quiet=True)
    shop.pass_time(hours=24)
    await payments.bill(shop.projector, await shop.payments.trade_bill(day) or [])
    assert (await shop.order(done.order_id)).state == "UNPAID"
    run = await reconcile(shop, day)
    assert told(run.repaired) == [(Kind.MISSING_HERE, number(done))]
    assert (await shop.order(done.order_id)).state == "PAID"


async def test_a_refund_in_the_console_is_taken_over(any_shop: Shop) -> None:
    shop, day = any_shop, today(any_shop)
    done = await shop.flagship()
    await shop.notify(await shop.pay(done))
    made = await shop.act("payments", "console_refund", out_trade_no=number(done), amount=1900)
    await morning(shop)
    run = await reconcile(shop, day)
    assert (run.state, told(run.repaired)) == (State.REPAIRED, [(Kind.MISSING_HERE, made["out_refund_no"])])
    assert (await shop.order(done.order_id)).refunded == 1900
    [fact] = await shop.facts("refund.succeeded")
    assert (fact.amount_fen, fact.source) == (1900, "bill")
    assert (await reconcile(shop, day)).state is State.CLEAN


async def test_money_that_came_back_unheard_is_booked(shop: Shop) -> None:
    """Our refund stands as it was asked for; the bank settled it and the notice was lost."""
    day = today(shop)
    done = await shop.flagship()
    await shop.notify(await shop.pay(done))
    made = await shop.act("payments", "console_refund", out_trade_no=number(done), amount=1900)
    await morning(shop)
    await reconcile(shop, day)
    async with shop.database.write() as connection:
        await connection.execute(update(refund).values(state="PROCESSING", succeeded_at=None))
        await connection.execute(update(purchase).where(purchase.c.id == done.order_id).values(refunded=0))
    run = await reconcile(shop, day)
    assert set(told(run.repaired)) == {
        (Kind.STATE_DIFFERS, made["out_refund_no"]),
        (Kind.STATE_DIFFERS, number(done)),
    }
    assert (run.left, (await shop.order(done.order_id)).refunded) == ([], 1900)


async def test_an_order_that_was_paid_after_it_was_closed_is_left_until_the_money_is_back(any_shop: Shop) -> None:
    shop, day = any_shop, today(any_shop)
    done = await shop.flagship()
    shop.pass_time(minutes=31)
    await shop.worker.drain()
    assert (await shop.order(done.order_id)).state == "CLOSED"
    await shop.act("payments", "pay", out_trade_no=number(done), crossed=True, quiet=True)
    await morning(shop)
    for _ in range(2):
        run = await reconcile(shop, day)
        assert (run.state, told(run.left)) == (State.DIFFERENT, [(Kind.LATE_PAYMENT, number(done))])
    assert (await shop.view(done)).state == "NEEDS_ATTENTION"
    assert len(await shop.facts("payment.late")) == 1
    refunded_on = today(shop)
    made = await shop.act("payments", "console_refund", out_trade_no=number(done), amount=81900)
    await morning(shop)
    later = await reconcile(shop, refunded_on)
    assert told(later.repaired) == [(Kind.MISSING_HERE, made["out_refund_no"])]
    assert (await reconcile(shop, day)).state is State.CLEAN


@pytest.mark.parametrize("table", [payment, refund], ids=["payment", "refund"])
async def test_an_amount_that_differs_is_left(shop: Shop, table: Any) -> None:
    day = today(shop)
    done = await shop.flagship()
    await shop.notify(await shop.pay(done))
    made = await shop.act("payments", "console_refund", out_trade_no=number(done), amount=1900)
    await morning(shop)
    await reconcile(shop, day)
    column = {"payment": "total", "refund": "amount"}[table.name]
    async with shop.database.write() as connection:
        await connection.execute(update(table).values({column: table.c[column] + 1}))
    run = await reconcile(shop, day)
    wrong = {"payment": number(done), "refund": made["out_refund_no"]}[table.name]
    assert (Kind.AMOUNT_DIFFERS, wrong) in told(run.left)
    assert run.state is State.DIFFERENT


async def test_what_the_bill_does_not_have_is_left(shop: Shop) -> None:
    day = today(shop)
    done = await shop.flagship()
    await shop.notify(await shop.pay(done))
    await shop.act("payments", "pos_pay", mchid=MCHID, person="maqiang", total=500)
    await morning(shop)
    shop.sandbox.platforms["payments"].books[MCHID].orders.pop(number(done))  # type: ignore[attr-defined]
    run = await reconcile(shop, day)
    assert [(each.kind, each.number, each.ours_fen) for each in run.left] == [(Kind.MISSING_THERE, number(done), 81900)]


async def test_a_payment_of_an_order_that_we_lost_is_left(shop: Shop) -> None:
    day = today(shop)
    done = await shop.flagship()
    await shop.notify(await shop.pay(done))
    await morning(shop)
    async with shop.database.write() as connection:
        await connection.execute(delete(purchase).where(purchase.c.id == done.order_id))
    run = await reconcile(shop, day)
    assert told(run.left) == [(Kind.UNKNOWN_ORDER, number(done))]


async def test_the_bill_of_a_day_that_is_not_over_is_not_asked_for(shop: Shop) -> None:
    run = await reconcile(shop, today(shop))
    assert (run.state, run.error_code) == (State.FAILED, "DAY_NOT_OVER")
    assert shop.sandbox.kit.journal.count("payments", "GET /v3/bill/tradebill") == 0


async def test_an_account_that_cannot_be_asked_does_not_stop_the_others(shop: Shop) -> None:
    day = today(shop)
    await morning(shop)
    shop.sandbox.kit.faults.add("payments", "code", endpoint="GET /v3/bill/*", value="SYSTEM_ERROR")
    service = Reconciliation(shop.projector, shop.queue, shop.tools, shop.checkout)
    runs = await service.run(day)
    assert {(each.tool, each.state is State.FAILED) for each in runs} == {
        ("payments", True),
        ("mini_program_store", False),
    }
