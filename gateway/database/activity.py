"""When members were last active, kept in the transaction that appends the facts which tell it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import func, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database.statements import upsert
from gateway.database.tables.labels import member_activity
from gateway.database.tables.members import identity, member


async def seen_active(
    connection: AsyncConnection, identities: Mapping[str, datetime], members: Mapping[str, datetime]
) -> None:
    """Move the last activity of whoever these lead to now; a late instant moves nobody back.

    Rows are written in the order of their members, so that two writers do not wait for each other.
    """
    if not identities and not members:
        return
    led = await connection.execute(
        union_all(
            # What nobody's identity did, such as a claimed click, waits for its member.
            select(identity.c.id, identity.c.member).where(
                identity.c.id.in_(identities), identity.c.member.is_not(None)
            ),
            select(member.c.id, func.coalesce(member.c.merged_into, member.c.id)).where(member.c.id.in_(members)),
        )
    )
    last: dict[str, datetime] = {}
    for name, who in led:
        instant = identities.get(name) or members[name]
        last[who] = max(last.get(who, instant), instant)
    rows = [{"member": who, "last_activity_at": last[who]} for who in sorted(last)]
    await upsert(connection, member_activity, rows, keys=("member",), unless_newer="last_activity_at")
