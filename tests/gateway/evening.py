"""The evening that read tests look at: a running gateway over a sandbox, and more gateways over the same data."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import orjson
import uvicorn

from adapters.base.secrets import Secret
from gateway.app import Gateway, create_app
from gateway.database.counting import Counter, count_statements
from gateway.demo import documents
from gateway.demo.stage import Stage
from gateway.jobs import Backoff
from gateway.ports import listen
from gateway.settings import ApiKey, Cache, Settings
from sandbox.http1 import Answer, request
from sandbox.server import Embedded, Sandbox
from sandbox.world import Person, World

TOOLS = (
    "official_account",
    "payments",
    "mini_program_store",
    "social_ads",
    "cloud_storage",
    "ip_content",
    "enterprise_chat",
)
#: Keys that every gateway of these tests knows, one per kind of caller.
KEYS = {
    "hq": ApiKey(id="hq", key=Secret("hq-with-pii-read"), audience="hq", scopes=frozenset({"pii:read"})),
    "masked": ApiKey(id="masked", key=Secret("hq-without-pii-read"), audience="hq"),
    "guide": ApiKey(id="guide", key=Secret("a-guide-of-a-store"), audience="guide"),
    "frontend": ApiKey(id="frontend", key=Secret("the-mini-program"), audience="frontend"),
    "partner": ApiKey(id="partner", key=Secret("a-partner-system"), audience="partner"),
}


class Client:
    """A client of one gateway: real HTTP, one connection per request."""

    def __init__(self, url: str, key: str | None, session: str | None = None) -> None:
        self.url = url
        self.headers = {"Content-Type": "application/json"}
        if key is not None:
            self.headers["X-API-Key"] = key
        if session is not None:
            self.headers["Authorization"] = f"Bearer {session}"

    async def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """The whole answer to a document."""
        body: dict[str, Any] = orjson.loads((await self.post({"query": document, "variables": variables})).body)
        return body

    async def data(self, document: str, **variables: Any) -> dict[str, Any]:
        """The data of an answer that must have no errors."""
        answer = await self.ask(document, **variables)
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data

    async def post(self, value: Any, **headers: str) -> Answer:
        """Any JSON value as a GraphQL request."""
        return await self.send("POST", orjson.dumps(value), **headers)

    async def send(self, method: str, body: bytes = b"", *, query: str = "", **headers: str) -> Answer:
        """Any bytes. Header names are written with underscores; an empty value takes the header away."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        names = {name.lower() for name in given}
        merged = {name: value for name, value in self.headers.items() if name.lower() not in names} | given
        sent = {name: value for name, value in merged.items() if value}
        return await request(method, f"{self.url}/graphql{query}", sent, body, seconds=30)


@dataclass(slots=True)
class Count:
    """What a block of requests cost: calls that each platform received (ip_content: its SQL), and SQL statements."""

    calls: dict[str, int] = field(default_factory=dict)
    statements: int = 0


class CountedRequests:
    """An app whose statements are counted where a GraphQL request runs them, and not what goes on beside it."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._counters: list[Counter] = []

    @property
    def statements(self) -> int:
        """Of all requests so far."""
        return sum(each.value for each in self._counters)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope.get("path") != "/graphql":
            await self._app(scope, receive, send)
            return
        with count_statements() as counter:
            self._counters.append(counter)
            await self._app(scope, receive, send)


CONSENT = """mutation ($input: MemberConsentRecordInput!) { memberConsentRecord(input: $input) {
  __typename ... on Problem { code message } } }"""


@dataclass(frozen=True, slots=True)
class Served:
    """One gateway, served."""

    sandbox: Sandbox
    gateway: Gateway
    requests: CountedRequests
    url: str
    #: Session tokens by story of the cast.
    sessions: Mapping[str, str]

    @property
    def world(self) -> World:
        """The truth."""
        return self.sandbox.world

    def person(self, story: str) -> Person:
        """Somebody of the cast."""
        return self.world.people[self.world.cast[story]]

    def client(self, caller: str = "hq", story: str | None = None) -> Client:
        """A client with one of KEYS, and with somebody's session."""
        return Client(self.url, KEYS[caller].key.reveal(), None if story is None else self.sessions[story])

    async def says(self, member: str, purpose: str, *, given: bool) -> None:
        """A member's answer about a purpose, as headquarters records it from a form."""
        answer = {"member": member, "purpose": purpose, "given": given, "policyVersion": "2026-11"}
        answer |= {"channel": "STORE", "proof": "签字单"}
        [said] = (await self.client().data(CONSENT, input=answer)).values()
        assert said["__typename"] == "Consent", said

    @contextmanager
    def counted(self) -> Iterator[Count]:
        """Count calls and statements of the requests made inside. Nothing else may make calls meanwhile."""
        count = Count()
        calls, statements = self._calls(), self.requests.statements
        yield count
        count.statements = self.requests.statements - statements
        count.calls = {tool: n - calls[tool] for tool, n in self._calls().items() if n != calls[tool]}

    def _calls(self) -> dict[str, int]:
        found = {tool: self.sandbox.kit.journal.count(tool) for tool in TOOLS}
        sql = self.gateway.services.meter.endpoints
        found["ip_content"] += sum(n for (tool, name, _), n in sql.items() if tool == "ip_content" and "sql" in name)
        return found


#: Changes a copy of the settings: ``lambda settings: msgspec.structs.replace(settings, …)``.
Change = Callable[[Settings], Settings]


def without(tool: str) -> Change:
    """The brand does not run this tool."""
    return lambda settings: msgspec.structs.replace(
        settings, tools={name: values for name, values in settings.tools.items() if name != tool}
    )


class Longest(Backoff):
    """Waits as long as it may: a job that failed is not due again before its test moves the clock."""

    def wait(self, attempt: int, random: Random, error: BaseException, now: datetime) -> timedelta:
        return super().wait(attempt, _Most(), error, now)


class _Most(Random):
    def uniform(self, a: float, b: float) -> float:
        return b


def limits(**values: Any) -> Change:
    """Other limits."""
    return lambda settings: msgspec.structs.replace(settings, limits=msgspec.structs.replace(settings.limits, **values))


def copy_database(source: Path, target: Path) -> None:
    """A consistent copy of a database that is in use."""
    old, new = sqlite3.connect(source), sqlite3.connect(target)
    try:
        old.backup(new)
    finally:
        old.close()
        new.close()


class PromptServer(Embedded):
    """Lets requests and the application end, as uvicorn does; but it takes a tenth of a second, hundreds of times."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await asyncio.gather(*self.server_state.tasks)
        await self.lifespan.shutdown()


@asynccontextmanager
async def serve(stage: Stage, folder: Path, sessions: Mapping[str, str], *changes: Change) -> AsyncIterator[Served]:
    """Another gateway over the stage's sandbox and a copy of its database; it does not sync and runs no jobs.

    Every one gets what the first one got: the stage's own gateway goes on hearing what the platforms push.
    """
    settings = stage.gateway.services.settings
    source = Path(settings.database_url.removeprefix("sqlite:///"))
    kept, target = source.with_name("kept.db"), folder / "gateway.db"
    if not kept.exists():
        copy_database(source, kept)
    copy_database(kept, target)
    listener = listen("127.0.0.1", 0)
    settings = msgspec.structs.replace(
        settings,
        database_url=f"sqlite:///{target}",
        api_keys=tuple(KEYS.values()),
        # What one test has read must not change what the next one's reads cost.
        cache=Cache(bytes=0),
    )
    for change in changes:
        settings = change(settings)
    app = create_app(settings)
    requests = CountedRequests(app)
    server = PromptServer(uvicorn.Config(requests, log_config=None, access_log=False, lifespan="on", ws="none"))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            assert not task.done(), "the gateway did not start"
            await asyncio.sleep(0.002)
        gateway: Gateway = app.state.gateway
        # It must not make the calls that tests count.
        await gateway.worker.stop()
        gateway.worker.backoff = Longest()
        yield Served(stage.sandbox, gateway, requests, url, sessions)
    finally:
        server.stop()
        await task


async def play(stage: Stage) -> dict[str, str]:
    """What happens before anybody looks: an ad, two logins, a lost follower, a lost contact. Returns sessions."""
    world = stage.sandbox.world
    main = world.official_accounts[0].appid
    await stage.act("social_ads", "click", person=world.cast["protagonist"], adgroup_id=world.ad_groups[0].adgroup_id)
    await stage.act("official_account", "unfollow", person="same_phone_b", appid=main)
    await stage.act("enterprise_chat", "add_contact", person=world.cast["unfollowed"], userid="chenyutong")
    await stage.quiet()
    await stage.act(
        "enterprise_chat", "delete_contact", person=world.cast["unfollowed"], userid="chenyutong", by="CUSTOMER"
    )
    sessions = {story: await login(stage, world.cast[story]) for story in ("protagonist", "expired_coupon")}
    await stage.quiet()
    return sessions


async def login(stage: Stage, person: str) -> str:
    """A shopper opens the flagship mini-program; returns the session token."""
    app = stage.sandbox.world.mini_programs[0].appid
    code = (await stage.act("mini_program_store", "login_code", appid=app, person=person))["code"]
    variables = {"input": {"app": app, "code": code}}
    answer = await stage.graphql(documents.SESSION, variables, key=stage.keys.frontend)
    return str(answer["data"]["sessionCreate"]["token"])
