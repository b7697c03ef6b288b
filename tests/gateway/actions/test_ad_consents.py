"""adConsent: a code of the page becomes the pair that the gateway works with, and nobody sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import text

from adapters.social_ads import SocialAdsAdapter
from gateway.settings import Settings
from sandbox.http1 import request
from tests.gateway.actions.test_ad_accounts import ACCOUNT, DOCUMENTS
from tests.gateway.actions.test_ad_accounts import Desk as AdDesk
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import without

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOOL = "social_ads"
BACK = "https://hq.brand.example/ads/consent"
TOKEN = "GET /oauth/token"
PAGE, CONSENT = ((DOCUMENTS / f"{name}.graphql").read_text("utf-8") for name in ("consent-page", "consent"))


class Desk(AdDesk):
    """An operator, and an administrator of the account with a browser."""

    async def page(self, **more: Any) -> dict[str, Any]:
        """The whole answer of adConsentPage."""
        return await self.served.client().ask(PAGE, **{"redirectUri": BACK, "state": "s1"} | more)

    async def agreed(self) -> str:
        """The code that the browser brought back."""
        url = (await self.page())["data"]["adConsentPage"]
        answer = await request("GET", url)
        assert answer.status == 302
        given = parse_qs(urlsplit(answer.headers["location"]).query)
        assert given["state"] == ["s1"]
        return given["authorization_code"][0]

    async def consent(self, code: str, key: str, back: str = BACK) -> dict[str, Any]:
        """What adConsent answers."""
        return await self.change(CONSENT, code=code, redirectUri=back, key=key)

    async def works(self) -> bool:
        """Whether the account can be asked."""
        answer = await self.served.client().ask(ACCOUNT)
        return "errors" not in answer


class AnotherAccount(Desk):
    """An operator whose settings name an account that nobody consented for."""


def _another(settings: Settings) -> Settings:
    accounts = settings.tools[TOOL]["accounts"]
    main = {**accounts["main"], "account_id": 999}
    tools = {**settings.tools, TOOL: {**settings.tools[TOOL], "accounts": {"main": main}}}
    return msgspec.structs.replace(settings, tools=tools)


def _two_of_one_pair(settings: Settings) -> Settings:
    accounts = settings.tools[TOOL]["accounts"]
    both = {"main": accounts["main"], "second": {**accounts["main"], "account_id": 999}}
    tools = {**settings.tools, TOOL: {**settings.tools[TOOL], "accounts": both}}
    return msgspec.structs.replace(settings, tools=tools)


@pytest_asyncio.fixture(loop_scope="session")
async def desk(open_served: OpenServed) -> AsyncIterator[Desk]:
    desk = Desk(await open_served())
    oauth = desk.platform.oauth
    pair, revoked = replace(oauth.pair), oauth.revoked
    yield desk
    # The gateways of the tests that follow know only the pair of the evening.
    oauth.pair, oauth.revoked = pair, revoked


async def test_a_revoked_account_works_again_at_once(desk: Desk) -> None:
    assert await desk.works()
    await desk.platform.actions()["revoke"]({})
    assert not await desk.works()

    answer = await desk.consent(await desk.agreed(), "consent-anew-1")

    assert (answer["account"], answer["transaction"]["state"]) == (desk.account, "COMPLETED")
    assert "ads_management" in answer["scopes"]
    assert await desk.works()
    # What is stored of the transaction does not hold the pair, and nothing holds it in clear.
    adapter = desk.served.gateway.services.tools.get(SocialAdsAdapter, desk.account)
    token = await adapter._tokens.get()
    for table in ("saga_step", "secret"):
        async with desk.served.gateway.services.database.write() as connection:
            rows = (await connection.execute(text(f"SELECT * FROM {table}"))).all()  # noqa: S608
        assert rows
        assert not [row for row in rows if token in str(tuple(row))]


async def test_a_code_is_good_once_and_an_unknown_outcome_is_told(desk: Desk) -> None:
    code = await desk.agreed()
    first = await desk.consent(code, "consent-once-1")
    assert await desk.consent(code, "consent-once-1") == first
    again = await desk.consent(code, "consent-once-2")
    assert (again["code"], again["reason"]) == ("UNAUTHORIZED", "consent_code_used")
    desk.served.sandbox.kit.faults.add(TOOL, "reset_after", endpoint=TOKEN, calls=(1,))
    lost = await desk.consent(await desk.agreed(), "consent-once-3")
    assert lost["code"] == "OUTCOME_UNKNOWN"


async def test_the_consent_of_another_account_changes_nothing(open_served: OpenServed, desk: Desk) -> None:
    other = AnotherAccount(await open_served(_another))
    refused = await other.consent(await desk.agreed(), "consent-of-another")
    assert refused["code"] == "CONSENT_OF_OTHER_ACCOUNT"
    assert str(desk.account) in refused["message"]


async def test_a_pair_that_several_accounts_share_is_not_replaced_by_one_of_them(
    open_served: OpenServed, desk: Desk
) -> None:
    agency, code = Desk(await open_served(_two_of_one_pair)), await desk.agreed()
    assert (await agency.consent(code, "consent-of-one-of-two"))["code"] == "CONSENT_SHARED"
    # The code was not used.
    assert (await desk.consent(code, "consent-of-the-one"))["account"] == desk.account


async def test_what_cannot_be_is_refused(desk: Desk) -> None:
    wrong = (
        {"redirectUri": "http://hq.brand.example/"}, {"redirectUri": "https://hq.brand.example:8443/"},
        {"redirectUri": "https://hq.brand.example:x/"}, {"redirectUri": "hq"}, {"state": ""}, {"state": "s" * 129},
    )  # fmt: skip
    for each in wrong:
        answer = await desk.page(**each)
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"], each
    bad = [await desk.consent("", "bad-consent-1"), await desk.consent("c" * 257, "bad-consent-2")]
    assert [each["code"] for each in bad] == ["BAD_USER_INPUT"] * 2


@pytest.mark.parametrize("caller", ["guide", "frontend", "partner"])
async def test_only_operators_consent(desk: Desk, caller: str) -> None:
    client = desk.served.client(caller)
    for answer in (
        await client.ask(PAGE, redirectUri=BACK, state="s"),
        await client.ask(CONSENT, code="c", redirectUri=BACK, key=f"who-may-{caller}"),
    ):
        assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]


async def test_an_absent_tool_is_said(open_served: OpenServed) -> None:
    desk = Desk(await open_served(without(TOOL)))
    assert (await desk.consent("c", "no-such-tool"))["code"] == "TOOL_NOT_CONFIGURED"
