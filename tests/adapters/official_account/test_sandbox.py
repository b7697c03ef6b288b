"""What the emulated platform checks, with the codes and shapes of the real one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from adapters.official_account.sandbox import Sandbox as Platform
from adapters.official_account.sandbox.callbacks import encrypt, sign, to_xml
from sandbox.http1 import request
from sandbox.server import Sandbox
from tests.adapters.official_account.contract import known, openids
from tests.adapters.wechat.vectors import PUBLISHED, REPRODUCIBLE, WITH_MESSAGE, Vector


class Wire:
    """Raw calls of the main account, with the sandbox's own HTTP client."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.account = sandbox.world.official_accounts[0]
        self._base = sandbox.urls["official_account"]
        self.token = ""

    async def raw(self, method: str, path: str, query: Mapping[str, str], body: bytes = b"") -> Any:
        answer = await request(method, f"{self._base}{path}?{urlencode(query)}", {}, body)
        assert answer.status == 200
        return orjson.loads(answer.body)

    async def get(self, path: str, **query: str) -> Any:
        return await self.raw("GET", path, {"access_token": self.token, **query})

    async def post(self, path: str, body: object) -> Any:
        return await self.raw("POST", path, {"access_token": self.token}, orjson.dumps(body))

    async def stable(self, **changed: object) -> Any:
        body = {
            "grant_type": "client_credential",
            "appid": self.account.appid,
            "secret": self.account.secret,
            **changed,
        }
        return await self.raw("POST", "/cgi-bin/stable_token", {}, orjson.dumps(body))

    async def classic(self) -> Any:
        query = {
            "grant_type": "client_credential",
            "appid": self.account.appid,
            "secret": self.account.secret,
        }
        return await self.raw("GET", "/cgi-bin/token", query)


@pytest.fixture
async def wire(sandbox: Sandbox) -> Wire:
    made = Wire(sandbox)
    made.token = (await made.stable())["access_token"]
    return made


@pytest.mark.parametrize("vector", [PUBLISHED, *WITH_MESSAGE], ids=lambda v: v.nonce)
def test_its_own_signature(vector: Vector) -> None:
    assert sign(vector.token, vector.timestamp, vector.nonce, vector.encrypted) == vector.signature


@pytest.mark.parametrize("vector", REPRODUCIBLE, ids=lambda v: v.nonce)
def test_its_own_encryption(vector: Vector) -> None:
    made = encrypt(vector.aes_key, vector.receive_id, vector.message, vector.prefix)
    assert made == vector.encrypted


def test_xml_is_safe_around_cdata() -> None:
    assert to_xml({"A": 1, "B": "<b>"}) == "<xml><A>1</A><B><![CDATA[<b>]]></B></xml>"
    assert to_xml({"B": "]]>"}) == "<xml><B>]]&gt;</B></xml>"


async def test_errors_have_the_platforms_shape(wire: Wire) -> None:
    answer = await wire.get("/cgi-bin/user/get", next_openid="oStranger")
    assert answer["errcode"] == 40003
    assert re.fullmatch(r"invalid openid rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}", answer["errmsg"])


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"grant_type": "password"}, 40002),
        ({"appid": ""}, 41002),
        ({"appid": "wx0000000000000000"}, 40013),
        ({"secret": ""}, 41004),
        ({"secret": "wrong"}, 40125),
    ],
)
async def test_credentials(wire: Wire, changed: dict[str, object], code: int) -> None:
    assert (await wire.stable(**changed))["errcode"] == code


async def test_a_stable_token_stays_the_same_until_its_last_five_minutes(wire: Wire, sandbox: Sandbox) -> None:
    sandbox.kit.clock.advance(timedelta(seconds=6800))
    again = await wire.stable()
    assert again["access_token"] == wire.token
    assert 398 <= again["expires_in"] <= 400
    sandbox.kit.clock.advance(timedelta(seconds=150))
    fresh = await wire.stable()
    assert fresh["access_token"] != wire.token
    assert fresh["expires_in"] == 7200
    assert "tags" in await wire.get("/cgi-bin/tags/get")
    sandbox.kit.clock.advance(timedelta(seconds=250))
    assert (await wire.get("/cgi-bin/tags/get"))["errcode"] == 42001


async def test_a_forced_token_kills_the_one_before(wire: Wire, sandbox: Sandbox) -> None:
    forced = await wire.stable(force_refresh=True)
    assert (await wire.get("/cgi-bin/tags/get"))["errcode"] == 40001
    assert (await wire.stable(force_refresh=True))["access_token"] == forced["access_token"]
    sandbox.kit.clock.advance(timedelta(seconds=31))
    assert (await wire.stable(force_refresh=True))["access_token"] != forced["access_token"]


async def test_forces_are_twenty_a_day(wire: Wire, sandbox: Sandbox) -> None:
    seen = {wire.token}
    for _ in range(22):
        seen.add((await wire.stable(force_refresh=True))["access_token"])
        sandbox.kit.clock.advance(timedelta(seconds=31))
    assert len(seen) == 21


async def test_the_classic_token_is_another_issuer(wire: Wire, sandbox: Sandbox) -> None:
    first, second = await wire.classic(), await wire.classic()
    assert first["access_token"] != second["access_token"]
    assert "tags" in await wire.get("/cgi-bin/tags/get")
    wire.token = first["access_token"]
    assert "tags" in await wire.get("/cgi-bin/tags/get")
    sandbox.kit.clock.advance(timedelta(seconds=301))
    assert (await wire.get("/cgi-bin/tags/get"))["errcode"] == 40001


async def test_the_token_is_checked_before_anything_else(wire: Wire) -> None:
    wire.token = ""
    assert (await wire.post("/cgi-bin/tags/get", {}))["errcode"] == 41001
    wire.token = "90_invented"
    assert (await wire.post("/cgi-bin/tags/get", {}))["errcode"] == 40001


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("POST", "/cgi-bin/tags/get", b"{}", 43001),
        ("GET", "/cgi-bin/user/info/batchget", b"", 43002),
        ("POST", "/cgi-bin/user/info/batchget", b"", 44002),
        ("POST", "/cgi-bin/user/info/batchget", b"{", 47001),
        ("POST", "/cgi-bin/user/info/batchget", b"[]", 47001),
        ("POST", "/cgi-bin/message/template/send", b'{"data":"\\u4e2d"}', 40033),
        ("POST", "/cgi-bin/user/info/batchget", b'{"user_list":[]}', 40032),
    ],
)
async def test_verb_then_body_then_meaning(wire: Wire, method: str, path: str, body: bytes, code: int) -> None:
    answer = await wire.raw(method, path, {"access_token": wire.token}, body)
    assert answer["errcode"] == code


async def test_batchget_takes_a_hundred_and_only_its_own(wire: Wire, sandbox: Sandbox) -> None:
    users = [{"openid": openid, "lang": "zh_CN"} for openid in openids(sandbox)]
    assert len(users) > 100
    path = "/cgi-bin/user/info/batchget"
    assert (await wire.post(path, {"user_list": users[:101]}))["errcode"] == 40032
    found = await wire.post(path, {"user_list": users[:100]})
    assert [user["openid"] for user in found["user_info_list"]] == openids(sandbox)[:100]
    outlet = sandbox.world.official_accounts[1].appid
    other = next(p.openids[outlet] for p in sandbox.world.people.values() if outlet in p.openids)
    assert (await wire.post(path, {"user_list": [users[0], {"openid": other}]}))["errcode"] == 40003


async def test_the_list_ends_without_data(wire: Wire, sandbox: Sandbox) -> None:
    first = await wire.get("/cgi-bin/user/get")
    assert first["count"] == first["total"] == len(first["data"]["openid"])
    assert first["next_openid"] == first["data"]["openid"][-1]
    end = await wire.get("/cgi-bin/user/get", next_openid=first["next_openid"])
    assert end == {"total": first["total"], "count": 0, "next_openid": ""}


async def test_one_who_leaves_moves_no_cursor(wire: Wire, platform: Platform, sandbox: Sandbox) -> None:
    platform.api.people.page_size = 2
    page = await wire.get("/cgi-bin/user/get")
    rest = await wire.get("/cgi-bin/user/get", next_openid=page["next_openid"])
    person = sandbox.world.person_by_openid(page["next_openid"])
    assert person is not None
    await platform.actions()["unfollow"]({"appid": wire.account.appid, "person": person.key})
    again = await wire.get("/cgi-bin/user/get", next_openid=page["next_openid"])
    assert again["data"] == rest["data"]
    assert again["total"] == page["total"] - 1


async def test_one_who_left_is_only_an_openid(wire: Wire, sandbox: Sandbox) -> None:
    gone = known(sandbox)["followers"]["unfollowed"]
    assert await wire.get("/cgi-bin/user/info", openid=gone) == {
        "subscribe": 0,
        "openid": gone,
        "tagid_list": [],
    }


async def test_a_code_on_command_comes_after_the_token(wire: Wire, sandbox: Sandbox) -> None:
    sandbox.kit.faults.add("official_account", "code", endpoint="* /cgi-bin/tags/get", value="48001")
    assert (await wire.get("/cgi-bin/tags/get"))["errcode"] == 48001
    wire.token = "90_invented"
    assert (await wire.get("/cgi-bin/tags/get"))["errcode"] == 40001


async def test_template_fields_follow_their_types(wire: Wire, sandbox: Sandbox) -> None:
    ids = known(sandbox)
    body = {
        "touser": ids["followers"]["protagonist"],
        "template_id": ids["templates"]["points_changed"],
        "data": {"thing1": {"value": "积分"}, "number2": {"value": "many"}},
    }
    answer = await wire.post("/cgi-bin/message/template/send", body)
    assert answer["errcode"] == 47003
    assert answer["errmsg"].startswith("argument invalid! data.number2.value invalid rid: ")
    assert sandbox.kit.journal.of_kind("official_account", "template_sent") == []


async def test_without_a_key_every_send_counts(wire: Wire, sandbox: Sandbox) -> None:
    ids = known(sandbox)
    body = {
        "touser": ids["followers"]["protagonist"],
        "template_id": ids["templates"]["points_changed"],
        "data": {"thing1": {"value": "积分"}, "number2": {"value": "5"}},
    }
    sent = [(await wire.post("/cgi-bin/message/template/send", body))["msgid"] for _ in range(2)]
    assert sent == [2463547712345678902, 2463547712345678903]
    assert len(sandbox.kit.journal.of_kind("official_account", "template_sent")) == 2


@pytest.mark.parametrize(
    ("action", "given"),
    [
        ("follow", {"appid": "wxnone", "person": "protagonist"}),
        ("follow", {"person": "nobody"}),
        ("follow", {"person": "protagonist"}),
        ("unfollow", {"person": "unfollowed"}),
        ("scan", {"person": "no_unionid", "scene": "x"}),
        ("check_url", {}),
    ],
)
async def test_impossible_actions_are_refused(
    wire: Wire, platform: Platform, action: str, given: dict[str, str]
) -> None:
    with pytest.raises(ValueError):
        await platform.actions()[action]({"appid": wire.account.appid, **given})
