"""One connection: a request at a time, parsed by llhttp as the bytes come.

An answer is complete, or it is an error; a connection is used again only when everything about the last exchange was
as it should be.
"""

from __future__ import annotations

import asyncio
import select
import ssl
from collections.abc import Callable
from typing import Any, Final, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from adapters.base.transport.messages import MaybeSent, Response, Unreadable

#: An answer larger than this is refused, so that a broken platform cannot fill our memory.
MAX_ANSWER_BYTES: Final = 32 * 1024 * 1024
#: The head of an answer, with the interim answers before it.
MAX_HEAD_BYTES: Final = 64 * 1024
#: Bytes on the wire: chunks have sizes, and may be small.
MAX_WIRE_BYTES: Final = 2 * MAX_ANSWER_BYTES
#: Statuses whose answers have no body, whatever their headers say.
_BODILESS: Final = frozenset({204, 304})
#: Requests up to this size are joined with their head to one write.
_ONE_WRITE: Final = 64 * 1024


class Connection(asyncio.Protocol):
    """A connection to one origin. ``ask`` and then ``reusable`` is the whole use of it."""

    __slots__ = (
        "_answer",
        "_chunks",
        "_gone",
        "_head_done",
        "_head_only",
        "_headers",
        "_kept",
        "_loop",
        "_parser",
        "_poll",
        "_received",
        "_size",
        "_status",
        "_transport",
        "_trouble",
        "_until_end",
        "expires",
        "lost",
        "pause",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, gone: Callable[[Connection], None]) -> None:
        self._loop = loop
        self._gone = gone
        self._parser: HttpResponseParser | None = None
        #: The exchange under way; None while idle.
        self._answer: asyncio.Future[Response] | None = None
        self._kept = True
        #: True once the connection is no more.
        self.lost = False
        #: When an idle connection is to be closed, by the loop's clock.
        self.expires = 0.0
        #: Seconds for which the other side keeps it, where it says so.
        self.pause: float | None = None

    # The exchange

    def ask(self, head: bytes, body: bytes | None, *, head_only: bool) -> asyncio.Future[Response]:
        """Write a request; the future is its answer, or MaybeSent. Nothing is written before this is called."""
        self._answer = answer = self._loop.create_future()
        if self._parser is None:
            self._parser = HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._chunks: list[bytes] = []
        self._head_only = head_only
        self._head_done = self._until_end = False
        self._size = self._received = self._status = 0
        self._trouble = ""
        if not body:
            self._transport.write(head)
        elif len(body) <= _ONE_WRITE:
            self._transport.write(head + body)
        else:
            self._transport.write(head)
            self._transport.write(body)
        return answer

    def late(self) -> None:
        """The time of the exchange is over."""
        self._fail(MaybeSent("no complete answer in time"))

    @property
    def reusable(self) -> bool:
        """Whether the next request may use it: the last answer was complete, and nothing came after it."""
        return self._kept and self._answer is None and not self._transport.is_closing()

    @property
    def fresh(self) -> bool:
        """Whether an idle connection is still good: what can be read from it now is its end, or nothing that was asked
        for. The event loop may not have come to look yet, and a write would go into the void."""
        return self.reusable and not self._poll.poll(0)

    def close(self) -> None:
        """Close an idle connection."""
        self._transport.close()

    def abort(self) -> None:
        """Close it at once, whatever is under way."""
        self._fail(MaybeSent("the transport was closed"))
        self._kept = False
        self._transport.abort()

    # asyncio's callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        # uvloop's transports do not inherit from asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._poll = select.poll()
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        if self._answer is None:
            # Nobody asked.
            self._kept = False
            self._transport.abort()
            return
        self._received += len(data)
        parser: Any = self._parser
        try:
            parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            # The library's own words, which quote nothing of the answer.
            self._trouble = self._trouble or f"not HTTP ({type(error).__name__})"
        if not self._head_done and self._received > MAX_HEAD_BYTES:
            self._trouble = self._trouble or f"the head is over {MAX_HEAD_BYTES} bytes"
        elif self._received > MAX_WIRE_BYTES:
            self._trouble = self._trouble or f"the answer is over {MAX_ANSWER_BYTES} bytes"
        if self._trouble:
            # An answer that was complete before the trouble is still one.
            self._fail(Unreadable(self._trouble))
            self._kept = False
            self._transport.abort()

    def eof_received(self) -> None:
        """See asyncio."""
        if self._answer is not None and self._head_done and self._until_end and self._announced():
            self._complete(keep=False)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self.lost = True
        self._parser = None
        self._fail(MaybeSent("the connection ended" if exc is None else f"the connection broke: {type(exc).__name__}"))
        self._gone(self)

    # llhttp's callbacks; an exception would only become another one, so trouble is noted

    def on_header(self, name: bytes, value: bytes) -> None:
        """See httptools."""
        if self._head_done or self._answer is None:
            # A trailer.
            return
        self._size += len(name) + len(value)
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers = self._headers
        headers[key] = f"{headers[key]}, {text}" if key in headers else text

    def on_headers_complete(self) -> None:
        """See httptools."""
        if self._answer is None:
            return
        parser: Any = self._parser
        status = parser.get_status_code()
        if status < 200:
            # An interim answer; the real one follows.
            return
        if self._size > MAX_HEAD_BYTES:
            self._trouble = f"the head is over {MAX_HEAD_BYTES} bytes"
        self._status, self._head_done, self._size = status, True, 0
        if self._head_only or status in _BODILESS:
            # llhttp does not know what was asked, and would wait for the body that the headers speak of.
            self._complete(keep=parser.should_keep_alive())
            self._parser = None
            return
        headers = self._headers
        length, coding = headers.get("content-length"), headers.get("transfer-encoding")
        if coding is not None:
            self._until_end = not coding.lower().endswith("chunked")
        elif length is None:
            self._until_end = True
        elif int(length) > MAX_ANSWER_BYTES:
            self._trouble = f"the answer is over {MAX_ANSWER_BYTES} bytes"

    def on_body(self, data: bytes) -> None:
        """See httptools."""
        if self._answer is None:
            self._kept = False
        elif not self._trouble:
            self._chunks.append(data)
            self._size += len(data)
            if self._size > MAX_ANSWER_BYTES:
                self._trouble = f"the answer is over {MAX_ANSWER_BYTES} bytes"

    def on_message_begin(self) -> None:
        """See httptools."""
        if self._answer is None:
            # A second answer right behind the first: to what?
            self._kept = False

    def on_message_complete(self) -> None:
        """See httptools."""
        if self._answer is None or self._trouble:
            return
        if not self._head_done:
            self._headers = {}
            return
        parser: Any = self._parser
        self._complete(keep=parser.should_keep_alive())

    # The two ends of an exchange

    def _announced(self) -> bool:
        """Whether the end is the other side's word. Over TLS anybody on the way can cut a connection, and asyncio tells
        of that as of an end; the peer's own end is signed, and then nothing more can be read."""
        tls = self._transport.get_extra_info("ssl_object")
        if tls is None:
            return True
        try:
            return not tls.read(1)
        except ssl.SSLZeroReturnError:
            return True
        except ssl.SSLError:
            return False

    def _complete(self, *, keep: bool) -> None:
        if self._trouble:
            return
        answer, self._answer = self._answer, None
        chunks = self._chunks
        # Whoever answers before it has read everything cannot be asked again.
        self._kept = keep and not self._transport.get_write_buffer_size()
        told = self._headers.get("keep-alive")
        self.pause = None if told is None else _seconds(told)
        if answer is not None and not answer.done():
            body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
            answer.set_result(Response(self._status, self._headers, body))

    def _fail(self, error: MaybeSent) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            self._kept = False
            if not answer.done():
                answer.set_exception(error)


def _seconds(keep_alive: str) -> float | None:
    """The timeout of a Keep-Alive header, which is never a promise."""
    for each in keep_alive.split(","):
        name, _, value = each.partition("=")
        if name.strip().lower() == "timeout" and value.strip().isdecimal():
            return float(value)
    return None
