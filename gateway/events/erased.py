"""What platforms tell again of an erased person: it must neither bring the profile back nor be counted as new.

An erasure leaves keyed hashes of the erased handles, with its instant. Evidence from before that instant is of the
erased person and is left out; evidence from after it is a new contact, and makes a new member. Where a platform does
not say since when, or what it says is no act of the person (a claim, the end of a relation), only a handle that leads
to a member again counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import select

from gateway.database.engine import Database
from gateway.database.reading import chunks
from gateway.database.tables.members import identity
from gateway.database.tables.privacy import erased_handle, sealed_record
from gateway.events.kinds import KINDS, normal
from gateway.events.projector import Evidence, Handle, Linked, Projector

R = TypeVar("R")


def handle_text(kind: str, issuer: str, value: str) -> str:
    """What is hashed of an erased handle."""
    return f"{kind}:{issuer}:{normal(kind, value)}"


def natural(table: str, key: Iterable[object]) -> str:
    """What names a record for ever: its table and primary key, which hold no handle of a person."""
    return ":".join([table, *(str(each) for each in key)])


async def erased(
    projector: Projector, evidence: Sequence[Evidence], since: Sequence[datetime | None] | None = None
) -> list[bool]:
    """Per evidence: whether it tells of an erased person's past.

    ``since`` is when the contact began, by default ``seen_at``; None where the platform does not say. One statement,
    and a second one where something was erased.
    """
    begun = [each.seen_at for each in evidence] if since is None else since
    hashes = [[_hash(projector.database, handle) for handle in _own(each)] for each in evidence]
    ended = await _ended(projector.database, {value for group in hashes for value in group})
    if not ended:
        return [False] * len(evidence)
    back = await _back(projector.database, evidence)
    found = []
    for each, group, at in zip(evidence, hashes, begun, strict=True):
        last = max((ended[value] for value in group if value in ended), default=None)
        again = any(_key(handle) in back for handle in _own(each))
        found.append(last is not None and (not again if at is None else at <= last))
    return found


async def unless_erased(
    projector: Projector,
    records: Sequence[R],
    evidence: Sequence[Evidence],
    since: Sequence[datetime | None] | None = None,
) -> tuple[list[R], list[Evidence]]:
    """The records, and their evidence, without those of erased persons."""
    gone = await erased(projector, evidence, since)
    kept = [(record, each) for record, each, out in zip(records, evidence, gone, strict=True) if not out]
    return [record for record, _ in kept], [each for _, each in kept]


async def unless_sealed(
    database: Database, table: str, records: Sequence[R], keys: Sequence[Sequence[object]]
) -> list[R]:
    """The records without those that are sealed; ``keys`` are their primary keys in the table."""
    hashes = [database.keyring.hash(natural(table, key), "sealed_record") for key in keys]
    sealed: set[bytes] = set()
    for some in chunks(hashes):
        rows = await database.fetch(select(sealed_record.c.natural).where(sealed_record.c.natural.in_(some)))
        sealed |= {bytes(row.natural) for row in rows}
    return [record for record, value in zip(records, hashes, strict=True) if value not in sealed]


def owners(linked: Sequence[Linked], gone: Sequence[bool]) -> list[Linked | None]:
    """Whose each record is: None where its person was erased and the evidence was left out."""
    rest = iter(linked)
    return [None if out else next(rest) for out in gone]


def _own(evidence: Evidence) -> list[Handle]:
    """Handles that are one person's: a phone number or a click may be shared, or have changed hands."""
    return [handle for handle in evidence.handles if KINDS[handle.kind].strength == "STRONG"]


def _key(handle: Handle) -> tuple[str, str, str]:
    return handle.kind, handle.issuer, normal(handle.kind, handle.value)


def _hash(database: Database, handle: Handle) -> bytes:
    return database.keyring.hash(handle_text(handle.kind, handle.issuer, handle.value), "erased_handle")


async def _ended(database: Database, hashes: set[bytes]) -> dict[bytes, datetime]:
    found: dict[bytes, datetime] = {}
    for some in chunks(sorted(hashes)):
        for row in await database.fetch(
            select(erased_handle.c.hash, erased_handle.c.erased_at).where(erased_handle.c.hash.in_(some))
        ):
            found[bytes(row.hash)] = row.erased_at
    return found


async def _back(database: Database, evidence: Sequence[Evidence]) -> set[tuple[str, str, str]]:
    """Handles that lead to a member now."""
    keys = {_key(handle) for each in evidence for handle in _own(each)}
    hashes = {
        (kind, issuer, database.keyring.hash(value, "identity")): (kind, issuer, value) for kind, issuer, value in keys
    }
    found: set[tuple[str, str, str]] = set()
    for some in chunks(sorted({value for _, _, value in hashes})):
        for row in await database.fetch(
            select(identity.c.kind, identity.c.issuer, identity.c.value_hash).where(
                identity.c.value_hash.in_(some), identity.c.member.is_not(None)
            )
        ):
            handle = hashes.get((row.kind, row.issuer, bytes(row.value_hash)))
            if handle is not None:
                found.add(handle)
    return found
