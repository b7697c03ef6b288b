"""Review cases: what the rules refuse and only a person can answer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database.reading import chunks
from gateway.database.rows import AnyRow
from gateway.database.statements import insert_new
from gateway.database.tables.members import review_case
from gateway.members.gathering import CHUNK, Cluster
from gateway.members.linking import Draft, Link, LinkKey
from gateway.members.partition import Refused

NewId = Callable[[], str]


async def ask(
    connection: AsyncConnection, draft: Draft, refused: Sequence[Refused], reach: Cluster, now: datetime, new_id: NewId
) -> dict[LinkKey, Link]:
    """Open a case for each new question, close those that nothing raises any more; returns the links that changed.

    A question that a person has answered is not asked again, unless the answer was undone.
    """
    raised: dict[str, list[Refused]] = {}
    for each in refused:
        raised.setdefault(each.question, []).append(each)
    inside = [link for link in draft.links.values() if link.a in reach.ids and link.b in reach.ids]
    before = {link.review_case for link in inside if link.review_case is not None}
    before |= draft.answered
    if not raised and not before:
        return {}
    held = await _cases(connection, raised, before)
    rows: list[dict[str, Any]] = [
        {
            "id": new_id(),
            "kind": several[0].reason,
            "members": _members(draft, several),
            "evidence": sorted({end for each in several for end in (each.edge.a, each.edge.b)}),
            "state": "OPEN",
            "opened_at": now,
            "dedupe_key": question,
        }
        for question, several in raised.items()
        if question not in held
    ]
    await insert_new(connection, review_case, rows, keys=("dedupe_key",))
    case_of: dict[str, str] = {question: row.id for question, row in held.items()} | {
        row["dedupe_key"]: row["id"] for row in rows
    }
    again = [
        held[question].id
        for question in raised
        if question in held and (held[question].state == "OBSOLETE" or held[question].decision == "SAME_PERSON")
    ]
    await _set(connection, again, state="OPEN", opened_at=now, decision=None, decided_at=None, decided_by=None)
    changed: dict[LinkKey, Link] = {}
    wanted = {(each.edge.a, each.edge.b, each.edge.strength): case_of[each.question] for each in refused}
    for link in inside:
        key = (link.a, link.b, link.strength)
        if link.review_case != wanted.get(key):
            link.review_case = wanted.get(key)
            changed[key] = link
    gone = before - set(wanted.values())
    await _set(
        connection, [row.id for row in held.values() if row.id in gone and row.state == "OPEN"], state="OBSOLETE"
    )
    return changed


async def _cases(connection: AsyncConnection, raised: Collection[str], before: Collection[str]) -> dict[str, AnyRow]:
    """question → stored case."""
    found: dict[str, AnyRow] = {}
    for column, values in ((review_case.c.dedupe_key, raised), (review_case.c.id, before)):
        for some in chunks(sorted(values), CHUNK):
            rows = await connection.execute(select(review_case).where(column.in_(some)))
            found.update({row.dedupe_key: row for row in rows})
    return found


def _members(draft: Draft, several: Sequence[Refused]) -> list[str]:
    ends = (draft.identities[end].member for each in several for end in (each.edge.a, each.edge.b))
    return sorted({each for each in ends if each is not None})


async def _set(connection: AsyncConnection, ids: Sequence[str], **values: Any) -> None:
    if ids:
        await connection.execute(
            update(review_case).where(or_(*(review_case.c.id == each for each in ids))).values(**values)
        )
