"""Reads that work alike outside and inside a transaction, and over any number of keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Executable
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database.prepared import Prepared
from gateway.database.rows import AnyRow

T = TypeVar("T")

#: Runs a read statement, with its parameters if it has any: a database's ``fetch``, or ``fetching(connection)``.
Fetch = Callable[..., Awaitable[Sequence[AnyRow]]]


def fetching(connection: AsyncConnection) -> Fetch:
    """Reads inside a transaction."""

    async def fetch(statement: Executable | Prepared, parameters: Mapping[str, Any] | None = None) -> Sequence[AnyRow]:
        if isinstance(statement, Prepared):
            return await statement.all(connection, parameters or {})
        return (await connection.execute(statement, parameters)).all()

    return fetch


def chunks(values: Iterable[T], size: int = 400) -> Iterator[list[T]]:
    """Pieces that fit into the IN list of a statement."""
    rest = iter(values)
    while chunk := list(islice(rest, size)):
        yield chunk
