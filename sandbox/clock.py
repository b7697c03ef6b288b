"""The sandbox's time: the real one, shifted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

#: The platforms' own time zone.
BEIJING = ZoneInfo("Asia/Shanghai")


class SandboxClock:
    """Runs at real speed from any starting instant, and can be moved forward by tests."""

    def __init__(self, start: datetime | None = None) -> None:
        if start is not None and start.tzinfo is None:
            raise ValueError("now must be aware: give it a UTC offset")
        self._offset = start - datetime.now(UTC) if start is not None else timedelta()

    def now(self) -> datetime:
        """Aware, UTC."""
        return datetime.now(UTC) + self._offset

    @property
    def offset(self) -> timedelta:
        """How far the sandbox is ahead of the real clock."""
        return self._offset

    def advance(self, by: timedelta) -> None:
        """Let time pass at once."""
        self._offset += by
