"""How fresh values are, and how fresh a request wants them."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

Path = Sequence[str | int]


class Source(enum.Enum):
    """Where a value came from.

    LIVE: the platform was asked for this request. CACHE: it was asked a short while ago. PROJECTION: what sync and
    events have kept. STALE: the platform was asked and failed, and an older answer stands in.
    """

    LIVE = "LIVE"
    CACHE = "CACHE"
    PROJECTION = "PROJECTION"
    STALE = "STALE"


@dataclass(frozen=True, slots=True)
class Wish:
    """What ``@maxAge`` and ``@staleOk`` say of one field, in seconds; None where they are not written."""

    max_age: float | None = None
    stale_ok: float | None = None


#: No directive says anything.
ANY = Wish()


@dataclass(frozen=True, slots=True)
class Note:
    """Source and instant of one value. ``as_of`` is None where nobody knows how far its source has been read."""

    path: tuple[str | int, ...]
    source: Source
    as_of: datetime | None


class Asked:
    """One field of a request that minds freshness."""

    __slots__ = ("_demands", "_path", "wish")

    def __init__(self, demands: Demands, path: Path, wish: Wish) -> None:
        self._demands = demands
        self._path = path
        self.wish = wish

    def note(self, source: Source, as_of: datetime | None) -> None:
        """Tell where the field's value came from."""
        self._demands.notes.append(Note(tuple(self._path), source, as_of))


class Demands:
    """What one request wants of freshness, and what it is told.

    ``by_path`` has a Wish per response path without list indices, the empty one for the whole operation. For each
    directive the nearest one above a field counts.
    """

    __slots__ = ("_by_path", "notes")

    def __init__(self, by_path: Mapping[tuple[str, ...], Wish]) -> None:
        self._by_path = by_path
        self.notes: list[Note] = []

    def at(self, path: Path) -> Asked:
        """The field at a response path."""
        return Asked(self, path, self._wish(path))

    def _wish(self, path: Path) -> Wish:
        max_age = stale_ok = None
        if self._by_path:
            keys = tuple(key for key in path if isinstance(key, str))
            for length in range(len(keys), -1, -1):
                found = self._by_path.get(keys[:length])
                if found is not None:
                    max_age = found.max_age if max_age is None else max_age
                    stale_ok = found.stale_ok if stale_ok is None else stale_ok
        return Wish(max_age, stale_ok) if max_age is not None or stale_ok is not None else ANY
