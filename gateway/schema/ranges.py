"""Ranges of time in filters."""

from __future__ import annotations

from datetime import datetime

import strawberry


@strawberry.input(description="A half-open range of time; an end that is left out is open.")
class TimeRange:
    """Time range."""

    start: datetime | None = strawberry.field(
        default=None, name="from", description="The first instant that belongs to it, with offset."
    )
    until: datetime | None = strawberry.field(
        default=None, description="The first instant after it that belongs to it no more, with offset."
    )
