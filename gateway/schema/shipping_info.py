"""Shipping information (发货信息管理) of mini-programs: what waits to be shipped, the reminder of receipt, its page."""

from __future__ import annotations

from datetime import date as date_type
from datetime import datetime
from enum import Enum
from typing import Annotated, Any

import strawberry
from strawberry import Parent

from adapters.mini_program_store import PaidOrder as PaidOrderRecord
from adapters.mini_program_store import PaidOrderState as State
from gateway.resolvers import ids, orders, shipping_info
from gateway.schema.acting import KEY_DESCRIPTION, ask, done_by
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.info import Info
from gateway.schema.orders import Order
from gateway.schema.problems import DomainProblem, ToolProblem
from gateway.schema.scalars import Money
from gateway.transactions.actions import Performed
from gateway.transactions.effects import shipping_info as effects

MiniProgram = Annotated[
    str | None,
    strawberry.argument(description="appid of a mini-program (小程序); the first of the settings without one."),
]


@strawberry.enum(description="Where a payment stands with the platform's shipping information (发货状态).")
class PaidOrderState(Enum):
    """State."""

    TO_SHIP = strawberry.enum_value("TO_SHIP", description="待发货: its money is frozen.")
    SHIPPED = strawberry.enum_value("SHIPPED", description="已发货.")
    RECEIVED = strawberry.enum_value("RECEIVED", description="确认收货.")
    COMPLETED = strawberry.enum_value("COMPLETED", description="交易完成.")
    REFUNDED = strawberry.enum_value("REFUNDED", description="已退款.")
    OTHER = strawberry.enum_value("OTHER", description="Another state; it can be shown, not asked for.")


@strawberry.type(description="A parcel that the platform was told of.")
class PaidOrderParcel:
    """Parcel."""

    goods: str = strawberry.field(description="商品描述.")
    carrier: str = strawberry.field(description="快递公司编码; empty for what no carrier brings.")
    tracking: str = strawberry.field(description="运单号; empty likewise.")


@strawberry.type(description="A payment, as the platform sees it for its shipping information (支付单).")
class PaidOrder:
    """Paid order."""

    record: strawberry.Private[PaidOrderRecord]
    mchid: str = strawberry.field(description="商户号.")
    number: str = strawberry.field(description="商户订单号 (out_trade_no).")
    transaction_id: str = strawberry.field(description="微信支付订单号.")
    paid: Money = strawberry.field(description="支付金额, in fen.")
    paid_at: datetime | None = strawberry.field(description="支付时间.")
    state: PaidOrderState = strawberry.field(description="发货状态.")
    in_complaint: bool = strawberry.field(description="The payer has complained (投诉中).")
    complete: bool = strawberry.field(description="Everything of it was told (已完成全部发货).")
    uploads: int = strawberry.field(description="How often all of it was told: the second time was the correction.")
    parcels: list[PaidOrderParcel] = strawberry.field(description="What was told of it.")

    @strawberry.field(description="The own order that it paid; null for a payment that was not made here.")
    async def order(self, info: Info) -> Order | None:
        found = await info.context.loaders.load(orders.by_payment, (self.record.mchid, self.record.out_trade_no))
        return None if found is None else Order.of(found)

    @classmethod
    def of(cls, record: PaidOrderRecord) -> PaidOrder:
        return cls(
            record=record,
            mchid=record.mchid,
            number=record.out_trade_no,
            transaction_id=record.transaction_id,
            paid=Money.of(record.paid),
            paid_at=record.paid_at,
            state=PaidOrderState[record.state.name],
            in_complaint=record.in_complaint,
            complete=record.complete,
            uploads=record.uploads,
            parcels=[
                PaidOrderParcel(goods=each.goods, carrier=each.carrier, tracking=each.tracking_number)
                for each in record.parcels
            ],
        )


@strawberry.type(description="How a mini-program stands with shipping information (发货信息管理), asked now.")
class ShippingStanding:
    """Standing."""

    account: str = strawberry.field(description="appid.")

    @strawberry.field(description="Its money waits for shipping information (已开通发货信息管理服务). One call.")
    async def managed(self, info: Info) -> bool | None:
        return await shipping_info.managed(info.context, self.account)

    @strawberry.field(description="Its owner has confirmed the kinds of trade (已完成交易结算管理确认). One call.")
    async def confirmed(self, info: Info) -> bool | None:
        return await shipping_info.confirmed(info.context, self.account)


@strawberry.input(description="A shopper to be reminded of confirming receipt (确认收货提醒).")
class OrderReceiptRemindInput:
    """确认收货提醒."""

    order: strawberry.ID = strawberry.field(description="The order, an own one that was shipped.")
    received_at: datetime = strawberry.field(description="When it arrived (快递签收时间); not to come.")
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> effects.Received:
        """As the action takes it. Raises UserError for an id that is none."""
        return effects.Received(ids.decode_as("or", self.order)[1], self.received_at)


@strawberry.input(description="The page behind the platform's messages about shipments (消息跳转路径).")
class ShippingPageSetInput:
    """消息跳转路径设置."""

    page: str = strawberry.field(
        description="A path without a leading slash, up to 128 characters, such as pages/order/detail."
    )
    account: str | None = strawberry.field(
        description="appid of a mini-program; the first of the settings without.", default=None
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> effects.Page:
        """As the action takes it."""
        return effects.Page(self.account, self.page)


async def _order(root: Parent[Any], info: Info) -> Order | None:
    found = await info.context.loaders.load(orders.orders, root.order_id)
    return None if found is None else Order.of(found)


@strawberry.type(description="The platform reminds the shopper.")
class OrderReceiptReminded:
    """已提醒."""

    order_id: strawberry.Private[str]
    transaction_id: strawberry.Private[str]

    order = strawberry.field(resolver=_order, description="The order.")
    transaction = done_by("The transaction that did it.")


@strawberry.type(description="The platform has the page.")
class ShippingPageSet:
    """已设置."""

    transaction_id: strawberry.Private[str]
    account: str = strawberry.field(description="appid.")

    transaction = done_by("The transaction that did it.")


OrderReceiptRemindResult = Annotated[
    OrderReceiptReminded | DomainProblem | ToolProblem,
    strawberry.union("OrderReceiptRemindResult", description="The order, or why nobody is reminded."),
]
ShippingPageSetResult = Annotated[
    ShippingPageSet | DomainProblem | ToolProblem,
    strawberry.union("ShippingPageSetResult", description="Whose page it is, or why it stayed."),
]


@strawberry.type(description="Questions about shipping information of mini-programs.")
class ShippingInfoQueries:
    """Shipping information."""

    @strawberry.field(
        description="Payments in a mini-program and whether they were shipped (查询订单列表), as the platform sees them"
        " now, in its order, forward only; a call per fifty. Needs the scope orders:write."
    )
    async def paid_orders(
        self,
        info: Info,
        account: MiniProgram = None,
        state: Annotated[
            PaidOrderState | None, strawberry.argument(description="Only those that stand so; not OTHER.")
        ] = None,
        start: Annotated[
            date_type | None,
            strawberry.argument(name="from", description="The first business date (Asia/Shanghai) of payment."),
        ] = None,
        until: Annotated[
            date_type | None,
            strawberry.argument(description="The business date after the last one; 92 days at most."),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[PaidOrder] | None:
        wanted = None if state is None else State[state.name]
        given = args(first, after, last, before)
        page = await shipping_info.paid(info.context, account, wanted, start, until, given)
        return connect(page, PaidOrder.of)

    @strawberry.field(
        description="How a mini-program stands with shipping information (发货信息管理). Needs the scope orders:write."
    )
    async def shipping_standing(self, info: Info, account: MiniProgram = None) -> ShippingStanding | None:
        return ShippingStanding(account=shipping_info.standing(info.context, account))


@strawberry.type(description="Mutations about shipping information of mini-programs.")
class ShippingInfoMutations:
    """Shipping information."""

    @strawberry.mutation(
        description="Have the platform remind a shopper of confirming receipt (确认收货提醒): once per order, in its"
        " own words, through the gate as SERVICE. Needs the scope orders:write."
    )
    async def order_receipt_remind(
        self,
        info: Info,
        input: Annotated[OrderReceiptRemindInput, strawberry.argument(description="Which order.")],  # noqa: A002
    ) -> OrderReceiptRemindResult:
        info.context.principal.require(shipping_info.SCOPE)
        done = await ask(info, effects.REMIND, input)
        if not isinstance(done, Performed):
            return done
        return OrderReceiptReminded(order_id=ids.decode_as("or", input.order)[1], transaction_id=done.transaction)

    @strawberry.mutation(
        description="Set the page that the platform's messages about shipments open (消息跳转路径设置). Needs the scope"
        " orders:write."
    )
    async def shipping_page_set(
        self,
        info: Info,
        input: Annotated[ShippingPageSetInput, strawberry.argument(description="The page.")],  # noqa: A002
    ) -> ShippingPageSetResult:
        info.context.principal.require(shipping_info.SCOPE)
        done = await ask(info, effects.SET_PAGE, input)
        if not isinstance(done, Performed):
            return done
        return ShippingPageSet(transaction_id=done.transaction, account=done.outcome.account)
