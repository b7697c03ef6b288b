"""Wiring: opens what the gateway needs, connects events to projections and transactions, and serves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

import orjson
from graphql import GraphQLSchema
from starlette.applications import Starlette
from starlette.concurrency import iterate_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute

from adapters.base.transport import HttpTransport, Transport
from adapters.base.webhooks import WebhookRefused, WebhookRequest
from gateway import metrics
from gateway.access.again import Again
from gateway.access.principal import Authenticator, Forbidden, NotAuthenticated
from gateway.bodies import BodyTooLarge, ClientGone, Receive, read_body
from gateway.bulk.exporting import EXPIRE_JOB as EXPORT_EXPIRE_JOB
from gateway.bulk.exporting import JOB as EXPORT_JOB
from gateway.bulk.exporting import ExportExpired, Exporting, ExportNotReady, ExportRefused, ExportUnknown
from gateway.bulk.importing import JOB as IMPORT_JOB
from gateway.bulk.importing import Importing
from gateway.cache import EntityCache, MemoryStore, RedisStore, Store
from gateway.context import Services
from gateway.database import Database, Keyring
from gateway.database.errors import DatabaseError
from gateway.database.traces import trace
from gateway.events.crowd import Crowd
from gateway.events.feed import Feed
from gateway.events.handling import JOB as INBOX_JOB
from gateway.events.handling import PRIORITY as INBOX_PRIORITY
from gateway.events.handling import TOGETHER, URGENT_JOB
from gateway.events.horizon import Horizon
from gateway.events.inbox import Inbox, UnknownHook
from gateway.events.master import import_master_data
from gateway.events.projector import Projector
from gateway.events.purging import Purging
from gateway.events.sync.run import JOB as SYNC_JOB
from gateway.events.sync.run import Sync
from gateway.events.wake import Wake
from gateway.graphql_route import GraphQLRoute, Scope, Send, credentials
from gateway.hooks import connect
from gateway.jobs import ORDINARY, URGENT, Handlers, Lane, Queue, Recurring, Worker
from gateway.members.access_report import AccessReports
from gateway.members.audiences import Audiences
from gateway.members.earning import Earning
from gateway.members.erasure import Erasures
from gateway.members.gate import Gate
from gateway.members.graph import IdentityGraph
from gateway.members.points import PointsExpiry
from gateway.members.retention import Retention
from gateway.members.totals import REBUILD_JOB, TotalsRebuild
from gateway.reconciliation import Reconciliation
from gateway.resolvers import health
from gateway.resolvers.streams import STREAMED
from gateway.runtime import CountingMeter, SystemClock, open_tools
from gateway.runtime.redis import RedisLink, RedisState
from gateway.schema import build_schema
from gateway.selections import Payloads, Selections
from gateway.settings import Settings
from gateway.streaming import EventStreams, Operations, Sockets
from gateway.transactions.activities import Activities
from gateway.transactions.checkout import CheckoutService
from gateway.transactions.files import Files
from gateway.transactions.group_sends import GroupSends
from gateway.transactions.handovers import Handovers
from gateway.transactions.profit_shares import ProfitShares
from gateway.transactions.publications import Publications
from gateway.transactions.red_packets import RedPackets
from gateway.transactions.store_stock import StoreStock
from gateway.webhooks.addresses import Addresses
from gateway.webhooks.outgoing import Outgoing
from gateway.webhooks.sending import Sender

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Gateway:
    """The running parts."""

    clock: SystemClock
    services: Services
    inbox: Inbox
    worker: Worker
    auth: Authenticator
    transport: Transport
    health: health.States
    #: What each process that serves sees to at its start.
    recurring: tuple[Recurring, ...]
    again: Again
    reconciliation: Reconciliation

    async def first_sync(self) -> None:
        """Read master data, then every stream of every account; what a platform refuses is tried again later."""
        await self.import_master_data()
        await self.services.sync.enqueue()
        await self.services.sync.finish(self.worker)

    async def import_master_data(self) -> int:
        """Read the ERP's export, where one is configured. Returns rows."""
        source = self.services.settings.master_data
        if not source:
            return 0
        return await import_master_data(self.services.projector, source, self.transport)


@asynccontextmanager
async def open_gateway(
    settings: Settings,
    *,
    transport: Transport | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[Gateway]:
    """Open database, tools and queue; nothing runs yet. Raises the errors of the database and settings."""
    clock = SystemClock(timedelta(seconds=settings.clock_offset_seconds))
    accepted = [key.reveal() for key in settings.master_keys_accepted]
    keyring = Keyring.from_base64(settings.master_key.reveal(), accepted)
    meter = CountingMeter()
    async with AsyncExitStack() as stack:
        wire = await stack.enter_async_context(HttpTransport()) if transport is None else transport
        database = await stack.enter_async_context(Database.open(settings.database_url, keyring, clock=clock))
        link = await _redis(stack, settings, keyring)
        tools = await stack.enter_async_context(open_tools(settings, database, clock, meter, transport=wire, link=link))
        store = _store(settings, link)
        cache = EntityCache(store, keyring, clock, stale_seconds=settings.cache.stale_seconds)
        stack.push_async_callback(cache.close)
        graph = IdentityGraph(database, clock, settings.identity)
        projector = Projector(database, graph, clock, settings.open_platform)
        projector.listeners.append(Purging(cache))
        queue = Queue(database, clock)
        sync = Sync(projector, queue, tools)
        gate = Gate(projector, settings.reach)
        checkout = CheckoutService(database, queue, tools, projector, clock, settings, gate)
        erasures = Erasures(database, queue, tools, settings.member_files, settings.privacy)
        reports = AccessReports(database, queue, tools, settings.privacy)
        files = Files(database, queue, tools, settings.member_files, settings.message_media)
        handovers = Handovers(projector, tools, queue)
        audiences = Audiences(database, tools, queue, settings.reach)
        store_stock = StoreStock(projector, tools, queue)
        red_packets = RedPackets(projector, tools, queue, gate)
        profit_shares = ProfitShares(projector, tools, queue)
        activities = Activities(projector, tools, queue)
        group_sends = GroupSends(projector, tools, queue, gate)
        publications = Publications(projector, tools, queue)
        retention = Retention(database, queue, settings.privacy, delivery_days=settings.webhooks.delivery_days)
        earning = Earning(database, queue, clock, settings.points)
        projector.followers.append(earning.follow)
        points_expiry = PointsExpiry(database, queue, clock)
        reconciliation = Reconciliation(projector, queue, tools, checkout)
        importing = Importing(projector, graph, queue)
        selections = Selections(_schema(), lambda: services, settings.limits)
        exporting = Exporting(projector, queue, settings.exports, selections, gate)
        feed = Feed(Horizon(database), Crowd(database), clock, settings.subscriptions, STREAMED)
        await feed.horizon.renumber_restored()
        stack.push_async_callback(feed.stop)
        bell = database.facts_appended
        bell.listeners.append(feed.wake)
        if link is not None:
            await stack.enter_async_context(Wake.open(link, bell, feed.wake))
        auth = Authenticator(settings.api_keys, database)
        webhooks = Outgoing(
            database,
            queue,
            gate,
            Sender(
                Addresses(settings.webhooks.allowed_networks, sandbox=settings.environment == "sandbox"),
                clock,
                seconds=settings.webhooks.timeout,
            ),
            Payloads(_schema(), lambda: services, settings.limits),
            auth.owner,
            settings.webhooks,
        )
        services = Services(
            settings,
            database,
            clock,
            tools,
            meter,
            queue,
            projector,
            graph,
            sync,
            checkout,
            gate,
            erasures,
            reports,
            importing,
            exporting,
            cache,
            _redis_state(link),
            feed,
            webhooks,
            files,
        )
        inbox = Inbox(database, queue, tools, clock, sleep=sleep)
        handlers = Handlers()
        handlers.add(INBOX_JOB, inbox.handling.handle, versions={1})
        handlers.add(URGENT_JOB, inbox.handling.handle_urgent, versions={1})
        handlers.add(SYNC_JOB, sync.handle, versions={1})
        handlers.add(REBUILD_JOB, TotalsRebuild(database, queue, clock).handle, versions={1})
        handlers.add(IMPORT_JOB, importing.handle, versions={1})
        handlers.add(EXPORT_JOB, exporting.handle, versions={1})
        handlers.add(EXPORT_EXPIRE_JOB, exporting.expire, versions={1})
        for part in (
            checkout,
            erasures,
            reports,
            retention,
            webhooks,
            points_expiry,
            earning,
            reconciliation,
            files,
            handovers,
            audiences,
            store_stock,
            red_packets,
            profit_shares,
            activities,
            group_sends,
            publications,
        ):
            part.register(handlers)
        connect(inbox.handling, projector, tools, checkout, profit_shares, settings, cache, gate)
        worker = Worker(queue, handlers, lanes=_lanes(settings), clock=clock, sleep=sleep)
        stack.push_async_callback(inbox.close)
        # Whatever still runs is handed back before the tools and the database close.
        stack.push_async_callback(worker.stop, 0)
        recurring = (
            retention.daily,
            points_expiry.daily,
            reconciliation.daily,
            reconciliation.afternoon,
            files.sweeping,
            handovers.settling,
            audiences.sweeping,
            store_stock.settling,
            red_packets.settling,
            profit_shares.settling,
            activities.settling,
            group_sends.settling,
            publications.settling,
        )
        gateway = Gateway(
            clock, services, inbox, worker, auth, wire, health.States(services), recurring,
            Again(lambda: gateway.auth, clock), reconciliation,
        )  # fmt: skip
        yield gateway


def _lanes(settings: Settings) -> tuple[Lane, ...]:
    """Welcome codes; webhooks, which are handled many at a time; everything else; and below it deliveries."""
    return (
        Lane(URGENT, 4),
        Lane(INBOX_PRIORITY, 2 * TOGETHER),
        Lane(ORDINARY, 4),
        Lane(None, settings.webhooks.concurrency),
    )


async def _redis(stack: AsyncExitStack, settings: Settings, keyring: Keyring) -> RedisLink | None:
    if not settings.redis_url:
        return None
    return await stack.enter_async_context(RedisLink.open(settings.redis_url, keyring))


def _store(settings: Settings, link: RedisLink | None) -> Store | None:
    if settings.cache.bytes == 0:
        return None
    return MemoryStore(settings.cache.bytes) if link is None else RedisStore(link)


def _redis_state(link: RedisLink | None) -> Callable[[], RedisState]:
    return lambda: "OFF" if link is None else link.state


def create_app(
    settings: Settings,
    *,
    transport: Transport | None = None,
    on_open: Callable[[Gateway], Awaitable[None]] | None = None,
) -> Starlette:
    """The ASGI application. ``app.state.gateway`` is set while it runs.

    ``on_open`` is awaited before the first request is served.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_gateway(settings, transport=transport) as gateway:
            app.state.gateway = gateway
            app.state.before_stop = gateway.services.feed.close
            app.state.metered = metrics.Parts(
                gateway.services, graphql.meter, graphql.plans.counts, gateway.inbox.refused
            )
            if on_open is not None:
                await on_open(gateway)
            for each in gateway.recurring:
                await each.ensure()
            await gateway.services.webhooks.start()
            gateway.worker.start()
            try:
                yield
            finally:
                await gateway.services.webhooks.stop()
                await gateway.worker.stop(10)
                # A checkout goes on when its client leaves; what it uses is closed after it.
                await sockets.drain()
                await gateway.services.checkout.drain()

    graphql = GraphQLRoute(
        _schema(),
        lambda: app.state.gateway.services,
        lambda: app.state.gateway.auth,
    )
    operations = Operations(graphql, lambda: app.state.gateway.services, lambda: app.state.gateway.again)
    sockets = Sockets(operations)
    app = Starlette(
        lifespan=lifespan,
        routes=[
            Route("/graphql", _Endpoint(graphql, EventStreams(operations)), methods=["GET", "POST"]),
            WebSocketRoute("/graphql", sockets),
            Route("/hooks/{tool}/{account}", _hook, methods=["GET", "POST"]),
            Route("/hooks/{tool}/{account}/{tail:path}", _hook, methods=["GET", "POST"]),
            Route("/exports/{id}", _export),
            Route("/health", _health),
            Route("/metrics", _metrics),
        ],
    )
    return app


class _Endpoint:
    """``/graphql`` over HTTP: one answer, or a stream of them for whoever accepts that."""

    def __init__(self, route: GraphQLRoute, streams: EventStreams) -> None:
        self.route = route
        self.streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        accepted = next((value for name, value in scope["headers"] if name == b"accept"), b"")
        await (self.streams if b"text/event-stream" in accepted else self.route)(scope, receive, send)


async def _hook(request: Request) -> Response:
    gateway: Gateway = request.app.state.gateway
    limits = gateway.services.settings.limits
    try:
        async with asyncio.timeout(limits.webhook_seconds):
            body = await read_body(request.receive, limits.webhook_bytes)
    except BodyTooLarge:
        return _plain_error(413, "BODY_TOO_LARGE")
    except TimeoutError:
        return _plain_error(408, "BODY_TOO_SLOW")
    except ClientGone:
        return _plain_error(400, "HOOK_REFUSED")
    values = request.path_params
    try:
        reply = await gateway.inbox.receive(
            values["tool"],
            values["account"],
            WebhookRequest(
                method=request.method,
                query=dict(request.query_params),
                headers={name.lower(): value for name, value in request.headers.items()},
                body=body,
                tail=values.get("tail", "").strip("/"),
            ),
        )
    except UnknownHook as error:
        return _plain_error(404, error.code)
    except WebhookRefused as error:
        return _plain_error(error.status, "HOOK_REFUSED")
    except DatabaseError as error:
        # Not stored, so not answered with success: the platform sends it again.
        log.warning("a webhook of %s/%s could not be stored: %s", values["tool"], values["account"], error.code)
        return _plain_error(503, error.code)
    except Exception as error:
        # Here and not in the server, which would log what the error says.
        log.error("a webhook of %s failed: %s", values["tool"][:40], trace(error))  # noqa: TRY400
        return _plain_error(500, "INTERNAL")
    return Response(reply.body, reply.status, media_type=reply.media_type)


async def _export(request: Request) -> Response:
    """The lines of a finished export, for the caller who asked for it."""
    gateway: Gateway = request.app.state.gateway
    try:
        caller = await gateway.auth.principal(request.headers.get("x-api-key"), None, gateway.clock.now())
        lines = await gateway.services.exporting.content(caller, request.path_params["id"])
    except NotAuthenticated as error:
        return _plain_error(401, error.code)
    except Forbidden as error:
        return _plain_error(403, error.code)
    except ExportRefused as error:
        return _plain_error(_EXPORT_STATUS.get(type(error), 400), error.code)
    headers = {"cache-control": "no-store", "content-disposition": "attachment"}
    return StreamingResponse(iterate_in_threadpool(lines), media_type="application/jsonl", headers=headers)


_EXPORT_STATUS: dict[type[ExportRefused], int] = {ExportUnknown: 404, ExportNotReady: 409, ExportExpired: 410}


@cache
def _schema() -> GraphQLSchema:
    """Built once per process: it takes longer than opening a database, and holds no state."""
    return build_schema()._schema  # noqa: SLF001 — Strawberry shows its graphql-core schema by no other name


def _plain_error(status: int, code: str) -> Response:
    return Response(orjson.dumps({"code": code}), status, media_type="application/json")


async def _metrics(request: Request) -> Response:
    """What operators watch, for a key with the scope operations in either header: Prometheus sends a bearer token."""
    gateway: Gateway = request.app.state.gateway
    shown = credentials(dict(request.headers.raw))
    try:
        caller = await gateway.auth.principal(shown.api_key or shown.session, None, gateway.clock.now())
        caller.require("operations")
    except NotAuthenticated as error:
        return _plain_error(401, error.code)
    except Forbidden as error:
        return _plain_error(403, error.code)
    body, media_type = await metrics.page(request.app.state.metered, request.headers.get("accept", ""))
    return Response(body, media_type=media_type)


async def _health(request: Request) -> Response:
    """Liveness, the environment, and each tool's state; 200 as long as the gateway itself serves.

    Open to load balancers, so it names no account, and asks the platforms every half minute at most.
    """
    gateway: Gateway = request.app.state.gateway
    body = {
        "environment": gateway.services.settings.environment,
        "redis": gateway.services.redis(),
        "tools": await gateway.health.states(),
        "quotas": await gateway.health.quotas(),
        "webhooksOut": await gateway.services.webhooks.counts(),
        "webhooksRefused": {f"{tool}:{reason}": n for (tool, reason), n in gateway.inbox.refused.items()},
    }
    return Response(orjson.dumps(body), media_type="application/json")
