"""Figures of official accounts: 用户分析, 消息分析, 图文分析."""

from __future__ import annotations

from datetime import date as date_type
from typing import Annotated

import strawberry

from adapters.official_account import Attention, ContentDay, ContentUntil, Reads
from gateway.resolvers import follower_figures
from gateway.resolvers.follower_figures import MOST_DAYS, MOST_DAYS_OF_ARTICLES, Span
from gateway.schema.info import Info
from gateway.schema.scalars import Long

_DAY = "Business date (Asia/Shanghai)."
From = Annotated[date_type, strawberry.argument(name="from", description="The first business date (Asia/Shanghai).")]
Until = Annotated[
    date_type, strawberry.argument(description="The business date after the last one: today at the latest.")
]
Account = Annotated[
    str | None, strawberry.argument(description="appid; the first official account of the settings without one.")
]


@strawberry.type(description="Who came and who left on one day, by one way (用户增减).")
class FollowerGrowth:
    """Growth."""

    date: date_type = strawberry.field(description=_DAY)
    source: int = strawberry.field(
        description="The platform's number of the way (用户渠道): 0 other, 1 search, 17 a card, 30 a QR code."
    )
    joined: Long = strawberry.field(description="New followers (新增用户).")
    left: Long = strawberry.field(description="Followers who left (取消关注).")


@strawberry.type(description="How many follow at the end of a day (累计用户).")
class FollowerTotal:
    """Total."""

    date: date_type = strawberry.field(description=_DAY)
    followers: Long = strawberry.field(description="Followers (累计用户数).")


@strawberry.type(description="What followers wrote on one day, of one kind (消息发送概况).")
class FollowerMessages:
    """Messages."""

    date: date_type = strawberry.field(description=_DAY)
    kind: int = strawberry.field(
        description="The platform's number of the kind (消息类型): 1 text, 2 picture, 3 voice, 4 video, 6 link."
    )
    writers: Long = strawberry.field(description="Who wrote (发送用户数).")
    messages: Long = strawberry.field(description="Messages (消息总数).")


@strawberry.type(description="Figures of an account's followers over some days, asked of the platform now.")
class FollowerStatistics:
    """Statistics."""

    span: strawberry.Private[Span]

    @strawberry.field(description="Day by day and way by way. One call per seven days.")
    async def growth(self, info: Info) -> list[FollowerGrowth] | None:
        return [
            FollowerGrowth(date=each.day, source=each.source, joined=Long(each.joined), left=Long(each.left))
            for each in await follower_figures.growth(info.context, self.span)
        ]

    @strawberry.field(description="Day by day. One call per seven days.")
    async def totals(self, info: Info) -> list[FollowerTotal] | None:
        found = await follower_figures.totals(info.context, self.span)
        return [FollowerTotal(date=each.day, followers=Long(each.followers)) for each in found]

    @strawberry.field(description="Day by day and kind by kind. One call per seven days.")
    async def messages(self, info: Info) -> list[FollowerMessages] | None:
        return [
            FollowerMessages(date=each.day, kind=each.kind, writers=Long(each.writers), messages=Long(each.messages))
            for each in await follower_figures.messages(info.context, self.span)
        ]


@strawberry.type(description="How much was made of content, in people; comments are counted one by one.")
class ContentAttention:
    """Attention."""

    readers: Long = strawberry.field(description="阅读人数.")
    sharers: Long = strawberry.field(description="分享人数.")
    recommenders: Long = strawberry.field(description="在看人数.")
    likers: Long = strawberry.field(description="点赞人数.")
    comments: Long = strawberry.field(description="留言条数.")

    @classmethod
    def of(cls, record: Attention) -> ContentAttention:
        return cls(
            readers=Long(record.readers),
            sharers=Long(record.sharers),
            recommenders=Long(record.recommenders),
            likers=Long(record.likers),
            comments=Long(record.comments),
        )


@strawberry.type(description="All content of the account on one day (发表内容概况).")
class ContentFigures:
    """Content."""

    date: date_type = strawberry.field(description=_DAY)
    attention: ContentAttention = strawberry.field(description="What was made of it.")
    complete: bool = strawberry.field(description="False while the platform still counts this day.")

    @classmethod
    def of(cls, record: ContentDay) -> ContentFigures:
        return cls(date=record.day, attention=ContentAttention.of(record.attention), complete=record.complete)


@strawberry.type(description="One article from its publication to the end of a day (发表内容累计详情).")
class ArticleFigures:
    """Article."""

    article: str = strawberry.field(
        description="The platform's name of it (msgid): of a mass message its dataId, _ and the place from 1."
    )
    published_on: date_type = strawberry.field(description="When it came out: a business date (Asia/Shanghai).")
    date: date_type = strawberry.field(description="The end of this business date is meant (Asia/Shanghai).")
    notified: bool = strawberry.field(description="Whether it went out as a mass message (群发).")
    attention: ContentAttention = strawberry.field(description="What was made of it, up to then.")
    complete: bool = strawberry.field(description="False while the platform still counts.")

    @classmethod
    def of(cls, record: ContentUntil) -> ArticleFigures:
        return cls(
            article=record.article,
            published_on=record.published_on,
            date=record.day,
            notified=record.notified,
            attention=ContentAttention.of(record.attention),
            complete=record.complete,
        )


@strawberry.type(description="All articles on one day by where they were read (图文统计).")
class ArticleReading:
    """Reading."""

    date: date_type = strawberry.field(description=_DAY)
    source: int = strawberry.field(
        description="The platform's number of the place: 0 the account's chat, 1 friends, 2 moments, 4 its history,"
        " 5 other, 6 看一看, 7 search."
    )
    readers: Long = strawberry.field(description="阅读人数.")
    reads: Long = strawberry.field(description="阅读次数.")
    sharers: Long = strawberry.field(description="分享人数.")
    shares: Long = strawberry.field(description="分享次数.")
    keepers: Long = strawberry.field(description="收藏人数.")

    @classmethod
    def of(cls, day: date_type, source: int, record: Reads) -> ArticleReading:
        return cls(
            date=day,
            source=source,
            readers=Long(record.readers),
            reads=Long(record.reads),
            sharers=Long(record.sharers),
            shares=Long(record.shares),
            keepers=Long(record.keepers),
        )


@strawberry.type(description="How often an article was read, shared and kept.")
class ArticleReads:
    """Reads."""

    readers: Long = strawberry.field(description="图文页阅读人数.")
    reads: Long = strawberry.field(description="图文页阅读次数.")
    sharers: Long = strawberry.field(description="分享人数.")
    shares: Long = strawberry.field(description="分享次数.")
    keepers: Long = strawberry.field(description="收藏人数.")

    @classmethod
    def of(cls, record: Reads) -> ArticleReads:
        return cls(
            readers=Long(record.readers),
            reads=Long(record.reads),
            sharers=Long(record.sharers),
            shares=Long(record.shares),
            keepers=Long(record.keepers),
        )


@strawberry.type(description="An article on one day (图文群发每日数据).")
class ArticleDayFigures:
    """Day."""

    date: date_type = strawberry.field(description=_DAY)
    article: str = strawberry.field(description="The platform's name of it (msgid); see ArticleFigures.article.")
    title: str = strawberry.field(description="标题.")
    reads: ArticleReads = strawberry.field(description="What was made of it on this day.")


@strawberry.type(description="An article from its mass message to the end of a day (图文群发总数据).")
class SentArticleFigures:
    """Article."""

    article: str = strawberry.field(description="The platform's name of it (msgid); see ArticleFigures.article.")
    title: str = strawberry.field(description="标题.")
    sent_on: date_type = strawberry.field(description="When it went out: a business date (Asia/Shanghai).")
    date: date_type = strawberry.field(description="The end of this business date is meant (Asia/Shanghai).")
    targets: Long = strawberry.field(description="Followers who were meant (送达人数).")
    reads: ArticleReads = strawberry.field(description="What was made of it, up to then.")


@strawberry.type(description="All articles on one day by where they were shared (图文分享转发).")
class ArticleSharing:
    """Sharing."""

    date: date_type = strawberry.field(description=_DAY)
    scene: int = strawberry.field(description="The platform's number: 1 friends, 2 moments, 255 elsewhere.")
    sharers: Long = strawberry.field(description="分享人数.")
    shares: Long = strawberry.field(description="分享次数.")


@strawberry.type(description="Figures of an account's articles over some days, asked of the platform now.")
class ArticleStatistics:
    """Statistics."""

    span: strawberry.Private[Span]

    @strawberry.field(description="All content day by day. One call per day.")
    async def content(self, info: Info) -> list[ContentFigures] | None:
        return [ContentFigures.of(each) for each in await follower_figures.content(info.context, self.span)]

    @strawberry.field(
        description="Articles that came out on these days, each day by day for up to thirty. One call per day."
    )
    async def articles(self, info: Info) -> list[ArticleFigures] | None:
        return [ArticleFigures.of(each) for each in await follower_figures.articles(info.context, self.span)]

    @strawberry.field(
        description="Each article of mass messages on each of the days, but those with next to no readers. One call"
        " per day; the platform lets this one run out."
    )
    async def daily(self, info: Info) -> list[ArticleDayFigures] | None:
        return [
            ArticleDayFigures(date=each.day, article=each.article, title=each.title, reads=ArticleReads.of(each.reads))
            for each in await follower_figures.daily(info.context, self.span)
        ]

    @strawberry.field(
        description="Articles that went out as mass messages on these days, each day by day for up to seven, with how"
        " many were meant. One call per day; the platform lets this one run out."
    )
    async def sent(self, info: Info) -> list[SentArticleFigures] | None:
        return [
            SentArticleFigures(
                article=each.article,
                title=each.title,
                sent_on=each.sent_on,
                date=each.day,
                targets=Long(each.targets),
                reads=ArticleReads.of(each.reads),
            )
            for each in await follower_figures.sent(info.context, self.span)
        ]

    @strawberry.field(
        description="Where articles were read. One call per three days; the platform lets this one run out."
    )
    async def reading(self, info: Info) -> list[ArticleReading] | None:
        found = await follower_figures.reading(info.context, self.span)
        return [ArticleReading.of(each.day, each.source, each.reads) for each in found]

    @strawberry.field(
        description="Where articles were shared. One call per seven days; the platform lets this one run out."
    )
    async def sharing(self, info: Info) -> list[ArticleSharing] | None:
        return [
            ArticleSharing(date=each.day, scene=each.scene, sharers=Long(each.sharers), shares=Long(each.shares))
            for each in await follower_figures.sharing(info.context, self.span)
        ]


@strawberry.type(description="Questions about figures of official accounts.")
class FollowerFigureQueries:
    """Figures."""

    @strawberry.field(
        description="Figures of an official account's followers (用户分析, 消息分析), live: at most 30 days, up to"
        " yesterday, which is whole from 8:00 on. Needs the scope statistics:read."
    )
    async def follower_statistics(
        self, info: Info, start: From, until: Until, account: Account = None
    ) -> FollowerStatistics | None:
        return FollowerStatistics(span=follower_figures.span(info.context, account, start, until, MOST_DAYS))

    @strawberry.field(
        description="Figures of an official account's articles (图文分析), live: at most 7 days, up to yesterday, which"
        " is whole from 8:00 on. Needs the scope statistics:read."
    )
    async def article_statistics(
        self, info: Info, start: From, until: Until, account: Account = None
    ) -> ArticleStatistics | None:
        span = follower_figures.span(info.context, account, start, until, MOST_DAYS_OF_ARTICLES)
        return ArticleStatistics(span=span)
