"""What the gateway calls: the platform's answers turned into our records."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, TypeVar

from adapters.base.errors import Invalid, Malformed, NotFound, Rejected
from adapters.base.http import Upstream
from adapters.base.page import Page
from adapters.base.runtime import Runtime
from adapters.base.secrets import Secret
from adapters.base.webhooks import InboundEvent, Received, WebhookRequest
from adapters.mini_program_store import models
from adapters.mini_program_store.client import MiniProgramStoreClient
from adapters.mini_program_store.config import MiniProgramStoreConfig
from adapters.mini_program_store.records import (
    AfterSale,
    AfterSaleKind,
    AfterSaleState,
    Fulfilment,
    Login,
    Order,
    OrderLine,
    OrderState,
    PhoneNumber,
    Product,
    Sku,
    SubscribeMessage,
    VipMember,
)
from adapters.mini_program_store.webhooks import AFTER_SALE_KINDS, AFTER_SALE_STATES, MessagePush, hints

T = TypeVar("T")

#: The platform's limits.
ORDER_WINDOW: Final = timedelta(days=7)
AFTER_SALE_WINDOW: Final = timedelta(hours=24)
PRODUCTS_PER_PAGE: Final = 30
ORDERS_PER_PAGE: Final = 100
#: Our choice: the vendor states no limit.
MEMBERS_PER_PAGE: Final = 50

_TOOL: Final = "mini_program_store"
_ON_SALE: Final = 5
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
_SCENES: Final = {
    2: "LIVE_ROOM",
    3: "SHORT_VIDEO",
    4: "PRODUCT_SHARE",
    5: "SHOP_WINDOW",
    6: "OFFICIAL_ACCOUNT",
}


class MiniProgramStoreAdapter:
    """One appid: a mini-program (小程序) or a store (微信小店).

    A call for the other kind of account raises Invalid without asking the platform.
    """

    def __init__(self, config: MiniProgramStoreConfig, runtime: Runtime) -> None:
        self._config = config
        self._clock = runtime.clock
        self._client = MiniProgramStoreClient(Upstream(runtime, _TOOL, config.appid), config)
        self._push = MessagePush.of(config)
        self._categories: dict[str, str] = {}

    @property
    def account(self) -> str:
        """The appid."""
        return self._config.appid

    @property
    def kind(self) -> str:
        """``mini_program`` or ``store``."""
        return self._config.kind

    async def ping(self) -> None:
        """See ``Adapter.ping``."""
        if self._config.kind == "store":
            await self._client.basics_info_get()
        else:
            await self._client.openapi_quota_get("/wxa/business/getuserphonenumber")

    # Mini-program ---------------------------------------------------------------------------------

    async def login(self, js_code: str) -> Login:
        """Who holds a code of ``wx.login``. A code works once, for about five minutes.

        Rejected when it does not work (any more); after OutcomeUnknown ask the client for a new code.
        """
        self._must_be("mini_program")
        wire = await self._client.jscode2session(js_code)
        return Login(self.account, wire.openid, wire.unionid or None, Secret(wire.session_key))

    async def phone_number(self, code: str, openid: str | None = None) -> PhoneNumber:
        """The number behind a code of the phone button, which is not a login code; once, five minutes.

        With ``openid`` the platform refuses a code that another shopper's tap gave.
        """
        self._must_be("mini_program")
        wire = (await self._client.getuserphonenumber(code, openid)).phone_info
        return PhoneNumber(wire.purePhoneNumber, str(wire.countryCode))

    async def send_subscribe(self, message: SubscribeMessage) -> None:
        """Send a subscribe message, which spends one grant of the shopper's for its template.

        Never repeated: the platform has no key for it and cannot be asked about it. Raises Rejected ``no_grant``,
        Invalid ``template_unknown``, ``template_field`` or ``page_path``, NotFound ``openid_unknown``.
        """
        self._must_be("mini_program")
        data = {name: models.SubscribeValue(text) for name, text in message.data.items()}
        await self._client.subscribe_send(
            models.SubscribeSendRequest(message.openid, message.template, data, message.page)
        )

    # Products -------------------------------------------------------------------------------------

    async def product_ids(self, cursor: str | None = None) -> Page[str]:
        """All products that were ever on sale and are not in the recycle bin, thirty a page."""
        self._must_be("store")
        seen, key = self._product_cursor(cursor)
        wire = await self._client.product_list_get(PRODUCTS_PER_PAGE, key)
        ids = [str(number) for number in wire.product_ids]
        seen += len(ids)
        # Nothing in the answer says "no more": a short page or the full count is the end.
        more = len(ids) == PRODUCTS_PER_PAGE and seen < wire.total_num and wire.next_key
        return Page(ids, f"{seen}:{wire.next_key}" if more else None)

    async def products(self, ids: Sequence[str]) -> Sequence[Product | NotFound]:
        """One call per product, and one per category the first time it is met."""
        self._must_be("store")
        answers = await _each(self._client.product_get, ids)
        found = [answer.product for answer in answers if isinstance(answer, models.ProductGet)]
        await self._learn_categories({_leaf(wire) for wire in found if wire is not None})
        return [
            self._product(answer.product)
            if isinstance(answer, models.ProductGet) and answer.product is not None
            else self._missing(answer, "product", number)
            for number, answer in zip(ids, answers, strict=True)
        ]

    async def stock(self, product_id: str, sku_id: str) -> int:
        """Pieces that shoppers can buy now, all of the platform's pools together; NotFound for neither."""
        self._must_be("store")
        wire = (await self._client.product_stock_get(product_id, sku_id)).data
        return wire.normal_stock_num if wire.total_stock_num is None else wire.total_stock_num

    # Orders and after-sales -----------------------------------------------------------------------

    async def order_ids(
        self,
        *,
        updated_from: datetime | None = None,
        updated_to: datetime | None = None,
        created_from: datetime | None = None,
        created_to: datetime | None = None,
        cursor: str | None = None,
    ) -> Page[str]:
        """Orders updated, or created, in a window of at most ``ORDER_WINDOW``, both ends included.

        Give one pair, and keep it the same while paging. Payment, shipment and settlement move the
        update time: to keep up, let windows overlap by some seconds. Invalid for a wider window.
        """
        self._must_be("store")
        by_update = updated_from is not None or updated_to is not None
        begin, end = (updated_from, updated_to) if by_update else (created_from, created_to)
        if begin is None or end is None or (by_update and (created_from or created_to)):
            raise self._invalid("window", "Give updated_from and updated_to, or created_from and created_to.")
        first, last = self._window(begin, end, ORDER_WINDOW)
        span = {"start_time": first, "end_time": last}
        name = "update_time_range" if by_update else "create_time_range"
        wire = await self._client.order_list_get({name: span}, ORDERS_PER_PAGE, cursor or "")
        return self._page(wire.order_id_list, wire.has_more, wire.next_key)

    async def orders(self, ids: Sequence[str]) -> Sequence[Order | NotFound]:
        """One call per order: the platform has no batch read."""
        self._must_be("store")
        answers = await _each(self._order_get, ids)
        return [
            _order(self.account, answer.order)
            if isinstance(answer, models.OrderGet) and answer.order is not None
            else self._missing(answer, "order", number)
            for number, answer in zip(ids, answers, strict=True)
        ]

    async def after_sale_ids(self, begin: datetime, end: datetime, cursor: str | None = None) -> Page[str]:
        """After-sales updated in a window of at most ``AFTER_SALE_WINDOW``, both ends included."""
        self._must_be("store")
        first, last = self._window(begin, end, AFTER_SALE_WINDOW)
        wire = await self._client.getaftersalelist(first, last, cursor or "")
        return self._page(wire.after_sale_order_id_list, wire.has_more, wire.next_key)

    async def after_sales(self, ids: Sequence[str]) -> Sequence[AfterSale | NotFound]:
        """One call per after-sale: the platform has no batch read."""
        self._must_be("store")
        answers = await _each(self._client.getaftersaleorder, ids)
        return [
            _after_sale(self.account, answer.after_sale_order)
            if isinstance(answer, models.AfterSaleGet) and answer.after_sale_order is not None
            else self._missing(answer, "after-sale", number)
            for number, answer in zip(ids, answers, strict=True)
        ]

    # Members --------------------------------------------------------------------------------------

    async def vip_members(
        self, page: str | None = None, *, with_scores: bool = False, with_phones: bool = False
    ) -> Page[VipMember]:
        """Members of the store, fifty a page; with scores it costs one more call per member."""
        self._must_be("store")
        if page is not None and not (page.isascii() and page.isdecimal() and int(page) >= 1):
            raise self._invalid("cursor", "The page is not one that this list gave out; begin at the first.")
        number = int(page or 1)
        wire = await self._client.vip_user_list_get(number, MEMBERS_PER_PAGE, with_phones)
        openids = [user.openid for user in wire.list] if with_scores else []
        scores = dict(zip(openids, await _each(self._client.vip_user_score_get, openids), strict=True))
        members = [_member(self.account, user, _score(scores.get(user.openid))) for user in wire.list]
        more = wire.list and number * MEMBERS_PER_PAGE < wire.total_num
        return Page(members, str(number + 1) if more else None)

    # Message push ---------------------------------------------------------------------------------

    async def receive(self, request: WebhookRequest) -> Received:
        """See ``ReceivesWebhooks.receive``."""
        return self._push.receive(request, self._clock.now())

    def interpret(self, event: InboundEvent) -> Sequence[object]:
        """OrderChanged, AfterSaleChanged or ProductChanged: hints, since the events are not the objects.

        Of subscribe messages the answers themselves.
        """
        return hints(self.account, event)

    # Inner ----------------------------------------------------------------------------------------

    async def _order_get(self, order_id: str) -> models.OrderGet:
        """An unknown order has no code of its own: with a body of nothing but the id, "invalid
        arguments" can only mean the id."""
        try:
            return await self._client.order_get(order_id)
        except Invalid as error:
            if error.upstream_code != "40097":
                raise
            return models.OrderGet(None)

    async def _learn_categories(self, wanted: set[str]) -> None:
        unknown = sorted(wanted - {""} - self._categories.keys())
        for number, name in zip(unknown, await _each(self._category_name, unknown), strict=True):
            self._categories[number] = "" if isinstance(name, NotFound) else name

    async def _category_name(self, cat_id: str) -> str:
        """Empty for a category that the platform does not name any more: its products stay readable."""
        try:
            return (await self._client.category_detail(cat_id)).info.name
        except (Invalid, Rejected):
            return ""

    def _product(self, wire: models.Product) -> Product:
        return Product(
            appid=self.account,
            product_id=str(wire.product_id),
            spu=wire.out_product_id or wire.spu_code,
            title=wire.title,
            image=wire.head_imgs[0] if wire.head_imgs else "",
            category=self._categories.get(_leaf(wire), ""),
            on_sale=wire.status == _ON_SALE,
            skus=tuple(_sku(sku) for sku in wire.skus),
            updated_at=_instant(wire.edit_time),
        )

    def _product_cursor(self, cursor: str | None) -> tuple[int, str]:
        if cursor is None:
            return 0, ""
        seen, _, key = cursor.partition(":")
        if not (seen.isascii() and seen.isdecimal() and key):
            raise self._invalid("cursor", "The cursor is not one that this list gave out; begin at the first page.")
        return int(seen), key

    def _page(self, ids: Sequence[models.Id], has_more: bool, next_key: str) -> Page[str]:
        if has_more and not next_key:
            raise Malformed(
                _TOOL,
                "cursor_missing",
                "The platform says that more follows but not where; going on would begin again.",
                account=self.account,
            )
        return Page([str(number) for number in ids], next_key if has_more else None)

    def _window(self, begin: datetime, end: datetime, most: timedelta) -> tuple[int, int]:
        if begin.tzinfo is None or end.tzinfo is None:
            raise self._invalid("window", "Both ends of the window need a UTC offset.")
        if not timedelta(0) <= end - begin <= most:
            hours = int(most.total_seconds() // 3600)
            raise self._invalid(
                "window_too_wide", f"The window spans {end - begin}; the platform allows 0 to {hours} hours."
            )
        first = int(begin.timestamp())
        # Cutting both ends to seconds can make the window a second longer than it is.
        return first, min(int(end.timestamp()), first + int(most.total_seconds()))

    def _must_be(self, kind: Literal["mini_program", "store"]) -> None:
        if self._config.kind != kind:
            raise self._invalid("account_kind", f"This account is a {self._config.kind}; the call needs a {kind}.")

    def _invalid(self, reason: str, message: str) -> Invalid:
        return Invalid(_TOOL, reason, message, account=self.account)

    def _missing(self, answer: object, what: str, number: str) -> NotFound:
        if isinstance(answer, NotFound):
            return answer
        return NotFound(_TOOL, "missing", f"The store has no {what} {number}.", account=self.account)


async def _each(call: Callable[[str], Awaitable[T]], ids: Sequence[str]) -> list[T | NotFound]:
    """The answers in the order of ``ids``; a NotFound stays a value, another failure is raised."""
    answers: list[T | NotFound] = []
    for answer in await asyncio.gather(*(call(number) for number in ids), return_exceptions=True):
        if isinstance(answer, BaseException) and not isinstance(answer, NotFound):
            raise answer
        answers.append(answer)
    return answers


def _instant(seconds: models.Number) -> datetime | None:
    """None for 0, which is how the platform writes "not yet"."""
    return datetime.fromtimestamp(int(seconds), UTC) if int(seconds) else None


def _moment(seconds: models.Number) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)


def _leaf(wire: models.Product) -> str:
    levels = wire.cats_v2 or wire.cats
    return str(levels[-1].cat_id) if levels else ""


def _sku(wire: models.Sku) -> Sku:
    return Sku(
        sku_id=str(wire.sku_id),
        code=wire.out_sku_id or wire.sku_code,
        attributes=tuple((pair.attr_key, pair.attr_value) for pair in wire.sku_attrs),
        price=wire.sale_price,
        stock=wire.stock_num,
    )


def _order(appid: str, wire: models.Order) -> Order:
    detail = wire.order_detail
    address = detail.delivery_info.address_info or models.AddressInfo()
    parcels = detail.delivery_info.delivery_product_info
    parcel = parcels[0] if parcels else models.DeliveryProductInfo()
    paid_at = _instant(detail.pay_info.pay_time)
    return Order(
        appid=appid,
        order_id=str(wire.order_id),
        openid=wire.openid,
        unionid=wire.unionid or None,
        state=_state(wire.status, paid_at),
        created_at=_moment(wire.create_time),
        updated_at=_moment(wire.update_time),
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
        shipped_at=_instant(detail.delivery_info.ship_done_time) or _instant(parcel.delivery_time),
        scene=_SCENES.get(detail.ext_info.order_scene, "OTHER"),
        giver_openid=wire.present_giver_openid or None,
        giver_unionid=wire.present_giver_unionid or None,
    )


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


def _after_sale(appid: str, wire: models.AfterSale) -> AfterSale:
    return AfterSale(
        appid=appid,
        after_sale_id=str(wire.after_sale_order_id),
        order_id=str(wire.order_id),
        openid=wire.openid,
        kind=AFTER_SALE_KINDS.get(wire.type, AfterSaleKind.OTHER),
        state=AFTER_SALE_STATES.get(wire.status, AfterSaleState.OTHER),
        reason=wire.reason_text or wire.reason,
        sku_id=str(wire.product_info.sku_id),
        quantity=wire.product_info.count,
        refund=wire.refund_info.amount,
        created_at=_moment(wire.create_time),
        updated_at=_moment(wire.update_time),
    )


def _member(appid: str, wire: models.VipUser, score: int | None) -> VipMember:
    return VipMember(
        appid=appid,
        openid=wire.openid,
        unionid=wire.unionid or None,
        grade=wire.user_grade_info.grade,
        experience=int(wire.user_grade_info.experience_value),
        score=score,
        phone=wire.user_info.phone_number or None,
    )


def _score(answer: models.VipScore | NotFound | None) -> int | None:
    """None where it was not asked for, and for a member who left meanwhile."""
    if answer is None or isinstance(answer, NotFound):
        return None
    score = answer.info.score if answer.info is not None else answer.score
    return int(score) if score is not None else None
