"""Whether somebody waits for a call: what nobody waits for leaves a share of every allowance to what somebody does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_background: ContextVar[bool] = ContextVar("background", default=False)


@contextmanager
def background() -> Iterator[None]:
    """Calls made inside are for nobody who waits: sync, catch-up, reconciliation."""
    token = _background.set(True)
    try:
        yield
    finally:
        _background.reset(token)


def in_background() -> bool:
    """Whether the running task makes its calls for nobody who waits."""
    return _background.get()
