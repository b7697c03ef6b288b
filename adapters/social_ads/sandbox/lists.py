"""Rows of ads, creatives and leads, and lists of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
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
from sandbox.world import AdGroup, Lead, Person

LEADS_BY_PAGE = 5000


def adgroup_row(ad: AdGroup) -> dict[str, Any]:
    """An ad as adgroups/get shows it."""
    active = ad.status == "ADGROUP_STATUS_ACTIVE"
    since = int(ad.created_at.timestamp())
    return {
        "adgroup_id": ad.adgroup_id,
        "adgroup_name": ad.name,
        "marketing_goal": "MARKETING_GOAL_PRODUCT_SALES",
        "marketing_carrier_type": "MARKETING_CARRIER_TYPE_MINI_PROGRAM_WECHAT",
        "configured_status": "AD_STATUS_NORMAL" if active else "AD_STATUS_SUSPEND",
        "system_status": ad.status,
        "begin_date": f"{ad.created_at.astimezone(BEIJING):%Y-%m-%d}",
        "end_date": "",
        "bid_mode": "BID_MODE_OCPM",
        "daily_budget": 100_000,
        "is_deleted": False,
        "created_time": since,
        "last_modified_time": since,
    }


def creative_row(number: int, ad: AdGroup) -> dict[str, Any]:
    """The one creative of an ad, as dynamic_creatives/get shows it."""
    since = int(ad.created_at.timestamp())
    return {
        "dynamic_creative_id": number,
        "dynamic_creative_name": f"{ad.name} 创意",
        "adgroup_id": ad.adgroup_id,
        "delivery_mode": "DELIVERY_MODE_COMPONENT",
        "dynamic_creative_type": "DYNAMIC_CREATIVE_TYPE_PROGRAM",
        "creative_components": {"title": [{"value": {"content": ad.name}}]},
        "configured_status": "AD_STATUS_NORMAL",
        "creative_set_approval_status": "CREATIVE_SET_APPROVAL_STATUS_NORMAL",
        "is_deleted": False,
        "created_time": since,
        "last_modified_time": since,
    }


def by_page_or_cursor(
    rows: Sequence[dict[str, Any]], parameters: Parameters, short: Sequence[str]
) -> Mapping[str, Any]:
    """A list call; ``short`` is what comes without ``fields``. The cursor is the number of rows already given."""
    fields = parameters.array("fields", short)
    filtering = parameters.array("filtering", ())
    rows = [row for row in rows if matches(row, filtering)]
    page, size = parameters.page(100)
    mode = parameters.text("pagination_mode", "PAGINATION_MODE_NORMAL")
    info: dict[str, dict[str, Any]]
    if mode == "PAGINATION_MODE_NORMAL":
        shown = rows[(page - 1) * size : page * size]
        info = {"page_info": page_info(page, size, len(rows))}
    elif mode == "PAGINATION_MODE_CURSOR":
        start = parameters.integer("cursor", 0)
        shown = rows[start : start + size]
        more = start + size < len(rows)
        info = {
            "cursor_page_info": {
                "page_size": size,
                "total_number": len(rows),
                "has_more": more,
                "cursor": str(start + size) if more else "",
            }
        }
    else:
        raise Refusal(NOT_PERMITTED, "The parameter pagination_mode is not permitted here.")
    return {"list": [only(row, fields) for row in shown], **info}


def leads(found: Sequence[Lead], people: Mapping[str, Person], parameters: Parameters) -> Mapping[str, Any]:
    """Newest first; 5,000 rows by page, then on from ``last_search_after_values``."""
    span = parameters.object("time_range")
    start, end = span.get("start_time"), span.get("end_time")
    if not isinstance(start, int) or not isinstance(end, int):
        raise Refusal(WRONG_TYPE, "The parameter time_range needs integers start_time and end_time.")
    if span.get("time_type") not in {"TIME_TYPE_CREATED_TIME", "TIME_TYPE_ACTION_TIME"}:
        raise Refusal(NOT_PERMITTED, "The parameter time_range.time_type is not permitted here.")
    if not 0 <= end - start <= timedelta(days=366).total_seconds():
        raise Refusal(NOT_IN_RANGE, "The parameter time_range must be one year at most.")
    page, size = parameters.page(200, 1000)
    rows = sorted(
        (lead for lead in found if start <= _seconds(lead.created_at) <= end),
        key=lambda lead: (_seconds(lead.created_at), lead.leads_id),
        reverse=True,
    )
    total = len(rows)
    after = parameters.array("last_search_after_values", ())
    if after:
        if len(after) != 2 or not all(isinstance(v, str) and v.isdigit() for v in after):
            raise Refusal(WRONG_TYPE, "The parameter last_search_after_values must be two digit strings.")
        place = (int(after[0]) // 1000, int(after[1]))
        rows = [lead for lead in rows if (_seconds(lead.created_at), lead.leads_id) < place][:size]
    else:
        if page * size > LEADS_BY_PAGE:
            raise Refusal(NOT_IN_RANGE, "Over 5000 rows, use last_search_after_values.")
        rows = rows[(page - 1) * size : page * size]
    fields = parameters.array("fields", ("account_id", "leads_id", "leads_create_time"))
    shown = [only(_lead_row(lead, people[lead.person]), fields) for lead in rows]
    return {"leads_info": shown, "page_info": page_info(page, size, total)}


def _lead_row(lead: Lead, person: Person) -> dict[str, Any]:
    at = f"{lead.created_at.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}"
    return {
        "account_id": lead.account_id,
        "leads_id": lead.leads_id,
        "click_id": lead.click_id,
        "adgroup_id": str(lead.adgroup_id),
        "leads_type": "LEADS_TYPE_FORM",
        "leads_name": person.name,
        "leads_telephone": person.phone,
        "leads_create_time": at,
        "leads_action_time": at,
        "leads_follow_tag": "LEADS_FOLLOW_TAG_DEFAULT",
        "bundle": "{}",
    }


def _seconds(at: datetime) -> int:
    return int(at.timestamp())
