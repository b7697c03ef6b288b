"""Callbacks that run once a write transaction is committed, and never when it was rolled back."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database.traces import trace

_log = logging.getLogger(__name__)
_CALLBACKS = "gateway_after_commit"
_BELL = "gateway_bell"


def after_commit(connection: AsyncConnection, callback: Callable[[], None]) -> None:
    """Run ``callback`` after this connection's ``Database.write()`` block has committed.

    For hints inside this process, such as waking a worker. What must happen is a job, not a callback.
    """
    _info(connection)[_CALLBACKS].append(callback)


class Bell:
    """Rung after each commit that appended facts. Listeners get no facts: they read the log."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[], None]] = []

    def ring(self) -> None:
        """Tell everybody who listens."""
        for listener in tuple(self.listeners):
            listener()


def ring_after_commit(connection: AsyncConnection) -> None:
    """Ring the database's bell once this transaction is committed, however often this is asked for."""
    info = _info(connection)
    ring = info[_BELL].ring
    if ring not in info[_CALLBACKS]:
        info[_CALLBACKS].append(ring)


def begin_callbacks(connection: AsyncConnection, bell: Bell) -> list[Callable[[], None]]:
    """Start a fresh list for a new transaction; the engine runs it after the commit."""
    callbacks: list[Callable[[], None]] = []
    info = _info(connection)
    info[_CALLBACKS], info[_BELL] = callbacks, bell
    return callbacks


def run_callbacks(callbacks: list[Callable[[], None]]) -> None:
    """Run them all; one that raises is logged, since the data is committed already."""
    for callback in callbacks:
        try:
            callback()
        except Exception as error:
            _log.error("a callback after a commit failed; the commit stands: %s", trace(error))


def _info(connection: AsyncConnection) -> dict[str, Any]:
    assert connection.sync_connection is not None  # noqa: S101 - it is None before entering only.
    return connection.sync_connection.info
