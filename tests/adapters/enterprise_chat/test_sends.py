"""Group sends, which employees confirm; welcomes of groups; and files."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from adapters.base.errors import Conflict, Invalid, NotFound, Rejected, Unavailable
from adapters.enterprise_chat import EnterpriseChatAdapter
from adapters.enterprise_chat.records.messages import MediaKind
from adapters.enterprise_chat.records.sends import (
    Delivery,
    FileAttachment,
    GroupSend,
    GroupWelcome,
    LinkAttachment,
    MiniProgramAttachment,
    PictureAttachment,
)
from sandbox.server import Sandbox

_PNG = b"\x89PNG\r\n\x1a\n"
_LINK = LinkAttachment("新人礼", "https://yujian.example/new")


async def test_a_task_sends_nothing_until_an_employee_confirms(
    chat: EnterpriseChatAdapter, sandbox: Sandbox, act: Any, known: str
) -> None:
    task = await chat.create_group_send(
        GroupSend("新品到店", external_userids=(known, "wmNobody"), sender="chenyutong", attachments=(_LINK,))
    )
    assert task.unreachable == ("wmNobody",)
    sandbox.kit.clock.advance(timedelta(seconds=2))
    [waiting] = (await chat.group_send_senders(task.task_id)).items
    assert (waiting.userid, waiting.sent, waiting.sent_at) == ("chenyutong", False, None)
    [pending] = (await chat.group_send_deliveries(task.task_id, "chenyutong")).items
    assert (pending.target, pending.delivery) == (known, Delivery.PENDING)
    await act("confirm_group_send", msgid=task.task_id, userid="chenyutong")
    [done] = (await chat.group_send_senders(task.task_id)).items
    [sent] = (await chat.group_send_deliveries(task.task_id, "chenyutong")).items
    assert done.sent
    assert (sent.delivery, sent.sent_at) == (Delivery.SENT, done.sent_at)


async def test_a_task_is_dispatched_after_a_moment(chat: EnterpriseChatAdapter) -> None:
    task = await chat.create_group_send(GroupSend("新品到店", sender="chenyutong"))
    with pytest.raises(Unavailable, match="dispatching"):
        await chat.group_send_senders(task.task_id)


async def test_a_customer_gets_as_many_as_the_month_has_days(
    chat: EnterpriseChatAdapter, sandbox: Sandbox, act: Any, known: str
) -> None:
    sandbox.platforms["enterprise_chat"].sends.received[(known, 2026, 11)] = 30  # type: ignore[attr-defined]
    task = await chat.create_group_send(GroupSend("新品", external_userids=(known,), sender="chenyutong"))
    await act("confirm_group_send", msgid=task.task_id, userid="chenyutong")
    sandbox.kit.clock.advance(timedelta(seconds=2))
    [row] = (await chat.group_send_deliveries(task.task_id, "chenyutong")).items
    assert (row.delivery, row.sent_at) == (Delivery.CAPPED, None)


async def test_who_is_no_friend_any_more_gets_nothing(
    chat: EnterpriseChatAdapter, sandbox: Sandbox, act: Any, known: str
) -> None:
    task = await chat.create_group_send(GroupSend("新品", external_userids=(known,), sender="chenyutong"))
    await act("delete_contact", userid="chenyutong", person="linxiaowen", by="CUSTOMER")
    await act("confirm_group_send", msgid=task.task_id, userid="chenyutong")
    sandbox.kit.clock.advance(timedelta(seconds=2))
    [row] = (await chat.group_send_deliveries(task.task_id, "chenyutong")).items
    assert row.delivery is Delivery.NO_FRIEND


async def test_tags_choose_customers(chat: EnterpriseChatAdapter, sandbox: Sandbox, known: str) -> None:
    one, other = await chat.add_corp_tags("活动", ["双11", "618"])
    await chat.mark_tags("chenyutong", known, add=[one.id])
    task = await chat.create_group_send(GroupSend("新品", tags=((one.id, other.id),)))
    sandbox.kit.clock.advance(timedelta(seconds=2))
    [row] = (await chat.group_send_deliveries(task.task_id, "chenyutong")).items
    assert row.target == known
    with pytest.raises(Rejected, match="nobody_to_send_to"):
        await chat.create_group_send(GroupSend("新品", tags=((one.id,), (other.id,))))


async def test_groups_get_it_from_their_owner(chat: EnterpriseChatAdapter, sandbox: Sandbox, act: Any) -> None:
    group = sandbox.world.groups[0]
    task = await chat.create_group_send(
        GroupSend("周末活动", to_groups=True, chat_ids=(group.chat_id,), sender=group.owner)
    )
    sandbox.kit.clock.advance(timedelta(seconds=2))
    assert (await chat.group_send_deliveries(task.task_id, group.owner)).items == []
    await act("confirm_group_send", msgid=task.task_id, userid=group.owner)
    [row] = (await chat.group_send_deliveries(task.task_id, group.owner)).items
    assert (row.target, row.delivery) == (group.chat_id, Delivery.SENT)


async def test_a_lost_task_is_found_by_the_page_of_its_card(chat: EnterpriseChatAdapter, sandbox: Sandbox) -> None:
    media = await chat.upload_image("card.png", _PNG)
    card = MiniProgramAttachment("新人礼", "wx1", "pages/gift?task=01J", media)
    task = await chat.create_group_send(GroupSend("新品", sender="chenyutong", attachments=(card,)))
    now = sandbox.kit.clock.now()
    [found] = (await chat.group_sends(now - timedelta(hours=1), now + timedelta(hours=1))).items
    assert (found.task_id, found.pages, found.creator, found.by_corp) == (task.task_id, (card.page,), None, True)
    with pytest.raises(Invalid, match="window"):
        await chat.group_sends(now - timedelta(days=40), now)


async def test_three_reminders_a_day_and_one_cancelling(chat: EnterpriseChatAdapter, sandbox: Sandbox) -> None:
    task = await chat.create_group_send(GroupSend("新品", sender="chenyutong"))
    sandbox.kit.clock.advance(timedelta(seconds=2))
    for _ in range(3):
        await chat.remind_group_send(task.task_id)
    with pytest.raises(Rejected, match="reminded_enough"):
        await chat.remind_group_send(task.task_id)
    await chat.cancel_group_send(task.task_id)
    for call in (chat.cancel_group_send, chat.remind_group_send):
        with pytest.raises(Conflict, match="send_cancelled"):
            await call(task.task_id)
    with pytest.raises(NotFound, match="no_such_task"):
        await chat.cancel_group_send("msgNone")


@pytest.mark.parametrize(
    ("send", "reason"),
    [
        (GroupSend("新品"), "no_recipient"),
        (GroupSend("新品", to_groups=True), "no_sender"),
        (GroupSend("", sender="sunyue"), "attachments"),
        (GroupSend("字" * 1334, sender="sunyue"), "text_length"),
        (GroupSend("新品", sender="sunyue", attachments=(_LINK,) * 10), "attachments"),
        (GroupSend("新品", external_userids=("wm",) * 10_001), "too_many_customers"),
    ],
)
async def test_a_task_over_a_limit_is_not_sent(
    chat: EnterpriseChatAdapter, sandbox: Sandbox, send: GroupSend, reason: str
) -> None:
    with pytest.raises(Invalid, match=reason):
        await chat.create_group_send(send)
    assert sandbox.kit.journal.calls == []


@pytest.mark.parametrize("attachment", [None, _LINK])
async def test_a_groups_welcome_is_kept_replaced_and_deleted(
    chat: EnterpriseChatAdapter, attachment: LinkAttachment | None
) -> None:
    welcome = GroupWelcome("欢迎", attachment)
    template_id = await chat.add_group_welcome(welcome, notify=True)
    assert await chat.group_welcome(template_id) == welcome
    url = await chat.publish_image("card.png", _PNG)
    await chat.update_group_welcome(template_id, GroupWelcome("", PictureAttachment(url=url)))
    assert await chat.group_welcome(template_id) == GroupWelcome("", PictureAttachment(url=url))
    await chat.delete_group_welcome(template_id)
    with pytest.raises(Invalid):
        await chat.group_welcome(template_id)


async def test_a_groups_welcome_shows_no_file(chat: EnterpriseChatAdapter) -> None:
    with pytest.raises(Invalid, match="attachments"):
        await chat.add_group_welcome(GroupWelcome("欢迎", FileAttachment("2x")))
    with pytest.raises(Invalid, match="welcome_empty"):
        await chat.add_group_welcome(GroupWelcome(""))


async def test_pictures_by_address_are_those_of_the_platform(chat: EnterpriseChatAdapter) -> None:
    url = await chat.publish_image("card.png", _PNG)
    sent = GroupSend("新品", sender="chenyutong", attachments=(PictureAttachment(url=url),))
    assert (await chat.create_group_send(sent)).task_id
    other = GroupSend("新品", sender="chenyutong", attachments=(PictureAttachment(url="https://else.example/1"),))
    with pytest.raises(Invalid, match="attachments"):
        await chat.create_group_send(other)


async def test_files_have_a_size_for_their_kind(chat: EnterpriseChatAdapter, sandbox: Sandbox) -> None:
    assert (await chat.upload_media(MediaKind.VOICE, "hi.amr", b"#!AMR\n...")).startswith("2")
    before = len(sandbox.kit.journal.calls)
    with pytest.raises(Invalid, match="file_size"):
        await chat.upload_media(MediaKind.VOICE, "hi.amr", b"x" * (2 * 1024 * 1024 + 1))
    with pytest.raises(Invalid, match="file_name"):
        await chat.upload_media(MediaKind.FILE, "尺码.pdf", b"%PDF-1.7")
    assert len(sandbox.kit.journal.calls) == before
