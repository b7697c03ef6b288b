"""Products and their stock."""

from __future__ import annotations

import msgspec

from adapters.mini_program_store.models.numbers import Id, Number


class ProductList(msgspec.Struct):
    """POST /channels/ec/product/list/get: ids only, and nothing says whether more follow."""

    product_ids: tuple[Id, ...] = ()
    next_key: str = ""
    total_num: int = 0


class SkuAttr(msgspec.Struct):
    """One pair of ``sku_attrs``."""

    attr_key: str = ""
    attr_value: str = ""


class Sku(msgspec.Struct):
    """A variant in a product; prices in fen."""

    sku_id: Id
    out_sku_id: str = ""
    sku_code: str = ""
    sale_price: int = 0
    stock_num: int = 0
    sku_attrs: tuple[SkuAttr, ...] = ()


class Category(msgspec.Struct):
    """One level of ``cats_v2``."""

    cat_id: Id


class Product(msgspec.Struct):
    """``product`` of product/get: what shoppers see now."""

    product_id: Id
    title: str = ""
    out_product_id: str = ""
    spu_code: str = ""
    head_imgs: tuple[str, ...] = ()
    cats: tuple[Category, ...] = ()
    cats_v2: tuple[Category, ...] = ()
    status: int = 0
    edit_status: int = 0
    skus: tuple[Sku, ...] = ()
    edit_time: Number = 0


class ProductGet(msgspec.Struct):
    """POST /channels/ec/product/get."""

    product: Product | None = None
    edit_product: Product | None = None


class ProductWritten(msgspec.Struct):
    """``data`` of product/add and product/update; its times are Beijing's wall clock and not read."""

    product_id: Id


class ProductWrite(msgspec.Struct):
    """POST /channels/ec/product/add and update."""

    data: ProductWritten


class CategoryInfo(msgspec.Struct):
    """``info`` of category/detail."""

    name: str = ""


class CategoryDetail(msgspec.Struct):
    """POST /channels/ec/category/detail."""

    info: CategoryInfo


class Stock(msgspec.Struct):
    """``data`` of product/stock/get; the total counts every pool together."""

    normal_stock_num: int = 0
    limited_discount_stock_num: int = 0
    total_stock_num: int | None = None


class SkuStock(Stock, kw_only=True):
    """One variant of stock/batchget."""

    sku_id: Id


class SpuStock(msgspec.Struct):
    """One product of stock/batchget."""

    product_id: Id
    sku_stock: tuple[SkuStock, ...] = ()


class StockBatch(msgspec.Struct):
    """``data`` of stock/batchget."""

    spu_stock_list: tuple[SpuStock, ...] = ()


class StockBatchGet(msgspec.Struct):
    """POST /channels/ec/product/stock/batchget."""

    data: StockBatch


class StockFlowDetail(msgspec.Struct):
    """``ext_info``: what moved the stock."""

    order_id: Id = ""


class StockFlow(msgspec.Struct):
    """One movement; ``op_type`` is the platform's own open set of numbers."""

    amount: int
    beginning_amount: int = 0
    ending_amount: int = 0
    stock_sub_type: int = 0
    op_type: int = 0
    update_time: Number = 0
    ext_info: StockFlowDetail = msgspec.field(default_factory=StockFlowDetail)


class StockFlows(msgspec.Struct):
    """``data`` of stock/getflow."""

    stock_flow_info_list: tuple[StockFlow, ...] = ()
    next_key: str = ""


class StockFlowGet(msgspec.Struct):
    """POST /channels/ec/product/stock/getflow."""

    data: StockFlows


class StockGet(msgspec.Struct):
    """POST /channels/ec/product/stock/get."""

    data: Stock
