"""wechatpy's client for 企业微信, and its encryption of callbacks.

``wechatpy.work`` is there from 2.0 on, of which only alphas were ever published; 1.8 called an older one
``wechatpy.enterprise``.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from wechatpy.exceptions import InvalidSignatureException, WeChatClientException
from wechatpy.work import WeChatClient, parse_message
from wechatpy.work.crypto import WeChatCrypto
from wechatpy.work.exceptions import InvalidCorpIdException

from adapters.base.webhooks import WebhookRefused, WebhookRequest
from adapters.enterprise_chat import TOOL, ContactAdded, EnterpriseChatAdapter
from sandbox.server import Sandbox
from tests.conftest import OpenTool
from tests.vendor_sdk.conftest import Call, StartFront
from tests.vendor_sdk.front import Front

GUIDE, OTHER, LEFT = "chenyutong", "sunyue", "lijiayi"


@dataclass(frozen=True)
class Corp:
    """The emulated corp, and an SDK client for each of its two secrets."""

    sandbox: Sandbox
    front: Front
    settings: Mapping[str, Any]
    app: WeChatClient
    customers: WeChatClient

    @property
    def customer(self) -> str:
        """Somebody whom the guide has."""
        return self.sandbox.world.people["linxiaowen"].external_userid

    @property
    def platform(self) -> Any:
        """What people do there."""
        return self.sandbox.platforms["enterprise_chat"]

    @property
    def crypto(self) -> WeChatCrypto:
        """The SDK's end of the callback URL."""
        return WeChatCrypto(self.settings["callback_token"], self.settings["aes_key"], self.settings["corpid"])

    def ago(self, days: int) -> int:
        """Unix seconds, by the platform's clock."""
        return int((self.sandbox.kit.clock.now() - timedelta(days=days)).timestamp())


@pytest.fixture
async def corp(start_front: StartFront) -> Corp:
    sandbox, front = await start_front("enterprise_chat")
    settings = sandbox.describe()["platforms"]["enterprise_chat"]["accounts"]["main"]
    app, customers = (
        WeChatClient(settings["corpid"], settings[name], timeout=10) for name in ("app_secret", "contact_secret")
    )
    return Corp(sandbox, front, settings, app, customers)


async def _refused(call: Call, function: Callable[..., object], *args: Any, **kwargs: Any) -> int | None:
    with pytest.raises(WeChatClientException) as refused:
        await call(function, *args, **kwargs)
    code: int | None = refused.value.errcode
    return code


async def test_members_and_departments(corp: Corp, call: Call) -> None:
    member = await call(corp.app.user.get, GUIDE)
    departments = await call(corp.app.department.list)
    room = member["department"][0]
    staff = await call(corp.app.user.list, room)
    simple = await call(corp.app.department.get_users, room)
    one = await call(corp.app.department.get, room)
    tree = await call(corp.app.department.simple_list)

    assert (member["name"], member["position"]) == ("陈雨桐", "店长")
    assert one in departments
    assert [each["id"] for each in tree] == [each["id"] for each in departments]
    assert GUIDE in [each["userid"] for each in staff]
    assert [each["userid"] for each in simple] == [each["userid"] for each in staff]
    assert await call(corp.app.misc.get_wechat_ips) == ["203.0.113.0/24", "198.51.100.17"]
    assert await _refused(call, corp.app.user.get, LEFT) == 60111
    assert await _refused(call, corp.app.department.get, 9999) == 60123
    assert set(corp.front.seen) == {"qyapi.weixin.qq.com"}


async def test_customers(corp: Corp, call: Call) -> None:
    contacts = corp.customers.external_contact
    guides = (await call(contacts.get_follow_user_list))["follow_user"]
    listed = (await call(contacts.list, GUIDE))["external_userid"]
    one = await call(contacts.get, corp.customer)

    assert GUIDE in guides
    assert LEFT not in guides
    assert corp.customer in listed
    assert one["external_contact"]["name"] == "林晓雯"
    assert GUIDE in [each["userid"] for each in one["follow_user"]]
    assert await _refused(call, contacts.get, "wmNobody") == 40096
    assert await _refused(call, corp.app.external_contact.get_follow_user_list) == 48002
    # The SDK sends one ``userid``; since 2021 the page asks for ``userid_list``.
    assert await _refused(call, contacts.batch_get_by_user, GUIDE) == 40003


async def test_tags(corp: Corp, call: Call) -> None:
    contacts = corp.customers.external_contact
    made = (await call(contacts.add_corp_tag, None, "活动", 5, [{"name": "双11"}, {"name": "618"}]))["tag_group"]
    first, second = (tag["id"] for tag in made["tag"])
    await call(contacts.mark_tag, GUIDE, corp.customer, add_tag=[first, second])
    await call(contacts.edit_corp_tag, first, name="双12")
    await call(contacts.del_corp_tag, tag_id=[second])
    follow = (await call(contacts.get, corp.customer))["follow_user"]
    left = (await call(contacts.get_corp_tag_list, [first]))["tag_group"]

    marked = next(each for each in follow if each["userid"] == GUIDE)["tags"]
    assert ("活动", "双12") in [(tag["group_name"], tag["tag_name"]) for tag in marked]
    assert second not in [tag["tag_id"] for tag in marked]
    assert [(each["group_name"], [tag["name"] for tag in each["tag"]]) for each in left] == [("活动", ["双12"])]
    in_console = next(iter(next(iter(corp.sandbox.world.corp.tag_groups.values()))))
    assert await _refused(call, contacts.edit_corp_tag, in_console, name="黑金") == 81011
    assert await _refused(call, contacts.mark_tag, GUIDE, corp.customer, add_tag=["etNone"]) == 40068


async def test_contact_ways_carry_their_channel(corp: Corp, call: Call) -> None:
    contacts = corp.customers.external_contact
    made = await call(contacts.add_contact_way, type=1, scene=2, state="store-2", remark="门店", user=[GUIDE])
    shown = (await call(contacts.get_contact_way, made["config_id"]))["contact_way"]
    await call(contacts.update_contact_way, made["config_id"], remark="收银台", state="till-2", user=[OTHER])
    scanned = await corp.platform.actions()["scan"]({"config_id": made["config_id"], "person": "linxiaowen"})
    follow = (await call(contacts.get, scanned["external_userid"]))["follow_user"]
    await call(contacts.del_contact_way, made["config_id"])

    assert (shown["state"], shown["user"], shown["qr_code"]) == ("store-2", [GUIDE], made["qr_code"])
    assert next(each for each in follow if each["userid"] == OTHER)["state"] == "till-2"
    assert await _refused(call, contacts.get_contact_way, made["config_id"]) == 41044
    assert await _refused(call, contacts.add_contact_way, type=3, scene=2, user=[GUIDE]) == 41038


async def test_groups(corp: Corp, call: Call) -> None:
    groups, known = corp.customers.external_contact_group_chat, corp.sandbox.world.groups
    listed = await call(groups.list_all)
    one = (await call(groups.get, known[0].chat_id))["group_chat"]
    figures = await call(groups.statistic, corp.ago(3), corp.ago(1), [known[0].owner])

    assert known[0].chat_id in [each["chat_id"] for each in listed]
    assert (one["name"], one["owner"]) == (known[0].name, known[0].owner)
    assert [each["owner"] for each in figures["items"]] == [known[0].owner]
    assert await _refused(call, groups.get, "wrNone") == 40050
    assert await _refused(call, groups.statistic, corp.ago(3), corp.ago(0), [known[0].owner]) == 40035
    # The owners may not be left out any more, though the SDK's page still says so.
    assert await _refused(call, groups.statistic, corp.ago(3)) == 40063


async def test_group_sends_and_welcomes(corp: Corp, call: Call) -> None:
    contacts = corp.customers.external_contact
    task = await call(
        contacts.add_msg_template, {"external_userid": [corp.customer, "wmNobody"], "text": {"content": "新品"}}
    )
    added = await corp.platform.actions()["add_contact"]({"userid": "zhaominghui", "person": "linxiaowen"})
    welcome = {"welcome_code": added["welcome_code"], "text": {"content": "您好"}}
    await call(contacts.send_welcome_msg, welcome)
    template = await call(contacts.add_group_welcome_template, {"text": {"content": "欢迎"}})
    await call(contacts.update_group_welcome_template, {"text": {"content": "欢迎新朋友"}}, template["template_id"])
    shown = await call(contacts.get_group_welcome_template, template["template_id"])
    await call(contacts.del_group_welcome_template, template["template_id"])

    assert task["fail_list"] == ["wmNobody"]
    assert task["msgid"].startswith("msg")
    assert shown["text"] == {"content": "欢迎新朋友"}
    assert await _refused(call, contacts.send_welcome_msg, welcome) == 41051
    assert await _refused(call, contacts.add_msg_template, {"text": {"content": "新品"}}) == 41048
    # The vendor put get_groupmsg_send_result in the place of get_group_msg_result: there is no such path.
    assert await _refused(call, contacts.get_group_msg_result, task["msgid"]) is None


async def test_statistics_and_who_waits_for_another_employee(corp: Corp, call: Call) -> None:
    contacts = corp.customers.external_contact
    days = (await call(contacts.get_user_behavior_data, [GUIDE], corp.ago(6), corp.ago(0)))["behavior_data"]
    waiting = await call(contacts.get_unassigned_list, page_size=10)

    assert len(days) == 7
    assert {row["handover_userid"] for row in waiting["info"]} == {LEFT}
    assert await _refused(call, contacts.get_user_behavior_data, [GUIDE], corp.ago(60), corp.ago(0)) == 40035
    # externalcontact/transfer was frozen in favour of transfer_customer, which the SDK does not know.
    assert await _refused(call, contacts.transfer, corp.customer, LEFT, GUIDE) is None


async def test_app_messages(corp: Corp, call: Call) -> None:
    messages, agent = corp.app.message, corp.settings["agentid"]
    media = (await call(corp.app.media.upload, "image", ("a.png", io.BytesIO(b"\x89PNG\r\n\x1a\n"))))["media_id"]
    link = {"title": "到货", "description": "山岚", "url": "https://yujian.example/1", "image": ""}
    sent = [
        await call(messages.send_text, agent, [GUIDE, LEFT], "您的顾客已付款"),
        await call(messages.send_text_card, agent, GUIDE, "自提", "SO-1", "https://yujian.example/1"),
        await call(messages.send_image, agent, GUIDE, media),
        await call(messages.send_articles, agent, GUIDE, [link]),
        await call(messages.send_markdown, agent, GUIDE, "**到货**"),
    ]

    assert [each["invaliduser"] for each in sent] == [LEFT, "", "", "", ""]
    kinds = [e.key.partition(":")[0] for e in corp.sandbox.kit.journal.of_kind("enterprise_chat", "app_message")]
    assert kinds == ["text", "textcard", "image", "news", "markdown"]
    assert await _refused(call, messages.send_text, agent, LEFT, "您好") == 81013
    assert await _refused(call, messages.send_text, agent + 1, GUIDE, "您好") == 301002
    assert await _refused(call, messages.send_image, agent, GUIDE, "2none") == 40007


async def test_the_sidebar(corp: Corp, call: Call) -> None:
    code = (await corp.platform.actions()["open_sidebar"]({"userid": GUIDE}))["code"]
    # The older path, with capitals in its fields; the sandbox keeps it for those who still call it.
    visitor = await call(corp.app.oauth.get_user_info, code)
    url, seconds = "https://guide.yujian.example/sidebar?store=2", corp.ago(0)
    found = []
    for identity, fetch in (
        ("corp", corp.app.jsapi.get_jsapi_ticket),
        ("agent", corp.app.jsapi.get_agent_jsapi_ticket),
    ):
        signature = corp.app.jsapi.get_jsapi_signature("n0nce", await call(fetch), seconds, url)
        page = {"identity": identity, "url": url, "timestamp": seconds, "nonceStr": "n0nce", "signature": signature}
        found.append(await corp.platform.actions()["check_js_config"](page))

    assert visitor["UserId"] == GUIDE
    assert [each["errMsg"] for each in found] == ["config:ok", "config:ok"]
    assert await _refused(call, corp.app.oauth.get_user_info, code) == 42022


async def test_a_wrong_secret_and_a_revoked_token(corp: Corp, call: Call) -> None:
    assert await _refused(call, WeChatClient(corp.settings["corpid"], "wrong").fetch_access_token) == 40001
    await call(corp.app.user.get, GUIDE)
    await corp.platform.actions()["revoke_token"]({"agent": "app"})
    assert (await call(corp.app.user.get, GUIDE))["userid"] == GUIDE


async def test_it_opens_what_the_platform_pushes(corp: Corp) -> None:
    pusher = corp.sandbox.kit.pusher
    pusher.targets[("enterprise_chat", corp.settings["corpid"])] = "http://127.0.0.1:9/hook"
    pusher.modes["enterprise_chat"] = "hold"
    await corp.platform.actions()["add_contact"]({"userid": OTHER, "person": "linxiaowen", "state": "导购码"})
    push = pusher.deliveries[-1].build()
    query = dict(parse_qsl(urlsplit(push.url).query))
    seal = (query["msg_signature"], query["timestamp"], query["nonce"])
    event = parse_message(corp.crypto.decrypt_message(push.body, *seal))

    assert (event.event, event._data["ChangeType"]) == ("change_external_contact", "add_external_contact")
    assert (event._data["ExternalUserID"], event._data["State"]) == (corp.customer, "导购码")
    with pytest.raises(InvalidSignatureException):
        corp.crypto.decrypt_message(push.body, "0" * 40, *seal[1:])
    other = WeChatCrypto(corp.settings["callback_token"], corp.settings["aes_key"], "wwffffffffffffffff")
    with pytest.raises(InvalidCorpIdException):
        other.decrypt_message(push.body, *seal)


async def test_what_it_seals_is_taken_in(corp: Corp, open_tool: OpenTool) -> None:
    adapter: EnterpriseChatAdapter = await open_tool(TOOL, corp.sandbox, "main")
    corpid, seconds = corp.settings["corpid"], corp.ago(0)
    message = (
        f"<xml><ToUserName>{corpid}</ToUserName><FromUserName>sys</FromUserName><CreateTime>{seconds}</CreateTime>"
        "<MsgType>event</MsgType><Event>change_external_contact</Event><ChangeType>add_external_contact</ChangeType>"
        f"<UserID>{GUIDE}</UserID><ExternalUserID>wmA1</ExternalUserID><State>导购码</State></xml>"
    )
    request = _request(corp.crypto.encrypt_message(message, "n0nce", str(seconds)))
    received = await adapter.receive(request)
    [added] = adapter.interpret(received.events[0])

    assert isinstance(added, ContactAdded)
    assert (added.userid, added.external_userid, added.state) == (GUIDE, "wmA1", "导购码")
    forged = WeChatCrypto("another", corp.settings["aes_key"], corpid).encrypt_message(message, "n0nce", str(seconds))
    with pytest.raises(WebhookRefused):
        await adapter.receive(_request(forged))


def _request(sealed: str) -> WebhookRequest:
    """As the platform would deliver what the SDK made for an answer."""
    fields = {name: sealed.partition(f"<{name}>")[2].partition(f"</{name}>")[0] for name in _FIELDS}
    plain = {name: text.removeprefix("<![CDATA[").removesuffix("]]>") for name, text in fields.items()}
    query = {"msg_signature": plain["MsgSignature"], "timestamp": plain["TimeStamp"], "nonce": plain["Nonce"]}
    return WebhookRequest("POST", query, {}, sealed.encode())


_FIELDS = ("MsgSignature", "TimeStamp", "Nonce")
