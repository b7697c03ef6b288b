"""The wire as the vendor documents it: queries, recorded answers, refusals."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from adapters.base.errors import (
    Invalid,
    Malformed,
    OutcomeUnknown,
    QuotaExhausted,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
    UpstreamError,
)
from adapters.base.http import Upstream
from adapters.base.secrets import Secret
from adapters.base.transport import MaybeSent, Request, Response
from adapters.social_ads import SocialAdsConfig, models
from adapters.social_ads.client import SocialAdsClient, encode_query
from adapters.social_ads.errors import FAULTS
from tests.conftest import MakeRuntime

WIRE = Path(__file__).parent / "wire"
#: The query that the official Go SDK builds for a daily report, from the vendor reference.
GO_QUERY = (
    "access_token=tok0123456789abcdef&account_id=20458&date_range=%7B%22start_date%22%3A%222026-01-01%22%2C%22"
    "end_date%22%3A%222026-01-31%22%7D&fields=%5B%22date%22%2C%22adgroup_id%22%2C%22view_count%22%2C%22valid_c"
    "lick_count%22%2C%22cost%22%2C%22order_amount%22%5D&filtering=%5B%7B%22field%22%3A%22adgroup_id%22%2C%22op"
    "erator%22%3A%22IN%22%2C%22values%22%3A%5B%2213397328752%22%2C%2213397328753%22%5D%7D%5D&group_by=%5B%22da"
    "te%22%2C%22adgroup_id%22%5D&level=REPORT_LEVEL_ADGROUP&nonce=0123456789abcdef&order_by=%5B%7B%22sort_fiel"
    "d%22%3A%22cost%22%2C%22sort_type%22%3A%22DESCENDING%22%7D%5D&page=1&page_size=100&timestamp=1769826000"
)


class Recorded:
    """A transport that answers what was recorded, and keeps what was asked."""

    def __init__(self, *answers: Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[Request] = []

    async def send(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109 — the seam's signature
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def wire(name: str) -> Response:
    return Response(200, {"x-tsa-trace-id": "trace-1"}, (WIRE / f"{name}.json").read_bytes())


def refusal(code: int, message: str = "told") -> Response:
    body = msgspec.json.encode({"code": code, "message": f"{message} SECRET-TEXT", "message_cn": "机密"})
    return Response(200, {"x-tsa-trace-id": "trace-9"}, body)


@pytest.fixture
def config() -> SocialAdsConfig:
    return SocialAdsConfig(
        base_url="https://ads.example",
        account_id=20458,
        client_id=1106789012,
        client_secret=Secret("client-secret"),
        access_token=Secret("a" * 32),
        refresh_token=Secret("b" * 32),
        user_action_set_id=1200118316,
        click_key=Secret("k" * 32),
    )


def client(make_runtime: MakeRuntime, config: SocialAdsConfig, transport: Recorded, **runtime: Any) -> SocialAdsClient:
    return SocialAdsClient(Upstream(make_runtime(transport=transport, **runtime), "social_ads", "20458"), config)


def query(request: Request) -> Mapping[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(request.url).query).items()}


def test_a_query_is_written_as_the_official_sdk_writes_it() -> None:
    parameters = {
        "account_id": 20458,
        "level": "REPORT_LEVEL_ADGROUP",
        "date_range": {"start_date": "2026-01-01", "end_date": "2026-01-31"},
        "fields": ["date", "adgroup_id", "view_count", "valid_click_count", "cost", "order_amount"],
        "filtering": [
            {"field": "adgroup_id", "operator": "IN", "values": ["13397328752", "13397328753"]},
        ],
        "group_by": ["date", "adgroup_id"],
        "order_by": [{"sort_field": "cost", "sort_type": "DESCENDING"}],
        "page": 1,
        "page_size": 100,
        "cursor": None,
        "access_token": "tok0123456789abcdef",
        "timestamp": 1769826000,
        "nonce": "0123456789abcdef",
    }
    assert encode_query(parameters) == GO_QUERY


async def test_every_recorded_answer_is_understood(make_runtime: MakeRuntime, config: SocialAdsConfig) -> None:
    transport = Recorded(
        wire("oauth_token"),
        wire("oauth_refresh_token"),
        wire("adgroups_get"),
        wire("daily_reports_get"),
        wire("leads_list_get"),
        wire("user_actions_add"),
    )
    ads = client(make_runtime, config, transport)
    assert await ads.oauth_token("r") == models.Tokens("0123456789abcdef" * 2, 86400)
    assert await ads.oauth_refresh_token("r") == models.Tokens(
        "0123456789abcdef" * 2, 86400, "fedcba9876543210" * 2, 2592000
    )
    assert await ads.adgroups_get("t", (), None, 1) == models.Adgroups(
        [models.Adgroup(13397328752, "618-store-0755", "ADGROUP_STATUS_ACTIVE", 1767225600, 1769826000)],
        models.CursorPageInfo(True, "1"),
    )
    assert await ads.daily_reports_get("t", "2026-01-01", "2026-01-31", (), 1, 100) == models.DailyReports(
        [models.DailyReportRow(date(2026, 1, 30), 13397328752, 12000, 240, 18650, 12)],
        models.PageInfo(1, 100, 1, 1),
    )
    assert await ads.leads_list_get("t", 1, 2, 1, 100, None) == models.Leads(
        [
            models.LeadsInfo(
                20458,
                700001,
                datetime(2026, 1, 31, 10, 20, 30),  # noqa: DTZ001 — the wire gives wall-clock text
                "13397328752",
                "wx07ptidwiwn5fde",
                "李",
                "13500000000",
            )
        ],
        models.PageInfo(1, 100, 1, 1),
    )
    await ads.user_actions_add("t", b"{}")
    assert [urlsplit(request.url).path for request in transport.requests] == [
        "/oauth/token",
        "/oauth/refresh_token",
        "/v3.0/adgroups/get",
        "/v3.0/daily_reports/get",
        "/v3.0/leads_list/get",
        "/v3.0/user_actions/add",
    ]


async def test_a_refusal_keeps_code_and_trace_and_never_the_platforms_text(
    make_runtime: MakeRuntime, config: SocialAdsConfig
) -> None:
    recorded = wire("refusal")
    ads = client(make_runtime, config, Recorded(recorded, refusal(11014)))
    with pytest.raises(Invalid) as shape:
        await ads.adgroups_get("t", (), None, 1)
    assert (shape.value.reason, shape.value.upstream_code) == ("parameter_not_permitted", "31033")
    assert (shape.value.request_id, shape.value.account) == ("trace-1", "20458")
    with pytest.raises(Unauthorized) as scope:
        await ads.adgroups_get("t", (), None, 1)
    assert "SECRET-TEXT" not in f"{scope.value}{scope.value.__dict__}"


async def test_oauth_carries_no_token_time_or_nonce(make_runtime: MakeRuntime, config: SocialAdsConfig) -> None:
    transport = Recorded(wire("oauth_refresh_token"))
    await client(make_runtime, config, transport).oauth_refresh_token("b" * 32)
    assert query(transport.requests[0]) == {
        "client_id": "1106789012",
        "client_secret": "client-secret",
        "refresh_token": "b" * 32,
    }


async def test_a_post_carries_the_common_parameters_in_its_query(
    make_runtime: MakeRuntime, config: SocialAdsConfig, now: datetime
) -> None:
    transport = Recorded(wire("user_actions_add"))
    await client(make_runtime, config, transport).user_actions_add("t" * 32, b'{"actions":[]}')
    (request,) = transport.requests
    asked = query(request)
    assert set(asked) == {"access_token", "timestamp", "nonce"}
    assert asked["access_token"] == "t" * 32
    assert 0 <= int(asked["timestamp"]) - int(now.timestamp()) <= 5
    assert len(asked["nonce"]) == 32
    assert (request.method, request.headers, request.body) == (
        "POST",
        {"Content-Type": "application/json"},
        b'{"actions":[]}',
    )


async def test_a_used_nonce_is_repeated_with_a_new_one_even_for_a_write(
    make_runtime: MakeRuntime, config: SocialAdsConfig
) -> None:
    transport = Recorded(refusal(31999, "The nonce has been used before."), wire("user_actions_add"))
    await client(make_runtime, config, transport).user_actions_add("t", b"{}")
    first, second = (query(request)["nonce"] for request in transport.requests)
    assert first != second


async def test_a_broken_conversion_call_is_repeated_because_its_key_makes_that_safe(
    make_runtime: MakeRuntime, config: SocialAdsConfig
) -> None:
    transport = Recorded(MaybeSent("reset"), wire("user_actions_add"))
    await client(make_runtime, config, transport).user_actions_add("t", b"{}")
    assert len(transport.requests) == 2


async def test_a_broken_exchange_is_not_repeated(make_runtime: MakeRuntime, config: SocialAdsConfig) -> None:
    transport = Recorded(MaybeSent("reset"), wire("oauth_refresh_token"))
    with pytest.raises(OutcomeUnknown):
        await client(make_runtime, config, transport).oauth_refresh_token("b" * 32)
    assert len(transport.requests) == 1


@pytest.mark.parametrize(
    ("code", "kind", "kind_of_write", "reason"),
    [
        (10000, Unavailable, OutcomeUnknown, "platform_busy"),
        (11016, RateLimited, RateLimited, "per_second"),
        (11018, QuotaExhausted, QuotaExhausted, "per_day"),
        (30001, Unavailable, OutcomeUnknown, "system_error"),
        (30099, Unavailable, OutcomeUnknown, "system_error"),
        (30100, Rejected, Rejected, "unknown_code"),
        (31077, Invalid, Invalid, "parameter"),
        (1901234, Rejected, Rejected, "unknown_code"),
    ],
)
async def test_codes_become_kinds(
    make_runtime: MakeRuntime,
    config: SocialAdsConfig,
    code: int,
    kind: type[UpstreamError],
    kind_of_write: type[UpstreamError],
    reason: str,
) -> None:
    ads = client(make_runtime, config, Recorded(refusal(code), refusal(code)), retries=False)
    with pytest.raises(UpstreamError) as error:
        await ads.adgroups_get("t", (), None, 1)
    assert (type(error.value), error.value.reason) == (kind, reason)
    with pytest.raises(UpstreamError) as write:
        await ads.user_actions_add("t", b"{}")
    assert (type(write.value), write.value.upstream_code) == (kind_of_write, str(code))


async def test_the_days_quota_resets_at_midnight_in_beijing(make_runtime: MakeRuntime, config: SocialAdsConfig) -> None:
    ads = client(make_runtime, config, Recorded(refusal(11018)))
    with pytest.raises(QuotaExhausted) as error:
        await ads.adgroups_get("t", (), None, 1)
    assert error.value.resets_at == datetime(2026, 11, 11, 16, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "kind"), [(502, Unavailable), (408, Unavailable), (429, RateLimited), (414, Invalid)]
)
async def test_a_gateways_status_is_not_read_as_an_answer(
    make_runtime: MakeRuntime, config: SocialAdsConfig, status: int, kind: type[UpstreamError]
) -> None:
    answer = Response(status, {}, b"<html>bad</html>")
    with pytest.raises(UpstreamError) as error:
        await client(make_runtime, config, Recorded(answer), retries=False).adgroups_get("t", (), None, 1)
    assert (type(error.value), error.value.upstream_code) == (kind, f"http_{status}")


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"",
        b'{"code":0,"data":{}}',
        b'{"code":0}',
        b'{"code":0,"data":null}',
        b'{"code":0,"data":{"leads_info":[{"account_id":1,"leads_id":2,"leads_create_time":"soon"}]}}',
    ],
)
async def test_an_unreadable_answer_is_malformed(
    make_runtime: MakeRuntime, config: SocialAdsConfig, body: bytes
) -> None:
    ads = client(make_runtime, config, Recorded(Response(200, {}, body)), retries=False)
    wants_leads = b"leads" in body
    with pytest.raises(Malformed):
        await (ads.leads_list_get("t", 1, 2, 1, 10, None) if wants_leads else ads.adgroups_get("t", (), None, 1))


def test_the_table_says_what_to_do_in_sentences_of_our_own() -> None:
    renewing = {code for code, fault in FAULTS.items() if fault.renew_token}
    assert renewing == {"11000", "11002"}
    assert all(fault.message.endswith(".") and fault.reason.islower() for fault in FAULTS.values())
