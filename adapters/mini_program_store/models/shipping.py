"""Shipping information (发货信息管理) of payments made in a mini-program."""

from __future__ import annotations

import msgspec

from adapters.mini_program_store.models.numbers import Number


class OrderKey(msgspec.Struct, omit_defaults=True):
    """``order_number_type`` 1: mchid and out_trade_no; 2: transaction_id."""

    order_number_type: int
    transaction_id: str = ""
    mchid: str = ""
    out_trade_no: str = ""


class Contact(msgspec.Struct, omit_defaults=True):
    """Masked numbers, the last four digits visible; 顺丰 wants one of the two."""

    consignor_contact: str = ""
    receiver_contact: str = ""


class Shipped(msgspec.Struct, omit_defaults=True):
    """One of ``shipping_list``."""

    item_desc: str
    tracking_no: str = ""
    express_company: str = ""
    contact: Contact | None = None


class SubOrder(msgspec.Struct):
    """One of the payments inside a combined one."""

    order_key: OrderKey
    logistics_type: int
    delivery_mode: int
    is_all_delivered: bool
    shipping_list: tuple[Shipped, ...]


class Payer(msgspec.Struct):
    """``openid`` in this mini-program."""

    openid: str


class UploadShippingInfo(msgspec.Struct):
    """POST /wxa/sec/order/upload_shipping_info."""

    order_key: OrderKey
    logistics_type: int
    delivery_mode: int
    is_all_delivered: bool
    shipping_list: tuple[Shipped, ...]
    upload_time: str
    payer: Payer


class UploadCombinedShippingInfo(msgspec.Struct):
    """POST /wxa/sec/order/upload_combined_shipping_info."""

    order_key: OrderKey
    sub_orders: tuple[SubOrder, ...]
    upload_time: str
    payer: Payer


class ShippedParcel(msgspec.Struct):
    """One of ``shipping.shipping_list`` of an answer."""

    tracking_no: str = ""
    express_company: str = ""
    goods_desc: str = ""
    upload_time: Number = 0


class Shipping(msgspec.Struct):
    """Empty until something was uploaded."""

    delivery_mode: int = 0
    logistics_type: int = 0
    finish_shipping: bool = False
    finish_shipping_count: int = 0
    goods_desc: str = ""
    shipping_list: tuple[ShippedParcel, ...] = ()


class PaidOrder(msgspec.Struct):
    """``order_state`` 1 to ship, 2 shipped, 3 received, 4 completed, 5 refunded; 6 has been seen."""

    transaction_id: str
    order_state: int
    merchant_trade_no: str = ""
    merchant_id: str = ""
    description: str = ""
    paid_amount: int = 0
    openid: str = ""
    trade_create_time: Number = 0
    pay_time: Number = 0
    in_complaint: bool = False
    shipping: Shipping = msgspec.field(default_factory=Shipping)


class PaidOrderGet(msgspec.Struct):
    """POST /wxa/sec/order/get_order."""

    order: PaidOrder | None = None


class PaidOrderList(msgspec.Struct):
    """POST /wxa/sec/order/get_order_list."""

    order_list: tuple[PaidOrder, ...] = ()
    last_index: str = ""
    has_more: bool = False


class TradeManaged(msgspec.Struct):
    """POST /wxa/sec/order/is_trade_managed."""

    is_trade_managed: bool


class TradeConfirmed(msgspec.Struct):
    """POST /wxa/sec/order/is_trade_management_confirmation_completed."""

    completed: bool


class DeliveryCompany(msgspec.Struct):
    """``delivery_id`` is the code that uploads take."""

    delivery_id: str
    delivery_name: str = ""


class DeliveryList(msgspec.Struct):
    """POST /cgi-bin/express/delivery/open_msg/get_delivery_list."""

    delivery_list: tuple[DeliveryCompany, ...] = ()


class CompanyList(msgspec.Struct):
    """POST /channels/ec/order/deliverycompanylist/new/get, the store's own list."""

    company_list: tuple[DeliveryCompany, ...] = ()
