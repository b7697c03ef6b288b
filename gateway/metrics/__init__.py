"""What operators watch, as Prometheus reads it."""

from gateway.metrics.page import Parts, page

__all__ = ["Parts", "page"]
