"""Bodies of POST calls: JSON objects, or a form with a file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from adapters.social_ads.sandbox.envelope import MISSING, NOT_IN_RANGE, WRONG_TYPE, Refusal

_BOUNDARY: Final = re.compile(r'multipart/form-data;\s*boundary="?([^";]{1,70})"?', re.IGNORECASE)
_NAME: Final = re.compile(rb'\bname="([^"]*)"')
_FILENAME: Final = re.compile(rb'filename="([^"]*)"')


class Body:
    """A JSON object of one account, and readers of its fields."""

    def __init__(self, raw: bytes, account_id: int) -> None:
        try:
            value = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise Refusal(WRONG_TYPE, "The body is not JSON.") from error
        if not isinstance(value, dict):
            raise Refusal(WRONG_TYPE, "The body must be a JSON object.")
        self.values: Mapping[str, Any] = value
        # Ids may be sent as numbers or as digit strings.
        if str(value.get("account_id")) != str(account_id):
            raise Refusal(11014, "The account is outside the authorisation.", "无权限")

    def text(self, name: str, largest: int, *, needed: bool = True) -> str:
        """A text of at most so many bytes."""
        value = self.values.get(name, "")
        if not isinstance(value, str):
            raise Refusal(WRONG_TYPE, f"The parameter {name} must be a string.")
        if needed and not value:
            raise Refusal(MISSING, f"The parameter {name} is required.")
        if len(value.encode()) > largest:
            raise Refusal(NOT_IN_RANGE, f"The parameter {name} is too long.")
        return value

    def integer(self, name: str) -> int:
        """A whole number, as number or digits."""
        return whole(self.values.get(name), name)

    def items(self, name: str, largest: int) -> Sequence[Mapping[str, Any]]:
        """An array of 1 to so many objects."""
        value = self.values.get(name)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise Refusal(MISSING, f"The parameter {name} must be an array of objects.")
        if not 1 <= len(value) <= largest:
            raise Refusal(NOT_IN_RANGE, f"The parameter {name} must have 1 to {largest} elements.")
        return value


def whole(value: object, name: str) -> int:
    """A whole number, as number or digits."""
    if isinstance(value, bool) or not isinstance(value, int | str) or not str(value).isdigit():
        raise Refusal(MISSING, f"The parameter {name} must be an integer.")
    return int(value)


def form(content_type: str, raw: bytes) -> tuple[dict[str, str], str, bytes]:
    """The fields of a multipart form, and the name and the bytes of its field ``file``."""
    found = _BOUNDARY.match(content_type)
    if found is None:
        raise Refusal(WRONG_TYPE, "The body must be multipart/form-data.")
    delimiter = b"--" + found[1].encode()
    pieces = (b"\r\n" + raw).split(b"\r\n" + delimiter)
    if len(pieces) < 3 or not pieces[-1].startswith(b"--"):
        raise Refusal(WRONG_TYPE, "The form is cut.")
    fields: dict[str, str] = {}
    file, called = b"", ""
    for piece in pieces[1:-1]:
        head, _, content = piece.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if name is None:
            raise Refusal(WRONG_TYPE, "A part of the form has no name.")
        if name[1] == b"file":
            file = content
            titled = _FILENAME.search(head)
            called = "" if titled is None else titled[1].decode()
        else:
            fields[name[1].decode()] = content.decode()
    return fields, called, file
