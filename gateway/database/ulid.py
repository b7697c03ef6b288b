"""ULIDs: 26 characters that sort by time (https://github.com/ulid/spec), and UUIDv7 (RFC 9562)."""

from __future__ import annotations

import os
import secrets
import uuid
from datetime import UTC, datetime, timedelta

from adapters.base.runtime import Clock
from gateway.database.clock import SystemClock

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)}
#: Two characters at a time: bulk imports make many ids per row.
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]
_SHIFTS = tuple(range(120, -1, -10))
_RANDOM_BITS = 80
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Ulids:
    """Makes strictly increasing ULIDs, also within one millisecond and when the clock steps back.

    The order holds within one instance. Two processes share no order finer than their clocks.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._last = -1
        self._stamp: tuple[datetime | None, int] = (None, 0)

    def next(self, at: datetime | None = None) -> str:
        """A new ULID, stamped with ``at`` or the clock's now."""
        at = at or self._clock.now()
        if at is not self._stamp[0]:
            self._stamp = (at, _milliseconds(at) << _RANDOM_BITS)
        floor = self._stamp[1]
        if floor > self._last:
            self._last = floor | secrets.randbits(_RANDOM_BITS)
        else:
            # A random stride keeps ids hard to guess; it carries into the milliseconds when it overflows.
            self._last += 1 + int.from_bytes(os.urandom(4))
        return encode(self._last)


def encode(value: int) -> str:
    """128 bits as 26 Crockford characters."""
    return "".join([_PAIRS[(value >> shift) & 1023] for shift in _SHIFTS])


def decode(text: str) -> int:
    """The 128 bits of a ULID; raises ValueError for anything else."""
    if len(text) != 26 or text[0] > "7" or not _VALUES.keys() >= set(text):
        raise ValueError(f"{text!r} is not a ULID: 26 characters of {_ALPHABET}, the first at most 7")
    value = 0
    for letter in text:
        value = value << 5 | _VALUES[letter]
    return value


def ulid_time(text: str) -> datetime:
    """The instant inside a ULID, to the millisecond."""
    return _EPOCH + timedelta(milliseconds=decode(text) >> _RANDOM_BITS)


def uuid7(at: datetime) -> uuid.UUID:
    """A random UUIDv7 stamped with ``at``; used for members, whose ids must not be guessable."""
    value = (_milliseconds(at) << 80) | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


def _milliseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)
