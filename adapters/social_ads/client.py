"""腾讯广告 Marketing API v3.0, one method per endpoint."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Final, TypeVar
from urllib.parse import urlencode

import msgspec

from adapters.base.endpoint import Endpoint, idempotent, once, read
from adapters.base.errors import Fault, UpstreamError
from adapters.base.http import Upstream
from adapters.base.transport import Request, Response
from adapters.social_ads import models
from adapters.social_ads.config import SocialAdsConfig
from adapters.social_ads.errors import FAULTS, PER_DAY, by_family, by_status, next_quota_day

T = TypeVar("T")

#: Renews the access token alone; a lost answer costs nothing.
OAUTH_TOKEN: Final = read("oauth_token", family="oauth")
#: Exchanges both tokens and kills the old ones: never repeated unseen.
OAUTH_REFRESH_TOKEN: Final = once("oauth_refresh_token", family="oauth")
ADGROUPS_GET: Final = read("adgroups_get", family="ads")
DAILY_REPORTS_GET: Final = read("daily_reports_get", timeout=10.0, family="insights")
LEADS_LIST_GET: Final = read("leads_list_get", family="leads")
#: The platform's own key is (user_action_set_id, outer_action_id, action_type); all three are in the body.
USER_ACTIONS_ADD: Final = idempotent("user_actions_add", key="outer_action_id", family="user_actions")

_ADGROUP_FIELDS: Final = (
    "adgroup_id",
    "adgroup_name",
    "system_status",
    "created_time",
    "last_modified_time",
)
_REPORT_FIELDS: Final = (
    "date",
    "adgroup_id",
    "view_count",
    "valid_click_count",
    "cost",
    "conversions_count",
)
#: ``fields`` keeps what we do not use out of the answer: least personal data.
_LEAD_FIELDS: Final = (
    "account_id",
    "leads_id",
    "adgroup_id",
    "click_id",
    "leads_name",
    "leads_telephone",
    "leads_create_time",
)


def encode_query(parameters: Mapping[str, object]) -> str:
    """The platform's query form: scalars plain, lists and objects as compact JSON, then form-encoded."""
    plain = {
        name: value if isinstance(value, str) else msgspec.json.encode(value).decode()
        for name, value in parameters.items()
        if value is not None
    }
    return urlencode(sorted(plain.items()))


class SocialAdsClient:
    """Calls of one advertiser account. Methods raise the ten kinds and nothing else."""

    def __init__(self, upstream: Upstream, config: SocialAdsConfig) -> None:
        self._upstream = upstream
        self._config = config

    async def oauth_token(self, refresh_token: str) -> models.Tokens:
        """GET /oauth/token with grant_type=refresh_token: a new access token, the refresh token stays."""
        return await self._oauth(OAUTH_TOKEN, "token", refresh_token=refresh_token, grant_type="refresh_token")

    async def oauth_refresh_token(self, refresh_token: str) -> models.Tokens:
        """GET /oauth/refresh_token: a new pair; the old pair is dead from the platform's answer on."""
        return await self._oauth(OAUTH_REFRESH_TOKEN, "refresh_token", refresh_token=refresh_token)

    async def adgroups_get(self, access_token: str, cursor: str | None, page_size: int) -> models.Adgroups:
        """GET /v3.0/adgroups/get by cursor."""
        parameters = {
            "account_id": self._config.account_id,
            "fields": _ADGROUP_FIELDS,
            "pagination_mode": "PAGINATION_MODE_CURSOR",
            "cursor": cursor,
            "page_size": page_size,
        }
        return await self._get(ADGROUPS_GET, "adgroups/get", access_token, parameters, models.Adgroups)

    async def daily_reports_get(
        self, access_token: str, first_day: str, last_day: str, page: int, page_size: int
    ) -> models.DailyReports:
        """GET /v3.0/daily_reports/get per ad and day, both days included (YYYY-MM-DD, Beijing)."""
        parameters = {
            "account_id": self._config.account_id,
            "level": "REPORT_LEVEL_ADGROUP",
            "date_range": {"start_date": first_day, "end_date": last_day},
            "group_by": ("date", "adgroup_id"),
            "fields": _REPORT_FIELDS,
            "order_by": ({"sort_field": "date", "sort_type": "ASCENDING"},),
            "time_line": "REQUEST_TIME",
            "page": page,
            "page_size": page_size,
        }
        return await self._get(DAILY_REPORTS_GET, "daily_reports/get", access_token, parameters, models.DailyReports)

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
            "account_id": self._config.account_id,
            "time_range": {
                "start_time": start_time,
                "end_time": end_time,
                "time_type": "TIME_TYPE_CREATED_TIME",
            },
            "fields": _LEAD_FIELDS,
            "page": page,
            "page_size": page_size,
            "last_search_after_values": last_search_after_values,
        }
        return await self._get(LEADS_LIST_GET, "leads_list/get", access_token, parameters, models.Leads)

    async def user_actions_add(self, access_token: str, body: bytes) -> None:
        """POST /v3.0/user_actions/add with an encoded ``models.UserActions``."""

        async def prepare() -> Request:
            url = f"{self._config.base_url}/v3.0/user_actions/add?{encode_query(self._common(access_token))}"
            return Request("POST", url, {"Content-Type": "application/json"}, body)

        await self._upstream.call(
            USER_ACTIONS_ADD,
            prepare,
            lambda response: self._decode(USER_ACTIONS_ADD, response, models.Nothing),
        )

    async def _oauth(self, endpoint: Endpoint, verb: str, **parameters: str) -> models.Tokens:
        async def prepare() -> Request:
            query = encode_query(
                {
                    "client_id": self._config.client_id,
                    "client_secret": self._config.client_secret.reveal(),
                    **parameters,
                }
            )
            return Request("GET", f"{self._config.base_url}/oauth/{verb}?{query}")

        return await self._upstream.call(
            endpoint, prepare, lambda response: self._decode(endpoint, response, models.Tokens)
        )

    async def _get(
        self,
        endpoint: Endpoint,
        path: str,
        access_token: str,
        parameters: Mapping[str, object],
        kind: type[T],
    ) -> T:
        async def prepare() -> Request:
            query = encode_query({**parameters, **self._common(access_token)})
            return Request("GET", f"{self._config.base_url}/v3.0/{path}?{query}")

        return await self._upstream.call(endpoint, prepare, lambda response: self._decode(endpoint, response, kind))

    def _common(self, access_token: str) -> dict[str, object]:
        """In the query of POST too. The platform refuses a clock off by 300 s, and a nonce it has seen."""
        return {
            "access_token": access_token,
            "timestamp": int(self._upstream.runtime.clock.now().timestamp()),
            "nonce": secrets.token_hex(16),
        }

    def _decode(self, endpoint: Endpoint, response: Response, kind: type[T]) -> T:
        if response.status != 200:
            raise self._error(endpoint, response, f"http_{response.status}", by_status(response.status))
        envelope = msgspec.json.decode(response.body, type=models.Envelope)
        if envelope.code != 0:
            family = by_family(envelope.code, envelope.message)
            raise self._error(endpoint, response, str(envelope.code), family)
        data = bytes(envelope.data)
        return msgspec.json.decode(b"{}" if data in {b"", b"null"} else data, type=kind)

    def _error(self, endpoint: Endpoint, response: Response, code: str, fallback: Fault | None) -> UpstreamError:
        return FAULTS.error(
            code,
            endpoint=endpoint.name,
            account=self._config.external_id,
            request_id=response.headers.get("x-tsa-trace-id", ""),
            writes=endpoint.writes,
            resets_at=next_quota_day(self._upstream.runtime.clock.now()) if code == PER_DAY else None,
            fallback=fallback,
        )
