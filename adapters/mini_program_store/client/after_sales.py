"""After-sales. Most decisions move money or goods, and what a second one does depends on the state: once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from adapters.base.endpoint import Endpoint, idempotent, once, read
from adapters.mini_program_store.models import after_sales as models
from adapters.wechat.api import TokenApi
from adapters.wechat.envelope import Envelope

GETAFTERSALELIST: Final = read("getaftersalelist", family="aftersale")
GETAFTERSALEORDER: Final = read("getaftersaleorder", family="aftersale")
ACCEPTAPPLY: Final = once("acceptapply", family="aftersale")
REJECTAPPLY: Final = once("rejectapply", family="aftersale")
REJECTREASON_GET: Final = read("rejectreason_get", family="aftersale")
UPLOADREFUNDCERTIFICATE: Final = once("uploadrefundcertificate", family="aftersale")
MERCHANTUPDATEAFTERSALE: Final = once("merchantupdateaftersale", family="aftersale")
ACCEPTEXCHANGERESHIP: Final = once("acceptexchangereship", family="aftersale")
REJECTEXCHANGERESHIP: Final = once("rejectexchangereship", family="aftersale")
GENAFTERSALEORDER: Final = idempotent("genaftersaleorder", "request_id", family="aftersale")

_AFTER_SALE: Final = "/channels/ec/aftersale"


class AfterSalesClient:
    """The calls of one store about what comes back."""

    def __init__(self, api: TokenApi) -> None:
        self._api = api

    async def getaftersalelist(self, begin: int, end: int, next_key: str) -> models.AfterSaleList:
        """POST /channels/ec/aftersale/getaftersalelist by update time; the fields are flat here."""
        body = {"begin_update_time": begin, "end_update_time": end, "next_key": next_key}
        return await self._api.post(GETAFTERSALELIST, f"{_AFTER_SALE}/getaftersalelist", models.AfterSaleList, body)

    async def getaftersaleorder(self, after_sale_order_id: str) -> models.AfterSaleGet:
        """POST /channels/ec/aftersale/getaftersaleorder."""
        body = {"after_sale_order_id": after_sale_order_id}
        return await self._api.post(GETAFTERSALEORDER, f"{_AFTER_SALE}/getaftersaleorder", models.AfterSaleGet, body)

    async def acceptapply(self, after_sale_order_id: str, address_id: str, accept_type: int) -> None:
        """POST /channels/ec/aftersale/acceptapply; ``accept_type`` 1 goods may come back, 2 pay the money back."""
        body: dict[str, object] = {"accept_type": accept_type}
        if address_id:
            body["address_id"] = address_id
        await self._decide(ACCEPTAPPLY, "acceptapply", after_sale_order_id, body)

    async def rejectapply(self, after_sale_order_id: str, reason_type: int, reason: str) -> None:
        """POST /channels/ec/aftersale/rejectapply."""
        body = {"reject_reason_type": reason_type, "reject_reason": reason}
        await self._decide(REJECTAPPLY, "rejectapply", after_sale_order_id, body)

    async def rejectreason_get(self) -> models.RejectReasons:
        """POST /channels/ec/aftersale/rejectreason/get."""
        return await self._api.post(REJECTREASON_GET, f"{_AFTER_SALE}/rejectreason/get", models.RejectReasons, {})

    async def uploadrefundcertificate(self, after_sale_order_id: str, media_ids: Sequence[str], desc: str) -> None:
        """POST /channels/ec/aftersale/uploadrefundcertificate."""
        body = {"refund_certificates": list(media_ids), "desc": desc}
        await self._decide(UPLOADREFUNDCERTIFICATE, "uploadrefundcertificate", after_sale_order_id, body)

    async def merchantupdateaftersale(self, update: models.AfterSaleUpdate) -> None:
        """POST /channels/ec/aftersale/merchantupdateaftersale."""
        await self._api.post(MERCHANTUPDATEAFTERSALE, f"{_AFTER_SALE}/merchantupdateaftersale", Envelope, update)

    async def acceptexchangereship(self, after_sale_order_id: str, delivery_id: str, waybill_id: str) -> None:
        """POST /channels/ec/aftersale/acceptexchangereship."""
        body = {"delivery_id": delivery_id, "waybill_id": waybill_id}
        await self._decide(ACCEPTEXCHANGERESHIP, "acceptexchangereship", after_sale_order_id, body)

    async def rejectexchangereship(self, after_sale_order_id: str, reason_type: int, reason: str) -> None:
        """POST /channels/ec/aftersale/rejectexchangereship."""
        body = {"reject_reason_type": reason_type, "reject_reason": reason}
        await self._decide(REJECTEXCHANGERESHIP, "rejectexchangereship", after_sale_order_id, body)

    async def genaftersaleorder(self, request: models.AfterSaleRequest) -> models.AfterSaleMade:
        """POST /channels/ec/aftersale/genaftersaleorder."""
        return await self._api.post(
            GENAFTERSALEORDER, f"{_AFTER_SALE}/genaftersaleorder", models.AfterSaleMade, request
        )

    async def _decide(
        self, endpoint: Endpoint, name: str, after_sale_order_id: str, body: Mapping[str, object]
    ) -> None:
        whole = {"after_sale_order_id": after_sale_order_id, **body}
        await self._api.post(endpoint, f"{_AFTER_SALE}/{name}", Envelope, whole)
