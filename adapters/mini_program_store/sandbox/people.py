"""What shoppers and the brand's staff do at the mini-programs and in the store."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from adapters.mini_program_store.sandbox import shapes
from adapters.mini_program_store.sandbox.push import NAME, Desk, subscribe_event
from adapters.mini_program_store.sandbox.state import DELISTED, App, Code, State
from adapters.mini_program_store.sandbox.tokens import TokenDesk
from sandbox.platform import Action, Kit
from sandbox.world import AfterSale, Line, StoreOrder

Input = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class People:
    """Actions over the shared state; each one journals its effect and pushes its events."""

    state: State
    tokens: TokenDesk
    desk: Desk
    kit: Kit

    def actions(self) -> Mapping[str, Action]:
        """Name → action."""
        return {
            "login_code": self.login_code,
            "phone_code": self.phone_code,
            "subscribe_answer": self.subscribe_answer,
            "order_new": self.order_new,
            "order_paid": self.order_paid,
            "order_ship": self.order_ship,
            "order_confirm": self.order_confirm,
            "order_cancel": self.order_cancel,
            "after_sale_new": self.after_sale_new,
            "after_sale_update": self.after_sale_update,
            "product_delist": self.product_delist,
            "token_revoke": self.token_revoke,
            "verify_url": self.verify_url,
        }

    # Mini-program ---------------------------------------------------------------------------------

    async def login_code(self, given: Input) -> Mapping[str, Any]:
        """{appid, person} → {code}: somebody opens the mini-program."""
        return {"code": self._code(given, self.state.login_codes)}

    async def phone_code(self, given: Input) -> Mapping[str, Any]:
        """{appid, person} → {code}: somebody taps the phone-number button."""
        return {"code": self._code(given, self.state.phone_codes)}

    def _code(self, given: Input, codes: dict[str, Code]) -> str:
        person, appid = self.state.person(str(given["person"])), self._app(given).owner.appid
        if appid not in person.openids:
            raise ValueError(f"{person.key} has never used {appid}; choose another person or appid")
        code = secrets.token_hex(16)
        codes[code] = Code(appid, person, self.kit.clock.now())
        return code

    async def subscribe_answer(self, given: Input) -> Mapping[str, Any]:
        """{appid, person, template, answer: accept|reject} → {openid}: somebody answers a template's question."""
        app, person, template = self._app(given), self.state.person(str(given["person"])), str(given["template"])
        answer, openid = str(given["answer"]), person.openids[app.owner.appid]
        whose = (app.owner.appid, openid, template)
        self.state.grants[whose] = self.state.grants.get(whose, 0) + 1 if answer == "accept" else 0
        told = {"TemplateId": template, "SubscribeStatusString": answer, "PopupScene": "0"}
        at = int(self.kit.clock.now().timestamp())
        self.desk.send(app, subscribe_event(app, openid, at, "subscribe_msg_popup_event", told))
        return {"openid": openid}

    async def token_revoke(self, given: Input) -> Mapping[str, Any]:
        """{appid}: another process forced a new token, so ours is dead."""
        self.tokens.revoke(self._app(given).owner.appid)
        return {}

    async def verify_url(self, given: Input) -> Mapping[str, Any]:
        """{appid} → {verified}: somebody presses 提交 on the console's page of the push URL."""
        return {"verified": await self.desk.verify_url(self._app(given))}

    def _app(self, given: Input) -> App:
        appid = str(given["appid"])
        if appid not in self.state.apps:
            raise ValueError(f"no app has the appid {appid}")
        return self.state.apps[appid]

    # Orders ---------------------------------------------------------------------------------------

    async def order_new(self, given: Input) -> Mapping[str, Any]:
        """{person, sku, quantity} → {order_id}: an unpaid order; stock is taken at once."""
        person, quantity = self.state.person(str(given["person"])), int(given.get("quantity", 1))
        _, sku = self.state.sku(str(given["sku"]))
        left = self.state.stock[sku.store_sku_id]
        if self.state.store_appid not in person.openids:
            raise ValueError(f"{person.key} has never used the store; choose another person")
        if not 1 <= quantity <= left:
            raise ValueError(f"quantity is {quantity}, the store has 1 to {left} of {sku.code}")
        now = self._now()
        amount = sku.price * quantity
        order = StoreOrder(
            order_id=str(3705 * 10**15 + secrets.randbelow(10**15)),
            person=person.key,
            status=10,
            lines=(Line(sku.code, quantity, amount, amount),),
            freight=0,
            discount=0,
            created_at=now,
            updated_at=now,
            receiver=person.key,
        )
        self.state.stock[sku.store_sku_id] = left - quantity
        self.state.orders[order.order_id] = order
        self._order_event("channels_ec_order_new", order, "order_created")
        return {"order_id": order.order_id}

    async def order_paid(self, given: Input) -> Mapping[str, Any]:
        """{order_id}: the shopper pays; two events, one order."""
        order = self._order(given, 10)
        paid = self._change(
            order, status=20, paid_at=self._now(), transaction_id=f"42000{secrets.randbelow(10**23):023d}"
        )
        # This event quotes its numbers, as the live platform has been seen to do.
        at = str(shapes.seconds(paid.paid_at))
        self._order_event("channels_ec_order_pay", paid, "order_paid", pay_time=at)
        self._push("channels_ec_order_wait_shipping", paid, order_info={"order_id": int(paid.order_id)})
        return {"transaction_id": paid.transaction_id}

    async def order_ship(self, given: Input) -> Mapping[str, Any]:
        """{order_id}: everything leaves in one parcel."""
        waybill = f"SF{secrets.randbelow(10**13):013d}"
        order = self._change(self._order(given, 20, 21), status=30, shipped_at=self._now(), waybill=waybill)
        self._order_event("channels_ec_order_deliver", order, "order_shipped", finish_delivery=1)
        return {"waybill": waybill}

    async def order_confirm(self, given: Input) -> Mapping[str, Any]:
        """{order_id}: the shopper confirms receipt."""
        order = self._change(self._order(given, 30), status=100, finished_at=self._now())
        self._order_event("channels_ec_order_confirm", order, "order_confirmed", confirm_type=1)
        return {}

    async def order_cancel(self, given: Input) -> Mapping[str, Any]:
        """{order_id}: an unpaid order is cancelled by its buyer; its stock returns."""
        order = self._change(self._order(given, 10), status=250)
        for line in order.lines:
            self.state.stock[self.state.sku(line.sku)[1].store_sku_id] += line.quantity
        self._order_event("channels_ec_order_cancel", order, "order_cancelled", cancel_type="1")
        return {}

    # After-sales and products ---------------------------------------------------------------------

    async def after_sale_new(self, given: Input) -> Mapping[str, Any]:
        """{order_id, type: REFUND|RETURN|EXCHANGE} → {after_sale_id}: the buyer asks, for the first line."""
        order, kind = self._order(given, 20, 21, 30, 100), str(given["type"])
        if kind not in {"REFUND", "RETURN", "EXCHANGE"}:
            raise ValueError(f"type is {kind}: give REFUND, RETURN or EXCHANGE")
        line, now = order.lines[0], self._now()
        case = AfterSale(
            after_sale_id=str(2 * 10**15 + secrets.randbelow(10**15)),
            order_id=order.order_id,
            person=order.receiver or order.person,
            type=kind,
            status="MERCHANT_PROCESSING",
            sku=line.sku,
            quantity=line.quantity,
            refund=0 if kind == "EXCHANGE" else line.paid_amount,
            reason="NO_LONGER_WANT",
            created_at=now,
            updated_at=now,
        )
        self._after_sale_event(case)
        return {"after_sale_id": case.after_sale_id}

    async def after_sale_update(self, given: Input) -> Mapping[str, Any]:
        """{after_sale_id, status}: it moves on."""
        case = self.state.after_sales.get(str(given["after_sale_id"]))
        if case is None:
            raise ValueError(f"no after-sale {given['after_sale_id']}")
        self._after_sale_event(replace(case, status=str(given["status"]), updated_at=self._now()))
        return {}

    async def product_delist(self, given: Input) -> Mapping[str, Any]:
        """{product_id}: the owner takes a product off the shelf."""
        number = str(given["product_id"])
        if number not in self.state.products:
            raise ValueError(f"no product {number}")
        self.state.listing[number] = DELISTED
        self.state.edited_at[number] = self._now()
        self.kit.effect(NAME, "product_delisted", number)
        fields = {"product_id": number, "status": DELISTED, "reason": ""}
        self._push("product_spu_listing", None, ProductSpuListing=fields)
        return {}

    def _after_sale_event(self, case: AfterSale) -> None:
        self.state.after_sales[case.after_sale_id] = case
        self.kit.effect(NAME, "after_sale", f"{case.after_sale_id}:{case.status}", order=case.order_id)
        order = self._change(self.state.orders[case.order_id])
        fields = {
            "status": case.status,
            "after_sale_order_id": case.after_sale_id,
            "order_id": case.order_id,
        }
        self._push("channels_ec_aftersale_update", order, finder_shop_aftersale_status_update=fields)

    # Shared ---------------------------------------------------------------------------------------

    def _now(self) -> datetime:
        return self.kit.clock.now().replace(microsecond=0)

    def _order(self, given: Input, *statuses: int) -> StoreOrder:
        order = self.state.orders.get(str(given["order_id"]))
        if order is None:
            raise ValueError(f"no order {given['order_id']}")
        if order.status not in statuses:
            raise ValueError(f"order {order.order_id} has status {order.status}, not one of {statuses}")
        return order

    def _change(self, order: StoreOrder, **fields: Any) -> StoreOrder:
        """Every move of an order moves its update time."""
        changed = replace(order, updated_at=self._now(), **fields)
        self.state.orders[order.order_id] = changed
        return changed

    def _order_event(self, event: str, order: StoreOrder, effect: str, **fields: Any) -> None:
        self.kit.effect(NAME, effect, order.order_id, person=order.person)
        self._push(event, order, order_info={"order_id": order.order_id, **fields})

    def _push(self, event: str, order: StoreOrder | None, **body: Any) -> None:
        app = self.state.apps[self.state.store_appid]
        buyer = self.state.store_openid(order.receiver or order.person) if order else app.owner.gh_id
        envelope = {
            "ToUserName": app.owner.gh_id,
            "FromUserName": buyer,
            "CreateTime": int(self.kit.clock.now().timestamp()),
            "MsgType": "event",
            "Event": event,
        }
        self.desk.send(app, {**envelope, **body})
