"""Secrets that do not show themselves, and URLs that may be logged."""

from __future__ import annotations

import re
from typing import Final


class Secret:
    """A text that never appears in ``repr``, logs, or errors; ``reveal()`` is the only way to it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, for signing and for the wire."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __bool__(self) -> bool:
        return bool(self._text)


#: Query parameters that are, or lead to, a credential or a person.
_HIDDEN: Final = re.compile(
    r"(?i)([?&](?:access_token|token|refresh_token|client_secret|secret|corpsecret|appsecret|js_code|code|q-signature|"
    r"x-cos-security-token|sign|signature|nonce|openid|next_openid|unionid|external_userid|userid|hash_phone)=)[^&#]*"
)
#: Path segments that name a person.
_PERSON: Final = re.compile(r"(/users/)[^/?#]+")


def redact_url(url: str) -> str:
    """The URL with credentials and personal ids masked, fit for a log line."""
    return _PERSON.sub(r"\1***", _HIDDEN.sub(r"\1***", url))
