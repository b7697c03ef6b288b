"""A small gateway that serves, with facts that tests append, and clients by software that we did not write."""

from __future__ import annotations

import asyncio
import base64
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect

from gateway.app import Gateway, create_app
from gateway.database import Database, Fact, append_facts
from gateway.database.tables.dimensions import store as store_table
from gateway.database.tables.members import identity, member, session
from gateway.database.tables.projections import purchase
from gateway.ports import listen
from gateway.resolvers import ids
from gateway.serving import serving
from gateway.settings import Settings, from_mapping

HQ, MASKED, FRONTEND, GUIDE = "hq-with-pii-read", "hq-without-pii-read", "the-mini-program", "a-guide-of-a-store"
MASTER_KEY = base64.b64encode(bytes(range(32))).decode()
SECONDS = 30.0
#: Seconds for the closing handshake: a client that has stopped reading what it was sent never sees its end.
_CLOSE = 0.5
_numbers = itertools.count(1)


def settings_for(url: str, **values: Any) -> Settings:
    """A gateway without tools: nothing happens but what a test writes."""
    return from_mapping(
        {
            "environment": "sandbox",
            "database_url": url,
            "master_key": MASTER_KEY,
            "api_keys": [
                {"id": "hq", "key": HQ, "audience": "hq", "scopes": ["pii:read"]},
                {"id": "masked", "key": MASKED, "audience": "hq"},
                {"id": "front", "key": FRONTEND, "audience": "frontend"},
                {"id": "guide", "key": GUIDE, "audience": "guide"},
            ],
            **values,
        }
    )


async def new_person(database: Database, name: str = "林晓雯") -> tuple[str, str]:
    """A member with an openid: (member id, identity id)."""
    number = next(_numbers)
    one, handle = f"018f0000-0000-7000-8000-{number:012d}", f"{number:026d}"
    now = datetime.now(UTC)
    await database.keyring.ensure(one)
    seal = database.keyring.seal
    row = {
        "id": handle, "kind": "OPENID", "issuer": "wx1", "value": seal(f"o{number}", subject=one),
        "value_hash": f"wx1:o{number}", "member": one, "home": one, "strength": "STRONG", "stands": True,
        "source": "test", "linked_at": now,
    }  # fmt: skip
    async with database.write() as connection:
        named = {"id": one, "created_at": now, "updated_at": now, "name": seal(name, subject=one)}
        await connection.execute(member.insert().values(**named))
        await connection.execute(identity.insert().values(**row))
    return one, handle


@dataclass(slots=True)
class Live:
    """One gateway that serves."""

    gateway: Gateway
    app: Any
    port: int
    settings: Settings
    people: dict[str, str] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        return self.gateway.services.database

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/graphql"

    # What happens ---------------------------------------------------------------------------------

    async def tell(self, kind: str = "lead", *, key: str | None = None, **values: Any) -> str:
        """Append one fact; returns its id."""
        number = key or str(next(_numbers))
        async with self.database.write() as connection:
            values.setdefault("occurred_at", self.gateway.clock.now())
            await append_facts(connection, [Fact(kind=kind, source="own", source_key=number, **values)])
        [last] = await self.gateway.services.feed.horizon.read((await self._before()), limit=1)
        return last.id

    async def _before(self) -> Any:
        from gateway.events.horizon import Position

        head = await self.gateway.services.feed.horizon.head()
        return Position(head.tx, head.seq - 1)

    async def person(self, name: str = "林晓雯") -> tuple[str, str]:
        """A member with an openid: (member id, identity id)."""
        return await new_person(self.database, name)

    async def login(self, handle: str) -> str:
        """A session of that identity."""
        token = f"token-{next(_numbers)}"
        now = self.gateway.clock.now()
        async with self.database.write() as connection:
            await connection.execute(
                session.insert().values(
                    id=f"S{next(_numbers):025d}", token_hash=token, identity=handle, app="wx1", created_at=now,
                    expires_at=now + timedelta(days=1),
                )
            )  # fmt: skip
        return token

    async def store(self, code: str) -> str:
        """A store; returns its global id."""
        now = self.gateway.clock.now()
        async with self.database.write() as connection:
            row = {"id": code, "name": code, "region": "华东", "city": "上海", "valid_from": now}
            await connection.execute(store_table.insert().values(**row))
        return ids.encode("st", code)

    async def order(self, handle: str | None, *, store: str | None = None) -> str:
        """An order of that identity; returns our own id of it."""
        number = f"MP{next(_numbers)}"
        now = self.gateway.clock.now()
        row: dict[str, Any] = {
            "id": f"MINI_PROGRAM:wx1:{number}", "source": "MINI_PROGRAM", "account": "wx1", "native_id": number,
            "form": "FLAGSHIP", "state": "PAID", "identity": handle, "list_total": 89900, "discount": 8000,
            "freight": 0,
            "payable": 81900, "refunded": 0, "created_at": now, "updated_at": now, "changed_at": now, "as_of": now,
            "method": "PICKUP", "fulfilment_state": "READY", "store": store,
        }  # fmt: skip
        async with self.database.write() as connection:
            await connection.execute(purchase.insert().values(**row))
        return str(row["id"])

    # Clients --------------------------------------------------------------------------------------

    def socket(self, key: str | None = HQ, token: str | None = None) -> AbstractAsyncContextManager[Socket]:
        """A socket that was acknowledged."""
        return socket_at(self.port, key, token)

    @asynccontextmanager
    async def bare_socket(self, protocol: str = "graphql-transport-ws") -> AsyncIterator[Socket]:
        """A socket on which nothing was said yet."""
        url = f"ws://127.0.0.1:{self.port}/graphql"
        async with connect(url, subprotocols=[protocol], compression=None, proxy=None, close_timeout=_CLOSE) as opened:  # type: ignore[list-item]
            yield Socket(opened)


@dataclass(slots=True)
class Socket:
    """graphql-transport-ws, spoken by hand over the library websockets."""

    connection: ClientConnection

    async def send(self, **message: Any) -> None:
        await self.connection.send(orjson.dumps(message).decode())

    async def receive(self) -> dict[str, Any]:
        async with asyncio.timeout(SECONDS):
            message: dict[str, Any] = orjson.loads(await self.connection.recv())
        return message

    async def subscribe(self, document: str, *, id: str = "1", **variables: Any) -> None:  # noqa: A002
        await self.send(id=id, type="subscribe", payload={"query": document, "variables": variables})

    async def next(self) -> dict[str, Any]:
        """The data of the next message, which must be a whole answer."""
        message = await self.receive()
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        data: dict[str, Any] = message["payload"]["data"]
        return data

    async def closed(self) -> tuple[int, str]:
        """Code and reason with which the other side closes."""
        async with asyncio.timeout(SECONDS):
            await self.connection.wait_closed()
        return self.connection.close_code or 0, self.connection.close_reason or ""


@asynccontextmanager
async def socket_at(port: int, key: str | None = HQ, token: str | None = None) -> AsyncIterator[Socket]:
    """A socket of a gateway on that port that was acknowledged."""
    url = f"ws://127.0.0.1:{port}/graphql"
    protocols: Any = ["graphql-transport-ws"]
    async with connect(url, subprotocols=protocols, compression=None, proxy=None, close_timeout=_CLOSE) as connection:
        opened = Socket(connection)
        payload = {} if key is None else {"X-API-Key": key}
        if token is not None:
            payload["Authorization"] = f"Bearer {token}"
        await opened.send(type="connection_init", payload=payload)
        assert (await opened.receive())["type"] == "connection_ack"
        yield opened


async def until(condition: Callable[[], Any]) -> None:
    """Wait for a condition, with a deadline."""
    async with asyncio.timeout(SECONDS):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


@asynccontextmanager
async def live(settings: Settings) -> AsyncIterator[Live]:
    """Serve it."""
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    app = create_app(settings)
    async with serving(app, listener, grace_seconds=2):
        yield Live(app.state.gateway, app, port, settings)
