"""Stored webhooks for operators: listed, shown without what is personal, and handled once more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, func, select, update

from gateway.database.engine import Database
from gateway.database.keyring import ERASED
from gateway.database.reading import chunks
from gateway.database.tables.inbox import inbox
from gateway.database.tables.jobs import job
from gateway.events.handling import JOB, PRIORITY
from gateway.events.stored import unpacked
from gateway.jobs import Queue, State
from gateway.runtime import OpenTools

#: Fields of platforms' events that name nobody: what happened, when, and to which order or product.
_PLAIN: Final = frozenset(
    {
        *("Event", "MsgType", "CreateTime", "ChangeType", "UpdateDetail", "TagType", "AgentID", "Status", "FailReason"),
        *("MemChangeCnt", "JoinScene", "QuitScene", "Source", "TemplateId", "SubscribeStatusString", "ErrorCode"),
        *(
            "order_id",
            "product_id",
            "sku_id",
            "after_sale_order_id",
            "status",
            "pay_time",
            "cancel_type",
            "confirm_type",
        ),
        *(
            "finish_delivery",
            "settle_time",
            "reason",
            "type",
            "mchid",
            "appid",
            "trade_state",
            "trade_type",
            "currency",
        ),
        *("total", "payer_total", "refund", "payer_refund", "refund_status", "success_time", "stock_id"),
        *("account_id", "adgroup_id", "creative_id", "click_time", "imp_time"),
    }
)
#: Events of one transaction.
_CHUNK: Final = 200


class EventUnknown(Exception):
    """No stored webhook has this id: it never came, or its term is over."""

    code = "EVENT_UNKNOWN"


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """A stored webhook without its body."""

    id: str
    tool: str
    account: str
    kind: str
    state: str
    attempts: int
    error_code: str | None
    occurred_at: datetime | None
    received_at: datetime


_COLUMNS: Final = tuple(inbox.c[name] for name in StoredEvent.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Which:
    """Which stored webhooks: those of a tool, a kind, a state, received in a half-open window; None is any."""

    tool: str | None = None
    kind: str | None = None
    state: str | None = None
    received_from: datetime | None = None
    received_to: datetime | None = None

    def within(self, statement: Select[Any]) -> Select[Any]:
        """The statement, limited to these."""
        for column, value in ((inbox.c.tool, self.tool), (inbox.c.kind, self.kind), (inbox.c.state, self.state)):
            if value is not None:
                statement = statement.where(column == value)
        if self.received_from is not None:
            statement = statement.where(inbox.c.received_at >= self.received_from)
        if self.received_to is not None:
            statement = statement.where(inbox.c.received_at < self.received_to)
        return statement


class Replays:
    """Reads the inbox, and puts events of it back into the queue."""

    def __init__(self, database: Database, queue: Queue, tools: OpenTools) -> None:
        self._database = database
        self._queue = queue
        self._tools = tools

    async def list(self, which: Which, *, after: str = "", limit: int = 100) -> Sequence[StoredEvent]:
        """In the order in which they came, those after an id only."""
        statement = which.within(select(*_COLUMNS).where(inbox.c.id > after)).order_by(inbox.c.id).limit(limit)
        return [StoredEvent(*row) for row in await self._database.fetch(statement)]

    async def states(self, event_ids: Sequence[str]) -> Mapping[str, int]:
        """State → how many of these are in it."""
        found: Counter[str] = Counter()
        for some in chunks(event_ids, _CHUNK):
            rows = await self._database.fetch(
                select(inbox.c.state, func.count()).where(inbox.c.id.in_(some)).group_by(inbox.c.state)
            )
            found.update({row[0]: row[1] for row in rows})
        return found

    async def show(self, event_id: str) -> tuple[StoredEvent, Mapping[str, Any] | None]:
        """One event, and its fields with personal values masked; None where the body was erased.

        Raises EventUnknown.
        """
        row = await self._database.one(select(*_COLUMNS, inbox.c.body).where(inbox.c.id == event_id))
        if row is None:
            raise EventUnknown(f"no stored webhook has the id {event_id}; `events list` shows ids")
        body = row[-1]
        return StoredEvent(*row[:-1]), None if body is None or body is ERASED else _masked(unpacked(body).payload)

    async def replay(self, event_ids: Sequence[str]) -> int:
        """Handle these once more, in the order in which they came; how many were put into the queue.

        One that waits already is left to wait. What an event was good for seconds only, is not repeated.
        """
        parked = await self._parked(set(event_ids))
        aliases = {(tool, adapter.account): alias for tool, alias, adapter in self._tools.items()}
        put = 0
        for some in chunks(sorted(event_ids), _CHUNK):
            async with self._database.write() as connection:
                rows = (
                    await connection.execute(
                        select(inbox.c.id, inbox.c.tool, inbox.c.account, inbox.c.body)
                        .where(inbox.c.id.in_(some), inbox.c.state != "NEW", inbox.c.body.is_not(None))
                        .order_by(inbox.c.id)
                    )
                ).all()
                jobs: list[tuple[object, str | None]] = []
                for row in rows:
                    if row.body is ERASED or row.id in parked:
                        continue
                    alias = aliases.get((row.tool, row.account), "")
                    payload = {"id": row.id, "tool": row.tool, "account": row.account, "alias": alias}
                    jobs.append((payload, f"{row.tool}:{row.account}:{unpacked(row.body).entity}"))
                await connection.execute(
                    update(inbox)
                    .where(inbox.c.id.in_([row.id for row in rows if row.body is not ERASED]))
                    .values(state="NEW", error_code=None)
                )
                await self._queue.put_many(connection, JOB, 1, jobs, priority=PRIORITY)
            put += len(jobs)
        for job_id in parked.values():
            put += await self._queue.retry(job_id)
        return put

    async def _parked(self, event_ids: set[str]) -> Mapping[str, str]:
        """Event → its parked job. Payloads are sealed, so each is looked into; parked jobs are few."""
        rows = await self._database.fetch(
            select(job.c.id, job.c.payload).where(job.c.kind == JOB, job.c.state == State.PARKED)
        )
        return {
            row.payload["id"]: row.id
            for row in rows
            if isinstance(row.payload, Mapping) and row.payload.get("id") in event_ids
        }


def _masked(payload: Mapping[str, Any]) -> dict[str, Any]:
    return dict(_masked_fields(payload))


def _masked_fields(payload: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in payload.items():
        yield name, _masked_value(str(name), value)


def _masked_value(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return _masked(value)
    if isinstance(value, list):
        return [_masked_value(name, each) for each in value]
    # Only what is on the list is shown, so that a field which a platform adds tomorrow is hidden.
    return value if name in _PLAIN or value in (None, "") else f"*** ({len(str(value))})"
