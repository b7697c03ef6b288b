"""What stands before every endpoint, in the platform's order: token, permission, verb, body."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.mini_program_store.sandbox.state import App
from adapters.mini_program_store.sandbox.tokens import TokenDesk
from adapters.mini_program_store.sandbox.wire import Refusal, answer
from sandbox.faults import CODE_KEY

#: Gets the caller's app and the parsed body, of a GET its query; returns the answer or raises Refusal.
Handler = Callable[[App, Mapping[str, Any]], Mapping[str, Any] | Response]
#: Which appids may call: those of mini-programs, of the store, or both.
Audience = Literal["mini_program", "store", "both"]

VERBS = ["GET", "POST", "PUT", "DELETE"]


@dataclass(frozen=True, slots=True)
class Gate:
    """Makes routes whose handlers need not think of credentials."""

    desk: TokenDesk

    def post(self, path: str, audience: Audience, handler: Handler) -> Route:
        """An endpoint with a JSON body."""
        return Route(path, self._guarded("POST", audience, handler), methods=VERBS)

    def get(self, path: str, audience: Audience, handler: Handler) -> Route:
        """One of the few endpoints without a body."""
        return Route(path, self._guarded("GET", audience, handler), methods=VERBS)

    def _guarded(self, verb: str, audience: Audience, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            app = self.desk.apps[self.desk.owner(request.query_params.get("access_token"))]
            told_code(request)
            if audience not in {"both", app.product}:
                raise Refusal(48001, "api unauthorized")
            check_verb(request, verb)
            body = await json_body(request) if verb == "POST" else dict(request.query_params)
            made = handler(app, body)
            return made if isinstance(made, Response) else answer(made)

        return serve


def told_code(request: Request) -> None:
    """Answer the business code that the sandbox's control asked for, if it did."""
    code = request.scope.get(CODE_KEY)
    if code is not None:
        raise Refusal(int(code), "told to fail")


def check_verb(request: Request, verb: str) -> None:
    """43001 where GET is wanted, 43002 where POST is."""
    if request.method != verb:
        raise Refusal(43001, "require GET method") if verb == "GET" else Refusal(43002, "require POST method")


async def json_body(request: Request) -> dict[str, Any]:
    """The JSON object of a request; 44002 for nothing, 47001 for anything else."""
    raw = await request.body()
    if not raw:
        raise Refusal(44002, "empty post data")
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise Refusal(47001, "data format error") from None
    if not isinstance(body, dict):
        raise Refusal(47001, "data format error")
    return body
