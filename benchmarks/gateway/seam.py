"""Our HTTP seam as the ``Send`` of the benchmark: deadline, slots, breaker, quota and meter as in production."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast

import msgspec

from adapters.base.endpoint import Endpoint, read
from adapters.base.http import Upstream
from adapters.base.runtime import Runtime
from adapters.base.transport import HttpTransport, Request, Response
from benchmarks.gateway.calls import Send, as_json
from gateway.runtime import CountingMeter, MemoryTokenStore, Quotas, SystemClock

T = TypeVar("T")

_HEADERS = {"content-type": "application/json"}


class SeamSend:
    """One ``Upstream`` per tool over one pool of connections."""

    def __init__(self, runtime: Runtime, base_url: str) -> None:
        self._runtime = runtime
        self._base_url = base_url
        self._upstreams: dict[str, Upstream] = {}
        self._endpoints: dict[str, Endpoint] = {}
        self._decoders: dict[type, msgspec.json.Decoder[Any]] = {}

    async def __call__(self, tool: str, kind: type[T], method: str, path: str, body: object = None) -> T:
        """See ``Send``."""
        upstream = self._upstreams.get(tool)
        if upstream is None:
            upstream = self._upstreams[tool] = Upstream(self._runtime, tool, "main")
            self._endpoints[tool] = read(tool)
        decoder = self._decoders.get(kind)
        if decoder is None:
            decoder = self._decoders[kind] = msgspec.json.Decoder(kind)
        url = f"{self._base_url}/{tool}{path}"

        async def prepare() -> Request:
            return Request(method, url) if body is None else Request(method, url, _HEADERS, as_json(body))

        def decode(response: Response) -> T:
            return cast(T, decoder.decode(response.body))

        return await upstream.call(self._endpoints[tool], prepare, decode)


@asynccontextmanager
async def seam(base_url: str) -> AsyncIterator[Send]:
    """Open the seam on a replay server. What a tool with tokens or tables would need is not there."""
    clock = SystemClock()
    nothing = cast(Any, None)
    async with HttpTransport() as transport:
        runtime = Runtime(
            transport=transport,
            clock=clock,
            sleep=asyncio.sleep,
            token_store=MemoryTokenStore(),
            secret_store=nothing,
            quota=Quotas(clock),
            meter=CountingMeter(),
            sql=nothing,
            pseudonym=nothing,
        )
        yield SeamSend(runtime, base_url)
