"""Turns evidence into identities and links, in memory; ``partition`` then tells who is who."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from dataclasses import field as attribute
from datetime import datetime

from gateway.database.facts import Source
from gateway.events.kinds import STRENGTHS, Strength
from gateway.events.projector import Evidence
from gateway.members.partition import Edge, Key, Node
from gateway.members.rules import Shown, stands, weaker

#: (a, b, strength) with a < b: what is unique about a link.
LinkKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Cause:
    """Why the graph changes: ``source`` is tool.endpoint or own.<mutation>, ``seen_at`` when the platform knew."""

    source: str
    seen_at: datetime
    via: Source


@dataclass(slots=True)
class Identity:
    """A stored or new identity. ``value`` is known of new ones only."""

    id: str
    key: Key
    member: str | None
    home: str | None
    strength: Strength
    stands: bool
    superseded_by: str | None = None
    seen_at: datetime | None = None
    source: str = ""
    value: str | None = attribute(default=None, repr=False)
    new: bool = False

    def node(self) -> Node:
        """As ``partition`` sees it."""
        return Node(self.id, self.key, self.superseded_by is not None)


@dataclass(slots=True)
class Link:
    """A stored or new link between two identities."""

    id: str
    a: str
    b: str
    strength: str
    source: str
    seen_at: datetime
    retired: bool = False
    review_case: str | None = None
    decided_by: str | None = None
    reason: str | None = None
    new: bool = False
    revived: bool = False

    def edge(self) -> Edge:
        """As ``partition`` sees it."""
        return Edge(self.a, self.b, self.strength, self.seen_at)

    @property
    def counts(self) -> bool:
        """Whether it may join or contradict anything."""
        return not self.retired and self.strength != "WEAK"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a source says of a person, seen under one identity."""

    identity: str
    field: str
    source: str
    value: str = attribute(repr=False)
    verified: bool
    seen_at: datetime


class Draft:
    """The identities and links that matter to one transaction, and what becomes of them.

    ``touched`` are identities around which the partition may have changed, each with its cause.
    """

    def __init__(self, new_id: Callable[[], str]) -> None:
        self.identities: dict[str, Identity] = {}
        self.links: dict[LinkKey, Link] = {}
        self.touched: dict[str, Cause] = {}
        #: Stored identities and links whose rows differ from the database now.
        self.changed: dict[str, Identity] = {}
        self.changed_links: dict[LinkKey, Link] = {}
        self.claims: dict[tuple[str, str, str], Claim] = {}
        #: Identities whose earliest sight moved: their member may have joined earlier.
        self.earlier: set[str] = set()
        #: Cases that links raised which are retired now.
        self.answered: set[str] = set()
        self.new_id = new_id
        self._by_key: dict[Key, Identity] = {}

    def know(self, found: Identity) -> None:
        """Take in a stored identity, unless a newer state of it is here."""
        if found.id not in self.identities:
            self.identities[found.id] = found
            self._by_key[found.key] = found

    def find(self, key: Key) -> Identity | None:
        """The identity of that name, as far as it was taken in."""
        return self._by_key.get(key)

    def show(self, evidence: Evidence, shown: Sequence[Shown], now: datetime) -> Identity:
        """Take in a piece of evidence; returns its first identity."""
        cause = Cause(evidence.source, evidence.seen_at, evidence.via)
        proved = stands(shown)
        subject = self._identity(shown[0], proved[0], cause)
        for each, alone in zip(shown[1:], proved[1:], strict=True):
            other = self._identity(each, alone, cause)
            strength = weaker(shown[0].strength, each.strength)
            if other is not subject and strength != "NEVER":
                self.join(subject, other, strength, cause)
        verified = evidence.verified or any(each.key[0] == "PHONE" and each.strength == "CONDITIONAL" for each in shown)
        said_at = evidence.said_at or now
        for name in ("name", "phone", "gender", "birthday", "city"):
            value = getattr(evidence, name)
            if value:
                self._say(Claim(subject.id, name, evidence.source, value, name == "phone" and verified, said_at))
        return subject

    def join(
        self,
        one: Identity,
        other: Identity,
        strength: str,
        cause: Cause,
        *,
        decided_by: str | None = None,
        reason: str | None = None,
    ) -> Link:
        """Link two identities. What is retired stays so, unless a person decides anew."""
        a, b = sorted((one.id, other.id))
        key = (a, b, strength)
        link = self.links.get(key)
        if link is None:
            link = Link(self.new_id(), a, b, strength, cause.source, cause.seen_at, new=True)
            link.decided_by, link.reason = decided_by, reason
            self.links[key] = link
        elif decided_by is not None and link.retired:
            link.retired, link.revived = False, True
            link.source, link.seen_at, link.decided_by, link.reason = cause.source, cause.seen_at, decided_by, reason
            self.changed_links[key] = link
        elif not link.retired and cause.seen_at < link.seen_at:
            link.seen_at = cause.seen_at
            if not link.new:
                self.changed_links[key] = link
        else:
            return link
        if link.counts:
            self.touched.setdefault(a, cause)
            self.touched.setdefault(b, cause)
        return link

    def add(self, key: Key, value: str, strength: Strength, cause: Cause) -> Identity:
        """A name that no platform has shown, but a person or a list of renames tells."""
        found = Identity(self.new_id(), key, None, None, strength, strength == "STRONG", new=True)
        found.value, found.source = value, cause.source
        self.identities[found.id] = self._by_key[key] = found
        self.touched[found.id] = cause
        return found

    def change(self, found: Identity) -> None:
        """Note that a stored identity's row must be written."""
        if not found.new:
            self.changed[found.id] = found

    def _identity(self, shown: Shown, alone: bool, cause: Cause) -> Identity:
        found = self._by_key.get(shown.key)
        if found is None:
            found = Identity(
                self.new_id(), shown.key, None, None, shown.strength, alone, seen_at=cause.seen_at, new=True
            )
            found.value, found.source = shown.value, cause.source
            self.identities[found.id] = self._by_key[shown.key] = found
            self.touched[found.id] = cause
            return found
        if alone and not found.stands:
            found.stands = True
            self.touched.setdefault(found.id, cause)
            self.change(found)
        if STRENGTHS.index(shown.strength) < STRENGTHS.index(found.strength):
            found.strength = shown.strength
            self.change(found)
        if found.seen_at is None or cause.seen_at < found.seen_at:
            found.seen_at = cause.seen_at
            self.earlier.add(found.id)
            self.change(found)
        return found

    def _say(self, claim: Claim) -> None:
        key = (claim.identity, claim.field, claim.source)
        said = self.claims.get(key)
        if said is None or claim.seen_at >= said.seen_at:
            self.claims[key] = claim
