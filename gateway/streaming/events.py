"""GraphQL over server-sent events, in distinct connections mode: one request, one stream.

https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md. Events of subscriptions bear their ``eventId`` as the
stream's ``id``, so that a browser's EventSource goes on where it was by itself (Last-Event-ID).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import Final

import orjson

from gateway.bodies import ClientGone, Receive
from gateway.events.feed import FeedClosed
from gateway.graphql_route import REFUSED, BadRequest, Scope, Send, credentials, from_query, refused, request_of
from gateway.streaming.operations import Asked, Operations, explained

MEDIA_TYPE: Final = b"text/event-stream"
_HEAD: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    # nginx would keep small events back.
    (b"x-accel-buffering", b"no"),
]


class EventStreams:
    """``/graphql`` with Accept: text/event-stream. An ASGI application; knows how many streams are open."""

    def __init__(self, operations: Operations) -> None:
        self.operations = operations
        self.open: set[_EventStream] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one stream."""
        request_id = os.urandom(16).hex()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        try:
            asked = await self._asked(scope, headers, receive)
        except ClientGone:
            return
        except REFUSED as error:
            answer = refused(error, request_id)
        else:
            stream = _EventStream(self.operations, headers, receive, send)
            self.open.add(stream)
            try:
                await stream.serve(*asked, request_id)
            finally:
                self.open.discard(stream)
            return
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _asked(
        self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive
    ) -> tuple[Mapping[str, object], bool]:
        await self.operations.again().principal(credentials(headers))
        is_get = scope["method"] != "POST"
        values = from_query(scope) if is_get else await self.operations.route.read(headers, receive)
        request_of(values)
        return values, is_get


class _EventStream:
    """One stream."""

    def __init__(self, operations: Operations, headers: Mapping[bytes, bytes], receive: Receive, send: Send) -> None:
        self._operations = operations
        self._headers = headers
        self._receive = receive
        self._send = send
        self._settings = operations.services().settings.subscriptions
        self._turn = asyncio.Lock()

    async def serve(self, values: Mapping[str, object], is_get: bool, request_id: str) -> None:
        """Answer until the operation is complete, the client leaves, or does not keep up."""
        await self._send({"type": "http.response.start", "status": 200, "headers": _HEAD})
        answering = asyncio.create_task(self._answer(values, is_get, request_id))
        attending = asyncio.create_task(self._attend())
        try:
            await asyncio.wait((answering, attending), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (answering, attending):
                task.cancel()
            await asyncio.gather(answering, attending, return_exceptions=True)

    async def _attend(self) -> None:
        """Until the client leaves; comments in between keep proxies from closing what is silent."""
        while True:
            try:
                async with asyncio.timeout(self._settings.ping_seconds):
                    message = await self._receive()
            except TimeoutError:
                await self._write(b":\n\n")
                continue
            if message["type"] == "http.disconnect":
                return

    async def _answer(self, values: Mapping[str, object], is_get: bool, request_id: str) -> None:
        try:
            await self._run(values, is_get, request_id)
        except (FeedClosed, TimeoutError):
            # Without "complete": the client connects again, and goes on after its last event.
            await self._finish()
            return
        except Exception as error:
            await self._write(_event(b"next", orjson.dumps({"errors": explained(error, request_id).errors})))
        await self._write(_event(b"complete", b""))
        await self._finish()

    async def _run(self, values: Mapping[str, object], is_get: bool, request_id: str) -> None:
        operations = self._operations
        shown = credentials(self._headers)
        principal = await operations.again().principal(shown)
        text, variables, name = request_of(values)
        plan = operations.planned(text, name, request_id)
        resume = self._headers.get(b"last-event-id", b"").decode("latin-1") or None
        asked = Asked(plan, variables, shown, principal, request_id, resume)
        if plan.is_subscription:
            async with operations.events(asked) as answers:
                async for event_id, answer in answers:
                    await self._write(_event(b"next", answer, event_id))
            return
        if is_get and not plan.is_query:
            raise BadRequest(405, "METHOD", "Mutations need POST.")
        work = asyncio.ensure_future(operations.answer(asked))
        # A mutation is seen through when its client leaves.
        await self._write(_event(b"next", await (work if plan.is_query else asyncio.shield(work))))

    async def _write(self, text: bytes) -> None:
        """Raises TimeoutError when the client does not take it in time."""
        async with self._turn, asyncio.timeout(self._settings.stall_seconds):
            await self._send({"type": "http.response.body", "body": text, "more_body": True})

    async def _finish(self) -> None:
        async with self._turn, asyncio.timeout(self._settings.stall_seconds):
            await self._send({"type": "http.response.body", "body": b""})


def _event(name: bytes, data: bytes, event_id: str | None = None) -> bytes:
    place = b"" if event_id is None else b"id: " + event_id.encode() + b"\n"
    return place + b"event: " + name + b"\ndata: " + data + b"\n\n"
