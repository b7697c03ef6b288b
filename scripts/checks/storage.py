"""No table keeps a person in the plain."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import MetaData

import gateway.database.tables  # noqa: F401 - registers every table on the MetaData.
from adapters.registry import TOOLS
from gateway.database.pii import plain_personal_columns
from gateway.database.schema import metadata


def personal_columns(root: Path) -> list[str]:
    """The gateway's tables, and those that tools keep."""
    del root
    kept: list[MetaData] = [metadata, *(spec.metadata for spec in TOOLS if spec.metadata is not None)]
    return [sentence for tables in kept for sentence in plain_personal_columns(tables)]
