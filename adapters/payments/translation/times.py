"""Instants: aware UTC here, Beijing time there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Final

BEIJING: Final = timezone(timedelta(hours=8))


def utc(instant: datetime) -> datetime:
    """The same instant in UTC."""
    return instant.astimezone(UTC)


def rfc3339(instant: datetime) -> str:
    """Beijing time to the second, as the platform writes it."""
    return instant.astimezone(BEIJING).isoformat(timespec="seconds")
