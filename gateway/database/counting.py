"""Counts SQL statements, for tests that pin them and for the per-request figures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Counter:
    """Statements run inside one ``count_statements`` block and the tasks started in it."""

    value: int = 0


_counters: ContextVar[tuple[Counter, ...]] = ContextVar("statement_counters", default=())


@contextmanager
def count_statements() -> Iterator[Counter]:
    """Count the statements run by this task, and by tasks that it starts, on any Database."""
    counter = Counter()
    token = _counters.set((*_counters.get(), counter))
    try:
        yield counter
    finally:
        _counters.reset(token)


def count_one() -> None:
    """Add one statement to every counter in scope."""
    for counter in _counters.get():
        counter.value += 1
