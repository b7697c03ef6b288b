"""The rotating pair, and everything that can happen between the platform's exchange and our write."""

from __future__ import annotations

import asyncio
import hashlib
import json
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.base.deadline import deadline
from adapters.base.errors import Unauthorized, Unavailable
from adapters.social_ads import TOOL, SocialAdsAdapter
from gateway.runtime import MemoryTokenStore
from tests.adapters.social_ads.conftest import Ads, LockingStore
from tests.conftest import OpenTool, account_config

EXCHANGE = "GET /oauth/refresh_token"
RENEW = "GET /oauth/token"
READ = "GET /v3.0/adgroups/get"


class Killed(BaseException):
    """Stands for the end of the process in a test that must live on."""


@pytest.fixture
async def opened(ads: Ads, open_tool: OpenTool, store: LockingStore) -> SocialAdsAdapter:
    """An adapter with a store of its own that locks."""
    adapter: SocialAdsAdapter = await open_tool(TOOL, ads.sandbox, "main", secret_store=store)
    return adapter


async def another(ads: Ads, open_tool: OpenTool, store: LockingStore) -> SocialAdsAdapter:
    """The account opened by another process: the same store, no memory."""
    adapter: SocialAdsAdapter = await open_tool(
        TOOL, ads.sandbox, "main", secret_store=store, token_store=MemoryTokenStore()
    )
    return adapter


async def test_the_configured_token_is_used_as_long_as_it_works(
    ads: Ads, opened: SocialAdsAdapter, store: LockingStore
) -> None:
    await opened.ping()
    assert (ads.calls(READ), ads.calls(EXCHANGE), ads.calls(RENEW), store.puts) == (1, 0, 0, 0)


async def test_a_refused_token_is_exchanged_once_and_the_pair_is_stored(
    ads: Ads, opened: SocialAdsAdapter, store: LockingStore
) -> None:
    await ads.act("expire_token")
    await asyncio.gather(*(opened.ping() for _ in range(20)))
    assert (ads.calls(EXCHANGE), ads.calls(RENEW)) == (1, 0)
    assert ads.calls(READ) == 40
    pair = ads.platform.oauth.pair
    assert (store.only["access_token"], store.only["refresh_token"]) == (pair.access, pair.refresh)
    assert store.only["access_ends"].startswith("2026-11-12T12:57")
    assert store.only["refresh_ends"].startswith("2026-12-11T12:57")
    assert "exchanging" not in store.only


async def test_nothing_stored_shows_in_a_name(ads: Ads, opened: SocialAdsAdapter, store: LockingStore) -> None:
    await ads.act("expire_token")
    await opened.ping()
    ((tool, account, name),) = store.values
    assert (tool, account) == ("social_ads", str(ads.sandbox.world.ad_client_id))
    assert ads.sandbox.world.ad_refresh_token not in name


async def test_another_process_finds_the_new_pair_without_a_call(
    ads: Ads, opened: SocialAdsAdapter, open_tool: OpenTool, store: LockingStore
) -> None:
    other = await another(ads, open_tool, store)
    await other.ping()
    await ads.act("expire_token")
    await opened.ping()
    await other.ping()
    late = await another(ads, open_tool, store)
    await late.ping()
    assert ads.calls(EXCHANGE) == 1


async def test_daily_renewal_leaves_the_refresh_token_alone_until_it_nears_its_end(
    ads: Ads, opened: SocialAdsAdapter, store: LockingStore
) -> None:
    await ads.act("expire_token")
    await opened.ping()
    refresh = store.only["refresh_token"]
    for _ in range(19):
        ads.sandbox.kit.clock.advance(timedelta(days=1))
        await opened.ping()
    assert (ads.calls(EXCHANGE), ads.calls(RENEW)) == (1, 19)
    assert store.only["refresh_token"] == refresh
    ads.sandbox.kit.clock.advance(timedelta(days=1))
    await opened.ping()
    assert (ads.calls(EXCHANGE), ads.calls(RENEW)) == (2, 19)
    assert store.only["refresh_token"] == ads.platform.oauth.pair.refresh != refresh


async def test_a_token_is_renewed_before_it_is_refused(ads: Ads, opened: SocialAdsAdapter) -> None:
    await ads.act("expire_token")
    await opened.ping()
    reads = ads.calls(READ)
    ads.sandbox.kit.clock.advance(timedelta(hours=23, minutes=56))
    await opened.ping()
    assert (ads.calls(READ) - reads, ads.calls(RENEW)) == (1, 1)


async def test_a_lost_answer_to_a_daily_renewal_costs_nothing(ads: Ads, opened: SocialAdsAdapter) -> None:
    await ads.act("expire_token")
    await opened.ping()
    ads.sandbox.kit.clock.advance(timedelta(days=1))
    ads.sandbox.kit.faults.add("social_ads", "reset_after", endpoint=RENEW, calls=(1,))
    await opened.ping()
    assert (ads.calls(RENEW), ads.calls(EXCHANGE)) == (2, 1)


async def test_an_exchange_that_never_arrived_is_made_at_the_next_call(
    ads: Ads, opened: SocialAdsAdapter, store: LockingStore
) -> None:
    await ads.act("expire_token")
    ads.sandbox.kit.faults.add("social_ads", "reset_before", endpoint=EXCHANGE, calls=(1,))
    with pytest.raises(Unavailable) as error:
        await opened.ping()
    assert error.value.reason == "token_renewal_unfinished"
    assert store.only["exchanging"] == "yes"
    await opened.ping()
    assert (ads.calls(EXCHANGE), ads.platform.oauth.exchanges) == (2, 1)
    assert "exchanging" not in store.only


async def test_an_exchange_whose_answer_was_lost_is_reported_and_not_tried_for_ever(
    ads: Ads, opened: SocialAdsAdapter, store: LockingStore
) -> None:
    await ads.act("expire_token")
    ads.sandbox.kit.faults.add("social_ads", "reset_after", endpoint=EXCHANGE, calls=(1,))
    with pytest.raises(Unavailable):
        await opened.ping()
    for _ in range(5):
        with pytest.raises(Unauthorized) as error:
            await opened.ping()
        assert (error.value.reason, error.value.upstream_code) == ("token_pair_lost", "11012")
        assert "enter access_token and refresh_token of the new pair" in error.value.message
    assert (ads.calls(EXCHANGE), ads.platform.oauth.exchanges) == (2, 1)
    # A minute later the platform is asked once more, since it may have been wrong.
    ads.sandbox.kit.clock.advance(timedelta(seconds=61))
    with pytest.raises(Unauthorized):
        await opened.ping()
    assert ads.calls(EXCHANGE) == 3


async def test_a_process_killed_before_its_write_is_reported_and_a_new_consent_repairs_it(
    ads: Ads, open_tool: OpenTool, store: LockingStore, make_runtime: Any, tmp_path: Path
) -> None:
    await ads.act("expire_token")
    settings = ads.sandbox.describe()["platforms"]["social_ads"]["accounts"]["main"]
    told = {"settings": settings, "offset": ads.sandbox.kit.clock.offset.total_seconds()}
    path = tmp_path / "store.json"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.adapters.social_ads.dying_process",
        str(path),
        stdin=asyncio.subprocess.PIPE,
    )
    await process.communicate(json.dumps(told).encode())
    assert process.returncode == -signal.SIGKILL
    # The platform exchanged the pair, and what we have is the old one with a mark on it.
    assert ads.platform.oauth.exchanges == 1
    left = json.loads(path.read_text())
    assert left["refresh_token"] == ads.sandbox.world.ad_refresh_token != ads.platform.oauth.pair.refresh
    assert left["exchanging"] == "yes"

    survivor = await another(ads, open_tool, store)
    store.values[_place(ads)] = left
    with pytest.raises(Unauthorized) as error:
        await survivor.ping()
    assert error.value.reason == "token_pair_lost"

    pair = ads.platform.oauth.pair
    renewed = {**settings, "access_token": pair.access, "refresh_token": pair.refresh}
    runtime = make_runtime(ads.sandbox.kit.clock, secret_store=store)
    async with TOOL.open(account_config(TOOL, renewed), runtime) as repaired:
        await repaired.ping()
        await ads.act("expire_token")
        await repaired.ping()
    assert ads.platform.oauth.exchanges == 2


def _place(ads: Ads) -> tuple[str, str, str]:
    """Where the keeper of the configured pair stores it."""
    world = ads.sandbox.world
    text = f"social_ads\n{world.ad_client_id}\n{world.ad_refresh_token}"
    return "social_ads", str(world.ad_client_id), "oauth-" + hashlib.sha256(text.encode()).hexdigest()[:32]


async def test_a_crash_before_the_exchange_reached_the_platform_is_survived(
    ads: Ads, opened: SocialAdsAdapter, open_tool: OpenTool, store: LockingStore
) -> None:
    # The mark is written and the process ends; the token has not even expired.
    store.values[_place(ads)] = {
        "access_token": ads.sandbox.world.ad_access_token,
        "refresh_token": ads.sandbox.world.ad_refresh_token,
        "exchanging": "yes",
    }
    await opened.ping()
    assert ads.calls(EXCHANGE) == 0
    await ads.act("expire_token")
    await opened.ping()
    assert (ads.calls(EXCHANGE), ads.platform.oauth.exchanges) == (1, 1)
    assert "exchanging" not in store.only


async def test_a_pair_that_cannot_be_stored_is_kept_unused_and_stored_at_the_next_call(
    ads: Ads, opened: SocialAdsAdapter, store: LockingStore
) -> None:
    await ads.act("expire_token")
    store.fail[2] = OSError("disk full")
    with pytest.raises(Unavailable) as error:
        await opened.ping()
    assert error.value.reason == "token_renewal_not_stored"
    # Not used: only the call with the old token was made.
    assert ads.calls(READ) == 1
    assert store.only["exchanging"] == "yes"
    await opened.ping()
    assert ads.calls(EXCHANGE) == 1
    assert store.only["refresh_token"] == ads.platform.oauth.pair.refresh
    assert "exchanging" not in store.only


async def test_a_process_that_ends_in_its_write_loses_the_pair_and_says_so(
    ads: Ads, opened: SocialAdsAdapter, open_tool: OpenTool, store: LockingStore
) -> None:
    await ads.act("expire_token")
    store.fail[2] = Killed()
    with pytest.raises(Killed):
        await opened.ping()
    with pytest.raises(Unauthorized) as error:
        await (await another(ads, open_tool, store)).ping()
    assert error.value.reason == "token_pair_lost"


async def test_a_cancelled_caller_does_not_cut_the_exchange(
    ads: Ads, opened: SocialAdsAdapter, store: LockingStore
) -> None:
    await ads.act("expire_token")
    ads.sandbox.kit.faults.add("social_ads", "latency", endpoint=EXCHANGE, value=0.2)
    caller = asyncio.create_task(opened.ping())
    await store.written.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await opened.ping()
    assert ads.calls(EXCHANGE) == 1
    assert store.only["refresh_token"] == ads.platform.oauth.pair.refresh


async def test_a_callers_deadline_ends_the_wait_and_not_the_exchange(
    ads: Ads, opened: SocialAdsAdapter, store: LockingStore
) -> None:
    await ads.act("expire_token")
    await opened.ping()
    # Both tokens are old enough now that the exchange comes first, before any other call.
    ads.sandbox.kit.clock.advance(timedelta(days=25))
    ads.sandbox.kit.faults.add("social_ads", "latency", endpoint=EXCHANGE, value=0.5)
    with deadline(0.2), pytest.raises(Unavailable) as error:
        await opened.ping()
    assert error.value.reason == "token_renewal_slow"
    await opened.ping()
    assert ads.calls(EXCHANGE) == 2
    assert store.only["refresh_token"] == ads.platform.oauth.pair.refresh


async def test_closing_waits_for_an_exchange_under_way(ads: Ads, make_runtime: Any, store: LockingStore) -> None:
    await ads.act("expire_token")
    ads.sandbox.kit.faults.add("social_ads", "latency", endpoint=EXCHANGE, value=0.2)
    settings = ads.sandbox.describe()["platforms"]["social_ads"]["accounts"]["main"]
    runtime = make_runtime(ads.sandbox.kit.clock, secret_store=store)
    async with TOOL.open(account_config(TOOL, settings), runtime) as adapter:
        caller = asyncio.create_task(adapter.ping())
        await store.written.wait()
        caller.cancel()
    assert store.only["refresh_token"] == ads.platform.oauth.pair.refresh


async def test_a_revoked_consent_is_an_operators_business(
    ads: Ads, opened: SocialAdsAdapter, store: LockingStore
) -> None:
    await ads.act("revoke")
    for _ in range(3):
        with pytest.raises(Unauthorized) as error:
            await opened.ping()
        assert error.value.reason == "refresh_token_expired"
    # Nothing was exchanged, so nothing is called lost; and the platform is asked once, not thrice.
    assert (ads.calls(EXCHANGE), ads.platform.oauth.exchanges) == (1, 0)
    assert "exchanging" not in store.only


async def test_a_platform_that_refuses_every_token_is_not_asked_in_a_loop(ads: Ads, opened: SocialAdsAdapter) -> None:
    ads.sandbox.kit.faults.add("social_ads", "code", endpoint=READ, value="11002")
    with pytest.raises(Unauthorized) as error:
        await opened.ping()
    assert error.value.reason == "access_token_invalid"
    assert (ads.calls(READ), ads.calls(EXCHANGE)) == (2, 1)


async def test_a_busy_platform_leaves_the_pair_as_it_was(
    ads: Ads, opened: SocialAdsAdapter, store: LockingStore
) -> None:
    await ads.act("expire_token")
    ads.sandbox.kit.faults.add("social_ads", "code", endpoint=EXCHANGE, value="11017", calls=(1,))
    with pytest.raises(Exception, match="per_minute"):
        await opened.ping()
    assert "exchanging" not in store.only
    await opened.ping()
    assert ads.platform.oauth.exchanges == 1


async def test_accounts_of_one_authorisation_share_its_pair(
    ads: Ads, opened: SocialAdsAdapter, make_runtime: Any, store: LockingStore
) -> None:
    settings = ads.sandbox.describe()["platforms"]["social_ads"]["accounts"]["main"]
    runtime = make_runtime(ads.sandbox.kit.clock, secret_store=store)
    async with TOOL.open(account_config(TOOL, {**settings, "account_id": 20459}), runtime) as second:
        await ads.act("expire_token")
        await opened.ping()
        with pytest.raises(Unauthorized) as error:
            await second.ping()
    # The emulation grants one account only; the point is that it got a living token without an exchange.
    assert error.value.reason == "scope"
    assert ads.calls(EXCHANGE) == 1
