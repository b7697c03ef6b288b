"""Endpoints that change and ship orders (订单, 发货)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from starlette.routing import Route

from adapters.mini_program_store.sandbox import shapes
from adapters.mini_program_store.sandbox.bodies import Body, inner, integer, number_of, rows, text
from adapters.mini_program_store.sandbox.gate import Gate
from adapters.mini_program_store.sandbox.moves import Moves
from adapters.mini_program_store.sandbox.paging import window
from adapters.mini_program_store.sandbox.push import NAME
from adapters.mini_program_store.sandbox.state import App, State
from adapters.mini_program_store.sandbox.wire import arguments, ok
from sandbox.world import StoreOrder

CARRIERS: Final = {"SF": "顺丰速运", "YTO": "圆通速递", "ZTO": "中通快递", "JD": "京东物流", "OTHER": "其他"}
_ADDRESS: Final = ("user_name", "tel_number", "province_name", "city_name", "detail_info")


@dataclass(frozen=True, slots=True)
class TradeApi:
    """Handlers over the shared state. No page names a code for an order in the wrong state: 40097 it is."""

    state: State
    gate: Gate
    moves: Moves

    def routes(self) -> list[Route]:
        """Every endpoint below /channels/ec/order that is more than a plain read."""
        posts: dict[str, Callable[[App, Body], Mapping[str, Any]]] = {
            "search": self.search,
            "merchantnotes/update": self.merchantnotes_update,
            "price/update": self.price_update,
            "address/update": self.address_update,
            "addressmodify/accept": self.addressmodify_accept,
            "addressmodify/reject": self.addressmodify_reject,
            "sensitiveinfo/decode": self.sensitiveinfo_decode,
            "virtualtelnumber/get": self.virtualtelnumber_get,
            "deliverycompanylist/new/get": self.companies,
            "delivery/send": self.delivery_send,
            "deliveryinfo/update": self.deliveryinfo_update,
            "delivery/compensation": self.delivery_compensation,
        }
        return [self.gate.post(f"/channels/ec/order/{path}", "store", do) for path, do in posts.items()]

    def search(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST order/search: the list is called ``orders`` here."""
        size, wanted = integer(body, "page_size", 1, 100), inner(body, "search_condition")
        found = [row for row in self.state.orders.values() if self._fits(row, wanted, body)]
        found.sort(key=lambda row: (row.created_at, row.order_id), reverse=True)
        ids, key, more = window([row.order_id for row in found], body, size)
        return ok(orders=ids, has_more=more, next_key=key)

    def _fits(self, row: StoreOrder, wanted: Body, body: Body) -> bool:
        shape = shapes.order(self.state, row)
        lines = shape["order_detail"]["product_infos"]
        person = self.state.world.people[row.receiver or row.person]
        clear = self.state.addresses.get(row.order_id) or shapes.address(self.state, person)
        waits = row.order_id in self.state.address_requests
        busy = shape["aftersale_detail"]["on_aftersale_order_cnt"] > 0
        tests: dict[str, Callable[[Any], bool]] = {
            "title": lambda value: any(value in line["title"] for line in lines),
            "sku_code": lambda value: any(value == line["sku_code"] for line in lines),
            "user_name": lambda value: value == clear["user_name"],
            "tel_number_last4": lambda value: str(clear["tel_number"]).endswith(value),
            "order_id": lambda value: str(value) == row.order_id,
            "merchant_notes": lambda value: value in self.state.notes.get(row.order_id, ""),
            "customer_notes": lambda value: value in shape["order_detail"]["ext_info"]["customer_notes"],
            "address_under_review": lambda value: value == waits,
        }
        asked = body.get("on_aftersale_order_exist")
        return (
            all(tests[name](value) for name, value in wanted.items() if name in tests)
            and body.get("status") in {None, row.status}
            and (asked is None or bool(asked) == busy)
        )

    def merchantnotes_update(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST order/merchantnotes/update."""
        order, notes = self._order(body), text(body, "merchant_notes", 1000, least=0)
        if self.state.notes.get(order.order_id, "") != notes:
            self.state.notes[order.order_id] = notes
            self._done(order, "order_noted")
        return ok()

    def price_update(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST order/price/update: totals of lines, and the freight, while nothing is paid."""
        order = self._order(body, 10)
        lines = {self.state.sku(line.sku)[1].store_sku_id: line for line in order.lines}
        for row in rows(body, "change_order_infos") if body.get("change_order_infos") else []:
            sku_id = number_of(row, "sku_id")
            if sku_id not in lines:
                raise arguments("change_order_infos.sku_id: not in the order")
            price = integer(row, "change_price", 0, 10**9)
            lines[sku_id] = replace(lines[sku_id], paid_amount=price)
        freight = integer(body, "express_fee", 0, 10**7) if body.get("change_express") is True else order.freight
        if (tuple(lines.values()), freight) != (tuple(order.lines), order.freight):
            self._done(replace(order, lines=tuple(lines.values()), freight=freight), "order_repriced")
        return ok()

    def address_update(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST order/address/update, before the order is shipped."""
        order, given = self._order(body, 10, 20), inner(body, "user_address")
        for name in _ADDRESS:
            text(given, name)
        if self.state.addresses.get(order.order_id) != given:
            self.state.addresses[order.order_id] = given
            self._done(order, "order_readdressed")
        return ok()

    def addressmodify_accept(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST order/addressmodify/accept: what the buyer asked for."""
        order, asked = self._asked(body)
        self.state.addresses[order.order_id] = asked
        self._done(order, "order_readdressed")
        return ok()

    def addressmodify_reject(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST order/addressmodify/reject."""
        self._done(self._asked(body)[0], "order_address_refused")
        return ok()

    def sensitiveinfo_decode(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST order/sensitiveinfo/decode: the address in the clear."""
        return ok(address_info=self._address(self._order(body)))

    def virtualtelnumber_get(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST order/virtualtelnumber/get."""
        order = self._order(body)
        taken = self.state.relay_numbers.get(order.order_id, 0) + 1
        self.state.relay_numbers[order.order_id] = taken
        ends = shapes.seconds(self.moves.now() + timedelta(days=1))
        number = f"17{int(order.order_id) % 10**9:09d}"
        return ok(virtual_tel_number=number, virtual_tel_expire_time=ends, get_virtual_tel_cnt=taken)

    def companies(self, _app: App, _body: Body) -> Mapping[str, Any]:
        """POST order/deliverycompanylist/new/get."""
        return ok(company_list=[{"delivery_id": key, "delivery_name": name} for key, name in CARRIERS.items()])

    def delivery_send(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST order/delivery/send: everything that is not sent yet, or a part of it."""
        order = self._order(body, 20, 21)
        sent = shapes.parcels(self.state, order)
        new = self._parcels(body, self._left(order, sent))
        whole = not +self._left(order, [*sent, *new])
        self.state.parcels[order.order_id] = [*sent, *new]
        shipped = self.moves.now() if whole else None
        first = next((row["waybill_id"] for row in new if row["waybill_id"]), "")
        moved = self.moves.change(order, status=30 if whole else 21, shipped_at=shipped, waybill=first)
        self.moves.order_event("channels_ec_order_deliver", moved, "order_shipped", finish_delivery=int(whole))
        return ok()

    def deliveryinfo_update(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST order/deliveryinfo/update: the goods that were sent, under other waybills."""
        order = self._order(body, 21, 30)
        sent = _sum(shapes.parcels(self.state, order))
        new = self._parcels(body, sent)
        if _sum(new) != sent:
            raise arguments("delivery_list: expecting the goods that were sent")
        self.state.parcels[order.order_id] = new
        self._done(order, "order_reparcelled")
        return ok()

    def delivery_compensation(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST order/delivery/compensation: one parcel more."""
        order = self._order(body, 21, 30, 100)
        text(body, "reason")
        sent = shapes.parcels(self.state, order)
        self.state.parcels[order.order_id] = [*sent, *self._parcels(body, self._left(order, []))]
        self._done(order, "order_parcel_added")
        return ok()

    def _order(self, body: Body, *statuses: int) -> StoreOrder:
        order = self.state.orders.get(number_of(body, "order_id"))
        if order is None:
            raise arguments("order_id: order not exist")
        if statuses and order.status not in statuses:
            raise arguments(f"order_id: order status is {order.status}")
        return order

    def _done(self, order: StoreOrder, effect: str) -> None:
        self.moves.change(order)
        self.moves.kit.effect(NAME, effect, order.order_id)

    def _asked(self, body: Body) -> tuple[StoreOrder, dict[str, Any]]:
        order = self._order(body)
        asked = self.state.address_requests.pop(order.order_id, None)
        if asked is None:
            raise arguments("order_id: no address under review")
        return order, asked

    def _address(self, order: StoreOrder) -> dict[str, Any]:
        person = self.state.world.people[order.receiver or order.person]
        return self.state.addresses.get(order.order_id) or shapes.address(self.state, person)

    def _left(self, order: StoreOrder, sent: list[dict[str, Any]]) -> Counter[str]:
        whole: Counter[str] = Counter()
        for line in order.lines:
            whole[self.state.sku(line.sku)[1].store_sku_id] += line.quantity
        whole.subtract(_sum(sent))
        return whole

    def _parcels(self, body: Body, most: Counter[str]) -> list[dict[str, Any]]:
        made = [self._parcel(row, f"delivery_list[{at}]", most) for at, row in enumerate(rows(body, "delivery_list"))]
        if any(count > most[sku] for sku, count in _sum(made).items()):
            raise arguments("delivery_list: more than the order holds")
        return made

    def _parcel(self, row: dict[str, Any], where: str, most: Counter[str]) -> dict[str, Any]:
        kind = row.get("deliver_type")
        # Type 3 is for virtual goods, and this store sells none.
        if kind != 1:
            raise arguments(f"{where}.deliver_type: expecting 1, actually {kind}")
        carrier, waybill = row.get("delivery_id"), row.get("waybill_id")
        if carrier not in CARRIERS or not waybill:
            raise arguments(f"{where}.delivery_id: expecting a delivery company and a waybill_id")
        goods = row.get("product_infos")
        if not isinstance(goods, list) or not goods:
            raise arguments(f"{where}.product_infos: expecting product_infos")
        for at, each in enumerate(goods):
            for name in ("product_id", "sku_id", "product_cnt"):
                value = each.get(name)
                if not str(value or "").isdigit() or int(value) <= 0:
                    raise arguments(f"{where}.product_infos[{at}].{name}: expecting {name} > 0, actually 0")
            if str(each["sku_id"]) not in most:
                raise arguments(f"{where}.product_infos[{at}].sku_id: not in the order")
        return {
            "waybill_id": waybill,
            "delivery_id": carrier,
            "delivery_name": CARRIERS[carrier],
            "delivery_time": shapes.seconds(self.moves.now()),
            "deliver_type": kind,
            "product_infos": goods,
        }


def _goods(parcel: Mapping[str, Any]) -> Counter[str]:
    found: Counter[str] = Counter()
    for row in parcel["product_infos"]:
        found[str(row["sku_id"])] += int(row["product_cnt"])
    return found


def _sum(parcels: list[dict[str, Any]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for parcel in parcels:
        found += _goods(parcel)
    return found
