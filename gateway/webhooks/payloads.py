"""What is sent of an event: made when it is sent, as the endpoint's owner would read it, and kept nowhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from adapters.base.runtime import Clock
from gateway.access.principal import Principal
from gateway.database.rows import AnyRow
from gateway.events.horizon import LoggedFact
from gateway.webhooks.signing import signed_headers


@dataclass(frozen=True, slots=True)
class Answer:
    """What the graph answered. ``errors`` are as a client sees them."""

    data: Mapping[str, Any]
    errors: Sequence[Mapping[str, Any]] = ()

    @property
    def forbidden(self) -> str | None:
        """What the owner may not see of it: the first such error's sentence, or None."""
        for each in self.errors:
            if each["extensions"]["code"] == "FORBIDDEN":
                place = ".".join(str(part) for part in each.get("path", ()))
                return f"{place}: {each['message']}"
        return None


class PayloadFailed(Exception):
    """The graph could not answer; it is tried again."""


class Answering(Protocol):
    """Answers a document about an event, as a caller would be answered."""

    def fault(self, query: str) -> str | None:
        """A sentence about what is wrong with a document, or None."""
        ...

    async def answer(self, caller: Principal, query: str, event_id: str) -> Answer:
        """The answer with ``$eventId``. Raises PayloadFailed."""
        ...


@dataclass(frozen=True, slots=True)
class Message:
    """A request as it goes out."""

    id: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


def body_of(kind: str, event: LoggedFact | None, answer: Answer, clock: Clock) -> bytes:
    """The body: ``type``, ``timestamp`` and ``data``, as the Standard Webhooks specification suggests."""
    at = clock.now() if event is None else event.occurred_at
    value: dict[str, Any] = {"type": kind, "timestamp": at, "data": answer.data}
    if answer.errors:
        value["errors"] = answer.errors
    return orjson.dumps(value, option=orjson.OPT_UTC_Z)


def message_of(message_id: str, body: bytes, row: AnyRow, clock: Clock, wire: Clock) -> Message:
    """The signed request. ``row`` is the endpoint's, with its secrets.

    ``wire`` is the clock that receivers have too: the sandbox's may stand on another evening.
    """
    keys = [row.secret]
    if row.former_secret is not None and row.former_until > clock.now():
        keys.append(row.former_secret)
    headers = {"content-type": "application/json", "user-agent": "retail-gateway-webhooks/1"}
    headers |= signed_headers(message_id, int(wire.now().timestamp()), body, keys)
    return Message(message_id, headers, body)
