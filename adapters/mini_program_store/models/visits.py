"""Figures of /datacube, one struct per shape. Days are ``20240501``, months ``202404``, weeks ``20240506-20240512``."""

from __future__ import annotations

import msgspec


class DailySummary(msgspec.Struct):
    """One day of getweanalysisappiddailysummarytrend."""

    ref_date: str
    visit_total: int = 0
    share_pv: int = 0
    share_uv: int = 0


class DailySummaries(msgspec.Struct):
    """Empty early in the day."""

    list: tuple[DailySummary, ...] = ()


class VisitTrend(msgspec.Struct):
    """One period; ``stay_time_…`` are seconds and, like ``visit_depth``, means."""

    ref_date: str
    session_cnt: int = 0
    visit_pv: int = 0
    visit_uv: int = 0
    visit_uv_new: int = 0
    stay_time_uv: float = 0.0
    stay_time_session: float = 0.0
    visit_depth: float = 0.0


class VisitTrends(msgspec.Struct):
    """getweanalysisappid{daily,weekly,monthly}visittrend."""

    list: tuple[VisitTrend, ...] = ()


class KeyValue(msgspec.Struct):
    """``key`` is a number of periods, or the platform's number of a group."""

    key: int = 0
    value: int = 0


class Retention(msgspec.Struct):
    """getweanalysisappid{daily,weekly,monthly}retaininfo."""

    ref_date: str = ""
    visit_uv_new: tuple[KeyValue, ...] = ()
    visit_uv: tuple[KeyValue, ...] = ()


class Distribution(msgspec.Struct):
    """One of the three groupings."""

    index: str
    item_list: tuple[KeyValue, ...] = ()


class Distributions(msgspec.Struct):
    """getweanalysisappidvisitdistribution."""

    ref_date: str = ""
    list: tuple[Distribution, ...] = ()


class PageVisits(msgspec.Struct):
    """One page of the mini-program; ``page_staytime_pv`` is seconds a view."""

    page_path: str
    page_visit_pv: int = 0
    page_visit_uv: int = 0
    page_staytime_pv: float = 0.0
    entrypage_pv: int = 0
    exitpage_pv: int = 0
    page_share_pv: int = 0
    page_share_uv: int = 0


class PagesVisited(msgspec.Struct):
    """getweanalysisappidvisitpage."""

    list: tuple[PageVisits, ...] = ()


class PortraitItem(msgspec.Struct):
    """``name`` says what ``id`` numbers; the latter is not read."""

    name: str = ""
    value: int = 0


class PortraitSide(msgspec.Struct):
    """Visitors by what is known of them."""

    province: tuple[PortraitItem, ...] = ()
    city: tuple[PortraitItem, ...] = ()
    genders: tuple[PortraitItem, ...] = ()
    platforms: tuple[PortraitItem, ...] = ()
    devices: tuple[PortraitItem, ...] = ()
    ages: tuple[PortraitItem, ...] = ()


class Portrait(msgspec.Struct):
    """getweanalysisappiduserportrait."""

    ref_date: str = ""
    visit_uv_new: PortraitSide = msgspec.field(default_factory=PortraitSide)
    visit_uv: PortraitSide = msgspec.field(default_factory=PortraitSide)
