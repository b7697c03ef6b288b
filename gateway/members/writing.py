"""Writes what a draft came to: people, identities, links, claims, questions, profiles and facts.

However large the batch, the statements are the same few; rows go by ``executemany``, because compiling a statement
with thousands of values costs more than running it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.base.runtime import Clock
from gateway.database.facts import Fact, append_facts
from gateway.database.keyring import Keyring
from gateway.database.ledgers import refresh_levels
from gateway.database.reading import Fetch, chunks, fetching
from gateway.database.rows import AnyRow
from gateway.database.statements import upsert
from gateway.database.tables.members import identity, identity_link, member, profile_claim
from gateway.events.labels import relabel
from gateway.members import profile
from gateway.members.gathering import CHUNK, Cluster, cluster
from gateway.members.linking import Cause, Claim, Draft, Identity, Link
from gateway.members.partition import Limits, partition
from gateway.members.questions import ask
from gateway.members.refreshing import refresh
from gateway.members.resealing import reseal
from gateway.members.settling import Person, Settlement, settle


class Writer:
    """One transaction's way from a draft to rows. ``fresh`` gives ids of members whose data keys are made."""

    def __init__(
        self,
        connection: AsyncConnection,
        keyring: Keyring,
        limits: Limits,
        clock: Clock,
        fresh: Callable[[], str],
    ) -> None:
        self._connection = connection
        self._fetch: Fetch = fetching(connection)
        self._keyring = keyring
        self._limits = limits
        self._clock = clock
        self._now = clock.now()
        self._fresh = fresh
        self._facts: list[Fact] = []
        #: Members whose profile or first sight may have changed.
        self._stale: set[str] = set()
        #: Those whom stored identities came to or went from.
        self._moved: set[str] = set()

    async def write(self, draft: Draft) -> None:
        """Bring the draft into the database; afterwards its identities say where they lead."""
        whole: Mapping[str, Person] = {}
        rehomed: list[Identity] = []
        if draft.touched:
            reach = await cluster(self._fetch, draft, draft.touched, links_per_identity=self._limits.links_per_identity)
            settlement, refused = self._settle(draft, reach)
            stored = await self._homes(settlement)
            whole = {each.member: each for each in settlement.people if each.new and _all_new(each)}
            await self._insert_members(draft, settlement, whole)
            rehomed = self._place(draft, settlement)
            await self._merge(draft, settlement, stored)
            await self._write_identities(draft)
            cases = await ask(self._connection, draft, refused, reach, self._now, draft.new_id)
            draft.changed_links.update(cases)
        else:
            await self._write_identities(draft)
        await self._write_links(draft)
        claims = await self._changed_claims(draft)
        await self._write_claims(draft, claims)
        await reseal(self._connection, self._keyring, rehomed)
        for each in (*(claim.identity for claim in claims), *draft.earlier):
            leads_to = draft.identities[each].member
            if leads_to is not None and leads_to not in whole:
                self._stale.add(leads_to)
        await refresh(self._connection, self._keyring, self._stale, self._now)
        # Whoever gained or lost an identity that was there before: what hangs on it counts for another member now.
        await refresh_levels(self._connection, self._moved, self._now)
        await relabel(self._connection, self._moved)
        await append_facts(self._connection, self._facts, clock=self._clock)

    def _settle(self, draft: Draft, reach: Cluster) -> tuple[Settlement, Sequence[Any]]:
        # Evidence comes first, in its order, so that the first one of a batch gets the older id.
        found = {each: draft.identities[each] for each in draft.identities if each in reach.ids}
        edges = [link.edge() for link in draft.links.values() if link.counts and link.a in found and link.b in found]
        nodes = {each.id: each.node() for each in found.values()}
        result = partition(nodes, edges, self._limits, reach.crowded)
        return settle(found, result.groups, self._fresh), result.refused

    async def _homes(self, settlement: Settlement) -> dict[str, AnyRow]:
        """The stored rows of all member ids that lead to the people."""
        wanted = sorted({home for each in settlement.people for home in each.homes if not each.new})
        return {
            row.id: row
            for some in chunks(wanted, CHUNK)
            for row in await self._fetch(select(member.c.id, member.c.merged_into).where(member.c.id.in_(some)))
        }

    async def _insert_members(self, draft: Draft, settlement: Settlement, whole: Mapping[str, Person]) -> None:
        said: dict[str, list[Claim]] = {}
        for claim in draft.claims.values():
            said.setdefault(claim.identity, []).append(claim)
        rows = []
        for each in settlement.people:
            if not each.new:
                continue
            cause = _cause(draft, each.identities)
            claims = [] if each.member not in whole else [c for i in each.identities for c in said.get(i.id, ())]
            seen = [i.seen_at for i in each.identities if i.seen_at is not None]
            rows.append(
                {
                    "id": each.member,
                    "created_at": self._now,
                    "joined_at": min(seen, default=None),
                    "updated_at": self._now,
                    "out_id": _out_id(each.identities),
                    **profile.columns(profile.winners(claims), self._keyring, each.member),
                }
            )
            if each.member not in whole:
                self._stale.add(each.member)
            self._tell("member.created", cause, each.member, each.member, cause.seen_at)
        await _insert(self._connection, member, rows)

    def _place(self, draft: Draft, settlement: Settlement) -> list[Identity]:
        """Let each identity lead to its member; returns stored ones whose home is another now, to be sealed anew."""
        rehomed = []
        for person in settlement.people:
            for each in person.identities:
                back = each.home in person.homes
                if not back:
                    if not each.new:
                        rehomed.append(each)
                    each.home = person.member
                    draft.change(each)
                if each.member != person.member:
                    self._move(draft, person, each, back=back)
        for each in settlement.hints:
            if each.member is not None:
                self._stale.add(each.member)
                self._moved.add(each.member)
                self._tell("identity.unlinked", _cause(draft, [each]), each.member, each.id, self._now, each.id, True)
                each.member = None
                draft.change(each)
        return rehomed

    def _move(self, draft: Draft, person: Person, each: Identity, *, back: bool) -> None:
        """``back``: its own home is this person again, or still; then what became of the home tells it."""
        cause = _cause(draft, person.identities, each)
        old = each.member
        if old is not None:
            self._stale.add(old)
        if not each.new:
            self._moved |= {person.member} if old is None else {old, person.member}
        if not person.new:
            self._stale.add(person.member)
        alone = not back and old not in person.homes
        if old is not None and alone:
            self._tell("identity.unlinked", cause, old, each.id, self._now, each.id, True)
        if old is None or alone:
            self._tell("identity.linked", cause, person.member, each.id, self._now, each.id, old is not None)
        each.member = person.member
        draft.change(each)

    async def _merge(self, draft: Draft, settlement: Settlement, stored: Mapping[str, AnyRow]) -> None:
        """Let each home lead straight to its member, or to itself again."""
        rows: list[dict[str, Any]] = []
        for person in settlement.people:
            for home in sorted(person.homes):
                row = stored.get(home)
                target = None if home == person.member else person.member
                if row is None or row.merged_into == target:
                    continue
                cause = _cause(draft, person.identities)
                rows.append({"key": home, "into": target, "at": None if target is None else self._now})
                self._stale |= {home, person.member}
                if row.merged_into is not None and (target is None or row.merged_into not in person.homes):
                    self._tell("member.unmerged", cause, home, f"{row.merged_into}>{home}", self._now, again=True)
                if target is not None and (row.merged_into is None or row.merged_into not in person.homes):
                    self._tell("member.merged", cause, target, f"{home}>{target}", self._now, again=True)
        if rows:
            statement = update(member).where(member.c.id == bindparam("key"))
            await self._connection.execute(
                statement.values(merged_into=bindparam("into"), merged_at=bindparam("at"), updated_at=self._now), rows
            )
            # Whoever gains or loses a part has changed too, and those who sync ask for what changed.
            grown = {row["into"] for row in rows} | {stored[row["key"]].merged_into for row in rows}
            await self._connection.execute(
                update(member).where(member.c.id.in_(grown - {None})).values(updated_at=self._now)
            )

    async def _write_identities(self, draft: Draft) -> None:
        added = [each for each in draft.identities.values() if each.new]
        # One statement for all: a rename gives hundreds of members, read by nobody before, a new name each.
        self._keyring.prime(each.home for each in added if each.home is not None)
        await _insert(self._connection, identity, [self._identity(each) for each in added])
        changed = [
            {
                "key": each.id,
                "to_member": each.member,
                "to_home": each.home,
                "to_strength": each.strength,
                "to_stands": each.stands,
                "to_seen": each.seen_at,
                "to_superseded": each.superseded_by,
            }
            for each in draft.changed.values()
        ]
        if changed:
            statement = update(identity).where(identity.c.id == bindparam("key"))
            await self._connection.execute(
                statement.values(
                    member=bindparam("to_member"),
                    home=bindparam("to_home"),
                    strength=bindparam("to_strength"),
                    stands=bindparam("to_stands"),
                    seen_at=bindparam("to_seen"),
                    superseded_by=bindparam("to_superseded"),
                ),
                changed,
            )

    def _identity(self, each: Identity) -> dict[str, Any]:
        kind, issuer, value_hash = each.key
        return {
            "id": each.id,
            "kind": kind,
            "issuer": issuer,
            "value": self._keyring.seal(each.value or "", subject=each.home),
            "value_hash": value_hash,
            "member": each.member,
            "home": each.home,
            "superseded_by": each.superseded_by,
            "strength": each.strength,
            "stands": each.stands,
            "seen_at": each.seen_at,
            "source": each.source,
            "linked_at": self._now,
        }

    async def _write_links(self, draft: Draft) -> None:
        new = [each for each in draft.links.values() if each.new]
        await _insert(self._connection, identity_link, [_link(each) for each in new])
        for each in (*new, *(link for link in draft.changed_links.values() if link.revived)):
            self._bound(draft, each)
        changed = [{"key": each.id, **_changed(each)} for each in draft.changed_links.values() if not each.new]
        if changed:
            names = ("source", "seen_at", "decided_by", "reason", "review_case")
            values: dict[str, Any] = {name: bindparam("to_" + name) for name in names}
            retired = [row for row in changed if row.pop("retired")]
            live = update(identity_link).where(identity_link.c.id == bindparam("key")).values(**values)
            kept = [row for row in changed if row not in retired]
            if kept:
                await self._connection.execute(live.values(retired_at=None, retired_by=None, retired_reason=None), kept)
            if retired:
                await self._connection.execute(live, retired)

    def _bound(self, draft: Draft, link: Link) -> None:
        """A shopper gave their phone here and now; that a card has one is nothing that happened today."""
        if not link.source.startswith("own.") or link.strength != "CONDITIONAL" or link.review_case is not None:
            return
        ends = draft.identities[link.a], draft.identities[link.b]
        phone = next((each for each in ends if each.key[0] == "PHONE"), None)
        if phone is not None and phone.member is not None and ends[0].member == ends[1].member:
            cause = draft.touched[link.a]
            self._tell("phone.bound", cause, phone.member, link.id, cause.seen_at, phone.id, link.revived)

    async def _changed_claims(self, draft: Draft) -> list[Claim]:
        """What is said anew. A source that repeats itself changes nothing, not even the time."""
        said = draft.claims
        stored = sorted({claim.identity for claim in said.values() if not draft.identities[claim.identity].new})
        self._keyring.prime(each.home for each in map(draft.identities.__getitem__, stored) if each.home is not None)
        held: dict[tuple[str, str, str], AnyRow] = {}
        for some in chunks(stored, CHUNK):
            for row in await self._fetch(select(profile_claim).where(profile_claim.c.identity.in_(some))):
                held[(row.identity, row.field, row.source)] = row
        changed = []
        for key, claim in said.items():
            before = held.get(key)
            if before is None or (
                claim.seen_at >= before.seen_at and (claim.value, claim.verified) != (before.value, before.verified)
            ):
                changed.append(claim)
        return changed

    async def _write_claims(self, draft: Draft, claims: Collection[Claim]) -> None:
        rows = [
            {
                "identity": each.identity,
                "field": each.field,
                "source": each.source,
                "value": self._keyring.seal(each.value, subject=draft.identities[each.identity].home),
                "verified": each.verified,
                "seen_at": each.seen_at,
            }
            for each in claims
        ]
        new = [row for row in rows if draft.identities[str(row["identity"])].new]
        await _insert(self._connection, profile_claim, new)
        await upsert(
            self._connection,
            profile_claim,
            [row for row in rows if not draft.identities[str(row["identity"])].new],
            keys=("identity", "field", "source"),
        )

    def _tell(
        self,
        kind: str,
        cause: Cause,
        who: str,
        key: str,
        at: datetime,
        identity_id: str | None = None,
        again: bool = False,
    ) -> None:
        """A fact. ``again`` means that the same may happen another time."""
        self._facts.append(
            Fact(
                kind=kind,
                occurred_at=at,
                source=cause.via,
                source_key=f"{key}:{who}:{self._now.isoformat()}" if again else key,
                member=who,
                identity=identity_id,
                reason=cause.source,
                tool=None if cause.source.startswith("own.") else cause.source.split(".", 1)[0],
            )
        )


def _all_new(person: Person) -> bool:
    return all(each.new for each in person.identities)


def _cause(draft: Draft, identities: Sequence[Identity], first: Identity | None = None) -> Cause:
    """Why these changed; of somebody split off, why the rest did."""
    if first is not None and first.id in draft.touched:
        return draft.touched[first.id]
    touched = (draft.touched[each.id] for each in identities if each.id in draft.touched)
    return next(touched, None) or next(iter(draft.touched.values()))


def _out_id(identities: Sequence[Identity]) -> str | None:
    return next((each.value for each in identities if each.key[0] == "OUT_ID" and each.value), None)


def _link(link: Link) -> dict[str, Any]:
    return {
        "id": link.id,
        "a": link.a,
        "b": link.b,
        "strength": link.strength,
        "source": link.source,
        "seen_at": link.seen_at,
        "decided_by": link.decided_by,
        "reason": link.reason,
        "review_case": link.review_case,
    }


def _changed(link: Link) -> dict[str, Any]:
    return {
        "to_source": link.source,
        "to_seen_at": link.seen_at,
        "to_decided_by": link.decided_by,
        "to_reason": link.reason,
        "to_review_case": link.review_case,
        "retired": link.retired,
    }


async def _insert(connection: AsyncConnection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        await connection.execute(insert(table), rows)
