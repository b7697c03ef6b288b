"""What owners do with their webhook endpoints."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.members.consent import Purpose
from gateway.resolvers import webhooks
from gateway.resolvers.errors import UserError
from gateway.schema.consents import ConsentPurpose
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem
from gateway.schema.webhooks import WebhookDelivery, WebhookEndpoint, WebhookReplay, WebhookTest
from gateway.webhooks.endpoints import OVERLAP_HOURS, OVERLAP_HOURS_MOST, Wish
from gateway.webhooks.records import WebhookRefused

_QUERY = (
    "A GraphQL document with one query and one variable: `query ($eventId: ID!) { event(id: $eventId) { kind order { id"
    " state } } }`. Its answer is the payload, read when the message is sent and with the rights of this API key."
)


@strawberry.input(description="A new endpoint (推送端点).")
class WebhookEndpointCreateInput:
    """Create."""

    url: str = strawberry.field(
        description="https address, public, without user and fragment; 2048 characters at most."
    )
    kinds: list[str] = strawberry.field(
        description="Kinds of events, such as order.paid; docs/webhooks-out.md lists them."
    )
    query: str = strawberry.field(description=_QUERY)
    purpose: ConsentPurpose = strawberry.field(
        description="What it is for (处理目的): events of members who do not allow it are withheld."
    )
    description: str = strawberry.field(default="", description="A note for yourself; 200 characters at most.")
    enabled: bool = strawberry.field(default=True, description="False to begin paused.")


@strawberry.input(description="What to change of an endpoint; what is left out stays.")
class WebhookEndpointUpdateInput:
    """Update."""

    id: strawberry.ID = strawberry.field(description="The endpoint's id.")
    url: str | None = strawberry.field(default=None, description="Another address.")
    kinds: list[str] | None = strawberry.field(default=None, description="Other kinds, all of them.")
    query: str | None = strawberry.field(default=None, description=_QUERY)
    purpose: ConsentPurpose | None = strawberry.field(default=None, description="Another purpose (处理目的).")
    description: str | None = strawberry.field(default=None, description="Another note.")
    enabled: bool | None = strawberry.field(
        default=None, description="False to pause, true to go on, also after it was disabled."
    )


@strawberry.input(description="Which endpoint to delete.")
class WebhookEndpointDeleteInput:
    """Delete."""

    id: strawberry.ID = strawberry.field(description="The endpoint's id.")


@strawberry.input(description="A new secret for an endpoint (轮换密钥).")
class WebhookEndpointRotateSecretInput:
    """Rotate."""

    id: strawberry.ID = strawberry.field(description="The endpoint's id.")
    overlap_hours: int = strawberry.field(
        default=OVERLAP_HOURS,
        description=f"For so many hours the former secret signs as well; {OVERLAP_HOURS_MOST} at most, 0 for none.",
    )


@strawberry.input(description="Which request to show (推送预览).")
class WebhookEndpointTestInput:
    """Test."""

    id: strawberry.ID = strawberry.field(description="The endpoint's id.")
    event_id: strawberry.ID | None = strawberry.field(
        default=None, description="For this event; by default the latest of the endpoint's kinds."
    )
    send: bool = strawberry.field(default=False, description="True to send it as well; otherwise nothing is sent.")


@strawberry.input(description="Which delivery to send once more.")
class WebhookDeliveryRetryInput:
    """Retry."""

    id: strawberry.ID = strawberry.field(description="The delivery's id.")


@strawberry.input(description="Which events to send once more (推送重放).")
class WebhookEndpointReplayInput:
    """Replay."""

    id: strawberry.ID = strawberry.field(description="The endpoint's id.")
    after: strawberry.ID | None = strawberry.field(
        default=None, description="The eventId after which to begin; by default with the first event there is."
    )
    until: strawberry.ID | None = strawberry.field(
        default=None, description="The eventId of the last one; by default, and at most, the last that was looked at."
    )


@strawberry.type(description="An endpoint with its new secret.")
class WebhookEndpointSecret:
    """The only time that a secret is shown."""

    endpoint: WebhookEndpoint = strawberry.field(description="The endpoint.")
    secret: str = strawberry.field(
        description="The signing secret (签名密钥), whsec_…; shown this once. Keep it as you keep passwords."
    )


@strawberry.type(description="An endpoint was deleted, with the record of its deliveries.")
class WebhookEndpointDeleted:
    """Deleted."""

    id: strawberry.ID = strawberry.field(description="Its id.")


def _union(name: str, what: str) -> object:
    return strawberry.union(name, description=f"{what}, or why nothing was done.")


SecretOrProblem = Annotated[
    WebhookEndpointSecret | DomainProblem, _union("WebhookEndpointSecretOrProblem", "The endpoint with its secret")
]
EndpointOrProblem = Annotated[WebhookEndpoint | DomainProblem, _union("WebhookEndpointOrProblem", "The endpoint")]
DeletedOrProblem = Annotated[
    WebhookEndpointDeleted | DomainProblem, _union("WebhookEndpointDeletedOrProblem", "What was deleted")
]
TestOrProblem = Annotated[WebhookTest | DomainProblem, _union("WebhookTestOrProblem", "The request")]
DeliveryOrProblem = Annotated[WebhookDelivery | DomainProblem, _union("WebhookDeliveryOrProblem", "The delivery")]
ReplayOrProblem = Annotated[WebhookReplay | DomainProblem, _union("WebhookReplayOrProblem", "The replay")]

#: What a caller can do wrong here.
_REFUSED = (WebhookRefused, UserError)


def _problem(error: WebhookRefused | UserError) -> DomainProblem:
    return DomainProblem(code=error.code, message=str(error), retryable=error.code == "WEBHOOK_PAYLOAD_FAILED")


def _wish(given: WebhookEndpointCreateInput | WebhookEndpointUpdateInput) -> Wish:
    return Wish(
        url=given.url,
        kinds=given.kinds,
        query=given.query,
        purpose=None if given.purpose is None else Purpose[given.purpose.name],
        description=given.description,
        enabled=given.enabled,
    )


@strawberry.type(description="Mutations about webhooks out. Each needs the scope webhooks.")
class WebhookMutations:
    """Webhooks out."""

    @strawberry.mutation(
        description="Be told what happens from now on (新建推送端点). The secret is shown this once. Needs the scope"
        " webhooks, and members:read for events."
    )
    async def webhook_endpoint_create(
        self,
        info: Info,
        input: Annotated[WebhookEndpointCreateInput, strawberry.argument(description="The endpoint.")],  # noqa: A002
    ) -> SecretOrProblem:
        try:
            record, secret = await webhooks.create(info.context, _wish(input))
        except _REFUSED as error:
            return _problem(error)
        return WebhookEndpointSecret(endpoint=WebhookEndpoint.of(record), secret=secret)

    @strawberry.mutation(
        description="Change an endpoint, pause it, or let it go on (修改推送端点). What waits is tried at once."
    )
    async def webhook_endpoint_update(
        self,
        info: Info,
        input: Annotated[WebhookEndpointUpdateInput, strawberry.argument(description="The changes.")],  # noqa: A002
    ) -> EndpointOrProblem:
        try:
            return WebhookEndpoint.of(await webhooks.change(info.context, input.id, _wish(input)))
        except _REFUSED as error:
            return _problem(error)

    @strawberry.mutation(description="Give an endpoint a new secret (轮换密钥), which is shown this once.")
    async def webhook_endpoint_rotate_secret(
        self,
        info: Info,
        input: Annotated[  # noqa: A002
            WebhookEndpointRotateSecretInput, strawberry.argument(description="Which, and how long both are valid.")
        ],
    ) -> SecretOrProblem:
        try:
            record, secret = await webhooks.rotate(info.context, input.id, input.overlap_hours)
        except _REFUSED as error:
            return _problem(error)
        return WebhookEndpointSecret(endpoint=WebhookEndpoint.of(record), secret=secret)

    @strawberry.mutation(description="Delete an endpoint (删除推送端点), and what waits for it.")
    async def webhook_endpoint_delete(
        self,
        info: Info,
        input: Annotated[WebhookEndpointDeleteInput, strawberry.argument(description="Which.")],  # noqa: A002
    ) -> DeletedOrProblem:
        try:
            await webhooks.delete(info.context, input.id)
        except _REFUSED as error:
            return _problem(error)
        return WebhookEndpointDeleted(id=input.id)

    @strawberry.mutation(
        description="Show the exact request for an event (推送预览). Nothing is sent unless send is true; its"
        " webhook-id begins with test_."
    )
    async def webhook_endpoint_test(
        self,
        info: Info,
        input: Annotated[WebhookEndpointTestInput, strawberry.argument(description="Which request.")],  # noqa: A002
    ) -> TestOrProblem:
        try:
            return WebhookTest.of(await webhooks.test(info.context, input.id, input.event_id, send=input.send))
        except _REFUSED as error:
            return _problem(error)

    @strawberry.mutation(
        description="Send events once more (推送重放), oldest first, with their own webhook-id. Runs behind the graph."
    )
    async def webhook_endpoint_replay(
        self,
        info: Info,
        input: Annotated[WebhookEndpointReplayInput, strawberry.argument(description="Which events.")],  # noqa: A002
    ) -> ReplayOrProblem:
        try:
            return WebhookReplay.of(await webhooks.replay(info.context, input.id, input.after, input.until))
        except _REFUSED as error:
            return _problem(error)

    @strawberry.mutation(
        description="Send a delivery once more (重试推送): a parked or delivered one anew, a waiting one at once."
    )
    async def webhook_delivery_retry(
        self,
        info: Info,
        input: Annotated[WebhookDeliveryRetryInput, strawberry.argument(description="Which delivery.")],  # noqa: A002
    ) -> DeliveryOrProblem:
        try:
            return WebhookDelivery.of(await webhooks.retry(info.context, input.id))
        except _REFUSED as error:
            return _problem(error)
