"""After-sales (售后) of a store: read, and decided."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from adapters.base.errors import NotFound
from adapters.base.page import Page
from adapters.base.runtime import Runtime
from adapters.mini_program_store.account import Account
from adapters.mini_program_store.client import AfterSalesClient
from adapters.mini_program_store.config import MiniProgramStoreConfig
from adapters.mini_program_store.models import after_sales as models
from adapters.mini_program_store.reading import each, moment, number
from adapters.mini_program_store.records.after_sales import (
    AfterSale,
    AfterSaleAccept,
    AfterSaleKind,
    AfterSaleProposal,
    AfterSaleRequest,
    AfterSaleState,
    RejectReason,
)
from adapters.mini_program_store.webhooks import AFTER_SALE_KINDS, AFTER_SALE_STATES

#: The platform's limit.
AFTER_SALE_WINDOW: Final = timedelta(hours=24)

_ACCEPTS: Final = {AfterSaleAccept.RETURN_GOODS: 1, AfterSaleAccept.REFUND: 2}


class AfterSales(Account):
    """See ``MiniProgramStoreAdapter``."""

    def __init__(self, config: MiniProgramStoreConfig, runtime: Runtime) -> None:
        super().__init__(config, runtime)
        self._after_sales = AfterSalesClient(self._api)

    async def after_sale_ids(self, begin: datetime, end: datetime, cursor: str | None = None) -> Page[str]:
        """After-sales updated in a window of at most ``AFTER_SALE_WINDOW``, both ends included."""
        self._must_be("store")
        first, last = self._window(begin, end, AFTER_SALE_WINDOW)
        wire = await self._after_sales.getaftersalelist(first, last, cursor or "")
        return self._page(wire.after_sale_order_id_list, wire.has_more, wire.next_key)

    async def after_sales(self, ids: Sequence[str]) -> Sequence[AfterSale | NotFound]:
        """One call per after-sale: the platform has no batch read."""
        self._must_be("store")
        answers = await each(self._after_sales.getaftersaleorder, ids)
        return [
            _after_sale(self.account, answer.after_sale_order)
            if isinstance(answer, models.AfterSaleGet) and answer.after_sale_order is not None
            else self._missing(answer, "after-sale", number)
            for number, answer in zip(ids, answers, strict=True)
        ]

    async def after_sale_accept(self, after_sale_id: str, what: AfterSaleAccept, return_address: str = "") -> None:
        """Agree (同意售后): to goods coming back to ``return_address`` (the store's 退货地址), or to the refund.

        A return is agreed to twice: RETURN_GOODS, then REFUND when the goods are there. Naming which protects from
        paying twice as far as the platform refuses the wrong one: Conflict ``after_sale_state``. Once: after
        OutcomeUnknown read it again. RateLimited ``refund_too_often``: one refund a minute per order.
        """
        self._must_be("store")
        await self._after_sales.acceptapply(after_sale_id, return_address, _ACCEPTS[what])

    async def after_sale_reject(self, after_sale_id: str, reason: int, text: str = "") -> None:
        """Refuse (拒绝售后) with the number of one of ``after_sale_reject_reasons``.

        Conflict ``negotiate_first`` where the platform wants a proposal before.
        """
        self._must_be("store")
        await self._after_sales.rejectapply(after_sale_id, reason, text)

    async def after_sale_reject_reasons(self) -> Sequence[RejectReason]:
        """Reasons that the platform takes for a refusal."""
        self._must_be("store")
        return [
            RejectReason(row.reject_reason_type, row.reject_reason_type_text, row.reject_scene)
            for row in (await self._after_sales.rejectreason_get()).reason_list
        ]

    async def after_sale_refund_proof(self, after_sale_id: str, media_ids: Sequence[str], text: str) -> None:
        """Show that money went back outside the platform (上传退款凭证): pictures that were uploaded before."""
        self._must_be("store")
        await self._after_sales.uploadrefundcertificate(after_sale_id, media_ids, text)

    async def after_sale_propose(self, proposal: AfterSaleProposal) -> None:
        """Propose another way out to the buyer (协商), who then has to answer."""
        self._must_be("store")
        await self._after_sales.merchantupdateaftersale(
            models.AfterSaleUpdate(
                after_sale_order_id=proposal.after_sale_id,
                type=proposal.kind,
                amount=proposal.amount,
                update_reason_type=proposal.reason_type,
                merchant_update_type=proposal.proposal_type,
                merchant_update_desc=proposal.text,
                media_ids=proposal.media_ids,
            )
        )

    async def after_sale_exchange_ship(self, after_sale_id: str, carrier: str, tracking_number: str) -> None:
        """Send the other goods of an exchange (换货发货)."""
        self._must_be("store")
        await self._after_sales.acceptexchangereship(after_sale_id, carrier, tracking_number)

    async def after_sale_exchange_refuse(self, after_sale_id: str, reason: int, text: str = "") -> None:
        """Refuse to send the other goods of an exchange, with a reason of scene 6."""
        self._must_be("store")
        await self._after_sales.rejectexchangereship(after_sale_id, reason, text)

    async def after_sale_open(self, request: AfterSaleRequest) -> str:
        """Open an after-sale for a buyer (商家代客发起售后) and answer its number; the same for the same request id."""
        self._must_be("store")
        made = await self._after_sales.genaftersaleorder(
            models.AfterSaleRequest(
                request_id=request.request_id,
                order_id=request.order_id,
                product_id=request.product_id,
                sku_id=request.sku_id,
                count=request.quantity,
                amount=request.amount,
                reason=request.reason,
                type=request.kind,
                address_id=request.return_address,
                desc=request.text,
            )
        )
        return str(made.after_sale_order_id)


def _after_sale(appid: str, wire: models.AfterSale) -> AfterSale:
    return AfterSale(
        appid=appid,
        after_sale_id=str(wire.after_sale_order_id),
        order_id=str(wire.order_id),
        openid=wire.openid,
        kind=AFTER_SALE_KINDS.get(wire.type, AfterSaleKind.OTHER),
        state=AFTER_SALE_STATES.get(wire.status, AfterSaleState.OTHER),
        reason=wire.reason_text or wire.reason,
        sku_id=str(wire.product_info.sku_id),
        quantity=wire.product_info.count,
        refund=wire.refund_info.amount,
        created_at=moment(wire.create_time),
        updated_at=moment(wire.update_time),
        product_id=str(wire.product_info.product_id),
        return_carrier=wire.return_info.delivery_name or wire.return_info.delivery_id,
        return_tracking_number=wire.return_info.waybill_id,
        seconds_left=number(wire.deadline) or None,
        status=wire.status,
    )
