"""The hand-written endpoint: Starlette, our HTTP seam, no GraphQL. What a team writes that needs this one answer.

It reads the same variables, makes the same seven calls at once, and writes the same bytes: the structs that the
answers are read into hold just the fields that are shown, so they are encoded as they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.gateway import calls, models
from benchmarks.gateway.seam import seam
from benchmarks.gateway.serve import serve, upstream


class User(msgspec.Struct):
    """One follower."""

    openid: str


class FollowerInput(msgspec.Struct):
    """Followers to read."""

    user_list: list[User]


class OrderInput(msgspec.Struct):
    """The order to read."""

    order_id: str


class Variables(msgspec.Struct):
    """Who and what is asked for."""

    follower: FollowerInput
    order: OrderInput
    openid: str
    appid: str
    account_id: str
    prefix: str
    external_userid: str


class Body(msgspec.Struct):
    """The posted JSON; the document beside the variables is for others."""

    variables: Variables


class Member(msgspec.Struct):
    """The answer, field by field in the document's order."""

    follower: models.FollowerAnswer
    coupons: models.CouponAnswer
    order: models.OrderAnswer
    ad_reports: models.ReportAnswer
    files: models.Listing
    catalogue: models.Catalogue
    contact: models.ContactAnswer


class Answer(msgspec.Struct):
    """The same envelope as GraphQL's."""

    data: Member


def application(upstream_url: str) -> Starlette:
    """The ASGI application."""
    read = msgspec.json.Decoder(Body)
    write = msgspec.json.Encoder()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with seam(upstream_url) as send:
            app.state.send = send
            yield

    async def whole_member(request: Request) -> Response:
        who, send = read.decode(await request.body()).variables, request.app.state.send
        parts = await asyncio.gather(
            calls.follower(send, [user.openid for user in who.follower.user_list]),
            calls.coupons(send, who.openid, who.appid),
            calls.order(send, who.order.order_id),
            calls.ad_reports(send, who.account_id),
            calls.files(send, who.prefix),
            calls.catalogue(send),
            calls.contact(send, who.external_userid),
        )
        return Response(write.encode(Answer(Member(*parts))), media_type="application/json")

    return Starlette(lifespan=lifespan, routes=[Route("/graphql", whole_member, methods=["POST"])])


if __name__ == "__main__":
    serve(application(upstream()))
