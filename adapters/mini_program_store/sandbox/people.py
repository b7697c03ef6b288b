"""What shoppers and the brand's staff do at the mini-programs and in the store."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from adapters.mini_program_store.sandbox import shapes
from adapters.mini_program_store.sandbox.coupons import ACTIVE
from adapters.mini_program_store.sandbox.goods import IN_AUDIT
from adapters.mini_program_store.sandbox.moves import RETURNED, SOLD, Moves
from adapters.mini_program_store.sandbox.push import Desk, subscribe_event
from adapters.mini_program_store.sandbox.state import DELISTED, LISTED, App, Code, State, Trade
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
    moves: Moves

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
            "product_audit": self.product_audit,
            "order_address_ask": self.order_address_ask,
            "coupon_receive": self.coupon_receive,
            "withdraw": self.withdraw,
            "misbook": self.misbook,
            "trade_paid": self.trade_paid,
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
        now = self.moves.now()
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
        self.moves.move_stock(sku.store_sku_id, -quantity, SOLD, order.order_id)
        self.state.orders[order.order_id] = order
        self.moves.order_event("channels_ec_order_new", order, "order_created")
        return {"order_id": order.order_id}

    async def order_paid(self, given: Input) -> Mapping[str, Any]:
        """{order_id}: the shopper pays; two events, one order."""
        order = self.moves.order(given, 10)
        paid = self.moves.change(
            order, status=20, paid_at=self.moves.now(), transaction_id=f"42000{secrets.randbelow(10**23):023d}"
        )
        self.moves.book_payment(paid)
        # This event quotes its numbers, as the live platform has been seen to do.
        at = str(shapes.seconds(paid.paid_at))
        self.moves.order_event("channels_ec_order_pay", paid, "order_paid", pay_time=at)
        self.moves.push("channels_ec_order_wait_shipping", paid, order_info={"order_id": int(paid.order_id)})
        return {"transaction_id": paid.transaction_id}

    async def order_ship(self, given: Input) -> Mapping[str, Any]:
        """{order_id}: everything leaves in one parcel."""
        waybill = f"SF{secrets.randbelow(10**13):013d}"
        order = self.moves.change(
            self.moves.order(given, 20, 21), status=30, shipped_at=self.moves.now(), waybill=waybill
        )
        self.moves.order_event("channels_ec_order_deliver", order, "order_shipped", finish_delivery=1)
        return {"waybill": waybill}

    async def order_confirm(self, given: Input) -> Mapping[str, Any]:
        """{order_id}: the shopper confirms receipt."""
        order = self.moves.change(self.moves.order(given, 30), status=100, finished_at=self.moves.now())
        self.moves.book_fee(order)
        self.moves.order_event("channels_ec_order_confirm", order, "order_confirmed", confirm_type=1)
        return {}

    async def order_cancel(self, given: Input) -> Mapping[str, Any]:
        """{order_id}: an unpaid order is cancelled by its buyer; its stock returns."""
        order = self.moves.change(self.moves.order(given, 10), status=250)
        for line in order.lines:
            sku_id = self.state.sku(line.sku)[1].store_sku_id
            self.moves.move_stock(sku_id, line.quantity, RETURNED, order.order_id)
        self.moves.order_event("channels_ec_order_cancel", order, "order_cancelled", cancel_type="1")
        return {}

    # After-sales and products ---------------------------------------------------------------------

    async def after_sale_new(self, given: Input) -> Mapping[str, Any]:
        """{order_id, type: REFUND|RETURN|EXCHANGE} → {after_sale_id}: the buyer asks, for the first line."""
        order, kind = self.moves.order(given, 20, 21, 30, 100), str(given["type"])
        if kind not in {"REFUND", "RETURN", "EXCHANGE"}:
            raise ValueError(f"type is {kind}: give REFUND, RETURN or EXCHANGE")
        line, now = order.lines[0], self.moves.now()
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
        self.moves.after_sale_event(case)
        return {"after_sale_id": case.after_sale_id}

    async def after_sale_update(self, given: Input) -> Mapping[str, Any]:
        """{after_sale_id, status}: it moves on."""
        case = self.state.after_sales.get(str(given["after_sale_id"]))
        if case is None:
            raise ValueError(f"no after-sale {given['after_sale_id']}")
        moved = replace(case, status=str(given["status"]), updated_at=self.moves.now())
        if moved.status in shapes.SUCCEEDED and case.status not in shapes.SUCCEEDED:
            self.moves.book_refund(moved)
        self.moves.after_sale_event(moved)
        return {}

    async def product_delist(self, given: Input) -> Mapping[str, Any]:
        """{product_id}: the owner takes a product off the shelf."""
        number = str(given["product_id"])
        if number not in self.state.products:
            raise ValueError(f"no product {number}")
        self.moves.listed(number, DELISTED)
        return {}

    async def product_audit(self, given: Input) -> Mapping[str, Any]:
        """{product_id, passed, reason?, edit_status?}: the platform's staff decide on a draft; passed, it goes on sale,
        else it is refused, or stands as ``edit_status`` says."""
        number, passed = str(given["product_id"]), bool(given.get("passed", True))
        if self.state.edit_status.get(number) != IN_AUDIT:
            raise ValueError(f"product {number} is not in audit")
        self.state.edit_status[number] = 4 if passed else int(given.get("edit_status", 3))
        fields = {"product_id": number, "status": 3 if passed else 2, "audit_info": "{}"}
        fields["reason"] = str(given.get("reason", ""))
        self.moves.push("product_spu_audit", None, ProductSpuAudit=fields)
        if passed:
            self.state.published[number] = self.state.drafts.pop(number)
            self.moves.listed(number, LISTED)
        return {}

    # Money ----------------------------------------------------------------------------------------

    async def withdraw(self, given: Input) -> Mapping[str, Any]:
        """{amount, status?} → {withdraw_id}: an administrator takes money out, by default with success."""
        number, at = str(1_000_000_001 + len(self.state.withdrawals)), shapes.seconds(self.moves.now())
        amount, status = int(given["amount"]), str(given.get("status", "SUCCESS"))
        related = {"related_type": 3, "withdraw_id": number, "transaction_id": ""}
        self.moves.book(4, amount, [related], self.moves.now())
        kept = {"amount": amount, "status": status, "reason": "", "remark": "", "create_time": at, "update_time": at}
        self.state.withdrawals[number] = kept
        return {"withdraw_id": number}

    async def misbook(self, given: Input) -> Mapping[str, Any]:
        """{funds_type, amount, order_id?} → {flow_id}: another amount of an order's entry, none at 0; or a new one."""
        funds_type, amount, order_id = int(given["funds_type"]), int(given["amount"]), str(given.get("order_id", ""))
        for row in self.state.flows:
            if row["funds_type"] == funds_type and any(
                each.get("order_id") == order_id for each in row["related_info_list"]
            ):
                row["amount"] = amount
                if amount == 0:
                    self.state.flows.remove(row)
                return {"flow_id": row["flow_id"]}
        related = {"related_type": 1, "order_id": order_id, "transaction_id": ""}
        self.moves.book(funds_type, amount, [related], self.moves.now())
        return {"flow_id": self.state.flows[-1]["flow_id"]}

    # Coupons and payments -------------------------------------------------------------------------

    async def order_address_ask(self, given: Input) -> Mapping[str, Any]:
        """{order_id, address}: the buyer asks for another address; staff have to answer."""
        order = self.moves.change(self.moves.order(given, 20))
        self.state.address_requests[order.order_id] = dict(given["address"])
        return {}

    async def coupon_receive(self, given: Input) -> Mapping[str, Any]:
        """{person, coupon_id} → {user_coupon_id}: a shopper takes a coupon."""
        person, coupon = self.state.person(str(given["person"])), self.state.coupons[str(given["coupon_id"])]
        if coupon["status"] != ACTIVE or coupon["stock_info"]["issued_num"] < 1:
            raise ValueError(f"coupon {coupon['coupon_id']} cannot be taken")
        coupon["stock_info"]["issued_num"] -= 1
        coupon["stock_info"]["receive_num"] += 1
        number, at = str(10**14 + secrets.randbelow(10**14)), shapes.seconds(self.moves.now())
        valid = coupon["coupon_info"]["valid_info"]
        days = valid.get("valid_day_num", 0)
        self.state.user_coupons[number] = {
            "openid": self.state.store_openid(person.key),
            "user_coupon_id": number,
            "coupon_id": coupon["coupon_id"],
            "status": 100,
            "create_time": at,
            "update_time": at,
            "start_time": at if days else valid["start_time"],
            "end_time": at + 86400 * days if days else valid["end_time"],
            "ext_info": {},
        }
        info = {"coupon_id": coupon["coupon_id"], "user_coupon_id": number, "receive_time": str(at)}
        self.moves.push("channels_ec_coupon_receive", None, receive_info=info)
        return {"user_coupon_id": number}

    async def trade_paid(self, given: Input) -> Mapping[str, Any]:
        """{appid, person, amount, mchid?, out_trade_no?} → {transaction_id, …}: a payment in a mini-program."""
        app, person = self._app(given), self.state.person(str(given["person"]))
        number = f"42000{secrets.randbelow(10**23):023d}"
        trade = Trade(
            app.owner.appid,
            number,
            str(given.get("mchid", "1900000001")),
            str(given.get("out_trade_no", f"YJ{number[-20:]}")),
            person.openids[app.owner.appid],
            int(given["amount"]),
            self.moves.now(),
        )
        self.state.trades.append(trade)
        told = {
            "transaction_id": number,
            "merchant_id": trade.mchid,
            "sub_merchant_id": "",
            "merchant_trade_no": trade.out_trade_no,
            "pay_time": shapes.seconds(trade.paid_at),
            "msg": "请及时发货",
        }
        event = {
            "ToUserName": app.owner.gh_id,
            "FromUserName": trade.openid,
            "CreateTime": shapes.seconds(trade.paid_at),
            "MsgType": "event",
            "Event": "trade_manage_remind_shipping",
            **told,
        }
        self.desk.send(app, event)
        return {
            "transaction_id": number,
            "out_trade_no": trade.out_trade_no,
            "mchid": trade.mchid,
            "openid": trade.openid,
        }
