"""Wire types in the platform's own field names; ``rows`` stands for ``list``, a word Python needs."""

from __future__ import annotations

from typing import Annotated

import msgspec

#: Unix seconds up to the year 2100, so that no answer can overflow a datetime.
Seconds = Annotated[int, msgspec.Meta(ge=0, le=4_102_444_800)]
Digits = Annotated[str, msgspec.Meta(pattern="^[0-9]{0,19}$")]


class Envelope(msgspec.Struct):
    """Around every answer, OAuth included. ``data`` is there only when ``code`` is 0, and may be empty."""

    code: int
    message: str = ""
    data: msgspec.Raw = msgspec.Raw(b"")


class Nothing(msgspec.Struct):
    """The answer of user_actions/add."""


class AuthorizerInfo(msgspec.Struct):
    """Who consented, and to what; only in the answer to a consent code."""

    account_id: int
    scope_list: list[str] = msgspec.field(default_factory=list)


class Tokens(msgspec.Struct):
    """OAuth answer. The refresh token is absent where only the access token was renewed."""

    access_token: str
    access_token_expires_in: int
    refresh_token: str = ""
    refresh_token_expires_in: int = 0
    authorizer_info: AuthorizerInfo | None = None


class PageInfo(msgspec.Struct):
    """Paging by number, from 1."""

    page: int
    page_size: int
    total_number: int
    total_page: int


class CursorPageInfo(msgspec.Struct):
    """Paging by cursor. Whether the cursor is text or a number is not documented."""

    has_more: bool
    cursor: str | int = ""
