"""Numbers, instants and many answers at once, as every part of the adapter reads them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Final, TypeVar

from adapters.base.errors import Malformed, NotFound
from adapters.mini_program_store.models.numbers import Number

T = TypeVar("T")

TOOL: Final = "mini_program_store"
#: The platform's days and its few wall-clock texts are Beijing's.
BEIJING: Final = timezone(timedelta(hours=8))


async def each(call: Callable[[str], Awaitable[T]], ids: Sequence[str]) -> list[T | NotFound]:
    """The answers in the order of ``ids``; a NotFound stays a value, another failure is raised."""
    answers: list[T | NotFound] = []
    for answer in await asyncio.gather(*(call(number) for number in ids), return_exceptions=True):
        if isinstance(answer, BaseException) and not isinstance(answer, NotFound):
            raise answer
        answers.append(answer)
    return answers


def number(value: Number) -> int:
    """An integer, quoted or not; empty text is 0. Raises Malformed for any other text."""
    try:
        return int(value or 0)
    except ValueError:
        raise Malformed(TOOL, "number", "The platform wrote text where a number belongs.") from None


def moment(seconds: Number) -> datetime:
    """Epoch seconds as an aware instant. Raises Malformed for a time that no calendar has."""
    try:
        return datetime.fromtimestamp(number(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        raise Malformed(TOOL, "time", "The platform gave a time that no calendar has.") from None


def instant(seconds: Number) -> datetime | None:
    """None for 0, which is how the platform writes "not yet"."""
    return moment(seconds) if number(seconds) else None


def wall_clock(text: str) -> datetime | None:
    """Beijing's ``2024-05-01 16:43:16`` as an aware UTC instant; None for anything else."""
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING).astimezone(UTC)
    except ValueError:
        return None


def turned(table: Mapping[int, T]) -> Mapping[T, int]:
    """Our word → the platform's number."""
    return {word: value for value, word in table.items()}
