"""daily_reports/get and hourly_reports/get: figures of (seed, ad, day), always the same."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from adapters.social_ads.sandbox.envelope import (
    NOT_IN_RANGE,
    NOT_PERMITTED,
    WRONG_TYPE,
    Parameters,
    Refusal,
    matches,
    only,
    page_info,
)
from sandbox.clock import BEIJING
from sandbox.world import AdGroup

#: How many days back the brand advertised.
DAYS = 30
#: Dimensions beside the day or the hour.
_GROUPS: Mapping[str, tuple[str, ...]] = {
    "REPORT_LEVEL_ADVERTISER": (),
    "REPORT_LEVEL_ADGROUP": ("adgroup_id",),
}
_METRICS = ("view_count", "valid_click_count", "cost", "conversions_count")


def daily_row(ad: AdGroup, day: date, now: datetime, seed: int) -> dict[str, Any] | None:
    """The figures of one ad on one Beijing day as known at ``now``; None without traffic.

    Today's grow with the hours, and conversions arrive for two more days.
    """
    local = now.astimezone(BEIJING)
    today = local.date()
    if not max(ad.created_at.astimezone(BEIJING).date(), today - timedelta(days=DAYS)) <= day <= today:
        return None
    rng = random.Random(hashlib.sha256(f"{seed}/report/{ad.adgroup_id}/{day}".encode()).digest())
    gone = (local.hour * 60 + local.minute) / 1440 if day == today else 1.0
    cost = int(ad.daily_cost * rng.uniform(0.85, 1.15) * gone)
    if cost == 0:
        return None
    views = cost * 1000 // rng.randint(1400, 1700)
    clicks = views // rng.randint(45, 55)
    arrived = min(1.0, 0.6 + 0.2 * (today - day).days)
    return {
        "date": day.isoformat(),
        "adgroup_id": ad.adgroup_id,
        "view_count": views,
        "valid_click_count": clicks,
        "cost": cost,
        "conversions_count": int(clicks // 20 * arrived),
    }


def daily_reports(ads: Sequence[AdGroup], now: datetime, seed: int, parameters: Parameters) -> Mapping[str, Any]:
    """Rows of the asked days and ads, summed over what is not grouped by, derived rates beside them."""
    first, last = _days(parameters.object("date_range"), now)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    rows = [row for day in days for ad in ads if (row := daily_row(ad, day, now, seed))]
    return _answer(rows, "date", parameters)


def hourly_reports(ads: Sequence[AdGroup], now: datetime, seed: int, parameters: Parameters) -> Mapping[str, Any]:
    """As above by hour, of one day: a longer span is not documented."""
    first, last = _days(parameters.object("date_range"), now)
    if first != last:
        raise Refusal(NOT_IN_RANGE, "The parameter date_range must be one day.")
    rows = [row for ad in ads if (day := daily_row(ad, first, now, seed)) for row in _hours(day, first, now)]
    return _answer(rows, "hour", parameters)


def _hours(day: Mapping[str, Any], date_: date, now: datetime) -> list[dict[str, Any]]:
    """A day's figures over the hours that have begun; they sum to the day's exactly. Empty hours are missing."""
    local = now.astimezone(BEIJING)
    hours = local.hour + 1 if date_ == local.date() else 24
    rows = [
        {
            "hour": hour,
            "adgroup_id": day["adgroup_id"],
            **{name: day[name] * (hour + 1) // hours - day[name] * hour // hours for name in _METRICS},
        }
        for hour in range(hours)
    ]
    return [row for row in rows if any(row[name] for name in _METRICS)]


def _answer(rows: list[dict[str, Any]], unit: str, parameters: Parameters) -> Mapping[str, Any]:
    level = parameters.text("level")
    if level not in _GROUPS:
        raise Refusal(NOT_PERMITTED, f"The parameter level {level} is not permitted here.")
    if tuple(parameters.array("group_by")) != (unit, *_GROUPS[level]):
        raise Refusal(NOT_PERMITTED, f"The parameter group_by does not fit {level}.")
    filtering = parameters.array("filtering", ())
    rows = [row for row in rows if matches(row, filtering)]
    if level == "REPORT_LEVEL_ADVERTISER":
        rows = _summed(rows, unit)
    fields = parameters.array("fields")
    for order in reversed(parameters.array("order_by", ())):
        rows.sort(key=lambda row: row[order["sort_field"]], reverse=order["sort_type"] == "DESCENDING")
    page, size = parameters.page(100)
    shown = rows[(page - 1) * size : page * size]
    return {
        "list": [only(_with_rates(row), fields) for row in shown],
        "page_info": page_info(page, size, len(rows)),
    }


def _days(span: Mapping[str, Any], now: datetime) -> tuple[date, date]:
    try:
        first, last = date.fromisoformat(span["start_date"]), date.fromisoformat(span["end_date"])
    except (KeyError, TypeError, ValueError) as error:
        raise Refusal(WRONG_TYPE, "The parameter date_range needs start_date and end_date.") from error
    if not 0 <= (last - first).days < 90:
        raise Refusal(NOT_IN_RANGE, "The parameter date_range must be 90 days at most.")
    if first < now.astimezone(BEIJING).date() - timedelta(days=365):
        raise Refusal(NOT_IN_RANGE, "The parameter date_range must lie within the last 365 days.")
    return first, last


def _summed(rows: Sequence[Mapping[str, Any]], unit: str) -> list[dict[str, Any]]:
    units: dict[str, dict[str, Any]] = {}
    for row in rows:
        total = units.setdefault(row[unit], {unit: row[unit], **dict.fromkeys(_METRICS, 0)})
        for metric in _METRICS:
            total[metric] += row[metric]
    return list(units.values())


def _with_rates(row: Mapping[str, Any]) -> dict[str, Any]:
    views, clicks = row["view_count"], row["valid_click_count"]
    return {
        **row,
        "ctr": round(clicks / views, 4) if views else 0.0,
        "cpc": row["cost"] // clicks if clicks else 0,
        "thousand_display_price": row["cost"] * 1000 // views if views else 0,
    }
