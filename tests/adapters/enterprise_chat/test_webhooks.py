"""Callbacks: the URL check, every event that people cause, and what must be refused."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.base.secrets import Secret
from adapters.base.webhooks import InboundEvent, WebhookRefused, WebhookRequest
from adapters.enterprise_chat import (
    TOOL,
    AppMessage,
    AppMessageKind,
    ContactAdded,
    ContactEdited,
    ContactRemoved,
    CorpTagsChanged,
    EmployeeChange,
    EmployeeChanged,
    EnterpriseChatAdapter,
    GroupChange,
    GroupChanged,
    HandoverFailed,
    RemovedBy,
)
from adapters.enterprise_chat.sandbox.callbacks import event_xml
from adapters.enterprise_chat.sandbox.crypto import Sealer
from adapters.enterprise_chat.webhooks import inbound_event, interpret
from adapters.wechat.callbacks import parse
from sandbox.server import Sandbox
from tests.adapters.enterprise_chat.conftest import Inbox, OpenInbox
from tests.conftest import OpenTool


@pytest.fixture
async def chat(open_tool: OpenTool, sandbox: Sandbox) -> EnterpriseChatAdapter:
    adapter: EnterpriseChatAdapter = await open_tool(TOOL, sandbox, "main")
    return adapter


@pytest.fixture
async def inbox(open_inbox: OpenInbox, sandbox: Sandbox, chat: EnterpriseChatAdapter) -> Inbox:
    return await open_inbox(sandbox, chat)


async def _records(sandbox: Sandbox, inbox: Inbox, chat: EnterpriseChatAdapter) -> list[Any]:
    await sandbox.kit.pusher.settle()
    return [record for got in inbox.received for event in got.events for record in chat.interpret(event)]


async def test_the_console_accepts_our_url(inbox: Inbox, act: Any) -> None:
    assert await act("verify_callback") == {"verified": True}
    (received,) = inbox.received
    assert received.events == ()
    assert received.reply.body.isdigit()


async def test_a_contact_comes_is_edited_and_goes(
    sandbox: Sandbox, inbox: Inbox, chat: EnterpriseChatAdapter, act: Any
) -> None:
    corpid, external = chat.account, sandbox.world.people["hejia"].external_userid
    added = await act("add_contact", userid="sunyue", person="hejia", state="store_HZ-HB")
    await sandbox.kit.pusher.settle()
    await act("edit_contact", userid="sunyue", person="hejia", remark="何佳 S码")
    await sandbox.kit.pusher.settle()
    await act("delete_contact", userid="sunyue", person="hejia", by="CUSTOMER")
    came, edited, went = await _records(sandbox, inbox, chat)
    assert came == ContactAdded(corpid, "sunyue", external, "store_HZ-HB", Secret(added["welcome_code"]), came.at)
    assert timedelta() <= sandbox.kit.clock.now() - came.at < timedelta(seconds=30)
    assert edited == ContactEdited(corpid, "sunyue", external, edited.at)
    assert went == ContactRemoved(corpid, "sunyue", external, RemovedBy.CUSTOMER, went.at)
    assert added["welcome_code"] not in repr(inbox.received)
    assert [got.reply.body for got in inbox.received] == [b"", b"", b""]


async def test_half_added_then_confirmed(sandbox: Sandbox, inbox: Inbox, chat: EnterpriseChatAdapter, act: Any) -> None:
    await act("add_contact", userid="sunyue", person="hejia", half=True)
    await sandbox.kit.pusher.settle()
    await act("confirm_contact", userid="sunyue", person="hejia")
    first, second = await _records(sandbox, inbox, chat)
    assert (first.confirmed, first.welcome_code is None) == (False, False)
    assert (second.confirmed, second.welcome_code) == (True, None)


async def test_a_guide_deletes_a_customer(
    sandbox: Sandbox, inbox: Inbox, chat: EnterpriseChatAdapter, act: Any
) -> None:
    await act("delete_contact", userid="chenyutong", person="linxiaowen", by="GUIDE")
    (removed,) = await _records(sandbox, inbox, chat)
    assert removed.by is RemovedBy.GUIDE
    found = await chat.contact(sandbox.world.people["linxiaowen"].external_userid)
    assert getattr(found, "reason", "") == "no_relation"


async def test_a_group_gains_and_loses_a_member(
    sandbox: Sandbox, inbox: Inbox, chat: EnterpriseChatAdapter, act: Any
) -> None:
    chat_id, external = sandbox.world.groups[0].chat_id, sandbox.world.people["hejia"].external_userid
    await act("join_group", chat_id=chat_id, person="hejia")
    await sandbox.kit.pusher.settle()
    (joined,) = await _records(sandbox, inbox, chat)
    (group,) = await chat.groups([chat_id])
    version = getattr(group, "version", "")
    assert joined == GroupChanged(chat.account, chat_id, GroupChange.MEMBERS_JOINED, joined.at, (external,), version)
    await act("leave_group", chat_id=chat_id, person="hejia")
    left = (await _records(sandbox, inbox, chat))[1]
    assert (left.change, left.member_ids) == (GroupChange.MEMBERS_LEFT, (external,))
    assert left.version != version


async def test_a_guide_leaves_and_the_customers_wait(
    sandbox: Sandbox, inbox: Inbox, chat: EnterpriseChatAdapter, act: Any
) -> None:
    theirs = await chat.contact_ids("fengbo")
    await act("remove_employee", userid="fengbo")
    (changed,) = await _records(sandbox, inbox, chat)
    assert changed == EmployeeChanged(chat.account, "fengbo", EmployeeChange.LEFT, changed.at)
    waiting = await chat.unassigned()
    assert [u.external_userid for u in waiting.items if u.handover_userid == "fengbo"] == list(theirs)


async def test_a_renamed_tag(sandbox: Sandbox, inbox: Inbox, chat: EnterpriseChatAdapter, act: Any) -> None:
    tag = (await chat.corp_tags())[0]
    await act("rename_tag", tag_id=tag.id, name="黑金卡")
    (changed,) = await _records(sandbox, inbox, chat)
    assert changed == CorpTagsChanged(chat.account, tag.id, changed.at)
    assert (await chat.corp_tags())[0].name == "黑金卡"


async def test_our_own_writes_are_not_called_back(sandbox: Sandbox, inbox: Inbox, chat: EnterpriseChatAdapter) -> None:
    await chat.send_app_message(AppMessage(("sunyue",), AppMessageKind.TEXT, "", "你好", "", "k"))
    await sandbox.kit.pusher.settle()
    assert inbox.requests == []


async def test_a_repetition_is_signed_anew_and_has_the_same_key(sandbox: Sandbox, inbox: Inbox, act: Any) -> None:
    sandbox.kit.pusher.modes["enterprise_chat"] = "double"
    inbox.failures = [500, 500]
    await act("edit_contact", userid="chenyutong", person="linxiaowen", remark="L码")
    await sandbox.kit.pusher.settle()
    assert len(inbox.requests) == 4
    assert len({r.query["msg_signature"] for r in inbox.requests}) == 4
    assert len(inbox.received) == 2
    assert len({event.dedupe_key for got in inbox.received for event in got.events}) == 1


async def test_the_platform_gives_up_after_three_repetitions(sandbox: Sandbox, inbox: Inbox, act: Any) -> None:
    inbox.failures = [500] * 9
    await act("edit_contact", userid="chenyutong", person="linxiaowen", remark="L码")
    await sandbox.kit.pusher.settle()
    assert len(inbox.requests) == 4
    assert sandbox.kit.pusher.deliveries[0].state == "failed"


async def test_events_of_one_second_have_their_own_keys(chat: EnterpriseChatAdapter) -> None:
    keys = {
        inbound_event(_payload(chat.account, change, UserID=who, ExternalUserID="wmA")).dedupe_key
        for change in ("add_external_contact", "del_follow_user")
        for who in ("sunyue", "heqing")
    }
    assert len(keys) == 4


async def test_a_replay_is_stale_after_five_minutes(
    sandbox: Sandbox, inbox: Inbox, chat: EnterpriseChatAdapter, act: Any
) -> None:
    await act("edit_contact", userid="chenyutong", person="linxiaowen", remark="L码")
    await sandbox.kit.pusher.settle()
    (request,) = inbox.requests
    sandbox.kit.clock.advance(timedelta(seconds=301))
    with pytest.raises(WebhookRefused) as refusal:
        await chat.receive(request)
    assert (refusal.value.reason, refusal.value.status) == ("stale", 401)


async def _push(sandbox: Sandbox, **changed: Any) -> WebhookRequest:
    corp, now = sandbox.world.corp, sandbox.kit.clock.now()
    sealer = Sealer(corp.callback_token, corp.aes_key, changed.get("receive_id", corp.corpid))
    message = changed.get(
        "message",
        event_xml(corp.corpid, int(now.timestamp()), "change_external_tag", "shuffle", {"Id": ""}),
    )
    encrypted = sealer.seal(message.encode())
    stamp = str(int(now.timestamp()))
    query = {"msg_signature": sealer.signature(stamp, "n", encrypted), "timestamp": stamp, "nonce": "n"}
    body = changed.get("body", f"<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>")
    return WebhookRequest(changed.get("method", "POST"), {**query, **changed.get("query", {})}, {}, body.encode())


async def test_a_good_push_of_our_own_making(sandbox: Sandbox, chat: EnterpriseChatAdapter) -> None:
    received = await chat.receive(await _push(sandbox))
    (event,) = received.events
    assert (event.kind, event.entity) == ("change_external_tag/shuffle", "corp_tags")
    assert chat.interpret(event) == (CorpTagsChanged(chat.account, "", event.occurred_at),)


FORGED: list[tuple[dict[str, Any], str]] = [
    ({"query": {"msg_signature": "0" * 40}}, "signature"),
    ({"query": {"msg_signature": ""}}, "signature"),
    ({"query": {"nonce": "other"}}, "signature"),
    ({"query": {"timestamp": "1"}}, "signature"),
    ({"body": f"<xml><Encrypt>{base64.b64encode(bytes(64)).decode()}</Encrypt></xml>"}, "signature"),
    ({"body": "<xml><MsgType>event</MsgType></xml>"}, "shape"),
    ({"body": '<!DOCTYPE x [<!ENTITY a "b">]><xml><Encrypt>&a;</Encrypt></xml>'}, "shape"),
    ({"body": "not xml"}, "shape"),
    ({"receive_id": "ww0000000000000000"}, "shape"),
    ({"message": "<xml><Event>x</Event></xml>"}, "shape"),
    ({"method": "PUT"}, "method"),
]


async def test_forged_and_broken_pushes_are_refused(sandbox: Sandbox, chat: EnterpriseChatAdapter) -> None:
    for changed, reason in FORGED:
        with pytest.raises(WebhookRefused) as refusal:
            await chat.receive(await _push(sandbox, **changed))
        assert refusal.value.reason == reason


AT = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


def _payload(corpid: str, change: str, event: str = "change_external_contact", **fields: Any) -> Any:
    return parse(event_xml(corpid, 1700000000, event, change, fields).encode())


@pytest.mark.parametrize(
    ("event", "change", "fields", "record"),
    [
        (
            "change_external_contact",
            "del_external_contact",
            {"UserID": "u", "ExternalUserID": "wm", "Source": "DELETE_BY_TRANSFER"},
            ContactRemoved("ww1", "u", "wm", RemovedBy.TRANSFER, AT),
        ),
        (
            "change_external_contact",
            "transfer_fail",
            {"FailReason": "customer_refused", "UserID": "u", "ExternalUserID": "wm"},
            HandoverFailed("ww1", "u", "wm", "customer_refused", AT),
        ),
        (
            "change_external_chat",
            "create",
            {"ChatId": "wr"},
            GroupChanged("ww1", "wr", GroupChange.CREATED, AT),
        ),
        (
            "change_external_chat",
            "dismiss",
            {"ChatId": "wr"},
            GroupChanged("ww1", "wr", GroupChange.DISMISSED, AT),
        ),
        (
            "change_external_chat",
            "update",
            {"ChatId": "wr", "UpdateDetail": "change_owner"},
            GroupChanged("ww1", "wr", GroupChange.OWNER, AT),
        ),
        (
            "change_external_chat",
            "update",
            {
                "ChatId": "wr",
                "UpdateDetail": "add_member",
                "MemChangeList": ["wmA", "wmB"],
                "CurMemVer": "v2",
            },
            GroupChanged("ww1", "wr", GroupChange.MEMBERS_JOINED, AT, ("wmA", "wmB"), "v2"),
        ),
        (
            "change_external_chat",
            "update",
            {"ChatId": "wr", "UpdateDetail": "of_tomorrow"},
            GroupChanged("ww1", "wr", GroupChange.OTHER, AT),
        ),
        (
            "change_contact",
            "update_user",
            {"UserID": "old", "NewUserID": "new"},
            EmployeeChanged("ww1", "old", EmployeeChange.UPDATED, AT, "new"),
        ),
        (
            "change_contact",
            "create_user",
            {"UserID": "u"},
            EmployeeChanged("ww1", "u", EmployeeChange.CREATED, AT),
        ),
        (
            "change_external_tag",
            "delete",
            {"Id": "et", "TagType": "tag_group"},
            CorpTagsChanged("ww1", "et", AT),
        ),
    ],
)
def test_events_that_the_emulation_does_not_send(
    event: str, change: str, fields: dict[str, Any], record: object
) -> None:
    found = inbound_event(_payload("ww1", change, event, **fields))
    assert found.occurred_at == AT
    assert interpret("ww1", found) == (record,)


def test_known_and_unused_events_mean_nothing() -> None:
    click = {
        "ToUserName": "ww1",
        "FromUserName": "sunyue",
        "CreateTime": "1700000000",
        "MsgType": "event",
        "Event": "enter_agent",
        "AgentID": "1000012",
    }
    event = inbound_event(click)
    assert event == InboundEvent("enter_agent", event.dedupe_key, "sender:sunyue", AT, click)
    assert interpret("ww1", event) == ()
