"""A gateway's checkout over the emulated platforms, and what tests ask of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import func, select

import adapters.base.deadline
from adapters.base.deadline import deadline
from adapters.base.errors import NotFound, UpstreamError
from adapters.base.transport import HttpTransport, MaybeSent, Request, Response
from adapters.enterprise_chat import EnterpriseChatAdapter
from adapters.mini_program_store import MiniProgramStoreAdapter
from adapters.payments import Payment, PaymentNotice, PaymentRequest, PaymentsAdapter
from gateway.access.principal import Principal
from gateway.database import Database
from gateway.database.tables.facts import fact
from gateway.database.tables.projections import purchase, purchase_line
from gateway.database.tables.sagas import idempotency, saga
from gateway.database.tables.stock import coupon_lock, stock
from gateway.events.projections import mini_program_store, places
from gateway.events.projections.places import MasterData
from gateway.events.projector import Evidence, Projector
from gateway.jobs import Handlers, Queue, State, Worker
from gateway.members.consent import Purpose, Said, record
from gateway.members.earning import Earning
from gateway.members.gate import Gate
from gateway.members.graph import IdentityGraph
from gateway.runtime import OpenTools
from gateway.settings import Settings, from_mapping
from gateway.transactions.checkout import CheckoutService
from gateway.transactions.records import (
    BasketLine,
    CheckoutDone,
    CheckoutInput,
    CouponRef,
    Problem,
    Quote,
    QuoteInput,
    TransactionView,
)
from sandbox.clock import SandboxClock
from sandbox.erp import master_data
from sandbox.faults import FaultRule, Faults
from sandbox.server import Sandbox

TOOLS = ("payments", "enterprise_chat", "social_ads", "mini_program_store")
COAT = "SL-DOWN-1M"
STORE = "SH-AFL"
MCHID = "1900007291"
FRANCHISE_MCHID = "1900008837"


def settings_for(
    sandbox: Sandbox,
    database_url: str,
    without: tuple[str, ...] = (),
    points: Sequence[Mapping[str, Any]] = (),
    **checkout: Any,
) -> Settings:
    """Settings of a gateway whose tools are the running sandbox's."""
    described = sandbox.describe()
    return from_mapping(
        {
            "environment": "sandbox",
            "database_url": database_url,
            "open_platform": described["openPlatform"],
            "points": points,
            "checkout": {"notify_base": "http://127.0.0.1:9"} | checkout,
            "tools": {
                name: {"accounts": each["accounts"]}
                for name, each in described["platforms"].items()
                if name not in without
            },
        }
    )


@dataclass(slots=True)
class Shop:
    """Everything that a test of checkout needs."""

    sandbox: Sandbox
    database: Database
    tools: OpenTools
    projector: Projector
    queue: Queue
    worker: Worker
    checkout: CheckoutService
    settings: Settings
    buyer: Principal

    # The world ------------------------------------------------------------------------------------

    @property
    def corpid(self) -> str:
        return self.tools.all(EnterpriseChatAdapter)[0].account

    @property
    def guide(self) -> str:
        return f"{self.corpid}:chenyutong"

    @property
    def payments(self) -> PaymentsAdapter:
        return self.tools.get(PaymentsAdapter, MCHID)

    async def act(self, platform: str, action: str, **values: Any) -> Any:
        return await self.sandbox.platforms[platform].actions()[action](values)

    def effects(self, platform: str, kind: str) -> int:
        return len(self.sandbox.kit.journal.of_kind(platform, kind))

    def calls(self, platform: str) -> int:
        return self.sandbox.kit.journal.count(platform)

    def pass_time(self, **by: float) -> None:
        self.sandbox.kit.clock.advance(timedelta(**by))

    def openid(self, key: str) -> str:
        """Of a person of the world, in the flagship mini-program."""
        world = self.sandbox.world
        return world.people[key].openids[world.mini_programs[0].appid]

    async def person(self, key: str) -> Principal:
        """The session of a person of the world, in the flagship mini-program."""
        return await session(self.projector, self.sandbox, key)

    async def allow_ads(self, *, given: bool = True) -> None:
        said = Said(
            member=self.buyer.member or "",
            purpose=Purpose.AD_MATCHING,
            given=given,
            policy_version="1",
            channel="MINI_PROGRAM",
            recorded_by="session",
        )
        await record(self.projector, said)

    # Buying ---------------------------------------------------------------------------------------

    def basket(self, *lines: tuple[str, int], **more: Any) -> QuoteInput:
        """By default one coat, picked up in 安福路店, with 陈雨桐's help."""
        values: dict[str, Any] = {"coupon": None, "method": "PICKUP", "store": STORE, "guide": self.guide} | more
        return QuoteInput(tuple(BasketLine(*each) for each in lines or ((COAT, 1),)), **values)

    async def coupon(self, discount: int = 8000) -> CouponRef:
        """The shopper's coupon 满600减80, as a quote shows it."""
        quote = await self.checkout.quote(self.buyer, self.basket())
        assert isinstance(quote, Quote), quote
        return next(each.ref for each in quote.usable if each.discount == discount)

    async def ask(
        self,
        quote: QuoteInput,
        expected: int,
        key: str = "key-of-a-test",
        *,
        click: str | None = None,
        buyer: Principal | None = None,
        by_code: bool = False,
    ) -> CheckoutDone | Problem:
        return await self.checkout.checkout(buyer or self.buyer, CheckoutInput(quote, expected, key, click, by_code))

    async def buy(self, quote: QuoteInput, expected: int, key: str = "key-of-a-test", **more: Any) -> CheckoutDone:
        done = await self.ask(quote, expected, key, **more)
        assert isinstance(done, CheckoutDone), done
        return done

    async def flagship(self, **more: Any) -> CheckoutDone:
        """The story's purchase: ¥899 less ¥80, picked up."""
        return await self.buy(self.basket(coupon=await self.coupon()), 81900, **more)

    async def pay(self, done: CheckoutDone, **more: Any) -> Payment:
        """The shopper confirms on the phone; what 微信支付 then says of the order."""
        number = done.order_id.rsplit(":", 1)[-1]
        if done.payment_request is not None:
            more["payment_request"] = wire(done.payment_request)
        elif done.code_url is not None:
            more = {"code_url": done.code_url, "payer_openid": self.openid("linxiaowen")} | more
        await self.act("payments", "pay", out_trade_no=number, **more)
        row = await self.order(done.order_id)
        payment = await self.tools.get(PaymentsAdapter, row.mchid).payment(number)
        assert isinstance(payment, Payment)
        return payment

    async def notify(self, payment: Payment) -> None:
        await self.checkout.on_payment(payment.mchid, PaymentNotice(payment))

    async def view(self, done: CheckoutDone) -> TransactionView:
        found = await self.checkout.transaction(done.transaction_id)
        assert found is not None
        return found

    async def steps(self, done: CheckoutDone) -> dict[str, str]:
        return {each.name: each.state for each in (await self.view(done)).steps}

    # The books ------------------------------------------------------------------------------------

    async def order(self, order_id: str) -> Any:
        return await self.database.one(select(purchase).where(purchase.c.id == order_id))

    async def lines(self, order_id: str) -> Sequence[Any]:
        return await self.database.fetch(
            select(purchase_line).where(purchase_line.c.purchase == order_id).order_by(purchase_line.c.line)
        )

    async def own_orders(self) -> Sequence[Any]:
        return await self.database.fetch(
            select(purchase).where(purchase.c.source == "MINI_PROGRAM").order_by(purchase.c.created_at)
        )

    async def pieces(self, sku: str = COAT, location: str = STORE) -> tuple[int, int]:
        """(on hand, reserved)."""
        row = await self.database.one(
            select(stock.c.on_hand, stock.c.reserved).where(stock.c.sku == sku, stock.c.location == location)
        )
        assert row is not None
        return row.on_hand, row.reserved

    async def facts(self, *kinds: str) -> list[Any]:
        return list(await self.database.fetch(select(fact).where(fact.c.kind.in_(kinds)).order_by(fact.c.id)))

    async def counts(self) -> dict[str, int]:
        """Rows that a checkout writes."""
        tables = {"orders": purchase, "sagas": saga, "keys": idempotency, "locks": coupon_lock}
        found = {}
        for name, table in tables.items():
            rows = await self.database.fetch(select(func.count()).select_from(table))
            found[name] = rows[0][0]
        found["queued"] = len(await self.queue.list(state=State.QUEUED))
        return found


#: Seconds that a request has where a platform hangs, instead of its endpoint's ten.
HURRY = 2.0


@contextmanager
def hurried() -> Iterator[None]:
    """A platform that hangs is not waited for: as soon as it does, the request's time is over."""
    ahead = 0.0
    hanging: set[str] = set()
    pick, send = Faults.pick, HttpTransport.send

    def noting(self: Faults, platform: str, endpoint: str) -> list[FaultRule]:
        rules = pick(self, platform, endpoint)
        if any(rule.kind == "hang" for rule in rules):
            hanging.add(endpoint)
        return rules

    async def impatient(self: HttpTransport, request: Request, timeout: float) -> Response:  # noqa: ASYNC109
        nonlocal ahead
        sent = asyncio.ensure_future(send(self, request, timeout))
        while not (await asyncio.wait({sent}, timeout=0.02))[0]:
            if f"{request.method} {urlsplit(request.url).path}" in hanging:
                hanging.clear()
                ahead += HURRY
                sent.cancel()
                await asyncio.wait({sent})
                raise MaybeSent("no answer in time")
        return await sent

    with (
        patch.object(Faults, "pick", noting),
        patch.object(HttpTransport, "send", impatient),
        patch.object(adapters.base.deadline, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + ahead)),
        deadline(HURRY),
    ):
        yield


#: What a refused checkout writes.
NOTHING = {"orders": 0, "sagas": 0, "keys": 0, "locks": 0, "queued": 0}


def wire(request: PaymentRequest) -> dict[str, str]:
    """As ``wx.requestPayment`` takes it."""
    return {
        "timeStamp": request.time_stamp,
        "nonceStr": request.nonce_str,
        "package": request.package,
        "signType": request.sign_type,
        "paySign": request.pay_sign,
    }


async def session(projector: Projector, sandbox: Sandbox, key: str) -> Principal:
    """A person of the world opens the flagship mini-program, and is known from then on."""
    appid = sandbox.world.mini_programs[0].appid
    known = sandbox.world.people[key]
    handles = projector.handles(appid=appid, openid=known.openids[appid], unionid=known.unionid or None)
    async with projector.batch([Evidence(handles, "test.login", projector.clock.now())]) as batch:
        linked = batch.linked[0]
    scopes = frozenset({"checkout"})
    return Principal("mini-program", "frontend", scopes, linked.member, linked.identity, appid)


async def stock_shelves(shop_tools: OpenTools, projector: Projector, sandbox: Sandbox) -> None:
    """Read what checkout needs: stores and stock of the ERP, the catalogue, the guides."""
    await places.master_data(projector, msgspec.convert(master_data(sandbox.world), MasterData))
    store = shop_tools.named(MiniProgramStoreAdapter, "store")
    cursor: str | None = None
    while True:
        page = await store.product_ids(cursor)
        products = [each for each in await store.products(page.items) if not isinstance(each, NotFound)]
        await mini_program_store.products(projector, products)
        cursor = page.next_cursor
        if cursor is None:
            break
    for chat in shop_tools.all(EnterpriseChatAdapter):
        await _hire(chat, projector)


async def _hire(chat: EnterpriseChatAdapter, projector: Projector) -> None:
    employees = await chat.employees(await chat.guide_ids())
    known = [each for each in employees if not isinstance(each, UpstreamError)]
    await places.guides(projector, chat.account, known)


class Skewed:
    """The platforms' clock as another machine has it."""

    def __init__(self, clock: SandboxClock, skew: timedelta) -> None:
        self._clock = clock
        self._skew = skew

    def now(self) -> datetime:
        return self._clock.now() + self._skew


def projector_of(database: Database, settings: Settings, clock: Skewed) -> Projector:
    """Writes what platforms say into a shop's database."""
    return Projector(database, IdentityGraph(database, clock), clock, settings.open_platform)


async def open_shop(sandbox: Sandbox, database: Database, tools: OpenTools, settings: Settings, clock: Skewed) -> Shop:
    """A shop with full shelves that is ready to sell to 林晓雯."""
    projector = projector_of(database, settings, clock)
    queue, handlers = Queue(database, clock), Handlers()
    checkout = CheckoutService(database, queue, tools, projector, clock, settings, Gate(projector, settings.reach))
    checkout.register(handlers)
    earning = Earning(database, queue, clock, settings.points)
    earning.register(handlers)
    projector.followers.append(earning.follow)
    worker = Worker(queue, handlers, clock=clock)
    nobody = Principal("nobody", "frontend", frozenset())
    shop = Shop(sandbox, database, tools, projector, queue, worker, checkout, settings, nobody)
    shop.buyer = await shop.person("linxiaowen")
    return shop
