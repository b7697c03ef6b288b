"""Leads, in the platform's own field names."""

from __future__ import annotations

from datetime import datetime

import msgspec

from adapters.social_ads.models.base import Digits, PageInfo


class LeadsInfo(msgspec.Struct):
    """An element of leads_list/get; ``adgroup_id`` is a string there, times are Beijing wall-clock texts."""

    account_id: int
    leads_id: int
    leads_create_time: datetime
    adgroup_id: Digits | int = ""
    click_id: str = ""
    leads_name: str = ""
    leads_telephone: str = ""


class Leads(msgspec.Struct):
    """leads_list/get. The SDK types ``leads_info`` as one object, the documentation as a list."""

    leads_info: list[LeadsInfo] | LeadsInfo = msgspec.field(default_factory=list)
    page_info: PageInfo | None = None


class LeadStatus(msgspec.Struct, omit_defaults=True):
    """An item of leads_status/update."""

    leads_id: int
    leads_convert_type: str
    leads_ineffect_reason: str = ""
