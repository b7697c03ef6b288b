"""Webhooks out (推送): endpoints, deliveries, replays."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from gateway.members.consent import Purpose
from gateway.resolvers import ids, webhooks
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.consents import ConsentPurpose
from gateway.schema.info import Info
from gateway.schema.node import Node
from gateway.webhooks import records
from gateway.webhooks.endpoints import Trial


@strawberry.enum(description="Whether an endpoint is sent to (端点状态).")
class WebhookEndpointState(Enum):
    """The states of gateway.webhooks."""

    ENABLED = strawberry.enum_value("ENABLED", description="It is sent to (已启用).")
    PAUSED = strawberry.enum_value("PAUSED", description="Its owner stopped it (已暂停); nothing is lost meanwhile.")
    DISABLED = strawberry.enum_value(
        "DISABLED", description="The gateway stopped it (已停用); code says why. Nothing is lost meanwhile."
    )


@strawberry.enum(description="Where a delivery stands (推送状态).")
class WebhookDeliveryState(Enum):
    """The states of gateway.webhooks."""

    PENDING = strawberry.enum_value("PENDING", description="Waits for its turn or another attempt (待推送).")
    DELIVERED = strawberry.enum_value("DELIVERED", description="The receiver answered 2xx (已送达).")
    PARKED = strawberry.enum_value("PARKED", description="Given up after many attempts (已搁置); it can be retried.")
    WITHHELD = strawberry.enum_value(
        "WITHHELD", description="Never sent (不予推送): the member does not allow the purpose, or is erased."
    )


for _mine, _theirs in ((WebhookEndpointState, records.EndpointState), (WebhookDeliveryState, records.DeliveryState)):
    assert [each.name for each in _mine] == [each.name for each in _theirs]  # noqa: S101 — two lists would drift


@strawberry.type(description="One event for one endpoint (推送记录). The payload is not kept.")
class WebhookDelivery(Node):
    """Delivery."""

    event_id: strawberry.ID = strawberry.field(description="The event, and the webhook-id of its message.")
    kind: str = strawberry.field(description="The event's kind.")
    occurred_at: datetime = strawberry.field(description="When it happened.")
    state: WebhookDeliveryState = strawberry.field(description="Where it stands.")
    attempts: int = strawberry.field(description="How often it was sent, since it was last put or retried.")
    last_status: int | None = strawberry.field(description="HTTP status of the last answer; null without one.")
    code: str | None = strawberry.field(
        description="Why the last attempt failed, or it was withheld; docs/errors.md has all codes."
    )
    last_attempt_at: datetime | None = strawberry.field(description="When it was last sent.")
    next_attempt_at: datetime | None = strawberry.field(description="Not before this it is sent; null when it is over.")
    delivered_at: datetime | None = strawberry.field(description="When the receiver took it.")
    replay_id: strawberry.ID | None = strawberry.field(description="The replay that it is part of; null for none.")

    @classmethod
    def of(cls, record: records.Delivery) -> WebhookDelivery:
        return cls(
            id=strawberry.ID(ids.encode("wd", record.id)),
            event_id=strawberry.ID(record.event),
            kind=record.kind,
            occurred_at=record.occurred_at,
            state=WebhookDeliveryState[record.state.name],
            attempts=record.attempts,
            last_status=record.status,
            code=record.code,
            last_attempt_at=record.attempted_at,
            next_attempt_at=record.next_at,
            delivered_at=record.delivered_at,
            replay_id=None if record.replay is None else strawberry.ID(ids.encode("wr", record.replay)),
        )


@strawberry.type(description="A stretch of events that is sent once more (推送重放).")
class WebhookReplay(Node):
    """Replay."""

    events: int = strawberry.field(description="How many were queued so far.")
    created_at: datetime = strawberry.field(description="When it was asked for.")
    finished_at: datetime | None = strawberry.field(description="When the last of them was queued; null before.")

    @classmethod
    def of(cls, record: records.Replay) -> WebhookReplay:
        return cls(
            id=strawberry.ID(ids.encode("wr", record.id)),
            events=record.events,
            created_at=record.created_at,
            finished_at=record.finished_at,
        )


@strawberry.type(description="An address that is told what happens (推送端点). docs/webhooks-out.md says how.")
class WebhookEndpoint(Node):
    """Endpoint."""

    record: strawberry.Private[records.Endpoint]
    owner: str = strawberry.field(description="Id of the API key that made it, as which payloads are read.")
    url: str = strawberry.field(description="Where messages are posted to.")
    description: str = strawberry.field(description="The owner's note.")
    kinds: list[str] = strawberry.field(description="Kinds of events that it is told.")
    query: str = strawberry.field(description="The GraphQL document whose answer is the payload.")
    purpose: ConsentPurpose = strawberry.field(
        description="What it is for (处理目的): events of members who do not allow it are withheld."
    )
    state: WebhookEndpointState = strawberry.field(description="Whether it is sent to.")
    code: str | None = strawberry.field(description="Why it was disabled; docs/errors.md has all codes.")
    failing_since: datetime | None = strawberry.field(description="The first failure since the last success.")
    last_delivery_at: datetime | None = strawberry.field(description="The last success, to a minute.")
    former_secret_until: datetime | None = strawberry.field(
        description="Until then messages bear a second signature by the former secret (旧密钥)."
    )
    created_at: datetime = strawberry.field(description="When it was made.")

    @strawberry.field(description="What was sent and what waits (推送记录), newest first.")
    async def deliveries(
        self,
        info: Info,
        state: Annotated[WebhookDeliveryState | None, strawberry.argument(description="Only in this state.")] = None,
        event_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only of this event.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[WebhookDelivery] | None:
        wanted = None if state is None else records.DeliveryState[state.name]
        page = args(first, after, last, before)
        found = await webhooks.delivery_page(info.context, self.record.id, wanted, event_id, page)
        return connect(found, WebhookDelivery.of)

    @classmethod
    def of(cls, record: records.Endpoint) -> WebhookEndpoint:
        return cls(
            id=strawberry.ID(ids.encode("we", record.id)),
            record=record,
            owner=record.owner,
            url=record.url,
            description=record.description,
            kinds=list(record.kinds),
            query=record.query,
            purpose=ConsentPurpose[Purpose(record.purpose).name],
            state=WebhookEndpointState[record.state.name],
            code=record.code,
            failing_since=record.failing_since,
            last_delivery_at=record.delivered_at,
            former_secret_until=record.former_until,
            created_at=record.created_at,
        )


@strawberry.type(description="A header of an HTTP request.")
class WebhookHeader:
    """Header."""

    name: str = strawberry.field(description="Its name, in lower case.")
    value: str = strawberry.field(description="Its value.")


@strawberry.type(description="The exact request for an event (推送预览), and how it was answered if it was sent.")
class WebhookTest:
    """Test."""

    url: str = strawberry.field(description="Where it is posted to.")
    headers: list[WebhookHeader] = strawberry.field(description="Its headers; the signature is valid for some minutes.")
    body: str = strawberry.field(description="Its body, as it is signed.")
    event_id: strawberry.ID | None = strawberry.field(
        description="The event; null for a sample, since no event of these kinds has happened yet."
    )
    sent: bool = strawberry.field(description="Whether it was sent.")
    status: int | None = strawberry.field(description="HTTP status of the answer; null without one.")
    code: str | None = strawberry.field(description="Why it failed; null when it was taken, or not sent.")

    @classmethod
    def of(cls, trial: Trial) -> WebhookTest:
        headers = [WebhookHeader(name=name, value=value) for name, value in trial.message.headers.items()]
        return cls(
            url=trial.url,
            headers=headers,
            body=trial.message.body.decode(),
            event_id=None if trial.event is None else strawberry.ID(trial.event),
            sent=trial.answered is not None,
            status=None if trial.answered is None else trial.answered.status,
            code=None if trial.answered is None else trial.answered.code,
        )


@strawberry.type(description="Fields about webhooks out.")
class WebhookQueries:
    """Webhooks out."""

    @strawberry.field(
        description="Own webhook endpoints (推送端点), oldest first; those of all keys with the scope operations. Needs"
        " the scope webhooks."
    )
    async def webhook_endpoints(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[WebhookEndpoint] | None:
        page = await webhooks.endpoint_page(info.context, args(first, after, last, before))
        return connect(page, WebhookEndpoint.of)

    @strawberry.field(description="One webhook endpoint (推送端点) by its id; null when it is gone or another's.")
    async def webhook_endpoint(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The endpoint's id.")],  # noqa: A002
    ) -> WebhookEndpoint | None:
        record = await webhooks.endpoint(info.context, ids.decode_as("we", id)[1])
        return None if record is None else WebhookEndpoint.of(record)
