"""The platforms' answers, as far as the benchmark's graph shows them: names and values as on the wire.

Each struct is declared once; msgspec reads it from JSON, and ``schema.py`` makes a GraphQL type of it.
"""

from __future__ import annotations

import builtins

import msgspec


class Struct(msgspec.Struct):
    """A part of an answer."""


class Follower(Struct):
    """公众号 user/info."""

    subscribe: int
    openid: str
    language: str
    subscribe_time: int
    tagid_list: list[int]
    subscribe_scene: str
    qr_scene_str: str
    unionid: str


class FollowerAnswer(Struct):
    """公众号 user/info/batchget."""

    user_info_list: list[Follower]


class FixedNormalCoupon(Struct):
    """满减: so much off from so much on."""

    discount_amount: int
    transaction_minimum: int


class CouponUseRule(Struct):
    """核销规则."""

    fixed_normal_coupon: FixedNormalCoupon
    use_method: str


class Coupon(Struct):
    """商家券 in a shopper's hands."""

    stock_name: str
    goods_name: str
    stock_type: str
    transferable: bool
    coupon_state: str
    coupon_use_rule: CouponUseRule
    coupon_code: str
    stock_id: str
    available_start_time: str
    expire_time: str
    receive_time: str


class CouponAnswer(Struct):
    """微信支付 busifavor/users/{openid}/coupons."""

    total_count: int
    data: list[Coupon]


class SkuAttr(Struct):
    """规格."""

    attr_key: str
    attr_value: str


class ProductInfo(Struct):
    """A line of a store order."""

    product_id: str
    sku_id: str
    sku_code: str
    sku_cnt: int
    title: str
    thumb_img: str
    sku_attrs: list[SkuAttr]
    sale_price: int
    market_price: int
    real_price: int
    is_discounted: bool


class PayInfo(Struct):
    """支付信息."""

    pay_time: int
    transaction_id: str
    payment_method: int


class PriceInfo(Struct):
    """价格信息."""

    product_price: int
    order_price: int
    freight: int
    discounted_price: int


class AddressInfo(Struct):
    """收货地址, masked by the platform."""

    user_name: str
    tel_number: str
    province_name: str
    city_name: str


class DeliveryProductInfo(Struct):
    """A parcel."""

    waybill_id: str
    delivery_name: str
    delivery_time: int


class DeliveryInfo(Struct):
    """配送信息."""

    address_info: AddressInfo
    delivery_product_info: list[DeliveryProductInfo]


class OrderDetail(Struct):
    """订单详情."""

    product_infos: list[ProductInfo]
    pay_info: PayInfo
    price_info: PriceInfo
    delivery_info: DeliveryInfo


class AftersaleOrder(Struct):
    """A reference to an after-sale."""

    aftersale_order_id: str


class AftersaleDetail(Struct):
    """售后信息."""

    aftersale_order_list: list[AftersaleOrder]


class Order(Struct):
    """微信小店订单."""

    order_id: str
    status: int
    create_time: int
    update_time: int
    openid: str
    is_present: bool
    order_detail: OrderDetail
    aftersale_detail: AftersaleDetail


class OrderAnswer(Struct):
    """微信小店 order/get."""

    order: Order


class Report(Struct):
    """One ad on one day."""

    date: str
    view_count: int
    valid_click_count: int
    cost: int
    conversions_count: int


class ReportPage(Struct):
    """A page of reports."""

    list: builtins.list[Report]


class ReportAnswer(Struct):
    """腾讯广告 daily_reports/get."""

    data: ReportPage


class StoredObject(Struct):
    """An object in a bucket."""

    Key: str
    LastModified: str
    ETag: str
    Size: int
    StorageClass: str


class Listing(Struct):
    """对象存储 GET Bucket."""

    Name: str
    Contents: list[StoredObject]


class Party(Struct):
    """授权方 or 被授权方."""

    id: str
    role: str
    legal_name: str


class PropertyName(Struct):
    """A name in two languages."""

    zh: str
    en: str


class Property(Struct):
    """泛娱乐IP."""

    slug: str
    name: PropertyName
    kind: str
    status: str


class Term(Struct):
    """期限."""

    start: str
    end: str


class Grant(Struct):
    """What a licence allows."""

    id: str
    ip: str
    territories: list[str]
    categories: list[str]
    channels: list[str]
    exclusivity: str
    units_used: int


class Agreement(Struct):
    """授权合同."""

    number: str
    status: str
    term: Term
    grants: list[Grant]


class Activation(Struct):
    """IP活动."""

    code: str
    name: str
    stores: list[str]
    status: str


class Catalogue(Struct):
    """The rights service's catalogue."""

    version: int
    published_at: str
    parties: list[Party]
    properties: list[Property]
    agreements: list[Agreement]
    activations: list[Activation]


class ExternalContact(Struct):
    """外部联系人."""

    external_userid: str
    name: str
    avatar: str
    unionid: str


class FollowTag(Struct):
    """企业标签."""

    group_name: str
    tag_name: str
    tag_id: str


class FollowUser(Struct):
    """A guide who added the shopper."""

    userid: str
    remark: str
    createtime: int
    add_way: int
    state: str
    tags: list[FollowTag]


class ContactAnswer(Struct):
    """企业微信 externalcontact/get."""

    external_contact: ExternalContact
    follow_user: list[FollowUser]
