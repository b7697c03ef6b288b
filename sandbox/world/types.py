"""Shapes of the world. Money is integer fen; instants are aware. All of it is invented."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Store:
    """A shop. ``department`` is its WeCom department, ``franchise_mchid`` set where it collects by itself."""

    code: str
    name: str
    city: str
    province: str
    department: int
    pos_code: str
    opens: str = "10:00"
    closes: str = "22:00"
    franchise_mchid: str = ""


@dataclass(frozen=True, slots=True)
class Guide:
    """A sales assistant. ``left_at`` is set for those who resigned."""

    userid: str
    name: str
    store: str
    position: str
    mobile: str
    left_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """A shopper, and what each platform calls them.

    ``openids`` is keyed by appid (official accounts, mini-programs and the store each have their own).
    """

    key: str
    name: str
    phone: str
    unionid: str
    openids: Mapping[str, str]
    external_userid: str = ""


@dataclass(frozen=True, slots=True)
class OfficialAccount:
    """公众号. ``encrypted`` tells whether its callbacks are AES (安全模式) or plain (明文模式)."""

    alias: str
    appid: str
    secret: str
    gh_id: str
    name: str
    callback_token: str
    aes_key: str
    encrypted: bool


@dataclass(frozen=True, slots=True)
class OaTag:
    """A tag of an official account."""

    appid: str
    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Follower:
    """A follower, present or past, of an official account."""

    appid: str
    openid: str
    subscribed: bool
    subscribed_at: datetime
    scene: str = "ADD_SCENE_SEARCH"
    qr_scene_str: str = ""
    remark: str = ""
    tags: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class MiniProgram:
    """小程序."""

    alias: str
    appid: str
    secret: str
    gh_id: str
    name: str
    callback_token: str
    aes_key: str


@dataclass(frozen=True, slots=True)
class WechatStore:
    """微信小店: its own appid, token and openids."""

    alias: str
    appid: str
    secret: str
    gh_id: str
    name: str
    callback_token: str
    aes_key: str


@dataclass(frozen=True, slots=True)
class Sku:
    """One sellable variant. ``code`` is the brand's own; ``store_sku_id`` is 微信小店's."""

    code: str
    spu: str
    store_sku_id: str
    attributes: Mapping[str, str]
    price: int
    stock: int
    gtin: str = ""


@dataclass(frozen=True, slots=True)
class Product:
    """A product with its variants. ``store_product_id`` is 微信小店's."""

    spu: str
    store_product_id: str
    title: str
    category: str
    image: str
    skus: Sequence[Sku]
    ip_property: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """An order line: list price and paid share per line, fen."""

    sku: str
    quantity: int
    list_amount: int
    paid_amount: int


@dataclass(frozen=True, slots=True)
class StoreOrder:
    """A 微信小店 order. ``status`` is the platform's own number (10 unpaid … 100 done, 250 cancelled)."""

    order_id: str
    person: str
    status: int
    lines: Sequence[Line]
    freight: int
    discount: int
    created_at: datetime
    updated_at: datetime
    paid_at: datetime | None = None
    shipped_at: datetime | None = None
    finished_at: datetime | None = None
    transaction_id: str = ""
    receiver: str = ""
    waybill: str = ""
    scene: int = 3

    @property
    def payable(self) -> int:
        """What the buyer owes, fen."""
        return sum(line.paid_amount for line in self.lines) + self.freight


@dataclass(frozen=True, slots=True)
class AfterSale:
    """A 微信小店 after-sale. ``type`` REFUND | RETURN | EXCHANGE; ``status`` as the platform names it."""

    after_sale_id: str
    order_id: str
    person: str
    type: str
    status: str
    sku: str
    quantity: int
    refund: int
    reason: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class VipCard:
    """A member card of 微信小店: grade, growth and points."""

    person: str
    grade: int
    grade_name: str
    experience: int
    score: int
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class Merchant:
    """A mchid of 微信支付 and the appids bound to it."""

    alias: str
    mchid: str
    name: str
    apiv3_key: str
    merchant_serial: str
    platform_key_id: str
    appids: Sequence[str]
    legal_entity: str


@dataclass(frozen=True, slots=True)
class Payment:
    """An order in a mchid, made before the gateway existed. ``state`` is the platform's trade_state."""

    mchid: str
    appid: str
    out_trade_no: str
    transaction_id: str
    person: str
    payer_openid: str
    description: str
    attach: str
    total: int
    payer_total: int
    trade_type: str
    state: str
    created_at: datetime
    paid_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund of a Payment. ``status`` is the platform's."""

    mchid: str
    out_trade_no: str
    out_refund_no: str
    refund_id: str
    amount: int
    reason: str
    status: str
    created_at: datetime
    succeeded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CouponStock:
    """A batch of 商家券: fixed amount off from a minimum, fen."""

    mchid: str
    stock_id: str
    name: str
    goods_name: str
    discount: int
    minimum: int
    begins_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class UserCoupon:
    """One 商家券 in a shopper's hands. ``state`` SENDED | USED | EXPIRED | DELETED | DEACTIVATED."""

    stock_id: str
    code: str
    person: str
    appid: str
    state: str
    received_at: datetime
    begins_at: datetime
    expires_at: datetime
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AdGroup:
    """An ad (v3 adgroup) of an advertiser account; ``daily_cost`` fen."""

    account_id: int
    adgroup_id: int
    name: str
    status: str
    daily_cost: int
    campaign: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Lead:
    """销售线索 left on an ad's form."""

    account_id: int
    leads_id: int
    adgroup_id: int
    click_id: str
    person: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Bucket:
    """A COS bucket with its app id suffix."""

    alias: str
    name: str
    region: str
    secret_id: str
    secret_key: str


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object in COS. Keys under ``members/<unionid hash>/`` belong to a shopper."""

    bucket: str
    key: str
    body: bytes
    content_type: str
    modified_at: datetime
    person: str = ""


@dataclass(frozen=True, slots=True)
class Contact:
    """外部联系人 seen by one guide. ``deleted_by`` '' | CUSTOMER | GUIDE."""

    userid: str
    person: str
    remark: str
    remark_mobiles: tuple[str, ...]
    added_at: datetime
    add_way: int
    state: str = ""
    tags: tuple[str, ...] = ()
    deleted_by: str = ""


@dataclass(frozen=True, slots=True)
class CustomerGroup:
    """客户群."""

    chat_id: str
    name: str
    owner: str
    notice: str
    created_at: datetime
    members: Sequence[str]


@dataclass(frozen=True, slots=True)
class Corp:
    """企业微信 of the brand. ``tag_groups``: group name → {tag id: tag name}."""

    alias: str
    corpid: str
    agentid: int
    app_secret: str
    contact_secret: str
    sync_secret: str
    callback_token: str
    aes_key: str
    tag_groups: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class IpProperty:
    """A licensed work (泛娱乐IP)."""

    slug: str
    title: str
    title_en: str
    kind: str
    rights_holder: str


@dataclass(frozen=True, slots=True)
class IpLicence:
    """A licence of the brand: dates half-open."""

    number: str
    property: str
    territories: Sequence[str]
    categories: Sequence[str]
    channels: Sequence[str]
    uses: Sequence[str]
    starts: str
    ends: str
    exclusivity: str


@dataclass(frozen=True, slots=True)
class Card:
    """A collectable card of an activation."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class IpActivation:
    """A property brought to life in stores."""

    code: str
    property: str
    name: str
    stores: Sequence[str]
    starts: str
    ends: str
    status: str
    cards: Sequence[Card]


@dataclass(frozen=True, slots=True)
class IpParticipation:
    """What a shopper collected in an activation: card id → entry reference."""

    activation: str
    person: str
    draws: Mapping[str, str]
    at: datetime


@dataclass(frozen=True, slots=True)
class World:
    """Everything, and the instant it is true for."""

    seed: int
    now: datetime
    brand: str
    open_platform: str
    stores: Sequence[Store]
    guides: Sequence[Guide]
    people: Mapping[str, Person]
    official_accounts: Sequence[OfficialAccount]
    oa_tags: Sequence[OaTag]
    followers: Sequence[Follower]
    mini_programs: Sequence[MiniProgram]
    wechat_store: WechatStore
    products: Sequence[Product]
    store_orders: Sequence[StoreOrder]
    after_sales: Sequence[AfterSale]
    vip_cards: Sequence[VipCard]
    merchants: Sequence[Merchant]
    payments: Sequence[Payment]
    refunds: Sequence[Refund]
    coupon_stocks: Sequence[CouponStock]
    coupons: Sequence[UserCoupon]
    ad_account: int
    ad_client_id: int
    ad_client_secret: str
    ad_access_token: str
    ad_refresh_token: str
    ad_groups: Sequence[AdGroup]
    leads: Sequence[Lead]
    buckets: Sequence[Bucket]
    objects: Sequence[StoredObject]
    corp: Corp
    contacts: Sequence[Contact]
    groups: Sequence[CustomerGroup]
    ip_properties: Sequence[IpProperty]
    ip_licences: Sequence[IpLicence]
    ip_activations: Sequence[IpActivation]
    ip_participations: Sequence[IpParticipation]
    #: A short stable name → key of a person with that story, for tests and demos.
    cast: Mapping[str, str] = field(default_factory=dict)

    def person_by_openid(self, openid: str) -> Person | None:
        """Whoever holds this openid, in whichever app."""
        return next((p for p in self.people.values() if openid in p.openids.values()), None)

    def sku(self, code: str) -> Sku:
        """A variant by the brand's code; raises KeyError."""
        for product in self.products:
            for sku in product.skus:
                if sku.code == code:
                    return sku
        raise KeyError(code)
