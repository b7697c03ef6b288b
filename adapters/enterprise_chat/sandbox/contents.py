"""What each kind of app message must look like (发送应用消息), and what the platform makes of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from adapters.enterprise_chat.sandbox.answers import Refusal

TEXT_BYTES = 2048
ARTICLES = 8
_TASK_ID = re.compile(r"[0-9A-Za-z_@-]{1,128}")
#: Cards that call back: the app needs a callback URL (43012), the card a task_id.
CALLING_BACK = {"button_interaction", "vote_interaction", "multiple_interaction"}
_Check = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def text(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Over-long text is cut, at a whole character."""
    content = required(payload, "content")
    return {"content": content.encode()[:TEXT_BYTES].decode(errors="ignore")}


def markdown(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Not cut: refused."""
    if len(required(payload, "content").encode()) > TEXT_BYTES:
        raise Refusal(45002)
    return dict(payload)


def media(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Image, voice, file, and video with a title."""
    required(payload, "media_id")
    if len(str(payload.get("title", "")).encode()) > 128 or len(str(payload.get("description", "")).encode()) > 512:
        raise Refusal(40058)
    return dict(payload)


def textcard(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Title, description, address."""
    limits = {"title": 128, "description": 512, "url": 2048}
    if any(len(required(payload, name)) > limit for name, limit in limits.items()):
        raise Refusal(40058)
    if len(str(payload.get("btntxt", ""))) > 4:
        raise Refusal(40058)
    return dict(payload)


def news(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """One to eight articles, each with a title and somewhere to go."""
    articles = _objects(payload, "articles")
    if not articles:
        raise Refusal(40063)
    if len(articles) > ARTICLES:
        raise Refusal(45008)
    for article in articles:
        required(article, "title")
        if not article.get("url") and not (article.get("appid") and article.get("pagepath")):
            raise Refusal(40063)
    return dict(payload)


def miniprogram_notice(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Title of 4 to 12 characters, at most ten lines."""
    required(payload, "appid")
    lines = _objects(payload, "content_item")
    if not 4 <= len(required(payload, "title")) <= 12 or len(lines) > 10:
        raise Refusal(40058)
    if any(len(required(line, "key")) > 10 or len(required(line, "value")) > 30 for line in lines):
        raise Refusal(40058)
    return dict(payload)


def template_card(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Five kinds of card, with what each must have."""
    kind = required(payload, "card_type")
    if kind not in {"text_notice", "news_notice", *CALLING_BACK}:
        raise Refusal(40008)
    title = _nested(payload, "main_title", "title")
    if not title and not (kind == "text_notice" and payload.get("sub_title_text")):
        raise Refusal(40063)
    if kind == "news_notice" and not (payload.get("card_image") or payload.get("image_text_area")):
        raise Refusal(40063)
    if len(_objects(payload, "horizontal_content_list")) > 6:
        raise Refusal(40058)
    task_id = payload.get("task_id", "")
    if (task_id or kind in CALLING_BACK) and (not isinstance(task_id, str) or _TASK_ID.fullmatch(task_id) is None):
        raise Refusal(42014)
    if kind in CALLING_BACK:
        _interaction(kind, payload)
        return dict(payload)
    action = payload.get("card_action")
    if not isinstance(action, dict) or action.get("type") not in {1, 2}:
        raise Refusal(40063)
    if not action.get("url" if action["type"] == 1 else "appid"):
        raise Refusal(40063)
    return dict(payload)


def _interaction(kind: str, payload: Mapping[str, Any]) -> None:
    if kind == "button_interaction":
        buttons = _objects(payload, "button_list")
        if not 1 <= len(buttons) <= 6:
            raise Refusal(40058 if buttons else 40063)
        for button in buttons:
            required(button, "text")
            required(button, "url" if button.get("type") == 1 else "key")
        return
    submit = payload.get("submit_button")
    required(submit if isinstance(submit, dict) else {}, "key")
    if kind == "vote_interaction":
        checkbox = payload.get("checkbox")
        questions: list[Mapping[str, Any]] = [checkbox] if isinstance(checkbox, dict) else []
        options, most = 20, 1
    else:
        questions, options, most = _objects(payload, "select_list"), 10, 3
    if not 1 <= len(questions) <= most:
        raise Refusal(40058 if questions else 40063)
    for question in questions:
        required(question, "question_key")
        if not 1 <= len(_objects(question, "option_list")) <= options:
            raise Refusal(40058)


def required(payload: Mapping[str, Any], name: str) -> str:
    """A text that must be there. Raises Refusal 40063."""
    value = payload.get(name)
    if not isinstance(value, str) or not value:
        raise Refusal(40063)
    return value


def _objects(payload: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = payload.get(name, [])
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _nested(payload: Mapping[str, Any], outer: str, inner: str) -> str:
    value = payload.get(outer)
    return str(value.get(inner, "")) if isinstance(value, dict) else ""


CHECKS: Mapping[str, _Check] = {
    "text": text,
    "markdown": markdown,
    "image": media,
    "voice": media,
    "video": media,
    "file": media,
    "textcard": textcard,
    "news": news,
    "miniprogram_notice": miniprogram_notice,
    "template_card": template_card,
}
