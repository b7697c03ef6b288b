"""Orders of a shop (微信小店), for who handles them: found there, noted, sent elsewhere, sent once more."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated, Any

import strawberry
from strawberry import Parent

from adapters.mini_program_store import Order as OrderNow
from adapters.mini_program_store import OrderQuery, OrderState, status_of
from gateway.resolvers import ids, orders, shop_orders
from gateway.resolvers.shop_orders import Hit
from gateway.schema.acting import KEY_DESCRIPTION, ask, done_by
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.info import Info
from gateway.schema.lives import Account
from gateway.schema.order_handling import ParcelInput
from gateway.schema.orders import Order
from gateway.schema.problems import DomainProblem, ToolProblem
from gateway.transactions.actions import Performed
from gateway.transactions.effects import extra_parcels, order_addresses, order_notes, shipments


@strawberry.enum(description="Where an order stands at a shop (订单状态).")
class ShopOrderState(Enum):
    """State."""

    UNPAID = strawberry.enum_value("UNPAID", description="待付款.")
    AWAITING_SHIPMENT = strawberry.enum_value("AWAITING_SHIPMENT", description="待发货.")
    PARTLY_SHIPPED = strawberry.enum_value("PARTLY_SHIPPED", description="部分发货.")
    SHIPPED = strawberry.enum_value("SHIPPED", description="待收货.")
    COMPLETED = strawberry.enum_value("COMPLETED", description="完成.")
    AFTER_SALE_CLOSED = strawberry.enum_value("AFTER_SALE_CLOSED", description="全部商品售后之后，订单取消.")
    CANCELLED = strawberry.enum_value("CANCELLED", description="未付款用户主动取消或超时取消.")


@strawberry.input(description="Which orders of a shop; what is given must all fit.")
class ShopOrderFilterInput:
    """Filter."""

    state: ShopOrderState | None = strawberry.field(description="订单状态.", default=None)
    address_change_waits: bool = strawberry.field(
        description="Only those whose buyer asks for another address (用户申请修改收货地址).", default=False
    )
    in_after_sale: bool | None = strawberry.field(
        description="With an open after-sale (售后中), or without.", default=None
    )
    title: str = strawberry.field(description="Words of a product's title (商品标题).", default="")
    sku: str = strawberry.field(description="The brand's code (商家编码).", default="")
    receiver_name: str = strawberry.field(description="收件人姓名, whole. The search is recorded.", default="")
    phone_tail: str = strawberry.field(
        description="The last four digits of the receiver's number (手机号后四位). The search is recorded.", default=""
    )
    merchant_notes: str = strawberry.field(description="Words of the brand's remark (商家备注).", default="")
    customer_notes: str = strawberry.field(description="Words of the buyer's remark (买家备注).", default="")

    def record(self) -> OrderQuery:
        """As the adapter takes it."""
        return OrderQuery(
            title=self.title,
            sku_code=self.sku,
            receiver_name=self.receiver_name,
            phone_last4=self.phone_tail,
            merchant_notes=self.merchant_notes,
            customer_notes=self.customer_notes,
            address_change_waits=self.address_change_waits,
            in_after_sale=self.in_after_sale,
            status=None if self.state is None else status_of(OrderState[self.state.name]),
        )


@strawberry.type(description="An order that a shop's platform found.")
class ShopOrderHit:
    """Hit."""

    hit: strawberry.Private[Hit]
    platform_id: str = strawberry.field(description="The platform's number (订单号).")

    @strawberry.field(description="The order; null where its sync has not brought it yet.")
    async def order(self, info: Info) -> Order | None:
        found = await info.context.loaders.load(orders.orders, self.hit.order)
        return None if found is None else Order.of(found)

    @classmethod
    def of(cls, hit: Hit) -> ShopOrderHit:
        return cls(hit=hit, platform_id=hit.number)


@strawberry.type(description="Where an order goes, in the clear (收货信息).")
class ShopOrderAddress:
    """Address."""

    name: str = strawberry.field(description="收件人姓名.")
    phone: str = strawberry.field(description="收件人电话.")
    province: str = strawberry.field(description="省.")
    city: str = strawberry.field(description="市.")
    county: str = strawberry.field(description="区.")
    detail: str = strawberry.field(description="详细地址.")
    house_number: str = strawberry.field(description="门牌号; empty without.")
    postal_code: str = strawberry.field(description="邮编; empty without.")


@strawberry.type(description="What a shop's platform has of an order now, beside what Order tells.")
class ShopOrder:
    """Order at the shop."""

    account: strawberry.Private[str]
    platform_id: str = strawberry.field(description="The platform's number (订单号).")
    address_change_waits: bool = strawberry.field(
        description="The buyer asks for another address (用户申请修改收货地址): orderAddressAnswer answers."
    )
    customer_notes: str = strawberry.field(description="The buyer's remark (买家备注); empty without.")
    merchant_notes: str = strawberry.field(description="The brand's own (商家备注), which orderNoteSet sets.")
    tracking_numbers: list[str] = strawberry.field(description="Waybills of all its parcels (运单号).")

    @strawberry.field(
        description="Where it goes, in the clear (解码订单敏感信息), for shipping it: the platform counts each asking,"
        " and it is recorded. One call more. Needs the scope pii:read."
    )
    async def address(self, info: Info) -> ShopOrderAddress | None:
        found = await shop_orders.address(info.context, self.account, self.platform_id)
        return ShopOrderAddress(
            name=found.name,
            phone=found.phone,
            province=found.province,
            city=found.city,
            county=found.county,
            detail=found.detail,
            house_number=found.house_number,
            postal_code=found.postal_code,
        )

    @classmethod
    def of(cls, record: OrderNow) -> ShopOrder:
        return cls(
            account=record.appid,
            platform_id=record.order_id,
            address_change_waits=record.address_change_waits,
            customer_notes=record.customer_notes,
            merchant_notes=record.merchant_notes,
            tracking_numbers=list(record.tracking_numbers),
        )


@strawberry.type(description="A number that reaches a buyer for a while, and shows neither side the other's (虚拟号).")
class RelayNumber:
    """Relay number."""

    number: str = strawberry.field(description="What to dial. It is kept nowhere: ask again when it has ended.")
    expires_at: datetime | None = strawberry.field(description="When it ends.")
    taken: int = strawberry.field(description="How often a number of this order was asked for (获取次数).")


@strawberry.type(description="A carrier (快递公司).")
class Carrier:
    """Carrier."""

    code: str = strawberry.field(description="What ParcelInput.carrier takes (快递公司编码).")
    name: str = strawberry.field(description="Its name.")


async def _order(root: Parent[Any], info: Info) -> Order | None:
    found = await info.context.loaders.load(orders.orders, root.order_id)
    return None if found is None else Order.of(found)


@strawberry.input(description="Where an order of a shop is to go instead (修改收货地址).")
class OrderAddressChangeInput:
    """修改收货地址."""

    order: strawberry.ID = strawberry.field(description="The order, of a shop, which has not left.")
    name: str = strawberry.field(description="收件人姓名, up to 64 characters.")
    phone: str = strawberry.field(description="收件人电话.")
    province: str = strawberry.field(description="省.")
    city: str = strawberry.field(description="市.")
    county: str = strawberry.field(description="区.", default="")
    detail: str = strawberry.field(description="详细地址, up to 200 characters.")
    house_number: str = strawberry.field(description="门牌号.", default="")
    postal_code: str = strawberry.field(description="邮编.", default="")
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> order_addresses.Wanted:
        """As the action takes it. Raises UserError for an id that is none."""
        to = order_addresses.To(
            self.name,
            self.phone,
            self.province,
            self.city,
            self.county,
            self.detail,
            self.house_number,
            self.postal_code,
        )
        return order_addresses.Wanted(ids.decode_as("or", self.order)[1], to)


@strawberry.input(description="The answer to a buyer who asks for another address.")
class OrderAddressAnswerInput:
    """同意或拒绝用户修改收货地址申请."""

    order: strawberry.ID = strawberry.field(description="The order.")
    accept: bool = strawberry.field(
        description="True: it goes where the buyer wants it (同意); false: it stays (拒绝)."
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> order_addresses.Wish:
        """As the action takes it. Raises UserError for an id that is none."""
        return order_addresses.Wish(ids.decode_as("or", self.order)[1], self.accept)


@strawberry.input(description="The brand's own remark on an order of a shop (商家备注).")
class OrderNoteSetInput:
    """商家备注."""

    order: strawberry.ID = strawberry.field(description="The order.")
    text: str = strawberry.field(
        description="Up to 500 characters, instead of what stands there; empty for none. Nothing of a person's life."
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> order_notes.Wanted:
        """As the action takes it. Raises UserError for an id that is none."""
        return order_notes.Wanted(ids.decode_as("or", self.order)[1], self.text)


@strawberry.input(description="What is sent after all (补发).")
class OrderParcelAddInput:
    """补发."""

    order: strawberry.ID = strawberry.field(description="The order, which has left.")
    parcels: list[ParcelInput] = strawberry.field(description="1 to 15, each with its items and a new waybill number.")
    reason: str = strawberry.field(description="Why (补发原因), up to 200 characters; no personal data.")
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> extra_parcels.Wanted:
        """As the action takes it. Raises UserError for an id that is none."""
        parcels = tuple(
            shipments.Parcel(
                each.carrier,
                each.tracking,
                tuple(shipments.Item(item.sku, item.quantity) for item in each.items or ()),
            )
            for each in self.parcels
        )
        return extra_parcels.Wanted(ids.decode_as("or", self.order)[1], parcels, self.reason)


@strawberry.type(description="The platform has it.")
class ShopOrderChanged:
    """已处理."""

    order_id: strawberry.Private[str]
    transaction_id: strawberry.Private[str]

    order = strawberry.field(resolver=_order, description="The order after it.")
    transaction = done_by("The transaction that did it.")


ShopOrderChangeResult = Annotated[
    ShopOrderChanged | DomainProblem | ToolProblem,
    strawberry.union("ShopOrderChangeResult", description="The order after it, or why nothing was done."),
]


@strawberry.type(description="Questions about orders of shops, asked of their platform.")
class ShopOrderQueries:
    """Shop orders."""

    @strawberry.field(
        description="Orders of a shop (微信小店), searched at its platform now (搜索订单), in its order, forward only;"
        " a call per hundred. Needs the scope orders:write."
    )
    async def shop_orders(
        self,
        info: Info,
        filter: Annotated[  # noqa: A002
            ShopOrderFilterInput | None, strawberry.argument(description="Which; all of them without.")
        ] = None,
        account: Account = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[ShopOrderHit] | None:
        query = OrderQuery() if filter is None else filter.record()
        page = await shop_orders.search(info.context, account, query, args(first, after, last, before))
        return connect(page, ShopOrderHit.of)

    @strawberry.field(
        description="What the platform has of an order of a shop now (订单详情): the buyer's wish, and remarks; null"
        " for an order that nobody knows. One call. Needs the scope orders:write."
    )
    async def shop_order(
        self, info: Info, order: Annotated[strawberry.ID, strawberry.argument(description="The order.")]
    ) -> ShopOrder | None:
        found = await shop_orders.now(info.context, ids.decode_as("or", order)[1])
        return None if found is None else ShopOrder.of(found)

    @strawberry.field(
        description="A number that reaches the buyer of a shop's order for a while (兑换虚拟号), for who handles it."
        " The platform counts each asking. One call. Needs the scope orders:write."
    )
    async def order_relay_number(
        self, info: Info, order: Annotated[strawberry.ID, strawberry.argument(description="The order.")]
    ) -> RelayNumber | None:
        found = await shop_orders.relay_number(info.context, ids.decode_as("or", order)[1])
        if found is None:
            return None
        return RelayNumber(number=found.number, expires_at=found.expires_at, taken=found.taken)

    @strawberry.field(
        description="Carriers (快递公司) whose codes orderShip takes, asked of the platform now: those of a shop, or"
        " of a mini-program, which are others. One call. Needs the scope orders:write."
    )
    async def carriers(
        self,
        info: Info,
        account: Annotated[
            str | None,
            strawberry.argument(
                description="appid of a shop (微信小店) or a mini-program (小程序); the settings' first shop without."
            ),
        ] = None,
    ) -> list[Carrier] | None:
        return [Carrier(code=each.code, name=each.name) for each in await shop_orders.carriers(info.context, account)]


@strawberry.type(description="Mutations about orders of shops.")
class ShopOrderMutations:
    """Shop orders."""

    @strawberry.mutation(
        description="Send an order of a shop elsewhere, before it leaves (修改收货地址). The address is kept sealed"
        " until the platform has it, and no longer. Needs the scope orders:write."
    )
    async def order_address_change(
        self,
        info: Info,
        input: Annotated[OrderAddressChangeInput, strawberry.argument(description="Which, and where.")],  # noqa: A002
    ) -> ShopOrderChangeResult:
        info.context.principal.require(shop_orders.SCOPE)
        done = await ask(info, order_addresses.CHANGE, input)
        return _changed(done, input.order)

    @strawberry.mutation(
        description="Answer a buyer who asks for another address of an order (同意或拒绝用户修改收货地址申请):"
        " shopOrder.addressChangeWaits says who does. Needs the scope orders:write."
    )
    async def order_address_answer(
        self,
        info: Info,
        input: Annotated[OrderAddressAnswerInput, strawberry.argument(description="Which, and the answer.")],  # noqa: A002
    ) -> ShopOrderChangeResult:
        info.context.principal.require(shop_orders.SCOPE)
        done = await ask(info, order_addresses.ANSWER, input)
        return _changed(done, input.order)

    @strawberry.mutation(
        description="Set the brand's own remark on an order of a shop (修改订单备注), which its buyer does not see."
        " Needs the scope orders:write."
    )
    async def order_note_set(
        self,
        info: Info,
        input: Annotated[OrderNoteSetInput, strawberry.argument(description="Which, and what.")],  # noqa: A002
    ) -> ShopOrderChangeResult:
        info.context.principal.require(shop_orders.SCOPE)
        done = await ask(info, order_notes.SET, input)
        return _changed(done, input.order)

    @strawberry.mutation(
        description="Tell the platform of parcels more for an order of a shop that has left (订单补发). Needs the scope"
        " orders:write."
    )
    async def order_parcel_add(
        self,
        info: Info,
        input: Annotated[OrderParcelAddInput, strawberry.argument(description="What is sent after all.")],  # noqa: A002
    ) -> ShopOrderChangeResult:
        info.context.principal.require(shop_orders.SCOPE)
        done = await ask(info, extra_parcels.ADD, input)
        return _changed(done, input.order)


def _changed(
    done: Performed[Any] | DomainProblem | ToolProblem, order: strawberry.ID
) -> ShopOrderChanged | DomainProblem | ToolProblem:
    if not isinstance(done, Performed):
        return done
    return ShopOrderChanged(order_id=ids.decode_as("or", order)[1], transaction_id=done.transaction)
