"""The daily run: once per day, with what was missed, and what headquarters sees of it; and stores."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from gateway.database.clock import BUSINESS_ZONE
from gateway.database.tables.jobs import job
from gateway.database.tables.projections import purchase
from gateway.database.tables.reconciliation import reconciliation
from gateway.jobs import Handlers, State, Worker
from gateway.reconciliation import Book, Kind, Reconciliation
from gateway.reconciliation.runs import JOB
from tests.databases import *  # noqa: F403
from tests.gateway.actions.allotting import allot, book, by_hand, sold
from tests.gateway.reconciliation.test_merchants import today
from tests.gateway.transactions.shop import COAT, MCHID, Shop


async def scheduled(shop: Shop) -> Worker:
    service = Reconciliation(shop.projector, shop.queue, shop.tools, shop.checkout)
    handlers = Handlers()
    service.register(handlers)
    await service.daily.ensure()
    return Worker(shop.queue, handlers, clock=shop.sandbox.kit.clock)


async def test_it_runs_after_ten_and_makes_up_for_days_that_were_missed(shop: Shop) -> None:
    worker = await scheduled(shop)
    [put] = await shop.queue.list(kind=JOB, state=State.QUEUED)
    due = put.run_at.astimezone(BUSINESS_ZONE)
    assert (due.hour, due.minute) == (10, 30)
    first = due.date() - timedelta(days=1)
    shop.pass_time(seconds=(put.run_at - shop.sandbox.kit.clock.now()).total_seconds() + 1)
    await worker.drain()
    rows = await shop.database.fetch(select(reconciliation).where(reconciliation.c.account == MCHID))
    assert [(row.business_date, row.state) for row in rows] == [(first, "CLEAN")]
    shop.pass_time(days=3)
    await worker.drain()
    rows = await shop.database.fetch(
        select(reconciliation.c.business_date).where(reconciliation.c.account == MCHID).order_by(reconciliation.c.id)
    )
    days = [row.business_date for row in rows]
    assert days == [first + timedelta(days=n) for n in range(4)]
    await worker.drain()
    again = await shop.database.fetch(select(reconciliation).where(reconciliation.c.account == MCHID))
    assert len(again) == len(days)


async def test_an_account_that_failed_is_taken_up_alone(shop: Shop) -> None:
    worker = await scheduled(shop)
    [put] = await shop.queue.list(kind=JOB, state=State.QUEUED)
    shop.pass_time(seconds=(put.run_at - shop.sandbox.kit.clock.now()).total_seconds() + 1)
    shop.sandbox.kit.faults.add("payments", "code", endpoint="GET /v3/bill/*", value="NO_AUTH")
    await worker.drain()
    rows = await shop.database.fetch(select(reconciliation))
    assert {row.state for row in rows if row.tool == "payments"} == {"FAILED"}
    assert [row.tool for row in rows].count("mini_program_store") == 1
    shop.sandbox.kit.faults.clear()
    async with shop.database.write() as connection:
        await connection.execute(update(job).where(job.c.id == put.id).values(run_at=shop.sandbox.kit.clock.now()))
    await worker.drain()
    rows = await shop.database.fetch(select(reconciliation))
    assert [row.tool for row in rows].count("mini_program_store") == 1
    assert {row.state for row in rows if row.account == MCHID} == {"FAILED", "CLEAN"}


async def test_a_store_order_that_we_never_heard_of_is_taken_over(shop: Shop) -> None:
    order = max(shop.sandbox.world.store_orders, key=lambda each: each.updated_at)
    day = order.updated_at.astimezone(BUSINESS_ZONE).date()
    shop.pass_time(days=1)
    service = Reconciliation(shop.projector, shop.queue, shop.tools, shop.checkout)

    async def run() -> tuple[set[tuple[Kind, str]], int]:
        [found] = [each for each in await service.run(day) if each.book is Book.ORDERS]
        return {(each.kind, each.number) for each in found.repaired}, len(found.left)

    repaired, left = await run()
    assert (Kind.MISSING_HERE, order.order_id) in repaired
    assert left == 0
    assert await run() == (set(), 0)
    async with shop.database.write() as connection:
        mine = purchase.c.native_id == order.order_id
        past = shop.sandbox.kit.clock.now() - timedelta(days=30)
        await connection.execute(update(purchase).where(mine).values(state="UNPAID", as_of=past))
    repaired, left = await run()
    assert (repaired, left) == ({(Kind.STATE_DIFFERS, order.order_id)}, 0)


async def test_stock_that_moved_at_the_store_and_was_not_ours_to_move_is_told(any_shop: Shop) -> None:
    """A change in the console and a sale of more than was allotted; what is changed back is no difference."""
    shop, day = any_shop, today(any_shop)
    await allot(shop, 1)
    shop.pass_time(seconds=5)
    await by_hand(shop, 2)
    order = await sold(shop, 2)
    shop.pass_time(days=1)
    service = Reconciliation(shop.projector, shop.queue, shop.tools, shop.checkout)

    async def run() -> list[tuple[str, str | None, str | None, str | None]]:
        [found] = [each for each in await service.run(day) if each.book is Book.ORDERS]
        return [
            (each.number, each.order, each.ours_state, each.theirs_state)
            for each in found.left
            if each.kind is Kind.STOCK_DIFFERS
        ]

    sale = (COAT, order, "ALLOTTED 1", "SOLD 2")
    for _ in range(2):
        assert await run() == [(COAT, None, None, "MANUAL +2"), sale]
    assert (await book(shop))[:2] == (2, 0)
