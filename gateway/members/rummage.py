"""Finds the stored webhooks and jobs that concern a person, by looking into every sealed one.

Bodies and payloads are sealed under the shared key and have no column that names a person, so each is opened and
searched for the person's handles and numbers. Terms in settings keep both tables short, and the event loop gets its
turn between pages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from sqlalchemy import select

from gateway.database.engine import Database
from gateway.database.reading import Fetch
from gateway.database.tables.inbox import inbox
from gateway.database.tables.jobs import job
from gateway.members.person import Person, among

_PAGE = 200


@dataclass(slots=True)
class Seen:
    """How far has been looked, and how many rows about the person are being worked on right now."""

    webhook: str = ""
    job: int = 0
    busy: int = 0


async def search(database: Database, person: Person) -> Seen:
    """Fill ``person.webhooks`` and ``person.jobs`` from everything that is stored."""
    seen = Seen()
    await _look(database.fetch, person, seen, pause=True)
    return seen


async def mark(fetch: Fetch, person: Person, seen: Seen) -> None:
    """The same inside a transaction, for what was stored since ``search``."""
    await _look(fetch, person, seen, pause=False)


async def _look(fetch: Fetch, person: Person, seen: Seen, *, pause: bool) -> None:
    await _webhooks(fetch, person, seen, pause=pause)
    await _jobs(fetch, person, seen, pause=pause)
    person.jobs += await _ended_with(fetch, person)


async def _webhooks(fetch: Fetch, person: Person, seen: Seen, *, pause: bool) -> None:
    needles = person.needles()
    page = select(inbox.c.id, inbox.c.state, inbox.c.body).order_by(inbox.c.id).limit(_PAGE)
    while rows := await fetch(page.where(inbox.c.id > seen.webhook)):
        for row in rows:
            if row.body and _holds(row.body.encode(), needles):
                person.webhooks.append(row.id)
                seen.busy += row.state == "NEW"
        seen.webhook = rows[-1].id
        if pause:
            await asyncio.sleep(0)


async def _jobs(fetch: Fetch, person: Person, seen: Seen, *, pause: bool) -> None:
    needles = [*person.needles(), *(each.encode() for each in person.webhooks)]
    page = select(job.c.seq, job.c.id, job.c.state, job.c.payload).order_by(job.c.seq).limit(_PAGE)
    while rows := await fetch(page.where(job.c.seq > seen.job, job.c.payload.is_not(None))):
        for row in rows:
            if row.payload and _holds(orjson.dumps(row.payload), needles):
                person.jobs.append(row.id)
                seen.busy += row.state == "RUNNING"
        seen.job = rows[-1].seq
        if pause:
            await asyncio.sleep(0)


async def _ended_with(fetch: Fetch, person: Person) -> list[str]:
    """Jobs of the same entities that are over: what is left of them is a hash of the entity."""
    found: list[str] = []
    for where in among(inbox.c.id, person.webhooks):
        entities = select(inbox.c.entity).where(where)
        ended = select(job.c.id).where(job.c.entity.in_(entities), job.c.state.in_(["DONE", "CANCELLED"]))
        found += [row.id for row in await fetch(ended)]
    return found


def _holds(data: bytes, needles: Sequence[bytes]) -> bool:
    return any(needle in data for needle in needles)
