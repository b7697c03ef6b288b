"""Orders, payments, after-sales."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from gateway.resolvers import freshness, ids, orders, places, profit_shares
from gateway.resolvers.orders import AfterSaleRecord, LineRecord, OrderRecord, PaymentRecord
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.info import Info
from gateway.schema.node import Node
from gateway.schema.places import Campaign, Guide, Sku, Store
from gateway.schema.profit_shares import ProfitShare
from gateway.schema.scalars import Money


@strawberry.enum(description="Where an order was placed.")
class OrderSource(Enum):
    """Order source."""

    MINI_PROGRAM = strawberry.enum_value("MINI_PROGRAM", description="The brand's own mini-program (小程序).")
    STORE = strawberry.enum_value("STORE", description="微信小店.")
    POS = strawberry.enum_value("POS", description="A till in a store (收银台).")
    WECOM_COLLECTION = strawberry.enum_value("WECOM_COLLECTION", description="企业微信对外收款.")
    IMPORT = strawberry.enum_value("IMPORT", description="Imported history.")


@strawberry.enum(description="Which business form brought the order (业态).")
class OrderForm(Enum):
    """Order form."""

    FLAGSHIP = strawberry.enum_value("FLAGSHIP", description="Official flagship store (官方旗舰店).")
    GUIDE = strawberry.enum_value("GUIDE", description="Shopping guide (官方导购).")
    FISSION = strawberry.enum_value("FISSION", description="Social sharing (社交裂变).")
    IN_STORE = strawberry.enum_value("IN_STORE", description="In a store (门店).")


@strawberry.type(description="A line of an order (订单商品).")
class OrderItem:
    """Order line."""

    record: strawberry.Private[LineRecord]
    title: str = strawberry.field(description="Title when it was bought.")
    quantity: int = strawberry.field(description="Pieces.")
    list_amount: Money = strawberry.field(description="List price × quantity.")
    discount: Money = strawberry.field(description="This line's share of the discounts.")
    paid: Money = strawberry.field(description="This line's share of what is paid; the lines sum exactly.")

    @strawberry.field(description="The variant that was bought; null when it is not known any more.")
    async def sku(self, info: Info) -> Sku | None:
        found = await info.context.loaders.load(places.skus, self.record.sku)
        return None if found is None else Sku.of(found)

    @classmethod
    def of(cls, record: LineRecord) -> OrderItem:
        return cls(
            record=record,
            title=record.title,
            quantity=record.quantity,
            list_amount=Money.of(record.list_amount),
            discount=Money.of(record.discount),
            paid=Money.of(record.paid),
        )


@strawberry.type(description="How and whether the goods reach the customer (履约).")
class Fulfilment:
    """Fulfilment."""

    method: str = strawberry.field(description="EXPRESS (快递), PICKUP (到店自提), CITY (同城) or VIRTUAL.")
    state: str = strawberry.field(description="PENDING, SHIPPED, PARTLY_SHIPPED, READY, RECEIVED or CANCELLED.")
    carrier: str | None = strawberry.field(description="The carrier's code (快递公司).")
    tracking: str | None = strawberry.field(description="Waybill number (运单号).")
    record: strawberry.Private[OrderRecord]
    shown: strawberry.Private[bool]

    @strawberry.field(
        description="What the customer shows in the store (提货码); shown to the shopper and by pii:read."
    )
    async def pickup_code(self, info: Info) -> str | None:
        return await info.context.loaders.load(orders.pickup_codes, self.record.id) if self.shown else None


@strawberry.type(description="A reason that the platform takes for refusing an after-sale (拒绝售后原因).")
class AfterSaleRejectReason:
    """拒绝原因."""

    number: int = strawberry.field(description="What afterSaleReject and afterSaleExchangeRefuse take.")
    text: str = strawberry.field(description="What the shopper reads.")
    scene: int = strawberry.field(
        description="What it is for, by the platform's number: 1 仅退款, 4 退货, 5 换货, and 6 换货发货, which"
        " afterSaleExchangeRefuse takes."
    )


@strawberry.type(description="An after-sale (售后单): refund, return or exchange.")
class AfterSale(Node):
    """售后."""

    record: strawberry.Private[AfterSaleRecord]
    kind: str = strawberry.field(description="REFUND, RETURN, EXCHANGE or OTHER.")
    state: str = strawberry.field(
        description="REQUESTED, AWAITING_MERCHANT, AWAITING_BUYER, REFUNDING, SUCCEEDED, REJECTED, CANCELLED…"
    )
    reason: str = strawberry.field(description="The platform's reason code (售后原因).")
    quantity: int = strawberry.field(description="Pieces.")
    refund: Money = strawberry.field(description="Money to go back.")
    updated_at: datetime = strawberry.field(description="When it last changed.")

    @strawberry.field(
        description="Reasons that afterSaleReject takes, asked of the platform now; one call per store and request."
        " Needs the scope orders:write."
    )
    async def reject_reasons(self, info: Info) -> list[AfterSaleRejectReason] | None:
        info.context.principal.require("orders:write")
        found = await info.context.loaders.load(orders.reject_reasons, self.record.appid)
        if isinstance(found, BaseException):
            raise found
        return [AfterSaleRejectReason(number=each.number, text=each.text, scene=each.scene) for each in found]

    @classmethod
    def of(cls, record: AfterSaleRecord) -> AfterSale:
        return cls(
            id=strawberry.ID(ids.encode("as", record.id, record.appid)),
            record=record,
            kind=record.kind,
            state=record.state,
            reason=record.reason,
            quantity=record.quantity,
            refund=Money.of(record.refund),
            updated_at=record.updated_at,
        )


@strawberry.type(description="An order (订单) of any source.")
class Order(Node):
    """订单."""

    record: strawberry.Private[OrderRecord]
    source: OrderSource = strawberry.field(description="Where it was placed.")
    form: OrderForm = strawberry.field(description="Which business form brought it.")
    state: str = strawberry.field(
        description="UNPAID, AWAITING_SHIPMENT, PARTLY_SHIPPED, SHIPPED, COMPLETED, CANCELLED, CLOSED, PAID…"
    )
    list_total: Money = strawberry.field(description="Sum of list prices.")
    discount: Money = strawberry.field(description="All discounts.")
    freight: Money = strawberry.field(description="Freight (运费).")
    payable: Money = strawberry.field(description="What the customer owes (应付).")
    refunded: Money = strawberry.field(description="What has gone back (已退).")
    created_at: datetime = strawberry.field(description="When it was placed.")
    updated_at: datetime = strawberry.field(description="When it last changed, by the platform's word.")
    changed_at: datetime = strawberry.field(
        description="When the gateway's copy last changed: what updatedAfter compares, see docs/lists.md."
    )
    paid_at: datetime | None = strawberry.field(description="When it was paid.")
    out_id: str | None = strawberry.field(description="The order's number in the ERP.")

    @strawberry.field(description="Its lines.")
    async def items(self, info: Info) -> list[OrderItem]:
        found = await info.context.loaders.load(orders.lines, self.record.id)
        return [OrderItem.of(each) for each in found]

    @strawberry.field(description="Its after-sales (售后), oldest first.")
    async def after_sales(self, info: Info) -> list[AfterSale]:
        found = await info.context.loaders.load(orders.after_sales, self.record.id)
        return [AfterSale.of(each) for each in found]

    @strawberry.field(
        description="Parts of its payment for other merchants (分账), oldest first, by our rows. Needs the scope"
        " shares:write."
    )
    async def profit_shares(self, info: Info) -> list[ProfitShare] | None:
        info.context.principal.require(profit_shares.SCOPE)
        found = await info.context.loaders.load(profit_shares.of_orders, self.record.id)
        return [ProfitShare.of(each) for each in found]

    @strawberry.field(description="How and whether the goods reach the customer.")
    async def fulfilment(self, info: Info) -> Fulfilment:
        caller = info.context.principal
        own = caller.member is not None and await self._owner(info) == caller.member
        return Fulfilment(
            method=self.record.method,
            state=self.record.fulfilment_state,
            carrier=self.record.carrier,
            tracking=self.record.tracking,
            record=self.record,
            shown=own or caller.sees_personal_data,
        )

    @strawberry.field(description="The selling store.")
    async def store(self, info: Info) -> Store | None:
        if self.record.store is None:
            return None
        found = await info.context.loaders.load(places.stores, self.record.store)
        return None if found is None else Store.of(found)

    @strawberry.field(description="The guide who is credited.")
    async def guide(self, info: Info) -> Guide | None:
        if self.record.guide is None:
            return None
        found = await info.context.loaders.load(places.guides, self.record.guide)
        return None if found is None else Guide.of(info, found)

    @strawberry.field(description="The campaign it belongs to.")
    async def campaign(self, info: Info) -> Campaign | None:
        if self.record.campaign is None:
            return None
        found = await info.context.loaders.load(places.campaigns, self.record.campaign)
        return None if found is None else Campaign.of(found)

    async def _owner(self, info: Info) -> str | None:
        if self.record.identity is None:
            return None
        return await info.context.loaders.load(orders.owners, self.record.identity)

    @classmethod
    def of(cls, record: OrderRecord) -> Order:
        return cls(
            id=strawberry.ID(ids.encode("or", record.id)),
            record=record,
            source=OrderSource[record.source],
            form=OrderForm[record.form],
            state=record.state,
            list_total=Money.of(record.list_total),
            discount=Money.of(record.discount),
            freight=Money.of(record.freight),
            payable=Money.of(record.payable),
            refunded=Money.of(record.refunded),
            created_at=record.created_at,
            updated_at=record.updated_at,
            changed_at=record.changed_at,
            paid_at=record.paid_at,
            out_id=record.out_id,
        )


@strawberry.type(description="A payment at 微信支付.")
class Payment(Node):
    """支付订单."""

    record: strawberry.Private[PaymentRecord]
    state: str = strawberry.field(
        description="NOTPAY, SUCCESS, REFUND (paid, and something went back), CLOSED, USERPAYING, PAYERROR…"
    )
    trade_type: str = strawberry.field(description="JSAPI, NATIVE, MICROPAY (付款码) …")
    amount: Money = strawberry.field(description="Order amount (订单金额).")
    payer_amount: Money | None = strawberry.field(description="What the payer paid after 代金券 (用户支付金额).")
    refunded: Money = strawberry.field(description="What has gone back.")
    paid_at: datetime | None = strawberry.field(description="When it was paid.")
    description: str = strawberry.field(description="商品描述.")

    @strawberry.field(description="The order it paid, when it is one of ours.")
    async def order(self, info: Info) -> Order | None:
        if self.record.purchase is None:
            return None
        found = await info.context.loaders.load(orders.orders, self.record.purchase)
        return None if found is None else Order.of(found)

    @classmethod
    def of(cls, record: PaymentRecord) -> Payment:
        return cls(
            id=strawberry.ID(ids.encode("py", record.out_trade_no, record.mchid)),
            record=record,
            state=record.state,
            trade_type=record.trade_type,
            amount=Money.of(record.total),
            payer_amount=Money.maybe(record.payer_total),
            refunded=Money.of(record.refunded),
            paid_at=record.paid_at,
            description=record.description,
        )


@strawberry.input(one_of=True, description="How to find an order: exactly one of these.")
class OrderByInput:
    """Order lookup."""

    out_id: strawberry.Maybe[str] = strawberry.field(description="The order's number in the ERP.")
    number: strawberry.Maybe[str] = strawberry.field(
        description="The platform's order id (订单号); of our own orders the out_trade_no (商户订单号)."
    )


@strawberry.type(description="Fields about orders.")
class OrderQueries:
    """Orders."""

    @strawberry.field(description="One order, by a number of it; null when none has it. A shopper finds their own.")
    async def order(
        self,
        info: Info,
        by: Annotated[OrderByInput, strawberry.argument(description="Exactly one way to find the order.")],
    ) -> Order | None:
        out_id = by.out_id.value if by.out_id else None
        found = await orders.find(info.context, out_id=out_id, number=by.number.value if by.number else None)
        if (asked := info.context.asked(info)) is not None:
            await freshness.projected(info.context, asked, freshness.ORDERS)
        return None if found is None else Order.of(found)

    @strawberry.field(
        description="All orders, newest first; with updatedAfter in the order of change, for those who sync."
    )
    async def orders(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        updated_after: Annotated[
            datetime | None, strawberry.argument(description="Only orders whose changedAt is after this instant.")
        ] = None,
    ) -> Connection[Order] | None:
        page = await orders.page(info.context, args(first, after, last, before), updated_after)
        if (asked := info.context.asked(info)) is not None:
            await freshness.projected(info.context, asked, freshness.ORDERS)
        return connect(page, Order.of)
