"""The member's timeline."""

from __future__ import annotations

from datetime import datetime

import strawberry

from gateway.resolvers.timeline import EntryRecord
from gateway.schema.scalars import Money


@strawberry.type(description="One thing that happened between the member and the brand.")
class TimelineEntry:
    """Timeline entry."""

    at: datetime = strawberry.field(description="When it happened.")
    tool: str | None = strawberry.field(description="Which of the seven tools it happened at; null for our own.")
    kind: str = strawberry.field(description="The fact's kind, such as order.paid.")
    summary: str = strawberry.field(description="A sentence in Chinese.")
    amount: Money | None = strawberry.field(description="Money that moved.")

    @classmethod
    def of(cls, record: EntryRecord) -> TimelineEntry:
        return cls(
            at=record.at,
            tool=record.tool,
            kind=record.kind,
            summary=record.summary,
            amount=Money.maybe(record.amount),
        )
