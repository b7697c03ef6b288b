"""Webhook endpoints and deliveries, as their owners see them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from gateway.context import Context
from gateway.database.tables.webhooks import webhook_delivery, webhook_endpoint
from gateway.resolvers import ids
from gateway.resolvers.paging import PageArgs, Slice, keyset
from gateway.webhooks.endpoints import ALL_SCOPE, SCOPE, Trial, Wish
from gateway.webhooks.records import Delivery, DeliveryState, Endpoint, Replay


def _require(ctx: Context) -> None:
    if ALL_SCOPE not in ctx.principal.scopes:
        ctx.principal.require(SCOPE)


async def create(ctx: Context, wish: Wish) -> tuple[Endpoint, str]:
    """A new endpoint and its secret. Raises WebhookRefused, Forbidden."""
    return await ctx.services.webhooks.endpoints.create(ctx.principal, wish)


async def change(ctx: Context, endpoint: str, wish: Wish) -> Endpoint:
    """Change an endpoint. Raises WebhookRefused, Forbidden, IdInvalid, IdForeign."""
    return await ctx.services.webhooks.endpoints.change(ctx.principal, _native("we", endpoint), wish)


async def rotate(ctx: Context, endpoint: str, overlap_hours: int) -> tuple[Endpoint, str]:
    """A new secret. Raises WebhookRefused, Forbidden, IdInvalid, IdForeign."""
    return await ctx.services.webhooks.endpoints.rotate(ctx.principal, _native("we", endpoint), overlap_hours)


async def delete(ctx: Context, endpoint: str) -> None:
    """Delete an endpoint. Raises WebhookRefused, Forbidden, IdInvalid, IdForeign."""
    await ctx.services.webhooks.endpoints.delete(ctx.principal, _native("we", endpoint))


async def test(ctx: Context, endpoint: str, event: str | None, *, send: bool) -> Trial:
    """The request that would be sent. Raises WebhookRefused, Forbidden, IdInvalid, IdForeign."""
    return await ctx.services.webhooks.endpoints.test(ctx.principal, _native("we", endpoint), event, send=send)


async def retry(ctx: Context, delivery: str) -> Delivery:
    """Send a delivery once more. Raises WebhookRefused, Forbidden, IdInvalid, IdForeign."""
    return await ctx.services.webhooks.endpoints.retry(ctx.principal, _native("wd", delivery))


async def replay(ctx: Context, endpoint: str, after: str | None, until: str | None) -> Replay:
    """Send a stretch of the log once more. Raises WebhookRefused, Forbidden, IdInvalid, IdForeign."""
    return await ctx.services.webhooks.endpoints.replay(ctx.principal, _native("we", endpoint), after, until)


async def endpoint_page(ctx: Context, args: PageArgs) -> Slice[Endpoint]:
    """Own endpoints, or all by the scope operations; oldest first."""
    _require(ctx)
    statement = select(webhook_endpoint)
    owner = "" if ALL_SCOPE in ctx.principal.scopes else ctx.principal.id
    if owner:
        statement = statement.where(webhook_endpoint.c.owner == owner)
    scope = f"webhookEndpoints:{owner}"
    return await keyset(ctx, scope, statement, [(webhook_endpoint.c.id, False)], args, Endpoint.of)


async def endpoint(ctx: Context, endpoint_id: str) -> Endpoint | None:
    """One endpoint by its native id, or None for what is gone or another's."""
    _require(ctx)
    return await ctx.loaders.load(endpoints, endpoint_id)


async def endpoints(ctx: Context, endpoint_ids: Sequence[str]) -> Sequence[Endpoint | None]:
    """By native id, in order."""
    return [await ctx.services.webhooks.endpoints.get(ctx.principal, each) for each in endpoint_ids]


async def delivery(ctx: Context, delivery_id: str) -> Delivery | None:
    """One delivery by its native id, or None for what is gone or another's."""
    _require(ctx)
    return await ctx.loaders.load(deliveries, delivery_id)


async def deliveries(ctx: Context, delivery_ids: Sequence[str]) -> Sequence[Delivery | None]:
    """By native id, in order."""
    return await ctx.services.webhooks.endpoints.deliveries_by_id(ctx.principal, delivery_ids)


async def one_replay(ctx: Context, replay_id: str) -> Replay | None:
    """One replay by its native id, or None for what is gone or another's."""
    _require(ctx)
    return await ctx.services.webhooks.endpoints.replay_by_id(ctx.principal, replay_id)


async def delivery_page(
    ctx: Context, endpoint_id: str, state: DeliveryState | None, event: str | None, args: PageArgs
) -> Slice[Delivery]:
    """Deliveries of an endpoint that the caller may see, newest first."""
    statement = select(webhook_delivery).where(webhook_delivery.c.endpoint == endpoint_id)
    if state is not None:
        statement = statement.where(webhook_delivery.c.state == state.value)
    if event is not None:
        statement = statement.where(webhook_delivery.c.event == event)
    scope = f"webhookDeliveries:{endpoint_id}:{state}:{event}"
    return await keyset(ctx, scope, statement, [(webhook_delivery.c.seq, True)], args, Delivery.of)


def _native(code: str, text: str) -> str:
    return ids.decode_as(code, text)[1]
