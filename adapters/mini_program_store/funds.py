"""The store's own ledger (资金结算): its money lies with the platform, and no bill of 微信支付 shows it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from adapters.base.errors import NotFound
from adapters.base.page import Page
from adapters.base.runtime import Runtime
from adapters.mini_program_store.account import Account
from adapters.mini_program_store.client import FundsClient
from adapters.mini_program_store.config import MiniProgramStoreConfig
from adapters.mini_program_store.models import funds as models
from adapters.mini_program_store.reading import BEIJING, each, instant, wall_clock
from adapters.mini_program_store.records.funds import (
    FundsFlow,
    FundsPage,
    OrderSettlement,
    SettleState,
    StoreBalance,
    Withdrawal,
)

#: Our choices: the platform's default is ten, its maximum is not documented.
FLOWS_PER_PAGE: Final = 10
SETTLEMENTS_PER_PAGE: Final = 50
WITHDRAWALS_PER_PAGE: Final = 20
#: Entries of a day appear at this hour of the next.
FLOWS_READY_HOUR: Final = 16

_EXPENSE: Final = 2
_SETTLED: Final = {
    1: SettleState.PENDING,
    2: SettleState.NOTHING,
    60: SettleState.SETTLED,
    100: SettleState.PARTLY,
}


class Funds(Account):
    """See ``MiniProgramStoreAdapter``."""

    def __init__(self, config: MiniProgramStoreConfig, runtime: Runtime) -> None:
        super().__init__(config, runtime)
        self._funds = FundsClient(self._api)

    async def store_balance(self) -> StoreBalance:
        """What the store can withdraw, and what is not settled yet."""
        self._must_be("store")
        wire = await self._funds.getbalance()
        return StoreBalance(self.account, wire.sub_mchid, wire.available_amount, wire.pending_amount)

    async def funds_flow_ids(self, begin: datetime, end: datetime, cursor: str | None = None) -> FundsPage:
        """Numbers of the ledger's entries within a window, ten a page.

        Entries of a day appear at 16:00 of the next (Beijing), and a later end is cut without a word: it is cut
        here, and ``known_until`` says where. Keep the window the same while paging.
        """
        self._must_be("store")
        if begin.tzinfo is None or end.tzinfo is None:
            raise self._invalid("window", "Both ends of the window need a UTC offset.")
        until = min(end, _ready_until(self._clock.now()))
        if until <= begin:
            return FundsPage((), None, until)
        page, key = self._numbered(cursor)
        question: dict[str, object] = {
            "page": page or 1,
            "page_size": FLOWS_PER_PAGE,
            "start_time": int(begin.timestamp()),
            "end_time": int(until.timestamp()),
        }
        if key:
            question["next_key"] = key
        wire = await self._funds.getfundsflowlist(question)
        ids = tuple(str(number) for number in wire.flow_ids)
        following = self._next(wire.has_more, wire.next_key)
        return FundsPage(ids, following and f"{(page or 1) + 1}:{following}", until)

    async def funds_flows(self, ids: Sequence[str]) -> Sequence[FundsFlow | NotFound]:
        """One call per entry: the platform has no batch read."""
        self._must_be("store")
        answers = await each(self._funds.getfundsflowdetail, ids)
        return [
            _flow(self.account, answer.funds_flow)
            if isinstance(answer, models.FlowDetail) and answer.funds_flow is not None
            else self._missing(answer, "entry in its ledger", number)
            for number, answer in zip(ids, answers, strict=True)
        ]

    async def order_settlements(
        self, begin: datetime, end: datetime, cursor: str | None = None
    ) -> Page[OrderSettlement]:
        """What orders created in a window bring; the end is excluded. Estimates until they are settled."""
        self._must_be("store")
        first, last = self._window(begin, end, timedelta(days=31))
        wire = await self._funds.listorderflow(
            {
                "order_settle_state": 0,
                "pagination_info": {"limit": SETTLEMENTS_PER_PAGE, "use_page_ctx": True, "page_ctx": cursor or ""},
                "create_time_range": {"begin": first, "end": last},
            }
        )
        rows = [_settlement(self.account, row) for row in wire.data_list]
        # The count is indicative only: a short page is the last.
        more = len(rows) == SETTLEMENTS_PER_PAGE
        return Page(rows, (more and wire.page_ctx) or None)

    async def withdrawal_ids(self, cursor: str | None = None) -> Page[str]:
        """Withdrawals, twenty a page."""
        self._must_be("store")
        page, _ = self._numbered(cursor)
        wire = await self._funds.getwithdrawlist(page or 1, WITHDRAWALS_PER_PAGE)
        more = bool(wire.withdraw_ids) and (page or 1) * WITHDRAWALS_PER_PAGE < wire.total_num
        return Page([str(number) for number in wire.withdraw_ids], f"{(page or 1) + 1}:p" if more else None)

    async def withdrawals(self, ids: Sequence[str]) -> Sequence[Withdrawal | NotFound]:
        """One call per withdrawal; the bank's own fields are not read."""
        self._must_be("store")
        answers = await each(self._funds.getwithdrawdetail, ids)
        return [
            answer
            if isinstance(answer, NotFound)
            else Withdrawal(
                self.account,
                number,
                answer.amount,
                answer.status,
                answer.reason,
                instant(answer.create_time),
                instant(answer.update_time),
            )
            for number, answer in zip(ids, answers, strict=True)
        ]


def _ready_until(now: datetime) -> datetime:
    """Up to when entries are there: midnight of today from 16:00 on, of yesterday before."""
    local = now.astimezone(BEIJING)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight - timedelta(days=0 if local.hour >= FLOWS_READY_HOUR else 1)).astimezone(UTC)


def _flow(appid: str, wire: models.FundsFlow) -> FundsFlow:
    related = wire.related_info_list

    def first(name: str) -> str | None:
        return next((str(value) for row in related if (value := getattr(row, name))), None)

    return FundsFlow(
        appid=appid,
        flow_id=str(wire.flow_id),
        kind=wire.funds_type,
        title=wire.funds_type_desc,
        amount=-wire.amount if wire.flow_type == _EXPENSE else wire.amount,
        balance=wire.balance,
        booked_at=wall_clock(wire.bookkeeping_time),
        order_id=first("order_id"),
        after_sale_id=first("aftersale_id"),
        withdrawal_id=first("withdraw_id"),
        transaction_id=first("transaction_id"),
        remark=wire.remark,
    )


def _settlement(appid: str, wire: models.OrderFlow) -> OrderSettlement:
    return OrderSettlement(
        appid=appid,
        order_id=str(wire.order_id),
        state=_SETTLED.get(wire.order_settle_state, SettleState.OTHER),
        paid=wire.buyer_paid_amount,
        refunded=wire.buyer_refund_amount,
        settled=wire.mch_settle_amount,
        commission=wire.platform_commission_amount + wire.promoter_commission_amount,
        settled_at=instant(wire.mch_settle_time),
    )
