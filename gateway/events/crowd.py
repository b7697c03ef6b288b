"""Whom subscriptions are about, kept true while people merge and part."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import bindparam, func, select

from gateway.database.engine import Database
from gateway.database.reading import chunks
from gateway.database.tables.members import identity, member


@dataclass(slots=True, eq=False)
class Who:
    """One person whom somebody follows: by a member's id, or by the identity of their session."""

    #: The id that the person has now; None when the identity leads to nobody any more.
    member: str | None
    identity: str | None = None


class Crowd:
    """All of them in this process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._all: dict[Who, None] = {}

    def __len__(self) -> int:
        return len(self._all)

    def add(self, who: Who) -> None:
        """Keep this one true from now on."""
        self._all[who] = None

    def remove(self, who: Who) -> None:
        """Nobody follows this one any more."""
        self._all.pop(who, None)

    async def regroup(self) -> None:
        """Somebody merged or was parted: ask who everybody is. One statement for 400 of each sort."""
        sessions = {each.identity for each in self._all if each.identity is not None}
        members = {each.member for each in self._all if each.identity is None and each.member is not None}
        leads: dict[str, str | None] = {}
        for some in chunks(sessions):
            leads |= {row.id: row.member for row in await self._database.fetch(_IDENTITIES, {"ids": some})}
        for some in chunks(members):
            leads |= {row.id: row.now for row in await self._database.fetch(_MEMBERS, {"ids": some})}
        for who in self._all:
            if who.identity is not None:
                who.member = leads.get(who.identity)
            elif who.member is not None:
                who.member = leads.get(who.member, who.member)


_IDENTITIES = select(identity.c.id, identity.c.member).where(identity.c.id.in_(bindparam("ids", expanding=True)))
_MEMBERS = select(member.c.id, func.coalesce(member.c.merged_into, member.c.id).label("now")).where(
    member.c.id.in_(bindparam("ids", expanding=True))
)
