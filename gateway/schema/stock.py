"""Stock (库存): corrections of the own book, and what shops of the platform may sell of it."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.resolvers import ids
from gateway.resolvers.stock import WRITE
from gateway.schema.acting import KEY_DESCRIPTION, ask, done_by
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem, ToolProblem
from gateway.schema.scalars import Long
from gateway.schema.stock_levels import StockChannel
from gateway.transactions.actions import Performed
from gateway.transactions.effects import stock_adjustments, stock_allotments
from gateway.transactions.stock import CENTRAL


@strawberry.input(description="A correction of the stock book.")
class StockAdjustInput:
    """Adjustment."""

    sku: str = strawberry.field(description="The brand's code (商家编码).")
    delta: int = strawberry.field(description="Pieces that come, or go when it is negative; not 0.")
    reason: str = strawberry.field(description="Why, in your words: broken, found, moved. Up to 200 characters.")
    store: strawberry.ID | None = strawberry.field(
        description="Which store's shelf; the warehouse when it is left out.", default=None
    )
    channel: StockChannel = strawberry.field(description="For which channel.", default=StockChannel.MINI_PROGRAM)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> stock_adjustments.Adjustment:
        """As the action takes it. Raises UserError for an id that is none."""
        location = CENTRAL if self.store is None else ids.decode_as("st", self.store)[1]
        return stock_adjustments.Adjustment(self.sku, location, self.channel.name, self.delta, self.reason)


@strawberry.type(description="The book after a correction.")
class StockAdjusted:
    """Adjusted."""

    transaction_id: strawberry.Private[str]
    on_hand: Long = strawberry.field(description="Pieces on the shelf right after it (在库).")
    reserved: Long = strawberry.field(description="Of these, promised (预占).")

    transaction = done_by("The transaction that did it.")


StockAdjustResult = Annotated[
    StockAdjusted | DomainProblem | ToolProblem,
    strawberry.union("StockAdjustResult", description="The book after it, or why it stayed as it was."),
]


@strawberry.input(description="Pieces for a shop of the platform.")
class StockAllotInput:
    """Allotment."""

    sku: str = strawberry.field(description="The brand's code (商家编码).")
    appid: str = strawberry.field(description="The shop's account (微信小店).")
    delta: int = strawberry.field(
        description="Pieces that the shop may sell from now on; negative for those that it may not any more; not 0."
    )
    store: strawberry.ID | None = strawberry.field(
        description="Whose pieces; the warehouse's when it is left out.", default=None
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> stock_allotments.Wanted:
        """As the action takes it. Raises UserError for an id that is none."""
        location = CENTRAL if self.store is None else ids.decode_as("st", self.store)[1]
        return stock_allotments.Wanted(self.sku, location, self.appid, self.delta)


@strawberry.type(description="The book after an allotment.")
class StockAllotted:
    """Allotted."""

    transaction_id: strawberry.Private[str]
    allotted: Long = strawberry.field(description="Pieces of that place that the shop may sell (已分配).")
    free: Long = strawberry.field(description="What is left there for the brand's own mini-programs (可售).")

    transaction = done_by("The transaction that did it.")


StockAllotResult = Annotated[
    StockAllotted | DomainProblem | ToolProblem,
    strawberry.union("StockAllotResult", description="The book after it, or why it stayed as it was."),
]


@strawberry.type(description="Mutations about stock.")
class StockMutations:
    """Stock."""

    @strawberry.mutation(
        description="Correct the stock book by hand (库存调整), never below what is reserved. Needs the scope"
        " stock:write. The next import of the ERP's counts replaces it."
    )
    async def stock_adjust(
        self,
        info: Info,
        input: Annotated[StockAdjustInput, strawberry.argument(description="What changes.")],  # noqa: A002
    ) -> StockAdjustResult:
        info.context.principal.require(WRITE)
        done = await ask(info, stock_adjustments.ADJUST, input)
        if not isinstance(done, Performed):
            return done
        return StockAdjusted(
            transaction_id=done.transaction,
            on_hand=Long(done.outcome.on_hand),
            reserved=Long(done.outcome.reserved),
        )

    @strawberry.mutation(
        description="Give a shop of the platform pieces to sell, or take back what it has not sold (渠道库存分配). The"
        " shop's own number (库存) changes by as many. Needs the scope stock:write. Undone by the opposite."
    )
    async def stock_allot(
        self,
        info: Info,
        input: Annotated[StockAllotInput, strawberry.argument(description="Whose pieces, for whom.")],  # noqa: A002
    ) -> StockAllotResult:
        info.context.principal.require(WRITE)
        done = await ask(info, stock_allotments.ALLOT, input)
        if not isinstance(done, Performed):
            return done
        return StockAllotted(
            transaction_id=done.transaction,
            allotted=Long(done.outcome.allotted),
            free=Long(done.outcome.free),
        )
