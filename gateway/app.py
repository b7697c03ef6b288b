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
from starlette.routing import Route

from adapters.base.errors import NotFound
from adapters.base.transport import PyreqwestTransport, Transport
from adapters.base.webhooks import WebhookRefused, WebhookRequest
from adapters.enterprise_chat import (
    ContactAdded,
    ContactEdited,
    ContactRemoved,
    CorpTagsChanged,
    EmployeeChanged,
    EnterpriseChatAdapter,
    GroupChanged,
)
from adapters.mini_program_store import AfterSaleChanged, MiniProgramStoreAdapter, OrderChanged, ProductChanged
from adapters.official_account import FollowerChanged, Interacted, QrScanned
from adapters.payments import PaymentNotice, RefundNotice
from adapters.social_ads import AdClick
from adapters.wechat.subscribe import SubscribeAnswered, SubscribeEnded
from gateway.access.principal import Authenticator, Forbidden, NotAuthenticated
from gateway.bulk.exporting import EXPIRE_JOB as EXPORT_EXPIRE_JOB
from gateway.bulk.exporting import JOB as EXPORT_JOB
from gateway.bulk.exporting import ExportExpired, Exporting, ExportNotReady, ExportRefused, ExportUnknown
from gateway.bulk.importing import JOB as IMPORT_JOB
from gateway.bulk.importing import Importing
from gateway.cache import EntityCache, MemoryStore, RedisStore, Store, tags
from gateway.context import Services
from gateway.database import Database, Keyring
from gateway.database.errors import DatabaseError
from gateway.database.traces import trace
from gateway.events.inbox import JOB as INBOX_JOB
from gateway.events.inbox import Inbox, UnknownHook
from gateway.events.master import import_master_data
from gateway.events.projections import enterprise_chat, mini_program_store, official_account, places, social_ads
from gateway.events.projector import Projector
from gateway.events.purging import Purging
from gateway.events.sync.run import JOB as SYNC_JOB
from gateway.events.sync.run import Sync
from gateway.graphql_route import GraphQLRoute
from gateway.jobs import Handlers, Queue, Worker
from gateway.members import grants
from gateway.members.access_report import AccessReports
from gateway.members.erasure import Erasures
from gateway.members.gate import Gate
from gateway.members.graph import IdentityGraph
from gateway.members.points import EXPIRE_JOB, PointsExpiry
from gateway.members.retention import Retention
from gateway.members.totals import REBUILD_JOB, TotalsRebuild
from gateway.reconciliation import Reconciliation
from gateway.resolvers import health
from gateway.runtime import CountingMeter, OpenTools, SystemClock, open_tools
from gateway.runtime.redis import RedisLink, RedisState
from gateway.schema import build_schema
from gateway.selections import Selections
from gateway.settings import Settings
from gateway.transactions.checkout import CheckoutService

log = logging.getLogger(__name__)

WORKERS = 4


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
    retention: Retention
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
        wire = await stack.enter_async_context(PyreqwestTransport()) if transport is None else transport
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
        retention = Retention(database, queue, settings.privacy)
        reconciliation = Reconciliation(projector, queue, tools, checkout)
        importing = Importing(projector, graph, queue)
        selections = Selections(_schema(), lambda: services, settings.limits)
        exporting = Exporting(projector, queue, settings.exports, selections, gate)
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
        )
        inbox = Inbox(database, queue, tools, clock)
        handlers = Handlers()
        handlers.add(INBOX_JOB, inbox.handle, versions={1})
        handlers.add(SYNC_JOB, sync.handle, versions={1})
        handlers.add(EXPIRE_JOB, PointsExpiry(database, clock).handle, versions={1})
        handlers.add(REBUILD_JOB, TotalsRebuild(database, queue, clock).handle, versions={1})
        handlers.add(IMPORT_JOB, importing.handle, versions={1})
        handlers.add(EXPORT_JOB, exporting.handle, versions={1})
        handlers.add(EXPORT_EXPIRE_JOB, exporting.expire, versions={1})
        for part in (checkout, erasures, reports, retention, reconciliation):
            part.register(handlers)
        _connect(inbox, projector, tools, checkout, settings, cache)
        worker = Worker(queue, handlers, concurrency=WORKERS, clock=clock, sleep=sleep)
        # Whatever still runs is handed back before the tools and the database close.
        stack.push_async_callback(worker.stop, 0)
        auth = Authenticator(settings.api_keys, database)
        yield Gateway(clock, services, inbox, worker, auth, wire, health.States(services), retention, reconciliation)


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


def _connect(
    inbox: Inbox,
    projector: Projector,
    tools: OpenTools,
    checkout: CheckoutService,
    settings: Settings,
    cache: EntityCache,
) -> None:
    """What is done with each kind of event. Store and contact events are hints: the object is read again."""
    flagship = settings.tools.get("mini_program_store", {}).get("accounts", {}).get(settings.checkout.app, {})
    advertised = str(flagship.get("appid", ""))

    async def order(account: str, event: OrderChanged) -> None:
        adapter, seen = tools.get(MiniProgramStoreAdapter, account), projector.asking()
        records = [o for o in await adapter.orders([event.order_id]) if not isinstance(o, NotFound)]
        await mini_program_store.orders(seen, records, source="webhook")

    async def after_sale(account: str, event: AfterSaleChanged) -> None:
        adapter, seen = tools.get(MiniProgramStoreAdapter, account), projector.asking()
        records = [a for a in await adapter.after_sales([event.after_sale_id]) if not isinstance(a, NotFound)]
        await mini_program_store.after_sales(seen, records, source="webhook")

    async def product(account: str, event: ProductChanged) -> None:
        adapter, seen = tools.get(MiniProgramStoreAdapter, account), projector.asking()
        records = [p for p in await adapter.products([event.product_id]) if not isinstance(p, NotFound)]
        await mini_program_store.products(seen, records)

    async def contact(account: str, event: ContactAdded | ContactEdited) -> None:
        seen = projector.asking()
        found = await tools.get(EnterpriseChatAdapter, account).contact(event.external_userid)
        if not isinstance(found, NotFound):
            await enterprise_chat.contacts(seen, found, source="webhook")
        # An edited contact adds no fact.
        cache.purge([tags.person(account, event.external_userid)])

    async def group(account: str, event: GroupChanged) -> None:
        seen = projector.asking()
        found = await tools.get(EnterpriseChatAdapter, account).groups([event.chat_id])
        records = [g for g in found if not isinstance(g, NotFound)]
        await enterprise_chat.groups(seen, records, source="webhook")

    async def employee(account: str, event: EmployeeChanged) -> None:
        [found] = await tools.get(EnterpriseChatAdapter, account).employees([event.userid])
        if isinstance(found, NotFound):
            await places.guides_left(projector, account, [event.userid], event.at, "webhook")
            cache.purge([tags.account(account)])
        else:
            await places.guides(projector, account, [found])

    async def corp_tags(account: str, _event: CorpTagsChanged) -> None:
        seen = projector.asking()
        await enterprise_chat.tags(seen, account, await tools.get(EnterpriseChatAdapter, account).corp_tags())

    async def follower(_account: str, event: FollowerChanged) -> None:
        await official_account.changed(projector, event)

    async def interacted(_account: str, event: Interacted | QrScanned) -> None:
        await official_account.interacted(projector, event)

    async def subscribed(_account: str, event: SubscribeAnswered | SubscribeEnded) -> None:
        await grants.told(projector, event)

    async def removed(account: str, event: ContactRemoved) -> None:
        await enterprise_chat.removed(projector, event)
        cache.purge([tags.person(account, event.external_userid)])

    async def click(_account: str, event: AdClick) -> None:
        await social_ads.clicked(projector, event, advertised)

    inbox.handlers.update(
        {
            OrderChanged: order,
            AfterSaleChanged: after_sale,
            ProductChanged: product,
            ContactAdded: contact,
            ContactEdited: contact,
            ContactRemoved: removed,
            GroupChanged: group,
            EmployeeChanged: employee,
            CorpTagsChanged: corp_tags,
            FollowerChanged: follower,
            Interacted: interacted,
            QrScanned: interacted,
            SubscribeAnswered: subscribed,
            SubscribeEnded: subscribed,
            AdClick: click,
            PaymentNotice: checkout.on_payment,
            RefundNotice: checkout.on_refund,
        }
    )


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
            if on_open is not None:
                await on_open(gateway)
            await gateway.retention.schedule()
            await gateway.reconciliation.schedule()
            gateway.worker.start()
            try:
                yield
            finally:
                await gateway.worker.stop(10)
                # A checkout goes on when its client leaves; what it uses is closed after it.
                await gateway.services.checkout.drain()

    graphql = GraphQLRoute(
        _schema(),
        lambda: app.state.gateway.services,
        lambda: app.state.gateway.auth,
    )
    app = Starlette(
        lifespan=lifespan,
        routes=[
            Route("/graphql", graphql, methods=["GET", "POST"]),
            Route("/hooks/{tool}/{account}", _hook, methods=["GET", "POST"]),
            Route("/hooks/{tool}/{account}/{tail:path}", _hook, methods=["GET", "POST"]),
            Route("/exports/{id}", _export),
            Route("/health", _health),
        ],
    )
    return app


async def _hook(request: Request) -> Response:
    gateway: Gateway = request.app.state.gateway
    limit = gateway.services.settings.limits.webhook_bytes
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            return _plain_error(413, "BODY_TOO_LARGE")
    values = request.path_params
    try:
        reply = await gateway.inbox.receive(
            values["tool"],
            values["account"],
            WebhookRequest(
                method=request.method,
                query=dict(request.query_params),
                headers={name.lower(): value for name, value in request.headers.items()},
                body=bytes(body),
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
        "webhooksRefused": {f"{tool}:{reason}": n for (tool, reason), n in gateway.inbox.refused.items()},
    }
    return Response(orjson.dumps(body), media_type="application/json")
