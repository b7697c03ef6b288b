"""No table keeps a person in the plain, and none is unknown to erasure."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import MetaData

import gateway.database.tables  # noqa: F401 - registers every table on the MetaData.
from adapters.registry import TOOLS
from gateway.database.pii import plain_personal_columns
from gateway.database.schema import metadata
from gateway.members.holdings import OF_TOOLS, undeclared


def personal_columns(root: Path) -> list[str]:
    """The gateway's tables, and those that tools keep."""
    del root
    kept: list[MetaData] = [metadata, *(spec.metadata for spec in TOOLS if spec.metadata is not None)]
    return [sentence for tables in kept for sentence in plain_personal_columns(tables)]


def declared_tables(root: Path) -> list[str]:
    """Every table says what it holds of persons and what erasure does to it; tools' tables too."""
    del root
    kept = [spec.metadata for spec in TOOLS if spec.metadata is not None]
    unknown = sorted({table for tables in kept for table in tables.tables} - OF_TOOLS.keys())
    return undeclared(metadata) + [
        f"table {name} of a tool is not in OF_TOOLS of gateway/members/holdings.py: say what it holds, and have "
        "gateway/members/erasure.py ask its adapter to erase what is a person's"
        for name in unknown
    ]
