"""Orders."""

from __future__ import annotations

import msgspec

from adapters.mini_program_store.models.numbers import Id, Number


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


class AddressInfo(msgspec.Struct, omit_defaults=True, frozen=True):
    """Name and number are masked by the platform; the clear ones need sensitiveinfo/decode.

    ``hash_code`` is one address's in this shop.
    """

    user_name: str = ""
    tel_number: str = ""
    postal_code: str = ""
    province_name: str = ""
    city_name: str = ""
    county_name: str = ""
    detail_info: str = ""
    house_number: str = ""
    national_code: str = ""
    hash_code: str = ""


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
    #: The address that a buyer asks for while it waits for the merchant. Elsewhere it is a flag, which is read too.
    address_under_review: AddressInfo | int | bool | None = None


class ExtInfo(msgspec.Struct):
    """``order_scene`` 1 to 6; newer values may come."""

    order_scene: int = 0
    customer_notes: str = ""
    merchant_notes: str = ""
    finder_id: str = ""
    live_id: str = ""


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


class OrderSearch(msgspec.Struct):
    """POST /channels/ec/order/search: its list has another name than that of order/list/get."""

    orders: tuple[Id, ...] = ()
    next_key: str = ""
    has_more: bool = False


class SearchCondition(msgspec.Struct, omit_defaults=True):
    """What order/search looks for; all that is given must fit."""

    title: str = ""
    sku_code: str = ""
    user_name: str = ""
    tel_number_last4: str = ""
    order_id: str = ""
    merchant_notes: str = ""
    customer_notes: str = ""
    address_under_review: bool = False


class ChangedPrice(msgspec.Struct):
    """One line of price/update; ``change_price`` is the whole line's total, fen."""

    product_id: str
    sku_id: str
    change_price: int


class DecodedAddress(msgspec.Struct):
    """POST /channels/ec/order/sensitiveinfo/decode."""

    address_info: AddressInfo


class VirtualNumber(msgspec.Struct):
    """POST /channels/ec/order/virtualtelnumber/get."""

    virtual_tel_number: str
    virtual_tel_expire_time: Number = 0
    get_virtual_tel_cnt: int = 0


class DeliveryProduct(msgspec.Struct):
    """What lies in a parcel; every field is demanded, zero is refused."""

    product_id: str
    sku_id: str
    product_cnt: int


class Delivery(msgspec.Struct, omit_defaults=True):
    """One parcel of delivery/send; ``deliver_type`` 1 express, 3 virtual."""

    deliver_type: int
    product_infos: tuple[DeliveryProduct, ...]
    delivery_id: str = ""
    waybill_id: str = ""
