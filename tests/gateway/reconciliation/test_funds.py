"""A store's own ledger: a day as it should be, and every kind of difference, planted at the platform or here."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import delete, select

from gateway.database.clock import BUSINESS_ZONE
from gateway.database.tables.projections import after_sale, purchase
from gateway.database.tables.reconciliation import reconciliation, store_funds_flow
from gateway.jobs import Handlers, State, Worker
from gateway.reconciliation import Book, Kind, Reconciliation, Run
from gateway.reconciliation.runs import FUNDS_JOB
from tests.databases import *  # noqa: F403
from tests.gateway.actions.trading import TOOL, complaint, known, ordered, ref, store
from tests.gateway.reconciliation.test_merchants import today, told
from tests.gateway.transactions.shop import Shop

PRICE = 89900


async def reconcile(shop: Shop, day: date) -> Run:
    """The store's ledger of a day."""
    service = Reconciliation(shop.projector, shop.queue, shop.tools, shop.checkout)
    [found] = [each for each in await service.run(day) if each.book is Book.FUNDS]
    return found


async def finished(shop: Shop) -> str:
    """An order that went its whole way; the platform has taken its fee."""
    number = await ordered(shop)
    await shop.act(TOOL, "order_ship", order_id=number)
    await shop.act(TOOL, "order_confirm", order_id=number)
    await known(shop, number)
    return number


async def refunded(shop: Shop) -> tuple[str, str]:
    """An order whose money went back: its number, and its after-sale's."""
    number = await ordered(shop)
    case = await complaint(shop, number, "REFUND")
    await shop.act(TOOL, "after_sale_update", after_sale_id=case, status="MERCHANT_REFUND_SUCCESS")
    return number, case


async def misbook(shop: Shop, funds_type: int, amount: int, order: str) -> str:
    done = await shop.act(TOOL, "misbook", funds_type=funds_type, amount=amount, order_id=order)
    return str(done["flow_id"])


async def out(shop: Shop) -> None:
    """The next day after 16:00."""
    local = shop.sandbox.kit.clock.now().astimezone(BUSINESS_ZONE)
    shop.pass_time(hours=24 + 17 - local.hour)


async def begin(shop: Shop) -> date:
    """A day of which the platform has nothing yet, and before it a ledger that is read."""
    shop.pass_time(days=2)
    await reconcile(shop, today(shop) - timedelta(days=2))
    return today(shop)


async def test_a_day_as_it_should_be_is_clean(any_shop: Shop) -> None:
    shop = any_shop
    day = await begin(shop)
    await finished(shop)
    await refunded(shop)
    await shop.act(TOOL, "withdraw", amount=5000)
    service = Reconciliation(shop.projector, shop.queue, shop.tools, shop.checkout)
    assert {each.book for each in await service.run(day)} == {Book.BILLS, Book.ORDERS}
    await out(shop)
    # Two payments, a refund, a fee and a withdrawal, of which the last two only the ledger tells.
    run = await reconcile(shop, day)
    assert (run.state.value, run.compared, run.learned, run.repaired, run.left) == ("CLEAN", 5, 2, [], [])
    # Each entry is read once.
    shop.sandbox.kit.faults.add(TOOL, "code", endpoint="*/getfundsflowdetail", value="48001")
    again = await reconcile(shop, day)
    assert (again.state.value, again.compared, again.learned) == ("CLEAN", 5, 0)
    rows = await shop.database.fetch(
        select(store_funds_flow).where(store_funds_flow.c.business_date == day).order_by(store_funds_flow.c.flow_id)
    )
    assert [(row.title, row.amount, row.state) for row in rows] == [
        ("订单支付", PRICE, None), ("技术服务费", -PRICE // 100, None), ("订单支付", PRICE, None),
        ("订单退款", -PRICE, None), ("提现", -5000, "SUCCESS"),
    ]  # fmt: skip


async def test_what_differs_is_left(any_shop: Shop) -> None:
    shop = any_shop
    day = await begin(shop)
    short, gone, back, unpaid = await ordered(shop), await ordered(shop), await refunded(shop), await refunded(shop)
    await misbook(shop, 1, PRICE - 100, short)
    await misbook(shop, 1, 0, gone)
    await misbook(shop, 3, PRICE - 1, back[0])
    await misbook(shop, 3, 0, unpaid[0])
    stray = await misbook(shop, 1, 700, "3705000000000000001")
    await out(shop)
    kinds = [
        (Kind.FUNDS_DIFFER, short), (Kind.FUNDS_DIFFER, back[1]), (Kind.FUNDS_MISSING, gone),
        (Kind.FUNDS_MISSING, unpaid[1]), (Kind.FUNDS_UNKNOWN, stray),
    ]  # fmt: skip
    for _ in range(2):
        run = await reconcile(shop, day)
        assert (run.state.value, run.repaired, told(run.left)) == ("DIFFERENT", [], sorted(kinds))
    amounts = {each.number: (each.ours_fen, each.theirs_fen) for each in run.left}
    assert amounts == {
        short: (PRICE, PRICE - 100), gone: (PRICE, None), back[1]: (PRICE, PRICE - 1), unpaid[1]: (PRICE, None),
        stray: (None, 700),
    }  # fmt: skip


async def test_orders_that_we_never_heard_of_are_taken_over(shop: Shop) -> None:
    day = await begin(shop)
    number, case = await refunded(shop)
    await out(shop)
    # Changed the day after, so that the day's own list does not have it.
    await shop.act(TOOL, "after_sale_update", after_sale_id=case, status="MERCHANT_REFUND_SUCCESS")
    async with shop.database.write() as connection:
        await connection.execute(delete(after_sale).where(after_sale.c.after_sale_id == case))
        await connection.execute(delete(purchase).where(purchase.c.id == ref(shop, number)))
    run = await reconcile(shop, day)
    assert (run.state.value, run.left) == ("REPAIRED", [])
    assert {each.kind for each in run.repaired} == {Kind.FUNDS_UNKNOWN}
    assert (await shop.order(ref(shop, number))).payable == PRICE
    assert (await reconcile(shop, day)).state.value == "CLEAN"


async def test_what_is_paid_about_midnight_may_be_booked_the_next_day(shop: Shop) -> None:
    day = await begin(shop)
    local = shop.sandbox.kit.clock.now().astimezone(BUSINESS_ZONE)
    shop.pass_time(hours=23 - local.hour, minutes=58 - local.minute)
    number = await ordered(shop)
    for row in shop.sandbox.platforms[TOOL].state.flows:  # type: ignore[attr-defined]
        if any(each.get("order_id") == number for each in row["related_info_list"]):
            row["at"] += timedelta(minutes=5)
    await out(shop)
    assert (await reconcile(shop, day)).left == []
    shop.pass_time(days=1)
    run = await reconcile(shop, day + timedelta(days=1))
    assert (run.compared, run.left) == (1, [])


async def test_it_runs_after_four_and_makes_up_for_days_that_were_missed(shop: Shop) -> None:
    service = Reconciliation(shop.projector, shop.queue, shop.tools, shop.checkout)
    handlers = Handlers()
    service.register(handlers)
    await service.afternoon.ensure()
    worker = Worker(shop.queue, handlers, clock=shop.sandbox.kit.clock)
    [put] = await shop.queue.list(kind=FUNDS_JOB, state=State.QUEUED)
    due = put.run_at.astimezone(BUSINESS_ZONE)
    assert (due.hour, due.minute) == (16, 30)
    shop.pass_time(seconds=(put.run_at - shop.sandbox.kit.clock.now()).total_seconds() + 1)
    await worker.drain()
    shop.pass_time(days=2)
    await worker.drain()
    rows = await shop.database.fetch(select(reconciliation).order_by(reconciliation.c.business_date))
    first = due.date() - timedelta(days=1)
    assert [(row.business_date, row.account, row.book) for row in rows] == [
        (first + timedelta(days=n), store(shop).account, "FUNDS") for n in range(3)
    ]


async def test_a_ledger_that_cannot_be_read_fails_alone(shop: Shop) -> None:
    day = await begin(shop)
    await ordered(shop)
    await out(shop)
    shop.sandbox.kit.faults.add(TOOL, "code", endpoint="*/funds/*", value="48001")
    service = Reconciliation(shop.projector, shop.queue, shop.tools, shop.checkout)
    states = {each.book: each.state.value for each in await service.run(day) if each.tool == TOOL}
    assert states[Book.FUNDS] == "FAILED"
    assert states[Book.ORDERS] != "FAILED"
    shop.sandbox.kit.faults.clear()
    assert (await reconcile(shop, day)).state.value == "CLEAN"
