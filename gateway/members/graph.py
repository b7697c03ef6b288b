"""The identity graph: which handles are one person. ``partition`` has the rules; here they meet the database."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from sqlalchemy import bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.base.runtime import Clock
from gateway.database.engine import Database
from gateway.database.prepared import Prepared
from gateway.database.reading import fetching
from gateway.database.tables.members import identity
from gateway.database.ulid import Ulids, uuid7
from gateway.events.kinds import normal
from gateway.events.projector import Evidence, KeysShort, Linked
from gateway.members.gathering import by_keys, links_among
from gateway.members.linking import Draft
from gateway.members.rules import Rules, Shown, stands
from gateway.members.writing import Writer
from gateway.settings import IdentityRules

#: Serializes writers of the graph on PostgreSQL until the transaction ends; SQLite has one writer anyway.
_LOCK = text("SELECT pg_advisory_xact_lock(7420031)")


class IdentityGraph:
    """Links evidence to members. Safe with any number of processes."""

    def __init__(self, database: Database, clock: Clock, rules: IdentityRules | None = None) -> None:
        self.database = database
        self.clock = clock
        self.rules = Rules(rules or IdentityRules())
        self.ulids = Ulids(clock)

    async def prepare(self, evidence: Sequence[Evidence]) -> Linking:
        """See ``gateway.events.projector.People``: one fresh member id per evidence that seems new."""
        shown = [self.rules.shown(each, self.database.keyring) for each in evidence]
        known = {
            each.key: each.home
            for each in await by_keys(self.database.fetch, {each.key for some in shown for each in some})
            if each.home is not None
        }
        spare = Spare(self)
        await spare.make(sum(_new(some, known) for some in shown))
        # A known person's new handles are sealed too, so that key is loaded with the others.
        self.database.keyring.prime(known.values())
        return Linking(self, evidence, shown, spare)

    async def find(self, kind: str, issuer: str, value: str) -> str | None:
        """The member who has this handle, or None."""
        hashed = self.database.keyring.hash(normal(kind, value), "identity")
        row = await self.database.one(_FIND, {"kind": kind, "issuer": issuer, "value": hashed})
        return None if row is None or row.member is None else str(row.member)

    def writer(self, connection: AsyncConnection, fresh: Callable[[], str]) -> Writer:
        """What writes a draft in this transaction."""
        return Writer(connection, self.database.keyring, self.rules.limits, self.clock, fresh)


_FIND = Prepared(
    select(identity.c.member).where(
        identity.c.kind == bindparam("kind"),
        identity.c.issuer == bindparam("issuer"),
        identity.c.value_hash == bindparam("value", type_=identity.c.value_hash.type),
    )
)


async def lock(connection: AsyncConnection) -> None:
    """Be the only one to write the graph until the transaction ends."""
    if connection.dialect.name == "postgresql":
        await connection.execute(_LOCK)


class Spare:
    """Ids for new members, their data keys committed beforehand: a key made inside a transaction could be rolled
    back after another one has sealed with it."""

    def __init__(self, graph: IdentityGraph) -> None:
        self._graph = graph
        self._made: list[str] = []
        self._left: deque[str] = deque()

    async def make(self, number: int) -> None:
        """Make as many more."""
        now = self._graph.clock.now()
        made = sorted(str(uuid7(now)) for _ in range(number))
        if made:
            await self._graph.database.keyring.ensure(*made)
        self._made += made
        self._left = deque(self._made)

    def next(self) -> str:
        """The next id, older ones first. Raises KeysShort."""
        if not self._left:
            raise KeysShort
        return self._left.popleft()

    def again(self) -> None:
        """Give out the same ids once more: the transaction that used them was rolled back."""
        self._left = deque(self._made)


class Linking:
    """See ``gateway.events.projector.Linking``."""

    def __init__(
        self, graph: IdentityGraph, evidence: Sequence[Evidence], shown: list[list[Shown]], spare: Spare
    ) -> None:
        self._graph = graph
        self._evidence = evidence
        self._shown = shown
        self._spare = spare

    async def link(self, connection: AsyncConnection) -> Sequence[Linked]:
        """See ``gateway.events.projector.Linking``."""
        await lock(connection)
        self._spare.again()
        draft = Draft(self._graph.ulids.next)
        fetch = fetching(connection)
        for each in await by_keys(fetch, {each.key for some in self._shown for each in some}):
            draft.know(each)
        linked = {
            found.id
            for some in self._shown
            if len(some) > 1
            for each in some
            if (found := draft.find(each.key)) is not None
        }
        await links_among(fetch, draft, linked)
        now = self._graph.clock.now()
        subjects = [draft.show(each, some, now) for each, some in zip(self._evidence, self._shown, strict=True)]
        await self._graph.writer(connection, self._spare.next).write(draft)
        return [Linked(each.id, each.member, each.home) for each in subjects]

    async def more_keys(self) -> None:
        """See ``gateway.events.projector.Linking``."""
        await self._spare.make(8)


def _new(shown: Sequence[Shown], known: dict[tuple[str, str, bytes], str]) -> bool:
    """Whether the evidence seems to be of somebody new."""
    return any(stands(shown)) and not any(each.key in known for each in shown)
