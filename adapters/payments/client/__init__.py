"""微信支付 API v3, one method per endpoint, one class per product.

Writes take their body as bytes, made once by the adapter: every repetition must carry the same
parameters, and the body is signed and sent as it is.
"""

from adapters.payments.client.bills import BillsClient
from adapters.payments.client.cash_coupons import CashCouponsClient
from adapters.payments.client.certificates import CertificatesClient
from adapters.payments.client.coupons import CouponsClient
from adapters.payments.client.orders import OrdersClient
from adapters.payments.client.sharing import SharingClient
from adapters.payments.client.transfers import TransfersClient
from adapters.payments.client.wire import Wire

__all__ = [
    "BillsClient",
    "CashCouponsClient",
    "CertificatesClient",
    "CouponsClient",
    "OrdersClient",
    "SharingClient",
    "TransfersClient",
    "Wire",
]
