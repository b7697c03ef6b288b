"""Daily figures (数据统计): each method refuses a span over the platform's own without asking it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta, timezone
from typing import Final

from adapters.base.runtime import Runtime
from adapters.official_account import figures
from adapters.official_account.account import Account
from adapters.official_account.client import StatisticsClient
from adapters.official_account.config import OfficialAccountConfig
from adapters.official_account.models.figures import Attention, Reading

_BEIJING: Final = timezone(timedelta(hours=8))


class Statistics(Account):
    """See ``OfficialAccountAdapter``. Days are Beijing's, both ends included; yesterday's are whole from 8:00 on."""

    def __init__(self, config: OfficialAccountConfig, runtime: Runtime) -> None:
        super().__init__(config, runtime)
        self._statistics = StatisticsClient(self._api)

    async def follower_days(self, begin: date, end: date) -> Sequence[figures.FollowerDay]:
        """Who came and left, a row per day and source; 7 days at most."""
        self._span(begin, end, 7)
        rows = (await self._statistics.getusersummary(begin, end)).rows
        return [figures.FollowerDay(row.ref_date, row.user_source, row.new_user, row.cancel_user) for row in rows]

    async def follower_totals(self, begin: date, end: date) -> Sequence[figures.FollowerTotal]:
        """How many follow at the end of each day; 7 days at most."""
        self._span(begin, end, 7)
        rows = (await self._statistics.getusercumulate(begin, end)).rows
        return [figures.FollowerTotal(row.ref_date, row.cumulate_user) for row in rows]

    async def article_day(self, day: date) -> Sequence[figures.ArticleDay]:
        """A day of each article; those with next to no readers are left out. The platform lets this call run out."""
        self._span(day, day, 1)
        rows = (await self._statistics.getarticlesummary(day)).rows
        return [figures.ArticleDay(row.ref_date, row.msgid, row.title, _reads(row)) for row in rows]

    async def articles_sent(self, day: date) -> Sequence[figures.ArticleUntil]:
        """Articles that were sent on a day, up to seven days on. The platform lets this call run out."""
        self._span(day, day, 1)
        rows = (await self._statistics.getarticletotal(day)).rows
        return [
            figures.ArticleUntil(row.ref_date, one.stat_date, row.msgid, row.title, one.target_user, _reads(one))
            for row in rows
            for one in row.details
        ]

    async def reading_days(self, begin: date, end: date) -> Sequence[figures.ReadingDay]:
        """Reading of all articles by where it happened; 3 days at most. The platform lets this call run out."""
        self._span(begin, end, 3)
        rows = (await self._statistics.getuserread(begin, end)).rows
        return [figures.ReadingDay(row.ref_date, row.user_source, _reads(row)) for row in rows]

    async def sharing_days(self, begin: date, end: date) -> Sequence[figures.SharingDay]:
        """Sharing of all articles by where they went; 7 days at most. The platform lets this call run out."""
        self._span(begin, end, 7)
        rows = (await self._statistics.getusershare(begin, end)).rows
        return [figures.SharingDay(row.ref_date, row.share_scene, row.share_user, row.share_count) for row in rows]

    async def message_days(self, begin: date, end: date) -> Sequence[figures.MessageDay]:
        """What followers wrote, a row per day and kind; 7 days at most."""
        self._span(begin, end, 7)
        rows = (await self._statistics.getupstreammsg(begin, end)).rows
        return [figures.MessageDay(row.ref_date, row.msg_type, row.msg_user, row.msg_count) for row in rows]

    async def content_day(self, day: date) -> Sequence[figures.ContentDay]:
        """All content of the account on a day; none where the platform has no figures."""
        self._span(day, day, 1)
        wire = await self._statistics.getbizsummary(day)
        return [figures.ContentDay(row.ref_date, _attention(row.detail), not wire.is_delay) for row in wire.rows]

    async def articles_published(self, day: date) -> Sequence[figures.ContentUntil]:
        """Articles that came out on a day, up to thirty days on, with and without a notification."""
        self._span(day, day, 1)
        wire = await self._statistics.getarticletotaldetail(day)
        return [
            figures.ContentUntil(
                row.ref_date, one.stat_date, row.msgid, row.publish_type == 0, _attention(one), not wire.is_delay
            )
            for row in wire.rows
            for one in row.detail_list
        ]

    def _span(self, begin: date, end: date, most: int) -> None:
        days = (end - begin).days + 1
        if not 1 <= days <= most:
            raise self._invalid("date_span", f"The span has {days} days; the platform allows 1 to {most}.")
        if end >= self._clock.now().astimezone(_BEIJING).date():
            raise self._invalid("date_span", "The platform has figures until yesterday, in Beijing's calendar.")


def _reads(row: Reading) -> figures.Reads:
    return figures.Reads(
        row.int_page_read_user, row.int_page_read_count, row.share_user, row.share_count, row.add_to_fav_user
    )


def _attention(row: Attention) -> figures.Attention:
    return figures.Attention(row.read_user, row.share_user, row.zaikan_user, row.like_user, row.comment_count)
