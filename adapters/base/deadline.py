"""The time a request has left, carried by the running task and handed to every upstream call."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Give everything inside at most ``seconds``; an outer, shorter deadline stays in force."""
    ends = time.monotonic() + seconds
    outer = _deadline.get()
    token = _deadline.set(ends if outer is None else min(ends, outer))
    try:
        yield
    finally:
        _deadline.reset(token)


def remaining(limit: float) -> float:
    """Seconds left, ``limit`` at most; zero or less means that time is up."""
    ends = _deadline.get()
    return limit if ends is None else min(limit, ends - time.monotonic())
