"""May this grant be given at all? What the licensor holds, and what is promised to others.

X1: nothing overlaps what somebody else holds exclusively or solely; overlap is a product of work × territory ×
category × channel × window, so one axis apart is enough. X2: nobody grants more than they hold (rights-in ⊇
rights-out), talent's consent included.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from adapters.ip_content.clearance import Days, Reserved, Scope
from adapters.ip_content.records import GrantObstacle


@dataclass(frozen=True, slots=True)
class Held:
    """What a licensor holds of a work (rights-in)."""

    scope: Scope
    days: Days
    talent_cleared: bool


def overlap(one: Scope, other: Scope) -> bool:
    """Whether two scopes share a cell."""
    return (
        not one.categories.isdisjoint(other.categories)
        and not one.channels.isdisjoint(other.channels)
        and any(_shares(a, b) and not _left_out(a, b, one, other) for a in one.territories for b in other.territories)
    )


def within(part: Scope, whole: Scope) -> bool:
    """Whether every cell of ``part`` lies in ``whole``."""
    return (
        part.categories <= whole.categories
        and part.channels <= whole.channels
        and all(any(_inside(territory, t) for t in whole.territories) for territory in part.territories)
        # What the whole leaves out, the part must leave out as well, unless it does not reach there.
        and not any(
            _shares(territory, out) and not any(_inside(out, mine) for mine in part.excluded)
            for territory in part.territories
            for out in whole.excluded
        )
    )


def obstacles(
    scope: Scope, days: Days, reserved: Iterable[Reserved], held: Sequence[Held], *, talent: bool
) -> tuple[GrantObstacle, ...]:
    """Why the grant cannot be given; empty when it can.

    ``held`` empty means that the catalogue says nothing of rights-in, which then is not judged.
    """
    found = [
        GrantObstacle("exclusivity_conflict", other.days.ends)
        for other in reserved
        if _meet(days, other.days) and overlap(scope, other.scope)
    ]
    if held:
        covering = [h for h in held if _covers(h.days, days) and within(scope, h.scope)]
        if not covering:
            found.append(GrantObstacle("rights_in_exceeded", None))
        elif talent and not any(h.talent_cleared for h in covering):
            found.append(GrantObstacle("talent_consent_missing", None))
    return tuple(sorted(found, key=lambda each: (each.reason, str(each.until))))


def _inside(part: str, whole: str) -> bool:
    return part == whole or part.startswith(whole + "-")


def _shares(one: str, other: str) -> bool:
    return _inside(one, other) or _inside(other, one)


def _left_out(a: str, b: str, one: Scope, other: Scope) -> bool:
    """Whether all that two territories share is left out by one of the scopes."""
    shared = a if _inside(a, b) else b
    return any(_inside(shared, out) for out in one.excluded | other.excluded)


def _meet(one: Days, other: Days) -> bool:
    return one.starts < other.ends and other.starts < one.ends


def _covers(whole: Days, part: Days) -> bool:
    return whole.starts <= part.starts and part.ends <= whole.ends
