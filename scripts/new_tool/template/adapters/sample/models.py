"""The platform's JSON, in its own field names."""

from __future__ import annotations

import msgspec


class TokenAnswer(msgspec.Struct, frozen=True):
    """``POST /v1/token``; the token itself never shows in ``repr``."""

    access_token: str
    expires_in: int

    def __repr__(self) -> str:
        return f"TokenAnswer(***, expires_in={self.expires_in})"


class Refusal(msgspec.Struct, frozen=True):
    """The body of every answer that is not 200; the platform's text is not read."""

    code: str


class WireItem(msgspec.Struct, frozen=True):
    """One item."""

    item_id: str
    title: str
    price_fen: int


class ItemList(msgspec.Struct, frozen=True):
    """``POST /v1/items/batch_get``: those that exist, in no promised order."""

    items: list[WireItem]


class NoteAnswer(msgspec.Struct, frozen=True):
    """``POST /v1/notes``: the same key gives the same id."""

    note_id: str


class Account(msgspec.Struct, frozen=True):
    """``GET /v1/account``."""

    client_id: str
