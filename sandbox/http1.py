"""A small HTTP/1.1 client on asyncio streams, for webhooks and the scripted shopper.

The sandbox must not share the gateway's HTTP client: a fault in one would hide in the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP answer; header names lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def request(
    method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b"", *, seconds: float = 10
) -> Answer:
    """One request on its own connection. Raises OSError, TimeoutError, or ValueError for a broken answer."""
    async with asyncio.timeout(seconds):
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=secure or None)
        try:
            target = parts.path or "/"
            if parts.query:
                target += "?" + parts.query
            sent = {"Host": parts.netloc, "Connection": "close", "Content-Length": str(len(body))}
            sent.update(headers or {})
            head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in sent.items())
            writer.write(head.encode("utf-8") + b"\r\n" + body)
            await writer.drain()
            return await _answer(reader, bodiless=method == "HEAD")
        finally:
            writer.close()


async def _answer(reader: asyncio.StreamReader, *, bodiless: bool) -> Answer:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split(" ", 2)[1])
        headers = {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)
        }
        if bodiless:
            return Answer(status, headers, b"")
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return Answer(status, headers, await _chunks(reader))
        if "content-length" in headers:
            return Answer(status, headers, await reader.readexactly(int(headers["content-length"])))
        return Answer(status, headers, await reader.read())
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, IndexError) as error:
        raise ValueError("the answer broke off") from error


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while size := int((await reader.readline()).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return bytes(body)
