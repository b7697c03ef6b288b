"""Misbehaviour on command, and the ASGI wrapper that applies it around every platform."""

from __future__ import annotations

import asyncio
import fnmatch
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from sandbox.clock import SandboxClock
from sandbox.journal import Journal

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

FaultKind = Literal[
    "latency",  # value: seconds to wait before the platform handles the request
    "status",  # value: HTTP status answered instead of handling it
    "html",  # a gateway's HTML page with status 502, instead of handling it
    "reset_before",  # the connection is cut before the platform handles the request
    "reset_after",  # the platform handles the request, then the connection is cut
    "truncate",  # handled, then only half of the body is sent, as a complete answer
    "garbage",  # handled, then bytes that are no JSON are sent
    "code",  # value: a business code that the platform answers instead of handling the request
    "hang",  # never answers (until the client leaves)
]


@dataclass(slots=True)
class FaultRule:
    """Applies ``kind`` to matching calls.

    Attributes:
        platform: one of the seven names, or ``*``.
        endpoint: ``"POST /cgi-bin/…"``, with ``*`` wildcards.
        calls: which matching calls, counted from 1 since the rule was set; empty means all.
    """

    platform: str
    endpoint: str
    kind: FaultKind
    value: float | str = 0
    calls: tuple[int, ...] = ()
    seen: int = 0

    def matches(self, platform: str, endpoint: str) -> bool:
        """Count a call and say whether the fault applies to it."""
        if not fnmatch.fnmatchcase(platform, self.platform):
            return False
        if not fnmatch.fnmatchcase(endpoint, self.endpoint):
            return False
        self.seen += 1
        return not self.calls or self.seen in self.calls


class Faults:
    """The rules in force."""

    def __init__(self) -> None:
        self.rules: list[FaultRule] = []
        self.hits: Counter[str] = Counter()

    def add(
        self,
        platform: str,
        kind: FaultKind,
        *,
        endpoint: str = "*",
        value: float | str = 0,
        calls: tuple[int, ...] = (),
    ) -> FaultRule:
        """Put a rule in force."""
        rule = FaultRule(platform, endpoint, kind, value, calls)
        self.rules.append(rule)
        return rule

    def clear(self) -> None:
        """Behave again."""
        self.rules.clear()

    def pick(self, platform: str, endpoint: str) -> list[FaultRule]:
        """Rules that apply to this call."""
        return [rule for rule in self.rules if rule.matches(platform, endpoint)]


#: Where a platform finds the business code that it is told to answer (a str, or absent).
CODE_KEY: Final = "sandbox.code"
_HTML: Final = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


class ConnectionCut(Exception):
    """Raised through an in-process caller, where there is no socket to cut."""


class Faulty:
    """ASGI wrapper of one platform: journals each call and applies the faults in force."""

    def __init__(self, name: str, app: App, faults: Faults, journal: Journal, clock: SandboxClock) -> None:
        self.name = name
        self.app = app
        self.faults = faults
        self.journal = journal
        self.clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        endpoint = f"{scope['method']} {scope['path']}"
        rules = self.faults.pick(self.name, endpoint)
        answer = _Answer(send, rules)
        try:
            await self._serve(scope, receive, answer, rules)
        finally:
            cut = any(rule.kind in {"reset_before", "reset_after", "hang"} for rule in rules)
            self.journal.call(
                self.clock.now(),
                self.name,
                endpoint,
                0 if cut else answer.status,
                ",".join(rule.kind for rule in rules),
            )

    async def _serve(self, scope: Scope, receive: Receive, answer: _Answer, rules: list[FaultRule]) -> None:
        for rule in rules:
            if rule.kind == "latency":
                await asyncio.sleep(float(rule.value))
            elif rule.kind == "hang":
                while (await receive())["type"] != "http.disconnect":
                    pass
                return
            elif rule.kind == "reset_before":
                _cut(scope)
                return
            elif rule.kind in {"status", "html"}:
                status = 502 if rule.kind == "html" else int(rule.value)
                await answer.plain(status, _HTML if rule.kind == "html" else b"")
                return
            elif rule.kind == "code":
                scope[CODE_KEY] = str(rule.value)
        await self.app(scope, receive, answer)
        if any(rule.kind == "reset_after" for rule in rules):
            _cut(scope)


class _Answer:
    """Collects a platform's answer, so that it can be held back or spoilt, and passes it on."""

    def __init__(self, send: Send, rules: list[FaultRule]) -> None:
        self.status = 0
        self._send = send
        self._kinds = {rule.kind for rule in rules}
        self._start: Message = {}
        self._body = bytearray()

    async def __call__(self, message: Message) -> None:
        if not self._kinds & {"reset_after", "truncate", "garbage"}:
            if message["type"] == "http.response.start":
                self.status = message["status"]
            await self._send(message)
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._start = message
            return
        self._body += message.get("body", b"")
        if not message.get("more_body") and "reset_after" not in self._kinds:
            body = bytes(self._body[: len(self._body) // 2]) if "truncate" in self._kinds else b"\xff\x00<"
            # A 204 cannot carry the spoilt bytes: they would be read as the start of the next answer.
            status = 200 if body and self.status == 204 else self.status
            await self.plain(status, body, self._start["headers"])

    async def plain(self, status: int, body: bytes, headers: list[tuple[bytes, bytes]] | None = None) -> None:
        """Send a whole answer."""
        self.status = status
        kept = [(k, v) for k, v in headers or [] if k.lower() != b"content-length"]
        kept.append((b"content-length", str(len(body)).encode()))
        await self._send({"type": "http.response.start", "status": status, "headers": kept})
        await self._send({"type": "http.response.body", "body": body})


def _cut(scope: Scope) -> None:
    """End the connection without an answer (a TCP reset, put in the scope by the sandbox's server)."""
    abort = scope.get("state", {}).get("abort")
    if abort is None:
        raise ConnectionCut
    abort()
