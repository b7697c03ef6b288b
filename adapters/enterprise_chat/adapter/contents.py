"""The kinds of app message: what each may hold, and how it is written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from adapters.enterprise_chat import models
from adapters.enterprise_chat.records.messages import (
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
)

_TASK_ID: Final = re.compile(r"[0-9A-Za-z_@-]{1,128}")
_TO_PAGE, _TO_MINI_PROGRAM = 1, 2
_CALLS_BACK, _OPENS = 0, 1
#: Cards that lead somewhere, and those that call back.
_LEADING: Final = {CardKind.TEXT, CardKind.PICTURE}


def check_content(content: MessageContent) -> tuple[str, str] | None:
    """Reason and sentence of the first limit that it breaks; None where it fits."""
    for reason, what, size, least, most in _sizes(content):
        if not least <= size <= most:
            return reason, f"{what} has {size}, {least} to {most} fit."
    if isinstance(content, CardMessage):
        return _card_fault(content)
    return None


def _sizes(content: MessageContent) -> Iterator[tuple[str, str, int, int, int]]:
    if isinstance(content, TextMessage | MarkdownMessage):
        yield "text_length", "The text, in bytes,", len(content.text.encode()), 1, 2048
    elif isinstance(content, MediaMessage):
        yield "title_length", "The title, in bytes,", len(content.title.encode()), 0, 128
        yield "text_length", "The description, in bytes,", len(content.description.encode()), 0, 512
    elif isinstance(content, TextCardMessage):
        yield "title_length", "The title", len(content.title), 1, 128
        yield "text_length", "The text", len(content.text), 1, 512
        yield "url_length", "The URL, in bytes,", len(content.url.encode()), 1, 2048
        yield "button_length", "The button", len(content.button), 0, 4
    elif isinstance(content, NewsMessage):
        yield "too_many_articles", "The number of articles", len(content.articles), 1, 8
    elif isinstance(content, MiniProgramMessage):
        yield "title_length", "The title", len(content.title), 4, 12
        yield "too_many_lines", "The number of lines", len(content.lines), 0, 10
        for key, value in content.lines:
            yield "line_length", "The name of a line", len(key), 1, 10
            yield "line_length", "The value of a line", len(value), 1, 30
    else:
        yield "too_many_lines", "The number of lines", len(content.lines), 0, 6
        buttons = content.kind is CardKind.BUTTONS
        yield "buttons", "The number of buttons", len(content.buttons), int(buttons), 6 if buttons else 0
        questions = {CardKind.VOTE: 1, CardKind.CHOICES: 3}.get(content.kind, 0)
        yield "questions", "The number of questions", len(content.questions), min(questions, 1), questions
        for question in content.questions:
            most = 20 if content.kind is CardKind.VOTE else 10
            yield "options", "The number of answers", len(question.options), 1, most


def _card_fault(card: CardMessage) -> tuple[str, str] | None:
    if card.kind in _LEADING and not (card.url or card.appid):
        return "card_target", "A card of this kind leads to a URL or to a mini-program."
    if card.kind is CardKind.PICTURE and not card.picture_url:
        return "card_picture", "A card of this kind has a picture."
    if not card.title and not (card.kind is CardKind.TEXT and card.text):
        return "title_length", "A card has a title."
    if card.questions and not all(card.submit):
        return "card_submit", "Questions need a button, with a text and a key."
    if (card.task_id or card.kind not in _LEADING) and _TASK_ID.fullmatch(card.task_id) is None:
        return "task_id", "A card's task_id has 1 to 128 of 0-9 A-Z a-z _ @ -."
    return None


def fill(wire: models.SendMessage, content: MessageContent) -> None:
    """Write the content under its own key, and its kind."""
    if isinstance(content, TextMessage):
        wire.msgtype, wire.text = "text", models.Text(content.text)
    elif isinstance(content, MarkdownMessage):
        wire.msgtype, wire.markdown = "markdown", models.Text(content.text)
    elif isinstance(content, MediaMessage):
        _media(wire, content)
    elif isinstance(content, TextCardMessage):
        wire.msgtype = "textcard"
        wire.textcard = models.TextCard(content.title, content.text, content.url, content.button)
    elif isinstance(content, NewsMessage):
        wire.msgtype = "news"
        wire.news = models.News(
            [models.Article(a.title, a.description, a.url, a.picture_url, a.appid, a.page) for a in content.articles]
        )
    elif isinstance(content, MiniProgramMessage):
        wire.msgtype = "miniprogram_notice"
        lines = [models.NoticeItem(key, value) for key, value in content.lines]
        wire.miniprogram_notice = models.MiniProgramNotice(
            content.appid, content.title, content.page, content.description, content.emphasise_first, lines
        )
    else:
        wire.msgtype, wire.template_card = "template_card", _card(content)


def _media(wire: models.SendMessage, content: MediaMessage) -> None:
    wire.msgtype = content.kind.value
    media = models.MediaId(content.media_id)
    if content.kind is MediaKind.IMAGE:
        wire.image = media
    elif content.kind is MediaKind.VOICE:
        wire.voice = media
    elif content.kind is MediaKind.FILE:
        wire.file = media
    else:
        wire.video = models.Video(content.media_id, content.title, content.description)


def _card(card: CardMessage) -> models.TemplateCard:
    action = None
    if card.appid:
        action = models.CardAction(_TO_MINI_PROGRAM, appid=card.appid, pagepath=card.page)
    elif card.url:
        action = models.CardAction(_TO_PAGE, card.url)
    vote = card.kind is CardKind.VOTE
    return models.TemplateCard(
        card_type=card.kind.value,
        main_title=models.CardTitle(card.title, card.text if card.kind is not CardKind.TEXT else ""),
        sub_title_text=card.text if card.kind is CardKind.TEXT else "",
        card_action=action,
        task_id=card.task_id,
        horizontal_content_list=[models.CardLine(key, value) for key, value in card.lines],
        card_image=models.CardImage(card.picture_url) if card.picture_url else None,
        button_list=[
            models.CardButton(b.text, _OPENS if b.url else _CALLS_BACK, key=b.key, url=b.url) for b in card.buttons
        ],
        checkbox=_choice(card.questions[0], int(card.several)) if vote and card.questions else None,
        select_list=[] if vote else [_choice(question, None) for question in card.questions],
        submit_button=models.CardSubmit(*card.submit) if card.questions else None,
    )


def _choice(question: CardQuestion, mode: int | None) -> models.CardChoice:
    options = [models.CardOption(an_id, text) for an_id, text in question.options]
    return models.CardChoice(question.key, options, question.title if mode is None else "", mode)
