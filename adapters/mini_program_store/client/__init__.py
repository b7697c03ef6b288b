"""One method per endpoint of api.weixin.qq.com that this tool calls, named after it, in one class per subject.

Every method raises one of the ten kinds. ``access`` makes what they share: one appid and its tokens.
"""

from adapters.mini_program_store.client.access import access
from adapters.mini_program_store.client.after_sales import AfterSalesClient
from adapters.mini_program_store.client.coupons import CouponsClient
from adapters.mini_program_store.client.funds import FundsClient
from adapters.mini_program_store.client.live import LiveClient
from adapters.mini_program_store.client.mini_program import MiniProgramClient
from adapters.mini_program_store.client.orders import OrdersClient
from adapters.mini_program_store.client.products import ProductsClient
from adapters.mini_program_store.client.shipping import ShippingClient
from adapters.mini_program_store.client.shop import ShopClient
from adapters.mini_program_store.client.visits import VisitsClient

__all__ = [
    "AfterSalesClient",
    "CouponsClient",
    "FundsClient",
    "LiveClient",
    "MiniProgramClient",
    "OrdersClient",
    "ProductsClient",
    "ShippingClient",
    "ShopClient",
    "VisitsClient",
    "access",
]
