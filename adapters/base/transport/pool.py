"""Connections to many origins, kept between requests: the transport itself."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Awaitable, Sequence
from types import TracebackType
from typing import Final, Self, TypeVar

from adapters.base.transport.connection import Connection
from adapters.base.transport.head import Origin, compose
from adapters.base.transport.messages import NotSent, Request, Response
from adapters.base.turns import Turns

T = TypeVar("T")

#: Seconds for a connection to stand, TLS included.
CONNECT_SECONDS: Final = 3.0
#: Seconds for which an unused connection is kept.
IDLE_SECONDS: Final = 30.0
#: What a server says about its own patience is cut by this: a request is under way for a while.
_MARGIN_SECONDS: Final = 1.0


class HttpTransport:
    """HTTP/1.1 on asyncio: pooled and kept alive, no redirects, cookies, proxies or decompression.

    At most ``per_origin`` requests are under way at one origin; later ones wait for their turn. Certificates are
    verified against the system's trusted roots and ``root_certificates`` (PEM).

    Answers arrive as they were sent: unpacking would drop Content-Length, which is the answer to a HEAD, change bodies
    that are compared with a checksum, and let a small answer grow past the limit.
    """

    def __init__(self, *, per_origin: int = 128, root_certificates: Sequence[bytes] = ()) -> None:
        self._per_origin = per_origin
        self._roots = tuple(root_certificates)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tls: ssl.SSLContext | None = None
        self._lines: dict[Origin, _Line] = {}
        self._sweeping: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop = None
        if self._sweeping is not None:
            self._sweeping.cancel()
        for line in self._lines.values():
            await line.close()

    async def send(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109 — the wire's own limit
        """See ``Transport.send``. At most one request on the wire: whether to repeat it is for the caller to say."""
        loop = self._loop
        if loop is None:
            raise NotSent("the transport is closed")
        origin, head = compose(request)
        line = self._lines.get(origin)
        if line is None:
            line = self._lines[origin] = _Line(loop, origin, self._per_origin)
        ends = loop.time() + timeout
        line.asked += 1
        try:
            if not line.turns.take():
                await _within(line.turns.wait(), timeout, "no connection became free in time")
            try:
                return await self._exchange(line, head, request, ends)
            finally:
                line.turns.leave()
        finally:
            line.asked -= 1

    async def _exchange(self, line: _Line, head: bytes, request: Request, ends: float) -> Response:
        loop = line.loop
        connection = line.take() or await self._connect(line, ends - loop.time())
        timer = loop.call_at(ends, connection.late)
        try:
            # Since the look at the connection nothing has been awaited: it is as it was.
            return await connection.ask(head, request.body, head_only=request.method == "HEAD")
        finally:
            timer.cancel()
            if connection.reusable and self._loop is not None:
                self._keep(line, connection)
            else:
                # The answer to a request that was given up must not become the next one's.
                connection.abort()

    async def _connect(self, line: _Line, seconds: float) -> Connection:
        """A new connection that can be used. Raises NotSent."""
        tls = self._context() if line.origin.tls else None
        try:
            connection = await _within(line.connect(tls), min(CONNECT_SECONDS, seconds), "no connection in time")
        except ssl.SSLCertVerificationError as error:
            failure = f"certificate refused: {error.verify_message}"
        except (OSError, ValueError) as error:
            # An impossible host name is a ValueError.
            failure = type(error).__name__
        else:
            if connection.reusable and self._loop is not None:
                return connection
            connection.abort()
            failure = "the connection ended before it was used"
        raise NotSent(failure)

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            context = ssl.create_default_context()
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.set_alpn_protocols(["http/1.1"])
            for certificate in self._roots:
                context.load_verify_locations(cadata=certificate.decode("ascii"))
            self._tls = context
        return self._tls

    def _keep(self, line: _Line, connection: Connection) -> None:
        pause = IDLE_SECONDS if connection.pause is None else min(IDLE_SECONDS, connection.pause - _MARGIN_SECONDS)
        connection.expires = line.loop.time() + pause
        line.idle.append(connection)
        if self._sweeping is None:
            self._sweeping = line.loop.call_later(IDLE_SECONDS / 2, self._sweep)

    def _sweep(self) -> None:
        """Close what nobody used for long, and forget origins that have no connection left."""
        self._sweeping = None
        for origin, line in list(self._lines.items()):
            line.expire()
            if not line.asked and not line.connected:
                del self._lines[origin]
        if self._lines and self._loop is not None:
            self._sweeping = self._loop.call_later(IDLE_SECONDS / 2, self._sweep)


class _Line:
    """The connections to one origin. There are never more than requests were ever under way at once."""

    __slots__ = ("_closed", "_open", "asked", "idle", "loop", "origin", "turns")

    def __init__(self, loop: asyncio.AbstractEventLoop, origin: Origin, limit: int) -> None:
        self.loop = loop
        self.origin = origin
        self.turns = Turns(limit)
        #: Requests that wait for their turn or have it.
        self.asked = 0
        #: The one used last is taken first, so that the others can expire.
        self.idle: deque[Connection] = deque()
        self._open: set[Connection] = set()
        self._closed: asyncio.Future[None] | None = None

    @property
    def connected(self) -> bool:
        """Whether any connection stands."""
        return bool(self._open)

    async def connect(self, tls: ssl.SSLContext | None) -> Connection:
        """Open one more."""
        origin = self.origin
        _, connection = await self.loop.create_connection(
            lambda: Connection(self.loop, self._gone),
            origin.host,
            origin.port,
            ssl=tls,
            server_hostname=origin.host if tls is not None else None,
        )
        if not connection.lost:
            self._open.add(connection)
        return connection

    def take(self) -> Connection | None:
        """An idle connection that is still good."""
        now = self.loop.time()
        while self.idle:
            connection = self.idle.pop()
            if connection.expires > now and connection.fresh:
                return connection
            connection.close()
        return None

    def expire(self) -> None:
        """Close those that were idle for too long."""
        now = self.loop.time()
        for connection in [each for each in self.idle if each.expires <= now]:
            self.idle.remove(connection)
            connection.close()

    async def close(self) -> None:
        """Cut all, and wait until they are gone."""
        if self._open:
            self._closed = self.loop.create_future()
            for connection in list(self._open):
                connection.abort()
            await self._closed

    def _gone(self, connection: Connection) -> None:
        self._open.discard(connection)
        if connection in self.idle:
            self.idle.remove(connection)
        if self._closed is not None and not self._open and not self._closed.done():
            self._closed.set_result(None)


async def _within(work: Awaitable[T], seconds: float, otherwise: str) -> T:
    """Await with a limit. Raises NotSent when it is reached."""
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError:
        pass
    raise NotSent(otherwise)
