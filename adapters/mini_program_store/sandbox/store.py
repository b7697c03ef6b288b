"""Endpoints of the store: products, stock, orders, after-sales, members."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from starlette.routing import Route

from adapters.mini_program_store.sandbox import shapes
from adapters.mini_program_store.sandbox.gate import Gate
from adapters.mini_program_store.sandbox.paging import window
from adapters.mini_program_store.sandbox.state import App, State
from adapters.mini_program_store.sandbox.wire import Refusal, arguments, ok
from sandbox.world import Person, VipCard

Body = Mapping[str, Any]
ORDER_SPAN: Final = timedelta(days=7)
AFTER_SALE_SPAN: Final = timedelta(hours=24)
AFTER_SALES_PER_PAGE: Final = 20
OPENED: Final = datetime.fromisoformat("2023-11-15T00:00:00+08:00")


@dataclass(frozen=True, slots=True)
class StoreApi:
    """Handlers over the shared state."""

    state: State
    gate: Gate

    def routes(self) -> list[Route]:
        """Every endpoint under /channels/ec that is emulated."""
        posts: dict[str, Callable[[App, Body], Mapping[str, Any]]] = {
            "category/detail": self.category_detail,
            "product/list/get": self.product_list_get,
            "product/get": self.product_get,
            "product/stock/get": self.product_stock_get,
            "order/list/get": self.order_list_get,
            "order/get": self.order_get,
            "aftersale/getaftersalelist": self.getaftersalelist,
            "aftersale/getaftersaleorder": self.getaftersaleorder,
            "vip/user/list/get": self.vip_user_list_get,
            "vip/user/score/get": self.vip_user_score_get,
        }
        made = [self.gate.post(f"/channels/ec/{path}", "store", do) for path, do in posts.items()]
        return [*made, self.gate.get("/channels/ec/basics/info/get", "store", self.basics_info_get)]

    def basics_info_get(self, app: App, _body: Body) -> Mapping[str, Any]:
        """GET basics/info/get."""
        return ok(
            info={
                "username": app.owner.gh_id,
                "nickname": app.owner.name,
                "headimg_url": "https://static.yujian.example/logo.png",
                "subject_type": "企业",
                "status": "open_finished",
                "is_local_life": False,
                "open_timestamp": int(OPENED.timestamp()),
            }
        )

    # Products -------------------------------------------------------------------------------------

    def category_detail(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST category/detail."""
        number = _id(body, "cat_id")
        name = shapes.categories(self.state).get(int(number))
        if name is None:
            raise arguments("cat_id: no such category")
        return ok(info={"cat_id": number, "name": name}, attr={})

    def product_list_get(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST product/list/get: ids only, and no has_more."""
        size = _integer(body, "page_size", 1, 30)
        status = body.get("status")
        if status is not None and status not in {0, 5, 6, 9, 11, 13, 14, 15, 20}:
            raise arguments("status: unknown value")
        found = [number for number, listed in self.state.listing.items() if status is None or listed == status]
        ids, key, _ = window(found, body, size)
        return ok(product_ids=ids, next_key=key, total_num=len(found))

    def product_get(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST product/get: 1 live, 2 draft, 3 both; nothing here has a draft."""
        item = self.state.products.get(_id(body, "product_id"))
        if item is None:
            raise Refusal(10020052, "product not found")
        if body.get("data_type", 1) not in {1, 2, 3}:
            raise arguments("data_type: expecting 1, 2 or 3")
        if body.get("data_type", 1) == 2:
            return ok()
        return ok(product=shapes.product(self.state, item))

    def product_stock_get(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST product/stock/get."""
        item = self.state.products.get(_id(body, "product_id"))
        sku_id = _id(body, "sku_id")
        if item is None or sku_id not in {sku.store_sku_id for sku in item.skus}:
            raise Refusal(10020052, "product not found")
        count = self.state.stock[sku_id]
        stock = {"normal_stock_num": count, "limited_discount_stock_num": 0, "warehouse_stocks": []}
        return ok(data={**stock, "total_stock_num": count})

    # Orders and after-sales -----------------------------------------------------------------------

    def order_list_get(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST order/list/get: by creation or by update, seven days at most, ids only."""
        size = _integer(body, "page_size", 1, 100)
        created, updated = _range(body, "create_time_range"), _range(body, "update_time_range")
        if created is None and updated is None:
            raise arguments("create_time_range: expecting create_time_range or update_time_range")
        found = [
            order
            for order in self.state.orders.values()
            if _within(order.created_at, created)
            and _within(order.updated_at, updated)
            and body.get("status") in {None, order.status}
        ]
        found.sort(key=lambda order: (order.updated_at if updated else order.created_at, order.order_id))
        ids, key, more = window([order.order_id for order in found], body, size)
        return ok(order_id_list=ids, next_key=key, has_more=more)

    def order_get(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST order/get."""
        row = self.state.orders.get(_id(body, "order_id"))
        if row is None:
            raise arguments("order_id: order not exist")
        return ok(order=shapes.order(self.state, row))

    def getaftersalelist(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST aftersale/getaftersalelist: flat fields, 24 hours at most, no page size."""
        created = _pair(body, "begin_create_time", "end_create_time")
        updated = _pair(body, "begin_update_time", "end_update_time")
        if created is None and updated is None:
            raise arguments("begin_create_time: expecting a pair of times")
        for span in (created, updated):
            if span is not None and span[1] - span[0] > AFTER_SALE_SPAN.total_seconds():
                raise Refusal(10020004, "time range over 24 hours")
        found = [
            row
            for row in self.state.after_sales.values()
            if _within(row.created_at, created) and _within(row.updated_at, updated)
        ]
        found.sort(key=lambda row: (row.updated_at if updated else row.created_at, row.after_sale_id))
        ids, key, more = window([row.after_sale_id for row in found], body, AFTER_SALES_PER_PAGE)
        return ok(after_sale_order_id_list=ids, has_more=more, next_key=key)

    def getaftersaleorder(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST aftersale/getaftersaleorder."""
        row = self.state.after_sales.get(_id(body, "after_sale_order_id"))
        if row is None:
            raise Refusal(10021050, "aftersale order not found")
        return ok(after_sale_order=shapes.after_sale(self.state, row))

    # Members --------------------------------------------------------------------------------------

    def vip_user_list_get(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST vip/user/list/get: numbered pages from 1."""
        number, size = _integer(body, "page_num", 1, 10_000), _integer(body, "page_size", 1, 100)
        cards = self.state.vip_cards[(number - 1) * size : number * size]
        phones = body.get("need_phone_number") is True
        return ok(list=[self._member(card, phones) for card in cards], total_num=len(self.state.vip_cards))

    def _member(self, card: VipCard, phones: bool) -> dict[str, Any]:
        person: Person = self.state.world.people[card.person]
        shape: dict[str, Any] = {"openid": self.state.store_openid(card.person)}
        if person.unionid:
            shape["unionid"] = person.unionid
        if phones:
            shape["user_info"] = {"phone_number": person.phone}
        shape["user_grade_info"] = {"grade": card.grade, "experience_value": str(card.experience)}
        return shape

    def vip_user_score_get(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST vip/user/score/get."""
        openid = body.get("openid")
        for card in self.state.vip_cards:
            if self.state.store_openid(card.person) == openid:
                return ok(info={"score": str(card.score)})
        raise Refusal(40003, "invalid openid")


def _id(body: Body, name: str) -> str:
    """A uint64 as text or number; anything else is 40097."""
    value = body.get(name)
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return str(value)
    if isinstance(value, str) and value.isascii() and value.isdigit() and int(value) > 0:
        return value
    raise arguments(f"{name}: expecting {name} > 0, actually 0")


def _integer(body: Body, name: str, least: int, most: int) -> int:
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise arguments(f"{name}: expecting {least} <= {name} <= {most}")
    return value


def _range(body: Body, name: str) -> tuple[int, int] | None:
    """A nested range of seconds, seven days at most."""
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, dict):
        raise arguments(f"{name}: expecting an object")
    span = _pair(value, "start_time", "end_time")
    if span is None or span[1] - span[0] > ORDER_SPAN.total_seconds():
        raise arguments(f"{name}: expecting a range of 7 days at most")
    return span


def _pair(body: Body, first: str, last: str) -> tuple[int, int] | None:
    if first not in body and last not in body:
        return None
    begin, end = body.get(first), body.get(last)
    if not isinstance(begin, int) or not isinstance(end, int) or not 0 < begin <= end:
        raise arguments(f"{first}: expecting 0 < {first} <= {last}")
    return begin, end


def _within(at: datetime, span: tuple[int, int] | None) -> bool:
    return span is None or span[0] <= at.timestamp() <= span[1]
