"""What is known of endpoints, deliveries and replays, and how they refuse."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random
from typing import Final

from gateway.database.fact_kinds import TOLD
from gateway.database.rows import AnyRow
from gateway.events.horizon import LoggedFact, Position

#: Kinds that an endpoint can ask for: what timelines tell, and what keepers of a copy need beside it.
EVENT_KINDS: Final = (*TOLD, "member.merged", "member.unmerged", "guide.left", "stock.missing")


class EndpointState(StrEnum):
    """Whether an endpoint is sent to. PAUSED is its owner's wish, DISABLED the gateway's."""

    ENABLED = "ENABLED"
    PAUSED = "PAUSED"
    DISABLED = "DISABLED"


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    #: Given up, visible, and repeated on demand.
    PARKED = "PARKED"
    #: Never sent: the member is erased, or does not allow the purpose.
    WITHHELD = "WITHHELD"


class WebhookRefused(Exception):
    """What cannot be done with an endpoint or a delivery. ``code`` stands in docs/errors.md."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint, without its secrets. ``position`` is the last fact that was looked at for it."""

    id: str
    owner: str
    url: str = field(repr=False)
    description: str
    kinds: tuple[str, ...]
    query: str
    purpose: str
    state: EndpointState
    code: str | None
    former_until: datetime | None
    position: Position
    behind: bool
    failing_since: datetime | None
    delivered_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: AnyRow) -> Endpoint:
        """From a row of the table."""
        return cls(
            id=row.id,
            owner=row.owner,
            url=row.url,
            description=row.description,
            kinds=tuple(row.kinds),
            query=row.query,
            purpose=row.purpose,
            state=EndpointState(row.state),
            code=row.code,
            former_until=row.former_until,
            position=Position(row.tx, row.seq),
            behind=row.behind,
            failing_since=row.failing_since,
            delivered_at=row.delivered_at,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one endpoint."""

    seq: int
    id: str
    endpoint: str
    replay: str | None
    event: str
    kind: str
    occurred_at: datetime
    state: DeliveryState
    attempts: int
    status: int | None
    code: str | None
    attempted_at: datetime | None
    next_at: datetime | None
    delivered_at: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, row: AnyRow) -> Delivery:
        """From a row of the table."""
        values = {name: getattr(row, name) for name in cls.__dataclass_fields__}
        return cls(**values | {"state": DeliveryState(row.state)})


@dataclass(frozen=True, slots=True)
class Replay:
    """A stretch of the log that is sent once more. ``events`` were queued so far."""

    id: str
    endpoint: str
    events: int
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, row: AnyRow) -> Replay:
        """From a row of the table."""
        return cls(row.id, row.endpoint, row.events, row.created_at, row.finished_at)


def entity_of(event: LoggedFact) -> str:
    """What the event is about: events of one entity are delivered one after another."""
    if event.order_ref is not None:
        return f"order:{event.order_ref}"
    if event.member is not None:
        return f"member:{event.member}"
    about = event.identity or event.ad or event.guide or event.store or event.campaign or ""
    return f"{event.kind.partition('.')[0]}:{event.account}:{about}"


#: Seconds until the second, third … attempt, before jitter: two and a half days with twelve attempts.
_WAITS: Final = (5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800, 43200)
#: The longest that a receiver's Retry-After is taken for.
_LONGEST: Final = 86400.0


def wait_after(attempt: int, random: Random, asked: float | None) -> timedelta:
    """How long to wait after a failed attempt (from 1): half as much more at random, and at least as was asked for."""
    base = _WAITS[min(attempt, len(_WAITS)) - 1]
    return timedelta(seconds=max(base * random.uniform(1, 1.5), min(asked or 0.0, _LONGEST)))
