"""Grants of subscribe messages (订阅消息): one per accepted question, one spent per message.

The client tells what the shopper answered; where an account pushes its subscribe_msg events, the platform tells of the
same answers. The two are paired, so that either may come first, twice or not at all, and each answer counts once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy import case, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.wechat.subscribe import SubscribeAnswered, SubscribeEnded
from gateway.database.facts import Fact, Source
from gateway.database.statements import insert_for, insert_new
from gateway.database.tables.reach import subscribe_answer, subscribe_grant
from gateway.database.ulid import Ulids
from gateway.events.erased import erased
from gateway.events.projector import Batch, Evidence, Linked, Projector, whole_second

By = Literal["CLIENT", "PLATFORM"]
#: The platform's event and the client's word about one answer are at most this far apart.
PAIRED_WITHIN: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Answered:
    """What a shopper answered to one template's question. ``key`` makes it unique per teller."""

    appid: str
    identity: str
    template: str
    accepted: bool
    at: datetime
    key: str


async def told(projector: Projector, event: SubscribeAnswered | SubscribeEnded) -> None:
    """The platform tells of an answer, or that a template's grants are over."""
    handles = projector.handles(appid=event.appid, openid=event.openid, unionid=None)
    evidence = Evidence(handles, "wechat.subscribe_msg", event.at, via="webhook")
    # What ends is no new contact.
    since = [event.at if isinstance(event, SubscribeAnswered) else None]
    if (await erased(projector, [evidence], since))[0]:
        return
    async with projector.batch([evidence]) as batch:
        who = batch.linked[0]
        if isinstance(event, SubscribeAnswered):
            key = str(int(event.at.timestamp()))
            answer = Answered(event.appid, who.identity, event.template, event.accepted, event.at, key)
            await tell(batch, Ulids(projector.clock), answer, who, "PLATFORM")
        else:
            await refused(batch.connection, event.appid, who.identity, event.template, whole_second(event.at))


async def tell(batch: Batch, ulids: Ulids, answer: Answered, who: Linked, by: By) -> bool:
    """Count an answer and append its fact; True when it is news."""
    if not await answered(batch.connection, ulids, answer, by):
        return False
    source: Source = "own" if by == "CLIENT" else "webhook"
    batch.facts.append(
        Fact(
            kind="subscribe.granted" if answer.accepted else "subscribe.refused",
            occurred_at=answer.at,
            source=source,
            source_key=f"{answer.identity}:{answer.template}:{by}:{answer.key}",
            account=answer.appid,
            member=who.member,
            identity=who.identity,
            payload={"template": answer.template},
        )
    )
    return True


async def answered(connection: AsyncConnection, ulids: Ulids, answer: Answered, by: By) -> bool:
    """Record an answer; True when it is news and not what was answer already."""
    # Also takes the row on PostgreSQL, so that client and platform, telling at once, see each other.
    await _touch(connection, answer)
    other = await _other(connection, answer, by)
    row = {
        "id": ulids.next(answer.at),
        "appid": answer.appid,
        "identity": answer.identity,
        "template": answer.template,
        "accepted": answer.accepted,
        "told_by": by,
        "paired": other is not None,
        "answered_at": answer.at,
        "source_key": f"{by}:{answer.appid}:{answer.identity}:{answer.template}:{answer.key}",
    }
    if not await insert_new(connection, subscribe_answer, [row], keys=("source_key",)):
        return False
    if other is not None:
        await connection.execute(update(subscribe_answer).where(subscribe_answer.c.id == other).values(paired=True))
        return False
    if answer.accepted:
        await _add(connection, [(answer.appid, answer.identity, answer.template)], +1)
    return True


async def refused(connection: AsyncConnection, appid: str, identity: str, template: str, at: datetime) -> None:
    """The platform says that nothing is left: the shopper switched it off, or a message was refused.

    An answer of after that instant stands.
    """
    table = subscribe_grant
    await connection.execute(
        update(table)
        .where(
            table.c.appid == appid,
            table.c.identity == identity,
            table.c.template == template,
            table.c.changed_at <= at,
        )
        .values(remaining=0, changed_at=at)
    )


async def spend(connection: AsyncConnection, grants: list[tuple[str, str, str]]) -> None:
    """One message less for each (appid, identity, template) that has one; the caller holds the members' turns."""
    await _add(connection, grants, -1)


async def give_back(connection: AsyncConnection, grants: list[tuple[str, str, str]]) -> None:
    """One message more: it was provably not sent."""
    await _add(connection, grants, +1)


async def _other(connection: AsyncConnection, answer: Answered, by: By) -> str | None:
    """The oldest word of the other teller about the same answer, if it is not paired yet."""
    table = subscribe_answer
    found = await connection.execute(
        select(table.c.id)
        .where(
            table.c.identity == answer.identity,
            table.c.template == answer.template,
            table.c.appid == answer.appid,
            table.c.accepted == answer.accepted,
            table.c.told_by != by,
            table.c.paired.is_(False),
            table.c.answered_at.between(answer.at - PAIRED_WITHIN, answer.at + PAIRED_WITHIN),
        )
        .order_by(table.c.answered_at, table.c.id)
        .limit(1)
    )
    other: str | None = found.scalar_one_or_none()
    return other


async def _touch(connection: AsyncConnection, answer: Answered) -> None:
    """See that there is a row, and that it knows the instant of the newest answer."""
    row = {
        "appid": answer.appid,
        "identity": answer.identity,
        "template": answer.template,
        "remaining": 0,
        "changed_at": answer.at,
    }
    statement = insert_for(connection, subscribe_grant).values([row])
    stored, given = subscribe_grant.c.changed_at, statement.excluded.changed_at
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["appid", "identity", "template"],
            set_={"changed_at": case((stored > given, stored), else_=given)},
        )
    )


async def _add(connection: AsyncConnection, grants: list[tuple[str, str, str]], by: int) -> None:
    if not grants:
        return
    table = subscribe_grant
    await connection.execute(
        update(table)
        .where(tuple_(table.c.appid, table.c.identity, table.c.template).in_(grants), table.c.remaining + by >= 0)
        .values(remaining=table.c.remaining + by)
    )
