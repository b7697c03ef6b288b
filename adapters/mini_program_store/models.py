"""Answers in the platform's own field names. Unknown fields are ignored; only what we read is named.

Ids are uint64 that come as text or as number, counters sometimes as text: both are accepted everywhere.
"""

from __future__ import annotations

import msgspec

#: product_id, sku_id, order_id, cat_id …: larger than 2^53, never a float.
Id = int | str
#: An integer that some answers quote.
Number = int | str


class JsCode2Session(msgspec.Struct):
    """GET /sns/jscode2session."""

    openid: str
    session_key: str
    unionid: str = ""


class PhoneInfo(msgspec.Struct):
    """``purePhoneNumber`` has no country code in front."""

    purePhoneNumber: str
    countryCode: Number


class GetUserPhoneNumber(msgspec.Struct):
    """POST /wxa/business/getuserphonenumber."""

    phone_info: PhoneInfo


class SubscribeValue(msgspec.Struct):
    """One field of a template's text."""

    value: str


class SubscribeSendRequest(msgspec.Struct, omit_defaults=True):
    """POST /cgi-bin/message/subscribe/send. Without ``miniprogram_state`` a tap opens the published version."""

    touser: str
    template_id: str
    data: dict[str, SubscribeValue]
    page: str = ""


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
    skus: tuple[Sku, ...] = ()
    edit_time: Number = 0


class ProductGet(msgspec.Struct):
    """POST /channels/ec/product/get."""

    product: Product | None = None


class CategoryInfo(msgspec.Struct):
    """``info`` of category/detail."""

    name: str = ""


class CategoryDetail(msgspec.Struct):
    """POST /channels/ec/category/detail."""

    info: CategoryInfo


class Stock(msgspec.Struct):
    """``data`` of product/stock/get; the total counts every pool together."""

    normal_stock_num: int = 0
    total_stock_num: int | None = None


class StockGet(msgspec.Struct):
    """POST /channels/ec/product/stock/get."""

    data: Stock


class OrderList(msgspec.Struct):
    """POST /channels/ec/order/list/get: ids only."""

    order_id_list: tuple[Id, ...] = ()
    next_key: str = ""
    has_more: bool = False


class ProductInfo(msgspec.Struct):
    """A line of an order; ``sale_price`` is of one piece, ``real_price`` of the whole line, both fen."""

    product_id: Id
    sku_id: Id
    sku_cnt: int
    title: str = ""
    sku_code: str = ""
    out_sku_id: str = ""
    sale_price: int = 0
    real_price: int = 0
    on_aftersale_sku_cnt: int = 0
    finish_aftersale_sku_cnt: int = 0


class PayInfo(msgspec.Struct):
    """Empty until the shopper paid."""

    pay_time: Number = 0
    transaction_id: str = ""


class PriceInfo(msgspec.Struct):
    """Fen: ``product_price`` before discounts, ``order_price`` payable."""

    product_price: int = 0
    order_price: int = 0
    freight: int = 0
    discounted_price: int = 0


class AddressInfo(msgspec.Struct):
    """Name and number are masked by the platform; the clear ones need sensitiveinfo/decode."""

    user_name: str = ""
    tel_number: str = ""
    city_name: str = ""


class DeliveryProductInfo(msgspec.Struct):
    """One parcel."""

    waybill_id: str = ""
    delivery_id: str = ""
    delivery_name: str = ""
    delivery_time: Number = 0


class DeliveryInfo(msgspec.Struct):
    """``deliver_method`` 0 normal, 1 virtual, 3 virtual to an account."""

    address_info: AddressInfo | None = None
    delivery_product_info: tuple[DeliveryProductInfo, ...] = ()
    ship_done_time: Number = 0
    deliver_method: int | None = None


class ExtInfo(msgspec.Struct):
    """``order_scene`` 1 to 6; newer values may come."""

    order_scene: int = 0


class OrderDetail(msgspec.Struct):
    """``order_detail``; parts that do not apply are left out."""

    product_infos: tuple[ProductInfo, ...] = ()
    pay_info: PayInfo = msgspec.field(default_factory=PayInfo)
    price_info: PriceInfo = msgspec.field(default_factory=PriceInfo)
    delivery_info: DeliveryInfo = msgspec.field(default_factory=DeliveryInfo)
    ext_info: ExtInfo = msgspec.field(default_factory=ExtInfo)


class Order(msgspec.Struct):
    """``order`` of order/get; of a gift ``openid`` is the receiver."""

    order_id: Id
    status: int
    create_time: Number
    update_time: Number
    openid: str = ""
    unionid: str = ""
    order_detail: OrderDetail = msgspec.field(default_factory=OrderDetail)
    present_giver_openid: str = ""
    present_giver_unionid: str = ""
    #: Present when a shop nearby delivers (同城配送).
    intra_city_order_info: dict[str, object] | None = None


class OrderGet(msgspec.Struct):
    """POST /channels/ec/order/get."""

    order: Order | None = None


class AfterSaleList(msgspec.Struct):
    """POST /channels/ec/aftersale/getaftersalelist: ids only."""

    after_sale_order_id_list: tuple[Id, ...] = ()
    has_more: bool = False
    next_key: str = ""


class AfterSaleProduct(msgspec.Struct):
    """``product_info`` of an after-sale."""

    sku_id: Id = ""
    count: int = 0


class RefundInfo(msgspec.Struct):
    """Fen."""

    amount: int = 0


class AfterSale(msgspec.Struct):
    """``after_sale_order``; ``status`` is an open set of texts."""

    after_sale_order_id: Id
    order_id: Id
    status: str
    type: str
    create_time: Number
    update_time: Number
    reason: str = ""
    reason_text: str = ""
    openid: str = ""
    product_info: AfterSaleProduct = msgspec.field(default_factory=AfterSaleProduct)
    refund_info: RefundInfo = msgspec.field(default_factory=RefundInfo)


class AfterSaleGet(msgspec.Struct):
    """POST /channels/ec/aftersale/getaftersaleorder."""

    after_sale_order: AfterSale | None = None


class VipGrade(msgspec.Struct):
    """``user_grade_info``."""

    grade: int = 0
    experience_value: Number = 0


class VipContact(msgspec.Struct):
    """``user_info``, only when the phone was asked for."""

    phone_number: str = ""


class VipUser(msgspec.Struct):
    """One member of the store."""

    openid: str
    unionid: str = ""
    user_grade_info: VipGrade = msgspec.field(default_factory=VipGrade)
    user_info: VipContact = msgspec.field(default_factory=VipContact)


class VipUserList(msgspec.Struct):
    """POST /channels/ec/vip/user/list/get."""

    list: tuple[VipUser, ...] = ()
    total_num: int = 0


class VipScoreInfo(msgspec.Struct):
    """``info`` of vip/user/score/get."""

    score: Number


class VipScore(msgspec.Struct):
    """POST /channels/ec/vip/user/score/get. One SDK finds the score in ``info``, another page beside it."""

    info: VipScoreInfo | None = None
    score: Number | None = None
