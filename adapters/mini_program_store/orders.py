"""Orders (订单) of a store: read, searched, changed and shipped.

The platform has no call that cancels an order: unpaid ones end by themselves, paid ones through an after-sale.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from adapters.base.errors import Invalid, NotFound
from adapters.base.page import Page
from adapters.base.runtime import Runtime
from adapters.mini_program_store.account import Account
from adapters.mini_program_store.client import OrdersClient
from adapters.mini_program_store.config import MiniProgramStoreConfig
from adapters.mini_program_store.models import orders as models
from adapters.mini_program_store.reading import each, instant, moment
from adapters.mini_program_store.records.orders import (
    Address,
    Fulfilment,
    LinePrice,
    Order,
    OrderLine,
    OrderQuery,
    OrderState,
    Parcel,
    RelayNumber,
)
from adapters.mini_program_store.records.shipping import Carrier

#: The platform's limits.
ORDER_WINDOW: Final = timedelta(days=7)
ORDERS_PER_PAGE: Final = 100

_STATES: Final = {
    10: OrderState.UNPAID,
    20: OrderState.AWAITING_SHIPMENT,
    21: OrderState.PARTLY_SHIPPED,
    30: OrderState.SHIPPED,
    100: OrderState.COMPLETED,
    190: OrderState.CANCELLED,
    200: OrderState.AFTER_SALE_CLOSED,
    250: OrderState.CANCELLED,
}
#: What the platform searches by; of two numbers of one state the newer.
_STATUSES: Final = {state: status for status, state in _STATES.items()}
_SCENES: Final = {
    2: "LIVE_ROOM",
    3: "SHORT_VIDEO",
    4: "PRODUCT_SHARE",
    5: "SHOP_WINDOW",
    6: "OFFICIAL_ACCOUNT",
}
_EXPRESS, _VIRTUAL = 1, 3


class Orders(Account):
    """See ``MiniProgramStoreAdapter``."""

    def __init__(self, config: MiniProgramStoreConfig, runtime: Runtime) -> None:
        super().__init__(config, runtime)
        self._orders = OrdersClient(self._api)

    async def order_ids(
        self,
        *,
        updated_from: datetime | None = None,
        updated_to: datetime | None = None,
        created_from: datetime | None = None,
        created_to: datetime | None = None,
        status: int | None = None,
        openid: str | None = None,
        cursor: str | None = None,
    ) -> Page[str]:
        """Orders updated, or created, in a window of at most ``ORDER_WINDOW``, both ends included.

        Give one pair, and keep everything the same while paging; ``status`` is the platform's own number. Payment,
        shipment and settlement move the update time: to keep up, let windows overlap by some seconds. Invalid for a
        wider window, and ``too_many_orders`` for one that holds more than can be listed.
        """
        self._must_be("store")
        by_update = updated_from is not None or updated_to is not None
        begin, end = (updated_from, updated_to) if by_update else (created_from, created_to)
        if begin is None or end is None or (by_update and (created_from or created_to)):
            raise self._invalid("window", "Give updated_from and updated_to, or created_from and created_to.")
        first, last = self._window(begin, end, ORDER_WINDOW)
        name = "update_time_range" if by_update else "create_time_range"
        question: dict[str, object] = {name: {"start_time": first, "end_time": last}}
        question |= {k: v for k, v in (("status", status), ("openid", openid)) if v is not None}
        wire = await self._orders.order_list_get(question, ORDERS_PER_PAGE, cursor or "")
        return self._page(wire.order_id_list, wire.has_more, wire.next_key)

    async def order_search(self, query: OrderQuery, cursor: str | None = None) -> Page[str]:
        """Orders that fit a query (搜索订单), a hundred a page."""
        self._must_be("store")
        condition = models.SearchCondition(
            title=query.title,
            sku_code=query.sku_code,
            user_name=query.receiver_name,
            tel_number_last4=query.phone_last4,
            merchant_notes=query.merchant_notes,
            customer_notes=query.customer_notes,
            address_under_review=query.address_change_waits,
        )
        question: dict[str, object] = {"search_condition": condition}
        if query.in_after_sale is not None:
            question["on_aftersale_order_exist"] = int(query.in_after_sale)
        if query.status is not None:
            question["status"] = query.status
        wire = await self._orders.order_search(question, ORDERS_PER_PAGE, cursor or "")
        return self._page(wire.orders, wire.has_more, wire.next_key)

    async def orders(self, ids: Sequence[str]) -> Sequence[Order | NotFound]:
        """One call per order: the platform has no batch read."""
        self._must_be("store")
        answers = await each(self._order_get, ids)
        return [
            _order(self.account, answer.order)
            if isinstance(answer, models.OrderGet) and answer.order is not None
            else self._missing(answer, "order", number)
            for number, answer in zip(ids, answers, strict=True)
        ]

    async def order_note(self, order_id: str, notes: str) -> None:
        """Replace the merchant's own remark (备注), which the buyer does not see."""
        self._must_be("store")
        await self._orders.merchantnotes_update(order_id, notes)

    async def order_price_change(
        self, order_id: str, lines: Sequence[LinePrice], *, freight: int | None = None
    ) -> None:
        """Set new totals of lines, and the freight, of an order that is not paid yet (改价), in fen."""
        self._must_be("store")
        changed = [models.ChangedPrice(line.product_id, line.sku_id, line.amount) for line in lines]
        await self._orders.price_update(order_id, changed, freight)

    async def order_address_change(self, order_id: str, address: Address) -> None:
        """Send an order elsewhere, before it is shipped (修改收货地址)."""
        self._must_be("store")
        await self._orders.address_update(
            order_id,
            models.AddressInfo(
                user_name=address.name,
                tel_number=address.phone,
                postal_code=address.postal_code,
                province_name=address.province,
                city_name=address.city,
                county_name=address.county,
                detail_info=address.detail,
                house_number=address.house_number,
            ),
        )

    async def order_address_request(self, order_id: str, *, accept: bool) -> None:
        """Answer a buyer who asked for another address (``Order.address_change_waits``)."""
        self._must_be("store")
        await (self._orders.addressmodify_accept if accept else self._orders.addressmodify_reject)(order_id)

    async def order_address(self, order_id: str) -> Address:
        """Where an order goes, in the clear (解密敏感信息): counted by the platform, for shipping only."""
        self._must_be("store")
        wire = (await self._orders.sensitiveinfo_decode(order_id)).address_info
        return Address(
            name=wire.user_name,
            phone=wire.tel_number,
            province=wire.province_name,
            city=wire.city_name,
            county=wire.county_name,
            detail=wire.detail_info,
            house_number=wire.house_number,
            postal_code=wire.postal_code,
        )

    async def order_relay_number(self, order_id: str) -> RelayNumber:
        """A number that reaches the buyer for a while (虚拟号)."""
        self._must_be("store")
        wire = await self._orders.virtualtelnumber_get(order_id)
        expires = instant(wire.virtual_tel_expire_time)
        return RelayNumber(wire.virtual_tel_number, expires, wire.get_virtual_tel_cnt)

    async def carriers(self) -> Sequence[Carrier]:
        """Carriers (快递公司) that the store takes; ``OTHER`` stands for one that is not among them."""
        self._must_be("store")
        companies = (await self._orders.deliverycompanylist_new_get()).company_list
        return [Carrier(row.delivery_id, row.delivery_name) for row in companies]

    async def order_ship(self, order_id: str, parcels: Sequence[Parcel]) -> None:
        """Say what was sent (发货); an order whose goods are not all in parcels is PARTLY_SHIPPED.

        Once: after OutcomeUnknown read the order before saying it again. OutcomeUnknown never stands for
        ``order_busy`` (Unavailable) and ``not_the_shipper``, of which nothing was done.
        """
        self._must_be("store")
        await self._orders.delivery_send(order_id, self._deliveries(parcels))

    async def order_parcels_correct(self, order_id: str, parcels: Sequence[Parcel]) -> None:
        """Correct carriers and numbers of what was sent (修改物流); the platform counts attempts."""
        self._must_be("store")
        await self._orders.deliveryinfo_update(order_id, self._deliveries(parcels))

    async def order_parcel_extra(self, order_id: str, parcels: Sequence[Parcel], reason: str) -> None:
        """One parcel more for goods that were sent before (补发), and why."""
        self._must_be("store")
        await self._orders.delivery_compensation(order_id, self._deliveries(parcels), reason)

    def _deliveries(self, parcels: Sequence[Parcel]) -> list[models.Delivery]:
        if not parcels or any(not parcel.lines for parcel in parcels):
            raise self._invalid("parcel_empty", "Every parcel names what lies in it; give its lines.")
        if any(bool(parcel.carrier) != bool(parcel.tracking_number) for parcel in parcels):
            raise self._invalid("parcel", "A parcel has both a carrier and a number, or neither where it is virtual.")
        return [
            models.Delivery(
                _EXPRESS if parcel.carrier else _VIRTUAL,
                tuple(models.DeliveryProduct(line.product_id, line.sku_id, line.quantity) for line in parcel.lines),
                parcel.carrier,
                parcel.tracking_number,
            )
            for parcel in parcels
        ]

    async def _order_get(self, order_id: str) -> models.OrderGet:
        """An unknown order has no code of its own: with a body of nothing but the id, "invalid
        arguments" can only mean the id."""
        try:
            return await self._orders.order_get(order_id)
        except Invalid as error:
            if error.upstream_code != "40097":
                raise
            return models.OrderGet(None)


def _order(appid: str, wire: models.Order) -> Order:
    detail = wire.order_detail
    address = detail.delivery_info.address_info or models.AddressInfo()
    parcels = detail.delivery_info.delivery_product_info
    parcel = parcels[0] if parcels else models.DeliveryProductInfo()
    paid_at = instant(detail.pay_info.pay_time)
    wished = detail.delivery_info.address_under_review
    return Order(
        appid=appid,
        order_id=str(wire.order_id),
        openid=wire.openid,
        unionid=wire.unionid or None,
        state=_state(wire.status, paid_at),
        created_at=moment(wire.create_time),
        updated_at=moment(wire.update_time),
        paid_at=paid_at,
        lines=tuple(_line(line) for line in detail.product_infos),
        list_total=detail.price_info.product_price,
        discount=detail.price_info.discounted_price,
        freight=detail.price_info.freight,
        payable=detail.price_info.order_price,
        transaction_id=detail.pay_info.transaction_id,
        receiver_name=address.user_name,
        receiver_phone=address.tel_number,
        receiver_city=address.city_name,
        fulfilment=_fulfilment(wire),
        carrier=parcel.delivery_name or parcel.delivery_id,
        tracking_number=parcel.waybill_id,
        shipped_at=instant(detail.delivery_info.ship_done_time) or instant(parcel.delivery_time),
        scene=_SCENES.get(detail.ext_info.order_scene, "OTHER"),
        giver_openid=wire.present_giver_openid or None,
        giver_unionid=wire.present_giver_unionid or None,
        live_id=detail.ext_info.live_id,
        customer_notes=detail.ext_info.customer_notes,
        merchant_notes=detail.ext_info.merchant_notes,
        # Nobody says whether an address that is not asked for is left out or empty.
        address_change_waits=wished not in {None, 0, models.AddressInfo()},
        address_code=address.hash_code,
        wished_address_code=wished.hash_code if isinstance(wished, models.AddressInfo) else "",
        tracking_numbers=tuple(each.waybill_id for each in parcels if each.waybill_id),
    )


def status_of(state: OrderState) -> int | None:
    """The platform's own number of a state, for ``OrderQuery``; None for OTHER, which is every unknown one."""
    return _STATUSES.get(state)


def _state(status: int, paid_at: datetime | None) -> OrderState:
    """The newer pages fold "refunded in full" (200) into 250, which then has been paid for."""
    if status == 250 and paid_at is not None:
        return OrderState.AFTER_SALE_CLOSED
    return _STATES.get(status, OrderState.OTHER)


def _fulfilment(wire: models.Order) -> Fulfilment:
    if wire.intra_city_order_info:
        return Fulfilment.UNKNOWN
    ways = {0: Fulfilment.EXPRESS, 1: Fulfilment.VIRTUAL, 3: Fulfilment.VIRTUAL}
    return ways.get(wire.order_detail.delivery_info.deliver_method or 0, Fulfilment.UNKNOWN)


def _line(wire: models.ProductInfo) -> OrderLine:
    return OrderLine(
        product_id=str(wire.product_id),
        sku_id=str(wire.sku_id),
        sku_code=wire.out_sku_id or wire.sku_code,
        title=wire.title,
        quantity=wire.sku_cnt,
        list_amount=wire.sale_price * wire.sku_cnt,
        paid_amount=wire.real_price,
        after_sale_quantity=wire.on_aftersale_sku_cnt + wire.finish_aftersale_sku_cnt,
    )
