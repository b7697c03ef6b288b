"""Endpoints of shipping information (发货信息管理)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from starlette.routing import Route

from adapters.mini_program_store.sandbox import shapes
from adapters.mini_program_store.sandbox.bodies import Body, inner, integer, rows, text
from adapters.mini_program_store.sandbox.gate import Gate
from adapters.mini_program_store.sandbox.paging import window
from adapters.mini_program_store.sandbox.push import NAME
from adapters.mini_program_store.sandbox.state import App, State, Trade
from adapters.mini_program_store.sandbox.wire import Refusal, arguments, ok
from sandbox.platform import Kit

CARRIERS: Final = {"SF": "顺丰速运", "YTO": "圆通速递", "ZTO": "中通快递"}
#: A payment is known this long after it was made.
INGESTED: Final = timedelta(minutes=1)
EXPRESS: Final = 1
UNIFIED, SPLIT = 1, 2
#: Complete uploads that a payment may have: the first, and one correction.
UPLOADS: Final = 2


@dataclass(frozen=True, slots=True)
class ShippingApi:
    """Handlers over the payments of both mini-programs."""

    state: State
    gate: Gate
    kit: Kit

    def routes(self) -> list[Route]:
        """Every endpoint below /wxa/sec/order, and the list of carriers."""
        posts = {
            "/wxa/sec/order/upload_shipping_info": self.upload,
            "/wxa/sec/order/upload_combined_shipping_info": self.upload_combined,
            "/wxa/sec/order/get_order": self.get_order,
            "/wxa/sec/order/get_order_list": self.get_order_list,
            "/wxa/sec/order/notify_confirm_receive": self.notify_confirm_receive,
            "/wxa/sec/order/set_msg_jump_path": self.set_msg_jump_path,
            "/wxa/sec/order/is_trade_managed": self.is_trade_managed,
            "/wxa/sec/order/is_trade_management_confirmation_completed": self.is_confirmed,
            "/cgi-bin/express/delivery/open_msg/get_delivery_list": self.get_delivery_list,
        }
        return [self.gate.post(path, "mini_program", do) for path, do in posts.items()]

    def upload(self, app: App, body: Body) -> Mapping[str, Any]:
        """POST upload_shipping_info."""
        trade = self._keyed(app, body)
        self._uploaded(trade, body, self._moment(body), text(inner(body, "payer"), "openid"))
        self.kit.effect(NAME, "shipping_uploaded", trade.transaction_id or trade.out_trade_no)
        return ok()

    def upload_combined(self, app: App, body: Body) -> Mapping[str, Any]:
        """POST upload_combined_shipping_info: the parts are payments of their own."""
        inner(body, "order_key")
        at, openid = self._moment(body), text(inner(body, "payer"), "openid")
        parts = [(self._keyed(app, part), part) for part in rows(body, "sub_orders")]
        for trade, part in parts:
            self._uploaded(trade, part, at, openid)
        self.kit.effect(NAME, "shipping_uploaded", ",".join(trade.out_trade_no for trade, _ in parts))
        return ok()

    def get_order(self, app: App, body: Body) -> Mapping[str, Any]:
        """POST get_order."""
        return ok(order=_shape(self._named(app, body)))

    def get_order_list(self, app: App, body: Body) -> Mapping[str, Any]:
        """POST get_order_list: the newest first."""
        span, size = body.get("pay_time_range") or {}, body.get("page_size", 20)
        known = {
            trade.transaction_id: trade
            for trade in reversed(self.state.trades)
            if trade.appid == app.owner.appid
            and span.get("begin_time", 0) <= trade.paid_at.timestamp() <= span.get("end_time", 2**40)
            and body.get("order_state") in {None, trade.state}
            and body.get("openid") in {None, trade.openid}
        }
        question = {**{k: v for k, v in body.items() if k != "last_index"}, "next_key": body.get("last_index")}
        ids, key, more = window(list(known), question, size)
        return ok(order_list=[_shape(known[each]) for each in ids], last_index=key, has_more=more)

    def notify_confirm_receive(self, app: App, body: Body) -> Mapping[str, Any]:
        """POST notify_confirm_receive: once per payment, and only what was shipped."""
        trade = self._named(app, body)
        integer(body, "received_time", 1, 2**40)
        if trade.state != 2 or trade.reminded:
            raise Refusal(10060004, "order can not be notified")
        trade.reminded = True
        self.kit.effect(NAME, "receipt_asked", trade.transaction_id)
        return ok()

    def set_msg_jump_path(self, app: App, body: Body) -> Mapping[str, Any]:
        """POST set_msg_jump_path."""
        path = text(body, "path")
        if self.state.jump_paths.get(app.owner.appid) != path:
            self.state.jump_paths[app.owner.appid] = path
            self.kit.effect(NAME, "jump_path_set", app.owner.appid, path=path)
        return ok()

    def is_trade_managed(self, app: App, body: Body) -> Mapping[str, Any]:
        """POST is_trade_managed, about the caller itself."""
        self._self(app, body)
        return ok(is_trade_managed=True)

    def is_confirmed(self, app: App, body: Body) -> Mapping[str, Any]:
        """POST is_trade_management_confirmation_completed."""
        self._self(app, body)
        return ok(completed=True)

    def get_delivery_list(self, _app: App, _body: Body) -> Mapping[str, Any]:
        """POST get_delivery_list."""
        found = [{"delivery_id": key, "delivery_name": name} for key, name in CARRIERS.items()]
        return ok(delivery_list=found, count=len(found))

    def _self(self, app: App, body: Body) -> None:
        if body.get("appid") != app.owner.appid:
            raise Refusal(40013, "invalid appid")

    def _moment(self, body: Body) -> datetime:
        try:
            at = datetime.fromisoformat(text(body, "upload_time"))
        except ValueError:
            raise arguments("upload_time: expecting RFC 3339") from None
        if at.tzinfo is None:
            raise arguments("upload_time: expecting an offset")
        return at

    def _keyed(self, app: App, body: Body) -> Trade:
        key = inner(body, "order_key")
        kind = integer(key, "order_number_type", 1, 2)
        if kind == 2:
            return self._find(app, "transaction_id", text(key, "transaction_id"), "")
        return self._find(app, "out_trade_no", text(key, "out_trade_no"), text(key, "mchid"))

    def _named(self, app: App, body: Body) -> Trade:
        if body.get("transaction_id"):
            return self._find(app, "transaction_id", text(body, "transaction_id"), "")
        return self._find(app, "out_trade_no", text(body, "merchant_trade_no"), text(body, "merchant_id"))

    def _find(self, app: App, name: str, value: str, mchid: str) -> Trade:
        """The payment, once it is a minute old; those of 微信支付's own emulation are known by their number."""
        for trade in self.state.trades:
            if trade.appid == app.owner.appid and getattr(trade, name) == value and mchid in {"", trade.mchid}:
                break
        else:
            trade = self._taken_over(app, value, mchid)
        if self.kit.clock.now() - trade.paid_at < INGESTED:
            raise Refusal(10060001, "payment order not exist")
        return trade

    def _taken_over(self, app: App, out_trade_no: str, mchid: str) -> Trade:
        for paid in self.kit.journal.of_kind("payments", "payment"):
            if mchid and (paid.key, paid.data["mchid"]) == (out_trade_no, mchid):
                number = f"42000{secrets.randbelow(10**23):023d}"
                trade = Trade(app.owner.appid, number, mchid, out_trade_no, "", int(paid.data["total"]), paid.at)
                self.state.trades.append(trade)
                return trade
        raise Refusal(10060001, "payment order not exist")

    def _uploaded(self, trade: Trade, body: Body, at: datetime, openid: str) -> None:
        kind, mode = integer(body, "logistics_type", 1, 4), integer(body, "delivery_mode", 1, 2)
        sent = rows(body, "shipping_list", 15)
        if (mode == UNIFIED and len(sent) > 1) or (mode == SPLIT and kind != EXPRESS):
            raise arguments("shipping_list: one entry, or express split over several")
        if mode == SPLIT and not isinstance(body.get("is_all_delivered"), bool):
            raise arguments("is_all_delivered: expecting a bool")
        for row in sent:
            text(row, "item_desc", 120)
            if kind == EXPRESS and not (row.get("tracking_no") and row.get("express_company")):
                raise arguments("shipping_list.tracking_no: expecting tracking_no and express_company")
            if kind == EXPRESS and row["express_company"] == "SF" and not _visible(row.get("contact")):
                raise arguments("shipping_list.contact: expecting a masked number")
        if openid != trade.openid:
            # A payment that was taken over has no payer yet: whoever is named first is believed.
            if trade.openid:
                raise Refusal(10060012, "openid mismatch")
            trade.openid = openid
        shipped = trade.shipping.get("finish_shipping_count", 0)
        if trade.state not in {1, 2} or shipped >= UPLOADS or (trade.uploaded_at and at <= trade.uploaded_at):
            raise Refusal(10060004, "order can not be shipped")
        whole = mode == UNIFIED or body.get("is_all_delivered") is True
        trade.uploaded_at, trade.state = at, 2 if whole else trade.state
        trade.shipping = {
            "delivery_mode": mode,
            "logistics_type": kind,
            "finish_shipping": whole,
            "finish_shipping_count": shipped + int(whole),
            "goods_desc": sent[0]["item_desc"],
            "shipping_list": [
                {
                    "tracking_no": row.get("tracking_no", ""),
                    "express_company": row.get("express_company", ""),
                    "goods_desc": row["item_desc"],
                    "upload_time": int(at.timestamp()),
                }
                for row in sent
            ],
        }


def _visible(contact: object) -> bool:
    """One of the two numbers, masked but for its last four digits."""
    numbers = contact.values() if isinstance(contact, dict) else ()
    return any(isinstance(each, str) and "*" in each and each[-4:].isdecimal() for each in numbers)


def _shape(trade: Trade) -> dict[str, Any]:
    return {
        "transaction_id": trade.transaction_id,
        "merchant_trade_no": trade.out_trade_no,
        "merchant_id": trade.mchid,
        "sub_merchant_id": "",
        "description": "屿见",
        "paid_amount": trade.amount,
        "openid": trade.openid,
        "trade_create_time": shapes.seconds(trade.paid_at),
        "pay_time": shapes.seconds(trade.paid_at),
        "order_state": trade.state,
        "in_complaint": False,
        "shipping": trade.shipping,
    }
