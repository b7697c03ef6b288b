"""A documented answer for every method of the clients, for the tests of spoilt ones."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson

from adapters.base.http import Upstream
from adapters.base.runtime import Runtime
from adapters.base.tokens import AccessTokens
from adapters.base.transport import Response
from adapters.enterprise_chat import client, models
from adapters.enterprise_chat.client import customers, messages, sends, ways
from adapters.enterprise_chat.errors import FAULTS
from adapters.wechat.api import TokenApi

_WIRE = Path(__file__).parent / "wire"
CLIENTS = (
    client.DirectoryClient,
    client.CustomersClient,
    client.WaysClient,
    client.GroupsClient,
    client.HandoversClient,
    client.SendsClient,
    client.MessagesClient,
    client.BillsClient,
)

Call = Callable[[Any], Awaitable[object]]
Row = tuple[Callable[[Runtime], Any], str, Call, Response]


def told(name: str) -> Response:
    """The recorded answer of an endpoint."""
    return Response(200, {"content-type": "application/json; charset=UTF-8"}, (_WIRE / f"{name}.json").read_bytes())


def _said(**fields: object) -> Response:
    return Response(200, {}, orjson.dumps({"errcode": 0, "errmsg": "ok", **fields}))


async def _token(refused: str | None) -> tuple[str, float]:
    del refused
    return "tk", 7200.0


def _api(runtime: Runtime) -> TokenApi:
    upstream = Upstream(runtime, "enterprise_chat", "ww1")
    return TokenApi(upstream, AccessTokens(runtime, "answers", _token), "https://qyapi.weixin.qq.com", FAULTS)


def _of(kind: Callable[..., Any]) -> Callable[[Runtime], Any]:
    return lambda runtime: kind(_api(runtime))


def _directory(runtime: Runtime) -> client.DirectoryClient:
    return client.DirectoryClient(_api(runtime), _api(runtime))


_customers, _ways, _groups = _of(client.CustomersClient), _of(client.WaysClient), _of(client.GroupsClient)
_moves, _sends, _messages = _of(client.HandoversClient), _of(client.SendsClient), _of(client.MessagesClient)
_bills = _of(client.BillsClient)
_OK = _said()
_WAY = ways.ContactWay(config_id="42b3", type=1, scene=2, user=["guide01"])
_JOIN_WAY = ways.JoinWay(2, chat_id_list=["wrX1"])
_TILE = messages.Tile("keydata", messages.KeyData([messages.KeyDatum("今日", "12800")]))
_TEMPLATE = messages.Template("normal", agentid=1)
_USER_TILE = messages.UserTile("normal", agentid=1, userid="g")
_WELCOME = sends.GroupWelcome(text=models.Text("欢迎"))

#: Maker of the client, method, call, answer.
METHODS: list[Row] = [
    (_directory, "user_get", lambda c: c.user_get("guide01"), told("user_get")),
    (_directory, "user_list", lambda c: c.user_list(12), told("user_list")),
    (_directory, "user_simplelist", lambda c: c.user_simplelist(12), told("user_simplelist")),
    (_directory, "user_list_id", lambda c: c.user_list_id("", 10), told("user_list_id")),
    (_directory, "department_get", lambda c: c.department_get(12), told("department_get")),
    (_directory, "department_list", lambda c: c.department_list(), told("department_list")),
    (_directory, "department_simplelist", lambda c: c.department_simplelist(1), told("department_simplelist")),
    (_directory, "auth_getuserinfo", lambda c: c.auth_getuserinfo("code"), told("auth_getuserinfo")),
    (_directory, "jscode2session", lambda c: c.jscode2session("code"), told("jscode2session")),
    (_directory, "get_jsapi_ticket", lambda c: c.get_jsapi_ticket(), told("get_jsapi_ticket")),
    (_directory, "ticket_get", lambda c: c.ticket_get(), told("ticket_get")),
    (_directory, "getcallbackip", lambda c: c.getcallbackip(), told("getcallbackip")),
    (_customers, "get_follow_user_list", lambda c: c.get_follow_user_list(), told("get_follow_user_list")),
    (_customers, "externalcontact_list", lambda c: c.externalcontact_list("guide01"), told("externalcontact_list")),
    (_customers, "externalcontact_get", lambda c: c.externalcontact_get("wmA1", ""), told("externalcontact_get")),
    (
        _customers,
        "batch_get_by_user",
        lambda c: c.batch_get_by_user(["guide01"], "", 50),
        told("batch_get_by_user"),
    ),
    (_customers, "externalcontact_remark", lambda c: c.externalcontact_remark(customers.Remark("g", "wm", "M")), _OK),
    (_customers, "get_corp_tag_list", lambda c: c.get_corp_tag_list(), told("get_corp_tag_list")),
    (
        _customers,
        "add_corp_tag",
        lambda c: c.add_corp_tag(customers.AddTags([customers.NewTag("Silver")], "etG1")),
        told("add_corp_tag"),
    ),
    (_customers, "edit_corp_tag", lambda c: c.edit_corp_tag(customers.EditTag("etA1", "Gold")), _OK),
    (_customers, "del_corp_tag", lambda c: c.del_corp_tag(["etA1"], []), _OK),
    (_customers, "mark_tag", lambda c: c.mark_tag("guide01", "wmA1", ["etA1"], []), _OK),
    (
        _customers,
        "get_user_behavior_data",
        lambda c: c.get_user_behavior_data(["guide01"], [], 1700000000, 1700086400),
        told("get_user_behavior_data"),
    ),
    (_ways, "add_contact_way", lambda c: c.add_contact_way(_WAY), told("add_contact_way")),
    (_ways, "get_contact_way", lambda c: c.get_contact_way("42b3"), told("get_contact_way")),
    (_ways, "list_contact_way", lambda c: c.list_contact_way(None, None, "", 100), told("list_contact_way")),
    (_ways, "update_contact_way", lambda c: c.update_contact_way(_WAY), _OK),
    (_ways, "del_contact_way", lambda c: c.del_contact_way("42b3"), _OK),
    (_ways, "add_join_way", lambda c: c.add_join_way(_JOIN_WAY), told("add_join_way")),
    (_ways, "get_join_way", lambda c: c.get_join_way("9ad7"), told("get_join_way")),
    (_ways, "update_join_way", lambda c: c.update_join_way(_JOIN_WAY), _OK),
    (_ways, "del_join_way", lambda c: c.del_join_way("9ad7"), _OK),
    (_groups, "groupchat_list", lambda c: c.groupchat_list(["guide01"], "", 100), told("groupchat_list")),
    (_groups, "groupchat_get", lambda c: c.groupchat_get("wrX1"), told("groupchat_get")),
    (_groups, "opengid_to_chatid", lambda c: c.opengid_to_chatid("oG1"), told("opengid_to_chatid")),
    (
        _groups,
        "groupchat_statistic",
        lambda c: c.groupchat_statistic(["guide01"], 1700000000, 1700086400, 0, 500),
        told("groupchat_statistic"),
    ),
    (
        _groups,
        "groupchat_statistic_group_by_day",
        lambda c: c.groupchat_statistic_group_by_day(["guide01"], 1700000000, 1700086400),
        told("groupchat_statistic_group_by_day"),
    ),
    (
        _groups,
        "groupchat_onjob_transfer",
        lambda c: c.groupchat_onjob_transfer(["wrX1"], "g"),
        _OK,
    ),
    (_groups, "groupchat_transfer", lambda c: c.groupchat_transfer(["wrX1"], "g"), told("groupchat_transfer")),
    (_moves, "get_unassigned_list", lambda c: c.get_unassigned_list("", 100), told("get_unassigned_list")),
    (
        _moves,
        "transfer_customer",
        lambda c: c.transfer_customer("a", "b", ["wmA1"], ""),
        told("transfer_customer"),
    ),
    (_moves, "transfer_result", lambda c: c.transfer_result("a", "b", ""), told("transfer_result")),
    (
        _moves,
        "resigned_transfer_customer",
        lambda c: c.resigned_transfer_customer("a", "b", ["wmA1"]),
        told("transfer_customer"),
    ),
    (
        _moves,
        "resigned_transfer_result",
        lambda c: c.resigned_transfer_result("a", "b", ""),
        told("transfer_result"),
    ),
    (
        _sends,
        "send_welcome_msg",
        lambda c: c.send_welcome_msg(models.SendWelcome("CODE")),
        told("send_welcome_msg"),
    ),
    (_sends, "media_upload", lambda c: c.media_upload("a.png", b"123456"), told("media_upload")),
    (_sends, "media_uploadimg", lambda c: c.media_uploadimg("a.png", b"123456"), _said(url="https://wework.example/0")),
    (
        _sends,
        "add_msg_template",
        lambda c: c.add_msg_template(sends.MsgTemplate("single", sender="guide01", text=models.Text("New"))),
        told("add_msg_template"),
    ),
    (
        _sends,
        "get_groupmsg_list_v2",
        lambda c: c.get_groupmsg_list_v2("single", 1700000000, 1700086400, 2, "", 50),
        told("get_groupmsg_list_v2"),
    ),
    (_sends, "get_groupmsg_task", lambda c: c.get_groupmsg_task("msgGC1", "", 500), told("get_groupmsg_task")),
    (
        _sends,
        "get_groupmsg_send_result",
        lambda c: c.get_groupmsg_send_result("msgGC1", "guide01", "", 500),
        told("get_groupmsg_send_result"),
    ),
    (_sends, "remind_groupmsg_send", lambda c: c.remind_groupmsg_send("msgGC1"), _OK),
    (_sends, "cancel_groupmsg_send", lambda c: c.cancel_groupmsg_send("msgGC1"), _OK),
    (
        _sends,
        "group_welcome_template_add",
        lambda c: c.group_welcome_template_add(_WELCOME),
        _said(template_id="msgT1"),
    ),
    (_sends, "group_welcome_template_edit", lambda c: c.group_welcome_template_edit(_WELCOME), _OK),
    (
        _sends,
        "group_welcome_template_get",
        lambda c: c.group_welcome_template_get("msgT1"),
        _said(text={"content": "欢迎"}, link={"title": "新人礼", "url": "https://yujian.example/new"}),
    ),
    (_sends, "group_welcome_template_del", lambda c: c.group_welcome_template_del("msgT1"), _OK),
    (
        _messages,
        "message_send",
        lambda c: c.message_send(models.SendMessage(touser="g", msgtype="text", agentid=1, text=models.Text("Hi"))),
        told("message_send"),
    ),
    (_messages, "message_recall", lambda c: c.message_recall("ux9"), _OK),
    (
        _messages,
        "update_template_card",
        lambda c: c.update_template_card(messages.UpdateCard(1, "rc", messages.ReplacedButton("Done"), atall=1)),
        _said(invaliduser=["guide02"]),
    ),
    (
        _messages,
        "set_workbench_template",
        lambda c: c.set_workbench_template(_TEMPLATE),
        _OK,
    ),
    (_messages, "get_workbench_template", lambda c: c.get_workbench_template(1), told("get_workbench_template")),
    (
        _messages,
        "set_workbench_data",
        lambda c: c.set_workbench_data(_USER_TILE),
        _OK,
    ),
    (_messages, "batch_set_workbench_data", lambda c: c.batch_set_workbench_data(1, ["g", "h"], _TILE), _OK),
    (_messages, "get_workbench_data", lambda c: c.get_workbench_data(1, "g"), told("get_workbench_template")),
    (
        _bills,
        "get_bill_list",
        lambda c: c.get_bill_list(1700000000, 1700086400, "", "", 100),
        told("get_bill_list"),
    ),
]
