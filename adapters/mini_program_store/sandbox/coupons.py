"""Endpoints of coupons (优惠券)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.routing import Route

from adapters.mini_program_store.sandbox import shapes
from adapters.mini_program_store.sandbox.bodies import Body, inner, integer, number_of, text
from adapters.mini_program_store.sandbox.gate import Gate
from adapters.mini_program_store.sandbox.moves import Moves
from adapters.mini_program_store.sandbox.push import NAME
from adapters.mini_program_store.sandbox.state import App, State
from adapters.mini_program_store.sandbox.wire import Refusal, arguments, ok

SHARES: Final = {1, 3, 101, 103}
TYPES: Final = {1, 2, 3, 4, 101, 102, 103, 104}
EDITING, ACTIVE, EXPIRED, VOID, DELETED, ENDED = 1, 2, 3, 4, 5, 200
#: status → the event that tells of it, and its time's name.
EVENTS: Final = {4: ("channels_ec_coupon_invalid", "invalid_time"), 5: ("channels_ec_coupon_delete", "delete_time")}
#: What may follow a status.
STEPS: Final = {EDITING: {ACTIVE, DELETED}, ACTIVE: {VOID}, EXPIRED: {DELETED}, VOID: {DELETED}, DELETED: set[int]()}
JUMP: Final = 10


@dataclass(frozen=True, slots=True)
class CouponsApi:
    """Handlers over the shared state."""

    state: State
    gate: Gate
    moves: Moves

    def routes(self) -> list[Route]:
        """Every endpoint below /channels/ec/coupon."""
        posts: dict[str, Callable[[App, Body], Mapping[str, Any]]] = {
            "create": self.create,
            "update": self.update,
            "update_status": self.update_status,
            "get": self.get,
            "get_list": self.get_list,
            "get_user_coupon_list": self.get_user_coupon_list,
            "get_user_coupon": self.get_user_coupon,
        }
        return [self.gate.post(f"/channels/ec/coupon/{path}", "store", do) for path, do in posts.items()]

    def create(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST coupon/create."""
        shape = _checked(body)
        number = str(10**14 + secrets.randbelow(10**14))
        now = shapes.seconds(self.moves.now())
        self.state.coupons[number] = {
            "coupon_id": number,
            "status": EDITING,
            "create_time": now,
            "update_time": now,
            **shape,
            "stock_info": {
                "issued_num": shape["coupon_info"]["receive_info"]["total_num"],
                "receive_num": 0,
                "used_num": 0,
            },
        }
        self.moves.kit.effect(NAME, "coupon_created", number)
        self.moves.push("channels_ec_coupon_create", None, coupon_info={"coupon_id": number, "create_time": str(now)})
        return ok(data={"coupon_id": number})

    def update(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST coupon/update, while it is edited."""
        coupon, shape = self._coupon(body), _checked(body)
        if coupon["status"] != EDITING:
            raise arguments("coupon_id: coupon is not editable")
        if any(coupon[key] != value for key, value in shape.items()):
            now = shapes.seconds(self.moves.now())
            coupon |= {**shape, "update_time": now}
            coupon["stock_info"]["issued_num"] = shape["coupon_info"]["receive_info"]["total_num"]
            number = coupon["coupon_id"]
            self.moves.kit.effect(NAME, "coupon_updated", number)
            self.moves.push(
                "channels_ec_coupon_info_change", None, coupon_info={"coupon_id": number, "change_time": now}
            )
        return ok()

    def update_status(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST coupon/update_status."""
        coupon, status = self._coupon(body), integer(body, "status", 1, 5)
        if coupon["status"] == status:
            return ok()
        if status not in STEPS[coupon["status"]]:
            raise arguments(f"status: cannot follow {coupon['status']}")
        now = shapes.seconds(self.moves.now())
        coupon |= {"status": status, "update_time": now}
        number = coupon["coupon_id"]
        self.moves.kit.effect(NAME, "coupon_status", f"{number}:{status}")
        if status in EVENTS:
            event, name = EVENTS[status]
            self.moves.push(event, None, coupon_info={"coupon_id": number, name: now})
        return ok()

    def get(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST coupon/get: this success has no errmsg."""
        return {"errcode": 0, "coupon": self._coupon(body)}

    def get_list(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST coupon/get_list: all four fields, or 40097."""
        status = body.get("status")
        if status not in {EDITING, ACTIVE, EXPIRED, VOID, DELETED, ENDED}:
            raise arguments("status: unknown value")
        wanted = {EXPIRED, VOID} if status == ENDED else {status}
        found = [row for row in self.state.coupons.values() if row["status"] in wanted]
        ids, context = self._page([row["coupon_id"] for row in found], body)
        return ok(coupons=[{"coupon_id": each} for each in ids], total_num=len(found), page_ctx=context)

    def get_user_coupon_list(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST coupon/get_user_coupon_list."""
        openid = text(body, "openid")
        self._shopper(openid)
        found = [
            row
            for row in self.state.user_coupons.values()
            if row["openid"] == openid and body.get("status") in {None, row["status"]}
        ]
        ids, context = self._page([row["user_coupon_id"] for row in found], body)
        shown = [{"user_coupon_id": i, "coupon_id": self.state.user_coupons[i]["coupon_id"]} for i in ids]
        return ok(user_coupon_list=shown, total_num=len(found), page_ctx=context)

    def get_user_coupon(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST coupon/get_user_coupon."""
        openid = text(body, "openid")
        unionid = self._shopper(openid)
        row = self.state.user_coupons.get(number_of(body, "user_coupon_id"))
        if row is None or row["openid"] != openid:
            return ok(openid=openid)
        shown = {key: value for key, value in row.items() if key != "openid"}
        return ok(openid=openid, unionid=unionid, user_coupon=shown)

    def _coupon(self, body: Body) -> dict[str, Any]:
        coupon = self.state.coupons.get(number_of(body, "coupon_id"))
        if coupon is None:
            raise arguments("coupon_id: coupon not exist")
        return coupon

    def _shopper(self, openid: str) -> str:
        for person in self.state.world.people.values():
            if person.openids.get(self.state.store_appid) == openid:
                return person.unionid or ""
        raise Refusal(40003, "invalid openid")

    def _page(self, ids: list[str], body: Body) -> tuple[list[str], str]:
        """Numbered pages with a context: far jumps, and a first page that is far, are refused."""
        page, size = integer(body, "page", 1, 10**6), integer(body, "page_size", 1, 200)
        context = text(body, "page_ctx", least=0) if "page_ctx" in body else None
        if context is None:
            raise arguments("page_ctx: expecting page_ctx")
        last = max(1, -(-len(ids) // size))
        before = int(context[1:]) if context[:1] == "C" and context[1:].isdecimal() else None
        if (before is None and page >= JUMP and page != last) or (before is not None and abs(page - before) > JUMP):
            raise arguments("page: jump is too far")
        return ids[(page - 1) * size : page * size], f"C{page}"


def _checked(body: Body) -> dict[str, Any]:
    """``type`` and ``coupon_info`` as they are kept."""
    kind = body.get("type")
    if kind not in TYPES:
        raise arguments("type: unknown value")
    text(body, "name", 10)
    discount, receive, valid = inner(body, "discount_info"), inner(body, "receive_info"), inner(body, "valid_info")
    condition = discount.get("discount_condition") or {}
    if kind in SHARES:
        integer(discount, "discount_num", 1000, 10000)
    else:
        integer(discount, "discount_fee", 1, 10**7)
    if kind in {1, 2, 101, 102} and not (condition.get("product_cnt") or condition.get("product_price")):
        raise arguments("discount_info.discount_condition: expecting a threshold")
    if kind in {1, 2, 3, 4} and not condition.get("product_ids"):
        raise arguments("discount_info.discount_condition.product_ids: expecting product_ids")
    integer(receive, "total_num", 1, 10**8)
    integer(receive, "limit_num_one_person", 1, 100)
    if not 0 < receive.get("start_time", 0) < receive.get("end_time", 0):
        raise arguments("receive_info.start_time: expecting start_time < end_time")
    if valid.get("valid_type", 1) == 1 and not 0 < valid.get("start_time", 0) < valid.get("end_time", 0):
        raise arguments("valid_info.start_time: expecting start_time < end_time")
    if valid.get("valid_type", 1) == 2:
        integer(valid, "valid_day_num", 1, 3650)
    parts = ("name", "promote_info", "discount_info", "receive_info", "valid_info", "ext_info")
    return {"type": kind, "coupon_info": {name: body.get(name, {}) for name in parts}}
