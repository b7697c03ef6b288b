"""Consent: the page, its code, the pair, and what a code is good for."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from adapters.base.errors import OutcomeUnknown, Unauthorized
from adapters.social_ads import TOOL
from adapters.social_ads.adapter import SCOPES
from sandbox.http1 import request
from tests.adapters.social_ads.conftest import Ads
from tests.conftest import MakeRuntime, account_config

BACK = "https://gw.example.com/ads/consent"


async def consented(ads: Ads, redirect_uri: str = BACK) -> str:
    """An administrator opens the page and agrees: the code that comes back."""
    answer = await request("GET", ads.adapter.consent_page(redirect_uri, "st&te"))
    assert answer.status == 302
    location = urlsplit(answer.headers["location"])
    given = parse_qs(location.query)
    assert (location._replace(query="").geturl(), given["state"]) == (redirect_uri, ["st&te"])
    return given["authorization_code"][0]


async def test_a_code_gives_a_pair_that_works(ads: Ads, make_runtime: MakeRuntime) -> None:
    await ads.act("revoke")
    with pytest.raises(Unauthorized):
        await ads.adapter.ping()
    now = ads.sandbox.kit.clock.now()

    pair = await ads.adapter.consent(await consented(ads), BACK)

    assert (pair.account_id, pair.scopes) == (20458, SCOPES)
    assert abs(pair.access_ends - now - timedelta(hours=24)) < timedelta(minutes=1)
    assert abs(pair.refresh_ends - now - timedelta(days=30)) < timedelta(minutes=1)
    assert pair.access_token.reveal() not in repr(pair)
    entered = {
        **ads.sandbox.describe()["platforms"]["social_ads"]["accounts"]["main"],
        "access_token": pair.access_token.reveal(),
        "refresh_token": pair.refresh_token.reveal(),
    }
    async with TOOL.open(account_config(TOOL, entered), make_runtime(ads.sandbox.kit.clock)) as again:
        await again.ping()


async def test_a_code_is_good_once_for_its_address_and_ten_minutes(ads: Ads) -> None:
    code = await consented(ads)
    await ads.adapter.consent(code, BACK)
    reasons: list[str] = []
    late = await consented(ads)
    ads.sandbox.kit.clock.advance(timedelta(minutes=11))
    for text in (code, "f" * 32, late):
        with pytest.raises(Unauthorized) as caught:
            await ads.adapter.consent(text, BACK)
        reasons.append(caught.value.reason)
    assert reasons == ["consent_code_used", "consent_code_malformed", "consent_code_expired"]


async def test_a_lost_answer_is_not_asked_for_again(ads: Ads) -> None:
    code = await consented(ads)
    ads.sandbox.kit.faults.add("social_ads", "reset_after", endpoint="GET /oauth/token")
    with pytest.raises(OutcomeUnknown):
        await ads.adapter.consent(code, BACK)
    assert ads.calls("GET /oauth/token") == 1


@pytest.mark.parametrize("address", ["https://gw.example.com:8443/x", "ftp://gw.example.com/x", "gw.example.com"])
async def test_the_page_refuses_an_address_with_a_port_or_of_another_kind(ads: Ads, address: str) -> None:
    answer = await request("GET", ads.adapter.consent_page(address, "s"))
    assert (answer.status, b"31033" in answer.body) == (200, True)
