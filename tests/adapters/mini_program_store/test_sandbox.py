"""The platform's own checks, asked with a plain HTTP client that shares nothing with the adapter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import orjson
import pytest

from sandbox.http1 import request
from sandbox.server import Sandbox
from tests.adapters.mini_program_store.conftest import NAME, Act

#: One second more than seven days after second 1.
WIDE = 604802
RID = re.compile(r" rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}$")


async def send(platform: Sandbox, method: str, path: str, body: object = None) -> dict[str, Any]:
    """One request; whatever happens, the platform answers HTTP 200."""
    raw = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
    answer = await request(method, platform.urls[NAME] + path, {"Content-Type": "application/json"}, raw)
    assert answer.status == 200
    found: dict[str, Any] = orjson.loads(answer.body)
    if found.get("errcode"):
        assert RID.search(found["errmsg"])
    return found


def credentials(platform: Sandbox, alias: str, **changed: Any) -> dict[str, Any]:
    """A body for stable_token."""
    account = platform.describe()["platforms"][NAME]["accounts"][alias]
    return {
        "grant_type": "client_credential",
        "appid": account["appid"],
        "secret": account["secret"],
        **changed,
    }


async def token(platform: Sandbox, alias: str = "store", **changed: Any) -> dict[str, Any]:
    """The answer of stable_token."""
    return await send(platform, "POST", "/cgi-bin/stable_token", credentials(platform, alias, **changed))


async def shop(platform: Sandbox, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """One store call with a good token."""
    access = (await token(platform))["access_token"]
    return await send(platform, "POST", f"/channels/ec/{path}?access_token={access}", body)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"grant_type": "x"}, 40002),
        ({"appid": ""}, 41002),
        ({"secret": ""}, 41004),
        ({"appid": "wx0000000000000000"}, 40013),
        ({"secret": "0" * 32}, 40125),
    ],
)
async def test_who_gets_no_token(platform: Sandbox, changed: dict[str, Any], code: int) -> None:
    assert (await token(platform, **changed))["errcode"] == code
    assert platform.kit.journal.of_kind(NAME, "token_issued") == []


async def test_a_stable_token_stays_the_same_and_grows_older(platform: Sandbox) -> None:
    first = await token(platform)
    platform.kit.clock.advance(timedelta(seconds=1000))
    again = await token(platform)
    assert first["access_token"] == again["access_token"]
    assert first["expires_in"] in {7199, 7200}
    assert again["expires_in"] in {6199, 6200}
    platform.kit.clock.advance(timedelta(seconds=5950))
    late = await token(platform)
    assert late["access_token"] != first["access_token"]
    # The old one lives out its last minutes, then it is expired, not unknown.
    path = "/channels/ec/basics/info/get?access_token=" + first["access_token"]
    assert (await send(platform, "GET", path))["errcode"] == 0
    platform.kit.clock.advance(timedelta(seconds=300))
    assert (await send(platform, "GET", path))["errcode"] == 42001


async def test_forcing_is_rationed(platform: Sandbox) -> None:
    first = (await token(platform))["access_token"]
    forced = (await token(platform, force_refresh=True))["access_token"]
    assert forced != first
    assert (await token(platform, force_refresh=True))["access_token"] == forced
    platform.kit.clock.advance(timedelta(seconds=30))
    assert (await token(platform, force_refresh=True))["access_token"] != forced
    path = "/channels/ec/basics/info/get?access_token=" + first
    assert (await send(platform, "GET", path))["errcode"] == 40001


async def test_what_stands_before_every_endpoint(platform: Sandbox) -> None:
    mine = (await token(platform))["access_token"]
    other = (await token(platform, "flagship"))["access_token"]
    path = "/channels/ec/order/get"
    assert (await send(platform, "POST", path, {}))["errcode"] == 41001
    assert (await send(platform, "POST", f"{path}?access_token=forged", {}))["errcode"] == 40001
    assert (await send(platform, "POST", f"{path}?access_token={other}", {}))["errcode"] == 48001
    assert (await send(platform, "GET", f"{path}?access_token={mine}"))["errcode"] == 43002
    assert (await send(platform, "POST", f"{path}?access_token={mine}"))["errcode"] == 44002
    assert (await send(platform, "POST", f"{path}?access_token={mine}", b"no"))["errcode"] == 47001
    assert (await send(platform, "POST", f"{path}?access_token={mine}", {}))["errcode"] == 40097
    info = f"/channels/ec/basics/info/get?access_token={mine}"
    assert (await send(platform, "POST", info, {}))["errcode"] == 43001
    phone = f"/wxa/business/getuserphonenumber?access_token={mine}"
    assert (await send(platform, "POST", phone, {"code": "x"}))["errcode"] == 48001
    assert (await send(platform, "GET", "/no/such/path"))["errcode"] == 40066


async def test_a_business_code_on_command_comes_after_authentication(platform: Sandbox) -> None:
    mine = (await token(platform))["access_token"]
    platform.kit.faults.add(NAME, "code", endpoint="*/order/get", value=100003)
    path = "/channels/ec/order/get?access_token="
    assert (await send(platform, "POST", path + "forged", {}))["errcode"] == 40001
    assert (await send(platform, "POST", path + mine, {}))["errcode"] == 100003


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("order/list/get", {"page_size": 10}, 40097),
        ("order/list/get", {"page_size": 9, "create_time_range": {"start_time": 0, "end_time": 9}}, 40097),
        ("order/list/get", {"page_size": 9, "create_time_range": {"start_time": 1, "end_time": WIDE}}, 40097),
        ("order/list/get", {"page_size": 101, "create_time_range": {"start_time": 1, "end_time": 2}}, 40097),
        ("order/list/get", {"page_size": 10, "update_time_range": {"start_time": "1", "end_time": 2}}, 40097),
        ("order/get", {"order_id": "1"}, 40097),
        ("product/list/get", {}, 40097),
        ("product/list/get", {"page_size": 31}, 40097),
        ("product/get", {"product_id": 1}, 10020052),
        ("product/stock/get", {"product_id": "1", "sku_id": "1"}, 10020052),
        ("aftersale/getaftersalelist", {}, 40097),
        ("aftersale/getaftersalelist", {"begin_update_time": 1, "end_update_time": 86402}, 10020004),
        ("aftersale/getaftersaleorder", {"after_sale_order_id": "1"}, 10021050),
        ("vip/user/list/get", {"page_num": 0, "page_size": 10}, 40097),
        ("vip/user/score/get", {"openid": "o"}, 40003),
        ("product/list/get", {"page_size": 1, "next_key": "made up"}, 606006),
    ],
)  # fmt: skip
async def test_refusals_of_the_store(platform: Sandbox, path: str, body: dict[str, Any], code: int) -> None:
    assert (await shop(platform, path, body))["errcode"] == code


async def test_a_cursor_belongs_to_its_question(platform: Sandbox) -> None:
    body: dict[str, Any] = {"page_size": 3}
    first = await shop(platform, "product/list/get", body)
    assert first["total_num"] == 8
    assert "has_more" not in first
    body["next_key"] = first["next_key"]
    second = await shop(platform, "product/list/get", body)
    assert len(set(first["product_ids"] + second["product_ids"])) == 6
    assert (await shop(platform, "product/list/get", {**body, "page_size": 4}))["errcode"] == 606006
    last = await shop(platform, "product/list/get", {**body, "next_key": second["next_key"]})
    assert len(last["product_ids"]) == 2
    assert last["next_key"] == ""


async def test_exactly_seven_days_and_24_hours_are_allowed(platform: Sandbox) -> None:
    span = {"create_time_range": {"start_time": 1, "end_time": 604801}, "page_size": 100}
    assert (await shop(platform, "order/list/get", span))["order_id_list"] == []
    day = {"begin_create_time": 1, "end_create_time": 86401}
    assert (await shop(platform, "aftersale/getaftersalelist", day))["errcode"] == 0


async def test_login_codes_belong_to_their_app(platform: Sandbox, act: Act) -> None:
    scan, flagship = credentials(platform, "scan"), credentials(platform, "flagship")
    code = (await act("login_code", appid=flagship["appid"], person="protagonist"))["code"]

    async def login(account: dict[str, Any], **changed: str) -> dict[str, Any]:
        query = {**account, "js_code": code, "grant_type": "authorization_code", **changed}
        text = "&".join(f"{k}={v}" for k, v in query.items())
        return await send(platform, "GET", f"/sns/jscode2session?{text}")

    assert (await login(scan))["errcode"] == 40029
    assert (await login(flagship, secret="0"))["errcode"] == 40125
    assert (await login(credentials(platform, "store")))["errcode"] == 40013
    assert (await login(flagship, js_code=""))["errcode"] == 41008
    assert platform.kit.journal.of_kind(NAME, "login_code_used") == []
    session = await login(flagship)
    assert sorted(session) == ["openid", "session_key", "unionid"]
    assert (await login(flagship))["errcode"] == 40163


async def test_phones_are_sent_only_when_asked_for(platform: Sandbox) -> None:
    body = {"page_num": 1, "page_size": 100}
    plain = await shop(platform, "vip/user/list/get", body)
    assert all("user_info" not in member for member in plain["list"])
    asked = await shop(platform, "vip/user/list/get", {**body, "need_phone_number": True})
    assert all(member["user_info"]["phone_number"] for member in asked["list"])


async def test_people_cannot_do_what_makes_no_sense(platform: Sandbox, act: Act) -> None:
    with pytest.raises(ValueError, match="has status 100"):
        await act("order_paid", order_id=platform.describe()["platforms"][NAME]["known"]["orderIds"][0])
    with pytest.raises(ValueError, match="quantity is 999"):
        await act("order_new", person="protagonist", sku="SL-DOWN-1M", quantity=999)
    with pytest.raises(ValueError, match="nobody is called x"):
        await act("order_new", person="x", sku="SL-DOWN-1M", quantity=1)
    with pytest.raises(ValueError, match="has never used the store"):
        await act("order_new", person="no_unionid", sku="SL-DOWN-1M", quantity=1)
    assert platform.kit.journal.effects == []
