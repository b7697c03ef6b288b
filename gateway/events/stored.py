"""The stored form of an event: one sealed text, read again by whoever handles, shows or replays it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from adapters.base.webhooks import InboundEvent


def packed(event: InboundEvent) -> str:
    """JSON of an event, to be sealed."""
    value = {
        "kind": event.kind,
        "dedupe_key": event.dedupe_key,
        "entity": event.entity,
        "occurred_at": event.occurred_at.astimezone(UTC).isoformat(),
        "payload": event.payload,
        "claim": event.claim,
        "good_for": None if event.good_for is None else event.good_for.total_seconds(),
    }
    return orjson.dumps(value, default=str).decode()


def unpacked(body: str) -> InboundEvent:
    """The event of a stored body."""
    value: Mapping[str, Any] = orjson.loads(body)
    seconds = value.get("good_for")
    return InboundEvent(
        kind=value["kind"],
        dedupe_key=value["dedupe_key"],
        entity=value["entity"],
        occurred_at=datetime.fromisoformat(value["occurred_at"]),
        payload=value["payload"],
        claim=value["claim"],
        good_for=None if seconds is None else timedelta(seconds=seconds),
    )
