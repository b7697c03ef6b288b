"""The identity graph: which handles are one person.

Strong evidence joins; two unionids of one issuer never do, and such a contradiction becomes a review
case instead. The older member keeps its id, the other's id resolves to it for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.base.runtime import Clock
from gateway.database.engine import Database
from gateway.database.facts import Fact, append_facts
from gateway.database.statements import insert_new
from gateway.database.tables.members import identity, member, points_entry, review_case
from gateway.database.ulid import Ulids, uuid7
from gateway.events.kinds import KINDS
from gateway.events.projector import Evidence, Handle, Linked

Key = tuple[str, str, bytes]

#: Serializes writers of the graph on PostgreSQL until the transaction ends; SQLite has one writer anyway.
_LOCK = text("SELECT pg_advisory_xact_lock(7420031)")
_CHUNK = 500


class IdentityGraph:
    """Links evidence to members. Safe with any number of processes."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock
        self.ulids = Ulids(clock)

    async def prepare(self, evidence: Sequence[Evidence]) -> _Linking:
        """See ``gateway.events.projector.People``: one fresh member id per evidence that seems new."""
        keys = [self._keys(each) for each in evidence]
        known = await _known(self.database.fetch, {key for group in keys for key in group})
        now = self.clock.now()
        spare = [str(uuid7(now)) for group in keys if not any(key in known for key in group)]
        # Identities are sealed again when a known person shows a new handle, so their keys are needed too.
        await self.database.keyring.ensure(*spare, *{row.member for row in known.values()})
        return _Linking(self, evidence, keys, spare)

    def _keys(self, evidence: Evidence) -> list[Key]:
        return [(h.kind, h.issuer, self._hash(h)) for h in evidence.handles]

    def _hash(self, handle: Handle) -> bytes:
        return self.database.keyring.hash(handle.value, "identity")

    async def find(self, kind: str, issuer: str, value: str) -> str | None:
        """The member who has this handle, or None."""
        row = await self.database.one(
            _FIND, {"kind": kind, "issuer": issuer, "value": self.database.keyring.hash(value, "identity")}
        )
        return None if row is None else str(row.member)


_FIND = select(identity.c.member).where(
    identity.c.kind == bindparam("kind"),
    identity.c.issuer == bindparam("issuer"),
    identity.c.value_hash == bindparam("value", type_=identity.c.value_hash.type),
)


@dataclass(slots=True)
class _Node:
    """A known or new identity during linking."""

    id: str
    member: str


@dataclass(slots=True)
class _Changes:
    """What linking found out, written at the end in a few statements."""

    members: dict[str, dict[str, Any]] = field(default_factory=dict)
    identities: list[dict[str, Any]] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    cases: list[dict[str, Any]] = field(default_factory=list)


class _Linking:
    """See ``gateway.events.projector.Linking``."""

    def __init__(
        self, graph: IdentityGraph, evidence: Sequence[Evidence], keys: list[list[Key]], spare: list[str]
    ) -> None:
        self._graph = graph
        self._evidence = evidence
        self._keys = keys
        self._spare = spare

    async def link(self, connection: AsyncConnection) -> Sequence[Linked]:
        """See ``gateway.events.projector.Linking``."""
        if connection.dialect.name == "postgresql":
            await connection.execute(_LOCK)

        async def fetch(statement: Any) -> Sequence[Any]:
            return (await connection.execute(statement)).all()

        rows = await _known(fetch, {key for group in self._keys for key in group})
        nodes = {key: _Node(row.id, row.member) for key, row in rows.items()}
        changes = _Changes()
        merges: list[tuple[str, str]] = []
        firsts: list[Key] = []
        for each, keys in zip(self._evidence, self._keys, strict=True):
            owner = await self._owner(fetch, each, keys, nodes, changes, merges)
            self._attach(each, keys, owner, nodes, changes)
            firsts.append(keys[0])
        await self._write(connection, changes, merges)
        return [Linked(nodes[key].id, nodes[key].member) for key in firsts]

    async def _owner(
        self,
        fetch: Any,
        evidence: Evidence,
        keys: list[Key],
        nodes: dict[Key, _Node],
        changes: _Changes,
        merges: list[tuple[str, str]],
    ) -> str:
        """The member whom the evidence belongs to, after any merge it proves."""
        found = sorted({nodes[key].member for key in keys if key in nodes})
        if not found:
            return self._new_member(evidence, changes)
        keeper = found[0]  # UUIDv7 sorts by age.
        for other in found[1:]:
            if await self._contradict(fetch, keeper, other, nodes):
                changes.cases.append(self._case(keeper, other, keys, nodes))
                continue
            merges.append((other, keeper))
            for node in nodes.values():
                if node.member == other:
                    node.member = keeper
            changes.facts.append(self._fact("member.merged", evidence, keeper, f"{other}>{keeper}"))
        return nodes[keys[0]].member if keys[0] in nodes else keeper

    async def _contradict(self, fetch: Any, one: str, other: str, nodes: dict[Key, _Node]) -> bool:
        """True when the two have different unionids of one issuer: two WeChats are two people."""
        rows = await fetch(
            select(identity.c.member, identity.c.issuer, identity.c.value_hash).where(
                identity.c.kind == "UNIONID", identity.c.member.in_((one, other))
            )
        )
        held = {(row.issuer, row.value_hash): row.member for row in rows}
        held |= {(k[1], k[2]): n.member for k, n in nodes.items() if k[0] == "UNIONID" and n.member in (one, other)}
        issuers = [{issuer for (issuer, _), who in held.items() if who == each} for each in (one, other)]
        return bool(issuers[0] & issuers[1])

    def _attach(
        self, evidence: Evidence, keys: list[Key], owner: str, nodes: dict[Key, _Node], changes: _Changes
    ) -> None:
        now = self._graph.clock.now()
        for handle, key in zip(evidence.handles, keys, strict=True):
            if key in nodes:
                continue
            if handle.kind == "UNIONID" and self._has_other_unionid(handle, key, owner, nodes):
                continue
            identity_id = self._graph.ulids.next(now)
            nodes[key] = _Node(identity_id, owner)
            changes.identities.append(
                {
                    "id": identity_id,
                    "kind": handle.kind,
                    "issuer": handle.issuer,
                    "value": self._graph.database.keyring.seal(handle.value, subject=owner),
                    "value_hash": key[2],
                    "member": owner,
                    "strength": KINDS[handle.kind].strength,
                    "source": evidence.source,
                    "linked_at": now,
                }
            )
            changes.facts.append(self._fact("identity.linked", evidence, owner, identity_id, identity_id=identity_id))
        self._describe(evidence, owner, changes)

    def _has_other_unionid(self, handle: Handle, key: Key, owner: str, nodes: dict[Key, _Node]) -> bool:
        return any(
            known[0] == "UNIONID" and known[1] == handle.issuer and known != key and node.member == owner
            for known, node in nodes.items()
        )

    def _describe(self, evidence: Evidence, owner: str, changes: _Changes) -> None:
        """Collect what this source says of the person; ``_write`` lets the better source win."""
        said = changes.members.setdefault(owner, {})
        seen = said.get("seen_at")
        said["seen_at"] = evidence.seen_at if seen is None else min(seen, evidence.seen_at)
        for name, value in (("name", evidence.name), ("phone", evidence.phone)):
            if value and evidence.rank < said.get(name + "_rank", 99):
                said[name], said[name + "_rank"] = value, evidence.rank

    def _new_member(self, evidence: Evidence, changes: _Changes) -> str:
        # More new people than seemed so before the transaction: another process removed nobody, so the
        # spare ids can only run short when evidence repeats; then an id of the same batch serves.
        member_id = self._spare.pop()
        changes.members[member_id] = {"new": True}
        changes.facts.append(self._fact("member.created", evidence, member_id, member_id))
        return member_id

    def _case(self, one: str, other: str, keys: list[Key], nodes: dict[Key, _Node]) -> dict[str, Any]:
        ids = sorted(nodes[key].id for key in keys if key in nodes)
        return {
            "id": self._graph.ulids.next(),
            "kind": "TWO_UNIONIDS",
            "members": [one, other],
            "evidence": ids,
            "state": "OPEN",
            "opened_at": self._graph.clock.now(),
            "dedupe_key": f"TWO_UNIONIDS:{one}:{other}",
        }

    def _fact(self, kind: str, evidence: Evidence, member_id: str, key: str, *, identity_id: str | None = None) -> Fact:
        return Fact(
            kind=kind,
            occurred_at=evidence.seen_at if kind == "member.created" else self._graph.clock.now(),
            source="poll",
            source_key=key,
            member=member_id,
            identity=identity_id,
            reason=evidence.source,
            tool=evidence.source.split(".", 1)[0],
        )

    async def _write(self, connection: AsyncConnection, changes: _Changes, merges: list[tuple[str, str]]) -> None:
        now = self._graph.clock.now()
        new = [
            {"id": each, "created_at": now, "updated_at": now}
            for each, said in changes.members.items()
            if said.get("new")
        ]
        await insert_new(connection, member, new, keys=("id",))
        await insert_new(connection, identity, changes.identities, keys=("kind", "issuer", "value_hash"))
        await insert_new(connection, review_case, changes.cases, keys=("dedupe_key",))
        for loser, keeper in merges:
            await self._merge(connection, loser, keeper, now)
        gone = {loser for loser, _ in merges}
        for each, said in changes.members.items():
            if each not in gone:
                await self._say(connection, each, said, now)
        await append_facts(connection, changes.facts, clock=self._graph.clock)

    async def _merge(self, connection: AsyncConnection, loser: str, keeper: str, now: datetime) -> None:
        await connection.execute(update(identity).where(identity.c.member == loser).values(member=keeper))
        await self._inherit(connection, loser, keeper)
        await connection.execute(update(points_entry).where(points_entry.c.member == loser).values(member=keeper))
        await connection.execute(
            update(member)
            .where(or_(member.c.id == loser, member.c.merged_into == loser))
            .values(merged_into=keeper, updated_at=now)
        )

    async def _inherit(self, connection: AsyncConnection, loser: str, keeper: str) -> None:
        """The keeper takes what the loser has better: earlier first sight, higher level, better sources."""
        rows = {row.id: row for row in await connection.execute(select(member).where(member.c.id.in_((loser, keeper))))}
        mine, other = rows[keeper], rows[loser]
        values: dict[str, Any] = {}
        if other.joined_at is not None and (mine.joined_at is None or other.joined_at < mine.joined_at):
            values["joined_at"] = other.joined_at
        if other.level is not None and (mine.level is None or (other.level, other.growth) > (mine.level, mine.growth)):
            values |= {"level": other.level, "growth": other.growth}
        if mine.out_id is None and other.out_id is not None:
            values["out_id"] = other.out_id
        for name in ("name", "phone"):
            text_, rank = getattr(other, name), getattr(other, name + "_source")
            kept = getattr(mine, name + "_source")
            if isinstance(text_, str) and rank is not None and (kept is None or rank < kept):
                values |= self._personal(keeper, name, text_, rank)
        if values:
            await connection.execute(update(member).where(member.c.id == keeper).values(**values))

    def _personal(self, member_id: str, name: str, value: str, rank: str) -> dict[str, Any]:
        """Columns of a name or phone, sealed under the member's own key."""
        keyring = self._graph.database.keyring
        values: dict[str, Any] = {name: keyring.seal(value, subject=member_id), name + "_source": rank}
        if name == "phone":
            values["phone_hash"] = keyring.hash(value, "phone")
            values["phone_tail_hash"] = keyring.hash(value[-4:], "phone_tail")
        return values

    async def _say(self, connection: AsyncConnection, member_id: str, said: dict[str, Any], now: datetime) -> None:
        """Write name, phone and first sight, each only when better than what is there."""
        row = (await connection.execute(_PROFILE, {"id": member_id})).one()
        values: dict[str, Any] = {}
        seen = said["seen_at"]
        if row.joined_at is None or seen < row.joined_at:
            values["joined_at"] = seen
        for name in ("name", "phone"):
            rank = f"{said.get(name + '_rank', 99):02d}"
            stored = getattr(row, name + "_source")
            if name in said and (stored is None or rank <= stored):
                values |= self._personal(member_id, name, said[name], rank)
        if values:
            values["updated_at"] = now
            await connection.execute(update(member).where(member.c.id == member_id).values(**values))


_PROFILE = select(member.c.joined_at, member.c.name_source, member.c.phone_source).where(member.c.id == bindparam("id"))


async def _known(fetch: Any, keys: Iterable[Key]) -> dict[Key, Any]:
    """Stored identities of these keys: key → row(id, member)."""
    wanted = set(keys)
    hashes = sorted({key[2] for key in wanted})
    found: dict[Key, Any] = {}
    for start in range(0, len(hashes), _CHUNK):
        rows = await fetch(
            select(identity.c.id, identity.c.kind, identity.c.issuer, identity.c.value_hash, identity.c.member).where(
                identity.c.value_hash.in_(hashes[start : start + _CHUNK])
            )
        )
        for row in rows:
            key = (row.kind, row.issuer, bytes(row.value_hash))
            if key in wanted:
                found[key] = row
    return found
