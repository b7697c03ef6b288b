"""微信支付 on loopback, written from the vendor's pages and independent of the client beside it."""

from adapters.payments.sandbox.platform import Sandbox

__all__ = ["Sandbox"]
