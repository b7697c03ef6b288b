"""Plain Strawberry as its community runs it: its ASGI view on uvicorn, its data loaders, aiohttp upstream.

Documents are parsed and validated once (its own caching extensions), JSON is written by orjson (its documented hook),
answers are read by msgspec, connections are kept. Resolvers, types and batch functions are the same as ours.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import aiohttp
import msgspec
import orjson
import strawberry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from strawberry.extensions import ParserCache, ValidationCache

from benchmarks.gateway.calls import as_json
from benchmarks.gateway.schema import CONFIG, Query
from benchmarks.gateway.serve import serve, upstream

T = TypeVar("T")

_HEADERS = {"content-type": "application/json"}


class AiohttpSend:
    """See ``benchmarks.gateway.calls.Send``."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str) -> None:
        self._session = session
        self._base_url = base_url
        self._decoders: dict[type, msgspec.json.Decoder[Any]] = {}

    async def __call__(self, tool: str, kind: type[T], method: str, path: str, body: object = None) -> T:
        """The answer."""
        decoder = self._decoders.get(kind)
        if decoder is None:
            decoder = self._decoders[kind] = msgspec.json.Decoder(kind)
        data, headers = (None, None) if body is None else (as_json(body), _HEADERS)
        url = f"{self._base_url}/{tool}{path}"
        async with self._session.request(method, url, data=data, headers=headers) as answer:
            return cast(T, decoder.decode(await answer.read()))


class Loaders:
    """Strawberry's data loaders, one per batch function and request."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._loaders: dict[Any, DataLoader[Any, Any]] = {}

    def load(self, batch: Callable[..., Awaitable[Any]], key: Any) -> Awaitable[Any]:
        """The value of one key."""
        found = self._loaders.get(batch)
        if found is None:

            async def fetch(keys: list[Any]) -> list[Any]:
                return list(await batch(self._context, keys))

            found = self._loaders[batch] = DataLoader(fetch)
        return found.load(key)


class Context:
    """One request."""

    def __init__(self, services: SimpleNamespace) -> None:
        self.services = services
        self.loaders = Loaders(self)


class View(GraphQL[Context, None]):
    """Strawberry's view with orjson."""

    services: SimpleNamespace

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        """A context per request."""
        return Context(self.services)

    def encode_json(self, data: object) -> bytes:
        """Bytes, as Strawberry allows."""
        return orjson.dumps(data)

    def decode_json(self, data: str | bytes) -> object:
        """The posted body."""
        return orjson.loads(data)


def application(upstream_url: str) -> Starlette:
    """The ASGI application."""
    schema = strawberry.Schema(
        query=Query, config=CONFIG, extensions=[lambda: ParserCache(), lambda: ValidationCache()]
    )
    view = View(schema, graphql_ide=None)
    view.services = SimpleNamespace(send=None)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            view.services.send = AiohttpSend(session, upstream_url)
            yield

    return Starlette(lifespan=lifespan, routes=[Route("/graphql", view, methods=["POST"])])


if __name__ == "__main__":
    serve(application(upstream()))
