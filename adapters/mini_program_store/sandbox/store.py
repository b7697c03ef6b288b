"""Endpoints of the store that read: itself, orders, after-sales, members."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from starlette.routing import Route

from adapters.mini_program_store.sandbox import shapes
from adapters.mini_program_store.sandbox.bodies import Body, integer, number_of, pair, span, within
from adapters.mini_program_store.sandbox.gate import Gate
from adapters.mini_program_store.sandbox.paging import window
from adapters.mini_program_store.sandbox.state import App, State
from adapters.mini_program_store.sandbox.wire import Refusal, arguments, ok
from sandbox.world import Person, VipCard

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

    # Orders and after-sales -----------------------------------------------------------------------

    def order_list_get(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST order/list/get: by creation or by update, seven days at most, ids only."""
        size = integer(body, "page_size", 1, 100)
        created, updated = span(body, "create_time_range"), span(body, "update_time_range")
        if created is None and updated is None:
            raise arguments("create_time_range: expecting create_time_range or update_time_range")
        found = [
            order
            for order in self.state.orders.values()
            if within(order.created_at, created)
            and within(order.updated_at, updated)
            and body.get("status") in {None, order.status}
        ]
        found.sort(key=lambda order: (order.updated_at if updated else order.created_at, order.order_id))
        ids, key, more = window([order.order_id for order in found], body, size)
        return ok(order_id_list=ids, next_key=key, has_more=more)

    def order_get(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST order/get."""
        row = self.state.orders.get(number_of(body, "order_id"))
        if row is None:
            raise arguments("order_id: order not exist")
        return ok(order=shapes.order(self.state, row))

    def getaftersalelist(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST aftersale/getaftersalelist: flat fields, 24 hours at most, no page size."""
        created = pair(body, "begin_create_time", "end_create_time")
        updated = pair(body, "begin_update_time", "end_update_time")
        if created is None and updated is None:
            raise arguments("begin_create_time: expecting a pair of times")
        for each in (created, updated):
            if each is not None and each[1] - each[0] > AFTER_SALE_SPAN.total_seconds():
                raise Refusal(10020004, "time range over 24 hours")
        found = [
            row
            for row in self.state.after_sales.values()
            if within(row.created_at, created) and within(row.updated_at, updated)
        ]
        found.sort(key=lambda row: (row.updated_at if updated else row.created_at, row.after_sale_id))
        ids, key, more = window([row.after_sale_id for row in found], body, AFTER_SALES_PER_PAGE)
        return ok(after_sale_order_id_list=ids, has_more=more, next_key=key)

    def getaftersaleorder(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST aftersale/getaftersaleorder."""
        row = self.state.after_sales.get(number_of(body, "after_sale_order_id"))
        if row is None:
            raise Refusal(10021050, "aftersale order not found")
        return ok(after_sale_order=shapes.after_sale(self.state, row))

    # Members --------------------------------------------------------------------------------------

    def vip_user_list_get(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST vip/user/list/get: numbered pages from 1."""
        number, size = integer(body, "page_num", 1, 10_000), integer(body, "page_size", 1, 100)
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
