"""小程序 and 微信小店: mini-programs that log shoppers in, and the store with goods, orders and members."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.base.runtime import Runtime
from adapters.base.spec import ToolSpec
from adapters.mini_program_store.adapter import (
    AFTER_SALE_WINDOW,
    MEMBERS_PER_PAGE,
    ORDER_WINDOW,
    ORDERS_PER_PAGE,
    PRODUCTS_PER_PAGE,
    MiniProgramStoreAdapter,
)
from adapters.mini_program_store.config import MiniProgramStoreConfig
from adapters.mini_program_store.errors import FAULTS
from adapters.mini_program_store.events import EVENT_KINDS
from adapters.mini_program_store.limits import LIMITS
from adapters.mini_program_store.records import (
    AfterSale,
    AfterSaleChanged,
    AfterSaleKind,
    AfterSaleState,
    Fulfilment,
    Login,
    Order,
    OrderChanged,
    OrderLine,
    OrderState,
    PhoneNumber,
    Product,
    ProductChanged,
    Sku,
    SubscribeMessage,
    VipMember,
)


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
    "MEMBERS_PER_PAGE",
    "ORDERS_PER_PAGE",
    "ORDER_WINDOW",
    "PRODUCTS_PER_PAGE",
    "TOOL",
    "AfterSale",
    "AfterSaleChanged",
    "AfterSaleKind",
    "AfterSaleState",
    "Fulfilment",
    "Login",
    "MiniProgramStoreAdapter",
    "MiniProgramStoreConfig",
    "Order",
    "OrderChanged",
    "OrderLine",
    "OrderState",
    "PhoneNumber",
    "Product",
    "ProductChanged",
    "Sku",
    "SubscribeMessage",
    "VipMember",
]
