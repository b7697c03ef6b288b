"""Access tokens: one fetch however many ask, one renewal however many are refused, no loop."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from adapters.base.errors import Unauthorized
from adapters.base.tokens import AccessTokens, with_token
from sandbox.clock import SandboxClock
from tests.conftest import EVENING, MakeRuntime


class Platform:
    """Hands out numbered tokens and remembers who asked with what."""

    def __init__(self, seconds: float = 7200) -> None:
        self.fetches: list[str | None] = []
        self.seconds = seconds

    async def fetch(self, refused: str | None) -> tuple[str, float]:
        self.fetches.append(refused)
        await asyncio.sleep(0.005)
        return f"token-{len(self.fetches)}", self.seconds


async def test_many_callers_cause_one_fetch(make_runtime: MakeRuntime) -> None:
    platform = Platform()
    tokens = AccessTokens(make_runtime(), "foo:acct", platform.fetch)
    assert set(await asyncio.gather(*(tokens.get() for _ in range(50)))) == {"token-1"}
    assert platform.fetches == [None]


async def test_many_refused_callers_cause_one_renewal(make_runtime: MakeRuntime) -> None:
    platform = Platform()
    tokens = AccessTokens(make_runtime(), "foo:acct", platform.fetch)
    await tokens.get()
    assert set(await asyncio.gather(*(tokens.renew("token-1") for _ in range(50)))) == {"token-2"}
    assert platform.fetches == [None, "token-1"]


@pytest.mark.parametrize(("life", "used_for"), [(7200, 6900), (400, 200)])
async def test_a_token_is_left_early(make_runtime: MakeRuntime, life: float, used_for: float) -> None:
    clock, platform = SandboxClock(EVENING), Platform(life)
    tokens = AccessTokens(make_runtime(clock), "foo:acct", platform.fetch)
    await tokens.get()
    clock.advance(timedelta(seconds=used_for - 2))
    assert await tokens.get() == "token-1"
    clock.advance(timedelta(seconds=3))
    assert await tokens.get() == "token-2"


async def test_a_refused_token_is_renewed_once_and_the_call_made_again(make_runtime: MakeRuntime) -> None:
    platform, seen = Platform(), []
    tokens = AccessTokens(make_runtime(), "foo:acct", platform.fetch)

    async def call(token: str) -> str:
        seen.append(token)
        if token == "token-1":
            raise Unauthorized("foo", "token_stale", "Renew.", renew_token=True)
        return "done"

    assert await with_token(tokens, call) == "done"
    assert seen == ["token-1", "token-2"]


async def test_a_platform_that_refuses_every_token_is_not_asked_for_ever(make_runtime: MakeRuntime) -> None:
    platform, seen = Platform(), []
    tokens = AccessTokens(make_runtime(), "foo:acct", platform.fetch)

    async def call(token: str) -> str:
        seen.append(token)
        raise Unauthorized("foo", "token_stale", "Renew.", renew_token=True)

    with pytest.raises(Unauthorized):
        await with_token(tokens, call)
    assert seen == ["token-1", "token-2"]
    assert len(platform.fetches) == 2


async def test_other_errors_do_not_renew(make_runtime: MakeRuntime) -> None:
    platform = Platform()
    tokens = AccessTokens(make_runtime(), "foo:acct", platform.fetch)

    async def call(token: str) -> str:
        raise Unauthorized("foo", "no_permission", "Ask an administrator.")

    with pytest.raises(Unauthorized):
        await with_token(tokens, call)
    assert platform.fetches == [None]


async def test_a_failed_fetch_leaves_nothing_behind(make_runtime: MakeRuntime) -> None:
    answers = iter([Unauthorized("foo", "secret_wrong", "Check the secret."), None])

    async def fetch(refused: str | None) -> tuple[str, float]:
        failure = next(answers)
        if failure is not None:
            raise failure
        return "token", 7200

    tokens = AccessTokens(make_runtime(), "foo:acct", fetch)
    with pytest.raises(Unauthorized):
        await tokens.get()
    assert await tokens.get() == "token"
