"""Which identities are one person: a pure function of the evidence.

It knows no order of arrival, no database and no member ids, so that late evidence gives the same people as early
evidence. One pass goes over the links in a fixed order (what a platform renamed, what it proved, what a verified phone
suggests, what a person decided; within these by when it was first shown) and unites two groups unless a rule forbids
it:

- STRONG never unites two unionids of one issuer: two WeChats are two people.
- CONDITIONAL never unites two groups that both have a unionid, and nothing by a value that too many people show.
- Neither unites more identities of a kind than one person may have.
- Neither counts at an identity that is linked with too many others to be anybody's.
- RENAMED and DECIDED always unite. Decisions come last, so that one of them never changes what evidence says of others.

A forbidden link stays, as a question for a person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Reason = Literal["TWO_UNIONIDS", "PHONE_SHARED", "LIMIT_EXCEEDED", "SHARED_VALUE"]
#: What sorts before what, whatever was shown first. WEAK links are not among them: they unite nobody.
CLASSES = {"RENAMED": 0, "STRONG": 1, "CONDITIONAL": 2, "DECIDED": 3}
#: Links that people or platforms state as such; rules do not apply to them.
_UNCONDITIONAL = {"RENAMED", "DECIDED"}

#: (kind, issuer, keyed hash of the value): names an identity within a database, and breaks ties.
Key = tuple[str, str, bytes]


@dataclass(frozen=True, slots=True)
class Node:
    """An identity. A superseded unionid was renamed: it contradicts nothing any more."""

    id: str
    key: Key
    superseded: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """A link that is not retired. ``strength`` is one of CLASSES."""

    a: str
    b: str
    strength: str
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one person may have.

    ``per_kind``: identities of a kind. ``people_per_value``: people who may show one phone before it proves nothing.
    ``links_per_identity``: beyond it an identity is nobody's, such as a default value of some system.
    """

    per_kind: Mapping[str, int] = field(default_factory=dict)
    people_per_value: int = 5
    links_per_identity: int = 500


@dataclass(frozen=True, slots=True)
class Refused:
    """A link that a rule forbids. Links that raise one ``question`` are one review case."""

    edge: Edge
    reason: Reason
    question: str


@dataclass(frozen=True, slots=True)
class Partition:
    """``groups``: the people, each in the order of the nodes given. ``united``: the links that made them, in order."""

    groups: Sequence[Sequence[str]]
    united: Sequence[Edge]
    refused: Sequence[Refused]


def partition(
    nodes: Mapping[str, Node], edges: Iterable[Edge], limits: Limits, crowded: Collection[str] = ()
) -> Partition:
    """The people. ``edges`` name only ``nodes``.

    ``crowded`` nodes are known to have more links than an identity may have, though ``edges`` may lack some of them.
    """
    ordered = _ordered(nodes, edges)
    people = _People(nodes, limits)
    crowded = _crowded(ordered, limits.links_per_identity) | set(crowded)
    shared: Mapping[str, bool] | None = None
    united: list[Edge] = []
    refused: list[Refused] = []
    for edge in ordered:
        one, other = people.of(edge.a), people.of(edge.b)
        if edge.strength == "CONDITIONAL" and shared is None:
            shared = _shared(nodes, ordered, people.of, limits.people_per_value)
        if edge.strength not in _UNCONDITIONAL:
            value = next((each for each in (edge.a, edge.b) if each in crowded), None)
            if value is None and edge.strength == "CONDITIONAL" and shared:
                value = next((each for each in (edge.a, edge.b) if shared.get(each)), None)
            if value is not None:
                refused.append(Refused(edge, "SHARED_VALUE", _question("SHARED_VALUE", nodes[value].key)))
                continue
        if one == other:
            continue
        if edge.strength not in _UNCONDITIONAL:
            objection = people.objection(one, other, edge)
            if objection is not None:
                refused.append(objection)
                continue
        people.unite(one, other)
        united.append(edge)
    # What a decision has united needs no answer any more.
    open_ = [each for each in refused if people.of(each.edge.a) != people.of(each.edge.b)]
    return Partition(people.groups(), united, open_)


def divide(nodes: Mapping[str, Node], edges: Iterable[Edge], sets: Sequence[Collection[str]]) -> set[str]:
    """Which of one person's nodes go with the first of ``sets`` when it is taken away from the second.

    Each set is known to belong together; all else goes with the side that its own evidence holds it to, in the order
    of the pass. What no evidence holds to the first stays with the second.
    """
    people = _Plain(nodes)
    for members in sets:
        first, *others = members
        for each in others:
            people.unite(first, each)
    root = {"part": people.of(next(iter(sets[0]))), "rest": people.of(next(iter(sets[1])))}
    for edge in _ordered(nodes, edges):
        one, other = people.of(edge.a), people.of(edge.b)
        if one == other or {one, other} == {root["part"], root["rest"]}:
            continue
        kept = people.unite(one, other)
        root = {name: kept if held in (one, other) else held for name, held in root.items()}
    return {each for each in nodes if people.of(each) == root["part"]}


def _ordered(nodes: Mapping[str, Node], edges: Iterable[Edge]) -> list[Edge]:
    def place(edge: Edge) -> tuple[int, datetime, Key, Key]:
        one, other = nodes[edge.a].key, nodes[edge.b].key
        return (CLASSES[edge.strength], edge.seen_at, *((one, other) if one < other else (other, one)))

    return sorted(edges, key=place)


def _crowded(edges: Sequence[Edge], limit: int) -> set[str]:
    if len(edges) <= limit:
        return set()
    shown = Counter(end for edge in edges if edge.strength not in _UNCONDITIONAL for end in {edge.a, edge.b})
    return {each for each, times in shown.items() if times > limit}


def _shared(
    nodes: Mapping[str, Node], edges: Sequence[Edge], of: Callable[[str], str], limit: int
) -> Mapping[str, bool]:
    """Phones that more people show than one phone can have, as far as stronger links tell people apart."""
    people: dict[str, set[str]] = {}
    for edge in edges:
        if edge.strength == "CONDITIONAL":
            for value, other in ((edge.a, edge.b), (edge.b, edge.a)):
                if nodes[value].key[0] == "PHONE":
                    people.setdefault(value, set()).add(of(other))
    return {value: len(who) > limit for value, who in people.items()}


def _question(reason: Reason, *about: Key) -> str:
    return ":".join([reason, *(f"{kind}:{issuer}:{value.hex()}" for kind, issuer, value in sorted(about))])


class _Plain:
    """Disjoint sets."""

    def __init__(self, nodes: Iterable[str]) -> None:
        self._parent = {each: each for each in nodes}
        self._size = dict.fromkeys(self._parent, 1)

    def of(self, node: str) -> str:
        parent = self._parent
        while parent[node] != node:
            parent[node] = node = parent[parent[node]]
        return node

    def unite(self, one: str, other: str) -> str:
        """The new root, of the two given."""
        one, other = self.of(one), self.of(other)
        if one == other:
            return one
        if self._size[one] < self._size[other]:
            one, other = other, one
        self._parent[other] = one
        self._size[one] += self._size.pop(other)
        return one

    def groups(self) -> list[list[str]]:
        """The sets, in the order of their first nodes."""
        found: dict[str, list[str]] = {}
        for node in self._parent:
            found.setdefault(self.of(node), []).append(node)
        return list(found.values())


class _People(_Plain):
    """Disjoint sets that know what the rules ask about."""

    def __init__(self, nodes: Mapping[str, Node], limits: Limits) -> None:
        super().__init__(nodes)
        self._limits = limits.per_kind
        #: root → issuer → the least of its unionids
        self._unionids: dict[str, dict[str, Key]] = {}
        #: root → kind → how many, for kinds with a limit
        self._counts: dict[str, dict[str, int]] = {}
        for node in nodes.values():
            kind, issuer, _ = node.key
            if node.superseded:
                continue
            if kind == "UNIONID":
                self._unionids[node.id] = {issuer: node.key}
            if kind in self._limits:
                self._counts[node.id] = {kind: 1}

    def objection(self, one: str, other: str, edge: Edge) -> Refused | None:
        mine, theirs = self._unionids.get(one), self._unionids.get(other)
        if mine and theirs:
            if edge.strength == "CONDITIONAL":
                about = min(mine.values()), min(theirs.values())
                return Refused(edge, "PHONE_SHARED", _question("PHONE_SHARED", *about))
            issuer = min(mine.keys() & theirs.keys(), default=None)
            if issuer is not None:
                return Refused(edge, "TWO_UNIONIDS", _question("TWO_UNIONIDS", mine[issuer], theirs[issuer]))
        counts, more = self._counts.get(one), self._counts.get(other)
        if counts and more:
            for kind in sorted(counts.keys() & more.keys()):
                if counts[kind] + more[kind] > self._limits[kind]:
                    # One question per link: each of them may have another answer.
                    return Refused(edge, "LIMIT_EXCEEDED", f"LIMIT_EXCEEDED:{kind}:{edge.a}:{edge.b}")
        return None

    def unite(self, one: str, other: str) -> str:
        kept = super().unite(one, other)
        gone = other if kept == one else one
        for issuer, key in self._unionids.pop(gone, {}).items():
            held = self._unionids.setdefault(kept, {})
            held[issuer] = min(held.get(issuer, key), key)
        for kind, number in self._counts.pop(gone, {}).items():
            counts = self._counts.setdefault(kept, {})
            counts[kind] = counts.get(kind, 0) + number
        return kept
