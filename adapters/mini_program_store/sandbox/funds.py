"""Endpoints of the store's ledger (资金结算), with its clock: a day's entries appear at 16:00 of the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from starlette.routing import Route

from adapters.mini_program_store.sandbox import shapes
from adapters.mini_program_store.sandbox.bodies import Body, inner, integer, number_of
from adapters.mini_program_store.sandbox.gate import Gate
from adapters.mini_program_store.sandbox.moves import FEE_SHARE, Moves
from adapters.mini_program_store.sandbox.paging import window
from adapters.mini_program_store.sandbox.state import App, State
from adapters.mini_program_store.sandbox.wire import Refusal, ok

BEIJING: Final = timezone(timedelta(hours=8))
READY: Final = 16
SUB_MCHID: Final = "1666000001"
MANDATORY: Final = 10_000


@dataclass(frozen=True, slots=True)
class FundsApi:
    """Handlers over the shared state."""

    state: State
    gate: Gate
    moves: Moves

    def routes(self) -> list[Route]:
        """Every endpoint below /channels/ec/funds that reads."""
        posts: dict[str, Callable[[App, Body], Mapping[str, Any]]] = {
            "getbalance": self.getbalance,
            "getfundsflowlist": self.getfundsflowlist,
            "getfundsflowdetail": self.getfundsflowdetail,
            "listorderflow": self.listorderflow,
            "getwithdrawlist": self.getwithdrawlist,
            "getwithdrawdetail": self.getwithdrawdetail,
        }
        return [self.gate.post(f"/channels/ec/funds/{path}", "store", do) for path, do in posts.items()]

    def getbalance(self, _app: App, _body: Body) -> Mapping[str, Any]:
        """POST getbalance: orders that are not finished yet are pending."""
        pending = sum(row.payable for row in self.state.orders.values() if row.status in {20, 21, 30})
        total = sum(_signed(row) for row in self.state.flows)
        return ok(available_amount=max(0, total - pending), pending_amount=pending, sub_mchid=SUB_MCHID)

    def getfundsflowlist(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST getfundsflowlist: ids only; a later end is cut without a word."""
        page = integer(body, "page", 1, 10**6) if "page" in body else 1
        size = integer(body, "page_size", 1, 100) if "page_size" in body else 10
        end = min(int(body.get("end_time") or 2**40), shapes.seconds(self._ready()) - 1)
        begin = int(body.get("start_time") or 0)
        found = [
            row["flow_id"]
            for row in self._sorted()
            if begin <= row["at"].timestamp() <= end
            and body.get("transaction_id", "") in {"", *(each["transaction_id"] for each in row["related_info_list"])}
        ]
        if page > 1 and not body.get("next_key"):
            if page * size >= MANDATORY:
                raise Refusal(40097, "invalid args, next_key: expecting next_key")
            found = found[(page - 1) * size :]
        # The key belongs to the question and to the page's size, not to the page's number.
        question = {key: value for key, value in body.items() if key != "page"}
        ids, key, more = window(found, question, size)
        return ok(flow_ids=ids, has_more=more, next_key=key)

    def getfundsflowdetail(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST getfundsflowdetail."""
        wanted, balance = number_of(body, "flow_id"), 0
        for row in self._sorted():
            balance += _signed(row)
            if row["flow_id"] == wanted and row["at"] < self._ready():
                shown = {key: value for key, value in row.items() if key != "at"}
                at = f"{row['at'].astimezone(BEIJING):%Y-%m-%d %H:%M:%S}"
                return ok(funds_flow={**shown, "balance": balance, "bookkeeping_time": at, "remark": ""})
        raise Refusal(10021302, "no data")

    def listorderflow(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST listorderflow: the range is open at its end."""
        paging, span = inner(body, "pagination_info"), body.get("create_time_range") or {}
        limit = integer(paging, "limit", 1, 100)
        wanted = body.get("order_settle_state")
        if wanted not in {0, 1, 2, 60, 100}:
            raise Refusal(669900000, "order_settle_state invalid")
        rows = [
            shape
            for row in self.state.orders.values()
            if span.get("begin", 0) <= row.created_at.timestamp() < span.get("end", 2**40)
            for shape in [self._settlement(row.order_id)]
            if wanted in {0, shape["order_settle_state"]}
        ]
        rows.sort(key=lambda row: (row["order_create_time"], row["order_id"]))
        context = paging.get("page_ctx") or "0" if paging.get("use_page_ctx") else str(paging.get("offset", 0))
        if not context.isdecimal():
            raise Refusal(669900000, "page_ctx invalid")
        start = int(context)
        return ok(data_list=rows[start : start + limit], total_count=len(rows), page_ctx=str(start + limit))

    def getwithdrawlist(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST getwithdrawlist."""
        page, size = integer(body, "page_num", 1, 10**6), integer(body, "page_size", 1, 100)
        ids = list(self.state.withdrawals)
        return ok(withdraw_ids=ids[(page - 1) * size : page * size], total_num=len(ids))

    def getwithdrawdetail(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST getwithdrawdetail."""
        row = self.state.withdrawals.get(number_of(body, "withdraw_id"))
        if row is None:
            raise Refusal(10021302, "no data")
        return ok(**row)

    def _settlement(self, order_id: str) -> dict[str, Any]:
        row = self.state.orders[order_id]
        cases = [case for case in self.state.after_sales.values() if case.order_id == order_id]
        refunded = sum(case.refund for case in cases if case.status in shapes.SUCCEEDED)
        paid = row.payable if row.paid_at else 0
        fee = (paid - refunded) // FEE_SHARE
        state = 60 if row.status == 100 else 2 if row.status in {190, 200, 250} else 1
        return {
            "order_id": order_id,
            "order_state": row.status,
            "order_settle_state": state,
            "order_create_time": shapes.seconds(row.created_at),
            "order_paid_time": shapes.seconds(row.paid_at),
            "order_pay_method": 1,
            "buyer_paid_amount": paid,
            "buyer_refund_amount": refunded,
            "mch_settle_amount": paid - refunded - fee,
            "mch_settle_time": shapes.seconds(row.finished_at),
            "platform_commission_amount": fee,
            "promoter_commission_amount": 0,
        }

    def _sorted(self) -> list[dict[str, Any]]:
        return sorted(self.state.flows, key=lambda row: (row["at"], row["flow_id"]))

    def _ready(self) -> datetime:
        now = self.moves.now().astimezone(BEIJING)
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight if now.hour >= READY else midnight - timedelta(days=1)


def _signed(row: Mapping[str, Any]) -> int:
    return int(row["amount"]) if row["flow_type"] == 1 else -int(row["amount"])
