"""Endpoints that decide after-sales (售后)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from starlette.routing import Route

from adapters.mini_program_store.sandbox.bodies import Body, integer, number_of, text
from adapters.mini_program_store.sandbox.gate import Gate
from adapters.mini_program_store.sandbox.moves import Moves
from adapters.mini_program_store.sandbox.push import NAME
from adapters.mini_program_store.sandbox.state import App, State
from adapters.mini_program_store.sandbox.wire import Refusal, arguments, ok
from sandbox.world import AfterSale

#: Numbers of the store's return addresses (退货地址).
ADDRESSES: Final = ("1001", "1002")
#: Reasons for a refusal: number → (text, scene).
REASONS: Final = {1: ("商品无质量问题", 1), 2: ("已超过退货期限", 4), 3: ("商品不支持换货", 5), 4: ("换货商品缺货", 6)}
REFUND_PAUSE: Final = timedelta(minutes=1)
_RETURN_GOODS, _REFUND = 1, 2


@dataclass(frozen=True, slots=True)
class ReturnsApi:
    """Handlers over the shared state."""

    state: State
    gate: Gate
    moves: Moves

    def routes(self) -> list[Route]:
        """Every decision on an after-sale."""
        posts: dict[str, Callable[[App, Body], Mapping[str, Any]]] = {
            "acceptapply": self.acceptapply,
            "rejectapply": self.rejectapply,
            "rejectreason/get": self.rejectreason_get,
            "uploadrefundcertificate": self.uploadrefundcertificate,
            "merchantupdateaftersale": self.merchantupdateaftersale,
            "acceptexchangereship": self.acceptexchangereship,
            "rejectexchangereship": self.rejectexchangereship,
            "genaftersaleorder": self.genaftersaleorder,
        }
        return [self.gate.post(f"/channels/ec/aftersale/{path}", "store", do) for path, do in posts.items()]

    def acceptapply(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST acceptapply: goods may come back, or the money goes back; without ``accept_type`` by the state."""
        case = self._case(body, "MERCHANT_PROCESSING", "MERCHANT_WAIT_RECEIPT")
        first = case.status == "MERCHANT_PROCESSING" and case.type != "REFUND"
        wanted = body.get("accept_type", _RETURN_GOODS if first else _REFUND)
        if wanted not in {_RETURN_GOODS, _REFUND}:
            raise arguments("accept_type: expecting 1 or 2")
        # The second yes to an exchange is the shipment of the other goods.
        if (wanted == _RETURN_GOODS) != first or (case.type == "EXCHANGE" and not first):
            raise Refusal(10021041, "operation not supported in this status")
        if first:
            self._address(body)
            self._decided(case, "USER_WAIT_RETURN")
            return ok()
        last = self.state.refunded_at.get(case.order_id)
        if last is not None and self.moves.now() - last < REFUND_PAUSE:
            raise Refusal(10021059, "refund too frequently")
        self.moves.kit.effect(NAME, "after_sale_decided", case.after_sale_id)
        self.moves.refund(case, "MERCHANT_REFUND_SUCCESS" if case.type == "REFUND" else "MERCHANT_RETURN_SUCCESS")
        return ok()

    def rejectapply(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST rejectapply: ``reject_reason_type`` is required."""
        case = self._case(body, "MERCHANT_PROCESSING", "MERCHANT_WAIT_RECEIPT")
        self._reason(body)
        status = "MERCHANT_REJECT_REFUND" if case.type == "REFUND" else "MERCHANT_REJECT_RETURN"
        self._keep(case, merchant_upload_info={"reject_reason": body.get("reject_reason", "")})
        self._decided(case, status)
        return ok()

    def rejectreason_get(self, _app: App, _body: Body) -> Mapping[str, Any]:
        """POST rejectreason/get."""
        return ok(
            reason_list=[
                {
                    "reject_reason_type": number,
                    "reject_reason_type_text": said,
                    "reject_reason": "",
                    "reject_scene": scene,
                }
                for number, (said, scene) in REASONS.items()
            ]
        )

    def uploadrefundcertificate(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST uploadrefundcertificate: the platform could not refund, and the merchant did outside it."""
        case = self._case(body, "MERCHANT_OVERDUE_REFUND", "PLATFORM_REFUND_FAIL", "MERCHANT_FAIL")
        proofs = body.get("refund_certificates")
        if not isinstance(proofs, list) or not proofs:
            raise arguments("refund_certificates: expecting media ids")
        self._keep(case, merchant_upload_info={"refund_certificates": proofs})
        self._decided(case, "USER_WAIT_CONFIRM")
        return ok()

    def merchantupdateaftersale(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST merchantupdateaftersale: the buyer has to answer then."""
        case = self._case(body, "MERCHANT_PROCESSING")
        kind, amount = text(body, "type"), integer(body, "amount", 0, 10**9)
        if kind not in {"REFUND", "RETURN", "EXCHANGE"}:
            raise arguments("type: expecting REFUND, RETURN or EXCHANGE")
        detail = {
            "merchant_update_type": integer(body, "merchant_update_type", 0, 100),
            "update_reason_type": integer(body, "update_reason_type", 0, 10**6),
            "merchant_update_desc": text(body, "merchant_update_desc", least=0),
            "old_after_sale_type": case.type,
            "new_after_sale_type": kind,
            "old_after_sale_amount": case.refund,
            "new_after_sale_amount": amount,
        }
        self._keep(case, merchant_update_detail=detail)
        self._decided(case, "USER_WAIT_CONFIRM_UPDATE")
        return ok()

    def acceptexchangereship(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST acceptexchangereship: the other goods are on their way."""
        case = self._exchange(body)
        sent = {"delivery_id": text(body, "delivery_id"), "waybill_id": text(body, "waybill_id")}
        self._keep(case, exchange_delivery_info=sent)
        self._decided(case, "MERCHANT_EXCHANGE_SUCCESS")
        return ok()

    def rejectexchangereship(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST rejectexchangereship."""
        case = self._exchange(body)
        self._reason(body)
        self._decided(case, "MERCHANT_REJECT_RETURN")
        return ok()

    def genaftersaleorder(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST genaftersaleorder: the same request, the same after-sale."""
        request = text(body, "request_id", 64)
        if request in self.state.after_sale_requests:
            return ok(after_sale_order_id=self.state.after_sale_requests[request])
        order = self.state.orders.get(number_of(body, "order_id"))
        if order is None or order.status not in {20, 21, 30, 100}:
            raise arguments("order_id: order not exist or not paid")
        sku_id, kind = number_of(body, "sku_id"), text(body, "type")
        line = next((row for row in order.lines if self.state.sku(row.sku)[1].store_sku_id == sku_id), None)
        if line is None or kind not in {"REFUND", "RETURN", "EXCHANGE"}:
            raise arguments("sku_id: not in the order, or type unknown")
        count, amount = integer(body, "count", 1, line.quantity), integer(body, "amount", 0, line.paid_amount)
        if kind != "REFUND":
            self._address(body)
        now = self.moves.now()
        case = AfterSale(
            after_sale_id=str(2 * 10**15 + secrets.randbelow(10**15)),
            order_id=order.order_id,
            person=order.receiver or order.person,
            type=kind,
            status="MERCHANT_PROCESSING",
            sku=line.sku,
            quantity=count,
            refund=0 if kind == "EXCHANGE" else amount,
            reason=text(body, "reason"),
            created_at=now,
            updated_at=now,
        )
        self.state.after_sale_requests[request] = case.after_sale_id
        self.moves.kit.effect(NAME, "after_sale_opened", request)
        self.moves.after_sale_event(case)
        return ok(after_sale_order_id=case.after_sale_id)

    def _case(self, body: Body, *statuses: str) -> AfterSale:
        case = self.state.after_sales.get(number_of(body, "after_sale_order_id"))
        if case is None:
            raise Refusal(10021050, "aftersale order not found")
        if case.status not in statuses:
            raise Refusal(10021041, "operation not supported in this status")
        return case

    def _decided(self, case: AfterSale, status: str) -> None:
        self.moves.kit.effect(NAME, "after_sale_decided", case.after_sale_id)
        self.moves.after_sale_event(replace(case, status=status, updated_at=self.moves.now()))

    def _exchange(self, body: Body) -> AfterSale:
        case = self._case(body, "MERCHANT_WAIT_RECEIPT")
        if case.type != "EXCHANGE":
            raise Refusal(10021041, "operation not supported in this status")
        return case

    def _address(self, body: Body) -> None:
        given = body.get("address_id")
        if not given:
            raise Refusal(10021058, "address_id missing")
        if str(given) not in ADDRESSES:
            raise Refusal(10021062, "address_id invalid")

    def _reason(self, body: Body) -> None:
        if integer(body, "reject_reason_type", 1, 10**6) not in REASONS:
            raise arguments("reject_reason_type: unknown value")

    def _keep(self, case: AfterSale, **extra: Any) -> None:
        self.state.after_sale_extras.setdefault(case.after_sale_id, {}).update(extra)
