"""When a failed job is tried again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential with full jitter: a random wait between nothing and a doubling limit.

    Many jobs that failed together do not come back together
    (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
    """

    base_seconds: float = 2.0
    cap_seconds: float = 3600.0

    def wait(self, attempt: int, random: Random, error: BaseException, now: datetime) -> timedelta:
        """How long to wait after ``attempt`` (from 1); at least as long as the error says."""
        limit = min(self.cap_seconds, self.base_seconds * 2 ** min(attempt - 1, 32))
        return max(timedelta(seconds=random.uniform(0, limit)), _asked_for(error, now))


def _asked_for(error: BaseException, now: datetime) -> timedelta:
    """What the platform's error says: ``retry_after`` in seconds, or ``resets_at``."""
    seconds = getattr(error, "retry_after", None)
    if isinstance(seconds, timedelta):
        return seconds
    if isinstance(seconds, int | float):
        return timedelta(seconds=seconds)
    resets_at = getattr(error, "resets_at", None)
    if isinstance(resets_at, datetime) and resets_at.tzinfo is not None:
        return resets_at.astimezone(UTC) - now
    return timedelta(0)
