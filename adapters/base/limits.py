"""How often an account may call an endpoint, as the platform's documents say."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

import msgspec

#: The platforms count days and months in their own zone, which has no summer time.
_BEIJING: Final = timezone(timedelta(hours=8))
#: Stands for every endpoint that is not named.
EVERY: Final = "*"


class Window(enum.Enum):
    """The time over which calls are counted. All begin anew at round instants; days and months in Beijing."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"

    @property
    def is_short(self) -> bool:
        """Whether waiting for it to end is a matter of seconds or minutes."""
        return self in {Window.MINUTE, Window.HOUR}

    def starts_at(self, now: datetime) -> datetime:
        """When the window of an instant began, UTC."""
        local = now.astimezone(_BEIJING).replace(second=0, microsecond=0)
        if self is not Window.MINUTE:
            local = local.replace(minute=0)
        if not self.is_short:
            local = local.replace(hour=0, day=1 if self is Window.MONTH else local.day)
        return local.astimezone(UTC)

    def ends_at(self, now: datetime) -> datetime:
        """When calls are counted anew, UTC."""
        start = self.starts_at(now)
        if self is Window.MONTH:
            return self.starts_at(start + timedelta(days=32))
        return start + _LENGTHS[self]


_LENGTHS: Final = {
    Window.MINUTE: timedelta(minutes=1),
    Window.HOUR: timedelta(hours=1),
    Window.DAY: timedelta(days=1),
}


@dataclass(frozen=True, slots=True)
class Limit:
    """So many calls of one endpoint by one account in each window."""

    calls: int
    window: Window


#: Endpoint name → its limits; ``*`` has those of every endpoint that is not named.
Limits = Mapping[str, tuple[Limit, ...]]


def limits(
    *, minute: int | None = None, hour: int | None = None, day: int | None = None, month: int | None = None
) -> tuple[Limit, ...]:
    """The limits of one endpoint."""
    given = ((minute, Window.MINUTE), (hour, Window.HOUR), (day, Window.DAY), (month, Window.MONTH))
    return tuple(Limit(calls, window) for calls, window in given if calls is not None)


class CallLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Calls of one endpoint that one account is allowed, where the platform grants it others than it documents."""

    minute: int | None = None
    hour: int | None = None
    day: int | None = None
    month: int | None = None

    def over(self, declared: tuple[Limit, ...]) -> tuple[Limit, ...]:
        """The declared limits with those that are given here in their place."""
        mine = limits(minute=self.minute, hour=self.hour, day=self.day, month=self.month)
        replaced = {each.window for each in mine}
        return (*[each for each in declared if each.window not in replaced], *mine)
