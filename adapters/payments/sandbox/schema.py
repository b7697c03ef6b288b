"""Checks of request fields, answered as the platform does: PARAM_ERROR with a JSON pointer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import orjson

from adapters.payments.sandbox.wire import Refused

OUT_TRADE_NO: Final = re.compile(r"[0-9A-Za-z_\-|*]{6,32}")
OUT_REFUND_NO: Final = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}")
REQUEST_NO: Final = re.compile(r"[0-9A-Za-z_\-|*@]{1,128}")


def wrong(pointer: str, issue: str, value: object = None) -> Refused:
    """The refusal of one field."""
    detail = {"location": "body", "field": pointer, "value": value, "issue": issue}
    return Refused("PARAM_ERROR", f"输入源“/body{pointer}”校验失败: {issue}", detail=detail)


def parse(raw: bytes) -> dict[str, Any]:
    """The body as an object."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise Refused("PARAM_ERROR", "请求体不是合法的JSON") from None
    if not isinstance(value, dict):
        raise Refused("PARAM_ERROR", "请求体不是JSON对象")
    return value


def text(
    body: Mapping[str, Any],
    pointer: str,
    *,
    most: int,
    least: int = 1,
    pattern: re.Pattern[str] | None = None,
    required: bool = True,
) -> str:
    """A string field by its JSON pointer; "" when it is absent and may be."""
    value = _at(body, pointer)
    if value is None and not required:
        return ""
    if not isinstance(value, str):
        raise wrong(pointer, "string_type", value)
    if not least <= len(value) <= most:
        raise wrong(pointer, "string_length", value)
    if pattern is not None and not pattern.fullmatch(value):
        raise wrong(pointer, "string_pattern", value)
    if any(ord(character) > 0xFFFF for character in value):
        # Text outside the three-byte range of UTF-8 (emoji) is refused.
        raise wrong(pointer, "string_charset", value)
    return value


def number(body: Mapping[str, Any], pointer: str, *, least: int = 1) -> int:
    """A required integer field."""
    value = _at(body, pointer)
    if not isinstance(value, int) or isinstance(value, bool):
        raise wrong(pointer, "number_type", value)
    if value < least:
        raise wrong(pointer, "number_min", value)
    return value


def instant(body: Mapping[str, Any], pointer: str) -> datetime | None:
    """An RFC 3339 field, None when absent."""
    value = text(body, pointer, most=64, required=False)
    if not value:
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        raise wrong(pointer, "datetime_format", value) from None
    if parsed.tzinfo is None:
        raise wrong(pointer, "datetime_format", value)
    return parsed


def notify_url(body: Mapping[str, Any], *, most: int, required: bool) -> str:
    """https without query string. Here http is taken too, for receivers on loopback."""
    url = text(body, "/notify_url", most=most, required=required)
    plain_loopback = url.startswith(("http://127.0.0.1", "http://localhost", "http://[::1]"))
    if url and ("?" in url or not (url.startswith("https://") or plain_loopback)):
        raise wrong("/notify_url", "url_format", url)
    return url


def _at(body: Mapping[str, Any], pointer: str) -> object:
    value: object = body
    for part in pointer.strip("/").split("/"):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value
