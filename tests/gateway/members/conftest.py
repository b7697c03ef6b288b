"""An identity graph on a database, and people to link in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from gateway.database import Database
from gateway.database.tables.members import identity
from gateway.events.projector import Evidence, Handle, Linked, Projector
from gateway.members.graph import IdentityGraph
from tests.databases import *  # noqa: F403
from tests.databases import ManualClock

OPEN_PLATFORM = "op2018"
SEEN = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)

Link = Callable[..., Awaitable[Sequence[Linked]]]


def openid(value: str, app: str = "wxapp1") -> Handle:
    return Handle("OPENID", app, value)


def unionid(value: str, issuer: str = OPEN_PLATFORM) -> Handle:
    return Handle("UNIONID", issuer, value)


#: Sources by how much their names count; 9 is one that the profile's rules do not name.
SOURCES = {
    1: "mini_program_store.vip_user",
    3: "import.members",
    5: "enterprise_chat.external_contact",
    9: "test.source",
}


def shown(*handles: Handle, seen_at: datetime = SEEN, rank: int = 9, **more: Any) -> Evidence:
    return Evidence(handles, SOURCES[rank], seen_at, **more)


def linker(database: Database, clock: ManualClock) -> Link:
    """``await link(evidence, …)`` links one batch and returns where each evidence led."""
    projector = Projector(database, IdentityGraph(database, clock), clock, OPEN_PLATFORM)

    async def link(*evidence: Evidence) -> Sequence[Linked]:
        async with projector.batch(evidence) as batch:
            return batch.linked

    return link


@pytest.fixture
def link(database: Database, clock: ManualClock) -> Link:
    return linker(database, clock)


async def partition(database: Database) -> set[frozenset[tuple[str, str]]]:
    """Which handles are one person: sets of (kind, value)."""
    groups: dict[str, set[tuple[str, str]]] = {}
    for row in await database.fetch(select(identity.c.member, identity.c.kind, identity.c.value)):
        if row.member is None:
            continue
        groups.setdefault(row.member, set()).add((row.kind, row.value))
    return {frozenset(group) for group in groups.values()}
