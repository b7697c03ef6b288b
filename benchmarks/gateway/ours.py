"""Ours: the gateway's own GraphQL route, compiled plans and HTTP seam, on the benchmark's graph.

The product's ``whole_member`` reads most of its fields from projections, so its upstream calls are not those of the
peers; here the same route serves a graph of which every field is one call. API key, limits and deadline are those of
the product. Besides, ``/bare`` is a Starlette route that answers ``{"data":{"__typename":"Query"}}`` by itself: the
floor under ``{ __typename }``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.gateway.schema import CONFIG, Query
from benchmarks.gateway.seam import seam
from benchmarks.gateway.serve import serve, upstream
from gateway.access.principal import Authenticator
from gateway.graphql_route import GraphQLRoute
from gateway.runtime import SystemClock
from gateway.schema import GatewaySchema
from gateway.settings import from_mapping

KEY = "benchmark-key-of-20-letters"


async def _bare(_: Request) -> Response:
    return Response(b'{"data":{"__typename":"Query"}}', media_type="application/json")


def application(upstream_url: str) -> Starlette:
    """The ASGI application."""
    settings = from_mapping(
        {
            "environment": "sandbox",
            "master_key": "A" * 43 + "=",
            "api_keys": [{"id": "benchmark", "key": KEY, "audience": "hq"}],
        }
    )
    services = SimpleNamespace(settings=settings, clock=SystemClock(), send=None)
    # No session token is ever sent, so the database behind sessions is never asked.
    auth = Authenticator(settings.api_keys, cast(Any, None))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with seam(upstream_url) as send:
            services.send = send
            yield

    schema = GatewaySchema(query=Query, config=CONFIG)
    route = GraphQLRoute(schema._schema, lambda: cast(Any, services), lambda: auth)  # noqa: SLF001 — as the product does
    return Starlette(
        lifespan=lifespan,
        routes=[Route("/graphql", route, methods=["GET", "POST"]), Route("/bare", _bare, methods=["POST"])],
    )


if __name__ == "__main__":
    serve(application(upstream()))
