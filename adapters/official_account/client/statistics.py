"""Daily figures (数据统计): POST of a first and a last day, both included, in Beijing's calendar."""

from __future__ import annotations

from datetime import date
from typing import Final, TypeVar

from adapters.base.endpoint import Endpoint, read
from adapters.official_account.models import figures as models
from adapters.wechat.api import TokenApi

T = TypeVar("T")

GETUSERSUMMARY: Final = read("getusersummary", family="datacube")
GETUSERCUMULATE: Final = read("getusercumulate", family="datacube")
GETARTICLESUMMARY: Final = read("getarticlesummary", family="datacube")
GETARTICLETOTAL: Final = read("getarticletotal", family="datacube")
GETUSERREAD: Final = read("getuserread", family="datacube")
GETUSERSHARE: Final = read("getusershare", family="datacube")
GETUPSTREAMMSG: Final = read("getupstreammsg", family="datacube")
GETBIZSUMMARY: Final = read("getbizsummary", family="datacube")
GETARTICLETOTALDETAIL: Final = read("getarticletotaldetail", family="datacube")


class StatisticsClient:
    """The calls about how one account does. ``end`` is yesterday at the latest."""

    def __init__(self, api: TokenApi) -> None:
        self._api = api

    async def getusersummary(self, begin: date, end: date) -> models.UserSummary:
        """At most 7 days: a row per day and source."""
        return await self._days(GETUSERSUMMARY, models.UserSummary, begin, end)

    async def getusercumulate(self, begin: date, end: date) -> models.UserCumulate:
        """At most 7 days."""
        return await self._days(GETUSERCUMULATE, models.UserCumulate, begin, end)

    async def getarticlesummary(self, day: date) -> models.ArticleSummary:
        """One day; no row for an article whose figures add up to less than three."""
        return await self._days(GETARTICLESUMMARY, models.ArticleSummary, day, day)

    async def getarticletotal(self, day: date) -> models.ArticleTotal:
        """Articles sent on one day, with up to seven days of figures each."""
        return await self._days(GETARTICLETOTAL, models.ArticleTotal, day, day)

    async def getuserread(self, begin: date, end: date) -> models.UserRead:
        """At most 3 days: a row per day and source."""
        return await self._days(GETUSERREAD, models.UserRead, begin, end)

    async def getusershare(self, begin: date, end: date) -> models.UserShare:
        """At most 7 days: a row per day and scene."""
        return await self._days(GETUSERSHARE, models.UserShare, begin, end)

    async def getupstreammsg(self, begin: date, end: date) -> models.UpstreamMessages:
        """At most 7 days: a row per day and kind of message."""
        return await self._days(GETUPSTREAMMSG, models.UpstreamMessages, begin, end)

    async def getbizsummary(self, day: date) -> models.BizSummary:
        """One day of all articles; the span is not confirmed by the vendor."""
        return await self._days(GETBIZSUMMARY, models.BizSummary, day, day)

    async def getarticletotaldetail(self, day: date) -> models.ArticleTotalDetail:
        """Articles that came out on one day, with up to thirty days of figures each."""
        return await self._days(GETARTICLETOTALDETAIL, models.ArticleTotalDetail, day, day)

    async def _days(self, endpoint: Endpoint, kind: type[T], begin: date, end: date) -> T:
        body = {"begin_date": begin.isoformat(), "end_date": end.isoformat()}
        return await self._api.post(endpoint, f"/datacube/{endpoint.name}", kind, body)
