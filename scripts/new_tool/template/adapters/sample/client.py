"""One method per endpoint, named after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

import msgspec

from adapters.base.endpoint import Endpoint, idempotent, read
from adapters.base.errors import UpstreamError
from adapters.base.http import Upstream
from adapters.base.runtime import Runtime
from adapters.base.tokens import AccessTokens, with_token
from adapters.base.transport import Request, Response
from adapters.sample.config import SampleConfig
from adapters.sample.errors import FAULTS, NAME, by_status
from adapters.sample.models import Account, ItemList, NoteAnswer, Refusal, TokenAnswer

TOKEN: Final = read("token")
ACCOUNT: Final = read("account")
ITEMS_BATCH_GET: Final = read("items_batch_get")
NOTES_ADD: Final = idempotent("notes_add", "key")

T = TypeVar("T")


class SampleClient:
    """Every method raises one of the ten kinds of ``adapters.base.errors``."""

    def __init__(self, config: SampleConfig, runtime: Runtime) -> None:
        self._config = config
        self._upstream = Upstream(runtime, NAME, config.external_id)
        self._tokens = AccessTokens(runtime, f"{NAME}/{config.external_id}", self.token)

    async def token(self, refused: str | None = None) -> tuple[str, float]:
        """POST /v1/token: client credentials for a token, and the seconds it lives."""
        del refused
        body = {"client_id": self._config.client_id, "client_secret": self._config.client_secret.reveal()}
        answer = await self._send(TOKEN, "POST", "/v1/token", TokenAnswer, body, token=None)
        return answer.access_token, float(answer.expires_in)

    async def account(self) -> Account:
        """GET /v1/account: proves the token."""
        return await self._call(ACCOUNT, "GET", "/v1/account", Account)

    async def items_batch_get(self, ids: Sequence[str]) -> ItemList:
        """POST /v1/items/batch_get: 1 to 20 ids; unknown ones are left out."""
        return await self._call(ITEMS_BATCH_GET, "POST", "/v1/items/batch_get", ItemList, {"ids": list(ids)})

    async def notes_add(self, key: str, text: str) -> NoteAnswer:
        """POST /v1/notes: the same key again gives the note that is there."""
        return await self._call(NOTES_ADD, "POST", "/v1/notes", NoteAnswer, {"key": key, "text": text})

    async def _call(self, endpoint: Endpoint, method: str, path: str, shape: type[T], body: object = None) -> T:
        return await with_token(
            self._tokens, lambda token: self._send(endpoint, method, path, shape, body, token=token)
        )

    async def _send(
        self, endpoint: Endpoint, method: str, path: str, shape: type[T], body: object, *, token: str | None
    ) -> T:
        headers = {"accept": "application/json"}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        if body is not None:
            headers["content-type"] = "application/json"
        raw = None if body is None else msgspec.json.encode(body)

        async def prepare() -> Request:
            return Request(method, self._config.base_url + path, headers, raw)

        def decode(response: Response) -> T:
            if response.status != 200:
                raise self._refusal(endpoint, response)
            return msgspec.json.decode(response.body, type=shape)

        return await self._upstream.call(endpoint, prepare, decode)

    def _refusal(self, endpoint: Endpoint, response: Response) -> UpstreamError:
        try:
            code = msgspec.json.decode(response.body, type=Refusal).code
        except msgspec.MsgspecError:
            code = str(response.status)
        return FAULTS.error(
            code,
            endpoint=endpoint.name,
            account=self._config.external_id,
            request_id=response.headers.get("x-request-id", ""),
            writes=endpoint.writes,
            fallback=by_status(response.status),
        )
