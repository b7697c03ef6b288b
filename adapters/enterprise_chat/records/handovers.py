"""Customers and groups given to another employee."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class HandoverRow:
    """One customer or group. ``reason`` empty: under way; else why not, in the words of the error table."""

    id: str
    reason: str = ""
    upstream_code: str = ""

    @property
    def accepted(self) -> bool:
        """True where the platform has begun: customers follow after a day, groups at once."""
        return not self.reason


class HandoverStatus(enum.StrEnum):
    """Where a handover stands. FULL: the new employee has as many customers as they may."""

    DONE = "DONE"
    WAITING = "WAITING"
    REFUSED = "REFUSED"
    FULL = "FULL"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class HandoverResult:
    """One customer. ``at`` is when the new employee has them, in the future while WAITING; None where never."""

    external_userid: str
    status: HandoverStatus
    at: datetime | None
