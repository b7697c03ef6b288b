"""The body of an HTTP request, read once and within a limit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

#: So many limits' worth of a body too large is read and thrown away before it is refused. A client that is still
#: sending when the connection closes gets a reset, and with it never sees why.
DISCARDED: Final = 4


class ClientGone(Exception):
    """The client left before it had its answer."""


class BodyTooLarge(Exception):
    """The body has more bytes than its limit."""


async def read_body(receive: Receive, limit: int) -> bytes:
    """The body, of at most ``limit`` bytes. Raises BodyTooLarge, ClientGone; memory is bounded by the limit."""
    body = b""
    excess = 0
    more = True
    while more and excess < DISCARDED * limit:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        piece: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        if excess or len(body) + len(piece) > limit:
            excess += len(body) + len(piece)
            body = b""
        else:
            body = body + piece if body else piece
    if excess:
        raise BodyTooLarge
    return body
