"""GraphQL over server-sent events, byte by byte, as a browser's EventSource and curl see it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote

import orjson
import pytest

from sandbox.http1 import request
from tests.gateway.subscriptions.conftest import OpenLive
from tests.gateway.subscriptions.live import FRONTEND, HQ, SECONDS, Live, until

LEADS = 'subscription($after: ID) { memberActivity(kinds: ["lead"], after: $after) { eventId } }'


class Reader:
    """Reads blocks of a stream: what stands between two empty lines."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    async def head(self) -> str:
        async with asyncio.timeout(SECONDS):
            return (await self._reader.readuntil(b"\r\n\r\n")).decode()

    async def block(self) -> str:
        """One block; the lengths of HTTP chunks are taken out."""
        async with asyncio.timeout(SECONDS):
            size = int(await self._reader.readline(), 16)
            data = await self._reader.readexactly(size + 2)
        return data[:-2].decode()


@asynccontextmanager
async def stream(
    here: Live, document: str, *, key: str = HQ, method: str = "POST", head: str = ""
) -> AsyncIterator[Reader]:
    reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
    body = orjson.dumps({"query": document}) if method == "POST" else b""
    target = "/graphql" if method == "POST" else f"/graphql?query={quote(document)}"
    lines = f"{method} {target} HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nAccept: text/event-stream\r\n{head}"
    if method == "POST":
        lines += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    writer.write(lines.encode() + b"\r\n" + body)
    try:
        yield Reader(reader)
    finally:
        writer.close()


async def follows(here: Live, count: int) -> None:
    await until(lambda: len(here.gateway.services.feed) == count)


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_each_event_bears_its_id(here: Live, method: str) -> None:
    _, handle = await here.person()
    async with stream(here, LEADS, method=method) as opened:
        head = await opened.head()
        assert head.startswith("HTTP/1.1 200 ")
        assert "content-type: text/event-stream" in head
        await follows(here, 1)
        event = await here.tell("lead", identity=handle)
        assert await opened.block() == (
            f'id: {event}\nevent: next\ndata: {{"data":{{"memberActivity":{{"eventId":"{event}"}}}}}}\n\n'
        )
    await follows(here, 0)


async def test_last_event_id_goes_on_where_it_was(here: Live) -> None:
    """Also over what the document says: the browser knows better than the page."""
    _, handle = await here.person()
    told = [await here.tell("lead", identity=handle) for _ in range(4)]
    document = LEADS.replace("($after: ID)", "").replace("$after", f'"{told[0]}"')
    async with stream(here, document, head=f"Last-Event-ID: {told[1]}\r\n") as opened:
        await opened.head()
        assert [(await opened.block()).splitlines()[0] for _ in range(2)] == [f"id: {each}" for each in told[2:]]


async def test_queries_complete_and_errors_are_told_within(here: Live) -> None:
    async with stream(here, "{ __typename }") as opened:
        await opened.head()
        assert await opened.block() == 'event: next\ndata: {"data":{"__typename":"Query"}}\n\n'
        assert await opened.block() == "event: complete\ndata: \n\n"
    async with stream(here, "subscription { orderChanged { eventId } }", key=FRONTEND) as opened:
        await opened.head()
        block = await opened.block()
        assert block.startswith('event: next\ndata: {"errors":[')
        assert '"code":"SESSION_REQUIRED"' in block
        assert await opened.block() == "event: complete\ndata: \n\n"
    async with stream(here, 'mutation { jobCancel(input: {id: "x"}) { __typename } }', method="GET") as opened:
        await opened.head()
        assert '"code":"METHOD"' in await opened.block()


async def test_who_may_not_even_ask_is_told_by_http(here: Live) -> None:
    for key, body, status, code in (
        ("", b'{"query": "{ __typename }"}', 401, "UNAUTHENTICATED"),
        (HQ, b"{}", 400, "QUERY_MISSING"),
        (HQ, b"{", 400, "JSON_INVALID"),
    ):
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream"} | (
            {"X-API-Key": key} if key else {}
        )
        answer = await request("POST", here.url, headers, body)
        assert (answer.status, orjson.loads(answer.body)["errors"][0]["extensions"]["code"]) == (status, code)


async def test_silence_is_filled_with_comments(open_live: OpenLive) -> None:
    here = await open_live(ping_seconds=0.02)
    async with stream(here, LEADS) as opened:
        await opened.head()
        assert [await opened.block(), await opened.block()] == [":\n\n", ":\n\n"]
    await follows(here, 0)


async def test_a_gateway_that_stops_ends_its_streams_without_completing_them(here: Live) -> None:
    async with stream(here, LEADS) as opened:
        await opened.head()
        await follows(here, 1)
        here.gateway.services.feed.close()
        assert await opened.block() == ""
    await follows(here, 0)
