"""Access tokens: one fetch for many callers, one renewal, one guarded force, never a loop."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from adapters.base.errors import Unauthorized, Unavailable
from adapters.official_account import TOOL, OfficialAccountAdapter
from adapters.official_account.sandbox import Sandbox as Platform
from adapters.official_account.sandbox.tokens import Issuer
from gateway.runtime import MemoryTokenStore
from sandbox.server import Sandbox
from tests.adapters.official_account.contract import revoke
from tests.conftest import OpenTool

TOKEN = "POST /cgi-bin/stable_token"
TAGS = "GET /cgi-bin/tags/get"


def calls(sandbox: Sandbox, endpoint: str) -> int:
    return sandbox.kit.journal.count("official_account", endpoint)


def made(sandbox: Sandbox) -> list[bool]:
    """Each new stable token: was it forced?"""
    effects = sandbox.kit.journal.of_kind("official_account", "stable_token")
    return [effect.data["forced"] for effect in effects]


def issuer(platform: Platform, adapter: OfficialAccountAdapter) -> Issuer:
    return platform.accounts[adapter.account].stable_token


async def test_many_callers_share_one_fetch(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    await asyncio.gather(*(main.tags() for _ in range(20)))
    assert (calls(sandbox, TOKEN), calls(sandbox, TAGS)) == (1, 20)


async def test_adapters_with_one_store_share_one_token(sandbox: Sandbox, open_tool: OpenTool) -> None:
    store = MemoryTokenStore()
    first = await open_tool(TOOL, sandbox, "main", token_store=store)
    second = await open_tool(TOOL, sandbox, "main", token_store=store)
    await first.tags()
    await second.tags()
    assert calls(sandbox, TOKEN) == 1


async def test_accounts_do_not_share(
    main: OfficialAccountAdapter, outlet: OfficialAccountAdapter, sandbox: Sandbox
) -> None:
    await main.tags()
    await outlet.tags()
    assert calls(sandbox, TOKEN) == 2


async def test_a_token_is_renewed_five_minutes_before_its_end(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    await main.tags()
    sandbox.kit.clock.advance(timedelta(seconds=6890))
    await main.tags()
    assert calls(sandbox, TOKEN) == 1
    sandbox.kit.clock.advance(timedelta(seconds=20))
    await main.tags()
    assert (calls(sandbox, TOKEN), made(sandbox)) == (2, [False, False])


async def test_a_refused_token_is_renewed_once_in_normal_mode(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    await main.tags()
    await revoke(sandbox)
    await asyncio.gather(*(main.tags() for _ in range(10)))
    assert calls(sandbox, TOKEN) == 2
    assert made(sandbox) == [False]
    assert calls(sandbox, TAGS) == 1 + 20


async def test_the_same_refused_token_is_forced_once(
    main: OfficialAccountAdapter, sandbox: Sandbox, platform: Platform
) -> None:
    await main.tags()
    issuer(platform, main).poisoned.add(issuer(platform, main).current)
    await main.tags()
    assert (calls(sandbox, TOKEN), made(sandbox)) == (3, [False, True])


async def test_a_second_force_waits_thirty_seconds(
    main: OfficialAccountAdapter, sandbox: Sandbox, platform: Platform
) -> None:
    tokens = issuer(platform, main)
    await main.tags()
    for _ in range(2):
        tokens.poisoned.add(tokens.current)
        if made(sandbox) == [False]:
            await main.tags()
    with pytest.raises(Unauthorized) as refused:
        await main.tags()
    assert (refused.value.reason, made(sandbox)) == ("token_refused", [False, True])
    sandbox.kit.clock.advance(timedelta(seconds=31))
    await main.tags()
    assert made(sandbox) == [False, True, True]


@pytest.mark.parametrize("code", ["40001", "40014", "42001"])
async def test_a_platform_that_refuses_every_token_is_asked_twice(
    main: OfficialAccountAdapter, sandbox: Sandbox, code: str
) -> None:
    sandbox.kit.faults.add("official_account", "code", endpoint=TAGS, value=code)
    with pytest.raises(Unauthorized) as refused:
        await main.tags()
    assert refused.value.upstream_code == code
    assert (calls(sandbox, TAGS), calls(sandbox, TOKEN)) == (2, 3)


async def test_a_lost_forced_refresh_is_followed_up_in_normal_mode(
    main: OfficialAccountAdapter, sandbox: Sandbox, platform: Platform
) -> None:
    tokens = issuer(platform, main)
    await main.tags()
    tokens.poisoned.add(tokens.current)
    sandbox.kit.faults.add("official_account", "reset_after", endpoint=TOKEN, calls=(2,))
    await main.tags()
    assert made(sandbox) == [False, True]
    assert calls(sandbox, TOKEN) == 4


async def test_no_token_no_effect(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    sandbox.kit.faults.add("official_account", "html", endpoint=TOKEN)
    with pytest.raises(Unavailable) as down:
        await main.tags()
    assert down.value.endpoint == "stable_token"
    assert (calls(sandbox, TOKEN), calls(sandbox, TAGS)) == (3, 0)


async def test_40001_of_the_token_endpoint_speaks_of_the_secret(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    sandbox.kit.faults.add("official_account", "code", endpoint=TOKEN, value="40001")
    with pytest.raises(Unauthorized) as refused:
        await main.tags()
    assert (refused.value.reason, refused.value.renew_token) == ("secret_wrong", False)
    assert calls(sandbox, TOKEN) == 1
