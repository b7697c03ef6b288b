"""``extensions.freshness``: where the values of an answer came from."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from gateway.cache import Demands

_SECOND: Final = timedelta(seconds=1)


def listed(demands: Demands, now: datetime) -> list[dict[str, Any]]:
    """One entry per value, in the order in which they were read: path, source, asOf, and age in whole seconds.

    ``asOf`` and ``age`` are null where nobody knows. An age is rounded up: no value is older than it says.
    """
    return [
        {
            "path": list(note.path),
            "source": note.source.value,
            "asOf": None if note.as_of is None else note.as_of.isoformat(),
            "age": None if note.as_of is None else max(0, -((note.as_of - now) // _SECOND)),
        }
        for note in demands.notes
    ]
