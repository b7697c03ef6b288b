"""What a decision about people comes to: who is who now, or why nothing was done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Refusal:
    """Nothing was done. ``code`` stands in docs/errors.md; ``resolutions`` are what the caller may answer."""

    code: str
    message: str
    resolutions: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Decided:
    """``member`` is the person in question; ``other`` whoever was parted from them."""

    member: str | None
    other: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Who decides: an API key's id, or a shopper's session. ``reason`` is theirs, for the audit."""

    by: str
    reason: str = field(default="", repr=False)
