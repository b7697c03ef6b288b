"""How a mini-program is visited (访问分析). Days are Beijing's."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date


class Span(enum.StrEnum):
    """What a figure is counted over: a day, a week from Monday, a calendar month."""

    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"


@dataclass(frozen=True, slots=True)
class VisitTotals:
    """``visitors`` so far, since the beginning; ``shares`` and ``sharers`` of the day."""

    appid: str
    day: date
    visitors: int
    shares: int
    sharers: int


@dataclass(frozen=True, slots=True)
class VisitTrend:
    """Visits of one span. Times are mean seconds, ``depth`` the mean number of pages of a session."""

    appid: str
    begin: date
    end: date
    sessions: int
    views: int
    visitors: int
    new_visitors: int
    seconds_per_visitor: float
    seconds_per_session: float
    depth: float


@dataclass(frozen=True, slots=True)
class Retention:
    """Visitors of a span who came again: spans later → how many, with 0 for the span itself."""

    appid: str
    begin: date
    end: date
    new_visitors: Mapping[int, int]
    visitors: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class VisitDistribution:
    """Sessions of a day by the platform's numbers of sources, of lengths and of depths (场景值 and its tables)."""

    appid: str
    day: date
    sources: Mapping[int, int]
    lengths: Mapping[int, int]
    depths: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class PageVisits:
    """One page of a mini-program on one day; ``seconds_per_view`` is a mean."""

    appid: str
    day: date
    path: str
    views: int
    visitors: int
    seconds_per_view: float
    entries: int
    exits: int
    shares: int
    sharers: int


@dataclass(frozen=True, slots=True)
class VisitorGroups:
    """Visitors by the platform's own names of provinces, cities, genders, platforms, devices and ages."""

    provinces: Mapping[str, int]
    cities: Mapping[str, int]
    genders: Mapping[str, int]
    platforms: Mapping[str, int]
    devices: Mapping[str, int]
    ages: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class VisitorPortrait:
    """Who visited (用户画像)."""

    appid: str
    begin: date
    end: date
    new_visitors: VisitorGroups
    visitors: VisitorGroups
