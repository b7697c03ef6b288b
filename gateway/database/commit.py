"""Callbacks that run once a write transaction is committed, and never when it was rolled back."""

from __future__ import annotations

import logging
from collections.abc import Callable

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database.traces import trace

_log = logging.getLogger(__name__)
_CALLBACKS = "gateway_after_commit"


def after_commit(connection: AsyncConnection, callback: Callable[[], None]) -> None:
    """Run ``callback`` after this connection's ``Database.write()`` block has committed.

    For hints inside this process, such as waking a worker. What must happen is a job, not a callback.
    """
    _info(connection)[_CALLBACKS].append(callback)


def begin_callbacks(connection: AsyncConnection) -> list[Callable[[], None]]:
    """Start a fresh list for a new transaction; the engine runs it after the commit."""
    callbacks: list[Callable[[], None]] = []
    _info(connection)[_CALLBACKS] = callbacks
    return callbacks


def run_callbacks(callbacks: list[Callable[[], None]]) -> None:
    """Run them all; one that raises is logged, since the data is committed already."""
    for callback in callbacks:
        try:
            callback()
        except Exception as error:
            _log.error("a callback after a commit failed; the commit stands: %s", trace(error))


def _info(connection: AsyncConnection) -> dict[str, list[Callable[[], None]]]:
    assert connection.sync_connection is not None  # noqa: S101 - it is None before entering only.
    return connection.sync_connection.info
