"""Daily figures: every number of a row in its place, and no span that the platform would refuse."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adapters.base.errors import Invalid
from adapters.official_account import (
    ArticleDay,
    ArticleUntil,
    Attention,
    ContentUntil,
    MessageDay,
    OfficialAccountAdapter,
    ReadingDay,
    Reads,
    SharingDay,
)
from sandbox.server import Sandbox
from tests.adapters.official_account import scenes

READS = Reads(readers=120, reads=210, sharers=9, shares=12, keepers=2)
ARTICLE, TITLE = "206261912_1", "山岚轻羽绒服上新"


async def test_a_day_of_an_article_and_an_article_until_a_day(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    day = scenes.yesterday(sandbox)
    assert await main.article_day(day) == [ArticleDay(day, ARTICLE, TITLE, READS)]
    assert await main.articles_sent(day) == [ArticleUntil(day, day, ARTICLE, TITLE, 240, READS)]
    attention = Attention(readers=120, sharers=9, recommenders=5, likers=7, comments=3)
    assert await main.articles_published(day) == [ContentUntil(day, day, ARTICLE, True, attention, True)]


async def test_reading_sharing_and_writing_day_by_day(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    end = scenes.yesterday(sandbox)
    days = [end - timedelta(days=1), end]
    assert await main.reading_days(*days) == [
        ReadingDay(day, source, READS) for day in days for source in (99999999, 0)
    ]
    assert await main.sharing_days(*days) == [SharingDay(day, 1, 9, 12) for day in days]
    assert await main.message_days(*days) == [MessageDay(day, 1, 4, 11) for day in days]
    before = sandbox.kit.journal.count("official_account")
    for call, most in ((main.reading_days, 3), (main.sharing_days, 7), (main.message_days, 7)):
        for begin in (end - timedelta(days=most), end + timedelta(days=1)):
            with pytest.raises(Invalid) as wrong:
                await call(begin, end)
            assert wrong.value.reason == "date_span"
    assert sandbox.kit.journal.count("official_account") == before
