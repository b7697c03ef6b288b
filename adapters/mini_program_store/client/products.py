"""Products and their stock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from adapters.base.endpoint import idempotent, once, read
from adapters.mini_program_store.models import products as models
from adapters.wechat.api import TokenApi
from adapters.wechat.envelope import Envelope

CATEGORY_DETAIL: Final = read("category_detail", family="product")
PRODUCT_LIST_GET: Final = read("product_list_get", family="product")
PRODUCT_GET: Final = read("product_get", family="product")
# A variant without a number is a new one each time.
PRODUCT_ADD: Final = once("product_add", family="product")
PRODUCT_UPDATE: Final = once("product_update", family="product")
PRODUCT_AUDITFREE: Final = idempotent("product_auditfree", "product_id", family="product")
PRODUCT_LISTING: Final = idempotent("product_listing", "product_id", family="product")
PRODUCT_DELISTING: Final = idempotent("product_delisting", "product_id", family="product")
PRODUCT_AUDIT_CANCEL: Final = once("product_audit_cancel", family="product")
PRODUCT_DELETE: Final = once("product_delete", family="product")
PRODUCT_STOCK_GET: Final = read("product_stock_get", family="product")
PRODUCT_STOCK_BATCHGET: Final = read("product_stock_batchget", family="product")
# It adds or takes away, and carries no key.
PRODUCT_STOCK_UPDATE: Final = once("product_stock_update", family="product")
PRODUCT_STOCK_GETFLOW: Final = read("product_stock_getflow", family="product")

_PRODUCT: Final = "/channels/ec/product"


class ProductsClient:
    """The calls of one store about what it sells."""

    def __init__(self, api: TokenApi) -> None:
        self._api = api

    async def category_detail(self, cat_id: str) -> models.CategoryDetail:
        """POST /channels/ec/category/detail."""
        path = "/channels/ec/category/detail"
        return await self._api.post(CATEGORY_DETAIL, path, models.CategoryDetail, {"cat_id": cat_id})

    async def product_list_get(self, page_size: int, next_key: str, status: int | None = None) -> models.ProductList:
        """POST /channels/ec/product/list/get; without ``status`` it is "all", which 0 is not."""
        body: dict[str, object] = {"page_size": page_size}
        if next_key:
            body["next_key"] = next_key
        if status is not None:
            body["status"] = status
        return await self._api.post(PRODUCT_LIST_GET, f"{_PRODUCT}/list/get", models.ProductList, body)

    async def product_get(self, product_id: str, data_type: int = 1) -> models.ProductGet:
        """POST /channels/ec/product/get; ``data_type`` 1 live, 2 draft, 3 both."""
        body = {"product_id": product_id, "data_type": data_type}
        return await self._api.post(PRODUCT_GET, f"{_PRODUCT}/get", models.ProductGet, body)

    async def product_add(self, product: Mapping[str, object]) -> models.ProductWrite:
        """POST /channels/ec/product/add."""
        return await self._api.post(PRODUCT_ADD, f"{_PRODUCT}/add", models.ProductWrite, product)

    async def product_update(self, product: Mapping[str, object]) -> models.ProductWrite:
        """POST /channels/ec/product/update: into the draft; what shoppers see changes after the audit."""
        return await self._api.post(PRODUCT_UPDATE, f"{_PRODUCT}/update", models.ProductWrite, product)

    async def product_auditfree(self, product_id: str, skus: Sequence[Mapping[str, object]]) -> None:
        """POST /channels/ec/product/auditfree."""
        body = {"product_id": product_id, "skus": list(skus)}
        await self._api.post(PRODUCT_AUDITFREE, f"{_PRODUCT}/auditfree", Envelope, body)

    async def product_listing(self, product_id: str) -> None:
        """POST /channels/ec/product/listing."""
        await self._api.post(PRODUCT_LISTING, f"{_PRODUCT}/listing", Envelope, {"product_id": product_id})

    async def product_delisting(self, product_id: str) -> None:
        """POST /channels/ec/product/delisting."""
        await self._api.post(PRODUCT_DELISTING, f"{_PRODUCT}/delisting", Envelope, {"product_id": product_id})

    async def product_audit_cancel(self, product_id: str) -> None:
        """POST /channels/ec/product/audit/cancel."""
        await self._api.post(PRODUCT_AUDIT_CANCEL, f"{_PRODUCT}/audit/cancel", Envelope, {"product_id": product_id})

    async def product_delete(self, product_id: str) -> None:
        """POST /channels/ec/product/delete."""
        await self._api.post(PRODUCT_DELETE, f"{_PRODUCT}/delete", Envelope, {"product_id": product_id})

    async def product_stock_get(self, product_id: str, sku_id: str) -> models.StockGet:
        """POST /channels/ec/product/stock/get."""
        body = {"product_id": product_id, "sku_id": sku_id}
        return await self._api.post(PRODUCT_STOCK_GET, f"{_PRODUCT}/stock/get", models.StockGet, body)

    async def product_stock_batchget(self, product_ids: Sequence[str]) -> models.StockBatchGet:
        """POST /channels/ec/product/stock/batchget: an array under a name in the singular."""
        body = {"product_id": list(product_ids)}
        return await self._api.post(PRODUCT_STOCK_BATCHGET, f"{_PRODUCT}/stock/batchget", models.StockBatchGet, body)

    async def product_stock_update(self, product_id: str, sku_id: str, diff_type: int, num: int) -> None:
        """POST /channels/ec/product/stock/update: one variant; ``diff_type`` 1 adds, 2 takes away, 3 sets."""
        body = {"product_id": product_id, "sku_id": sku_id, "diff_type": diff_type, "num": num}
        await self._api.post(PRODUCT_STOCK_UPDATE, f"{_PRODUCT}/stock/update", Envelope, body)

    async def product_stock_getflow(self, question: Mapping[str, object]) -> models.StockFlowGet:
        """POST /channels/ec/product/stock/getflow."""
        return await self._api.post(PRODUCT_STOCK_GETFLOW, f"{_PRODUCT}/stock/getflow", models.StockFlowGet, question)
