"""Sandbox and gateway together on this machine, and a client that talks to them over HTTP."""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from adapters.registry import TOOLS
from gateway.app import Gateway, create_app
from gateway.ports import listen
from gateway.serving import serving
from gateway.settings import Settings, from_mapping
from sandbox.http1 import request
from sandbox.server import Sandbox, running

#: Names a step of the start and whether it has ended.
Tell = Callable[[str], None]


class DemoError(Exception):
    """The demo could not do what it shows. ``code`` stands in docs/errors.md."""

    code = "DEMO_FAILED"


@dataclass(frozen=True, slots=True)
class Keys:
    """The API keys of a sandbox gateway, made anew at each start."""

    hq: str
    frontend: str


def sandbox_settings(
    description: Mapping[str, Any], *, database: str, host: str, port: int, keys: Keys, master_key: str
) -> Settings:
    """Settings of a gateway whose seven tools are the described sandbox."""
    return from_mapping(
        sandbox_values(description, database=database, host=host, port=port, keys=keys, master_key=master_key)
    )


def sandbox_values(
    description: Mapping[str, Any], *, database: str, host: str, port: int, keys: Keys, master_key: str
) -> dict[str, Any]:
    """The same as a settings file has them."""
    platforms = description["platforms"]
    # Of a sandbox that runs some platforms only there may be none.
    merchants = platforms["payments"]["accounts"] if "payments" in platforms else {}
    return {
        "environment": "sandbox",
        "database_url": database,
        "master_key": master_key,
        "host": host,
        "port": port,
        "public_url": f"http://{host}:{port}",
        "open_platform": description["openPlatform"],
        "master_data": description["masterData"],
        "clock_offset_seconds": description["clockOffsetSeconds"],
        "levels": description["levels"],
        "checkout": {
            "notify_base": f"http://{host}:{port}",
            "profit_sharing": [each["mchid"] for name, each in merchants.items() if name == "main"],
        },
        "api_keys": [
            {"id": "demo-hq", "key": keys.hq, "audience": "hq", "scopes": ["pii:read"]},
            {"id": "demo-mini-program", "key": keys.frontend, "audience": "frontend"},
        ],
        "tools": {name: {"accounts": platform["accounts"]} for name, platform in platforms.items()},
    }


@dataclass(slots=True)
class Stage:
    """Everything running, and what a client needs to take part."""

    sandbox: Sandbox
    gateway: Gateway
    url: str
    keys: Keys

    async def graphql(
        self, document: str, variables: Mapping[str, Any], *, key: str, session: str | None = None
    ) -> dict[str, Any]:
        """One GraphQL request over HTTP, as any client makes it. Returns the whole answer."""
        headers = {"Content-Type": "application/json", "X-API-Key": key}
        if session is not None:
            headers["Authorization"] = f"Bearer {session}"
        body = orjson.dumps({"query": document, "variables": dict(variables)})
        answer = await request("POST", f"{self.url}/graphql", headers, body, seconds=30)
        value: dict[str, Any] = orjson.loads(answer.body)
        return value

    async def act(self, platform: str, action: str, **values: Any) -> dict[str, Any]:
        """Something a person does at a platform, through the sandbox's control API."""
        url = f"{self.sandbox.control_url}/control/platforms/{platform}/{action}"
        answer = await request("POST", url, {"Content-Type": "application/json"}, orjson.dumps(values))
        value: dict[str, Any] = orjson.loads(answer.body)
        if answer.status != 200:
            raise DemoError(f"the sandbox refused {platform}/{action}: {value.get('error')}")
        return value

    async def quiet(self) -> None:
        """Wait until every webhook is delivered and every job that is due has run."""
        await self.sandbox.kit.pusher.settle()
        while await self.gateway.services.queue.due():  # noqa: ASYNC110 — a client cannot be told by an event
            await asyncio.sleep(0.01)

    def pass_time(self, by: timedelta) -> None:
        """Let the sandbox's and the gateway's clock go on together."""
        self.sandbox.kit.clock.advance(by)
        self.gateway.clock.advance(by)


@asynccontextmanager
async def staged(
    *,
    now: datetime | None,
    folder: Path,
    host: str = "127.0.0.1",
    port: int = 0,
    seed: int = 20181111,
    size: int = 120,
    tell: Tell = lambda text: None,
) -> AsyncIterator[Stage]:
    """Start the sandbox and a gateway on it, and read everything the platforms know.

    The gateway's database in ``folder`` is made anew: the sandbox begins the same evening each time, and
    yesterday's orders would contradict it. Raises PortError when the port is taken.
    """
    database = _fresh_database(folder)
    listener = listen(host, port)
    bound = listener.getsockname()[1]
    keys = Keys("hq_" + secrets.token_urlsafe(24), "mp_" + secrets.token_urlsafe(24))
    tell("starting seven platforms on loopback")
    async with running([spec.name for spec in TOOLS], now=now, seed=seed, size=size, state=folder) as sandbox:
        settings = sandbox_settings(
            sandbox.describe(),
            database=f"sqlite:///{database}",
            host=host,
            port=bound,
            keys=keys,
            master_key=base64.b64encode(os.urandom(32)).decode(),
        )
        register_webhooks(sandbox, settings)
        tell("reading what the platforms know (first sync)")
        app = create_app(settings, on_open=_first_sync(tell))
        async with serving(app, listener):
            yield Stage(sandbox, app.state.gateway, f"http://{host}:{bound}", keys)


def _fresh_database(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("gateway.db", "gateway.db-wal", "gateway.db-shm"):
        (folder / name).unlink(missing_ok=True)
    return folder / "gateway.db"


def register_webhooks(sandbox: Sandbox, settings: Settings) -> None:
    """Enter the gateway's addresses in the platforms' consoles, as an operator would."""
    for spec in TOOLS:
        for alias, values in settings.tools.get(spec.name, {}).get("accounts", {}).items():
            for name in ("appid", "corpid", "account_id", "mchid"):
                if name in values:
                    key = (spec.name, str(values[name]))
                    sandbox.kit.pusher.targets[key] = f"{settings.public_url}/hooks/{spec.name}/{alias}"


def _first_sync(tell: Tell) -> Callable[[Gateway], Any]:
    async def sync(gateway: Gateway) -> None:
        def listener(stream: str, account: str, rows: int) -> None:
            del account
            tell(f"reading {stream}: {rows} rows")

        gateway.services.sync.listeners.append(listener)
        await gateway.first_sync()
        gateway.services.sync.listeners.remove(listener)

    return sync
