"""The clock used where none is injected, and the zone of a business day."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

#: A day of business is a day in China, whatever the server's zone.
BUSINESS_ZONE: Final = ZoneInfo("Asia/Shanghai")


class SystemClock:
    """The machine's clock, aware and UTC; satisfies ``adapters.base.runtime.Clock``."""

    def now(self) -> datetime:
        """The current instant."""
        return datetime.now(UTC)
