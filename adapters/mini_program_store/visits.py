"""How a mini-program is visited (访问分析). The platform has figures up to yesterday, in Beijing's days."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Final, Literal

from adapters.base.runtime import Runtime
from adapters.mini_program_store.account import Account
from adapters.mini_program_store.client import VisitsClient
from adapters.mini_program_store.config import MiniProgramStoreConfig
from adapters.mini_program_store.models import visits as models
from adapters.mini_program_store.records.visits import (
    PageVisits,
    Retention,
    Span,
    VisitDistribution,
    VisitorGroups,
    VisitorPortrait,
    VisitTotals,
    VisitTrend,
)

_SOURCES: Final = "access_source_session_cnt"
_LENGTHS: Final = "access_staytime_info"
_DEPTHS: Final = "access_depth_info"


class Visits(Account):
    """See ``MiniProgramStoreAdapter``."""

    def __init__(self, config: MiniProgramStoreConfig, runtime: Runtime) -> None:
        super().__init__(config, runtime)
        self._visits = VisitsClient(self._api)

    async def visit_totals(self, day: date) -> VisitTotals | None:
        """Visitors so far and a day's shares; None where they are not there yet."""
        self._must_be("mini_program")
        rows = (await self._visits.getweanalysisappiddailysummarytrend(day, day)).list
        return VisitTotals(self.account, day, rows[0].visit_total, rows[0].share_pv, rows[0].share_uv) if rows else None

    async def visit_trend(self, day: date, span: Span = Span.DAY) -> VisitTrend | None:
        """Visits of the day, or of the week or month around it; None where they are not there yet.

        Unavailable ``figures_not_ready``, or Invalid ``date_range`` for a span that is not over.
        """
        self._must_be("mini_program")
        ask = {
            Span.DAY: self._visits.getweanalysisappiddailyvisittrend,
            Span.WEEK: self._visits.getweanalysisappidweeklyvisittrend,
            Span.MONTH: self._visits.getweanalysisappidmonthlyvisittrend,
        }[span]
        begin, end = _around(day, span)
        rows = (await ask(begin, end)).list
        return _trend(self.account, begin, end, rows[0]) if rows else None

    async def visit_retention(self, day: date, span: Span = Span.DAY) -> Retention:
        """Who came again after the day, or after the week or month around it (访问留存)."""
        self._must_be("mini_program")
        ask = {
            Span.DAY: self._visits.getweanalysisappiddailyretaininfo,
            Span.WEEK: self._visits.getweanalysisappidweeklyretaininfo,
            Span.MONTH: self._visits.getweanalysisappidmonthlyretaininfo,
        }[span]
        begin, end = _around(day, span)
        wire = await ask(begin, end)
        return Retention(self.account, begin, end, _counts(wire.visit_uv_new), _counts(wire.visit_uv))

    async def visit_distribution(self, day: date) -> VisitDistribution:
        """Where a day's sessions came from, how long and how deep they were (访问分布)."""
        self._must_be("mini_program")
        wire = await self._visits.getweanalysisappidvisitdistribution(day, day)
        groups = {row.index: _counts(row.item_list) for row in wire.list}
        return VisitDistribution(
            self.account, day, groups.get(_SOURCES, {}), groups.get(_LENGTHS, {}), groups.get(_DEPTHS, {})
        )

    async def visited_pages(self, day: date) -> Sequence[PageVisits]:
        """A day's most visited pages (访问页面)."""
        self._must_be("mini_program")
        return [
            PageVisits(
                appid=self.account,
                day=day,
                path=row.page_path,
                views=row.page_visit_pv,
                visitors=row.page_visit_uv,
                seconds_per_view=row.page_staytime_pv,
                entries=row.entrypage_pv,
                exits=row.exitpage_pv,
                shares=row.page_share_pv,
                sharers=row.page_share_uv,
            )
            for row in (await self._visits.getweanalysisappidvisitpage(day, day)).list
        ]

    async def visitor_portrait(self, last: date, days: Literal[1, 7, 30] = 30) -> VisitorPortrait:
        """Who visited in the days up to ``last``, which is yesterday at the latest (用户画像)."""
        self._must_be("mini_program")
        begin = last - timedelta(days=days - 1)
        wire = await self._visits.getweanalysisappiduserportrait(begin, last)
        return VisitorPortrait(self.account, begin, last, _groups(wire.visit_uv_new), _groups(wire.visit_uv))


def _around(day: date, span: Span) -> tuple[date, date]:
    if span is Span.WEEK:
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=6)
    if span is Span.MONTH:
        return day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1])
    return day, day


def _trend(appid: str, begin: date, end: date, wire: models.VisitTrend) -> VisitTrend:
    return VisitTrend(
        appid=appid,
        begin=begin,
        end=end,
        sessions=wire.session_cnt,
        views=wire.visit_pv,
        visitors=wire.visit_uv,
        new_visitors=wire.visit_uv_new,
        seconds_per_visitor=wire.stay_time_uv,
        seconds_per_session=wire.stay_time_session,
        depth=wire.visit_depth,
    )


def _counts(rows: Sequence[models.KeyValue]) -> Mapping[int, int]:
    return {row.key: row.value for row in rows}


def _groups(wire: models.PortraitSide) -> VisitorGroups:
    return VisitorGroups(
        *(
            {item.name: item.value for item in items}
            for items in (wire.province, wire.city, wire.genders, wire.platforms, wire.devices, wire.ages)
        )
    )
