"""Products (商品) and stock (库存) of a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from adapters.base.errors import Invalid, NotFound, Rejected
from adapters.base.page import Page
from adapters.base.runtime import Runtime
from adapters.mini_program_store.account import Account
from adapters.mini_program_store.client import ProductsClient
from adapters.mini_program_store.config import MiniProgramStoreConfig
from adapters.mini_program_store.models import products as models
from adapters.mini_program_store.reading import each, instant, moment, turned
from adapters.mini_program_store.records.products import (
    DraftState,
    Product,
    ProductContent,
    ProductDraft,
    ProductStatus,
    Sku,
    SkuChange,
    SkuDraft,
    SkuStock,
    StockMovement,
)

#: The platform's limit.
PRODUCTS_PER_PAGE: Final = 30
#: Our choices: the vendor states no limits.
STOCKS_PER_CALL: Final = 20
MOVEMENTS_PER_PAGE: Final = 50

_STATUSES: Final = {
    0: ProductStatus.NEVER_LISTED,
    5: ProductStatus.ON_SALE,
    6: ProductStatus.RECYCLED,
    9: ProductStatus.DELETED,
    11: ProductStatus.DELISTED,
    13: ProductStatus.DELISTED_BY_PLATFORM,
    14: ProductStatus.DELISTED_BY_PLATFORM,
    15: ProductStatus.DELISTED_BY_PLATFORM,
    20: ProductStatus.BANNED,
}
_DRAFTS: Final = {
    0: DraftState.EDITING,
    1: DraftState.EDITING,
    2: DraftState.IN_AUDIT,
    3: DraftState.REJECTED,
    4: DraftState.PASSED,
    5: DraftState.UPLOADING,
    7: DraftState.UPLOADING,
}
_ON_SALE: Final = 5
_NO_BRAND: Final = "2100000000"
_ADD, _TAKE = 1, 2
_SPOT: Final = 0


class Products(Account):
    """See ``MiniProgramStoreAdapter``."""

    def __init__(self, config: MiniProgramStoreConfig, runtime: Runtime) -> None:
        super().__init__(config, runtime)
        self._products = ProductsClient(self._api)
        self._categories: dict[str, str] = {}

    async def product_ids(self, cursor: str | None = None, status: ProductStatus | None = None) -> Page[str]:
        """All products that were ever on sale and are not in the recycle bin, or those of one status; thirty a page."""
        self._must_be("store")
        seen, key = self._numbered(cursor)
        wire = await self._products.product_list_get(
            PRODUCTS_PER_PAGE, key, None if status is None else self._status(status)
        )
        ids = [str(number) for number in wire.product_ids]
        seen += len(ids)
        # Nothing in the answer says "no more": a short page or the full count is the end.
        more = len(ids) == PRODUCTS_PER_PAGE and seen < wire.total_num and wire.next_key
        return Page(ids, f"{seen}:{wire.next_key}" if more else None)

    async def products(self, ids: Sequence[str]) -> Sequence[Product | NotFound]:
        """One call per product: the platform has no batch read. Category names are learnt on the way."""
        self._must_be("store")
        answers = await each(self._products.product_get, ids)
        found = [answer.product for answer in answers if isinstance(answer, models.ProductGet)]
        await self._learn_categories({_leaf(wire) for wire in found if wire is not None})
        return [
            self._product(answer.product)
            if isinstance(answer, models.ProductGet) and answer.product is not None
            else self._missing(answer, "product", number)
            for number, answer in zip(ids, answers, strict=True)
        ]

    async def product_draft(self, product_id: str) -> ProductDraft | None:
        """The draft that waits to be audited or listed, None where there is none; NotFound for no product."""
        self._must_be("store")
        wire = (await self._products.product_get(product_id, 2)).edit_product
        if wire is None:
            return None
        state = _DRAFTS.get(wire.edit_status, DraftState.OTHER)
        skus, spu = tuple(_sku(s) for s in wire.skus), wire.out_product_id or wire.spu_code
        return ProductDraft(self.account, str(wire.product_id), wire.title, state, skus, spu)

    async def product_add(self, content: ProductContent, *, list_it: bool = False) -> str:
        """Write a new product and answer its number; with ``list_it`` it goes to audit at once, else it is a draft.

        Once: after OutcomeUnknown look for its ``spu`` before adding it again.
        """
        self._must_be("store")
        return str((await self._products.product_add({**_content(content), "listing": list_it})).data.product_id)

    async def product_update(self, product_id: str, content: ProductContent, *, list_it: bool = False) -> None:
        """Replace a product's draft. Shoppers see it after the audit, of which a push tells.

        Variants with a ``sku_id`` stay, those without are new ones, and what is left out is presumably removed.
        Conflict ``product_in_audit`` while the last draft is being audited.
        """
        self._must_be("store")
        body = {"product_id": product_id, **_content(content), "listing": list_it}
        await self._products.product_update(body)

    async def product_change(self, product_id: str, changes: Sequence[SkuChange]) -> None:
        """Change prices and stock of a product on sale, at once and without an audit (免审更新)."""
        self._must_be("store")
        skus = []
        for change in changes:
            wanted = {"sale_price": change.price, "stock_num": change.stock}
            skus.append({"sku_id": change.sku_id, **{k: v for k, v in wanted.items() if v is not None}})
        await self._products.product_auditfree(product_id, skus)

    async def product_list(self, product_id: str) -> None:
        """Put a product on sale (上架). One that was never audited goes to audit first, and then by itself."""
        self._must_be("store")
        await self._products.product_listing(product_id)

    async def product_delist(self, product_id: str) -> None:
        """Take a product off (下架)."""
        self._must_be("store")
        await self._products.product_delisting(product_id)

    async def product_audit_cancel(self, product_id: str) -> None:
        """Take a draft back from the audit, so that it can be changed."""
        self._must_be("store")
        await self._products.product_audit_cancel(product_id)

    async def product_delete(self, product_id: str) -> None:
        """Delete a product."""
        self._must_be("store")
        await self._products.product_delete(product_id)

    async def stock(self, product_id: str, sku_id: str) -> int:
        """Pieces that shoppers can buy now, all of the platform's pools together; NotFound for neither."""
        self._must_be("store")
        return _total((await self._products.product_stock_get(product_id, sku_id)).data)

    async def stocks(self, product_ids: Sequence[str]) -> Sequence[SkuStock]:
        """Stock of all variants of many products, twenty products a call. Products that are not there are left out."""
        self._must_be("store")
        found: list[SkuStock] = []
        wanted = list(dict.fromkeys(product_ids))
        for start in range(0, len(wanted), STOCKS_PER_CALL):
            some = wanted[start : start + STOCKS_PER_CALL]
            for spu in (await self._products.product_stock_batchget(some)).data.spu_stock_list:
                found += [
                    SkuStock(str(spu.product_id), str(sku.sku_id), _total(sku), sku.limited_discount_stock_num)
                    for sku in spu.sku_stock
                ]
        return found

    async def stock_change(self, product_id: str, sku_id: str, delta: int) -> None:
        """Add pieces to a variant, or take them away, at once.

        Neither key nor question: after OutcomeUnknown look at ``stock_movements``. Rejected ``stock_short``,
        Conflict ``product_in_audit`` or ``never_listed``, RateLimited ``stock_too_often`` per variant.
        """
        self._must_be("store")
        if delta == 0:
            raise self._invalid("stock_delta", "A change of stock by nothing is refused; leave it out.")
        await self._products.product_stock_update(product_id, sku_id, _ADD if delta > 0 else _TAKE, abs(delta))

    async def stock_movements(
        self, product_id: str, sku_id: str, begin: datetime, end: datetime, cursor: str | None = None
    ) -> Page[StockMovement]:
        """What moved the ordinary stock of a variant within a window (库存流水)."""
        self._must_be("store")
        first, last = self._window(begin, end, timedelta(days=365))
        question: dict[str, object] = {
            "product_id": product_id,
            "sku_id": sku_id,
            "stock_type": _SPOT,
            "begin_time": first,
            "end_time": last,
            "page_size": MOVEMENTS_PER_PAGE,
        }
        if cursor:
            question["next_key"] = cursor
        wire = (await self._products.product_stock_getflow(question)).data
        # There is no has_more: a short page is the last.
        more = len(wire.stock_flow_info_list) == MOVEMENTS_PER_PAGE
        return Page([_movement(sku_id, row) for row in wire.stock_flow_info_list], (more and wire.next_key) or None)

    def _status(self, status: ProductStatus) -> int:
        number = turned(_STATUSES).get(status)
        if number is None or status is ProductStatus.DELISTED_BY_PLATFORM:
            raise self._invalid("status", f"Products cannot be listed by {status}: it is several numbers, or none.")
        return number

    async def _learn_categories(self, wanted: set[str]) -> None:
        unknown = sorted(wanted - {""} - self._categories.keys())
        for number, name in zip(unknown, await each(self._category_name, unknown), strict=True):
            self._categories[number] = "" if isinstance(name, NotFound) else name

    async def _category_name(self, cat_id: str) -> str:
        """Empty for a category that the platform does not name any more: its products stay readable."""
        try:
            return (await self._products.category_detail(cat_id)).info.name
        except (Invalid, Rejected):
            return ""

    def _product(self, wire: models.Product) -> Product:
        return Product(
            appid=self.account,
            product_id=str(wire.product_id),
            spu=wire.out_product_id or wire.spu_code,
            title=wire.title,
            image=wire.head_imgs[0] if wire.head_imgs else "",
            category=self._categories.get(_leaf(wire), ""),
            on_sale=wire.status == _ON_SALE,
            skus=tuple(_sku(sku) for sku in wire.skus),
            updated_at=instant(wire.edit_time),
        )


def _leaf(wire: models.Product) -> str:
    levels = wire.cats_v2 or wire.cats
    return str(levels[-1].cat_id) if levels else ""


def _sku(wire: models.Sku) -> Sku:
    return Sku(
        sku_id=str(wire.sku_id),
        code=wire.out_sku_id or wire.sku_code,
        attributes=tuple((pair.attr_key, pair.attr_value) for pair in wire.sku_attrs),
        price=wire.sale_price,
        stock=wire.stock_num,
    )


def _total(wire: models.Stock) -> int:
    return wire.normal_stock_num if wire.total_stock_num is None else wire.total_stock_num


def _movement(sku_id: str, wire: models.StockFlow) -> StockMovement:
    order_id = str(wire.ext_info.order_id or "")
    return StockMovement(
        sku_id=sku_id,
        delta=wire.ending_amount - wire.beginning_amount,
        before=wire.beginning_amount,
        after=wire.ending_amount,
        kind=wire.op_type,
        at=moment(wire.update_time),
        order_id=order_id or None,
    )


def _pairs(attributes: Sequence[tuple[str, str]]) -> list[Mapping[str, str]]:
    return [{"attr_key": key, "attr_value": value} for key, value in attributes]


def _content(content: ProductContent) -> dict[str, object]:
    levels = [{"cat_id": number} for number in content.categories]
    body: dict[str, object] = {
        "out_product_id": content.spu,
        "spu_code": content.spu,
        "title": content.title,
        "head_imgs": list(content.images),
        "desc_info": {"imgs": list(content.detail_images), "desc": content.details},
        "cats_v2": levels,
        "attrs": _pairs(content.attributes),
        "brand_id": _NO_BRAND,
        "deliver_method": 0,
        "express_info": {"template_id": content.freight_template, "weight": content.weight_grams},
        "extra_service": {"seven_day_return": int(content.seven_day_return), "freight_insurance": 0},
        "skus": [_sku_body(sku) for sku in content.skus],
    }
    if content.return_address:
        body["after_sale_info"] = {"after_sale_address_id": content.return_address}
    return body


def _sku_body(sku: SkuDraft) -> dict[str, object]:
    body: dict[str, object] = {
        "out_sku_id": sku.code,
        "sku_code": sku.code,
        "thumb_img": sku.image,
        "sale_price": sku.price,
        "stock_num": sku.stock,
        "sku_attrs": _pairs(sku.attributes),
        "sku_deliver_info": {"stock_type": 0},
    }
    if sku.market_price is not None:
        body["market_price"] = sku.market_price
    return body if sku.sku_id is None else {"sku_id": sku.sku_id, **body}
