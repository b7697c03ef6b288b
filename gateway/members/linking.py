"""Decides in memory who is one person; ``gateway.members.writing`` writes the decisions down."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.events.projector import Evidence, Handle

#: (kind, issuer, keyed hash of the value) of a handle.
Key = tuple[str, str, bytes]
#: Worse than every source's rank.
_NOBODY_SAID = 99


@dataclass(slots=True)
class Node:
    """A stored or new identity, and the member that it leads to."""

    id: str
    member: str


@dataclass(frozen=True, slots=True)
class NewIdentity:
    """A handle that was not known before, and the evidence that showed it."""

    key: Key
    handle: Handle
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Merge:
    """``loser`` turned out to be ``keeper``."""

    loser: str
    keeper: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Conflict:
    """Evidence that would give one person two unionids of an issuer. ``unionids`` are keyed hashes, sorted."""

    issuer: str
    unionids: tuple[bytes, bytes]
    members: tuple[str, ...]
    identities: tuple[str, ...]


@dataclass(slots=True)
class Said:
    """What a batch says of one member; the better rank wins, of equal ones the first."""

    seen_at: datetime | None = None
    name: str = ""
    name_rank: int = _NOBODY_SAID
    phone: str = ""
    phone_rank: int = _NOBODY_SAID

    def hear(self, seen_at: datetime | None, name: str, name_rank: int, phone: str, phone_rank: int) -> None:
        """Take over what is better."""
        if seen_at is not None:
            self.seen_at = seen_at if self.seen_at is None else min(self.seen_at, seen_at)
        if name and name_rank < self.name_rank:
            self.name, self.name_rank = name, name_rank
        if phone and phone_rank < self.phone_rank:
            self.phone, self.phone_rank = phone, phone_rank


class Draft:
    """The identities that matter to one batch, and what becomes of them.

    Args:
        nodes: stored identities of the batch's handles.
        unionids: member → issuer → keyed hash, of every member in ``nodes``.
        spare: fresh member ids, one for each evidence that may be of a new person.
        new_id: makes identity ids.
    """

    def __init__(
        self,
        nodes: dict[Key, Node],
        unionids: dict[str, dict[str, bytes]],
        spare: Iterable[str],
        new_id: Callable[[], str],
    ) -> None:
        self.nodes = nodes
        self.new_members: dict[str, Evidence] = {}
        self.identities: list[NewIdentity] = []
        self.merges: list[Merge] = []
        self.conflicts: list[Conflict] = []
        self.said: dict[str, Said] = {}
        self._unionids = unionids
        self._spare = deque(spare)
        self._new_id = new_id

    def link(self, evidence: Evidence, keys: Sequence[Key]) -> None:
        """Join what the evidence shows together, as far as no two unionids of one issuer meet."""
        owner = self._owner(evidence, keys)
        for handle, key in zip(evidence.handles, keys, strict=True):
            if key not in self.nodes and not self._foreign(key, owner, keys):
                self.nodes[key] = Node(self._new_id(), owner)
                self.identities.append(NewIdentity(key, handle, evidence))
                if handle.kind == "UNIONID":
                    self._unionids.setdefault(owner, {})[handle.issuer] = key[2]
        said = self.said.setdefault(owner, Said())
        said.hear(evidence.seen_at, evidence.name, evidence.rank, evidence.phone, evidence.rank)

    def _owner(self, evidence: Evidence, keys: Sequence[Key]) -> str:
        """The member whom the evidence belongs to, after the merges that it proves."""
        found = sorted({self.nodes[key].member for key in keys if key in self.nodes})
        if not found:
            # Another process can only have made people known meanwhile, so spare ids never run short.
            member = self._spare.popleft()
            self.new_members[member] = evidence
            return member
        keeper = found[0]  # UUIDv7 sorts by age.
        for other in found[1:]:
            conflict = self._conflict(keeper, other)
            if conflict is None:
                self._merge(Merge(other, keeper, evidence))
            else:
                self._report(*conflict, (keeper, other), keys)
        return self.nodes[keys[0]].member if keys[0] in self.nodes else keeper

    def _merge(self, merge: Merge) -> None:
        self.merges.append(merge)
        for node in self.nodes.values():
            if node.member == merge.loser:
                node.member = merge.keeper
        self._unionids[merge.keeper] = {**self._of(merge.keeper), **self._of(merge.loser)}
        said = self.said.pop(merge.loser, None)
        if said is not None:
            kept = self.said.setdefault(merge.keeper, Said())
            kept.hear(said.seen_at, said.name, said.name_rank, said.phone, said.phone_rank)

    def _foreign(self, key: Key, owner: str, keys: Sequence[Key]) -> bool:
        """Whether the handle is a second unionid: it stays out, until evidence shows it with somebody else."""
        kind, issuer, value = key
        held = self._of(owner).get(issuer) if kind == "UNIONID" else None
        if held is None or held == value:
            return False
        self._report(issuer, held, value, (owner,), keys)
        return True

    def _conflict(self, one: str, other: str) -> tuple[str, bytes, bytes] | None:
        """An issuer who gave the two members different unionids: two WeChats are two people."""
        mine, theirs = self._of(one), self._of(other)
        for issuer in sorted(mine.keys() & theirs.keys()):
            if mine[issuer] != theirs[issuer]:
                return issuer, mine[issuer], theirs[issuer]
        return None

    def _report(self, issuer: str, one: bytes, other: bytes, members: tuple[str, ...], keys: Sequence[Key]) -> None:
        identities = tuple(sorted(self.nodes[key].id for key in keys if key in self.nodes))
        first, second = sorted((one, other))
        self.conflicts.append(Conflict(issuer, (first, second), members, identities))

    def _of(self, member: str) -> Mapping[str, bytes]:
        return self._unionids.get(member, {})
