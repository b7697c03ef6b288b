"""Sharing what was paid with other merchants (分账)."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from gateway.resolvers import ids, orders
from gateway.resolvers import profit_shares as resolvers
from gateway.resolvers.profit_shares import ReceiverRecord
from gateway.schema.acting import KEY_DESCRIPTION, ask, done_by
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.info import Info
from gateway.schema.orders import Order
from gateway.schema.problems import DomainProblem, ToolProblem
from gateway.schema.scalars import Long, Money
from gateway.transactions.actions import Performed
from gateway.transactions.effects import profit_receivers, profit_shares

MERCHANT = "The merchant (商户号) that shares; the first one of the settings when it is left out."


@strawberry.enum(description="What a receiver is to the merchant that shares (与分账方的关系类型).")
class ProfitRelation(Enum):
    """Relation."""

    STORE = strawberry.enum_value("STORE", description="门店.")
    STAFF = strawberry.enum_value("STAFF", description="员工.")
    STORE_OWNER = strawberry.enum_value("STORE_OWNER", description="店主.")
    PARTNER = strawberry.enum_value("PARTNER", description="合作伙伴.")
    HEADQUARTER = strawberry.enum_value("HEADQUARTER", description="总部.")
    BRAND = strawberry.enum_value("BRAND", description="品牌方.")
    DISTRIBUTOR = strawberry.enum_value("DISTRIBUTOR", description="分销商.")
    USER = strawberry.enum_value("USER", description="用户.")
    SUPPLIER = strawberry.enum_value("SUPPLIER", description="供应商.")
    SERVICE_PROVIDER = strawberry.enum_value("SERVICE_PROVIDER", description="服务商.")
    CUSTOM = strawberry.enum_value("CUSTOM", description="自定义: custom says it.")


@strawberry.type(description="A merchant that may get parts of payments (分账接收方).")
class ProfitReceiver:
    """分账接收方."""

    mchid: str = strawberry.field(description="The merchant (商户号) that shares.")
    account: str = strawberry.field(description="商户号 of who may get parts.")
    relation: ProfitRelation = strawberry.field(description="与分账方的关系类型.")
    custom: str | None = strawberry.field(description="自定义的分账关系, for CUSTOM.")
    added_at: datetime = strawberry.field(description="When it was entered last.")

    @classmethod
    def of(cls, record: ReceiverRecord) -> ProfitReceiver:
        return cls(
            mchid=record.mchid,
            account=record.account,
            relation=ProfitRelation[record.relation],
            custom=record.custom,
            added_at=record.added_at,
        )


@strawberry.input(description="A merchant that shall be able to get parts of payments (添加分账接收方).")
class ProfitReceiverAddInput:
    """添加分账接收方."""

    account: str = strawberry.field(description="Its 商户号.")
    name: str = strawberry.field(
        description="商户全称, which the platform compares; it is sent encrypted, and kept in the transaction's sealed"
        " intent alone."
    )
    relation: ProfitRelation = strawberry.field(description="与分账方的关系类型.")
    custom: str | None = strawberry.field(description="自定义的分账关系, 10 characters; for CUSTOM only.", default=None)
    mchid: str | None = strawberry.field(description=MERCHANT, default=None)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> profit_receivers.Wanted:
        """As the action takes it."""
        return profit_receivers.Wanted(self.account, self.name, self.relation.name, self.custom or "", self.mchid or "")


@strawberry.input(description="A merchant that shall get no parts any more (删除分账接收方).")
class ProfitReceiverDeleteInput:
    """删除分账接收方."""

    account: str = strawberry.field(description="Its 商户号.")
    mchid: str | None = strawberry.field(description=MERCHANT, default=None)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> profit_receivers.Strike:
        """As the action takes it."""
        return profit_receivers.Strike(self.account, self.mchid or "")


@strawberry.input(description="A part for a merchant.")
class ProfitSharePartInput:
    """分账接收方列表."""

    receiver: str = strawberry.field(description="商户号, of profitReceivers.")
    amount: Long = strawberry.field(description="Fen (分), 1 at least.")
    description: str = strawberry.field(description="分账描述, 80 characters at most: the receiver's bill says it.")


@strawberry.input(description="Parts of an order's payment, for other merchants (请求分账).")
class ProfitShareInput:
    """请求分账."""

    order: strawberry.ID = strawberry.field(description="The order, paid from a minute to 30 days ago.")
    parts: list[ProfitSharePartInput] = strawberry.field(description="1 to 50, each for another merchant.")
    unfreeze: bool = strawberry.field(
        description="Whether nothing more of it will be shared: the rest becomes the merchant's own (解冻剩余未分资金)."
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> profit_shares.Wanted:
        """As the action takes it. Raises UserError for an id that is none."""
        parts = tuple(profit_shares.Part(each.receiver, int(each.amount), each.description) for each in self.parts)
        return profit_shares.Wanted(ids.decode_as("or", self.order)[1], parts, self.unfreeze)


@strawberry.input(description="An order of which nothing more will be shared (解冻剩余资金).")
class ProfitUnfreezeInput:
    """解冻剩余资金."""

    order: strawberry.ID = strawberry.field(description="The order, paid from a minute to 30 days ago.")
    description: str = strawberry.field(description="分账描述, 80 characters at most.", default="解冻全部剩余资金")
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> profit_shares.Rest:
        """As the action takes it. Raises UserError for an id that is none."""
        return profit_shares.Rest(ids.decode_as("or", self.order)[1], self.description)


@strawberry.input(description="A part, or some of it, that shall come back from its merchant (请求分账回退).")
class ProfitShareReturnInput:
    """请求分账回退."""

    mchid: str = strawberry.field(description="As the part of Order.profitShares has it.")
    number: str = strawberry.field(description="商户分账单号, as the part has it.")
    receiver: str = strawberry.field(description="Who got it (商户号).")
    amount: Long = strawberry.field(description="Fen (分), at most what the part has left.")
    description: str = strawberry.field(description="回退描述, 80 characters at most.")
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> profit_shares.WantedReturn:
        """As the action takes it."""
        return profit_shares.WantedReturn(self.mchid, self.number, self.receiver, int(self.amount), self.description)


@strawberry.type(description="A merchant that was entered among those that may get parts, or struck off.")
class ProfitReceiverChanged:
    """分账接收方."""

    transaction_id: strawberry.Private[str]
    mchid: str = strawberry.field(description="The merchant (商户号) that shares.")
    account: str = strawberry.field(description="商户号 of the other one.")
    transaction = done_by("The transaction that did it.")


@strawberry.type(description="What 微信支付 has taken on; whether it arrives is told by Order.profitShares.")
class ProfitShareAccepted:
    """已受理."""

    payment: strawberry.Private[tuple[str, str]]
    transaction_id: strawberry.Private[str]
    number: str = strawberry.field(description="商户分账单号.")
    transaction = done_by("The transaction that did it.")

    @strawberry.field(description="The order, with all its parts; null once its shopper was erased.")
    async def order(self, info: Info) -> Order | None:
        order = await resolvers.order_of(info.context, self.payment)
        found = None if order is None else await info.context.loaders.load(orders.orders, order)
        return None if found is None else Order.of(found)


ProfitReceiverResult = Annotated[
    ProfitReceiverChanged | DomainProblem | ToolProblem,
    strawberry.union("ProfitReceiverResult", description="The merchant, or why nothing was done."),
]
ProfitShareResult = Annotated[
    ProfitShareAccepted | DomainProblem | ToolProblem,
    strawberry.union("ProfitShareResult", description="What was taken on, or why nothing was done."),
]


@strawberry.type(description="Questions about shares of payments.")
class ProfitShareQueries:
    """Shares."""

    @strawberry.field(
        description="Merchants that may get parts of payments (分账接收方), the newest first, as far as the gateway"
        " entered them; no platform is asked. Needs the scope shares:write."
    )
    async def profit_receivers(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[ProfitReceiver] | None:
        return connect(await resolvers.receivers(info.context, args(first, after, last, before)), ProfitReceiver.of)

    @strawberry.field(
        description="What of an order's payment can still be shared (查询剩余待分金额), asked of 微信支付 now; null for"
        " an order that nobody paid there. Needs the scope shares:write."
    )
    async def profit_unshared(
        self, info: Info, order: Annotated[strawberry.ID, strawberry.argument(description="The order.")]
    ) -> Money | None:
        return Money.maybe(await resolvers.unshared(info.context, ids.decode_as("or", order)[1]))


@strawberry.type(description="Mutations about shares of payments.")
class ProfitShareMutations:
    """Shares."""

    @strawberry.mutation(
        description="Enter a merchant that may get parts of payments (添加分账接收方). Needs the scope shares:write."
    )
    async def profit_receiver_add(
        self,
        info: Info,
        input: Annotated[ProfitReceiverAddInput, strawberry.argument(description="Whom.")],  # noqa: A002
    ) -> ProfitReceiverResult:
        info.context.principal.require(resolvers.SCOPE)
        return _changed(await ask(info, profit_receivers.ADD, input))

    @strawberry.mutation(
        description="Strike a merchant off (删除分账接收方); parts on their way still arrive. Needs the scope"
        " shares:write."
    )
    async def profit_receiver_delete(
        self,
        info: Info,
        input: Annotated[ProfitReceiverDeleteInput, strawberry.argument(description="Whom.")],  # noqa: A002
    ) -> ProfitReceiverResult:
        info.context.principal.require(resolvers.SCOPE)
        return _changed(await ask(info, profit_receivers.DELETE, input))

    @strawberry.mutation(
        description="Give parts of an order's payment on to other merchants (请求分账). Accepted is not arrived:"
        " Order.profitShares tells. Needs the scope shares:write, and a payment that declared it (setting"
        " checkout.profit_sharing)."
    )
    async def profit_share(
        self,
        info: Info,
        input: Annotated[ProfitShareInput, strawberry.argument(description="Which order, and the parts.")],  # noqa: A002
    ) -> ProfitShareResult:
        info.context.principal.require(resolvers.SCOPE)
        return _accepted(await ask(info, profit_shares.SHARE, input))

    @strawberry.mutation(
        description="Share no more of an order's payment: the rest is the merchant's own (解冻剩余资金). Needs the"
        " scope shares:write."
    )
    async def profit_unfreeze(
        self,
        info: Info,
        input: Annotated[ProfitUnfreezeInput, strawberry.argument(description="Which order.")],  # noqa: A002
    ) -> ProfitShareResult:
        info.context.principal.require(resolvers.SCOPE)
        return _accepted(await ask(info, profit_shares.UNFREEZE, input))

    @strawberry.mutation(
        description="Take a part back from the merchant who got it (请求分账回退), as before the order is refunded."
        " Accepted is not back: Order.profitShares tells. Needs the scope shares:write."
    )
    async def profit_share_return(
        self,
        info: Info,
        input: Annotated[ProfitShareReturnInput, strawberry.argument(description="Which part.")],  # noqa: A002
    ) -> ProfitShareResult:
        info.context.principal.require(resolvers.SCOPE)
        return _accepted(await ask(info, profit_shares.RETURN, input))


def _changed(done: Performed[profit_receivers.Entered] | DomainProblem | ToolProblem) -> ProfitReceiverResult:
    if not isinstance(done, Performed):
        return done
    return ProfitReceiverChanged(
        mchid=done.outcome.mchid, account=done.outcome.account, transaction_id=done.transaction
    )


def _accepted(done: Performed[profit_shares.Shared] | DomainProblem | ToolProblem) -> ProfitShareResult:
    if not isinstance(done, Performed):
        return done
    return ProfitShareAccepted(
        payment=(done.outcome.mchid, done.outcome.out_trade_no),
        number=done.outcome.number,
        transaction_id=done.transaction,
    )
