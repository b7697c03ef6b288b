"""What changes together: an order and its update time, stock and its book, money and its ledger, and the events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from adapters.mini_program_store.sandbox import shapes
from adapters.mini_program_store.sandbox.push import NAME, Desk
from adapters.mini_program_store.sandbox.state import DELISTED, LISTED, State
from sandbox.platform import Kit
from sandbox.world import AfterSale, StoreOrder

#: funds_type → (flow_type, its description): what pays in, what pays out.
FUNDS: Final = {1: (1, "订单支付"), 3: (2, "订单退款"), 4: (2, "提现"), 11: (2, "技术服务费")}
#: The platform's fee is one part of so many.
FEE_SHARE: Final = 100
#: op_type of stock movements (unverified numbers).
SOLD, RETURNED, ADDED, TAKEN, SET = 1, 2, 3, 4, 5


@dataclass(frozen=True, slots=True)
class Moves:
    """Every change of the store's state passes here."""

    state: State
    desk: Desk
    kit: Kit

    def now(self) -> datetime:
        """The platform counts in seconds."""
        return self.kit.clock.now().replace(microsecond=0)

    def order(self, given: Mapping[str, Any], *statuses: int) -> StoreOrder:
        """The order of an action; ValueError for none, and for one in another state."""
        order = self.state.orders.get(str(given["order_id"]))
        if order is None:
            raise ValueError(f"no order {given['order_id']}")
        if order.status not in statuses:
            raise ValueError(f"order {order.order_id} has status {order.status}, not one of {statuses}")
        return order

    def change(self, order: StoreOrder, **fields: Any) -> StoreOrder:
        """Every move of an order moves its update time."""
        changed = replace(order, updated_at=self.now(), **fields)
        self.state.orders[order.order_id] = changed
        return changed

    def order_event(self, event: str, order: StoreOrder, effect: str, **fields: Any) -> None:
        """Journal what happened to an order, and push it."""
        self.kit.effect(NAME, effect, order.order_id, person=order.person)
        self.push(event, order, order_info={"order_id": order.order_id, **fields})

    def after_sale_event(self, case: AfterSale) -> None:
        """Keep, journal and push what became of an after-sale."""
        self.state.after_sales[case.after_sale_id] = case
        self.kit.effect(NAME, "after_sale", f"{case.after_sale_id}:{case.status}", order=case.order_id)
        order = self.change(self.state.orders[case.order_id])
        fields = {
            "status": case.status,
            "after_sale_order_id": case.after_sale_id,
            "order_id": case.order_id,
        }
        self.push("channels_ec_aftersale_update", order, finder_shop_aftersale_status_update=fields)

    def refund(self, case: AfterSale, status: str) -> None:
        """Pay an after-sale's money back; an order without anything left of it ends as 200."""
        self.state.refunded_at[case.order_id] = self.now()
        done = replace(case, status=status, updated_at=self.now())
        self.book_refund(done)
        self.after_sale_event(done)
        back = [row for row in self.state.after_sales.values() if row.order_id == case.order_id]
        returned = sum(row.quantity for row in back if row.status in shapes.SUCCEEDED and row.refund)
        if returned >= sum(line.quantity for line in self.state.orders[case.order_id].lines):
            ended = self.change(self.state.orders[case.order_id], status=200)
            self.order_event("channels_ec_order_cancel", ended, "order_cancelled", cancel_type=3)

    def book(self, funds_type: int, amount: int, related: list[dict[str, Any]], at: datetime) -> None:
        """An entry in the store's ledger."""
        flow_type, desc = FUNDS[funds_type]
        last = int(self.state.flows[-1]["flow_id"]) if self.state.flows else 10_000_057_741_240_000
        self.state.flows.append(
            {
                "flow_id": str(last + 1),
                "funds_type": funds_type,
                "funds_type_desc": desc,
                "flow_type": flow_type,
                "amount": amount,
                "related_info_list": related,
                "at": at,
            }
        )

    def book_payment(self, order: StoreOrder) -> None:
        """An order's money comes in."""
        related = {"related_type": 1, "order_id": order.order_id, "transaction_id": order.transaction_id}
        self.book(1, order.payable, [related], order.paid_at or self.now())

    def book_refund(self, case: AfterSale) -> None:
        """An after-sale's money goes out: the entry carries the after-sale, and its order."""
        order = self.state.orders[case.order_id]
        related = [
            {"related_type": 2, "aftersale_id": case.after_sale_id, "transaction_id": order.transaction_id},
            {"related_type": 1, "order_id": case.order_id, "transaction_id": order.transaction_id},
        ]
        if case.refund:
            self.book(3, case.refund, related, case.updated_at)

    def book_fee(self, order: StoreOrder) -> None:
        """An order is finished, and settled: the platform takes its share of what was not given back."""
        cases = [each for each in self.state.after_sales.values() if each.order_id == order.order_id]
        refunded = sum(each.refund for each in cases if each.status in shapes.SUCCEEDED)
        fee = (order.payable - refunded) // FEE_SHARE if order.paid_at else 0
        related = {"related_type": 1, "order_id": order.order_id, "transaction_id": order.transaction_id}
        if fee > 0:
            self.book(11, fee, [related], order.finished_at or self.now())

    def move_stock(self, sku_id: str, delta: int, op_type: int, order_id: str = "") -> None:
        """Stock and its book."""
        before = self.state.stock[sku_id]
        self.state.stock[sku_id] = before + delta
        self.state.movements.append(
            {
                "sku_id": sku_id,
                "amount": abs(delta),
                "beginning_amount": before,
                "ending_amount": before + delta,
                "stock_sub_type": 0,
                "op_type": op_type,
                "update_time": shapes.seconds(self.now()),
                "ext_info": {"order_id": order_id} if order_id else {},
            }
        )

    def listed(self, number: str, status: int) -> None:
        """A product goes on sale, or off."""
        self.state.listing[number] = status
        self.state.edited_at[number] = self.now()
        effect = {LISTED: "product_listed", DELISTED: "product_delisted"}[status]
        self.kit.effect(NAME, effect, number)
        fields = {"product_id": number, "status": status, "reason": ""}
        self.push("product_spu_listing", None, ProductSpuListing=fields)

    def push(self, event: str, order: StoreOrder | None, **body: Any) -> None:
        """An event of the store, from the buyer of an order or from the store itself."""
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
