"""/datacube: how a mini-program is visited (访问分析). Days go without dashes here."""

from __future__ import annotations

from datetime import date
from typing import Final, TypeVar

from adapters.base.endpoint import Endpoint, read
from adapters.mini_program_store.models import visits as models
from adapters.wechat.api import TokenApi

T = TypeVar("T")


def _figures(name: str) -> Endpoint:
    return read(name, timeout=10.0, family="visits")


DAILYSUMMARYTREND: Final = _figures("getweanalysisappiddailysummarytrend")
DAILYVISITTREND: Final = _figures("getweanalysisappiddailyvisittrend")
WEEKLYVISITTREND: Final = _figures("getweanalysisappidweeklyvisittrend")
MONTHLYVISITTREND: Final = _figures("getweanalysisappidmonthlyvisittrend")
DAILYRETAININFO: Final = _figures("getweanalysisappiddailyretaininfo")
WEEKLYRETAININFO: Final = _figures("getweanalysisappidweeklyretaininfo")
MONTHLYRETAININFO: Final = _figures("getweanalysisappidmonthlyretaininfo")
VISITDISTRIBUTION: Final = _figures("getweanalysisappidvisitdistribution")
VISITPAGE: Final = _figures("getweanalysisappidvisitpage")
USERPORTRAIT: Final = _figures("getweanalysisappiduserportrait")


class VisitsClient:
    """Figures of one mini-program; both ends of a span are included."""

    def __init__(self, api: TokenApi) -> None:
        self._api = api

    async def getweanalysisappiddailysummarytrend(self, begin: date, end: date) -> models.DailySummaries:
        """Visitors and shares so far; one day."""
        return await self._ask(DAILYSUMMARYTREND, models.DailySummaries, begin, end)

    async def getweanalysisappiddailyvisittrend(self, begin: date, end: date) -> models.VisitTrends:
        """One day."""
        return await self._ask(DAILYVISITTREND, models.VisitTrends, begin, end)

    async def getweanalysisappidweeklyvisittrend(self, begin: date, end: date) -> models.VisitTrends:
        """A Monday to its Sunday."""
        return await self._ask(WEEKLYVISITTREND, models.VisitTrends, begin, end)

    async def getweanalysisappidmonthlyvisittrend(self, begin: date, end: date) -> models.VisitTrends:
        """The first to the last day of a month."""
        return await self._ask(MONTHLYVISITTREND, models.VisitTrends, begin, end)

    async def getweanalysisappiddailyretaininfo(self, begin: date, end: date) -> models.Retention:
        """One day."""
        return await self._ask(DAILYRETAININFO, models.Retention, begin, end)

    async def getweanalysisappidweeklyretaininfo(self, begin: date, end: date) -> models.Retention:
        """A Monday to its Sunday."""
        return await self._ask(WEEKLYRETAININFO, models.Retention, begin, end)

    async def getweanalysisappidmonthlyretaininfo(self, begin: date, end: date) -> models.Retention:
        """The first to the last day of a month."""
        return await self._ask(MONTHLYRETAININFO, models.Retention, begin, end)

    async def getweanalysisappidvisitdistribution(self, begin: date, end: date) -> models.Distributions:
        """Sessions by source, length and depth; one day."""
        return await self._ask(VISITDISTRIBUTION, models.Distributions, begin, end)

    async def getweanalysisappidvisitpage(self, begin: date, end: date) -> models.PagesVisited:
        """The most visited pages; one day."""
        return await self._ask(VISITPAGE, models.PagesVisited, begin, end)

    async def getweanalysisappiduserportrait(self, begin: date, end: date) -> models.Portrait:
        """Who visits; one, seven or thirty days that end yesterday."""
        return await self._ask(USERPORTRAIT, models.Portrait, begin, end)

    async def _ask(self, endpoint: Endpoint, kind: type[T], begin: date, end: date) -> T:
        body = {"begin_date": f"{begin:%Y%m%d}", "end_date": f"{end:%Y%m%d}"}
        return await self._api.post(endpoint, f"/datacube/{endpoint.name}", kind, body)
