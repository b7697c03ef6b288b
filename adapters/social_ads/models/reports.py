"""Report rows, in the platform's own field names."""

from __future__ import annotations

from datetime import date as day
from typing import Annotated

import msgspec

from adapters.social_ads.models.base import PageInfo

#: Number or text: the documentation shows neither.
Hour = Annotated[int, msgspec.Meta(ge=0, le=23)] | Annotated[str, msgspec.Meta(pattern="^([01]?[0-9]|2[0-3])$")]


class DailyReportRow(msgspec.Struct):
    """An element of daily_reports/get; ``cost`` in fen, ``date`` as YYYY-MM-DD."""

    date: day
    adgroup_id: int
    view_count: int = 0
    valid_click_count: int = 0
    cost: int = 0
    conversions_count: int = 0


class DailyReports(msgspec.Struct):
    """daily_reports/get."""

    rows: list[DailyReportRow] = msgspec.field(name="list")
    page_info: PageInfo


class HourlyReportRow(msgspec.Struct):
    """An element of hourly_reports/get; ``cost`` in fen."""

    hour: Hour
    adgroup_id: int
    view_count: int = 0
    valid_click_count: int = 0
    cost: int = 0
    conversions_count: int = 0


class HourlyReports(msgspec.Struct):
    """hourly_reports/get."""

    rows: list[HourlyReportRow] = msgspec.field(name="list")
    page_info: PageInfo
