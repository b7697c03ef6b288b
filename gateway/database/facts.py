"""The fact log's only writer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from operator import attrgetter
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.base.runtime import Clock
from gateway.database.activity import seen_active
from gateway.database.clock import BUSINESS_ZONE, SystemClock
from gateway.database.commit import ring_after_commit
from gateway.database.fact_kinds import ACTIVITY
from gateway.database.statements import insert_returning
from gateway.database.tables.facts import fact
from gateway.database.totals import add_facts
from gateway.database.ulid import Ulids

Source = Literal["webhook", "poll", "own", "import", "bill"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that happened. ``payload`` holds no personal data; members are named by our own id.

    ``source_key`` makes it unique per kind and account; only its keyed hash is stored. ``account`` is the
    platform's own id (appid, mchid, corpid, bucket), or empty for what happened in the gateway itself.
    """

    kind: str
    occurred_at: datetime
    source: Source
    source_key: str
    account: str = ""
    schema_version: int = 1
    tool: str | None = None
    member: str | None = None
    identity: str | None = None
    store: str | None = None
    guide: str | None = None
    campaign: str | None = None
    ad: str | None = None
    order_ref: str | None = None
    line: str | None = None
    amount_fen: int | None = None
    quantity: int | None = None
    reason: str | None = None
    arm: Literal["treated", "control"] | None = None
    is_test: bool = False
    reversal_of: str | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)


_NAMES = tuple(each.name for each in fields(Fact))
_VALUES = attrgetter(*_NAMES)
_PLACE = attrgetter("kind", "account", "source_key")


async def append_facts(connection: AsyncConnection, facts: Sequence[Fact], *, clock: Clock | None = None) -> int:
    """Append those that are not in the log yet, in the caller's transaction; returns how many were new.

    Sets the id, ``recorded_at`` and ``business_date``. The same (kind, account, source_key) again is no
    error and changes nothing: a webhook and the bill may both tell of one payment. What is new is added to
    its person's running totals (``gateway.database.totals``), and what shoppers did moves their last activity.
    The number of statements does not depend on that of the facts, so append all facts of a transaction in one call.
    """
    if not facts:
        return 0
    now = (clock or SystemClock()).now()
    ulids = Ulids()
    named = {ulids.next(now): each for each in facts}
    # Ids follow the given order, rows that of their keys: two writers of the same facts never wait for each other.
    rows = sorted(named.items(), key=lambda pair: _PLACE(pair[1]))
    columns: dict[str, Sequence[Any]] = dict(
        zip(_NAMES, zip(*(_VALUES(each) for _, each in rows), strict=True), strict=True)
    )
    columns |= {
        "id": [fact_id for fact_id, _ in rows],
        "recorded_at": [now] * len(rows),
        "business_date": [_business_date(each) for _, each in rows],
    }
    new = [
        named[fact_id] for fact_id in await insert_returning(connection, fact, columns, conflict=_KNOWN, returning="id")
    ]
    if new:
        ring_after_commit(connection)
    await add_facts(connection, new)
    acts = [each for each in new if each.kind in ACTIVITY]
    await seen_active(
        connection,
        _latest((each.identity, each.occurred_at) for each in acts),
        _latest((each.member, each.occurred_at) for each in acts if each.identity is None),
    )
    return len(new)


def _latest(seen: Iterable[tuple[str | None, datetime]]) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    for who, instant in seen:
        if who is not None:
            found[who] = max(found.get(who, instant), instant)
    return found


_KNOWN = " ON CONFLICT (kind, account, source_key) DO NOTHING"


def _business_date(each: Fact) -> date:
    if each.occurred_at.tzinfo is None:
        raise ValueError(f"fact {each.kind}: occurred_at has no time zone; give an aware datetime")
    return each.occurred_at.astimezone(BUSINESS_ZONE).date()
