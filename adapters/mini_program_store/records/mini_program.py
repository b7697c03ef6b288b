"""Shoppers of a mini-program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters.base.secrets import Secret


@dataclass(frozen=True, slots=True)
class Login:
    """Who opened a mini-program. ``session_key`` decrypts what their client sends; it never goes back there.

    ``unionid`` is None where the app is not bound to the brand's Open Platform account.
    """

    appid: str
    openid: str
    unionid: str | None
    session_key: Secret


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A number that WeChat vouches for, without its country code (``86``)."""

    number: str = field(repr=False)
    country_code: str


@dataclass(frozen=True, slots=True)
class SubscribeMessage:
    """A subscribe message (订阅消息) to a shopper who accepted the template's question once more than was sent.

    ``data``: field name such as ``thing1`` → text. ``page``: behind a tap, with its query; empty opens none.
    """

    openid: str
    template: str
    data: Mapping[str, str] = field(repr=False)
    page: str = ""


@dataclass(frozen=True, slots=True)
class CodePicture:
    """A code (小程序码) to print or show. ``media_type`` is ``image/jpeg`` or ``image/png``."""

    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SubscribeTemplate:
    """A template (订阅消息模板) of the mini-program. ``long_term`` ones need no new question each time."""

    template: str
    title: str
    content: str
    example: str
    long_term: bool
