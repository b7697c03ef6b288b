"""What happens to every call before its endpoint sees it: token, permission, fault, body."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.enterprise_chat.sandbox.answers import Refusal, ok, refused
from adapters.enterprise_chat.sandbox.credentials import Agent, TokenDesk
from sandbox.clock import SandboxClock
from sandbox.faults import CODE_KEY

#: The vendor lists these escapes as illegal; how strictly it looks for them is not known.
_ESCAPED = re.compile(rb"(?<!\\)(?:\\\\)*\\u[0-9a-fA-F]{4}")
#: Calls of one endpoint by one corp in a minute (访问频率限制); the block lasts as long as the window.
PER_MINUTE = 10_000


@dataclass(frozen=True, slots=True)
class Call:
    """One admitted call: the query of a GET, the body of a POST, and the same as it came."""

    query: Mapping[str, str]
    body: Mapping[str, Any]
    agent: Agent
    raw: bytes = b""

    def text(self, name: str) -> str:
        """A body field that should be text; the platform drops what has another type."""
        value = self.body.get(name)
        return value if isinstance(value, str) else ""

    def whole(self, name: str) -> int | None:
        """A body field that should be a whole number; None where it is absent or something else."""
        value = self.body.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def texts(self, name: str, of: Mapping[str, Any] | None = None) -> list[str]:
        """A body field that should be a list of texts."""
        value = (self.body if of is None else of).get(name)
        return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


Handler = Callable[[Call], Mapping[str, Any]]


class Gate:
    """Wraps handlers into routes under /cgi-bin. ``per_minute`` calls of one endpoint are let through."""

    def __init__(self, desk: TokenDesk, clock: SandboxClock) -> None:
        self._desk = desk
        self._clock = clock
        self.per_minute = PER_MINUTE
        #: Called before each admitted call: what time has brought about.
        self.before: list[Callable[[], None]] = []
        self._minute: dict[str, tuple[int, int]] = {}

    def token_route(self) -> Route:
        """``GET gettoken``, the one call without a token."""

        async def answer(request: Request) -> Response:
            ip, query = _ip(request), request.query_params
            try:
                _inject(request)
                fields = self._desk.issue(query.get("corpid", ""), query.get("corpsecret", ""), ip)
            except Refusal as refusal:
                return refused(refusal.code, self._clock.now(), ip)
            return ok(fields)

        return Route("/cgi-bin/gettoken", answer, methods=["GET", "POST"])

    def route(self, path: str, handler: Handler, *agents: Agent) -> Route:
        """An endpoint that only the tokens of ``agents`` may call.

        Both methods arrive: a GET of what should be POSTed has simply no body.
        """

        async def answer(request: Request) -> Response:
            ip, warned = _ip(request), False
            try:
                agent = self._admit(request, path, agents)
                self._count(path)
                _inject(request)
                raw = await request.body()
                form = request.headers.get("content-type", "").startswith("multipart/form-data")
                body, warned = ({}, False) if form else _parse(raw)
                for settle in self.before:
                    settle()
                return ok(handler(Call(request.query_params, body, agent, raw)), warned=warned)
            except Refusal as refusal:
                return refused(refusal.code, self._clock.now(), ip, warned=warned)

        return Route(f"/cgi-bin/{path}", answer, methods=["GET", "POST"])

    def _admit(self, request: Request, path: str, agents: Collection[Agent]) -> Agent:
        agent = self._desk.agent_of(request.query_params.get("access_token", ""))
        if agent not in agents:
            # 通讯录同步 lost its right to read members and departments on 2022-08-15; it keeps the lists of ids.
            raise Refusal(
                48009 if agent is Agent.CONTACTS_SYNC and path.startswith(("user/", "department/")) else 48002
            )
        return agent

    def _count(self, path: str) -> None:
        minute = int(self._clock.now().timestamp() // 60)
        before, calls = self._minute.get(path, (minute, 0))
        calls = calls + 1 if before == minute else 1
        self._minute[path] = (minute, calls)
        if calls > self.per_minute:
            raise Refusal(45009)


def _inject(request: Request) -> None:
    code = request.scope.get(CODE_KEY)
    if code is not None:
        raise Refusal(int(code))


def _parse(raw: bytes) -> tuple[Mapping[str, Any], bool]:
    """The body's object, and whether the platform would warn about it. Raises Refusal 40033."""
    if not raw:
        return {}, False
    if _ESCAPED.search(raw):
        raise Refusal(40033)
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return {}, True
    return (value, False) if isinstance(value, dict) else ({}, True)


def _ip(request: Request) -> str:
    return request.client.host if request.client is not None else ""
