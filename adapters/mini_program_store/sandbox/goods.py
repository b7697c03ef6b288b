"""Endpoints of products (商品) and stock (库存)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta, timezone
from typing import Any, Final

from starlette.routing import Route

from adapters.mini_program_store.sandbox import shapes
from adapters.mini_program_store.sandbox.bodies import Body, inner, integer, number_of, pair, rows
from adapters.mini_program_store.sandbox.gate import Gate
from adapters.mini_program_store.sandbox.moves import ADDED, SET, TAKEN, Moves
from adapters.mini_program_store.sandbox.paging import window
from adapters.mini_program_store.sandbox.push import NAME
from adapters.mini_program_store.sandbox.state import DELISTED, LISTED, App, State
from adapters.mini_program_store.sandbox.wire import Refusal, arguments, ok

STATUSES: Final = {0, 5, 6, 9, 11, 13, 14, 15, 20}
#: What a list without a status leaves out: what was never listed, and what was thrown away.
HIDDEN: Final = {0, 6, 9}
GONE: Final = 9
IN_AUDIT, UPLOADING = 2, 7
MOST: Final = 10_000_000
#: Changes of a variant's stock that are taken within a minute (unverified figure).
STOCK_PER_MINUTE: Final = 60
_BEIJING: Final = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class GoodsApi:
    """Handlers over the shared state."""

    state: State
    gate: Gate
    moves: Moves

    def routes(self) -> list[Route]:
        """Every endpoint of products."""
        posts: dict[str, Callable[[App, Body], Mapping[str, Any]]] = {
            "category/detail": self.category_detail,
            "product/list/get": self.product_list_get,
            "product/get": self.product_get,
            "product/add": self.product_add,
            "product/update": self.product_update,
            "product/auditfree": self.product_auditfree,
            "product/listing": self.product_listing,
            "product/delisting": self.product_delisting,
            "product/audit/cancel": self.product_audit_cancel,
            "product/delete": self.product_delete,
            "product/stock/get": self.stock_get,
            "product/stock/batchget": self.stock_batchget,
            "product/stock/update": self.stock_update,
            "product/stock/getflow": self.stock_getflow,
        }
        return [self.gate.post(f"/channels/ec/{path}", "store", do) for path, do in posts.items()]

    def category_detail(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST category/detail."""
        number = number_of(body, "cat_id")
        name = shapes.categories(self.state).get(int(number))
        if name is None:
            raise arguments("cat_id: no such category")
        return ok(info={"cat_id": number, "name": name}, attr={})

    def product_list_get(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST product/list/get: ids only, and no has_more."""
        size = integer(body, "page_size", 1, 30)
        status = body.get("status")
        if status is not None and status not in STATUSES:
            raise arguments("status: unknown value")
        found = [
            number
            for number, listed in self.state.listing.items()
            if (listed not in HIDDEN if status is None else listed == status)
        ]
        ids, key, _ = window(found, body, size)
        return ok(product_ids=ids, next_key=key, total_num=len(found))

    def product_get(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST product/get: 1 live, 2 draft, 3 both."""
        number = self._known(body)
        wanted = body.get("data_type", 1)
        if wanted not in {1, 2, 3}:
            raise arguments("data_type: expecting 1, 2 or 3")
        live, draft = shapes.product(self.state, number), shapes.draft(self.state, number)
        shown = {"product": live if wanted != 2 else None, "edit_product": draft if wanted != 1 else None}
        return ok(**{key: value for key, value in shown.items() if value is not None})

    def product_add(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST product/add: a draft, or with ``listing`` one that goes to audit."""
        shape = self._checked(body, "")
        number = str(10_000_000_000_000 + secrets.randbelow(10**13))
        self.state.listing[number] = 0
        self.state.edited_at[number] = self.moves.now()
        self._draft(number, shape, body)
        self.moves.kit.effect(NAME, "product_added", number, spu=body.get("out_product_id"))
        return ok(data={"product_id": number, "create_time": self._clock()})

    def product_update(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST product/update: what shoppers see stays as it is until the audit."""
        number = self._known(body)
        if self.state.edit_status.get(number) == IN_AUDIT:
            raise Refusal(10020217, "product is in audit")
        self._draft(number, self._checked(body, number), body)
        self.moves.kit.effect(NAME, "product_updated", number)
        return ok(data={"product_id": number, "update_time": self._clock()})

    def product_auditfree(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST product/auditfree: prices and stock of what is on sale, at once."""
        number = self._known(body)
        shape = shapes.product(self.state, number)
        if shape is None or self.state.listing[number] != LISTED:
            raise Refusal(10020289, "product is not listed")
        changes = {number_of(row, "sku_id"): row for row in rows(body, "skus")}
        known = {str(sku["sku_id"]) for sku in shape["skus"]}
        if not changes.keys() <= known:
            raise Refusal(10020051, "sku not found")
        for sku_id, row in changes.items():
            if "stock_num" in row:
                wanted = integer(row, "stock_num", 0, MOST)
                self.moves.move_stock(sku_id, wanted - self.state.stock[sku_id], SET)
        prices = {sku: integer(row, "sale_price", 1, MOST) for sku, row in changes.items() if "sale_price" in row}
        skus = [
            {**sku, "sale_price": prices[str(sku["sku_id"])]} if str(sku["sku_id"]) in prices else sku
            for sku in shape["skus"]
        ]
        changed = self.state.published.get(number) != {**shape, "skus": skus}
        self.state.published[number] = {**shape, "skus": skus}
        if changed:
            self.moves.kit.effect(NAME, "product_changed", number)
        return ok()

    def product_listing(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST product/listing: a draft goes to audit; what was audited goes on sale at once."""
        number = self._known(body)
        if self.state.edit_status.get(number) == UPLOADING:
            raise Refusal(10020067, "product is uploading")
        if number in self.state.drafts:
            self._to_audit(number)
        elif self.state.listing[number] != LISTED:
            self.moves.listed(number, LISTED)
        return ok()

    def product_delisting(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST product/delisting."""
        number = self._known(body)
        if self.state.listing[number] == LISTED:
            self.moves.listed(number, DELISTED)
        return ok()

    def product_audit_cancel(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST product/audit/cancel: back to editing."""
        number = self._known(body)
        if self.state.edit_status.get(number) != IN_AUDIT:
            raise Refusal(10020051, "product is not in audit")
        self.state.edit_status[number] = 1
        self.moves.kit.effect(NAME, "product_audit_cancelled", number)
        return ok()

    def product_delete(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST product/delete."""
        number = self._known(body)
        self.state.listing[number] = GONE
        self.state.drafts.pop(number, None)
        self.moves.kit.effect(NAME, "product_deleted", number)
        return ok()

    def stock_get(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST product/stock/get."""
        _, sku_id = self._sku(body)
        return ok(data=self._stock(sku_id))

    def stock_batchget(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST product/stock/batchget: many products under a name in the singular."""
        asked = body.get("product_id")
        if not isinstance(asked, list) or not asked:
            raise arguments("product_id: expecting a list of product_id")
        known = [str(number) for number in asked if self.state.listing.get(str(number), GONE) != GONE]
        found = [
            {
                "product_id": number,
                "sku_stock": [{"sku_id": sku, **self._stock(sku)} for sku in self.state.sku_ids(number)],
            }
            for number in known
        ]
        return ok(data={"spu_stock_list": found})

    def stock_update(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST product/stock/update: one variant, effective at once."""
        number, sku_id = self._sku(body)
        kind, num = integer(body, "diff_type", 1, 3), integer(body, "num", 0, MOST)
        if self.state.edit_status.get(number) == IN_AUDIT:
            raise Refusal(10020217, "product is in audit")
        if self.state.listing[number] == 0:
            raise Refusal(10020289, "product never listed")
        if kind in {1, 2} and num == 0:
            raise Refusal(10020218, "stock diff is 0")
        if kind == 2 and num > self.state.stock[sku_id]:
            raise Refusal(10020219, "stock not enough")
        since = shapes.seconds(self.moves.now()) - 60
        recent = [m for m in self.state.movements if m["sku_id"] == sku_id and m["update_time"] > since]
        if sum(m["op_type"] in {ADDED, TAKEN, SET} for m in recent) >= STOCK_PER_MINUTE:
            raise Refusal(10020112, "stock update too frequently")
        delta = {1: num, 2: -num, 3: num - self.state.stock[sku_id]}[kind]
        self.moves.move_stock(sku_id, delta, {1: ADDED, 2: TAKEN, 3: SET}[kind])
        self.moves.kit.effect(NAME, "stock_updated", f"{sku_id}:{len(self.state.movements)}", delta=delta)
        return ok()

    def stock_getflow(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST product/stock/getflow."""
        _, sku_id = self._sku(body)
        size, span = integer(body, "page_size", 1, 100), pair(body, "begin_time", "end_time")
        integer(body, "stock_type", 0, 10)
        if span is None:
            raise arguments("begin_time: expecting begin_time and end_time")
        found = [
            str(place)
            for place, move in enumerate(self.state.movements)
            if move["sku_id"] == sku_id and span[0] <= move["update_time"] <= span[1]
        ]
        places, key, _ = window(found, body, size)
        shown = [{k: v for k, v in self.state.movements[int(each)].items() if k != "sku_id"} for each in places]
        return ok(data={"stock_flow_info_list": shown, "next_key": key})

    def _known(self, body: Body) -> str:
        number = number_of(body, "product_id")
        if self.state.listing.get(number, GONE) == GONE:
            raise Refusal(10020052, "product not found")
        return number

    def _sku(self, body: Body) -> tuple[str, str]:
        number, sku_id = self._known(body), number_of(body, "sku_id")
        if sku_id not in self.state.sku_ids(number):
            raise Refusal(10020052, "product not found")
        return number, sku_id

    def _stock(self, sku_id: str) -> dict[str, Any]:
        count = self.state.stock[sku_id]
        stock = {"normal_stock_num": count, "limited_discount_stock_num": 0, "warehouse_stocks": []}
        return {**stock, "total_stock_num": count}

    def _draft(self, number: str, shape: dict[str, Any], body: Body) -> None:
        self.state.drafts[number] = shape
        self.state.edit_status[number] = 1
        if body.get("listing") is True:
            self._to_audit(number)

    def _to_audit(self, number: str) -> None:
        if self.state.edit_status.get(number) != IN_AUDIT:
            self.state.edit_status[number] = IN_AUDIT
            self.moves.kit.effect(NAME, "product_audit_asked", number)

    def _clock(self) -> str:
        return f"{self.moves.now().astimezone(_BEIJING):%Y-%m-%d %H:%M:%S}"

    def _checked(self, body: Body, number: str) -> dict[str, Any]:
        """The product as it is kept: new variants have numbers then."""
        title, images, levels = body.get("title"), body.get("head_imgs"), body.get("cats_v2")
        # Not only digits, letters and signs: somewhere a character of a script that has none of these.
        if not isinstance(title, str) or not 3 <= len(title) <= 60 or not re.search(r"[\u2e80-\uffff]", title):
            raise Refusal(10020051, "title invalid")
        if not isinstance(images, list) or not 1 <= len(images) <= 9:
            raise Refusal(10020051, "head_imgs invalid")
        if not isinstance(levels, list) or len(levels) != 3:
            raise Refusal(10020051, "cats_v2 invalid")
        if body.get("deliver_method", 0) == 0 and not inner(body, "express_info").get("template_id"):
            raise Refusal(10020051, "express_info.template_id invalid")
        own = self.state.sku_ids(number) if number else []
        skus = [self._checked_sku(row, own) for row in rows(body, "skus", 500)]
        rest = {key: value for key, value in body.items() if key not in {"listing", "product_id"}}
        return {**rest, "skus": skus, "min_price": min(sku["sale_price"] for sku in skus), "product_type": 1}

    def _checked_sku(self, row: dict[str, Any], own: list[str]) -> dict[str, Any]:
        price, stock = row.get("sale_price"), row.get("stock_num", 0)
        if not isinstance(price, int) or not 1 <= price <= MOST or row.get("market_price", price + 1) <= price:
            raise Refusal(10020051, "sale_price invalid")
        if not isinstance(stock, int) or not 0 <= stock <= MOST or len(str(row.get("sku_code", ""))) > 20:
            raise Refusal(10020051, "sku invalid")
        sku_id = str(row.get("sku_id") or secrets.randbelow(10**12) + 10**12)
        if "sku_id" in row and sku_id not in own:
            raise Refusal(10020051, "sku_id not found")
        self.state.stock.setdefault(sku_id, stock)
        return {**row, "sku_id": sku_id, "status": 5}
