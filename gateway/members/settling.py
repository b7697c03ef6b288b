"""Gives each group of a partition its member id, so that ids outlive merges and splits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gateway.members.linking import Identity


@dataclass(frozen=True, slots=True)
class Person:
    """A group and the member it is. ``homes`` are the member ids that lead to it, the member's own among them."""

    member: str
    identities: Sequence[Identity]
    homes: frozenset[str]
    new: bool


@dataclass(frozen=True, slots=True)
class Settlement:
    """``people``, and ``hints``: identities that lead to nobody."""

    people: Sequence[Person]
    hints: Sequence[Identity]


def settle(identities: Mapping[str, Identity], groups: Sequence[Sequence[str]], fresh: Callable[[], str]) -> Settlement:
    """The oldest member id (UUIDv7 sorts by age) at which one of its identities is at home, or a fresh one.

    Where a split leaves a home in several groups it goes with the oldest identity that stands. A group without
    anything that stands on its own is a hint and nobody.
    """
    owner = _owners(identities, groups)
    people, hints = [], []
    for number, group in enumerate(groups):
        members = [identities[each] for each in group]
        if not any(each.stands for each in members):
            hints += members
            continue
        homes = {each.home for each in members if each.home is not None and owner.get(each.home) == number}
        member = min(homes) if homes else fresh()
        people.append(Person(member, members, frozenset(homes | {member}), not homes))
    return Settlement(people, hints)


def _owners(identities: Mapping[str, Identity], groups: Sequence[Sequence[str]]) -> dict[str, int]:
    """home → the group that keeps it."""
    oldest: dict[str, tuple[str, int]] = {}
    for number, group in enumerate(groups):
        for each in group:
            found = identities[each]
            if found.home is not None and found.stands:
                held = oldest.get(found.home)
                if held is None or found.id < held[0]:
                    oldest[found.home] = (found.id, number)
    return {home: number for home, (_, number) in oldest.items()}
