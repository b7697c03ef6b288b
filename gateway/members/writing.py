"""Writes what linking decided: members, identities, merges, review cases, and what was said of people."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.base.runtime import Clock
from gateway.database.facts import Fact, append_facts
from gateway.database.keyring import Keyring
from gateway.database.rows import AnyRow
from gateway.database.statements import insert_new
from gateway.database.tables.members import identity, member, review_case
from gateway.database.ulid import Ulids
from gateway.events.kinds import KINDS
from gateway.events.labels import relabel
from gateway.events.projector import Evidence
from gateway.members.linking import Conflict, Draft, Merge, NewIdentity, Said


async def write(connection: AsyncConnection, keyring: Keyring, clock: Clock, ulids: Ulids, draft: Draft) -> None:
    """Bring a draft into the database, in a few statements where nobody merges."""
    now = clock.now()
    new = [{"id": each, "created_at": now, "updated_at": now} for each in draft.new_members]
    await insert_new(connection, member, new, keys=("id",))
    identities = [_identity(each, draft, keyring, now) for each in draft.identities]
    await insert_new(connection, identity, identities, keys=("kind", "issuer", "value_hash"))
    cases = [_case(each, ulids, now) for each in draft.conflicts]
    await insert_new(connection, review_case, cases, keys=("dedupe_key",))
    facts = _facts(draft, now)
    for merge in draft.merges:
        facts += await _merge(connection, keyring, merge, now)
    await _write_said(connection, keyring, draft.said, now)
    if draft.merges:
        await relabel(connection, [who for merge in draft.merges for who in (merge.loser, merge.keeper)])
    await append_facts(connection, facts, clock=clock)


def _identity(new: NewIdentity, draft: Draft, keyring: Keyring, now: datetime) -> dict[str, Any]:
    node = draft.nodes[new.key]
    return {
        "id": node.id,
        "kind": new.handle.kind,
        "issuer": new.handle.issuer,
        "value": keyring.seal(new.handle.value, subject=node.member),
        "value_hash": new.key[2],
        "member": node.member,
        "home": node.member,
        "strength": KINDS[new.handle.kind].strength,
        "source": new.evidence.source,
        "linked_at": now,
    }


def _case(conflict: Conflict, ulids: Ulids, now: datetime) -> dict[str, Any]:
    one, other = (each.hex() for each in conflict.unionids)
    return {
        "id": ulids.next(now),
        "kind": "TWO_UNIONIDS",
        "members": list(conflict.members),
        "evidence": list(conflict.identities),
        "state": "OPEN",
        "opened_at": now,
        # The two unionids and not the members, who may merge with others: the question stays the same.
        "dedupe_key": f"TWO_UNIONIDS:{conflict.issuer}:{one}:{other}",
    }


def _facts(draft: Draft, now: datetime) -> list[Fact]:
    facts = [_fact("member.created", each, who, who, each.seen_at) for who, each in draft.new_members.items()]
    for new in draft.identities:
        node = draft.nodes[new.key]
        facts.append(_fact("identity.linked", new.evidence, node.member, node.id, now, identity_id=node.id))
    return facts


def _fact(kind: str, evidence: Evidence, who: str, key: str, at: datetime, *, identity_id: str | None = None) -> Fact:
    return Fact(
        kind=kind,
        occurred_at=at,
        source=evidence.via,
        source_key=key,
        member=who,
        identity=identity_id,
        reason=evidence.source,
        tool=evidence.source.split(".", 1)[0],
    )


async def _merge(connection: AsyncConnection, keyring: Keyring, merge: Merge, now: datetime) -> list[Fact]:
    loser, keeper = merge.loser, merge.keeper
    await connection.execute(update(identity).where(identity.c.member == loser).values(member=keeper))
    await _inherit(connection, keyring, merge, now)
    await connection.execute(
        update(member)
        .where(or_(member.c.id == loser, member.c.merged_into == loser))
        .values(merged_into=keeper, updated_at=now)
    )
    return [_fact("member.merged", merge.evidence, keeper, f"{loser}>{keeper}", now)]


async def _inherit(connection: AsyncConnection, keyring: Keyring, merge: Merge, now: datetime) -> None:
    """The keeper takes what the loser has better: earlier first sight, higher level, better sources."""
    found = await connection.execute(select(member).where(member.c.id.in_((merge.loser, merge.keeper))))
    rows: dict[str, AnyRow] = {row.id: row for row in found}
    mine, other = rows[merge.keeper], rows[merge.loser]
    values: dict[str, Any] = {"updated_at": now}
    if other.joined_at is not None and (mine.joined_at is None or other.joined_at < mine.joined_at):
        values["joined_at"] = other.joined_at
    if _standing(other) > _standing(mine):
        values |= {"level": other.level, "growth": other.growth}
    if mine.out_id is None and other.out_id is not None:
        values["out_id"] = other.out_id
    for name in ("name", "phone"):
        value, rank = getattr(other, name), getattr(other, name + "_source")
        kept = getattr(mine, name + "_source")
        if isinstance(value, str) and rank is not None and (kept is None or rank < kept):
            values |= _personal(keyring, merge.keeper, name, value, rank)
    await connection.execute(update(member).where(member.c.id == merge.keeper).values(**values))


def _standing(row: AnyRow) -> tuple[int, int]:
    return (-1 if row.level is None else row.level, row.growth or 0)


def _personal(keyring: Keyring, member_id: str, name: str, value: str, rank: str) -> dict[str, Any]:
    """Columns of a name or phone, sealed under the member's own key."""
    values: dict[str, Any] = {name: keyring.seal(value, subject=member_id), name + "_source": rank}
    if name == "phone":
        values["phone_hash"] = keyring.hash(value, "phone")
        values["phone_tail_hash"] = keyring.hash(value[-4:], "phone_tail")
    return values


async def _write_said(connection: AsyncConnection, keyring: Keyring, said: dict[str, Said], now: datetime) -> None:
    """Write name, phone and first sight where they are better than what is there, or newer from as good a source."""
    keyring.prime(said)
    found = await connection.execute(
        select(
            member.c.id,
            member.c.joined_at,
            member.c.name,
            member.c.name_source,
            member.c.phone,
            member.c.phone_source,
        ).where(member.c.id.in_(list(said)))
    )
    for row in found.all():
        values = _better(keyring, row, said[row.id])
        if values:
            await connection.execute(update(member).where(member.c.id == row.id).values(**values, updated_at=now))


def _better(keyring: Keyring, row: AnyRow, said: Said) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if said.seen_at is not None and (row.joined_at is None or said.seen_at < row.joined_at):
        values["joined_at"] = said.seen_at
    for name, value, rank in (("name", said.name, said.name_rank), ("phone", said.phone, said.phone_rank)):
        source, stored = f"{rank:02d}", getattr(row, name + "_source")
        better = stored is None or source < stored
        if value and (better or (source == stored and value != getattr(row, name))):
            values |= _personal(keyring, row.id, name, value, source)
    return values
