"""What this brand's settings make of evidence: blocked values are dropped, the rest says what it proves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.database.keyring import Keyring
from gateway.events.kinds import KINDS, STRENGTHS, Strength, normal
from gateway.events.projector import Evidence, Handle
from gateway.members.partition import Key, Limits
from gateway.settings import IdentityRules

#: One character again and again, or nothing but noughts: what systems write where they know nothing.
_FILLER = re.compile(r"(.)\1{5,}|[0\-]+")
_PHONE = re.compile(r"\d{7,15}")


@dataclass(frozen=True, slots=True)
class Shown:
    """A usable handle: its spelling is normal, and ``strength`` is what this evidence proves by it."""

    key: Key
    value: str = field(repr=False)
    strength: Strength


class Rules:
    """The rules of one gateway."""

    def __init__(self, settings: IdentityRules) -> None:
        self.limits = Limits(
            per_kind=dict(settings.limits),
            people_per_value=settings.people_per_value,
            links_per_identity=settings.links_per_identity,
        )
        self._blocked = frozenset(each.casefold() for each in settings.blocked)

    def blocks(self, kind: str, value: str) -> bool:
        """Whether a value, in its normal spelling, is a filler that names nobody."""
        if not value or value.casefold() in self._blocked or _FILLER.fullmatch(value):
            return True
        return kind == "PHONE" and _PHONE.fullmatch(value) is None

    def shown(self, evidence: Evidence, keyring: Keyring) -> list[Shown]:
        """The evidence's handles that mean something, its first one always: rows refer to it.

        A first handle that is blocked is kept as NEVER: it stands for nobody and is linked with nothing.
        """
        found = [self._shown(each, keyring) for each in evidence.handles]
        return [found[0], *(each for each in found[1:] if each.strength != "NEVER")]

    def _shown(self, handle: Handle, keyring: Keyring) -> Shown:
        value = normal(handle.kind, handle.value)
        strength = handle.strength or KINDS[handle.kind].strength
        if self.blocks(handle.kind, value):
            strength = "NEVER"
        return Shown((handle.kind, handle.issuer, keyring.hash(value, "identity")), value, strength)


def weaker(one: Strength, other: Strength) -> Strength:
    """Of two strengths, the one that proves less."""
    return max(one, other, key=STRENGTHS.index)


def stands(shown: Sequence[Shown]) -> list[bool]:
    """Which handles are somebody's by themselves: what is proved, and a verified phone that the evidence is about."""
    return [
        each.strength == "STRONG" or (number == 0 and each.strength == "CONDITIONAL")
        for number, each in enumerate(shown)
    ]
