"""Fields of request bodies, read as strictly as the platform reads them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from adapters.mini_program_store.sandbox.wire import arguments

Body = Mapping[str, Any]
ORDER_SPAN: Final = timedelta(days=7)


def number_of(body: Body, name: str) -> str:
    """A uint64 as text or number; anything else is 40097."""
    value = body.get(name)
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return str(value)
    if isinstance(value, str) and value.isascii() and value.isdigit() and int(value) > 0:
        return value
    raise arguments(f"{name}: expecting {name} > 0, actually 0")


def integer(body: Body, name: str, least: int, most: int) -> int:
    """A number within bounds; anything else is 40097."""
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise arguments(f"{name}: expecting {least} <= {name} <= {most}")
    return value


def span(body: Body, name: str) -> tuple[int, int] | None:
    """A nested range of seconds, seven days at most."""
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, dict):
        raise arguments(f"{name}: expecting an object")
    found = pair(value, "start_time", "end_time")
    if found is None or found[1] - found[0] > ORDER_SPAN.total_seconds():
        raise arguments(f"{name}: expecting a range of 7 days at most")
    return found


def pair(body: Body, first: str, last: str) -> tuple[int, int] | None:
    """Two times, or None where neither is given."""
    if first not in body and last not in body:
        return None
    begin, end = body.get(first), body.get(last)
    if not isinstance(begin, int) or not isinstance(end, int) or not 0 < begin <= end:
        raise arguments(f"{first}: expecting 0 < {first} <= {last}")
    return begin, end


def within(at: datetime, found: tuple[int, int] | None) -> bool:
    """Both ends included; no span holds everything."""
    return found is None or found[0] <= at.timestamp() <= found[1]


def text(body: Body, name: str, most: int = 1000, *, least: int = 1) -> str:
    """A text of so many characters; anything else is 40097."""
    value = body.get(name, "" if least == 0 else None)
    if not isinstance(value, str) or not least <= len(value) <= most:
        raise arguments(f"{name}: expecting a string of {least} to {most} characters")
    return value


def rows(body: Body, name: str, most: int = 1000) -> list[dict[str, Any]]:
    """A list of objects that is not empty; anything else is 40097."""
    value = body.get(name)
    if not isinstance(value, list) or not 1 <= len(value) <= most or not all(isinstance(row, dict) for row in value):
        raise arguments(f"{name}: expecting 1 to {most} objects")
    return value


def inner(body: Body, name: str) -> dict[str, Any]:
    """An object; anything else is 40097."""
    value = body.get(name)
    if not isinstance(value, dict):
        raise arguments(f"{name}: expecting an object")
    return value
