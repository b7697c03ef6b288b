"""Labels that members are searched by: their tags, their guides and stores, and when they were last active.

Derived from projections and the fact log, and kept in the transaction that changes these. Whoever moves identities
between members calls ``relabel`` for all members concerned, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database.fact_kinds import ACTIVITY
from gateway.database.reading import chunks
from gateway.database.rows import AnyRow
from gateway.database.statements import insert_new
from gateway.database.tables.dimensions import guide_store
from gateway.database.tables.facts import fact
from gateway.database.tables.labels import member_activity, member_label
from gateway.database.tables.members import identity, member
from gateway.database.tables.projections import contact, follower, purchase

TAG, GUIDE, STORE = "TAG", "GUIDE", "STORE"
#: Members of one round of statements.
_CHUNK = 500

#: (kind, value, member)
Label = tuple[str, str, str]


async def relabel(connection: AsyncConnection, member_ids: Iterable[str]) -> None:
    """Build everything anew for these members, in the caller's transaction.

    For whoever moves identities (merge, unmerge, link, unlink, erasure): pass winners and losers alike; an id that no
    identity leads to any more keeps no label.
    """
    for some in chunks(dict.fromkeys(member_ids), _CHUNK):
        await _keep(connection, some)
        await _activity(connection, some)


async def keep(connection: AsyncConnection, member_ids: Iterable[str | None]) -> None:
    """Bring the labels of these members up to date, after a projection that they come from was written.

    None stands for a name that leads to nobody.
    """
    for some in chunks(dict.fromkeys(each for each in member_ids if each is not None), _CHUNK):
        await _keep(connection, some)


async def keep_guide(connection: AsyncConnection, guide_id: str) -> None:
    """After a guide (``corpid:userid``) changed stores: everybody whom the guide looks after."""
    rows = await connection.execute(
        select(member_label.c.member).where(member_label.c.kind == GUIDE, member_label.c.value == guide_id)
    )
    await keep(connection, list(rows.scalars()))


async def _keep(connection: AsyncConnection, members: Sequence[str]) -> None:
    wanted = await _tags(connection, members) | await _guides(connection, members)
    wanted |= await _stores(connection, members, {label for label in wanted if label[0] == GUIDE})
    stored = await connection.execute(select(member_label).where(member_label.c.member.in_(members)))
    held = {(row.kind, row.value, row.member) for row in stored}
    for gone in chunks(sorted(held - wanted), _CHUNK):
        await connection.execute(
            delete(member_label).where(
                tuple_(member_label.c.kind, member_label.c.value, member_label.c.member).in_(gone)
            )
        )
    await insert_new(
        connection,
        member_label,
        [{"kind": kind, "value": value, "member": who} for kind, value, who in sorted(wanted - held)],
        keys=("kind", "value", "member"),
    )


async def _tags(connection: AsyncConnection, members: Sequence[str]) -> set[Label]:
    """Tags of accounts that they follow, and those that guides gave them. A tag's id counts only in its account."""
    follows = await _rows(
        connection, members, follower, follower.c.appid, follower.c.tag_ids, where=follower.c.subscribed
    )
    contacts = await _rows(
        connection, members, contact, contact.c.corpid, contact.c.tag_ids, where=contact.c.removed_by.is_(None)
    )
    return {(TAG, f"{account}:{tag}", who) for who, account, tag_ids in (*follows, *contacts) for tag in tag_ids or ()}


async def _guides(connection: AsyncConnection, members: Sequence[str]) -> set[Label]:
    """Guides who have them as a contact now."""
    rows = await _rows(
        connection, members, contact, contact.c.corpid, contact.c.userid, where=contact.c.removed_by.is_(None)
    )
    return {(GUIDE, f"{corpid}:{userid}", who) for who, corpid, userid in rows}


async def _stores(connection: AsyncConnection, members: Sequence[str], guides: set[Label]) -> set[Label]:
    """The stores of their guides, and the one where they bought first."""
    posts = await connection.execute(
        select(guide_store.c.guide, guide_store.c.store).where(
            guide_store.c.guide.in_(sorted({value for _, value, _ in guides})), guide_store.c.valid_to.is_(None)
        )
    )
    at: dict[str, list[str]] = {}
    for guide, store in posts:
        at.setdefault(guide, []).append(store)
    found = {(STORE, store, who) for _, guide, who in guides for store in at.get(guide, ())}
    bought = await _rows(
        connection, members, purchase, purchase.c.created_at, purchase.c.store, where=purchase.c.store.is_not(None)
    )
    first: dict[str, tuple[datetime, str]] = {}
    for who, created_at, store in bought:
        first[who] = min(first.get(who, (created_at, store)), (created_at, store))
    return found | {(STORE, store, who) for who, (_, store) in first.items()}


async def _rows(
    connection: AsyncConnection, members: Sequence[str], table: Any, *columns: Any, where: ColumnElement[bool]
) -> Sequence[AnyRow]:
    """(member, …) of a projection's rows."""
    statement = (
        select(identity.c.member, *columns)
        .select_from(identity)
        .join(table, table.c.identity == identity.c.id)
        .where(identity.c.member.in_(members), where)
    )
    return (await connection.execute(statement)).all()


async def _activity(connection: AsyncConnection, members: Sequence[str]) -> None:
    """The latest that the log knows of these members: of each identity one look at the end of its facts."""
    acts = fact.c.kind.in_(sorted(ACTIVITY))
    latest = (
        select(fact.c.occurred_at)
        .where(fact.c.identity == identity.c.id, acts)
        .order_by(fact.c.occurred_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    own = (
        select(fact.c.occurred_at)
        .where(fact.c.member == member.c.id, fact.c.identity.is_(None), acts)
        .order_by(fact.c.occurred_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    home = func.coalesce(member.c.merged_into, member.c.id)
    seen = [
        *(await connection.execute(select(identity.c.member, latest).where(identity.c.member.in_(members)))),
        *(
            await connection.execute(
                select(home, own).where(or_(member.c.id.in_(members), member.c.merged_into.in_(members)))
            )
        ),
    ]
    last: dict[str, datetime] = {}
    for who, instant in seen:
        if instant is not None and who in members:
            last[who] = max(last.get(who, instant), instant)
    await connection.execute(delete(member_activity).where(member_activity.c.member.in_(members)))
    if last:
        rows = [{"member": who, "last_activity_at": last[who]} for who in sorted(last)]
        await connection.execute(member_activity.insert(), rows)
