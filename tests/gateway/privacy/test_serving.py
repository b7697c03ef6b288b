"""A member is erased and the master key rotated while clients read and write; then every byte is searched."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import orjson
import psycopg
import pytest
from sqlalchemy import func, select

from adapters.base.secrets import Secret
from adapters.registry import TOOLS
from gateway.app import Gateway, create_app
from gateway.database import Database, Keyring, rotation
from gateway.database.errors import MasterKeyWrong
from gateway.database.tables.facts import fact
from gateway.database.tables.members import identity
from gateway.database.tables.privacy import sealed_record
from gateway.database.tables.projections import payment, purchase
from gateway.demo import documents
from gateway.demo.stage import Keys, register_webhooks, sandbox_settings
from gateway.ports import listen
from gateway.serving import serving
from gateway.settings import ApiKey
from sandbox.server import Sandbox
from sandbox.world import Person
from tests.conftest import StartSandbox
from tests.databases import MASTER
from tests.gateway.evening import Client
from tests.gateway.privacy.test_leaks import recorded

pytestmark = pytest.mark.long

NEW = bytes(reversed(range(32)))
PRIVACY = ApiKey(id="dpo", key=Secret("the-data-protection-officer"), audience="hq", scopes=frozenset({"privacy"}))

ERASE = "mutation ($input: MemberEraseInput!) { memberErase(input: $input) { __typename ... on MemberErasure { id state } ... on Problem { code } } }"  # noqa: E501
ERASURE = """query ($id: ID!) { node(id: $id) { ... on MemberErasure { state erasedAt report {
  keysDestroyed files tables { table action rows ground until } platforms { tool holds ask } } } } }"""
REPORT = "mutation ($input: MemberAccessReportInput!) { memberAccessReport(input: $input) { __typename ... on MemberAccessReport { id state document } ... on Problem { code } } }"  # noqa: E501
READ = "query ($id: ID!) { node(id: $id) { ... on MemberAccessReport { state document } } }"
ME = "{ me { id name phone orders(first: 5) { nodes { id } } timeline(first: 5) { nodes { summary } } } }"


@dataclass(slots=True)
class Shop:
    """A served gateway over all platforms, and its clients."""

    sandbox: Sandbox
    gateway: Gateway
    url: str
    keys: Keys

    def person(self, story: str) -> Person:
        return self.sandbox.world.people[self.sandbox.world.cast[story]]

    @property
    def app(self) -> str:
        return self.sandbox.world.mini_programs[0].appid

    def client(self, key: str, session: str | None = None) -> Client:
        return Client(self.url, key, session)

    async def act(self, platform: str, action: str, **values: Any) -> Any:
        return await self.sandbox.platforms[platform].actions()[action](values)

    async def login(self, story: str) -> str:
        code = (await self.act("mini_program_store", "login_code", appid=self.app, person=self.person(story).key))[
            "code"
        ]
        data = await self.client(self.keys.frontend).data(documents.SESSION, input={"app": self.app, "code": code})
        return str(data["sessionCreate"]["token"])

    async def quiet(self) -> None:
        await self.sandbox.kit.pusher.settle()
        while await self.gateway.services.queue.due():
            self.gateway.services.queue.wake()
            await asyncio.sleep(0.02)

    async def pass_time(self, by: timedelta) -> None:
        self.sandbox.kit.clock.advance(by)
        self.gateway.clock.advance(by)
        await self.quiet()

    async def buy(self, session: str, key: str) -> None:
        client = self.client(self.keys.frontend, session)
        basket = {"lines": [{"sku": "SL-DOWN-1M", "quantity": 1}], "method": "EXPRESS"}
        payable = (await client.data(documents.QUOTE, input=basket))["checkoutQuote"]["payable"]["amount"]
        order = {**basket, "expectedPayable": payable, "idempotencyKey": key}
        bought = (await client.data(documents.BUY, input=order))["checkout"]
        await self.act("payments", "pay", payment_request=bought["paymentRequest"])
        await self.quiet()


@pytest.fixture
async def shop(start_sandbox: StartSandbox, database_url: str) -> AsyncIterator[Shop]:
    async with AsyncExitStack() as stack:
        sandbox = await start_sandbox(*(spec.name for spec in TOOLS), size=60)
        sandbox.kit.clock.advance(timedelta(seconds=2))
        listener = listen("127.0.0.1", 0)
        port = listener.getsockname()[1]
        keys = Keys("hq_" + "0" * 24, "mp_" + "0" * 24)
        settings = sandbox_settings(
            sandbox.describe(),
            database=database_url,
            host="127.0.0.1",
            port=port,
            keys=keys,
            master_key=base64.b64encode(MASTER).decode(),
        )
        accepted = (Secret(base64.b64encode(NEW).decode()),)
        api_keys = (*settings.api_keys, PRIVACY)
        settings = msgspec.structs.replace(settings, master_keys_accepted=accepted, api_keys=api_keys)
        register_webhooks(sandbox, settings)
        app = create_app(settings, on_open=lambda gateway: gateway.first_sync())
        await stack.enter_async_context(serving(app, listener))
        yield Shop(sandbox, app.state.gateway, f"http://127.0.0.1:{port}", keys)


class Crowd:
    """Clients that read and write all the time. Whatever is no plain success is kept."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.asked = 0
        self.errors: list[Any] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Crowd:
        session = await self.shop.login("expired_coupon")
        shop = self.shop
        other = {"app": shop.app, "openid": shop.person("expired_coupon").openids[shop.app]}
        consent = {"input": {"purpose": "MARKETING", "given": True, "policyVersion": "1"}}
        basket = {"input": {"lines": [{"sku": "SL-DOWN-1M", "quantity": 1}], "method": "EXPRESS"}}
        shopper, hq = shop.client(shop.keys.frontend, session), shop.client(shop.keys.hq)
        members = "{ members(first: 20) { nodes { id name phone identities { value } } } }"
        work = [
            (hq, documents.WHOLE_MEMBER, other), (hq, members, {}), (shopper, ME, {}),
            (shopper, documents.CONSENT, consent), (shopper, documents.QUOTE, basket),
        ]  # fmt: skip
        self._tasks = [asyncio.create_task(self._go(*each)) for each in work]
        self._tasks.append(asyncio.create_task(self._login()))
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _go(self, client: Client, document: str, variables: dict[str, Any]) -> None:
        while True:
            answer = await client.ask(document, **variables)
            self.asked += 1
            if "errors" in answer or '"code"' in str(answer["data"].get("consentRecord", "")):
                self.errors.append(answer)
            await asyncio.sleep(0.01)

    async def _login(self) -> None:
        while True:
            await self.shop.login("expired_coupon")
            self.asked += 1
            await asyncio.sleep(0.05)


def stored_bytes(url: str) -> bytes:
    """Every byte of a SQLite database with its log, or of every table of a PostgreSQL schema as COPY gives it."""
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        return b"".join(each.read_bytes() for each in sorted(path.parent.glob(path.name + "*")))
    found = bytearray()
    with psycopg.connect(url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()").fetchall()
        for (table,) in tables:
            for form in ("binary", "text"):
                with connection.cursor().copy(f'COPY "{table}" TO STDOUT (FORMAT {form})') as copy:  # type: ignore[arg-type]
                    for chunk in copy:
                        found += chunk
    return bytes(found)


async def test_a_member_is_erased_and_the_key_rotated_while_clients_go_on(shop: Shop, database_url: str) -> None:
    gateway, who = shop.gateway, shop.person("protagonist")
    database = gateway.services.database
    session = await shop.login("protagonist")
    await shop.buy(session, "an-order-to-be-sealed")
    mine = shop.client(shop.keys.frontend, session)
    me = (await mine.data(ME))["me"]
    assert me["orders"]["nodes"]

    with recorded() as log:
        report = await _report(shop, mine, me["id"], who)
        async with Crowd(shop) as crowd:
            async with Database.open(database_url, Keyring(NEW, accepted=[MASTER])) as operator:
                rotated = await rotation.rotate(operator)
            erased = (await mine.data(ERASE, input={}))["memberErase"]
            assert (erased["__typename"], erased["state"]) == ("MemberErasure", "QUEUED")
            again = (await shop.client(PRIVACY.key.reveal()).data(ERASE, input={"member": me["id"]}))["memberErase"]
            assert again == erased
            # The session has ended with the request.
            assert (await mine.ask(ME))["errors"][0]["extensions"]["code"] == "SESSION_UNKNOWN"
            await shop.pass_time(timedelta(seconds=61))
            await shop.pass_time(timedelta(seconds=91))
            before = crowd.asked
            while crowd.asked < before + 20:  # noqa: ASYNC110 - clients tell nobody.
                await asyncio.sleep(0.05)
            async with Database.open(database_url, Keyring(NEW, accepted=[MASTER])) as operator:
                # The gateway still wraps new keys by the former master key; the last pass is after its restart.
                rotated += await rotation.rotate(operator)
        assert crowd.errors == []
        assert rotated > 60

    node = (await shop.client(shop.keys.frontend).data(ERASURE, id=erased["id"]))["node"]
    assert node["state"] == "DONE"
    assert node["report"]["files"] > 0
    assert {each["tool"] for each in node["report"]["platforms"]} == {spec.name for spec in TOOLS}
    sealed = {each["table"]: each for each in node["report"]["tables"] if each["action"] == "SEAL"}
    assert {"purchase", "purchase_line", "payment"} <= set(sealed)
    assert sealed["purchase"]["until"] == "2029-11-11"
    hq = shop.client(shop.keys.hq)
    gone = await hq.data(documents.WHOLE_MEMBER, app=shop.app, openid=who.openids[shop.app])
    assert gone == {"member": None}
    assert (await hq.data("query ($id: ID!) { node(id: $id) { id } }", id=me["id"])) == {"node": None}
    assert (await shop.client(PRIVACY.key.reveal()).data(READ, id=report))["node"] is None
    assert (await hq.data("query ($id: ID!) { node(id: $id) { id } }", id=me["orders"]["nodes"][0]["id"]))[
        "node"
    ] is None

    _search(who, stored_bytes(database_url), log.lines)
    with pytest.raises(MasterKeyWrong):
        async with Database.open(database_url, Keyring(MASTER)):
            pass
    await _reads_again(shop, who, database)


async def _report(shop: Shop, mine: Client, member: str, who: Person) -> str:
    """Ask for an access report; its id. Only the shopper and the scope privacy get it."""
    asked = (await mine.data(REPORT, input={}))["memberAccessReport"]
    assert (asked["__typename"], asked["document"]) == ("MemberAccessReport", None)
    await shop.quiet()
    read = (await mine.data(READ, id=asked["id"]))["node"]
    assert read["state"] == "READY"
    document = orjson.loads(read["document"])
    text = read["document"]
    assert who.phone in text
    assert who.unionid in text
    assert who.openids[shop.app] in text
    rows = {each["table"]: len(each["rows"]) for each in document["holdings"]}
    assert rows["member"] == 1 + len(document["formerIds"])
    assert rows["purchase"] >= 1
    assert all(each["purpose"] and each["ground"] and each["kept"] for each in document["holdings"])
    by_scope = (await shop.client(PRIVACY.key.reveal()).data(READ, id=asked["id"]))["node"]
    assert by_scope["document"] == text
    other = shop.client(shop.keys.frontend, await shop.login("expired_coupon"))
    for stranger in (other, shop.client(shop.keys.hq), shop.client(shop.keys.frontend)):
        assert (await stranger.ask(READ, id=asked["id"]))["data"]["node"] is None
    for document_ in (REPORT, ERASE):
        refused = await other.ask(document_, input={"member": member})
        assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        nobody = (await shop.client(shop.keys.frontend).data(document_, input={})).popitem()[1]
        assert nobody["code"] == "SESSION_REQUIRED"
    kinds = select(fact.c.kind).where(fact.c.kind.like("privacy.report%")).order_by(fact.c.id)
    told = [row.kind for row in await shop.gateway.services.database.fetch(kinds)]
    assert told == ["privacy.report_requested", "privacy.report_read", "privacy.report_read"]
    return str(asked["id"])


def _search(who: Person, data: bytes, lines: list[str]) -> None:
    values = [who.name, who.phone, who.unionid, who.external_userid, *who.openids.values()]
    assert [value for value in values if value and value.encode() in data] == []
    assert [value for value in values if value and any(value in line for line in lines)] == []


async def _reads_again(shop: Shop, who: Person, database: Database) -> None:
    """The platforms tell everything again, and a lost contact: nothing comes back. A new login is somebody new."""
    before = {
        table: (await database.one(select(func.count().label("n")).select_from(table))).n  # type: ignore[union-attr]
        for table in (sealed_record, purchase, payment)
    }
    hashes = [
        database.keyring.hash(each, "identity") for each in (who.unionid, *who.openids.values(), who.external_userid)
    ]
    known = select(identity.c.id).where(identity.c.value_hash.in_(hashes))
    await shop.gateway.services.sync.enqueue()
    await shop.quiet()
    with suppress(Exception):
        await shop.act("enterprise_chat", "delete_contact", person=who.key, userid="chenyutong", by="CUSTOMER")
    await shop.quiet()
    assert await database.fetch(known) == []
    for table, rows in before.items():
        row = await database.one(select(func.count().label("n")).select_from(table))
        assert row is not None
        assert row.n == rows, table.name

    shop.sandbox.kit.clock.advance(timedelta(minutes=1))
    shop.gateway.clock.advance(timedelta(minutes=1))
    session = await shop.login("protagonist")
    me = (await shop.client(shop.keys.frontend, session).data(ME))["me"]
    assert (me["name"], me["orders"]["nodes"]) == (None, [])
