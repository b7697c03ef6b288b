"""The control API, over HTTP: what it does, and what it says to a request that makes no sense."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from sandbox.http1 import request
from sandbox.server import Sandbox
from tests.conftest import EVENING, StartSandbox


@pytest.fixture
async def sandbox(start_sandbox: StartSandbox) -> Sandbox:
    return await start_sandbox("official_account", "social_ads")


async def _ask(sandbox: Sandbox, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    raw = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
    answer = await request(method, f"{sandbox.control_url}{path}", {}, raw)
    return answer.status, orjson.loads(answer.body)


async def test_describe_says_all_that_a_client_needs(sandbox: Sandbox) -> None:
    status, described = await _ask(sandbox, "GET", "/control/describe")
    assert status == 200
    assert described["control"] == sandbox.control_url
    assert described["masterData"] == f"{sandbox.control_url}/erp/master.json"
    assert set(described["platforms"]) == {"official_account", "social_ads"}
    for name, platform in described["platforms"].items():
        assert platform["baseUrl"] == sandbox.urls[name]
        assert {each["base_url"] for each in platform["accounts"].values()} == {sandbox.urls[name]}
        assert platform["known"]


async def test_the_erp_has_the_worlds_master_data(sandbox: Sandbox) -> None:
    status, data = await _ask(sandbox, "GET", "/erp/master.json")
    world = sandbox.world
    assert status == 200
    assert [each["code"] for each in data["stores"]] == [each.code for each in world.stores]
    skus = [sku for product in world.products for sku in product.skus]
    assert [each["code"] for each in data["skus"]] == [each.code for each in skus]
    assert len(data["stock"]) == len(skus) * (len(world.stores) + 1)


async def test_faults_are_set_and_cleared(sandbox: Sandbox) -> None:
    rule = {"platform": "social_ads", "kind": "status", "value": 503, "endpoint": "GET /v3.0/*", "calls": [1]}
    assert await _ask(sandbox, "POST", "/control/faults", rule) == (200, {"rules": 1})
    for expected in (503, 200):
        answer = await request("GET", f"{sandbox.urls['social_ads']}/v3.0/adgroups/get")
        assert answer.status == expected
    assert await _ask(sandbox, "DELETE", "/control/faults") == (200, {"rules": 0})
    assert sandbox.kit.faults.rules == []


async def test_the_journal_goes_on_where_the_reader_stopped(sandbox: Sandbox) -> None:
    await request("GET", f"{sandbox.urls['social_ads']}/v3.0/adgroups/get")
    await sandbox.platforms["social_ads"].actions()["click"]({"person": "guoran", "adgroup_id": 13397328752})

    _, journal = await _ask(sandbox, "GET", "/control/journal")
    [call], [effect] = journal["calls"], journal["effects"]
    assert (call["sequence"], call["platform"], call["endpoint"], call["status"], call["fault"]) == (
        1,
        "social_ads",
        "GET /v3.0/adgroups/get",
        200,
        "",
    )
    assert (effect["sequence"], effect["platform"], effect["kind"]) == (2, "social_ads", "click")
    _, later = await _ask(sandbox, "GET", "/control/journal?after=1")
    assert later == {"calls": [], "effects": [effect]}
    assert await _ask(sandbox, "GET", "/control/journal?after=2") == (200, {"calls": [], "effects": []})


async def test_time_passes(sandbox: Sandbox) -> None:
    before = sandbox.kit.clock.now()
    status, answer = await _ask(sandbox, "POST", "/control/clock/advance", {"seconds": 86400})
    passed = sandbox.kit.clock.now() - before
    assert status == 200
    assert answer["now"] > (EVENING.astimezone(before.tzinfo)).isoformat()
    assert 86400 <= passed.total_seconds() < 86400 + 60


async def test_an_action_of_a_person(sandbox: Sandbox) -> None:
    appid = sandbox.world.official_accounts[0].appid
    path = "/control/platforms/official_account/follow"
    status, answer = await _ask(sandbox, "POST", path, {"appid": appid, "person": "gift_payer"})
    assert (status, answer) == (200, {"openid": sandbox.world.people["guoran"].openids[appid]})
    [effect] = sandbox.kit.journal.of_kind("official_account", "followed")
    assert effect.key == f"{appid}/{answer['openid']}"


async def test_webhooks_by_command(sandbox: Sandbox) -> None:
    target = {"platform": "social_ads", "account": "20458", "url": "http://127.0.0.1:9/hooks"}
    assert await _ask(sandbox, "PUT", "/control/webhooks", target) == (200, {"targets": 1})
    hold = {"platform": "social_ads", "mode": "hold", "pace": 0}
    assert await _ask(sandbox, "POST", "/control/webhooks/mode", hold) == (200, {"mode": "hold"})
    click = {"person": "guoran", "adgroup_id": 13397328752}
    await _ask(sandbox, "POST", "/control/platforms/social_ads/click", click)
    release = {"platform": "social_ads", "newestFirst": True}
    assert await _ask(sandbox, "POST", "/control/webhooks/release", release) == (200, {"released": 1})
    assert await _ask(sandbox, "POST", "/control/webhooks/settle") == (200, {"settled": True})
    assert [each.state for each in sandbox.kit.pusher.deliveries] == ["failed"]


NAMES = "official_account, social_ads"
KINDS = "latency, status, html, reset_before, reset_after, truncate, garbage, code, hang"


@pytest.mark.parametrize(
    ("method", "path", "body", "message"),
    [
        ("POST", "/control/faults", {}, "missing or unknown: platform"),
        ("POST", "/control/faults", {"platform": "social_ads"}, "missing or unknown: kind"),
        (
            "POST",
            "/control/faults",
            {"platform": "taobao", "kind": "html"},
            f"platform is 'taobao': give one of {NAMES}, *",
        ),
        (
            "POST",
            "/control/faults",
            {"platform": "*", "kind": "fire"},
            f"kind is 'fire': give one of {KINDS}",
        ),
        ("POST", "/control/faults", b"{", "unexpected end of data: line 1 column 2 (char 1)"),
        ("POST", "/control/faults", [1], "the body must be a JSON object"),
        ("PUT", "/control/webhooks", {"platform": "social_ads", "account": "1"}, "missing or unknown: url"),
        (
            "POST",
            "/control/webhooks/mode",
            {"platform": "social_ads", "mode": "quietly"},
            "mode is 'quietly': give one of normal, lose, double, hold",
        ),
        (
            "POST",
            "/control/webhooks/mode",
            {"platform": "social_ads", "mode": "lose", "pace": -1},
            "pace is -1: give 0 or more, at most ten years of seconds",
        ),
        ("POST", "/control/webhooks/release", {}, "missing or unknown: platform"),
        ("POST", "/control/clock/advance", {}, "missing or unknown: seconds"),
        (
            "POST",
            "/control/clock/advance",
            {"seconds": -5},
            "seconds is -5: give 0 or more, at most ten years of seconds",
        ),
        (
            "POST",
            "/control/clock/advance",
            {"seconds": "inf"},
            "seconds is 'inf': give 0 or more, at most ten years of seconds",
        ),
        ("POST", "/control/clock/advance", {"seconds": "soon"}, "could not convert string to float: 'soon'"),
        ("GET", "/control/journal?after=x", None, "invalid literal for int() with base 10: 'x'"),
        ("POST", "/control/platforms/social_ads/click", {"adgroup_id": 1}, "missing or unknown: person"),
        (
            "POST",
            "/control/platforms/social_ads/click",
            {"person": "guoran", "adgroup_id": 1},
            "no adgroup 1",
        ),
    ],
)
async def test_a_bad_request_is_told_what_is_wrong(
    sandbox: Sandbox, method: str, path: str, body: Any, message: str
) -> None:
    before = sandbox.kit.clock.offset
    assert await _ask(sandbox, method, path, body) == (400, {"error": message})
    assert sandbox.kit.faults.rules == []
    assert sandbox.kit.pusher.targets == {}
    assert sandbox.kit.pusher.modes == {}
    assert sandbox.kit.clock.offset == before
    assert sandbox.kit.journal.effects == []


@pytest.mark.parametrize("path", ["taobao/click", "social_ads/fly", "payments/pay"])
async def test_an_unknown_action_is_not_found(sandbox: Sandbox, path: str) -> None:
    name, action = path.split("/")
    status, answer = await _ask(sandbox, "POST", f"/control/platforms/{path}", {})
    assert (status, answer) == (404, {"error": f"no action {action} at {name}"})
