"""Brings a database to the code's schema, or says why it will not.

A SQLite file belongs to the one process that opens it, which may upgrade it. A server is shared: there
only ``db upgrade`` migrates, and everything else refuses an older schema.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine import Engine
from sqlalchemy.pool import NullPool

from gateway.database.errors import DatabaseSchemaNewer, DatabaseSchemaOld
from gateway.database.failures import connecting, unwritable
from gateway.database.urls import DatabaseUrl

_SCRIPTS = Path(__file__).parent / "migrations"
#: Any constant will do; it keeps two upgrades of one server apart.
_ADVISORY_LOCK = 7_024_113_598
_BUSY_SECONDS = 5


async def upgrade(url: str) -> None:
    """Migrate to the newest schema; on PostgreSQL under an advisory lock. Does nothing when it is there."""
    await asyncio.to_thread(upgrade_now, DatabaseUrl.parse(url))


def upgrade_now(url: DatabaseUrl) -> None:
    """The same for code without an event loop. One transaction: all of it or nothing."""
    if url.is_sqlite:
        _create_file(url)
    engine = sync_engine(url)
    with connecting(url), engine.begin() as connection:
        if not url.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        _refuse_newer(connection, url)
        command.upgrade(config(connection), "head")


def prepare(url: DatabaseUrl) -> None:
    """What opening needs: the current schema, made by us on SQLite and by ``db upgrade`` elsewhere."""
    if url.is_sqlite:
        _create_file(url)
    with connecting(url), sync_engine(url).begin() as connection:
        current = _refuse_newer(connection, url)
    if current == head():
        return
    if not url.is_sqlite:
        raise DatabaseSchemaOld(
            f"{url} has schema {current or 'none'} and this release needs {head()}; run: retail-gateway db upgrade"
        )
    upgrade_now(url)


@cache
def head() -> str:
    """The newest revision that this release knows."""
    return ScriptDirectory.from_config(config()).get_current_head() or ""


@cache
def _revisions() -> frozenset[str]:
    """All that it knows. Read once: running every script takes longer than the rest of opening a database."""
    return frozenset(script.revision for script in ScriptDirectory.from_config(config()).walk_revisions())


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration; there is no ini file."""
    made = Config()
    made.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = connection
    return made


def sync_engine(url: DatabaseUrl) -> Engine:
    """An engine for schema work. On SQLite each transaction locks at once, and DDL rolls back."""
    engine = create_engine(url.sync_url(), poolclass=NullPool, hide_parameters=True)
    if url.is_sqlite:
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _refuse_newer(connection: Connection, url: DatabaseUrl) -> str | None:
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in _revisions():
        raise DatabaseSchemaNewer(
            f"{url} has schema {current}, which this release does not know; it was upgraded by a newer "
            "release. Run that one, or restore the backup made before the upgrade"
        )
    return current


def _create_file(url: DatabaseUrl) -> None:
    # Only our own user may read a file of personal data; SQLite gives its log the same mode.
    try:
        os.close(os.open(url.path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise unwritable(url, error.strerror or type(error).__name__) from error


def _prepare_sqlite(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None
    for pragma in (f"busy_timeout={_BUSY_SECONDS * 1000}", "synchronous=FULL", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}").close()
    _use_write_ahead_log(connection)


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """The change of mode does not honour busy_timeout, so two processes making one file must ask again."""
    give_up = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > give_up:
                raise
        time.sleep(0.01)
