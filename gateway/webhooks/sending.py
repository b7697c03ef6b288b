"""Posts one message: to an address that was judged, within a time limit, reading next to nothing of the answer.

Not through the HTTP seam of the adapters: its library resolves names by itself, and a client with a fixed address costs
tens of milliseconds to make (docs/decisions/0012-webhooks-out.md).
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final

import h11

from adapters.base.runtime import Clock
from gateway.webhooks.addresses import Addresses, AddressRefused, Resolve, Target, system_resolve

#: Bytes of an answer's head, and of its body, that are read.
HEAD: Final = 16 * 1024
BODY: Final = 16 * 1024
#: Seconds for the body once the status is known.
PATIENCE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Answered:
    """How a message was received. ``code`` is None for success; ``retry_after`` in seconds, where the answer says."""

    status: int | None
    code: str | None
    retry_after: float | None = None

    @property
    def delivered(self) -> bool:
        """Whether the receiver has it."""
        return self.code is None


@functools.cache
def _system_trust() -> ssl.SSLContext:
    """The machine's certificates, which take 80 ms to read."""
    return ssl.create_default_context()


class Sender:
    """Sends to anybody; a connection for each message, and never along a redirect."""

    def __init__(
        self,
        addresses: Addresses,
        clock: Clock,
        *,
        seconds: float,
        resolve: Resolve = system_resolve,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self.addresses = addresses
        self._clock = clock
        self._seconds = seconds
        self._resolve = resolve
        self._trust = trust or _system_trust()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answered:
        """Send it. Whatever goes wrong is an answer with a code of docs/errors.md; nothing is raised."""
        try:
            async with asyncio.timeout(self._seconds):
                target = self.addresses.target(url)
                found = await self.addresses.addresses(target, self._resolve)
                async with self._connected(target, found) as (reader, writer):
                    return await self._exchange(target, headers, body, reader, writer)
        except AddressRefused:
            return Answered(None, code="WEBHOOK_ADDRESS_REFUSED")
        except TimeoutError:
            return Answered(None, code="WEBHOOK_TIMEOUT")
        except (OSError, ssl.SSLError, EOFError, UnicodeError, h11.ProtocolError):
            return Answered(None, code="WEBHOOK_UNREACHABLE")

    @contextlib.asynccontextmanager
    async def _connected(
        self, target: Target, addresses: Sequence[str]
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A connection to the first address that takes one. The name is for the certificate only."""
        name = target.host if target.secure else None
        context = self._trust if target.secure else None
        for number, address in enumerate(addresses, 1):
            try:
                reader, writer = await asyncio.open_connection(
                    address, target.port, ssl=context, server_hostname=name, limit=HEAD
                )
                break
            except OSError:
                if number == len(addresses):
                    raise
        try:
            yield reader, writer
        finally:
            # At once: a polite farewell would wait for a receiver that may never answer it.
            writer.transport.abort()

    async def _exchange(
        self,
        target: Target,
        headers: Mapping[str, str],
        body: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> Answered:
        wire = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD)
        head = {"host": target.authority, "content-length": str(len(body)), "connection": "close"} | dict(headers)
        for event in (
            h11.Request(method="POST", target=target.path, headers=list(head.items())),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            writer.write(wire.send(event) or b"")
        await writer.drain()
        answer = await self._head(wire, reader)
        # Who has said how it went has said it; the body is heard out for politeness, and not for long.
        with contextlib.suppress(OSError, TimeoutError, h11.ProtocolError):
            async with asyncio.timeout(PATIENCE):
                await self._rest(wire, reader)
        return self._judged(answer)

    async def _head(self, wire: h11.Connection, reader: asyncio.StreamReader) -> h11.Response:
        while True:
            event = wire.next_event()
            if event is h11.NEED_DATA:
                wire.receive_data(await reader.read(HEAD))
            elif isinstance(event, h11.Response):
                return event
            elif isinstance(event, h11.ConnectionClosed):
                raise EOFError

    async def _rest(self, wire: h11.Connection, reader: asyncio.StreamReader) -> None:
        read = 0
        while read < BODY:
            event = wire.next_event()
            if event is h11.NEED_DATA:
                wire.receive_data(await reader.read(HEAD))
            elif isinstance(event, h11.Data):
                read += len(event.data)
            else:
                return

    def _judged(self, answer: h11.Response) -> Answered:
        status = answer.status_code
        if 200 <= status < 300:
            return Answered(status, None)
        if 300 <= status < 400:
            return Answered(status, code="WEBHOOK_REDIRECTED")
        if status == 410:
            return Answered(status, code="WEBHOOK_ENDPOINT_GONE")
        told = dict(answer.headers).get(b"retry-after", b"").decode("latin-1").strip()
        return Answered(status, code="WEBHOOK_STATUS", retry_after=_seconds(told, self._clock.now()))


def _seconds(text: str, now: datetime) -> float | None:
    """A Retry-After header: seconds, or a date."""
    if text.isascii() and text.isdigit() and len(text) < 8:
        return float(text)
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    return None
