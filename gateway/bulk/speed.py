"""How fast it goes, of late."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

_WINDOW: Final = 10.0


class Speed:
    """Rows a second over the last ten seconds, so that a pause or a restart does not spoil the estimate for long."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._marks: deque[tuple[float, int]] = deque()

    def rate(self, rows: int) -> int | None:
        """Note that so many rows are done; None while nothing can be said."""
        now = self._monotonic()
        self._marks.append((now, rows))
        while len(self._marks) > 2 and now - self._marks[0][0] > _WINDOW:
            self._marks.popleft()
        began, first = self._marks[0]
        return None if now - began < 0.5 else round((rows - first) / (now - began))
