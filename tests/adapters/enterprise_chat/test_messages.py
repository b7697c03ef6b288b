"""Every kind of app message, cards that call back, recalls, and the app's tile."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from adapters.base.errors import Conflict, Invalid, RateLimited, Rejected, Unauthorized
from adapters.enterprise_chat import EnterpriseChatAdapter
from adapters.enterprise_chat.records.messages import (
    Article,
    Audience,
    CardButton,
    CardKind,
    CardMessage,
    CardQuestion,
    MarkdownMessage,
    MediaKind,
    MediaMessage,
    MessageContent,
    MiniProgramMessage,
    NewsMessage,
    TextCardMessage,
    TextMessage,
    Tile,
    TileItem,
    TileKind,
)
from sandbox.server import Sandbox
from tests.adapters.enterprise_chat.conftest import OpenInbox

GUIDE = Audience(("chenyutong",))
URL = "https://yujian.example/so/1"
_OPTIONS = (("m", "M"), ("l", "L"))
_BUTTONS = CardMessage(CardKind.BUTTONS, "换货申请", task_id="t1", buttons=(CardButton("同意", "yes"),))
_VOTE = CardMessage(
    CardKind.VOTE,
    "哪天盘点",
    task_id="t2",
    questions=(CardQuestion("q", "", _OPTIONS),),
    several=True,
    submit=("交", "send"),
)
_CHOICES = CardMessage(
    CardKind.CHOICES, "尺码", task_id="t3", questions=(CardQuestion("q", "尺码", _OPTIONS),), submit=("交", "send")
)

CONTENTS: list[tuple[str, MessageContent]] = [
    ("text", TextMessage("您的顾客已付款")),
    ("markdown", MarkdownMessage("**到货**")),
    ("textcard", TextCardMessage("自提", "SO-1", URL, "查看")),
    ("news", NewsMessage((Article("到货", "山岚", URL), Article("小程序", appid="wx1", page="pages/a")))),
    ("miniprogram_notice", MiniProgramMessage("wx1", "会员到店提醒", "pages/a", lines=(("姓名", "林晓雯"),))),
    ("template_card", CardMessage(CardKind.TEXT, "自提", "SO-1", URL, lines=(("金额", "819"),))),
    ("template_card", CardMessage(CardKind.PICTURE, "新品", appid="wx1", page="p", picture_url="https://a.example/1")),
]


def _effects(sandbox: Sandbox) -> list[tuple[str, Any]]:
    found = sandbox.kit.journal.of_kind("enterprise_chat", "app_message")
    return [(effect.key.partition(":")[0], effect.data["content"]) for effect in found]


@pytest.mark.parametrize(("msgtype", "content"), CONTENTS)
async def test_each_kind_arrives_once(
    chat: EnterpriseChatAdapter, sandbox: Sandbox, msgtype: str, content: MessageContent
) -> None:
    first = await chat.send_content(GUIDE, content, dedupe=True)
    again = await chat.send_content(GUIDE, content, dedupe=True)
    assert first.message_id == again.message_id
    assert [kind for kind, _ in _effects(sandbox)] == [msgtype]


@pytest.mark.parametrize("kind", list(MediaKind))
async def test_files_arrive_by_their_media_id(chat: EnterpriseChatAdapter, sandbox: Sandbox, kind: MediaKind) -> None:
    media_id = await chat.upload_media(kind, "file.bin", b"something")
    await chat.send_content(GUIDE, MediaMessage(kind, media_id))
    assert [(k, content["media_id"]) for k, content in _effects(sandbox)] == [(kind.value, media_id)]
    with pytest.raises(Invalid, match="media"):
        await chat.send_content(GUIDE, MediaMessage(kind, "2none"))


async def test_departments_and_everybody(chat: EnterpriseChatAdapter, sandbox: Sandbox) -> None:
    await chat.send_content(Audience(departments=(2,)), TextMessage("早会"))
    await chat.send_content(Audience(everybody=True), TextMessage("打烊"))
    room, everybody = (e.data["to"] for e in sandbox.kit.journal.of_kind("enterprise_chat", "app_message"))
    assert "chenyutong" in room
    assert len(everybody) == len([g for g in sandbox.world.guides if g.left_at is None])
    with pytest.raises(Rejected, match="nobody_reached"):
        await chat.send_content(Audience(("lijiayi",)), TextMessage("早会"))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (TextMessage(""), "text_length"),
        (MarkdownMessage("字" * 683), "text_length"),
        (TextCardMessage("自提", "SO-1", URL, "五个字按钮"), "button_length"),
        (NewsMessage((Article("a", url=URL),) * 9), "too_many_articles"),
        (MiniProgramMessage("wx1", "三个字"), "title_length"),
        (CardMessage(CardKind.TEXT, "自提"), "card_target"),
        (CardMessage(CardKind.PICTURE, "新品", url=URL), "card_picture"),
        (CardMessage(CardKind.BUTTONS, "换货", task_id="t"), "buttons"),
        (CardMessage(CardKind.BUTTONS, "换货", buttons=(CardButton("好", "y"),)), "task_id"),
        (CardMessage(CardKind.VOTE, "盘点", task_id="t"), "questions"),
        (CardMessage(CardKind.VOTE, "盘点", task_id="t", questions=(CardQuestion("q", "", _OPTIONS),)), "card_submit"),
    ],
)
async def test_what_does_not_fit_is_not_sent(
    chat: EnterpriseChatAdapter, sandbox: Sandbox, content: MessageContent, reason: str
) -> None:
    with pytest.raises(Invalid, match=reason):
        await chat.send_content(GUIDE, content)
    assert sandbox.kit.journal.calls == []


async def test_recipients_that_cannot_be(chat: EnterpriseChatAdapter, sandbox: Sandbox) -> None:
    for audience in (Audience(), Audience(("sunyue",), everybody=True)):
        with pytest.raises(Invalid, match="no_recipient"):
            await chat.send_content(audience, TextMessage("早会"))
    with pytest.raises(Invalid, match="recipients"):
        await chat.send_content(Audience(everybody=True), CONTENTS[4][1])
    assert sandbox.kit.journal.calls == []


async def test_a_card_that_calls_back_needs_an_address(chat: EnterpriseChatAdapter) -> None:
    with pytest.raises(Unauthorized, match="callback_missing"):
        await chat.send_content(GUIDE, _BUTTONS)


@pytest.mark.parametrize("card", [_BUTTONS, _VOTE, _CHOICES], ids=lambda card: card.kind.value)
async def test_a_pressed_card_is_answered_once(
    chat: EnterpriseChatAdapter, sandbox: Sandbox, open_inbox: OpenInbox, act: Any, card: CardMessage
) -> None:
    inbox = await open_inbox(sandbox, chat)
    sent = await chat.send_content(GUIDE, card)
    assert sent.response_code
    pressed = await act("press_card", msgid=sent.message_id, userid="chenyutong", key="yes")
    await sandbox.kit.pusher.settle()
    [event] = inbox.received[0].events
    assert (event.kind, event.payload["TaskId"], event.payload["CardType"]) == (
        "template_card_event",
        card.task_id,
        card.kind.value,
    )
    assert event.payload["ResponseCode"] == pressed["response_code"]
    assert await chat.answer_card(pressed["response_code"], "已同意", ["chenyutong", "sunyue"]) == ("sunyue",)
    with pytest.raises(Conflict, match="card_used"):
        await chat.answer_card(pressed["response_code"], "已同意")
    sandbox.kit.clock.advance(timedelta(hours=73))
    with pytest.raises(Conflict, match="card_used"):
        await chat.answer_card(sent.response_code, "已同意")


async def test_a_message_can_be_taken_back_for_a_day(chat: EnterpriseChatAdapter, sandbox: Sandbox) -> None:
    sent = await chat.send_content(GUIDE, TextMessage("打烊"))
    await chat.recall_app_message(sent.message_id)
    assert sandbox.platforms["enterprise_chat"].messages.recalled == {sent.message_id}  # type: ignore[attr-defined]
    sandbox.kit.clock.advance(timedelta(hours=25))
    with pytest.raises(Conflict, match="card_used"):
        await chat.recall_app_message(sent.message_id)
    with pytest.raises(Invalid):
        await chat.recall_app_message("uxNone")


@pytest.mark.parametrize(
    "tile",
    [
        Tile(TileKind.FIGURES, (TileItem("今日", "12800", URL, "pages/k"), TileItem("待自提", "3"))),
        Tile(TileKind.LINES, (TileItem("换货申请", url=URL),)),
        Tile(TileKind.PICTURE, content_url="https://a.example/1", url=URL),
        Tile(TileKind.PAGE, content_url=URL, page="pages/k", double_height=True),
        Tile(TileKind.OFF),
    ],
    ids=lambda tile: tile.kind.name,
)
async def test_a_tile_shows_what_was_set(chat: EnterpriseChatAdapter, tile: Tile) -> None:
    own = Tile(TileKind.LINES, (TileItem("只有您"),))
    await chat.set_tile(tile)
    assert await chat.tile() == tile
    await chat.set_tiles(["chenyutong"], own)
    await chat.set_tiles(["sunyue", "zhaominghui"], tile)
    assert [await chat.tile(userid) for userid in ("chenyutong", "sunyue")] == [own, tile]
    await chat.set_tile(tile, replace_users=True)
    assert await chat.tile("chenyutong") == tile


async def test_a_tile_that_is_refused(chat: EnterpriseChatAdapter, sandbox: Sandbox) -> None:
    with pytest.raises(Invalid, match="tile_items"):
        await chat.set_tile(Tile(TileKind.FIGURES, (TileItem("今日", "1"),) * 5))
    assert sandbox.kit.journal.calls == []
    for number in range(10):
        await chat.set_tiles(["sunyue"], Tile(TileKind.LINES, (TileItem(str(number)),)))
    with pytest.raises(RateLimited):
        await chat.set_tiles(["sunyue"], Tile(TileKind.LINES, (TileItem("10"),)))
    sandbox.platforms["enterprise_chat"].workbench.custom_mode = False  # type: ignore[attr-defined]
    with pytest.raises(Rejected, match="tile_off"):
        await chat.set_tile(Tile(TileKind.OFF))
