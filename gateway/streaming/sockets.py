"""GraphQL over WebSocket: the protocol graphql-transport-ws.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md. One task reads the socket, one per operation answers.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from typing import Any, Final

import orjson

from gateway.access.principal import Credentials, NotAuthenticated, Principal
from gateway.bodies import Receive
from gateway.database.traces import trace
from gateway.events.feed import FeedClosed, FollowerTooSlow
from gateway.graphql_route import Scope, Send, credentials, request_of
from gateway.streaming.operations import Asked, Operations, explained, refused

log = logging.getLogger(__name__)

PROTOCOL: Final = "graphql-transport-ws"

#: Close codes; docs/subscriptions.md lists them.
BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, WRONG_PROTOCOL = 4400, 4401, 4403, 4406
INIT_TIMEOUT, TWICE, TOO_MANY_INITS = 4408, 4409, 4429
INTERNAL, TOO_SLOW = 4500, 1013


class _Closed(Exception):
    """The socket is to be closed."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Sockets:
    """``/graphql`` by WebSocket. An ASGI application; knows its open sockets."""

    def __init__(self, operations: Operations) -> None:
        self.operations = operations
        self.open: set[_Socket] = set()
        #: Mutations under way: they are seen through when their client leaves.
        self.kept: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket until it closes."""
        await receive()
        if PROTOCOL not in scope["subprotocols"]:
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": WRONG_PROTOCOL, "reason": f"Speak {PROTOCOL}."})
            return
        await send({"type": "websocket.accept", "subprotocol": PROTOCOL})
        socket = _Socket(self, dict(scope["headers"]), receive, send)
        self.open.add(socket)
        try:
            await socket.serve()
        finally:
            self.open.discard(socket)

    async def drain(self) -> None:
        """Wait for the mutations under way: before the database and the tools are closed."""
        while self.kept:
            await asyncio.gather(*self.kept, return_exceptions=True)


class _Socket:
    """One connection: who it is, and its operations."""

    __slots__ = (
        "_all", "_headers", "_limit", "_principal", "_receive", "_send", "_shown", "_turn", "_why", "running",
    )  # fmt: skip

    def __init__(self, all_: Sockets, headers: Mapping[bytes, bytes], receive: Receive, send: Send) -> None:
        self._all = all_
        self._headers = headers
        self._receive = receive
        self._send = send
        self._turn = asyncio.Lock()
        self._shown: Credentials | None = None
        self._principal: Principal | None = None
        self._limit: asyncio.Timeout | None = None
        #: Why the socket is to be closed, once it is.
        self._why: _Closed | None = None
        self.running: dict[str, asyncio.Task[None]] = {}

    async def serve(self) -> None:
        """Read until the client leaves or must go; then leave nothing behind."""
        settings = self._all.operations.services().settings.subscriptions
        closing: _Closed | None = None
        try:
            async with asyncio.timeout(settings.init_seconds) as self._limit:
                while (message := await self._receive())["type"] != "websocket.disconnect":
                    await self._read(message)
        except TimeoutError:
            closing = self._why or _Closed(INIT_TIMEOUT, "Connection initialisation timeout")
        except _Closed as closed:
            closing = closed
        except Exception as error:
            log.error("a socket failed: %s", trace(error))  # noqa: TRY400 — its text may be personal
            closing = _Closed(INTERNAL, "INTERNAL")
        finally:
            self._why = closing or _Closed(1006, "")
            ended = [task for task in self.running.values() if task not in self._all.kept]
            for task in ended:
                task.cancel()
            await asyncio.gather(*ended, return_exceptions=True)
        if closing is not None:
            await self._close(closing)

    def _end(self, code: int, reason: str) -> None:
        """Have the reading task close the socket."""
        if self._why is None and self._limit is not None:
            self._why = _Closed(code, reason)
            self._limit.reschedule(asyncio.get_running_loop().time())

    async def _close(self, closed: _Closed) -> None:
        message = {"type": "websocket.close", "code": closed.code, "reason": closed.reason[:120]}
        try:
            # Who reads nothing is not told either; the kernel drops the connection in the end.
            async with asyncio.timeout(self._all.operations.services().settings.subscriptions.stall_seconds):
                await self._send(message)
        except (OSError, TimeoutError):
            return

    # Reading ------------------------------------------------------------------------------------

    async def _read(self, message: Mapping[str, Any]) -> None:
        text = message.get("text")
        if not isinstance(text, str):
            raise _Closed(BAD_REQUEST, "Messages are JSON texts.")
        limit = self._all.operations.services().settings.limits.body_bytes
        if len(text) > limit:
            raise _Closed(BAD_REQUEST, f"BODY_TOO_LARGE: more than {limit} characters.")
        try:
            values = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise _Closed(BAD_REQUEST, "The message is not JSON.") from None
        kind = values.get("type") if isinstance(values, dict) else None
        if kind == "connection_init":
            await self._init(values.get("payload"))
        elif kind == "ping":
            await self._tell({"type": "pong"} | ({"payload": values["payload"]} if "payload" in values else {}))
        elif kind == "subscribe":
            self._subscribe(values)
        elif kind == "complete" and isinstance(values.get("id"), str):
            self._cancel(values["id"])
        elif kind != "pong":
            raise _Closed(BAD_REQUEST, "The message has no known type, or no id.")

    async def _init(self, payload: object) -> None:
        if self._principal is not None:
            raise _Closed(TOO_MANY_INITS, "Too many initialisation requests")
        if payload is not None and not isinstance(payload, dict):
            raise _Closed(BAD_REQUEST, "The payload of connection_init must be an object.")
        # A browser's socket sends no headers of one's own, so the payload may say the same.
        given = {str(name).lower().encode(): str(value).encode() for name, value in (payload or {}).items()}
        self._shown = credentials({**self._headers, **given})
        try:
            self._principal = await self._all.operations.again().principal(self._shown)
        except NotAuthenticated as error:
            raise _Closed(FORBIDDEN, f"{error.code}: {error}") from None
        assert self._limit is not None  # noqa: S101 — it is read within it
        self._limit.reschedule(None)
        await self._tell({"type": "connection_ack"})

    def _subscribe(self, values: Mapping[str, Any]) -> None:
        if self._principal is None or self._shown is None:
            raise _Closed(UNAUTHORIZED, "Unauthorized")
        key, payload = values.get("id"), values.get("payload")
        if not isinstance(key, str) or not key or not isinstance(payload, dict):
            raise _Closed(BAD_REQUEST, "subscribe needs an id and a payload.")
        if key in self.running:
            raise _Closed(TWICE, f"Subscriber for {key[:40]} already exists")
        crowded = len(self.running) >= self._all.operations.services().settings.subscriptions.per_connection
        work = self._operate(key, None if crowded else payload, self._shown, self._principal)
        self.running[key] = asyncio.create_task(work)

    def _cancel(self, key: str) -> None:
        task = self.running.get(key)
        if task is None:
            return
        del self.running[key]
        if task not in self._all.kept:
            task.cancel()

    # Answering ----------------------------------------------------------------------------------

    async def _operate(
        self, key: str, payload: Mapping[str, Any] | None, shown: Credentials, principal: Principal
    ) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 — it is one
        request_id = os.urandom(16).hex()
        head = b'{"id":' + orjson.dumps(key)
        last = head + b',"type":"complete"}'
        try:
            await self._run(key, payload, shown, principal, request_id, head)
        except asyncio.CancelledError:
            raise
        except FeedClosed:
            # The server says goodbye to the whole socket.
            return
        except Exception as error:
            failed = explained(error, request_id)
            last = head + b',"type":"error","payload":' + orjson.dumps(failed.errors) + b"}"
            if isinstance(error, NotAuthenticated):
                # Nothing else of this socket is allowed any more.
                await self._last(key, task, last)
                self._end(UNAUTHORIZED, f"{error.code}: {error}")
                return
        await self._last(key, task, last)

    async def _last(self, key: str, task: asyncio.Task[None], text: bytes) -> None:
        if self.running.get(key) is task:
            # First, so that the client may use the id again as soon as it is told.
            del self.running[key]
            await self._write(text)

    async def _run(
        self,
        key: str,
        payload: Mapping[str, Any] | None,
        shown: Credentials,
        principal: Principal,
        request_id: str,
        head: bytes,
    ) -> None:
        operations = self._all.operations
        if payload is None:
            limit = operations.services().settings.subscriptions.per_connection
            raise refused("OPERATIONS_EXHAUSTED", f"One socket runs at most {limit} operations; open another one.")
        text, variables, name = request_of(payload)
        plan = operations.planned(text, name, request_id)
        asked = Asked(plan, variables, shown, principal, request_id)
        head += b',"type":"next","payload":'
        if plan.is_subscription:
            async with operations.events(asked) as answers:
                async for _, answer in answers:
                    await self._write(head + answer + b"}")
            return
        if not plan.is_query:
            task = asyncio.current_task()
            assert task is not None  # noqa: S101 — it is one
            self._all.kept.add(task)
            task.add_done_callback(self._all.kept.discard)
        # Keys and sessions may have ended since the socket was opened.
        asked = Asked(plan, variables, shown, await operations.again().principal(shown), request_id)
        answer = await operations.answer(asked)
        if self.running.get(key) is asyncio.current_task():
            await self._write(head + answer + b"}")

    async def _tell(self, values: Mapping[str, Any]) -> None:
        await self._write(orjson.dumps(values))

    async def _write(self, text: bytes) -> None:
        """One message at a time. A client that does not take it in time is too slow, and goes."""
        seconds = self._all.operations.services().settings.subscriptions.stall_seconds
        async with self._turn:
            if self._why is not None:
                return
            try:
                async with asyncio.timeout(seconds):
                    await self._send({"type": "websocket.send", "text": text.decode()})
            except TimeoutError:
                self._end(TOO_SLOW, f"{FollowerTooSlow.code}: a message was not taken for {seconds:g} seconds.")
            except OSError:
                # The client left; the reading task is told so as well.
                return
