"""Advertiser, money, ads and creatives, in the platform's own field names."""

from __future__ import annotations

import msgspec

from adapters.social_ads.models.base import CursorPageInfo, PageInfo, Seconds


class Adgroup(msgspec.Struct):
    """An element of adgroups/get; times in Unix seconds."""

    adgroup_id: int
    adgroup_name: str
    system_status: str
    created_time: Seconds
    last_modified_time: Seconds


class Adgroups(msgspec.Struct):
    """adgroups/get, paged by cursor."""

    rows: list[Adgroup] = msgspec.field(name="list")
    cursor_page_info: CursorPageInfo


class Advertiser(msgspec.Struct):
    """An element of advertiser/get; ``daily_budget`` in fen, 0 is no limit."""

    account_id: int
    daily_budget: int = 0
    corporation_name: str = ""
    system_status: str = ""


class Advertisers(msgspec.Struct):
    """advertiser/get."""

    rows: list[Advertiser] = msgspec.field(name="list")


class Fund(msgspec.Struct):
    """An element of funds/get; fen."""

    fund_type: str
    balance: int
    fund_status: str
    realtime_cost: int = 0


class Funds(msgspec.Struct):
    """funds/get."""

    rows: list[Fund] = msgspec.field(name="list")


class RealtimeCost(msgspec.Struct):
    """An element of realtime_cost/get; fen."""

    adgroup_id: int
    cost: int


class RealtimeCosts(msgspec.Struct):
    """realtime_cost/get. Its paging is not documented, so an answer without it is the whole list."""

    rows: list[RealtimeCost] = msgspec.field(name="list")
    page_info: PageInfo | None = None


class AdgroupCreated(msgspec.Struct):
    """adgroups/add."""

    adgroup_id: int


class StatusChange(msgspec.Struct):
    """An item of adgroups/update_configured_status."""

    adgroup_id: int
    configured_status: str


class BudgetChange(msgspec.Struct):
    """An item of adgroups/update_daily_budget; fen."""

    adgroup_id: int
    daily_budget: int


class ChangedAdgroup(msgspec.Struct):
    """What became of one ad in a batch; code 0 is done."""

    adgroup_id: int
    code: int = 0
    message: str = ""


class Changed(msgspec.Struct):
    """Answer of the batch updates, in the order of the request."""

    rows: list[ChangedAdgroup] = msgspec.field(name="list")


class Creative(msgspec.Struct):
    """An element of dynamic_creatives/get; times in Unix seconds."""

    dynamic_creative_id: int
    dynamic_creative_name: str
    adgroup_id: int
    created_time: Seconds
    last_modified_time: Seconds
    dynamic_creative_type: str = ""
    configured_status: str = ""
    creative_set_approval_status: str = ""


class Creatives(msgspec.Struct):
    """dynamic_creatives/get, paged by cursor."""

    rows: list[Creative] = msgspec.field(name="list")
    cursor_page_info: CursorPageInfo
