"""What a planner needs to be told."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class unindexed(FunctionElement[Any]):
    """The same value, which SQLite never looks up in an index.

    SQLite has no statistics of our tables and takes any index that fits, also one that leads to a sort of
    everything. A unary plus is its own way to leave an index out (https://sqlite.org/optoverview.html#uplus).
    PostgreSQL has statistics and is told nothing.
    """

    name = "unindexed"
    inherit_cache = True

    def __init__(self, column: ColumnElement[Any]) -> None:
        super().__init__(column)
        self.type = column.type


@compiles(unindexed)
def _plain(element: unindexed, compiler: SQLCompiler, **kw: Any) -> str:
    [column] = element.clauses
    return compiler.process(column, **kw)


@compiles(unindexed, "sqlite")
def _plus(element: unindexed, compiler: SQLCompiler, **kw: Any) -> str:
    [column] = element.clauses
    return "+" + compiler.process(column, **kw)
