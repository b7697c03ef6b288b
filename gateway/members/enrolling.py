"""Enrols people in bulk: those whom nobody knew go in as they are, all others through the identity graph.

Most rows of a first import are of people without any known name. For them there is nothing to decide: their names join
nobody, so their rows are computed beforehand, on another thread, and inserted as they stand. A row with a name
that is known, or that another row of the batch has too, goes the ordinary way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database.facts import Fact
from gateway.database.statements import insert_new
from gateway.database.tables.members import consent, member, points_entry
from gateway.database.ulid import Ulids
from gateway.events.projector import Batch, Evidence, Projector
from gateway.members import newcomers
from gateway.members.gathering import by_keys, chunks
from gateway.members.graph import IdentityGraph, lock
from gateway.members.newcomers import Newcomer, Standing
from gateway.members.rules import Shown

#: Reason of the points that bring a balance to what an imported list says.
IMPORTED = "IMPORT"
#: Another process can only make people known, so this many attempts always suffice but for a bug.
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody answered about a purpose (同意), where and when."""

    purpose: str
    given: bool
    policy: str
    channel: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Enrolment:
    """One person as a list of the brand names them: evidence for the graph, and what the graph does not know of.

    ``points`` is the balance that the list gives, not a change of it.
    """

    evidence: Evidence
    standing: Standing = field(default_factory=Standing)
    points: int | None = None
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A batch: the people, what their names are to the graph, and their rows in case nobody knows them."""

    people: Sequence[Enrolment]
    shown: Sequence[Sequence[Shown]]
    fresh: Sequence[Newcomer | None]
    at: datetime


#: Called as (connection, created, updated) at the end of the transaction.
Commit = Callable[[AsyncConnection, int, int], Awaitable[None]]


class Enrolling:
    """The bulk door of the identity graph."""

    def __init__(self, projector: Projector, graph: IdentityGraph) -> None:
        self._projector = projector
        self._graph = graph
        self._database = projector.database

    def prepare(self, people: Sequence[Enrolment]) -> Prepared:
        """Hash, seal and number everything. Needs no event loop and touches no database."""
        now = self._projector.clock.now()
        keyring = self._database.keyring
        shown = [self._graph.rules.shown(person.evidence, keyring) for person in people]
        make = newcomers.Maker(keyring, now)
        fresh = [
            make.rows(person.evidence, names, person.standing) for person, names in zip(people, shown, strict=True)
        ]
        return Prepared(people, shown, fresh, now)

    async def write(self, prepared: Prepared, commit: Commit) -> None:
        """Write the batch in one transaction, which ends with ``commit(connection, created, updated)``."""
        for attempt in range(1, _TRIES + 1):
            try:
                await self._write(prepared, commit)
            except IntegrityError:
                # Somebody else made one of the newcomers known after we looked: look again.
                if attempt == _TRIES:
                    raise
            else:
                return

    async def _write(self, prepared: Prepared, commit: Commit) -> None:
        arrived, others = await self._split(prepared)
        people = [prepared.people[index] for index in others]
        async with self._projector.batch([each.evidence for each in people]) as batch:
            connection = batch.connection
            if not people:
                await lock(connection)
            await newcomers.insert(connection, list(arrived.values()))
            batch.facts += [fact for each in arrived.values() for fact in each.facts]
            placed = [
                *((prepared.people[index], each.member, each.identity) for index, each in arrived.items()),
                *(
                    (person, linked.member, linked.identity)
                    for person, linked in zip(people, batch.linked, strict=True)
                    # A name that was only claimed leads to nobody, so there is nobody whose standing it could be.
                    if linked.member is not None
                ),
            ]
            await _record_answers(batch, placed)
            await _set_points(connection, placed, prepared.at)
            known = placed[len(arrived) :]
            await _set_standing(connection, known, prepared.at)
            created, updated = await _moved(connection, sorted({who for _, who, _ in known}), prepared.at)
            await commit(connection, len(arrived) + created, updated)

    async def _split(self, prepared: Prepared) -> tuple[dict[int, Newcomer], list[int]]:
        """The newcomers by their places, and the places of all others."""
        times = Counter(name.key for names in prepared.shown for name in names)
        known = {each.key for each in await by_keys(self._database.fetch, times)}
        arrived: dict[int, Newcomer] = {}
        others: list[int] = []
        for index, (names, fresh) in enumerate(zip(prepared.shown, prepared.fresh, strict=True)):
            if fresh is not None and all(times[name.key] == 1 and name.key not in known for name in names):
                arrived[index] = fresh
            else:
                others.append(index)
        return arrived, others


#: A person, the member whom they are, and the identity that the list names first.
_Placed = tuple[Enrolment, str, str]


async def _set_standing(connection: AsyncConnection, placed: Sequence[_Placed], now: datetime) -> None:
    """Level and growth of those who were known before, where the list says something else."""
    # Of several rows of one member the last one counts.
    last = {who: person.standing for person, who, _ in placed}
    for some in chunks(sorted(last)):
        rows = await connection.execute(
            select(member.c.id, member.c.level, member.c.growth).where(member.c.id.in_(some))
        )
        for row in rows.all():
            wanted = {name: getattr(last[row.id], name) for name in ("level", "growth")}
            values = {name: value for name, value in wanted.items() if value not in (None, getattr(row, name))}
            if values:
                change = update(member).where(member.c.id == row.id)
                await connection.execute(change.values(**values, updated_at=now))


async def _moved(connection: AsyncConnection, ids: Sequence[str], since: datetime) -> tuple[int, int]:
    """How many of these members were made, and how many changed, since an instant."""
    created = updated = 0
    for some in chunks(ids):
        rows = await connection.execute(
            select(member.c.created_at).where(member.c.id.in_(some), member.c.updated_at >= since)
        )
        for (made_at,) in rows:
            created, updated = (created + 1, updated) if made_at >= since else (created, updated + 1)
    return created, updated


async def _record_answers(batch: Batch, placed: Sequence[_Placed]) -> None:
    """Consents that are not in the books yet, each with its fact."""
    said = [(who, name, answer) for person, who, name in placed for answer in person.answers]
    rows = [
        {
            "member": who,
            "purpose": answer.purpose,
            "given_at": answer.at,
            "allowed": "GIVEN" if answer.given else "WITHDRAWN",
            "policy_version": answer.policy,
            "channel": answer.channel,
        }
        for who, _, answer in said
    ]
    await insert_new(batch.connection, consent, rows, keys=("member", "purpose", "given_at"))
    batch.facts += [
        Fact(
            kind="consent.given" if answer.given else "consent.withdrawn",
            occurred_at=answer.at,
            source="import",
            source_key=f"{who}:{answer.purpose}:{answer.at.isoformat()}",
            member=who,
            identity=name,
            reason=answer.purpose,
            payload={"policyVersion": answer.policy},
        )
        for who, name, answer in said
    ]


async def _set_points(connection: AsyncConnection, placed: Sequence[_Placed], now: datetime) -> None:
    """Bring what imports have booked to the balance that the list gives; an entry is only made for a difference."""
    balances = {who: person.points for person, who, _ in placed if person.points is not None}
    booked: dict[str, int] = {}
    for some in chunks(sorted(balances)):
        found = await connection.execute(
            select(points_entry.c.member, func.sum(points_entry.c.delta).label("delta"))
            .where(points_entry.c.member.in_(some), points_entry.c.reason == IMPORTED)
            .group_by(points_entry.c.member)
        )
        booked |= {row.member: int(row.delta) for row in found}
    ulids = Ulids()
    rows = [
        # The entry's own id is its source: each books a difference that was found once.
        {"id": entry, "member": who, "delta": delta, "reason": IMPORTED, "source_key": entry, "occurred_at": now}
        for who, delta in ((who, balance - booked.get(who, 0)) for who, balance in balances.items())
        if delta
        for entry in (ulids.next(now),)
    ]
    await insert_new(connection, points_entry, rows, keys=("source_key",))
