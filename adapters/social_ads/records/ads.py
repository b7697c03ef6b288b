"""Advertiser, ads, creatives and their figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class AdGroup:
    """An ad (广告, ``adgroup`` in v3, which has no campaign). ``status`` is the platform's system_status."""

    account_id: int
    adgroup_id: int
    name: str
    status: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class DailyReport:
    """One ad on one Beijing day. A day without traffic has no report.

    ``cost`` is fen. ``conversions`` keep arriving for days after the click: read the last days again.
    """

    account_id: int
    adgroup_id: int
    day: date
    impressions: int
    clicks: int
    cost: int
    conversions: int


@dataclass(frozen=True, slots=True)
class HourlyReport:
    """One ad in one hour of a Beijing day, ``hour`` 0 to 23; otherwise as ``DailyReport``."""

    account_id: int
    adgroup_id: int
    day: date
    hour: int
    impressions: int
    clicks: int
    cost: int
    conversions: int


@dataclass(frozen=True, slots=True)
class Advertiser:
    """The account itself (广告主). ``daily_budget`` fen, None is no limit; ``status`` the platform's system_status."""

    account_id: int
    company: str
    status: str
    daily_budget: int | None


@dataclass(frozen=True, slots=True)
class Fund:
    """One purse of the account (资金账户), fen. ``kind``: FUND_TYPE_CASH, FUND_TYPE_GIFT, FUND_TYPE_SHARED …"""

    kind: str
    status: str
    balance: int
    spent_today: int


@dataclass(frozen=True, slots=True)
class RealtimeCost:
    """What one ad has cost on a day so far, fen; reports come later and are what counts."""

    adgroup_id: int
    cost: int


@dataclass(frozen=True, slots=True)
class Creative:
    """A creative (动态创意) of an ad. ``review`` is the platform's creative_set_approval_status."""

    creative_id: int
    adgroup_id: int
    name: str
    kind: str
    active: bool
    review: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AdDraft:
    """An ad to be created, suspended: it runs when somebody gives it creatives and switches it on.

    Attributes:
        name: unique in the account, at most 180 bytes.
        marketing_goal, carrier, bid_mode, optimization_goal, sites: the platform's words
            (MARKETING_GOAL_PRODUCT_SALES, MARKETING_CARRIER_TYPE_MINI_PROGRAM_WECHAT, BID_MODE_OCPM,
            OPTIMIZATIONGOAL_ECOMMERCE_ORDER, SITE_SET_MOMENTS …).
        starts, ends: Beijing days, both included by the platform; ``ends`` None is open.
        bid: fen.
        daily_budget: fen, 5,000 to 400,000,000; None is no limit.
        audiences, excluded_audiences: ids of audiences.
    """

    name: str
    marketing_goal: str
    carrier: str
    starts: date
    ends: date | None
    bid_mode: str
    bid: int
    optimization_goal: str
    sites: tuple[str, ...]
    daily_budget: int | None = None
    audiences: tuple[int, ...] = ()
    excluded_audiences: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AdEdit:
    """What is to be other about an ad; None stays as it is.

    Attributes:
        name, bid, starts, ends: as in ``AdDraft``.
        endless: it has no last day from now on; not together with ``ends``.
    """

    name: str | None = None
    bid: int | None = None
    starts: date | None = None
    ends: date | None = None
    endless: bool = False


@dataclass(frozen=True, slots=True)
class AdChanged:
    """The platform made this ad's change of a batch."""

    adgroup_id: int
