"""The fact log's only writer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.base.runtime import Clock
from gateway.database.activity import seen_active
from gateway.database.clock import SystemClock
from gateway.database.fact_kinds import ACTIVITY
from gateway.database.statements import insert_new
from gateway.database.tables.facts import fact
from gateway.database.ulid import Ulids

#: A day of business is a day in China, whatever the server's zone.
BUSINESS_ZONE = ZoneInfo("Asia/Shanghai")

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


async def append_facts(connection: AsyncConnection, facts: Sequence[Fact], *, clock: Clock | None = None) -> int:
    """Append those that are not in the log yet, in the caller's transaction; returns how many were new.

    Sets the id, ``recorded_at`` and ``business_date``. The same (kind, account, source_key) again is no
    error and changes nothing: a webhook and the bill may both tell of one payment. What shoppers did moves their
    last activity.
    """
    now = (clock or SystemClock()).now()
    ulids = Ulids()
    rows = [_row(each, ulids.next(now), now) for each in facts]
    new = await insert_new(connection, fact, rows, keys=("kind", "account", "source_key"))
    if new:
        acts = [each for each in facts if each.kind in ACTIVITY]
        await seen_active(
            connection,
            _latest((each.identity, each.occurred_at) for each in acts),
            _latest((each.member, each.occurred_at) for each in acts if each.identity is None),
        )
    return new


def _latest(seen: Iterable[tuple[str | None, datetime]]) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    for who, instant in seen:
        if who is not None:
            found[who] = max(found.get(who, instant), instant)
    return found


def _row(each: Fact, fact_id: str, now: datetime) -> dict[str, Any]:
    if each.occurred_at.tzinfo is None:
        raise ValueError(f"fact {each.kind}: occurred_at has no time zone; give an aware datetime")
    business_date = each.occurred_at.astimezone(BUSINESS_ZONE).date()
    named = {name: getattr(each, name) for name in _NAMES}
    return named | {"id": fact_id, "recorded_at": now, "business_date": business_date}
