"""Events: single facts of the log, with links to what they are about."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from gateway.resolvers import events, members, orders, places
from gateway.resolvers.events import EventRecord
from gateway.schema.info import Info
from gateway.schema.members import Member
from gateway.schema.orders import Order
from gateway.schema.places import Guide, Store
from gateway.schema.scalars import Long, Money
from gateway.schema.timeline import TimelineEntry


@strawberry.type(
    description="Something that happened (事件): what webhooks (推送) tell of. Its links show things as they are now."
)
class Event:
    """Event."""

    record: strawberry.Private[EventRecord]
    event_id: strawberry.ID = strawberry.field(
        description="The event's id: the webhook-id of its message, and the cursor of webhookEndpointReplay."
    )
    kind: str = strawberry.field(description="Such as order.paid; docs/webhooks-out.md lists the kinds.")
    at: datetime = strawberry.field(description="When it happened.")
    recorded_at: datetime = strawberry.field(description="When the gateway learnt of it.")
    tool: str | None = strawberry.field(description="Which of the seven tools it happened at; null for our own.")
    source: str = strawberry.field(description="How it was learnt: webhook, poll, own, import or bill.")
    summary: str = strawberry.field(description="A sentence in Chinese.")
    amount: Money | None = strawberry.field(description="Money that moved.")
    quantity: Long | None = strawberry.field(description="Pieces, points or bytes.")
    reason: str | None = strawberry.field(description="Why, where there is a reason.")

    @strawberry.field(description="The member (会员) whom it is about, after merges; null where it is about nobody.")
    async def member(self, info: Info) -> Member | None:
        if self.record.member is None:
            return None
        found = await members.one(info.context, self.record.member, live=False)
        return None if found is None else Member.of(info, found)

    @strawberry.field(description="The order (订单) that it is about, as it is now.")
    async def order(self, info: Info) -> Order | None:
        if self.record.order is None:
            return None
        found = await info.context.loaders.load(orders.orders, self.record.order)
        return None if found is None else Order.of(found)

    @strawberry.field(description="The store (门店).")
    async def store(self, info: Info) -> Store | None:
        if self.record.store is None:
            return None
        found = await info.context.loaders.load(places.stores, self.record.store)
        return None if found is None else Store.of(found)

    @strawberry.field(description="The guide (导购).")
    async def guide(self, info: Info) -> Guide | None:
        if self.record.guide is None:
            return None
        found = await info.context.loaders.load(places.guides, self.record.guide)
        return None if found is None else Guide.of(info, found)

    @strawberry.field(
        description="The same as timelines show it, with links to payment, coupon, group, ad or file; null for kinds"
        " that no timeline tells."
    )
    def entry(self) -> TimelineEntry | None:
        return None if self.record.entry is None else TimelineEntry.of(self.record.entry)

    @classmethod
    def of(cls, record: EventRecord) -> Event:
        return cls(
            record=record,
            event_id=strawberry.ID(record.id),
            kind=record.kind,
            at=record.at,
            recorded_at=record.recorded_at,
            tool=record.tool,
            source=record.source,
            summary=record.summary,
            amount=Money.maybe(record.amount),
            quantity=None if record.quantity is None else Long(record.quantity),
            reason=record.reason,
        )


@strawberry.type(description="Fields about events.")
class EventQueries:
    """Events."""

    @strawberry.field(
        description="One event (事件) by its id; null when there is none, or its member was erased. Needs the scope"
        " members:read. Webhook payloads are queries of this field."
    )
    async def event(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="An eventId, or a webhook-id.")],  # noqa: A002
    ) -> Event | None:
        record = await events.one(info.context, id)
        return None if record is None else Event.of(record)
