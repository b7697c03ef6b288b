"""Figures of visits of mini-programs: 访问分析."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date as date_type
from datetime import timedelta
from enum import Enum
from typing import Annotated

import strawberry

from adapters.mini_program_store import PageVisits, Retention, Span, VisitorPortrait, VisitTotals, VisitTrend
from adapters.mini_program_store import VisitDistribution as DistributionRecord
from adapters.mini_program_store import VisitorGroups as GroupsRecord
from gateway.resolvers import visit_figures
from gateway.resolvers.visit_figures import Visited
from gateway.schema.info import Info
from gateway.schema.scalars import Long

_DAY = "Business date (Asia/Shanghai)."
_FIRST_DAY = "The first business date (Asia/Shanghai)."
_DAY_AFTER = "The business date after the last one."


@strawberry.enum(description="What figures of visits are counted over (统计周期).")
class VisitSpan(Enum):
    """Span."""

    DAY = strawberry.enum_value("DAY", description="日.")
    WEEK = strawberry.enum_value("WEEK", description="自然周: from Monday to Sunday.")
    MONTH = strawberry.enum_value("MONTH", description="自然月.")


Per = Annotated[
    VisitSpan,
    strawberry.argument(description="Days, or the weeks or months that lie in the question as a whole."),
]


@strawberry.type(description="A mini-program at the end of a day (访问概况).")
class VisitTotal:
    """Total."""

    date: date_type = strawberry.field(description=_DAY)
    visitors: Long = strawberry.field(description="Visitors since the beginning (累计用户数).")
    shares: Long = strawberry.field(description="Shares on this day (转发次数).")
    sharers: Long = strawberry.field(description="People who shared on this day (转发人数).")

    @classmethod
    def of(cls, record: VisitTotals) -> VisitTotal:
        return cls(
            date=record.day,
            visitors=Long(record.visitors),
            shares=Long(record.shares),
            sharers=Long(record.sharers),
        )


@strawberry.type(description="Visits of a mini-program in a day, a week or a month (访问趋势).")
class VisitFigures:
    """Trend."""

    start: date_type = strawberry.field(name="from", description=_FIRST_DAY)
    until: date_type = strawberry.field(description=_DAY_AFTER)
    sessions: Long = strawberry.field(description="打开次数.")
    views: Long = strawberry.field(description="访问次数: of pages.")
    visitors: Long = strawberry.field(description="访问人数: those of days do not add up to those of their week.")
    new_visitors: Long = strawberry.field(description="新用户数.")
    seconds_per_visitor: float = strawberry.field(description="人均停留时长, in seconds.")
    seconds_per_session: float = strawberry.field(description="次均停留时长, in seconds.")
    depth: float = strawberry.field(description="平均访问深度: pages of a session, on average.")

    @classmethod
    def of(cls, record: VisitTrend) -> VisitFigures:
        return cls(
            start=record.begin,
            until=record.end + timedelta(days=1),
            sessions=Long(record.sessions),
            views=Long(record.views),
            visitors=Long(record.visitors),
            new_visitors=Long(record.new_visitors),
            seconds_per_visitor=record.seconds_per_visitor,
            seconds_per_session=record.seconds_per_session,
            depth=record.depth,
        )


@strawberry.type(description="Visitors who came in a span, and again so many spans later.")
class VisitReturn:
    """Return."""

    later: int = strawberry.field(description="Spans later: 0 is the span itself.")
    visitors: Long = strawberry.field(description="How many came then (活跃用户留存).")
    new_visitors: Long = strawberry.field(description="Of those who were new in the span (新增用户留存).")


@strawberry.type(description="Who came again after a day, a week or a month (访问留存).")
class VisitRetention:
    """Retention."""

    start: date_type = strawberry.field(name="from", description=_FIRST_DAY)
    until: date_type = strawberry.field(description=_DAY_AFTER)
    returns: list[VisitReturn] = strawberry.field(description="As far as the platform has counted by now.")

    @classmethod
    def of(cls, record: Retention) -> VisitRetention:
        return cls(
            start=record.begin,
            until=record.end + timedelta(days=1),
            returns=[
                VisitReturn(
                    later=later,
                    visitors=Long(record.visitors.get(later, 0)),
                    new_visitors=Long(record.new_visitors.get(later, 0)),
                )
                for later in sorted({*record.visitors, *record.new_visitors})
            ],
        )


@strawberry.type(description="Sessions of one kind, by the platform's own number of it.")
class VisitBucket:
    """Bucket."""

    key: int = strawberry.field(description="The platform's number.")
    sessions: Long = strawberry.field(description="打开次数.")


@strawberry.type(description="A day's sessions by where they came from, how long and how deep they were (访问分布).")
class VisitDistribution:
    """Distribution."""

    date: date_type = strawberry.field(description=_DAY)
    sources: list[VisitBucket] = strawberry.field(
        description="By source (访问来源), in the platform's own list of them."
    )
    lengths: list[VisitBucket] = strawberry.field(description="By length (访问时长), in the platform's steps.")
    depths: list[VisitBucket] = strawberry.field(description="By depth (访问深度), in the platform's steps.")

    @classmethod
    def of(cls, record: DistributionRecord) -> VisitDistribution:
        return cls(
            date=record.day,
            sources=_buckets(record.sources),
            lengths=_buckets(record.lengths),
            depths=_buckets(record.depths),
        )


@strawberry.type(description="One page of a mini-program on one day (访问页面).")
class VisitedPage:
    """Page."""

    date: date_type = strawberry.field(description=_DAY)
    path: str = strawberry.field(description="页面路径.")
    views: Long = strawberry.field(description="访问次数.")
    visitors: Long = strawberry.field(description="访问人数.")
    seconds_per_view: float = strawberry.field(description="次均停留时长, in seconds.")
    entries: Long = strawberry.field(description="进入页次数.")
    exits: Long = strawberry.field(description="退出页次数.")
    shares: Long = strawberry.field(description="转发次数.")
    sharers: Long = strawberry.field(description="转发人数.")

    @classmethod
    def of(cls, record: PageVisits) -> VisitedPage:
        return cls(
            date=record.day,
            path=record.path,
            views=Long(record.views),
            visitors=Long(record.visitors),
            seconds_per_view=record.seconds_per_view,
            entries=Long(record.entries),
            exits=Long(record.exits),
            shares=Long(record.shares),
            sharers=Long(record.sharers),
        )


@strawberry.type(description="Visitors of one kind, by the platform's own name of it.")
class VisitorGroup:
    """Group."""

    name: str = strawberry.field(description="The platform's name.")
    visitors: Long = strawberry.field(description="访问人数.")


@strawberry.type(description="Visitors by what the platform knows of them.")
class VisitorGroups:
    """Groups."""

    provinces: list[VisitorGroup] = strawberry.field(description="省份.")
    cities: list[VisitorGroup] = strawberry.field(description="城市.")
    genders: list[VisitorGroup] = strawberry.field(description="性别.")
    platforms: list[VisitorGroup] = strawberry.field(description="终端类型.")
    devices: list[VisitorGroup] = strawberry.field(description="机型.")
    ages: list[VisitorGroup] = strawberry.field(description="年龄.")

    @classmethod
    def of(cls, record: GroupsRecord) -> VisitorGroups:
        return cls(
            provinces=_groups(record.provinces),
            cities=_groups(record.cities),
            genders=_groups(record.genders),
            platforms=_groups(record.platforms),
            devices=_groups(record.devices),
            ages=_groups(record.ages),
        )


@strawberry.type(description="Who visited, in groups and never one by one (用户画像).")
class VisitPortrait:
    """Portrait."""

    visitors: VisitorGroups = strawberry.field(description="活跃用户画像.")
    new_visitors: VisitorGroups = strawberry.field(description="新增用户画像.")

    @classmethod
    def of(cls, record: VisitorPortrait) -> VisitPortrait:
        return cls(visitors=VisitorGroups.of(record.visitors), new_visitors=VisitorGroups.of(record.new_visitors))


def _buckets(counts: Mapping[int, int]) -> list[VisitBucket]:
    return [VisitBucket(key=key, sessions=Long(count)) for key, count in sorted(counts.items())]


def _groups(counts: Mapping[str, int]) -> list[VisitorGroup]:
    return [VisitorGroup(name=name, visitors=Long(count)) for name, count in counts.items()]


@strawberry.type(description="Figures of a mini-program's visits over some days, asked of the platform now.")
class VisitStatistics:
    """Statistics."""

    span: strawberry.Private[Visited]

    @strawberry.field(description="Day by day. One call per day, of at most 31.")
    async def totals(self, info: Info) -> list[VisitTotal] | None:
        return [VisitTotal.of(each) for each in await visit_figures.totals(info.context, self.span)]

    @strawberry.field(description="By day, week or month. One call each, of at most 31.")
    async def trend(self, info: Info, per: Per = VisitSpan.DAY) -> list[VisitFigures] | None:
        found = await visit_figures.trend(info.context, self.span, Span[per.name])
        return [VisitFigures.of(each) for each in found]

    @strawberry.field(description="By day, week or month. One call each, of at most 31.")
    async def retention(self, info: Info, per: Per = VisitSpan.DAY) -> list[VisitRetention] | None:
        found = await visit_figures.retention(info.context, self.span, Span[per.name])
        return [VisitRetention.of(each) for each in found]

    @strawberry.field(description="Day by day. One call per day, of at most 31.")
    async def distribution(self, info: Info) -> list[VisitDistribution] | None:
        return [VisitDistribution.of(each) for each in await visit_figures.distribution(info.context, self.span)]

    @strawberry.field(description="Day by day, the most viewed first. One call per day, of at most 31.")
    async def pages(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="How many of each day: 200 at most.")] = 20,
    ) -> list[VisitedPage] | None:
        return [VisitedPage.of(each) for each in await visit_figures.pages(info.context, self.span, first)]

    @strawberry.field(description="Of all these days, which must be the last 1, 7 or 30. One call.")
    async def portrait(self, info: Info) -> VisitPortrait | None:
        return VisitPortrait.of(await visit_figures.portrait(info.context, self.span))


@strawberry.type(description="Questions about visits of mini-programs.")
class VisitFigureQueries:
    """Figures."""

    @strawberry.field(
        description="Figures of a mini-program's visits (访问分析), live: at most 92 days, up to yesterday. Needs the"
        " scope statistics:read."
    )
    async def visit_statistics(
        self,
        info: Info,
        start: Annotated[date_type, strawberry.argument(name="from", description=_FIRST_DAY)],
        until: Annotated[
            date_type, strawberry.argument(description="The business date after the last one: today at the latest.")
        ],
        app: Annotated[
            str | None,
            strawberry.argument(description="appid; the first mini-program of the settings without one."),
        ] = None,
    ) -> VisitStatistics | None:
        return VisitStatistics(span=visit_figures.span(info.context, app, start, until))
