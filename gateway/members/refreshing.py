"""Derives member rows anew from what leads to them: profile, first sight and the brand's own number."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database.keyring import Erased, Keyring
from gateway.database.reading import Fetch, chunks, fetching
from gateway.database.rows import AnyRow
from gateway.database.tables.members import identity, identity_link, member, profile_claim
from gateway.events.kinds import normal
from gateway.members import profile
from gateway.members.gathering import CHUNK
from gateway.members.linking import Claim


async def refresh(connection: AsyncConnection, keyring: Keyring, members: Collection[str], now: datetime) -> None:
    """Write each member's row as its identities have it; rows that are right already are not written."""
    fetch = fetching(connection)
    for some in chunks(sorted(members), CHUNK):
        await _refresh(connection, fetch, keyring, some, now)


async def _refresh(
    connection: AsyncConnection, fetch: Fetch, keyring: Keyring, members: Sequence[str], now: datetime
) -> None:
    found = await fetch(
        select(identity.c.id, identity.c.kind, identity.c.member, identity.c.home, identity.c.seen_at)
        .where(identity.c.member.in_(members))
        .order_by(identity.c.id)
    )
    keyring.prime({*members, *(row.home for row in found if row.home is not None)})
    of = {row.id: row.member for row in found}
    joined: dict[str, datetime] = {}
    for row in found:
        if row.seen_at is not None:
            joined[row.member] = min(joined.get(row.member, row.seen_at), row.seen_at)
    claims = await _claims(fetch, keyring, of)
    numbers = await _numbers(fetch, found)
    rows = await fetch(select(member).where(member.c.id.in_(members), member.c.erased_at.is_(None)))
    for row in rows:
        # Of one that merged nothing is left to derive; it keeps its row for the day it is unmerged.
        if row.merged_into is not None:
            continue
        values: dict[str, Any] = {}
        if row.id in joined and joined[row.id] != row.joined_at:
            values["joined_at"] = joined[row.id]
        if numbers.get(row.id) != row.out_id:
            values["out_id"] = numbers.get(row.id)
        won = profile.winners(claims.get(row.id, ()))
        if profile.differs(row, won):
            values |= profile.columns(won, keyring, row.id)
        if values:
            await connection.execute(update(member).where(member.c.id == row.id).values(**values, updated_at=now))


async def _claims(fetch: Fetch, keyring: Keyring, of: dict[str, str]) -> dict[str, list[Claim]]:
    claims = [
        Claim(row.identity, row.field, row.source, row.value, row.verified, row.seen_at)
        for some in chunks(sorted(of), CHUNK)
        for row in await fetch(select(profile_claim).where(profile_claim.c.identity.in_(some)))
        if not isinstance(row.value, Erased)
    ]
    found: dict[str, list[Claim]] = {}
    for claim in await standing_claims(fetch, keyring, claims):
        found.setdefault(of[claim.identity], []).append(claim)
    return found


async def standing_claims(fetch: Fetch, keyring: Keyring, claims: Sequence[Claim]) -> list[Claim]:
    """Without phones that are another's now: whose link with the identity that claims them was retired."""
    phones = sorted({claim.identity for claim in claims if claim.field == "phone"})
    live: dict[tuple[str, bytes], bool] = {}
    for one, other in ((identity_link.c.a, identity_link.c.b), (identity_link.c.b, identity_link.c.a)):
        for some in chunks(phones, CHUNK):
            rows = await fetch(
                select(one.label("said"), identity.c.value_hash, identity_link.c.retired_at)
                .join(identity, identity.c.id == other)
                .where(one.in_(some), identity.c.kind == "PHONE")
            )
            for row in rows:
                key = (row.said, bytes(row.value_hash))
                live[key] = live.get(key, False) or row.retired_at is None
    return [
        claim
        for claim in claims
        if claim.field != "phone"
        or live.get((claim.identity, keyring.hash(normal("PHONE", claim.value), "identity")), True)
    ]


async def _numbers(fetch: Fetch, found: Sequence[AnyRow]) -> dict[str, str]:
    """Each member's oldest OUT_ID."""
    wanted = {row.id: row.member for row in reversed(found) if row.kind == "OUT_ID"}
    if not wanted:
        return {}
    rows = await fetch(select(identity.c.id, identity.c.value).where(identity.c.id.in_(wanted)))
    values = {row.id: row.value for row in rows if not isinstance(row.value, Erased)}
    return {who: values[each] for each, who in wanted.items() if each in values}
