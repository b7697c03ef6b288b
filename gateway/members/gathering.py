"""Reads the part of the graph that a change can reach, inside the transaction that changes it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import func, or_, select

from gateway.database.reading import Fetch, chunks
from gateway.database.rows import AnyRow
from gateway.database.tables.members import identity, identity_link
from gateway.members.linking import Draft, Identity, Link
from gateway.members.partition import Key

#: Values of an IN list per statement: a batch of 1,000 people with three names each is one statement.
CHUNK = 8_000

COLUMNS = (
    identity.c.id,
    identity.c.kind,
    identity.c.issuer,
    identity.c.value_hash,
    identity.c.member,
    identity.c.home,
    identity.c.strength,
    identity.c.stands,
    identity.c.superseded_by,
    identity.c.seen_at,
)


class ClusterTooLarge(Exception):
    """Evidence ties more identities together than can be looked at in one transaction. See docs/errors.md."""

    code = "IDENTITY_CLUSTER_TOO_LARGE"


async def by_keys(fetch: Fetch, wanted: Collection[Key]) -> list[Identity]:
    """The stored identities of these names."""
    found = []
    for hashes in chunks(sorted({key[2] for key in wanted}), CHUNK):
        for row in await fetch(select(*COLUMNS).where(identity.c.value_hash.in_(hashes))):
            each = identity_of(row)
            if each.key in wanted:
                found.append(each)
    return found


async def by_ids(fetch: Fetch, wanted: Iterable[str]) -> list[Identity]:
    """Stored identities by our ids."""
    return [
        identity_of(row)
        for some in chunks(sorted(set(wanted)), CHUNK)
        for row in await fetch(select(*COLUMNS).where(identity.c.id.in_(some)))
    ]


async def links_among(fetch: Fetch, draft: Draft, wanted: Iterable[str]) -> None:
    """Take in every link between two of these identities, retired ones too."""
    ids = sorted(set(wanted))
    if len(ids) < 2:
        return
    for some in chunks(ids, CHUNK):
        for other in chunks(ids, CHUNK):
            # Kept from the index on (a, b): SQLite would look up every pair of the two lists there.
            filtered = func.coalesce(identity_link.c.b, "").in_(other)
            pairs = select(identity_link).where(identity_link.c.a.in_(some), filtered)
            take(draft, await fetch(pairs))


@dataclass(frozen=True, slots=True)
class Cluster:
    """What a change can reach. ``crowded`` ones have so many links, not all of them read, that they prove nothing."""

    ids: set[str]
    crowded: set[str]


async def cluster(fetch: Fetch, draft: Draft, seeds: Iterable[str], *, links_per_identity: int) -> Cluster:
    """Take in all that these identities are linked with, directly or not.

    It goes over links that may join or contradict: neither retired nor WEAK ones, but refused ones too. It does not
    go through an identity with so many links that it proves nothing. Raises ClusterTooLarge.
    """
    reached, crowded = set(seeds), set[str]()
    reached |= _drafted(draft, reached)
    limit = 40 * links_per_identity
    ahead = [each for each in reached if not draft.identities[each].new]
    while ahead:
        crowded |= await _crowded(fetch, ahead, links_per_identity)
        ahead = [each for each in ahead if each not in crowded]
        for some in chunks(sorted(ahead), CHUNK):
            live = identity_link.c.retired_at.is_(None), identity_link.c.strength != "WEAK"
            either = or_(identity_link.c.a.in_(some), identity_link.c.b.in_(some))
            take(draft, await fetch(select(identity_link).where(*live, either)))
        found = _drafted(draft, reached)
        unread = {each for each in found if each not in draft.identities}
        for each in await by_ids(fetch, unread):
            draft.know(each)
        reached |= found
        if len(reached) > limit:
            raise ClusterTooLarge(
                f"evidence ties {len(reached)} identities together and {limit} can be looked at; "
                "find the value that so many people show and add it to the setting identity.blocked."
            )
        ahead = [each for each in found if not draft.identities[each].new]
    return Cluster(reached, crowded)


def _drafted(draft: Draft, reached: set[str]) -> set[str]:
    """What the links taken in so far lead to from ``reached``, transitively, and is not in it."""
    neighbours: dict[str, list[str]] = {}
    for link in draft.links.values():
        if link.counts:
            neighbours.setdefault(link.a, []).append(link.b)
            neighbours.setdefault(link.b, []).append(link.a)
    found: set[str] = set()
    ahead = list(reached)
    while ahead:
        for other in neighbours.get(ahead.pop(), ()):
            if other not in reached and other not in found:
                found.add(other)
                ahead.append(other)
    return found


async def _crowded(fetch: Fetch, ids: Sequence[str], limit: int) -> set[str]:
    """Those with too many stored links. Twice the limit: when it is passed, all must be looked at once."""
    crowded: set[str] = set()
    for column in (identity_link.c.a, identity_link.c.b):
        for some in chunks(ids, CHUNK):
            live = column.in_(some), identity_link.c.retired_at.is_(None), identity_link.c.strength != "WEAK"
            counted = select(column).where(*live).group_by(column).having(func.count() > 2 * limit)
            crowded.update(row[0] for row in await fetch(counted))
    return crowded


def take(draft: Draft, rows: Sequence[AnyRow]) -> None:
    """Take in stored links, unless a newer state of them is here."""
    for row in rows:
        draft.links.setdefault(
            (row.a, row.b, row.strength),
            Link(
                row.id,
                row.a,
                row.b,
                row.strength,
                row.source,
                row.seen_at,
                row.retired_at is not None,
                row.review_case,
                row.decided_by,
                row.reason,
            ),
        )


def identity_of(row: AnyRow) -> Identity:
    """An identity from its COLUMNS."""
    key = (row.kind, row.issuer, bytes(row.value_hash))
    return Identity(row.id, key, row.member, row.home, row.strength, row.stands, row.superseded_by, row.seen_at)
