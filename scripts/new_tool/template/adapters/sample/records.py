"""What leaves this folder, in our words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Item:
    """One item; ``price`` is in fen."""

    id: str
    title: str
    price: int


@dataclass(frozen=True, slots=True)
class Note:
    """A note that the platform keeps."""

    id: str
