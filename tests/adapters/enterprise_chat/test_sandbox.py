"""What the emulated platform checks, with the codes that it answers; spoken to without our client."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest

from adapters.enterprise_chat.sandbox import Sandbox as EnterpriseChat
from sandbox.server import Sandbox
from tests.adapters.enterprise_chat.conftest import Wire


def _code(answer: dict[str, Any]) -> int:
    return int(answer["errcode"])


def _text(content: str = "你好", **fields: Any) -> dict[str, Any]:
    message = {"touser": "chenyutong", "msgtype": "text", "agentid": 1000012, "text": {"content": content}}
    return {**message, **fields}


_LINK = {"title": "新人礼", "url": "https://yujian.example/new"}
_CARD = {"title": "新人礼", "pic_media_id": "", "appid": "wx1", "page": "pages/gift"}


async def _code_of_a_new_contact(act: Any) -> str:
    added = await act("add_contact", userid="zhaominghui", person="linxiaowen")
    return str(added["welcome_code"])


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ({}, 40063),
        ({"text": {"content": "字" * 1334}}, 40058),
        ({"attachments": [{"msgtype": "link", "link": _LINK}] * 10}, 41064),
        ({"attachments": [{"msgtype": "voice"}]}, 41064),
        ({"attachments": [{"msgtype": "link", "link": {**_LINK, "url": ""}}]}, 40063),
        ({"attachments": [{"msgtype": "link", "link": {**_LINK, "title": "字" * 43}}]}, 40058),
        ({"attachments": [{"msgtype": "miniprogram", "miniprogram": {**_CARD, "pic_media_id": "2nobody"}}]}, 40007),
    ],
)
async def test_a_wrong_welcome_leaves_the_code_to_a_right_one(
    wire: Wire, act: Any, content: dict[str, Any], code: int
) -> None:
    welcome = await _code_of_a_new_contact(act)
    send = {"welcome_code": welcome}
    assert _code(await wire.customers("send_welcome_msg", {**send, **content})) == code
    assert _code(await wire.customers("send_welcome_msg", {**send, "text": {"content": "您好"}})) == 0


@pytest.mark.parametrize(("seconds", "code"), [(19, 0), (21, 41050)])
async def test_a_welcome_code_lives_twenty_seconds(
    wire: Wire, sandbox: Sandbox, act: Any, seconds: int, code: int
) -> None:
    welcome = {"welcome_code": await _code_of_a_new_contact(act), "text": {"content": "您好"}}
    sandbox.kit.clock.advance(timedelta(seconds=seconds))
    assert _code(await wire.customers("send_welcome_msg", welcome)) == code


async def test_a_welcome_code_works_once_and_must_be_one(wire: Wire, sandbox: Sandbox, act: Any) -> None:
    welcome = {"welcome_code": await _code_of_a_new_contact(act), "text": {"content": "您好"}}
    answers = [
        await wire.customers("send_welcome_msg", each)
        for each in ({**welcome, "welcome_code": ""}, {**welcome, "welcome_code": "CODE0"}, welcome, welcome)
    ]
    assert [_code(each) for each in answers] == [41049, 41050, 0, 41051]
    assert [e.data["text"] for e in sandbox.kit.journal.effects if e.kind == "welcome_message"] == ["您好"]


async def test_a_picture_is_forgotten_after_three_days(wire: Wire, sandbox: Sandbox, act: Any) -> None:
    token = await wire.token(wire.corp.app_secret)
    assert _code(await wire.call("media/upload", None, b"x", access_token=token, type="image")) == 44001
    assert _code(await wire.call("media/upload", None, b"x", access_token=token, type="gif")) == 40035
    state = sandbox.platforms["enterprise_chat"].state  # type: ignore[attr-defined]
    state.media["2old"] = sandbox.kit.clock.now() - timedelta(days=3, seconds=1)
    card = {"msgtype": "miniprogram", "miniprogram": {**_CARD, "pic_media_id": "2old"}}
    welcome = {"welcome_code": await _code_of_a_new_contact(act), "attachments": [card]}
    assert _code(await wire.customers("send_welcome_msg", welcome)) == 40145


async def test_gettoken_checks_in_the_platforms_order(wire: Wire) -> None:
    corp = wire.corp
    assert _code(await wire.call("gettoken")) == 41002
    assert _code(await wire.call("gettoken", corpid=corp.corpid)) == 41004
    assert _code(await wire.call("gettoken", corpid="ww0", corpsecret=corp.app_secret)) == 40013
    assert _code(await wire.call("gettoken", corpid=corp.corpid, corpsecret="wrong")) == 40001


async def test_a_token_is_the_same_while_it_is_valid(wire: Wire, sandbox: Sandbox) -> None:
    secret = wire.corp.app_secret
    first = await wire.token(secret)
    sandbox.kit.clock.advance(timedelta(seconds=7000))
    again = await wire.call("gettoken", corpid=wire.corp.corpid, corpsecret=secret)
    assert again["access_token"] == first
    assert 190 <= again["expires_in"] <= 200
    sandbox.kit.clock.advance(timedelta(seconds=300))
    assert await wire.token(secret) != first
    assert _code(await wire.call("user/get", access_token=first, userid="sunyue")) == 42001


async def test_wrong_secrets_shut_the_address_out_for_an_hour(wire: Wire, sandbox: Sandbox) -> None:
    corp = wire.corp
    for _ in range(20):
        assert _code(await wire.call("gettoken", corpid=corp.corpid, corpsecret="wrong")) == 40001
    right = {"corpid": corp.corpid, "corpsecret": corp.app_secret}
    assert _code(await wire.call("gettoken", **right)) == 45009
    sandbox.kit.clock.advance(timedelta(hours=1, seconds=1))
    assert _code(await wire.call("gettoken", **right)) == 0


async def test_a_token_is_in_the_query_and_of_the_right_agent(wire: Wire) -> None:
    app, contact = await wire.token(wire.corp.app_secret), await wire.token(wire.corp.contact_secret)
    assert _code(await wire.call("message/send", {"access_token": app, **_text()})) == 41001
    assert _code(await wire.call("user/get", access_token="made-up", userid="sunyue")) == 40014
    assert _code(await wire.call("externalcontact/get_follow_user_list", access_token=app)) == 48002
    assert _code(await wire.call("message/send", _text(), access_token=contact)) == 48002


async def test_a_refusal_names_the_callers_address_and_a_trace(wire: Wire) -> None:
    refusal = await wire.call("user/get", access_token="made-up", userid="sunyue")
    assert refusal["errmsg"].startswith("invalid access_token, hint: [")
    assert "from ip: 127.0.0.1, more info at https://open.work.weixin.qq.com/" in refusal["errmsg"]


async def test_members_show_no_personal_data_to_a_young_app(wire: Wire) -> None:
    member = await wire.app("user/get", userid="ChenYuTong")
    assert member["userid"] == "chenyutong"
    assert member["department"] == [2]
    assert not {"mobile", "gender", "avatar", "email", "address"} & set(member)
    assert _code(await wire.app("user/get", userid="lijiayi")) == 60111
    assert _code(await wire.app("user/get", userid="not/an/id")) == 40003


async def test_departments_below_one_and_all(wire: Wire) -> None:
    assert [d["id"] for d in (await wire.app("department/list"))["department"]] == [1, 9, 8, 7, 6, 5, 4, 3, 2]
    one = await wire.app("department/list", id="2")
    assert [(d["id"], d["parentid"], d["department_leader"]) for d in one["department"]] == [(2, 1, ["chenyutong"])]
    assert _code(await wire.app("department/list", id="99")) == 60123


async def test_an_employee_without_customers_is_84061(wire: Wire, act: Any, sandbox: Sandbox) -> None:
    mine = (await wire.customers("list", userid="zhaominghui"))["external_userid"]
    keys = {p.external_userid: p.key for p in sandbox.world.people.values()}
    for external in mine:
        await act("delete_contact", userid="zhaominghui", person=keys[external], by="GUIDE")
    assert _code(await wire.customers("list", userid="zhaominghui")) == 84061


async def test_who_may_see_a_customer(wire: Wire, act: Any, sandbox: Sandbox) -> None:
    people = sandbox.world.people
    waiting = next(c.person for c in sandbox.world.contacts if c.userid == "lijiayi")
    assert _code(await wire.customers("get")) == 41035
    assert _code(await wire.customers("get", external_userid="wmNobody")) == 40096
    assert _code(await wire.customers("get", external_userid=people[waiting].external_userid)) == 40096
    await act("delete_contact", userid="heqing", person="sunbo", by="GUIDE")
    assert _code(await wire.customers("get", external_userid=people["sunbo"].external_userid)) == 84061


async def test_a_half_added_customer_is_hidden_until_confirmed(wire: Wire, act: Any) -> None:
    added = await act("add_contact", userid="sunyue", person="hejia", half=True)
    external = added["external_userid"]
    assert _code(await wire.customers("get", external_userid=external)) == 84061
    await act("confirm_contact", userid="sunyue", person="hejia")
    seen = await wire.customers("get", external_userid=external)
    assert [f["userid"] for f in seen["follow_user"]] == ["sunyue"]


async def test_batch_limits_and_cursors(wire: Wire) -> None:
    path = "batch/get_by_user"
    assert _code(await wire.customers(path, {"userid_list": []})) == 40003
    assert _code(await wire.customers(path, {"userid_list": ["sunyue"] * 101})) == 40032
    assert _code(await wire.customers(path, {"userid_list": ["lijiayi"]})) == 60111
    first = await wire.customers(path, {"userid_list": ["chenyutong"], "limit": 4})
    assert len(first["external_contact_list"]) == 4
    assert first["external_contact_list"][0]["follow_info"]["userid"] == "chenyutong"
    cursor = first["next_cursor"]
    other = await wire.customers(path, {"userid_list": ["sunyue"], "cursor": cursor})
    assert _code(other) == 60268
    assert _code(await wire.customers(path, {"userid_list": ["sunyue"], "cursor": "x"})) == 50100
    clamped = await wire.customers(path, {"userid_list": ["chenyutong"], "limit": 999})
    assert (_code(clamped), clamped["next_cursor"]) == (0, "")


async def test_tags_by_group_and_by_id(wire: Wire) -> None:
    groups = (await wire.customers("get_corp_tag_list", {}))["tag_group"]
    assert [(g["group_name"], [t["name"] for t in g["tag"]]) for g in groups] == [
        ("会员等级", ["金卡", "银卡"]),
        ("偏好", ["雾灰控", "徒步"]),
    ]
    gold, likes = groups[0]["tag"][0]["id"], groups[1]["group_id"]
    by_tag = await wire.customers("get_corp_tag_list", {"tag_id": [gold]})
    assert [t["name"] for g in by_tag["tag_group"] for t in g["tag"]] == ["金卡"]
    both = await wire.customers("get_corp_tag_list", {"tag_id": [gold], "group_id": [likes]})
    assert [g["group_name"] for g in both["tag_group"]] == ["偏好"]


async def test_group_list_wants_a_limit_and_hides_owners_who_left(wire: Wire, act: Any) -> None:
    path = "groupchat/list"
    assert _code(await wire.customers(path, {"status_filter": 0})) == 40063
    assert _code(await wire.customers(path, {"limit": 1001})) == 40058
    assert _code(await wire.customers(path, {"limit": 1, "status_filter": 9})) == 40035
    assert len((await wire.customers(path, {"limit": 10}))["group_chat_list"]) == 2
    await act("remove_employee", userid="sunyue")
    assert len((await wire.customers(path, {"limit": 10}))["group_chat_list"]) == 1
    named = await wire.customers(path, {"limit": 10, "owner_filter": {"userid_list": ["sunyue"]}})
    assert [g["status"] for g in named["group_chat_list"]] == [1]
    assert _code(await wire.customers("groupchat/get", {"chat_id": "wrNone"})) == 40050


REFUSALS: list[tuple[dict[str, Any], int]] = [
    ({"agentid": None}, 41011),
    ({"agentid": 1}, 301002),
    ({"touser": ""}, 82001),
    ({"touser": "nobody"}, 81013),
    ({"touser": "|".join(["sunyue"] * 1001)}, 40032),
    ({"msgtype": "hologram"}, 40008),
    ({"text": {}}, 40063),
    ({"msgtype": "textcard", "textcard": {"title": "t" * 129, "description": "d", "url": "u"}}, 40058),
    ({"msgtype": "template_card", "template_card": {"card_type": "text_notice"}}, 40063),
    (
        {
            "msgtype": "template_card",
            "template_card": {
                "card_type": "text_notice",
                "main_title": {"title": "t"},
                "card_action": {"type": 1, "url": "https://x.example"},
                "task_id": "not ok",
            },
        },
        42014,
    ),
]


async def test_message_refusals_send_nothing(wire: Wire, sandbox: Sandbox) -> None:
    for fields, code in REFUSALS:
        assert _code(await wire.app("message/send", _text(**fields))) == code
        assert sandbox.kit.journal.of_kind("enterprise_chat", "app_message") == []


async def test_text_is_cut_and_partial_failure_is_no_failure(wire: Wire, sandbox: Sandbox) -> None:
    answer = await wire.app("message/send", _text("屿" * 700, touser="ChenYuTong|LiJiaYi"))
    assert (_code(answer), answer["invaliduser"]) == (0, "lijiayi")
    (effect,) = sandbox.kit.journal.of_kind("enterprise_chat", "app_message")
    assert effect.data["to"] == ["chenyutong"]
    assert effect.data["content"] == {"content": "屿" * 682}


async def test_the_duplicate_check_ends_with_its_interval(wire: Wire, sandbox: Sandbox) -> None:
    checked = _text(enable_duplicate_check=1, duplicate_check_interval=14400)
    first = await wire.app("message/send", checked)
    assert (await wire.app("message/send", checked))["msgid"] == first["msgid"]
    sandbox.kit.clock.advance(timedelta(seconds=14401))
    assert (await wire.app("message/send", checked))["msgid"] != first["msgid"]
    effects = sandbox.kit.journal.of_kind("enterprise_chat", "app_message")
    assert len(effects) == 2
    assert len({effect.key for effect in effects}) == 1


async def test_the_31st_message_of_a_minute_is_dropped_in_silence(wire: Wire, sandbox: Sandbox) -> None:
    for number in range(31):
        assert _code(await wire.app("message/send", _text(f"{number}"))) == 0
    effects = sandbox.kit.journal.of_kind("enterprise_chat", "app_message")
    assert [len(effect.data["to"]) for effect in effects] == [1] * 30 + [0]


async def test_bodies_that_are_no_json_are_read_as_empty_with_a_warning(wire: Wire) -> None:
    token = await wire.token(wire.corp.contact_secret)
    path = "externalcontact/groupchat/get"
    broken = await wire.call(path, None, b"{chat_id:", access_token=token)
    assert _code(broken) == 40063
    assert broken["errmsg"].endswith("Warning: wrong json format.")
    assert _code(await wire.call(path, access_token=token)) == 40063
    escaped = orjson.dumps({"chat_id": "x"}).replace(b"x", rb"\u5c7f")
    assert _code(await wire.call(path, None, escaped, access_token=token)) == 40033


async def test_a_fault_code_is_answered_after_the_token_is_checked(wire: Wire, sandbox: Sandbox) -> None:
    token = await wire.token(wire.corp.app_secret)
    sandbox.kit.faults.add("enterprise_chat", "code", value="45033")
    assert _code(await wire.call("user/get", access_token="made-up", userid="sunyue")) == 40014
    assert _code(await wire.call("user/get", access_token=token, userid="sunyue")) == 45033


async def test_calls_over_the_limit_of_a_minute(wire: Wire, sandbox: Sandbox) -> None:
    platform = sandbox.platforms["enterprise_chat"]
    assert isinstance(platform, EnterpriseChat)
    platform.gate.per_minute = 2
    codes = [_code(await wire.app("user/get", userid="sunyue")) for _ in range(3)]
    assert codes == [0, 0, 45009]
    sandbox.kit.clock.advance(timedelta(minutes=1))
    assert _code(await wire.app("user/get", userid="sunyue")) == 0


async def test_the_state_is_this_sandboxs_own(sandbox: Sandbox, act: Any) -> None:
    platform = sandbox.platforms["enterprise_chat"]
    assert isinstance(platform, EnterpriseChat)
    before = [c.remark for c in sandbox.world.contacts]
    await act("edit_contact", userid="chenyutong", person="linxiaowen", remark="L码")
    assert [c.remark for c in sandbox.world.contacts] == before
    external = sandbox.world.people["linxiaowen"].external_userid
    relation = platform.state.relation("chenyutong", external)
    assert relation is not None
    assert relation.remark == "L码"


IMPOSSIBLE: list[tuple[str, dict[str, Any], str]] = [
    ("add_contact", {"userid": "chenyutong", "person": "linxiaowen"}, "friends already"),
    ("add_contact", {"userid": "lijiayi", "person": "hejia"}, "no employee lijiayi"),
    ("add_contact", {"userid": "sunyue", "person": "nobody"}, "nobody called nobody"),
    ("delete_contact", {"userid": "sunyue", "person": "hejia", "by": "GUIDE"}, "not in standing friend"),
    ("delete_contact", {"userid": "sunyue", "person": "hejia", "by": "HQ"}, "CUSTOMER or GUIDE"),
    ("join_group", {"chat_id": "wrNone", "person": "hejia"}, "no group wrNone"),
    ("rename_tag", {"tag_id": "etNone", "name": "x"}, "no corp tag etNone"),
    ("verify_callback", {}, "no webhook target"),
]


async def test_what_cannot_be_done_is_said(act: Any, sandbox: Sandbox) -> None:
    for action, body, sentence in IMPOSSIBLE:
        with pytest.raises(ValueError, match=sentence):
            await act(action, **body)
        assert sandbox.kit.journal.effects == []
