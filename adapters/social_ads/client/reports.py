"""Reports by day and by hour (日报表, 小时报表)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from adapters.base.endpoint import read
from adapters.social_ads import models
from adapters.social_ads.client.wire import Wire, of_ads

DAILY_REPORTS_GET: Final = read("daily_reports_get", timeout=10.0, family="insights")
HOURLY_REPORTS_GET: Final = read("hourly_reports_get", timeout=10.0, family="insights")

_FIELDS: Final = ("adgroup_id", "view_count", "valid_click_count", "cost", "conversions_count")


class ReportsClient(Wire):
    """``/v3.0/daily_reports``, ``/v3.0/hourly_reports``."""

    async def daily_reports_get(
        self, access_token: str, first_day: str, last_day: str, ads: Sequence[int], page: int, page_size: int
    ) -> models.DailyReports:
        """GET /v3.0/daily_reports/get per ad and day, both days included (YYYY-MM-DD, Beijing); no ads are all."""
        parameters = _asked("date", first_day, last_day, ads, page, page_size)
        return await self._get(DAILY_REPORTS_GET, "daily_reports/get", access_token, parameters, models.DailyReports)

    async def hourly_reports_get(
        self, access_token: str, day: str, ads: Sequence[int], page: int, page_size: int
    ) -> models.HourlyReports:
        """GET /v3.0/hourly_reports/get per ad and hour of one day: the longest span is not documented."""
        parameters = _asked("hour", day, day, ads, page, page_size)
        return await self._get(HOURLY_REPORTS_GET, "hourly_reports/get", access_token, parameters, models.HourlyReports)


def _asked(
    unit: str, first_day: str, last_day: str, ads: Sequence[int], page: int, page_size: int
) -> dict[str, object]:
    return {
        "level": "REPORT_LEVEL_ADGROUP",
        "date_range": {"start_date": first_day, "end_date": last_day},
        "group_by": (unit, "adgroup_id"),
        "fields": (unit, *_FIELDS),
        "order_by": ({"sort_field": unit, "sort_type": "ASCENDING"},),
        "time_line": "REQUEST_TIME",
        "page": page,
        "page_size": page_size,
        "filtering": of_ads(ads),
    }
