"""The wire itself: one request, one answer, and whether a failure came before or after the send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Protocol, Self

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import ConnectError, ConnectTimeoutError, PoolTimeoutError, PyreqwestError
from pyreqwest.http import HeaderMap
from pyreqwest.response import Response as PyreqwestResponse


class NotSent(Exception):
    """The request did not leave this machine: no effect is possible."""


class MaybeSent(Exception):
    """The request left, or may have; no complete answer came."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, final to the byte: what was signed is what is sent.

    ``repr`` shows neither headers nor body, since both carry credentials. ``private_path`` says that the path
    or the query names a person, so that log lines stop at the host.
    """

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    private_path: bool = False


@dataclass(frozen=True, slots=True)
class Response:
    """One complete HTTP answer; header names are lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Transport(Protocol):
    """Sends one request. Raises NotSent or MaybeSent, nothing else."""

    async def send(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109 — the wire's own limit
        """The whole answer within ``timeout`` seconds."""
        ...


#: An answer larger than this is refused, so that a broken platform cannot fill our memory.
MAX_ANSWER_BYTES = 32 * 1024 * 1024


class PyreqwestTransport:
    """Transport on pyreqwest: pooled, HTTP/1.1 and 2, no redirects, cookies or proxies."""

    def __init__(self, *, pool_size: int = 64, root_certificates: Sequence[bytes] = ()) -> None:
        builder = (
            ClientBuilder()
            .follow_redirects(False)
            .no_proxy()
            .default_cookie_store(False)
            .connect_timeout(timedelta(seconds=3))
            .pool_max_idle_per_host(pool_size)
            .pool_idle_timeout(timedelta(seconds=30))
            .error_for_status(False)
            # Answers arrive as sent: unpacking drops Content-Length, which is the answer to a HEAD, changes
            # bodies that are compared with a checksum, and would let a small answer grow past the limit.
            .gzip(False)
            .brotli(False)
            .deflate(False)
            .zstd(False)
        )
        for certificate in root_certificates:
            builder = builder.add_root_certificate_pem(certificate)
        self._client: Client = builder.build()

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, value, trace)

    async def send(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109 — the wire's own limit
        """See ``Transport.send``."""
        builder = self._client.request(request.method, request.url).timeout(timedelta(seconds=timeout))
        if request.headers:
            builder = builder.headers(HeaderMap(dict(request.headers)))
        if request.body is not None:
            builder = builder.body_bytes(request.body)
        failure: NotSent | MaybeSent
        try:
            answer = await builder.build().send()
            body = bytes(await answer.bytes())
        except PoolTimeoutError as error:
            failure = NotSent(type(error).__name__)
        except PyreqwestError as error:
            failure = (NotSent if _never_connected(error) else MaybeSent)(type(error).__name__)
        else:
            return self._answer(answer, body)
        # Raised outside the handlers: the library's errors quote the URL with its credentials, and a chained
        # error, even a suppressed one, is found by whoever walks the chain.
        raise failure

    @staticmethod
    def _answer(answer: PyreqwestResponse, body: bytes) -> Response:
        if len(body) > MAX_ANSWER_BYTES:
            raise MaybeSent(f"answer of {len(body)} bytes is over the limit of {MAX_ANSWER_BYTES}")
        return Response(answer.status, {k.lower(): v for k, v in answer.headers.items()}, body)


def _never_connected(error: PyreqwestError) -> bool:
    """The library calls a connection lost after the send a ConnectError too, and a request whose time ran out
    while the platform worked on it a ConnectTimeoutError; only the cause tells."""
    if not isinstance(error, ConnectError | ConnectTimeoutError):
        return False
    return any(cause["message"] == "client error (Connect)" for cause in error.details["causes"] or [])
