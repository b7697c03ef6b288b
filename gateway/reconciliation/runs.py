"""Reconciles every account's day, keeps what was found, and comes back every day when bills are out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import func, select

from adapters.base.errors import UpstreamError
from adapters.base.priority import background
from adapters.mini_program_store import MiniProgramStoreAdapter
from adapters.payments import PaymentsAdapter
from gateway.database.clock import BUSINESS_ZONE
from gateway.database.tables.reconciliation import reconciliation, reconciliation_difference
from gateway.database.ulid import Ulids
from gateway.events.projector import Projector
from gateway.jobs import Handlers, Queue, Recurring, RunningJob
from gateway.reconciliation import funds, merchants, stores
from gateway.reconciliation.differences import Difference, Outcome
from gateway.runtime import OpenTools
from gateway.transactions.checkout import CheckoutService
from gateway.transactions.store_stock import StoreStock

JOB: Final = "reconciliation"
FUNDS_JOB: Final = "reconciliation.funds"
#: 10:30 in Beijing: yesterday's bills are out from 10:00.
AT: Final = timedelta(hours=2, minutes=30)
#: 16:30 in Beijing: yesterday's entries of stores' ledgers are out from 16:00.
FUNDS_AT: Final = timedelta(hours=8, minutes=30)
#: The hour in Beijing at which yesterday's bills are out.
BILLS_AT: Final = 10
#: How many days are made up for after the gateway stood still. Bills reach three months back.
CATCH_UP: Final = 30
#: A day is reconciled when it is over.
NOT_OVER: Final = "DAY_NOT_OVER"


class Book(StrEnum):
    """What of an account is compared."""

    #: 交易账单 and 资金账单 of a merchant account.
    BILLS = "BILLS"
    #: Orders, after-sales and stock of a store.
    ORDERS = "ORDERS"
    #: 资金流水 of a store.
    FUNDS = "FUNDS"


class State(StrEnum):
    """How a run ended."""

    CLEAN = "CLEAN"
    #: There were differences, and none is left.
    REPAIRED = "REPAIRED"
    #: Something is left for a person.
    DIFFERENT = "DIFFERENT"
    #: The platform could not be asked, or its bill is not out.
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Run:
    """One account's day, one of its books, compared once."""

    id: str
    day: date
    tool: str
    account: str
    book: Book
    state: State
    compared: int
    learned: int
    repaired: Sequence[Difference]
    left: Sequence[Difference]
    error_code: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class _Account:
    """One book of an account."""

    tool: str
    adapter: PaymentsAdapter | MiniProgramStoreAdapter
    book: Book


class Reconciliation:
    """Compares our books with the platforms'. Safe to repeat, and with any number of processes."""

    def __init__(self, projector: Projector, queue: Queue, tools: OpenTools, checkout: CheckoutService) -> None:
        self._projector = projector
        self._database = projector.database
        self._tools = tools
        self._checkout = checkout
        self._store_stock = StoreStock(projector, tools, queue)
        self._ulids = Ulids(projector.clock)
        #: The run of every day.
        self.daily = Recurring(queue, JOB, self._daily, every=timedelta(days=1), offset=AT)
        #: The run of stores' money, which is told of later.
        self.afternoon = Recurring(queue, FUNDS_JOB, self._afternoon, every=timedelta(days=1), offset=FUNDS_AT)

    def register(self, handlers: Handlers) -> None:
        """Add the daily jobs' handlers."""
        self.daily.register(handlers)
        self.afternoon.register(handlers)

    async def run(self, day: date) -> Sequence[Run]:
        """Reconcile every account's day; one that fails does not keep the others from theirs.

        A store's ledger is compared once the day's entries are out, and left out before.
        """
        accounts = self._accounts(Book.BILLS, Book.ORDERS)
        if self._projector.clock.now() >= funds.out_at(day):
            accounts = [*accounts, *self._accounts(Book.FUNDS)]
        return [await self._one(each, day) for each in accounts]

    async def _daily(self, job: RunningJob) -> None:
        """Every day since the last one that was compared; a repetition takes up only what is missing."""
        # Not the job's own period: one that ran late is followed by tomorrow's.
        local = self._projector.clock.now().astimezone(BUSINESS_ZONE)
        latest = local.date() - timedelta(days=1 if local.hour >= BILLS_AT else 2)
        del job
        await self._make_up(latest, Book.BILLS, Book.ORDERS)

    async def _afternoon(self, job: RunningJob) -> None:
        """The same of the stores' ledgers."""
        now = self._projector.clock.now()
        latest = now.astimezone(BUSINESS_ZONE).date() - timedelta(days=1)
        del job
        await self._make_up(latest if now >= funds.out_at(latest) else latest - timedelta(days=1), Book.FUNDS)

    async def _make_up(self, latest: date, *books: Book) -> None:
        failure: str | None = None
        with background():
            for day in await self._days(latest, books):
                done = await self._done(day)
                for each in self._accounts(*books):
                    if (each.adapter.account, each.book) in done:
                        continue
                    run = await self._one(each, day)
                    failure = failure or run.error_code
        if failure is not None:
            raise ReconciliationFailed(failure)

    async def _days(self, latest: date, books: Sequence[Book]) -> Sequence[date]:
        row = await self._database.one(
            select(func.max(reconciliation.c.business_date).label("day")).where(
                reconciliation.c.state != State.FAILED.value,
                reconciliation.c.business_date < latest,
                reconciliation.c.book.in_([each.value for each in books]),
            )
        )
        first = latest if row is None or row.day is None else row.day + timedelta(days=1)
        first = max(first, latest - timedelta(days=CATCH_UP - 1))
        return [first + timedelta(days=n) for n in range((latest - first).days + 1)]

    async def _done(self, day: date) -> set[tuple[str, Book]]:
        rows = await self._database.fetch(
            select(reconciliation.c.account, reconciliation.c.book).where(
                reconciliation.c.business_date == day, reconciliation.c.state != State.FAILED.value
            )
        )
        return {(row.account, Book(row.book)) for row in rows}

    def _accounts(self, *books: Book) -> Sequence[_Account]:
        stores_ = [each for each in self._tools.all(MiniProgramStoreAdapter) if each.kind == "store"]
        found = [_Account("payments", each, Book.BILLS) for each in self._tools.all(PaymentsAdapter)]
        found += [_Account("mini_program_store", each, book) for book in (Book.ORDERS, Book.FUNDS) for each in stores_]
        return [each for each in found if each.book in books]

    async def _one(self, account: _Account, day: date) -> Run:
        if day >= self._projector.clock.now().astimezone(BUSINESS_ZONE).date():
            return await self._keep(account, day, State.FAILED, Outcome(0, 0, (), ()), NOT_OVER)
        try:
            outcome = await self._compared(account, day)
        except UpstreamError as error:
            code = f"{error.kind}:{error.reason}"
            return await self._keep(account, day, State.FAILED, Outcome(0, 0, (), ()), code)
        state = State.DIFFERENT if outcome.left else State.REPAIRED if outcome.repaired else State.CLEAN
        return await self._keep(account, day, state, outcome, None)

    async def _compared(self, account: _Account, day: date) -> Outcome:
        adapter = account.adapter
        if isinstance(adapter, PaymentsAdapter):
            return await merchants.reconcile(self._projector, self._checkout, adapter, day)
        if account.book is Book.FUNDS:
            return await funds.reconcile(self._projector, adapter, day)
        return await stores.reconcile(self._projector, self._store_stock, adapter, day)

    async def _keep(self, account: _Account, day: date, state: State, outcome: Outcome, error_code: str | None) -> Run:
        now = self._projector.clock.now()
        run = Run(
            self._ulids.next(now),
            day,
            account.tool,
            account.adapter.account,
            account.book,
            state,
            outcome.compared,
            outcome.learned,
            outcome.repaired,
            outcome.left,
            error_code,
            now,
        )
        found = [(each, True) for each in run.repaired] + [(each, False) for each in run.left]
        async with self._database.write() as connection:
            await connection.execute(
                reconciliation.insert().values(
                    id=run.id,
                    business_date=day,
                    tool=run.tool,
                    account=run.account,
                    book=run.book.value,
                    state=state.value,
                    compared=run.compared,
                    learned=run.learned,
                    repaired=len(run.repaired),
                    left=len(run.left),
                    error_code=error_code,
                    created_at=now,
                )
            )
            if found:
                rows = [_row(run.id, line, each, repaired) for line, (each, repaired) in enumerate(found, 1)]
                await connection.execute(reconciliation_difference.insert(), rows)
        return run


class ReconciliationFailed(Exception):
    """An account could not be compared; the job is tried again."""

    code = "RECONCILIATION_FAILED"


def _row(run_id: str, line: int, each: Difference, repaired: bool) -> dict[str, object]:
    return {
        "reconciliation": run_id,
        "line": line,
        "kind": each.kind.value,
        "number": each.number,
        "order_number": each.order,
        "ours_fen": each.ours_fen,
        "theirs_fen": each.theirs_fen,
        "ours_state": each.ours_state,
        "theirs_state": each.theirs_state,
        "repaired": repaired,
    }
