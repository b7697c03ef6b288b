"""Many buyers and few pieces: five hundred phones at once, over HTTP, against a gateway that is served."""

from __future__ import annotations

import asyncio
import base64
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec
import pytest
import uvicorn
from sqlalchemy import func, select

from adapters.base.secrets import Secret
from gateway.app import Gateway, create_app
from gateway.database.tables.facts import fact
from gateway.database.tables.projections import purchase
from gateway.database.tables.stock import stock
from gateway.demo import documents
from gateway.ports import listen
from gateway.settings import Settings
from sandbox.http1 import Answer, request
from tests.conftest import StartSandbox
from tests.databases import *  # noqa: F403
from tests.databases import MASTER
from tests.gateway.evening import KEYS, Client, PromptServer
from tests.gateway.transactions.shop import COAT, TOOLS, settings_for, stock_shelves

T = TypeVar("T")

BUYERS, PIECES = 500, 50
#: Nothing was done, or it is being done: a phone repeats the request under the same key. Here gateway, platforms and
#: phones share one loop, so that a platform may well seem down.
NOT_DONE = {"UNAVAILABLE", "OUTCOME_UNKNOWN", "IDEMPOTENCY_IN_FLIGHT", "SAGA_BUSY", "TRANSACTION_ROLLED_BACK"}
ROUNDS = 50
ADJUST = """
mutation Adjust($input: StockAdjustInput!) {
  stockAdjust(input: $input) { ... on StockAdjusted { onHand reserved } ... on Problem { code message } }
}
"""
BUY = """
mutation Buy($input: CheckoutInput!) {
  checkout(input: $input) {
    ... on Checkout { order { id } paymentRequest { package } transaction { state } }
    ... on Problem { code retryable }
  }
}
"""


class Patient(Client):
    """Waits for its answer: what is counted here is orders, not time."""

    async def send(self, method: str, body: bytes = b"", *, query: str = "", **headers: str) -> Answer:
        return await request(method, f"{self.url}/graphql{query}", self.headers | headers, body, seconds=300)


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[tuple[Gateway, str]]:
    """A gateway on a port of its own, with room in its backlog for everybody."""
    listener = listen("127.0.0.1", 0)
    listener.listen(BUYERS * 2)
    app = create_app(settings)
    server = PromptServer(
        uvicorn.Config(app, log_config=None, access_log=False, lifespan="on", ws="none", backlog=1024)
    )
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            assert not task.done(), "the gateway did not start"
            await asyncio.sleep(0.01)
        yield app.state.gateway, f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.stop()
        await task


async def few_at_once(work: list[Callable[[], Awaitable[T]]], most: int = 8) -> list[T]:
    slots = asyncio.Semaphore(most)

    async def one(do: Callable[[], Awaitable[T]]) -> T:
        async with slots:
            return await do()

    return await asyncio.gather(*(one(each) for each in work))


@pytest.mark.long
async def test_fifty_pieces_among_five_hundred_buyers(start_sandbox: StartSandbox, database_url: str) -> None:
    """Fifty orders, four hundred and fifty clean refusals, nothing left and nothing owed."""
    sandbox = await start_sandbox(*TOOLS, size=BUYERS + 20)
    described = sandbox.describe()
    settings = msgspec.structs.replace(
        settings_for(sandbox, database_url),
        api_keys=tuple(KEYS.values()),
        master_key=Secret(base64.b64encode(MASTER).decode()),
        clock_offset_seconds=described["clockOffsetSeconds"],
    )
    appid = sandbox.world.mini_programs[0].appid
    people = [key for key, each in sandbox.world.people.items() if appid in each.openids][:BUYERS]
    assert len(people) == BUYERS
    async with served(settings) as (gateway, url):
        await stock_shelves(gateway.services.tools, gateway.services.projector, sandbox)
        hq = Client(url, KEYS["hq"].key.reveal())
        before = await level(gateway)
        change = {"sku": COAT, "delta": PIECES - before[0], "reason": "flash sale", "idempotencyKey": "for-the-rush"}
        answer = (await hq.data(ADJUST, input=change))["stockAdjust"]
        assert answer == {"onHand": PIECES, "reserved": 0}

        async def login(person: str) -> str:
            asked = {"appid": appid, "person": person}
            code = (await sandbox.platforms["mini_program_store"].actions()["login_code"](asked))["code"]
            client = Client(url, KEYS["frontend"].key.reveal())
            return str(
                (await client.data(documents.SESSION, input={"app": appid, "code": code}))["sessionCreate"]["token"]
            )

        tokens = await few_at_once([lambda person=person: login(person) for person in people])  # type: ignore[misc]

        basket = {"lines": [{"sku": COAT, "quantity": 1}], "method": "EXPRESS"}
        first = Client(url, KEYS["frontend"].key.reveal(), tokens[0])
        payable = (await first.data(documents.QUOTE, input=basket))["checkoutQuote"]["payable"]["amount"]

        async def buy(number: int, token: str) -> dict[str, Any]:
            client = Patient(url, KEYS["frontend"].key.reveal(), token)
            asked = {**basket, "expectedPayable": payable, "idempotencyKey": f"buyer-{number:04d}"}
            found: dict[str, Any] = (await client.data(BUY, input=asked))["checkout"]
            for _ in range(ROUNDS):
                if found.get("code") not in NOT_DONE:
                    break
                found = (await client.data(BUY, input=asked))["checkout"]
            return found

        answers = await asyncio.gather(*(buy(number, token) for number, token in enumerate(tokens)))
        bought = [each for each in answers if "order" in each]
        refused = Counter((each["code"], each["retryable"]) for each in answers if "order" not in each)
        assert refused == {("OUT_OF_STOCK", True): BUYERS - PIECES}
        assert len({each["order"]["id"] for each in bought}) == PIECES
        assert {each["transaction"]["state"] for each in bought} == {"AWAITING_PAYMENT"}
        assert await level(gateway) == (PIECES, PIECES)
        rows = await gateway.services.database.fetch(select(purchase.c.state, func.count()).group_by(purchase.c.state))
        orders = {row[0]: row[1] for row in rows}
        assert orders.pop("UNPAID") == PIECES
        # Tries whose prepay did not get through in time, each given back.
        assert orders.keys() <= {"CLOSED"}
        [moved] = await gateway.services.database.fetch(select(fact.c.quantity).where(fact.c.kind == "stock.adjusted"))
        assert moved.quantity == change["delta"]


async def level(gateway: Gateway) -> tuple[int, int]:
    """(on hand, reserved) in the warehouse."""
    row = await gateway.services.database.one(
        select(stock.c.on_hand, stock.c.reserved).where(
            stock.c.sku == COAT, stock.c.location == "CENTRAL", stock.c.channel == "MINI_PROGRAM"
        )
    )
    assert row is not None
    return row.on_hand, row.reserved
