"""What the brand does with orders after they were placed: ship, hand out, cancel, decide on after-sales."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any

import strawberry
from strawberry import Parent

from adapters.mini_program_store import AfterSaleAccept
from gateway.resolvers import ids, orders
from gateway.resolvers.errors import UserError
from gateway.schema.acting import KEY_DESCRIPTION, act, done_by
from gateway.schema.checkout import plain_problem
from gateway.schema.info import Info
from gateway.schema.orders import AfterSale, Order
from gateway.schema.problems import DomainProblem, ToolProblem, invalid
from gateway.schema.scalars import Long, Money
from gateway.transactions.actions import Performed
from gateway.transactions.effects import after_sales, pickups, price_changes, shipment_corrections, shipments
from gateway.transactions.records import Problem

WRITE = "orders:write"
PICKUP = "orders:pickup"


@strawberry.enum(description="How goods leave (物流方式).")
class ShippingMethod(Enum):
    """物流方式."""

    EXPRESS = strawberry.enum_value("EXPRESS", description="物流快递: parcels by a carrier.")
    CITY = strawberry.enum_value("CITY", description="同城配送: the brand's own riders; own orders only.")
    VIRTUAL = strawberry.enum_value("VIRTUAL", description="虚拟商品: nothing is carried.")
    PICKUP = strawberry.enum_value("PICKUP", description="用户自提: it lies ready in the store; own orders only.")


@strawberry.enum(description="What is agreed to in an after-sale (同意售后).")
class AfterSaleDecision(Enum):
    """同意."""

    RETURN_GOODS = strawberry.enum_value("RETURN_GOODS", description="同意退货: the goods may come back.")
    REFUND = strawberry.enum_value("REFUND", description="同意退款: the money goes back now. It cannot be undone.")


@strawberry.input(description="Pieces in a parcel.")
class ParcelItemInput:
    """Item."""

    sku: str = strawberry.field(description="The brand's code (商家编码).")
    quantity: int = strawberry.field(description="Pieces.")


@strawberry.input(description="A parcel (包裹).")
class ParcelInput:
    """Parcel."""

    carrier: str = strawberry.field(description="The platform's code of the carrier (快递公司编码), such as SF.")
    tracking: str = strawberry.field(description="Waybill number (运单号).")
    items: list[ParcelItemInput] | None = strawberry.field(
        description="What lies in it, for orders of the store that leave in several parcels; else all of the order.",
        default=None,
    )
    sender_phone: str | None = strawberry.field(
        description="The brand's own number, masked as 138****0001; 顺丰 wants it with own orders.", default=None
    )


@strawberry.input(description="What of an order leaves (发货).")
class OrderShipInput:
    """发货."""

    order: strawberry.ID = strawberry.field(description="The order, of the store or of an own mini-program.")
    method: ShippingMethod | None = strawberry.field(
        description="How it leaves; as the order says when it is left out.", default=None
    )
    parcels: list[ParcelInput] = strawberry.field(
        description="1 to 15 by EXPRESS, none otherwise. Of own orders all at once.", default_factory=list
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> shipments.Wanted:
        """As the action takes it. Raises UserError for an id that is none, and for a number that is not masked."""
        for each in self.parcels:
            if each.sender_phone and "*" not in each.sender_phone:
                raise UserError("senderPhone is not masked: the platform wants it as 138****0001.")
        parcels = tuple(
            shipments.Parcel(
                each.carrier,
                each.tracking,
                tuple(shipments.Item(item.sku, item.quantity) for item in each.items or ()),
                each.sender_phone or "",
            )
            for each in self.parcels
        )
        method = "" if self.method is None else self.method.name
        return shipments.Wanted(ids.decode_as("or", self.order)[1], method, parcels)


@strawberry.input(description="How an order really leaves, instead of what was told (重新发货, 修改物流).")
class OrderShipmentCorrectInput(OrderShipInput):
    """重新发货."""


@strawberry.input(description="Another total of a line of an order (改价).")
class OrderLinePriceInput:
    """改价."""

    sku: str = strawberry.field(description="The brand's code (商家编码).")
    amount: Long = strawberry.field(description="Fen, for all pieces of the line; 0 to 10,000,000.")


@strawberry.input(description="Another price of an order that is not paid (改价).")
class OrderPriceChangeInput:
    """改价."""

    order: strawberry.ID = strawberry.field(description="The order, of the store.")
    lines: list[OrderLinePriceInput] = strawberry.field(
        description="Lines with another total, each once; the others stay.", default_factory=list
    )
    freight: Long | None = strawberry.field(description="Fen (运费); as it is when it is left out.", default=None)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> price_changes.Wanted:
        """As the action takes it. Raises UserError for an id that is none."""
        lines = tuple(price_changes.Price(each.sku, each.amount) for each in self.lines)
        return price_changes.Wanted(ids.decode_as("or", self.order)[1], lines, self.freight)


@strawberry.input(description="Goods that are handed out in the store (提货核销).")
class OrderPickupConfirmInput:
    """提货核销."""

    order: strawberry.ID = strawberry.field(description="The order.")
    code: str = strawberry.field(description="What the shopper shows (提货码), eight digits.")
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> pickups.Wanted:
        """As the action takes it. Raises UserError for an id that is none."""
        return pickups.Wanted(ids.decode_as("or", self.order)[1], self.code)


@strawberry.input(description="What is agreed to (同意售后).")
class AfterSaleAcceptInput:
    """同意售后."""

    after_sale: strawberry.ID = strawberry.field(description="The after-sale.")
    decision: AfterSaleDecision = strawberry.field(
        description="A return is agreed to twice: RETURN_GOODS, then REFUND when the goods are back."
    )
    return_address: str | None = strawberry.field(
        description="The number of the store's address for returns (退货地址编号); needed for RETURN_GOODS.",
        default=None,
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> after_sales.Acceptance:
        """As the action takes it. Raises UserError for an id that is none."""
        appid, number = ids.decode_as("as", self.after_sale)
        return after_sales.Acceptance(appid, number, AfterSaleAccept[self.decision.name], self.return_address or "")


@strawberry.input(description="Why an after-sale is refused (拒绝售后).")
class AfterSaleRejectInput:
    """拒绝售后."""

    after_sale: strawberry.ID = strawberry.field(description="The after-sale.")
    reason: int = strawberry.field(description="The number of one of AfterSale.rejectReasons.")
    text: str | None = strawberry.field(
        description="Words for the shopper, up to 200 characters; no personal data.", default=None
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> after_sales.Refusal:
        """As the action takes it. Raises UserError for an id that is none."""
        appid, number = ids.decode_as("as", self.after_sale)
        return after_sales.Refusal(appid, number, self.reason, self.text or "")


async def _order(root: Parent[Any], info: Info) -> Order | None:
    found = await info.context.loaders.load(orders.orders, root.order_id)
    return None if found is None else Order.of(found)


@strawberry.type(description="The platform knows what left.")
class OrderShipped:
    """已发货."""

    order_id: strawberry.Private[str]
    transaction_id: strawberry.Private[str]
    complete: bool = strawberry.field(description="Nothing of the order is left to be sent.")
    order = strawberry.field(resolver=_order, description="The order after it.")
    transaction = done_by("The transaction that did it.")


@strawberry.type(description="An order that has another price.")
class OrderRepriced:
    """已改价."""

    order_id: strawberry.Private[str]
    transaction_id: strawberry.Private[str]
    payable: Money | None = strawberry.field(
        description="What is to be paid now; null where the platform took the change and could not be read."
    )
    order = strawberry.field(resolver=_order, description="The order after it.")
    transaction = done_by("The transaction that did it.")


@strawberry.type(description="The goods are in the shopper's hands.")
class OrderPickedUp:
    """已提货."""

    order_id: strawberry.Private[str]
    transaction_id: strawberry.Private[str]

    order = strawberry.field(resolver=_order, description="The order after it.")
    transaction = done_by("The transaction that did it.")


@strawberry.type(description="An order that nobody can pay any more; its stock and its coupon are free.")
class OrderCancelled:
    """已取消."""

    order_id: strawberry.Private[str]
    transaction_id: strawberry.Private[str]

    order = strawberry.field(resolver=_order, description="The order after it.")
    transaction = done_by("The checkout's transaction, COMPENSATED.")


@strawberry.type(description="A decision that the platform has taken down.")
class AfterSaleDecided:
    """售后已处理."""

    key: strawberry.Private[tuple[str, str]]
    transaction_id: strawberry.Private[str]

    @strawberry.field(description="The after-sale after it.")
    async def after_sale(self, info: Info) -> AfterSale | None:
        found = await info.context.loaders.load(orders.after_sales_by_key, self.key)
        return None if found is None else AfterSale.of(found)

    transaction = done_by("The transaction that did it.")


OrderShipResult = Annotated[
    OrderShipped | DomainProblem | ToolProblem,
    strawberry.union("OrderShipResult", description="The order on its way, or why it is not."),
]
OrderPriceChangeResult = Annotated[
    OrderRepriced | DomainProblem | ToolProblem,
    strawberry.union("OrderPriceChangeResult", description="The order with its price, or why that stayed."),
]
OrderPickupConfirmResult = Annotated[
    OrderPickedUp | DomainProblem | ToolProblem,
    strawberry.union("OrderPickupConfirmResult", description="The order handed out, or why it must not be."),
]
OrderCancelResult = Annotated[
    OrderCancelled | DomainProblem | ToolProblem,
    strawberry.union("OrderCancelResult", description="The order that has ended, or why it has not."),
]
AfterSaleResult = Annotated[
    AfterSaleDecided | DomainProblem | ToolProblem,
    strawberry.union("AfterSaleResult", description="The after-sale after the decision, or why there is none."),
]


@strawberry.type(description="Mutations about orders that were placed.")
class OrderMutations:
    """Orders."""

    @strawberry.mutation(
        description="Tell the platform what leaves (发货; of own orders 发货信息录入, without which their money stays"
        " frozen). Needs the scope orders:write."
    )
    async def order_ship(
        self,
        info: Info,
        input: Annotated[OrderShipInput, strawberry.argument(description="What leaves.")],  # noqa: A002
    ) -> OrderShipResult:
        info.context.principal.require(WRITE)
        try:
            asked = input.record()
        except UserError as error:
            return invalid(error)
        done = await act(info, shipments.SHIP, asked, input.idempotency_key)
        if not isinstance(done, Performed):
            return done
        return OrderShipped(order_id=asked.order, transaction_id=done.transaction, complete=done.outcome.complete)

    @strawberry.mutation(
        description="Correct what the platform was told of a shipment, all of it anew: own orders once (重新发货), the"
        " store's as often as the platform lets it (修改物流). Needs the scope orders:write."
    )
    async def order_shipment_correct(
        self,
        info: Info,
        input: Annotated[OrderShipmentCorrectInput, strawberry.argument(description="What really left.")],  # noqa: A002
    ) -> OrderShipResult:
        info.context.principal.require(WRITE)
        try:
            asked = input.record()
        except UserError as error:
            return invalid(error)
        done = await act(info, shipment_corrections.CORRECT, asked, input.idempotency_key)
        if not isinstance(done, Performed):
            return done
        return OrderShipped(order_id=asked.order, transaction_id=done.transaction, complete=done.outcome.complete)

    @strawberry.mutation(
        description="Change the price of an unpaid order of the 微信小店 (改价). Needs the scope orders:write."
    )
    async def order_price_change(
        self,
        info: Info,
        input: Annotated[OrderPriceChangeInput, strawberry.argument(description="Which, and how much.")],  # noqa: A002
    ) -> OrderPriceChangeResult:
        info.context.principal.require(WRITE)
        try:
            asked = input.record()
        except UserError as error:
            return invalid(error)
        done = await act(info, price_changes.CHANGE, asked, input.idempotency_key)
        if not isinstance(done, Performed):
            return done
        payable = Money.maybe(done.outcome.payable)
        return OrderRepriced(order_id=asked.order, transaction_id=done.transaction, payable=payable)

    @strawberry.mutation(
        description="Hand out an order in the store against the shopper's code (提货核销). Needs the scope"
        " orders:pickup."
    )
    async def order_pickup_confirm(
        self,
        info: Info,
        input: Annotated[OrderPickupConfirmInput, strawberry.argument(description="The order and the code.")],  # noqa: A002
    ) -> OrderPickupConfirmResult:
        info.context.principal.require(PICKUP)
        try:
            asked = input.record()
        except UserError as error:
            return invalid(error)
        done = await act(info, pickups.CONFIRM, asked, input.idempotency_key)
        if not isinstance(done, Performed):
            return done
        return OrderPickedUp(order_id=asked.order, transaction_id=done.transaction)

    @strawberry.mutation(
        description="Cancel an order that waits for its payment (取消订单): a shopper their own, any by the scope"
        " operations. Its number is closed (关单), stock and coupon are free. A payment that comes in the same moment"
        " wins: ORDER_PAID. The same again answers the same."
    )
    async def order_cancel(
        self, info: Info, order: Annotated[strawberry.ID, strawberry.argument(description="The order.")]
    ) -> OrderCancelResult:
        info.context.principal.require("checkout")
        try:
            order_id = ids.decode_as("or", order)[1]
        except UserError as error:
            return invalid(error)
        done = await info.context.services.checkout.cancel(info.context.principal, order_id)
        if isinstance(done, Problem):
            return plain_problem(done)
        return OrderCancelled(order_id=order_id, transaction_id=done)

    @strawberry.mutation(
        description="Agree to an after-sale of the store (同意售后): to the goods coming back, or to the refund. Needs"
        " the scope orders:write."
    )
    async def after_sale_accept(
        self,
        info: Info,
        input: Annotated[AfterSaleAcceptInput, strawberry.argument(description="What is agreed to.")],  # noqa: A002
    ) -> AfterSaleResult:
        info.context.principal.require(WRITE)
        try:
            asked = input.record()
        except UserError as error:
            return invalid(error)
        done = await act(info, after_sales.ACCEPT, asked, input.idempotency_key)
        if not isinstance(done, Performed):
            return done
        return AfterSaleDecided(key=(asked.appid, asked.after_sale), transaction_id=done.transaction)

    @strawberry.mutation(
        description="Refuse an after-sale of the store (拒绝售后), for one of the platform's reasons. Needs the scope"
        " orders:write."
    )
    async def after_sale_reject(
        self,
        info: Info,
        input: Annotated[AfterSaleRejectInput, strawberry.argument(description="Which, and why.")],  # noqa: A002
    ) -> AfterSaleResult:
        info.context.principal.require(WRITE)
        try:
            asked = input.record()
        except UserError as error:
            return invalid(error)
        done = await act(info, after_sales.REJECT, asked, input.idempotency_key)
        if not isinstance(done, Performed):
            return done
        return AfterSaleDecided(key=(asked.appid, asked.after_sale), transaction_id=done.transaction)
