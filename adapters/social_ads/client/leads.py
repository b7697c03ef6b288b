"""Leads (销售线索)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from adapters.base.endpoint import idempotent, read
from adapters.social_ads import models
from adapters.social_ads.client.wire import Wire

LEADS_LIST_GET: Final = read("leads_list_get", family="leads")
#: A status that is set: twice is once.
LEADS_STATUS_UPDATE: Final = idempotent("leads_status_update", key="leads_id", family="leads")

#: ``fields`` keeps what we do not use out of the answer: least personal data.
_FIELDS: Final = (
    "account_id",
    "leads_id",
    "adgroup_id",
    "click_id",
    "leads_name",
    "leads_telephone",
    "leads_create_time",
)


class LeadsClient(Wire):
    """``/v3.0/leads_list``, ``/v3.0/leads_status``."""

    async def leads_list_get(
        self,
        access_token: str,
        start_time: int,
        end_time: int,
        page: int,
        page_size: int,
        last_search_after_values: Sequence[str] | None,
    ) -> models.Leads:
        """GET /v3.0/leads_list/get by the time of storing, newest first; both seconds are included."""
        parameters = {
            "time_range": {
                "start_time": start_time,
                "end_time": end_time,
                "time_type": "TIME_TYPE_CREATED_TIME",
            },
            "fields": _FIELDS,
            "page": page,
            "page_size": page_size,
            "last_search_after_values": last_search_after_values,
        }
        return await self._get(LEADS_LIST_GET, "leads_list/get", access_token, parameters, models.Leads)

    async def leads_status_update(self, access_token: str, statuses: Sequence[models.LeadStatus]) -> None:
        """POST /v3.0/leads_status/update, by the platform's own lead ids. What it answers is not documented."""
        body = {"match_type": "LEADSID", "leads_conversion_status_list": statuses}
        await self._send(LEADS_STATUS_UPDATE, "leads_status/update", access_token, body, models.Nothing)
