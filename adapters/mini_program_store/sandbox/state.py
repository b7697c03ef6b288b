"""What the two mini-programs and the store hold, copied from the world and changed by calls and people."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from sandbox.world import (
    AfterSale,
    MiniProgram,
    Person,
    Product,
    Sku,
    StoreOrder,
    VipCard,
    WechatStore,
    World,
    names,
)

#: Templates of subscribe messages of every mini-program: name → the fields of its text.
TEMPLATES = {
    "order_ready": ("thing1", "time2"),
    "back_in_stock": ("thing1", "amount2"),
}
#: How long a code from ``wx.login`` or the phone button lives.
CODE_LIFE = timedelta(minutes=5)
LISTED, DELISTED = 5, 11


@dataclass(slots=True)
class App:
    """One appid and what its owner entered in the console under message push."""

    owner: MiniProgram | WechatStore
    product: Literal["mini_program", "store"]
    encrypted: bool
    push_format: Literal["xml", "json"]


@dataclass(slots=True)
class Code:
    """A one-time code in the hands of a mini-program's front end."""

    appid: str
    person: Person
    issued_at: datetime
    used: bool = False


@dataclass(slots=True)
class Trade:
    """A payment in a mini-program. ``state`` 1 to ship, 2 shipped, 3 received, 5 refunded."""

    appid: str
    transaction_id: str
    mchid: str
    out_trade_no: str
    openid: str
    amount: int
    paid_at: datetime
    state: int = 1
    shipping: dict[str, Any] = field(default_factory=dict)
    uploaded_at: datetime | None = None
    reminded: bool = False


@dataclass(slots=True)
class State:
    """Everything that can change."""

    world: World
    apps: dict[str, App] = field(init=False)
    login_codes: dict[str, Code] = field(default_factory=dict)
    phone_codes: dict[str, Code] = field(default_factory=dict)
    #: (appid, openid, template) → accepted questions that no message was sent for yet.
    grants: dict[tuple[str, str, str], int] = field(default_factory=dict)
    session_keys: dict[tuple[str, str], str] = field(default_factory=dict)
    orders: dict[str, StoreOrder] = field(init=False)
    after_sales: dict[str, AfterSale] = field(init=False)
    vip_cards: list[VipCard] = field(init=False)
    products: dict[str, Product] = field(init=False)
    listing: dict[str, int] = field(init=False)
    edited_at: dict[str, datetime] = field(init=False)
    stock: dict[str, int] = field(init=False)
    #: Products as written through the API: what shoppers see, and what waits to be audited; by product id.
    published: dict[str, dict[str, Any]] = field(default_factory=dict)
    drafts: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: 2 in audit, 3 refused, 4 passed; absent is 4 for the world's own and 1 for a new draft.
    edit_status: dict[str, int] = field(default_factory=dict)
    movements: list[dict[str, Any]] = field(default_factory=list)
    #: Of orders, by order id: remarks, parcels in wire shape, addresses, addresses that buyers ask for.
    notes: dict[str, str] = field(default_factory=dict)
    parcels: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    addresses: dict[str, dict[str, Any]] = field(default_factory=dict)
    address_requests: dict[str, dict[str, Any]] = field(default_factory=dict)
    relay_numbers: dict[str, int] = field(default_factory=dict)
    #: Of after-sales, by id: what goes beside the world's own row in the answer.
    after_sale_extras: dict[str, dict[str, Any]] = field(default_factory=dict)
    after_sale_requests: dict[str, str] = field(default_factory=dict)
    refunded_at: dict[str, datetime] = field(default_factory=dict)
    coupons: dict[str, dict[str, Any]] = field(default_factory=dict)
    user_coupons: dict[str, dict[str, Any]] = field(default_factory=dict)
    flows: list[dict[str, Any]] = field(default_factory=list)
    withdrawals: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: Payments in mini-programs, as 发货信息管理 sees them.
    trades: list[Trade] = field(default_factory=list)
    jump_paths: dict[str, str] = field(default_factory=dict)
    #: (appid, number) → a template that was added by a call.
    added_templates: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        world = self.world
        flagship, scan = world.mini_programs
        self.apps = {
            flagship.appid: App(flagship, "mini_program", True, "xml"),
            scan.appid: App(scan, "mini_program", False, "json"),
            world.wechat_store.appid: App(world.wechat_store, "store", True, "json"),
        }
        self.orders = {order.order_id: order for order in world.store_orders}
        self.after_sales = {row.after_sale_id: row for row in world.after_sales}
        self.vip_cards = list(world.vip_cards)
        self.products = {product.store_product_id: product for product in world.products}
        self.listing = dict.fromkeys(self.products, LISTED)
        begun = world.now.replace(microsecond=0) - timedelta(days=100)
        self.edited_at = dict.fromkeys(self.products, begun)
        self.stock = {sku.store_sku_id: sku.stock for product in world.products for sku in product.skus}

    def sku_ids(self, product_id: str) -> list[str]:
        """Variants of a product, live or in draft."""
        made = [self.published.get(product_id), self.drafts.get(product_id)]
        found = [str(sku["sku_id"]) for shape in made if shape for sku in shape["skus"]]
        item = self.products.get(product_id)
        world = [sku.store_sku_id for sku in item.skus] if item and product_id not in self.published else []
        return list(dict.fromkeys([*world, *found]))

    def templates(self, appid: str) -> dict[str, str]:
        """Name → 模板ID of a mini-program."""
        return {name: names.text(self.world.seed, f"subscribe/{appid}/{name}", 43) for name in TEMPLATES}

    @property
    def store_appid(self) -> str:
        """The store's own appid."""
        return self.world.wechat_store.appid

    def person(self, name: str) -> Person:
        """A person by key or by the name of their story; raises ValueError."""
        key = self.world.cast.get(name, name)
        if key not in self.world.people:
            raise ValueError(f"nobody is called {name}: give a person's key or a story of the cast")
        return self.world.people[key]

    def store_openid(self, key: str) -> str:
        """What the store calls a person."""
        return self.world.people[key].openids[self.store_appid]

    def sku(self, code: str) -> tuple[Product, Sku]:
        """A variant and its product by the brand's code; raises KeyError."""
        for product in self.world.products:
            for sku in product.skus:
                if sku.code == code:
                    return product, sku
        raise KeyError(code)

    def new_session_key(self, appid: str, openid: str) -> str:
        """A fresh login replaces the user's session key."""
        key = base64.b64encode(secrets.token_bytes(16)).decode("ascii")
        self.session_keys[(appid, openid)] = key
        return key
