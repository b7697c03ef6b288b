"""Merges and their undoing as reads see them: the identity's row is re-pointed, and the loser's id names the winner."""

from __future__ import annotations

from sqlalchemy import update

from gateway.database import Database
from gateway.database.tables.members import identity, member
from gateway.events.projector import Linked


async def merge(database: Database, loser: Linked, winner: Linked) -> None:
    """Both identities lead to the winner."""
    await _set(database, loser, winner.member, winner.member)


async def unmerge(database: Database, loser: Linked) -> None:
    """The identity leads to its old member again."""
    await _set(database, loser, loser.member, None)


async def _set(database: Database, loser: Linked, owner: str, merged_into: str | None) -> None:
    async with database.write() as connection:
        await connection.execute(update(identity).where(identity.c.id == loser.identity).values(member=owner))
        await connection.execute(update(member).where(member.c.id == loser.member).values(merged_into=merged_into))
