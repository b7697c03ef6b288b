"""What happened at the platforms: every call they received and every effect they made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request that a platform received. ``status`` 0 means that the connection was cut."""

    sequence: int
    at: datetime
    platform: str
    endpoint: str
    status: int
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    """One change of a platform's state. ``key`` is what makes two effects the same one."""

    sequence: int
    at: datetime
    platform: str
    kind: str
    key: str
    data: Mapping[str, Any] = field(default_factory=dict)


class Journal:
    """Append-only lists of calls and effects, in one numbering."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.effects: list[Effect] = []
        self._sequence = 0

    def next_sequence(self) -> int:
        """The number of the next entry."""
        self._sequence += 1
        return self._sequence

    def call(self, at: datetime, platform: str, endpoint: str, status: int, fault: str = "") -> None:
        """Note a request."""
        self.calls.append(Call(self.next_sequence(), at, platform, endpoint, status, fault))

    def effect(self, at: datetime, platform: str, kind: str, key: str, data: Mapping[str, Any]) -> None:
        """Note a change of state."""
        self.effects.append(Effect(self.next_sequence(), at, platform, kind, key, dict(data)))

    def count(self, platform: str, endpoint: str | None = None) -> int:
        """Requests received by a platform, or by one of its endpoints (``"POST /path"``)."""
        return sum(
            1 for call in self.calls if call.platform == platform and (endpoint is None or call.endpoint == endpoint)
        )

    def of_kind(self, platform: str, kind: str) -> list[Effect]:
        """Effects of one kind, oldest first."""
        return [e for e in self.effects if e.platform == platform and e.kind == kind]

    def as_json(self, after: int = 0) -> dict[str, Any]:
        """Entries numbered above ``after``, for the control API."""
        return {
            "calls": [asdict(c) for c in self.calls if c.sequence > after],
            "effects": [asdict(e) for e in self.effects if e.sequence > after],
        }
