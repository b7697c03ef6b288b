"""The payment platform's own notification, signed and encrypted, over a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.base.webhooks import WebhookRequest
from adapters.payments import PaymentNotice
from gateway.events.handling import JOB
from gateway.events.inbox import Inbox
from gateway.jobs import Handlers, Worker
from sandbox.server import Embedded, _serve
from tests.gateway.transactions.conftest import OpenShop
from tests.gateway.transactions.shop import Shop


@dataclass(slots=True)
class Door:
    """A socket at which notifications arrive, once an inbox stands behind it."""

    url: str = ""
    inbox: Inbox | None = None

    async def serve(self, request: Request) -> Response:
        assert self.inbox is not None
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = WebhookRequest(method=request.method, query={}, headers=headers, body=await request.body(), tail="")
        reply = await self.inbox.receive("payments", request.path_params["account"], asked)
        return Response(reply.body, reply.status)


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    door = Door()
    servers: list[tuple[Embedded, asyncio.Task[None]]] = []
    app = Starlette(routes=[Route("/hooks/payments/{account}", door.serve, methods=["POST"])])
    door.url = await _serve(app, "127.0.0.1", 0, servers)
    yield door
    for server, _ in servers:
        server.should_exit = server.force_exit = True
    await asyncio.gather(*(task for _, task in servers))


@pytest.fixture
async def told_shop(opens: OpenShop, database_url: str, door: Door) -> Shop:
    """A shop that hears the payment platform's notifications."""
    shop = await opens(database_url, notify_base=door.url)
    door.inbox = Inbox(shop.database, shop.queue, shop.tools, shop.sandbox.kit.clock)
    door.inbox.handling.handlers[PaymentNotice] = shop.checkout.on_payment
    handlers = Handlers()
    handlers.add(JOB, door.inbox.handling.handle, versions={1})
    shop.checkout.register(handlers)
    shop.worker = Worker(shop.queue, handlers, clock=shop.sandbox.kit.clock)
    return shop


@pytest.mark.parametrize("mode", ["normal", "double"])
async def test_a_notification_completes_the_transaction_once(told_shop: Shop, mode: str) -> None:
    shop = told_shop
    shop.sandbox.kit.pusher.modes["payments"] = mode  # type: ignore[assignment]
    done = await shop.flagship()
    await shop.pay(done)
    await shop.sandbox.kit.pusher.settle()
    await shop.worker.drain()
    assert (await shop.view(done)).state == "COMPLETED"
    assert (await shop.order(done.order_id)).state == "PAID"
    assert shop.effects("payments", "coupon_use") == 1
    assert shop.effects("enterprise_chat", "app_message") == 1
    [captured] = await shop.facts("payment.captured")
    assert (captured.source, captured.order_ref) == ("webhook", done.order_id)


async def test_a_lost_notification_is_made_up_for_at_the_expiry(told_shop: Shop) -> None:
    shop = told_shop
    shop.sandbox.kit.pusher.modes["payments"] = "lose"
    done = await shop.flagship()
    await shop.pay(done)
    await shop.worker.drain()
    assert (await shop.order(done.order_id)).state == "UNPAID"
    shop.pass_time(minutes=31)
    await shop.worker.drain()
    assert (await shop.view(done)).state == "COMPLETED"
    [captured] = await shop.facts("payment.captured")
    assert captured.source == "poll"
