"""Calls are counted over processes, and one too many is not made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from adapters.base.errors import QuotaExhausted, RateLimited
from adapters.base.limits import CallLimits, Limit, Window, limits
from adapters.base.priority import background
from gateway.database import Database
from gateway.runtime import Quotas
from gateway.runtime.counts import SqlCounts
from gateway.settings import SettingsError, from_mapping
from tests.databases import ManualClock

PLACE = ("official_account", "wx1")


def quotas_of(clock: ManualClock, database: Database, share: float = 0.0, **of: int) -> Quotas:
    """A process on a database, with limits of the endpoint user_get."""
    return Quotas(clock, {PLACE: {"user_get": limits(**of)}}, SqlCounts(database), interactive_share=share)


async def spend(quotas: Quotas, times: int = 1) -> None:
    for _ in range(times):
        await quotas.spend(*PLACE, "user_get")


async def made(quotas: Quotas) -> int:
    """Calls until one is refused."""
    calls = 0
    try:
        while True:
            await spend(quotas)
            calls += 1
    except (QuotaExhausted, RateLimited):
        return calls


async def left(quotas: Quotas) -> int:
    [state] = [each for each in await quotas.states() if each.endpoint == "user_get"]
    return state.left


@pytest.mark.parametrize(
    ("window", "starts", "ends"),
    [
        (Window.MINUTE, "2026-11-11T12:57:00", "2026-11-11T12:58:00"),
        (Window.HOUR, "2026-11-11T12:00:00", "2026-11-11T13:00:00"),
        (Window.DAY, "2026-11-10T16:00:00", "2026-11-11T16:00:00"),
        (Window.MONTH, "2026-10-31T16:00:00", "2026-11-30T16:00:00"),
    ],
)
def test_days_and_months_begin_in_beijing(window: Window, starts: str, ends: str) -> None:
    now = datetime(2026, 11, 11, 12, 57, 30, tzinfo=UTC)
    assert window.starts_at(now) == datetime.fromisoformat(starts).replace(tzinfo=UTC)
    assert window.ends_at(now) == datetime.fromisoformat(ends).replace(tzinfo=UTC)


async def test_one_call_too_many_is_refused_until_midnight_in_beijing(database: Database, clock: ManualClock) -> None:
    quotas = quotas_of(clock, database, day=500)
    await spend(quotas, 500)
    with pytest.raises(QuotaExhausted) as refused:
        await spend(quotas)
    assert refused.value.reason == "quota_kept"
    assert refused.value.resets_at == datetime(2026, 11, 11, 16, 0, tzinfo=UTC)
    assert await left(quotas) == 0
    clock.advance(hours=3, minutes=4)
    assert await left(quotas) == 500
    await spend(quotas)
    assert await left(quotas) == 499


async def test_a_minute_says_when_to_come_back(database: Database, clock: ManualClock) -> None:
    quotas = quotas_of(clock, database, minute=3, day=100)
    clock.advance(seconds=20)
    assert await made(quotas) == 3
    with pytest.raises(RateLimited) as refused:
        await spend(quotas)
    assert refused.value.retry_after == 40
    clock.advance(seconds=40)
    assert await made(quotas) == 3
    # What the minute refused took nothing of the day.
    assert {each.window: each.left for each in await quotas.states()} == {"MINUTE": 0, "DAY": 94}


async def test_two_processes_never_exceed_it_together(database: Database, clock: ManualClock) -> None:
    one, other = quotas_of(clock, database, day=101), quotas_of(clock, database, day=101)
    await spend(one, 10)
    assert await left(other) >= 101 - 10 - 2
    total = 10 + await made(other) + await made(one)
    assert total == 101
    assert [await left(one), await left(other)] == [0, 0]


async def test_what_a_process_took_and_did_not_use_is_given_back(database: Database, clock: ManualClock) -> None:
    one, other = quotas_of(clock, database, day=1000), quotas_of(clock, database, day=1000)
    await spend(one)
    assert await left(one) == 999
    assert await left(other) == 980
    await one.close()
    assert await left(other) == 999


async def test_few_calls_cost_a_statement(database: Database, clock: ManualClock) -> None:
    quotas = quotas_of(clock, database, day=100_000)
    await spend(quotas)
    before = database.statements
    await spend(quotas, 199)
    assert database.statements == before


async def test_background_leaves_its_share(database: Database, clock: ManualClock) -> None:
    quotas = quotas_of(clock, database, share=0.2, day=100)
    with background():
        assert await made(quotas) == 80
        with pytest.raises(QuotaExhausted, match="that background work may use"):
            await spend(quotas)
    assert await made(quotas) == 20


async def test_the_platforms_word_counts_more_than_ours(database: Database, clock: ManualClock) -> None:
    one, other = quotas_of(clock, database, day=100), quotas_of(clock, database, day=100)
    await spend(one, 5)
    resets = datetime(2026, 11, 11, 16, 0, tzinfo=UTC)
    await one.exhausted(*PLACE, "user_get", resets)
    with pytest.raises(QuotaExhausted) as refused:
        await spend(one)
    assert (refused.value.reason, refused.value.resets_at) == ("quota_spent", resets)
    # The other one learns it from the count.
    assert await made(other) == 0
    await one.forget(*PLACE)
    await other.forget(*PLACE)
    await spend(one)
    await spend(other)


async def test_a_clock_that_is_behind_counts_in_the_newer_window(database: Database, clock: ManualClock) -> None:
    behind = ManualClock(clock.now() - timedelta(minutes=1))
    ahead, late = quotas_of(clock, database, minute=10), quotas_of(behind, database, minute=10)
    assert await made(ahead) == 10
    with pytest.raises(RateLimited):
        await spend(late)


def test_settings_replace_a_window_and_leave_the_others() -> None:
    declared = limits(minute=1000, day=20_000)
    assert set(CallLimits(day=50).over(declared)) == {Limit(1000, Window.MINUTE), Limit(50, Window.DAY)}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"user_gte": {"day": 5}},
            "limits.user_gte: no limit of it is known; name one of *, custom_send, draft_batchget",
        ),
        ({"user_get": {"day": 0}}, "limits.user_get: give 1 call or more"),
        ({"user_get": {"week": 5}}, "unknown field"),
    ],
)
def test_wrong_limits_end_the_start(given: dict[str, dict[str, int]], message: str) -> None:
    account = {
        "appid": "wx1", "secret": "s", "gh_id": "gh_1", "callback_token": "t", "aes_key": "k" * 43, "limits": given,
    }  # fmt: skip
    with pytest.raises(SettingsError) as refused:
        from_mapping({"environment": "sandbox", "tools": {"official_account": {"accounts": {"main": account}}}})
    assert message in str(refused.value)
