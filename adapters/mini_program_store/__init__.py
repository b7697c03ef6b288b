"""小程序 and 微信小店: mini-programs that log shoppers in, and the store with goods, orders and members."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.base.runtime import Runtime
from adapters.base.spec import ToolSpec
from adapters.mini_program_store.adapter import MiniProgramStoreAdapter
from adapters.mini_program_store.after_sales import AFTER_SALE_WINDOW
from adapters.mini_program_store.config import MiniProgramStoreConfig
from adapters.mini_program_store.coupons import COUPONS_PER_PAGE
from adapters.mini_program_store.errors import FAULTS
from adapters.mini_program_store.events import EVENT_KINDS
from adapters.mini_program_store.limits import LIMITS
from adapters.mini_program_store.orders import ORDER_WINDOW, ORDERS_PER_PAGE, status_of
from adapters.mini_program_store.products import PRODUCTS_PER_PAGE
from adapters.mini_program_store.records.after_sales import (
    AfterSale,
    AfterSaleAccept,
    AfterSaleKind,
    AfterSaleProposal,
    AfterSaleRequest,
    AfterSaleState,
    RejectReason,
)
from adapters.mini_program_store.records.coupons import (
    CouponKind,
    CouponOffer,
    CouponStatus,
    StoreCoupon,
    UserCoupon,
    UserCouponRef,
    UserCouponStatus,
)
from adapters.mini_program_store.records.funds import (
    FundsFlow,
    FundsPage,
    OrderSettlement,
    SettleState,
    StoreBalance,
    Withdrawal,
)
from adapters.mini_program_store.records.hints import AfterSaleChanged, OrderChanged, ProductChanged
from adapters.mini_program_store.records.live import Channel, LiveNotice, LiveNow, LiveSession, StoreDay, StoreLive
from adapters.mini_program_store.records.mini_program import (
    CodePicture,
    Login,
    PhoneNumber,
    SubscribeMessage,
    SubscribeTemplate,
)
from adapters.mini_program_store.records.orders import (
    Address,
    Fulfilment,
    LinePrice,
    Order,
    OrderLine,
    OrderQuery,
    OrderState,
    Parcel,
    ParcelLine,
    RelayNumber,
)
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
from adapters.mini_program_store.records.shipping import (
    Carrier,
    PaidOrder,
    PaidOrderState,
    Payment,
    Shipment,
    ShippedParcel,
    ShippingMethod,
)
from adapters.mini_program_store.records.shop import StoreInfo, VipMember
from adapters.mini_program_store.records.visits import (
    PageVisits,
    Retention,
    Span,
    VisitDistribution,
    VisitorGroups,
    VisitorPortrait,
    VisitTotals,
    VisitTrend,
)
from adapters.mini_program_store.sealed import open_sealed, raw_data_signed
from adapters.mini_program_store.shop import MEMBERS_PER_PAGE


@asynccontextmanager
async def _open(config: MiniProgramStoreConfig, runtime: Runtime) -> AsyncIterator[MiniProgramStoreAdapter]:
    yield MiniProgramStoreAdapter(config, runtime)


TOOL: ToolSpec[MiniProgramStoreConfig, MiniProgramStoreAdapter] = ToolSpec(
    name="mini_program_store",
    title="小程序与微信小店",
    config=MiniProgramStoreConfig,
    adapter=MiniProgramStoreAdapter,
    open=_open,
    faults=FAULTS,
    limits=LIMITS,
    events=EVENT_KINDS,
    exempt={
        "refused_token:login": "The call is made with the appid's secret, not with a token.",
    },
)

__all__ = [
    "AFTER_SALE_WINDOW",
    "COUPONS_PER_PAGE",
    "MEMBERS_PER_PAGE",
    "ORDERS_PER_PAGE",
    "ORDER_WINDOW",
    "PRODUCTS_PER_PAGE",
    "TOOL",
    "Address",
    "AfterSale",
    "AfterSaleAccept",
    "AfterSaleChanged",
    "AfterSaleKind",
    "AfterSaleProposal",
    "AfterSaleRequest",
    "AfterSaleState",
    "Carrier",
    "Channel",
    "CodePicture",
    "CouponKind",
    "CouponOffer",
    "CouponStatus",
    "DraftState",
    "Fulfilment",
    "FundsFlow",
    "FundsPage",
    "LinePrice",
    "LiveNotice",
    "LiveNow",
    "LiveSession",
    "Login",
    "MiniProgramStoreAdapter",
    "MiniProgramStoreConfig",
    "Order",
    "OrderChanged",
    "OrderLine",
    "OrderQuery",
    "OrderSettlement",
    "OrderState",
    "PageVisits",
    "PaidOrder",
    "PaidOrderState",
    "Parcel",
    "ParcelLine",
    "Payment",
    "PhoneNumber",
    "Product",
    "ProductChanged",
    "ProductContent",
    "ProductDraft",
    "ProductStatus",
    "RejectReason",
    "RelayNumber",
    "Retention",
    "SettleState",
    "Shipment",
    "ShippedParcel",
    "ShippingMethod",
    "Sku",
    "SkuChange",
    "SkuDraft",
    "SkuStock",
    "Span",
    "StockMovement",
    "StoreBalance",
    "StoreCoupon",
    "StoreDay",
    "StoreInfo",
    "StoreLive",
    "SubscribeMessage",
    "SubscribeTemplate",
    "UserCoupon",
    "UserCouponRef",
    "UserCouponStatus",
    "VipMember",
    "VisitDistribution",
    "VisitTotals",
    "VisitTrend",
    "VisitorGroups",
    "VisitorPortrait",
    "Withdrawal",
    "open_sealed",
    "raw_data_signed",
    "status_of",
]
