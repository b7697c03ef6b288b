"""Advertiser, money, ads and creatives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from adapters.base.endpoint import idempotent, read
from adapters.social_ads import models
from adapters.social_ads.client.wire import Wire, of_ads

ADVERTISER_GET: Final = read("advertiser_get", family="accounts")
#: Values that are set, here and for ads below: setting one twice is setting it once.
ADVERTISER_UPDATE_DAILY_BUDGET: Final = idempotent(
    "advertiser_update_daily_budget", key="account_id", family="accounts"
)
FUNDS_GET: Final = read("funds_get", family="accounts")
REALTIME_COST_GET: Final = read("realtime_cost_get", family="insights")
ADGROUPS_GET: Final = read("adgroups_get", family="ads")
#: The same X-Request-Id with the same body gives the same ad, and never another one: no end of its memory is named.
#: https://developers.e.qq.com/v3.0/pages/docs/guide/errorprocessing
ADGROUPS_ADD: Final = idempotent("adgroups_add", key="X-Request-Id", family="ads")
ADGROUPS_UPDATE: Final = idempotent("adgroups_update", key="adgroup_id", family="ads")
ADGROUPS_UPDATE_CONFIGURED_STATUS: Final = idempotent(
    "adgroups_update_configured_status", key="adgroup_id", family="ads"
)
ADGROUPS_UPDATE_DAILY_BUDGET: Final = idempotent("adgroups_update_daily_budget", key="adgroup_id", family="ads")
DYNAMIC_CREATIVES_GET: Final = read("dynamic_creatives_get", family="ads")

_ADVERTISER_FIELDS: Final = ("account_id", "daily_budget", "corporation_name", "system_status")
_ADGROUP_FIELDS: Final = (
    "adgroup_id",
    "adgroup_name",
    "system_status",
    "created_time",
    "last_modified_time",
)
_CREATIVE_FIELDS: Final = (
    "dynamic_creative_id",
    "dynamic_creative_name",
    "adgroup_id",
    "dynamic_creative_type",
    "configured_status",
    "creative_set_approval_status",
    "created_time",
    "last_modified_time",
)


class AdsClient(Wire):
    """``/v3.0/advertiser``, ``funds``, ``realtime_cost``, ``adgroups``, ``dynamic_creatives``."""

    async def advertiser_get(self, access_token: str) -> models.Advertisers:
        """GET /v3.0/advertiser/get of this account alone."""
        parameters = {"fields": _ADVERTISER_FIELDS, "page": 1, "page_size": 1}
        return await self._get(ADVERTISER_GET, "advertiser/get", access_token, parameters, models.Advertisers)

    async def advertiser_update_daily_budget(self, access_token: str, daily_budget: int) -> None:
        """POST /v3.0/advertiser/update_daily_budget, in fen."""
        body = {"daily_budget": daily_budget}
        path = "advertiser/update_daily_budget"
        await self._send(ADVERTISER_UPDATE_DAILY_BUDGET, path, access_token, body, models.Nothing)

    async def funds_get(self, access_token: str) -> models.Funds:
        """GET /v3.0/funds/get."""
        return await self._get(FUNDS_GET, "funds/get", access_token, {}, models.Funds)

    async def realtime_cost_get(self, access_token: str, day: str, page: int, page_size: int) -> models.RealtimeCosts:
        """GET /v3.0/realtime_cost/get per ad of one Beijing day (YYYY-MM-DD)."""
        parameters = {"level": "REPORT_LEVEL_ADGROUP", "date": day, "page": page, "page_size": page_size}
        return await self._get(REALTIME_COST_GET, "realtime_cost/get", access_token, parameters, models.RealtimeCosts)

    async def adgroups_get(
        self, access_token: str, ads: Sequence[int], cursor: str | None, page_size: int
    ) -> models.Adgroups:
        """GET /v3.0/adgroups/get by cursor; no ads are all."""
        parameters = {**_by_cursor(_ADGROUP_FIELDS, cursor, page_size), "filtering": of_ads(ads)}
        return await self._get(ADGROUPS_GET, "adgroups/get", access_token, parameters, models.Adgroups)

    async def adgroups_add(
        self, access_token: str, request_id: str, body: Mapping[str, object]
    ) -> models.AdgroupCreated:
        """POST /v3.0/adgroups/add; ``body`` as the platform names things, without account_id."""
        return await self._send(
            ADGROUPS_ADD, "adgroups/add", access_token, body, models.AdgroupCreated, request_id=request_id
        )

    async def adgroups_update(
        self, access_token: str, adgroup_id: int, body: Mapping[str, object]
    ) -> models.AdgroupCreated:
        """POST /v3.0/adgroups/update of the fields that ``body`` has; answers the ad's number again."""
        fields = {"adgroup_id": adgroup_id, **body}
        return await self._send(ADGROUPS_UPDATE, "adgroups/update", access_token, fields, models.AdgroupCreated)

    async def adgroups_update_configured_status(
        self, access_token: str, changes: Sequence[models.StatusChange]
    ) -> models.Changed:
        """POST /v3.0/adgroups/update_configured_status. Code 0 although single ads failed."""
        body = {"update_configured_status_spec": changes}
        path = "adgroups/update_configured_status"
        return await self._send(ADGROUPS_UPDATE_CONFIGURED_STATUS, path, access_token, body, models.Changed)

    async def adgroups_update_daily_budget(
        self, access_token: str, changes: Sequence[models.BudgetChange]
    ) -> models.Changed:
        """POST /v3.0/adgroups/update_daily_budget. Code 0 although single ads failed."""
        body = {"update_daily_budget_spec": changes}
        path = "adgroups/update_daily_budget"
        return await self._send(ADGROUPS_UPDATE_DAILY_BUDGET, path, access_token, body, models.Changed)

    async def dynamic_creatives_get(self, access_token: str, cursor: str | None, page_size: int) -> models.Creatives:
        """GET /v3.0/dynamic_creatives/get by cursor."""
        parameters = _by_cursor(_CREATIVE_FIELDS, cursor, page_size)
        path = "dynamic_creatives/get"
        return await self._get(DYNAMIC_CREATIVES_GET, path, access_token, parameters, models.Creatives)


def _by_cursor(fields: Sequence[str], cursor: str | None, page_size: int) -> dict[str, object]:
    return {
        "fields": fields,
        "pagination_mode": "PAGINATION_MODE_CURSOR",
        "cursor": cursor,
        "page_size": page_size,
    }
