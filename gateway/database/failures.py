"""Turns the drivers' failures into our own, which say what to do. Everything else passes unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg  # type: ignore[import-untyped]  # it ships no types
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from gateway.database.errors import (
    DatabaseError,
    DatabaseLocked,
    DatabaseUnreachable,
    DatabaseUnwritable,
)
from gateway.database.urls import DatabaseUrl

#: How long a caller waits for one of the pool's connections.
POOL_SECONDS = 30
#: https://www.postgresql.org/docs/current/errcodes-appendix.html — deadlock, serialization, lock timeout.
_REPEATABLE_STATES = {"40P01", "40001", "55P03"}
#: Connection, login, no such database, too many connections, server shutting down or starting.
_UNREACHABLE_CLASSES = ("08", "28", "3D", "53300", "57P")


@contextmanager
def translated(url: DatabaseUrl) -> Iterator[None]:
    """Raise our errors for failures of statements run inside."""
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as error:
        ours = _sqlite(error, url) if url.is_sqlite else _postgresql(error, url)
        if ours is None:
            raise
        raise ours from error


@contextmanager
def connecting(url: DatabaseUrl) -> Iterator[None]:
    """Like ``translated``, for taking a connection: the driver's own errors reach us there unwrapped."""
    try:
        with translated(url):
            yield
    except PoolTimeout as error:
        raise all_in_use(url) from error
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise _unreachable(url, type(error).__name__) from error


def all_in_use(url: DatabaseUrl) -> DatabaseLocked:
    """The error for a connection that was not free in time."""
    return DatabaseLocked(
        f"every connection to {url} was in use for {POOL_SECONDS} seconds. Repeat in a moment; if it stays, "
        "run more processes or look for a statement that takes long"
    )


def _sqlite(error: DBAPIError, url: DatabaseUrl) -> DatabaseError | None:
    text = str(error.orig).lower()
    if "locked" in text or "busy" in text:
        return DatabaseLocked(
            f"{url} is locked: another process has been writing for more than 5 seconds. "
            "Repeat; if it stays, look for a program that holds the file, or move to PostgreSQL"
        )
    if any(word in text for word in ("readonly", "unable to open", "is full", "disk i/o", "not authorized")):
        return unwritable(url, str(error.orig))
    return None


def unwritable(url: DatabaseUrl, why: str) -> DatabaseUnwritable:
    """The error for a file that cannot be opened or written."""
    return DatabaseUnwritable(
        f"{url} cannot be written: {why}. The directory must exist, the gateway's user must be able to "
        "write both the directory and the file, and the disk must have room"
    )


def _postgresql(error: DBAPIError, url: DatabaseUrl) -> DatabaseError | None:
    state = str(getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None) or "")
    if state in _REPEATABLE_STATES:
        return DatabaseLocked(f"{url}: the transaction met another one (SQLSTATE {state}). Repeat it")
    # An error without statement and state comes from connecting: the server never answered.
    never_answered = not state and error.statement is None
    if error.connection_invalidated or never_answered or state.startswith(_UNREACHABLE_CLASSES):
        return _unreachable(url, state or type(error.orig).__name__)
    return None


def _unreachable(url: DatabaseUrl, why: str) -> DatabaseUnreachable:
    return DatabaseUnreachable(
        f"{url} is unreachable ({why}). Check that the server runs, that host, port, user, password and "
        "database name in the database URL are right, and that it has connections left"
    )
