"""Opaque cursors: a place in a list, bound to the question that was asked."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from typing import TypeVar

from adapters.enterprise_chat.sandbox.answers import Refusal

T = TypeVar("T")


def cut(items: Sequence[T], cursor: str, size: int, question: str) -> tuple[Sequence[T], str]:
    """One page and the cursor of the next, empty at the end.

    Raises Refusal 50100 for a cursor that is none of ours, 60268 for one that belongs to another question.
    """
    start = _place(cursor, question) if cursor else 0
    end = start + size
    return items[start:end], _cursor(end, question) if end < len(items) else ""


def _cursor(place: int, question: str) -> str:
    return base64.urlsafe_b64encode(f"{_mark(question)}:{place}".encode()).decode()


def _place(cursor: str, question: str) -> int:
    try:
        mark, place = base64.urlsafe_b64decode(cursor).decode().split(":")
        start = int(place)
    except (binascii.Error, ValueError) as error:
        raise Refusal(50100) from error
    if mark != _mark(question):
        raise Refusal(60268)
    return start


def _mark(question: str) -> str:
    return hashlib.sha256(question.encode()).hexdigest()[:16]
