"""The type of a result row."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

#: A row of any width; ``Row[Any]`` alone means a row of one column since SQLAlchemy 2.1.
AnyRow = Row[*tuple[Any, ...]]
