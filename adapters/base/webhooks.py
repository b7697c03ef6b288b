"""What a tool makes of a request that its platform sends to us."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta


class WebhookRefused(Exception):
    """The request is not the platform's, is stale, or cannot be read. Nothing is stored.

    Attributes:
        reason: stable slug: ``signature``, ``stale``, ``shape``, ``path``, ``method``, ``type``.
        status: HTTP status to answer, as the platform expects of a refusal.
    """

    def __init__(self, reason: str, message: str, *, status: int = 401) -> None:
        super().__init__(message)
        self.reason = reason
        self.status = status


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """A platform's HTTP request, as it arrived; header names are lower case."""

    method: str
    query: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    #: What follows /hooks/{tool}/{account} in the path, without slashes at its ends.
    tail: str = ""


@dataclass(frozen=True, slots=True)
class WebhookReply:
    """Exactly what the platform wants to hear."""

    status: int = 200
    body: bytes = b""
    media_type: str = "text/plain"


@dataclass(frozen=True, slots=True)
class InboundEvent:
    """One verified (or claimed) event, before it is interpreted.

    Attributes:
        kind: the platform's own event name, prefixed by nothing.
        dedupe_key: equal for every delivery of the same event, different otherwise.
        entity: key within which events must be handled in order, such as ``order:3705…``.
        occurred_at: when it happened, by the platform.
        payload: the decrypted, parsed event in the platform's own field names.
        claim: True for unsigned pushes, which are never proof.
        good_for: how long after ``occurred_at`` something in it can be used, where that is seconds (a welcome code):
            such an event is also handled at once, beside the order of its entity, and once only.
    """

    kind: str
    dedupe_key: str
    entity: str
    occurred_at: datetime
    payload: Mapping[str, object] = field(repr=False)
    claim: bool = False
    good_for: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """A webhook request, verified: how to answer, and what it brought (nothing for an echo or a probe)."""

    reply: WebhookReply
    events: tuple[InboundEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class EventKind:
    """A kind of event that a platform documents.

    Attributes:
        name: as in ``InboundEvent.kind``.
        title: what the platform calls it.
        record: name of the record that it becomes; empty where it is known and unused.
        use: what is done with it, or why nothing is.
        handled: whether the gateway does something with the record, or only stores the event.
    """

    name: str
    title: str
    record: str
    use: str
    handled: bool = True
