"""Stocks of cash coupons (代金券批次): seen, started, paused, and started again."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from adapters.payments import CashStock as StockRecord
from adapters.payments import CashStockState as State
from gateway.resolvers import cash_stocks as resolvers
from gateway.schema.acting import KEY_DESCRIPTION, ask, done_by
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem, ToolProblem
from gateway.schema.scalars import Long
from gateway.transactions.actions import Performed
from gateway.transactions.effects import cash_stocks

MERCHANT = "The merchant (商户号) that made it; the first one of the settings when it is left out."


@strawberry.enum(description="State of a stock of cash coupons (批次状态).")
class CashStockState(Enum):
    """State."""

    UNACTIVATED = strawberry.enum_value("UNACTIVATED", description="未激活: made in the console, and never started.")
    AUDIT = strawberry.enum_value("AUDIT", description="审核中.")
    RUNNING = strawberry.enum_value("RUNNING", description="运行中: it can be sent.")
    PAUSED = strawberry.enum_value("PAUSED", description="暂停: what shoppers hold stays good.")
    STOPPED = strawberry.enum_value("STOPPED", description="已停止, for good.")
    UNKNOWN = strawberry.enum_value("UNKNOWN", description="Another one, which the platform added since.")


@strawberry.type(description="A stock of cash coupons (代金券批次), made in the merchant's console.")
class CashStock:
    """批次."""

    mchid: str = strawberry.field(description="The merchant that made it (创建批次的商户号).")
    stock_id: str = strawberry.field(description="批次号: stockId of cashCouponSend.")
    name: str = strawberry.field(description="批次名称.")
    state: CashStockState = strawberry.field(description="批次状态.")
    starts_at: datetime | None = strawberry.field(description="Its coupons are usable from (可用开始时间).")
    ends_at: datetime | None = strawberry.field(description="Its coupons are usable until (可用结束时间).")
    sent: Long = strawberry.field(description="已发券数量.")

    @classmethod
    def of(cls, record: StockRecord) -> CashStock:
        return cls(
            mchid=record.mchid,
            stock_id=record.stock_id,
            name=record.name,
            state=CashStockState[record.state.name],
            starts_at=record.starts_at,
            ends_at=record.ends_at,
            sent=Long(record.sent),
        )


@strawberry.input(description="A stock of cash coupons to start or pause.")
class CashStockInput:
    """批次."""

    stock_id: str = strawberry.field(description="批次号.")
    mchid: str | None = strawberry.field(description=MERCHANT, default=None)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> cash_stocks.Asked:
        """As the action takes it."""
        return cash_stocks.Asked(self.mchid or "", self.stock_id)


@strawberry.type(description="A stock of cash coupons that was started or paused.")
class CashStockSwitched:
    """批次, after it."""

    key: strawberry.Private[tuple[str, str]]
    transaction_id: strawberry.Private[str]
    transaction = done_by("The transaction that did it.")

    @strawberry.field(description="The stock as the platform has it now (one call).")
    async def cash_stock(self, info: Info) -> CashStock | None:
        found = await resolvers.of(info.context, self.key)
        return None if found is None else CashStock.of(found)


CashStockResult = Annotated[
    CashStockSwitched | DomainProblem | ToolProblem,
    strawberry.union("CashStockResult", description="The stock after it, or why it stayed as it was."),
]


@strawberry.type(description="Questions about stocks of cash coupons.")
class CashStockQueries:
    """Stocks."""

    @strawberry.field(
        description="Stocks of cash coupons that a merchant made (条件查询代金券批次列表): live, in the platform's"
        " order, forward only, one call per ten. Needs the scope coupons:write."
    )
    async def cash_stocks(
        self,
        info: Info,
        mchid: Annotated[str | None, strawberry.argument(description=MERCHANT)] = None,
        state: Annotated[CashStockState | None, strawberry.argument(description="Only those in this state.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[CashStock] | None:
        wanted = None if state is None else State[state.name]
        page = await resolvers.page(info.context, mchid, wanted, args(first, after, last, before))
        return connect(page, CashStock.of)

    @strawberry.field(
        description="One of them (查询代金券批次详情), asked of the platform now; null where the merchant made none"
        " of this number. Needs the scope coupons:write."
    )
    async def cash_stock(
        self,
        info: Info,
        stock_id: Annotated[str, strawberry.argument(description="批次号.")],
        mchid: Annotated[str | None, strawberry.argument(description=MERCHANT)] = None,
    ) -> CashStock | None:
        found = await resolvers.one(info.context, mchid, stock_id)
        return None if found is None else CashStock.of(found)


@strawberry.type(description="Mutations about stocks of cash coupons.")
class CashStockMutations:
    """Stocks."""

    @strawberry.mutation(
        description="Let coupons of a stock be sent, which was never started (激活代金券批次). Needs the scope"
        " coupons:write."
    )
    async def cash_stock_start(
        self,
        info: Info,
        input: Annotated[CashStockInput, strawberry.argument(description="Which.")],  # noqa: A002
    ) -> CashStockResult:
        return await _switched(info, input, cash_stocks.START)

    @strawberry.mutation(
        description="Send no more of a stock for now (暂停代金券批次); what shoppers hold stays good. Needs the scope"
        " coupons:write."
    )
    async def cash_stock_pause(
        self,
        info: Info,
        input: Annotated[CashStockInput, strawberry.argument(description="Which.")],  # noqa: A002
    ) -> CashStockResult:
        return await _switched(info, input, cash_stocks.PAUSE)

    @strawberry.mutation(description="Send of a paused stock again (重启代金券批次). Needs the scope coupons:write.")
    async def cash_stock_restart(
        self,
        info: Info,
        input: Annotated[CashStockInput, strawberry.argument(description="Which.")],  # noqa: A002
    ) -> CashStockResult:
        return await _switched(info, input, cash_stocks.RESTART)


async def _switched(info: Info, wanted: CashStockInput, action: cash_stocks.Switch) -> CashStockResult:
    info.context.principal.require(resolvers.SCOPE)
    done = await ask(info, action, wanted)
    if not isinstance(done, Performed):
        return done
    return CashStockSwitched(key=(done.outcome.mchid, done.outcome.stock_id), transaction_id=done.transaction)
