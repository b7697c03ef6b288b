"""The two endpoints of the rights service that the adapter uses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeVar

import msgspec

from adapters.base.endpoint import Endpoint, read
from adapters.base.errors import UpstreamError
from adapters.base.http import Upstream
from adapters.base.runtime import Runtime
from adapters.base.tokens import AccessTokens, with_token
from adapters.base.transport import Request, Response
from adapters.ip_content.config import IpContentConfig
from adapters.ip_content.errors import FAULTS, TOOL_NAME, fallback
from adapters.ip_content.models import Catalogue, Problem, TokenAnswer

TOKEN: Final = read("token")
CATALOGUE: Final = read("catalogue", timeout=20.0)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Published:
    """A catalogue and the entity tag under which the service knows it."""

    catalogue: Catalogue = field(repr=False)
    etag: str


class IpContentClient:
    """Speaks ``/ip/v1`` for one licensee."""

    def __init__(self, config: IpContentConfig, runtime: Runtime) -> None:
        self._config = config
        self._upstream = Upstream(runtime, TOOL_NAME, config.external_id)
        key = f"{TOOL_NAME}/{config.external_id}/{config.client_id}"
        self._tokens = AccessTokens(runtime, key, self.token)

    async def token(self, refused: str | None = None) -> tuple[str, float]:
        """POST /ip/v1/token: client credentials for a token of an hour. Leaves earlier tokens alive."""
        del refused
        body = msgspec.json.encode(
            {
                "client_id": self._config.client_id,
                "client_secret": self._config.client_secret.reveal(),
            }
        )

        async def prepare() -> Request:
            headers = {"content-type": "application/json", "accept": "application/json"}
            return Request("POST", f"{self._config.base_url}/ip/v1/token", headers, body)

        def decode(response: Response) -> TokenAnswer:
            return self._body(TOKEN, response, TokenAnswer)

        answer = await self._upstream.call(TOKEN, prepare, decode)
        return answer.access_token, float(answer.expires_in)

    async def catalogue(self, etag: str = "") -> Published | None:
        """GET /ip/v1/catalogue. None when it still is the one of ``etag`` (``*`` matches any)."""

        async def call(token: str) -> Published | None:
            async def prepare() -> Request:
                headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
                if etag:
                    headers["if-none-match"] = etag
                return Request("GET", f"{self._config.base_url}/ip/v1/catalogue", headers)

            return await self._upstream.call(CATALOGUE, prepare, decode)

        def decode(response: Response) -> Published | None:
            if etag and response.status == 304:
                return None
            catalogue = self._body(CATALOGUE, response, Catalogue)
            return Published(catalogue, response.headers.get("etag", ""))

        return await with_token(self._tokens, call)

    def _body(self, endpoint: Endpoint, response: Response, kind: type[T]) -> T:
        """The answer's body, or its problem as an error."""
        if response.status == 200:
            return msgspec.json.decode(response.body, type=kind)
        raise self._problem(endpoint, response)

    def _problem(self, endpoint: Endpoint, response: Response) -> UpstreamError:
        try:
            code = msgspec.json.decode(response.body, type=Problem).code
        except msgspec.MsgspecError:
            code = ""
        return FAULTS.error(
            code or response.status,
            endpoint=endpoint.name,
            account=self._config.external_id,
            request_id=response.headers.get("x-request-id", "")[:64],
            retry_after=_seconds(response.headers.get("retry-after")),
            fallback=fallback(response.status),
        )


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and text.isdigit() else None
