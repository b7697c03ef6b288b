"""Alembic runs this file for every command. The connection always comes from ``gateway.database.migrate``."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

import gateway.database.tables  # noqa: F401 - registers every table on the MetaData.
from adapters.registry import TOOLS
from gateway.database import types
from gateway.database.schema import metadata


def render_item(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Write our column types by their short names."""
    if kind != "type" or type(item).__module__ != types.__name__:
        return False
    autogen.imports.add("from gateway.database import types")
    purpose = repr(item.purpose) if isinstance(item, types.KeyedHash) else ""
    return f"types.{type(item).__name__}({purpose})"


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=[metadata, *(spec.metadata for spec in TOOLS if spec.metadata is not None)],
    compare_type=True,
    transactional_ddl=True,
    # SQLite changes a column only by copying its table; PostgreSQL ignores the setting.
    render_as_batch=True,
    render_item=render_item,
)
with context.begin_transaction():
    context.run_migrations()
