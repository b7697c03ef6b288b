"""The identity graph: which handles are one person.

Strong evidence joins; two unionids of one issuer never do, and such a contradiction becomes a review
case instead. The older member keeps its id, the other's id resolves to it for ever.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.base.runtime import Clock
from gateway.database.engine import Database
from gateway.database.tables.members import identity
from gateway.database.ulid import Ulids, uuid7
from gateway.events.projector import Evidence, Linked
from gateway.members.linking import Draft, Key, Node
from gateway.members.writing import write

#: Serializes writers of the graph on PostgreSQL until the transaction ends; SQLite has one writer anyway.
_LOCK = text("SELECT pg_advisory_xact_lock(7420031)")
#: Values of an IN list per statement.
_CHUNK = 500

_Fetch = Callable[[Any], Awaitable[Sequence[Any]]]


class IdentityGraph:
    """Links evidence to members. Safe with any number of processes."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock
        self.ulids = Ulids(clock)

    async def prepare(self, evidence: Sequence[Evidence]) -> Linking:
        """See ``gateway.events.projector.People``: one fresh member id per evidence that seems new."""
        keys = [self._keys(each) for each in evidence]
        known = await _known(self.database.fetch, {key for group in keys for key in group})
        now = self.clock.now()
        spare = sorted(str(uuid7(now)) for group in keys if not any(key in known for key in group))
        # A known person's new handles are sealed too, so that key is loaded with the others.
        await self.database.keyring.ensure(*spare, *{node.member for node in known.values()})
        return Linking(self, evidence, keys, spare)

    def _keys(self, evidence: Evidence) -> list[Key]:
        return [(h.kind, h.issuer, self.database.keyring.hash(h.value, "identity")) for h in evidence.handles]

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


class Linking:
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

        nodes = await _known(fetch, {key for group in self._keys for key in group})
        unionids = await _unionids(fetch, {node.member for node in nodes.values()})
        ulids, clock = self._graph.ulids, self._graph.clock
        draft = Draft(nodes, unionids, self._spare, ulids.next)
        for each, keys in zip(self._evidence, self._keys, strict=True):
            draft.link(each, keys)
        await write(connection, self._graph.database.keyring, clock, ulids, draft)
        # A contradicting unionid is left out; then the next handle stands for the evidence.
        found = [next(draft.nodes[key] for key in keys if key in draft.nodes) for keys in self._keys]
        return [Linked(node.id, node.member) for node in found]


async def _known(fetch: _Fetch, wanted: set[Key]) -> dict[Key, Node]:
    """Stored identities of these keys."""
    found: dict[Key, Node] = {}
    for hashes in _chunks(sorted({key[2] for key in wanted})):
        for row in await fetch(
            select(identity.c.id, identity.c.kind, identity.c.issuer, identity.c.value_hash, identity.c.member).where(
                identity.c.value_hash.in_(hashes)
            )
        ):
            key = (row.kind, row.issuer, bytes(row.value_hash))
            if key in wanted:
                found[key] = Node(row.id, row.member)
    return found


async def _unionids(fetch: _Fetch, members: set[str]) -> dict[str, dict[str, bytes]]:
    """What each member is called by the Open Platform: member → issuer → keyed hash."""
    found: dict[str, dict[str, bytes]] = {}
    for some in _chunks(sorted(members)):
        for row in await fetch(
            select(identity.c.member, identity.c.issuer, identity.c.value_hash).where(
                identity.c.kind == "UNIONID", identity.c.member.in_(some)
            )
        ):
            found.setdefault(row.member, {})[row.issuer] = bytes(row.value_hash)
    return found


def _chunks(values: Sequence[Any]) -> Iterable[list[Any]]:
    rest = iter(values)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk
