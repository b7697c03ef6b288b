"""Enrols people in bulk: those whom nobody knew go in as they are, all others through the identity graph.

Most rows of a first import are of people without any known name. For them there is nothing to decide: their names join
nobody, so their rows are computed beforehand, on another thread, and inserted as they stand. A row with a name
that is known, or that another row of the batch has too, goes the ordinary way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.base.runtime import Clock
from gateway.database.ledgers import LevelEntry, PointsEntry, append_levels, append_points, refresh_levels
from gateway.database.prepared import list_of
from gateway.database.reading import chunks, fetching
from gateway.database.tables.ledger import level_entry, points_entry
from gateway.database.tables.members import member
from gateway.events.erased import erased
from gateway.events.projector import Evidence, Projector
from gateway.members import newcomers
from gateway.members.consent import Purpose, Said, write_list
from gateway.members.family import Family, families, whole_date
from gateway.members.gathering import CHUNK, by_keys
from gateway.members.graph import IdentityGraph, lock
from gateway.members.newcomers import Newcomer, Standing
from gateway.members.rules import Shown

#: Source of the ledgers' entries, and recorder of the answers, that come from a list.
IMPORTED = "import"
#: Another process can only make people known, so this many attempts always suffice but for a bug.
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody answered about a purpose (同意), where and when."""

    purpose: Purpose
    given: bool
    policy: str
    channel: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Enrolment:
    """One person as a list of the brand names them: evidence for the graph, and what the graph does not know of.

    ``since`` is when the list says that they became known, None where it does not say. ``points`` is the balance that
    the list gives, not a change of it.
    """

    evidence: Evidence
    since: datetime | None = None
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
        """Write the batch in one transaction, which ends with ``commit(connection, created, updated)``.

        Whoever was erased stays erased: a list of before the erasure, or one that does not say of when it is, does
        not bring them back.
        """
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
            known = placed[len(arrived) :]
            clock = self._projector.clock
            minors = _young(placed[: len(arrived)], clock.now()) | await self._minors(connection, known)
            await write_list(batch, _said(placed), minors)
            await _set_points(connection, placed, len(known), clock)
            await _set_levels(connection, placed, len(known), clock)
            created, updated = await _moved(connection, sorted({who for _, who, _ in known}), prepared.at)
            await commit(connection, len(arrived) + created, updated)

    async def _minors(self, connection: AsyncConnection, placed: Sequence[_Placed]) -> set[str]:
        """Who among those that allow something is under 14, by birthday or by what staff said."""
        asked = sorted({who for person, who, _ in placed if any(each.given for each in person.answers)})
        found: set[str] = set()
        for some in chunks(asked):
            known = await families(fetching(connection), self._database.keyring, some)
            found |= {who for who, family in known.items() if family.under_age(self._projector.clock.now())}
        return found

    async def _split(self, prepared: Prepared) -> tuple[dict[int, Newcomer], list[int]]:
        """The newcomers by their places, and the places of all others but the erased."""
        people = prepared.people
        gone = await erased(self._projector, [each.evidence for each in people], [each.since for each in people])
        times = Counter(name.key for names in prepared.shown for name in names)
        known = {each.key for each in await by_keys(self._database.fetch, times)}
        arrived: dict[int, Newcomer] = {}
        others: list[int] = []
        for index, (names, fresh) in enumerate(zip(prepared.shown, prepared.fresh, strict=True)):
            if gone[index]:
                continue
            if fresh is not None and all(times[name.key] == 1 and name.key not in known for name in names):
                arrived[index] = fresh
            else:
                others.append(index)
        return arrived, others


#: A person, the member whom they are, and the identity that the list names first.
_Placed = tuple[Enrolment, str, str]


def _young(arrived: Sequence[_Placed], now: datetime) -> set[str]:
    """Newcomers under 14, of whom the list is all that is known."""
    return {
        who
        for person, who, _ in arrived
        if person.answers and Family(who, birthday=whole_date(person.evidence.birthday)).under_age(now)
    }


async def _moved(connection: AsyncConnection, ids: Sequence[str], since: datetime) -> tuple[int, int]:
    """How many of these members were made, and how many changed, since an instant."""
    created = updated = 0
    for some in chunks(ids, CHUNK):
        rows = await connection.execute(
            select(member.c.created_at).where(member.c.id.in_(some), member.c.updated_at >= since)
        )
        for (made_at,) in rows:
            created, updated = (created + 1, updated) if made_at >= since else (created, updated + 1)
    return created, updated


def _said(placed: Sequence[_Placed]) -> list[Said]:
    return [
        Said(
            member=who,
            identity=name,
            purpose=answer.purpose,
            given=answer.given,
            policy_version=answer.policy,
            channel=answer.channel,
            recorded_by=IMPORTED,
            at=answer.at,
            key=f"{who}:{answer.purpose}:{answer.at.isoformat()}",
            source="import",
        )
        for person, who, name in placed
        for answer in person.answers
    ]


async def _set_points(connection: AsyncConnection, placed: Sequence[_Placed], known: int, clock: Clock) -> None:
    """Bring what imports have booked to the balance that the list gives; an entry is only made for a difference.

    ``known`` of the people, at the end, may have entries already. Of several rows of one identity the last one counts.
    """
    wanted = {name: (who, points) for person, who, name in placed if (points := person.points) is not None}
    held = await _held(connection, _POINTS, [name for _, _, name in placed[len(placed) - known :] if name in wanted])
    entries = []
    for name, (who, balance) in wanted.items():
        booked, moves = held.get(name, (0, 0))
        if balance != booked:
            entries.append(
                PointsEntry(
                    member=who,
                    identity=name,
                    kind="ADJUST",
                    delta=balance - booked,
                    reason=IMPORTED,
                    source=IMPORTED,
                    source_key=f"{name}:{moves}",
                    occurred_at=clock.now(),
                )
            )
    await append_points(connection, entries, clock=clock, via="import")


async def _set_levels(connection: AsyncConnection, placed: Sequence[_Placed], known: int, clock: Clock) -> None:
    """Level and growth as the list gives them, where it says something else than the last one did."""
    wanted = {
        name: (who, level, person.standing.growth)
        for person, who, name in placed
        if (level := person.standing.level) is not None
    }
    held = await _held(connection, _LEVELS, [name for _, _, name in placed[len(placed) - known :] if name in wanted])
    entries = []
    for name, (who, level, told) in wanted.items():
        grade, growth, steps = held.get(name, (None, 0, 0))
        worth = growth if told is None else told
        if (grade, growth) != (level, worth):
            entries.append(
                LevelEntry(
                    member=who,
                    identity=name,
                    grade=level,
                    growth=worth,
                    previous=grade,
                    reason=IMPORTED,
                    source=IMPORTED,
                    source_key=f"{name}:{steps}",
                    occurred_at=clock.now(),
                )
            )
    await append_levels(connection, entries, clock=clock, via="import")
    await refresh_levels(connection, (who for who, _, _ in wanted.values()), clock.now())


async def _held(
    connection: AsyncConnection, statement: Select[Any], names: Sequence[str]
) -> Mapping[str, tuple[Any, ...]]:
    """What imports have booked for these identities; of several levels the last row stands."""
    found: dict[str, tuple[Any, ...]] = {}
    for some in chunks(sorted(set(names)), CHUNK):
        for row in await connection.execute(statement, {"names": some}):
            found[row[0]] = tuple(row[1:])
    return found


_POINTS: Final[Select[Any]] = (
    select(points_entry.c.identity, func.sum(points_entry.c.delta), func.count())
    .where(points_entry.c.identity.in_(list_of("names")), points_entry.c.source == IMPORTED)
    .group_by(points_entry.c.identity)
)
_LEVELS: Final[Select[Any]] = (
    select(
        level_entry.c.identity,
        level_entry.c.grade,
        level_entry.c.growth,
        func.count().over(partition_by=level_entry.c.identity),
    )
    .where(level_entry.c.identity.in_(list_of("names")), level_entry.c.source == IMPORTED)
    .order_by(level_entry.c.occurred_at, level_entry.c.id)
)
