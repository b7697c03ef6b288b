"""A documented answer for every method of the client, for the tests of spoilt ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from adapters.base.runtime import Runtime
from adapters.base.secrets import Secret
from adapters.base.transport import Response
from adapters.ip_content import IpContentConfig
from adapters.ip_content.client import IpContentClient

_WIRE = Path(__file__).parent / "wire"
_CONFIG = IpContentConfig(
    base_url="https://rights.example", client_id="yj-1", client_secret=Secret("s"), licensee="party-retailer-7"
)
CLIENTS = (IpContentClient,)


class _WithToken(IpContentClient):
    """Has a token, so that what is spoilt is the catalogue."""

    async def token(self, refused: str | None = None) -> tuple[str, float]:
        del refused
        return "t", 3600.0


def _client(runtime: Runtime) -> IpContentClient:
    return IpContentClient(_CONFIG, runtime)


def _holder(runtime: Runtime) -> IpContentClient:
    return _WithToken(_CONFIG, runtime)


def _recorded(name: str, **headers: str) -> Response:
    return Response(200, headers, (_WIRE / f"{name}.json").read_bytes())


#: Maker of the client, method, call, answer.
METHODS: list[tuple[Callable[[Runtime], Any], str, Callable[[Any], Any], Response]] = [
    (_client, "token", lambda c: c.token(), _recorded("token")),
    (_holder, "catalogue", lambda c: c.catalogue(), _recorded("catalogue", etag='"41"')),
]
