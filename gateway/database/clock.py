"""The clock used where none is injected."""

from __future__ import annotations

from datetime import UTC, datetime


class SystemClock:
    """The machine's clock, aware and UTC; satisfies ``adapters.base.runtime.Clock``."""

    def now(self) -> datetime:
        """The current instant."""
        return datetime.now(UTC)
