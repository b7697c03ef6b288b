"""By which name a platform knows whom we know by an id of ours."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import select

from gateway.database.engine import Database
from gateway.database.reading import chunks
from gateway.database.tables.members import identity


async def platform_names(database: Database, identities: Collection[str], kind: str) -> Mapping[str, str]:
    """Our ids → the platform's, of one kind of ``gateway.events.kinds``; whoever was erased meanwhile is left out."""
    found: dict[str, str] = {}
    for some in chunks(sorted(set(identities))):
        homes = await database.fetch(select(identity.c.home).where(identity.c.id.in_(some)).distinct())
        database.keyring.prime([row.home for row in homes if row.home])
        rows = await database.fetch(
            select(identity.c.id, identity.c.value).where(
                identity.c.id.in_(some), identity.c.kind == kind, identity.c.member.is_not(None)
            )
        )
        found |= {row.id: row.value for row in rows if row.value}
    return found
