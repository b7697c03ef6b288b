"""The wire itself: one request, one answer, and whether a failure came before or after the send."""

from adapters.base.transport.messages import MaybeSent, NotSent, Request, Response, Transport, Unreadable
from adapters.base.transport.pool import HttpTransport

__all__ = ["HttpTransport", "MaybeSent", "NotSent", "Request", "Response", "Transport", "Unreadable"]
