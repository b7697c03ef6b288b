"""A raw caller of the emulated platform, and a receiver of its callbacks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import orjson
import pytest

from adapters.base.webhooks import Received, WebhookRefused, WebhookRequest
from adapters.enterprise_chat import TOOL, EnterpriseChatAdapter
from sandbox.http1 import request
from sandbox.server import Sandbox
from tests.conftest import OpenTool

Receive = Callable[[WebhookRequest], Awaitable[Received]]


class Wire:
    """Speaks to the emulation without our client."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.base = sandbox.urls["enterprise_chat"]
        self.corp = sandbox.world.corp
        self._tokens: dict[str, str] = {}

    async def call(self, path: str, body: object = None, raw: bytes = b"", /, **query: str) -> dict[str, Any]:
        """One call; a body, or ``raw`` bytes instead, makes it a POST. The status is always 200."""
        sent = raw if body is None else orjson.dumps(body)
        url = f"{self.base}/cgi-bin/{path}?{urlencode(query)}"
        answer = await request("POST" if sent else "GET", url, body=sent)
        assert answer.status == 200
        found: dict[str, Any] = orjson.loads(answer.body)
        return found

    async def token(self, secret: str) -> str:
        """A token for this secret."""
        answer = await self.call("gettoken", corpid=self.corp.corpid, corpsecret=secret)
        return str(answer["access_token"])

    async def app(self, path: str, body: object = None, **query: str) -> dict[str, Any]:
        """A call with the app's token."""
        token = await self.token(self.corp.app_secret)
        return await self.call(path, body, b"", access_token=token, **query)

    async def customers(self, path: str, body: object = None, **query: str) -> dict[str, Any]:
        """A call under externalcontact/ with the customer-contact token."""
        token = await self.token(self.corp.contact_secret)
        return await self.call("externalcontact/" + path, body, b"", access_token=token, **query)


class Inbox:
    """An HTTP server that hands every request to an adapter and answers what it says."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.requests: list[WebhookRequest] = []
        self.received: list[Received] = []
        self.refused: list[str] = []
        #: Statuses to answer instead, for the first requests.
        self.failures: list[int] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request on one connection."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = head.split("\r\n")
        method, target, _ = lines[0].split(" ")
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        query = dict(parse_qsl(urlsplit(target).query, keep_blank_values=True))
        status, said = await self._answer(WebhookRequest(method, query, headers, body))
        writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: {len(said)}\r\n\r\n".encode() + said)
        await writer.drain()
        writer.close()

    async def _answer(self, found: WebhookRequest) -> tuple[int, bytes]:
        self.requests.append(found)
        if self.failures:
            return self.failures.pop(0), b""
        try:
            received = await self._receive(found)
        except WebhookRefused as refusal:
            self.refused.append(refusal.reason)
            return refusal.status, b""
        self.received.append(received)
        return received.reply.status, received.reply.body


OpenInbox = Callable[[Sandbox, Any], Awaitable[Inbox]]


@pytest.fixture
async def open_inbox() -> AsyncIterator[OpenInbox]:
    """``await open_inbox(sandbox, adapter)``: the corp's callbacks go to this adapter."""
    async with AsyncExitStack() as stack:

        async def start(sandbox: Sandbox, adapter: Any) -> Inbox:
            inbox = Inbox(adapter.receive)
            server = await asyncio.start_server(inbox.serve, "127.0.0.1", 0)
            await stack.enter_async_context(server)
            inbox.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
            sandbox.kit.pusher.pace = 0.0
            sandbox.kit.pusher.targets[("enterprise_chat", adapter.account)] = inbox.url
            return inbox

        yield start


@pytest.fixture
async def sandbox(start_sandbox: Callable[..., Awaitable[Sandbox]]) -> Sandbox:
    """The emulated corp."""
    return await start_sandbox("enterprise_chat")


@pytest.fixture
async def chat(open_tool: OpenTool, sandbox: Sandbox) -> EnterpriseChatAdapter:
    """The adapter in front of it."""
    adapter: EnterpriseChatAdapter = await open_tool(TOOL, sandbox, "main")
    return adapter


@pytest.fixture
def known(sandbox: Sandbox) -> str:
    """The external_userid of 林晓雯, whom 陈雨桐 has."""
    return sandbox.world.people["linxiaowen"].external_userid


@pytest.fixture
async def wire(sandbox: Sandbox) -> Wire:
    """Raw calls to it."""
    return Wire(sandbox)


@pytest.fixture
def act(sandbox: Sandbox) -> Callable[..., Awaitable[Mapping[str, Any]]]:
    """``await act("add_contact", userid=…)``: what people do there."""

    async def do(name: str, /, **body: Any) -> Mapping[str, Any]:
        return await sandbox.platforms["enterprise_chat"].actions()[name](body)

    return do
