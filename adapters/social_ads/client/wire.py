"""Queries, envelopes and errors: what is the same for every endpoint."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Final, TypeVar
from urllib.parse import urlencode

import msgspec

from adapters.base.endpoint import Endpoint
from adapters.base.errors import Fault, UpstreamError
from adapters.base.http import Upstream
from adapters.base.transport import Request, Response
from adapters.social_ads import models
from adapters.social_ads.config import SocialAdsConfig
from adapters.social_ads.errors import FAULTS, PER_DAY, by_family, by_status, next_quota_day

T = TypeVar("T")

_JSON: Final = "application/json"


def encode_query(parameters: Mapping[str, object]) -> str:
    """The platform's query form: scalars plain, lists and objects as compact JSON, then form-encoded."""
    plain = {
        name: value if isinstance(value, str) else msgspec.json.encode(value).decode()
        for name, value in parameters.items()
        if value is not None
    }
    return urlencode(sorted(plain.items()))


def of_ads(ads: Sequence[int]) -> Sequence[Mapping[str, object]] | None:
    """``filtering`` by ads; None for all of them. Values are texts, whatever the field is."""
    return [{"field": "adgroup_id", "operator": "IN", "values": [str(each) for each in ads]}] if ads else None


def multipart(fields: Mapping[str, str], file: bytes, file_name: str, boundary: str) -> bytes:
    """A multipart/form-data body whose one file is the field ``file``; the boundary must not occur in it."""
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{file_name}"\r\n'
        "Content-Type: application/zip\r\n\r\n"
    )
    return b"".join([*parts, head.encode(), file, f"\r\n--{boundary}--\r\n".encode()])


class Wire:
    """One advertiser account's way to the platform. Methods raise the ten kinds and nothing else."""

    def __init__(self, upstream: Upstream, config: SocialAdsConfig) -> None:
        self._upstream = upstream
        self._config = config

    @property
    def _account_id(self) -> int:
        return self._config.account_id

    async def _oauth(self, endpoint: Endpoint, verb: str, **parameters: str) -> models.Tokens:
        """Such calls carry the application's secret, and neither token, timestamp nor nonce."""

        async def prepare() -> Request:
            query = encode_query(
                {
                    "client_id": self._config.client_id,
                    "client_secret": self._config.client_secret.reveal(),
                    **parameters,
                }
            )
            return Request("GET", f"{self._config.base_url}/oauth/{verb}?{query}")

        return await self._upstream.call(
            endpoint, prepare, lambda response: self._decode(endpoint, response, models.Tokens)
        )

    async def _get(
        self,
        endpoint: Endpoint,
        path: str,
        access_token: str,
        parameters: Mapping[str, object],
        kind: type[T],
    ) -> T:
        """A read of this account."""

        async def prepare() -> Request:
            query = encode_query({"account_id": self._account_id, **parameters, **self._common(access_token)})
            return Request("GET", f"{self._config.base_url}/v3.0/{path}?{query}")

        return await self._upstream.call(endpoint, prepare, lambda response: self._decode(endpoint, response, kind))

    async def _post(
        self,
        endpoint: Endpoint,
        path: str,
        access_token: str,
        body: bytes,
        kind: type[T],
        *,
        content_type: str = _JSON,
        request_id: str = "",
    ) -> T:
        """A write; ``request_id`` makes the creation of an ad repeatable."""

        async def prepare() -> Request:
            url = f"{self._config.base_url}/v3.0/{path}?{encode_query(self._common(access_token))}"
            headers = {"Content-Type": content_type}
            if request_id:
                headers["X-Request-Id"] = request_id
            return Request("POST", url, headers, body)

        return await self._upstream.call(endpoint, prepare, lambda response: self._decode(endpoint, response, kind))

    async def _send(
        self,
        endpoint: Endpoint,
        path: str,
        access_token: str,
        body: Mapping[str, object],
        kind: type[T],
        *,
        request_id: str = "",
    ) -> T:
        """A write of this account with a JSON body; what is None is left out."""
        given = {name: value for name, value in body.items() if value is not None}
        encoded = msgspec.json.encode({"account_id": self._account_id, **given})
        return await self._post(endpoint, path, access_token, encoded, kind, request_id=request_id)

    def _common(self, access_token: str) -> dict[str, object]:
        """In the query of POST too. The platform refuses a clock off by 300 s, and a nonce it has seen."""
        return {
            "access_token": access_token,
            "timestamp": int(self._upstream.runtime.clock.now().timestamp()),
            "nonce": secrets.token_hex(16),
        }

    def _decode(self, endpoint: Endpoint, response: Response, kind: type[T]) -> T:
        if response.status != 200:
            raise self._error(endpoint, response, f"http_{response.status}", by_status(response.status))
        envelope = msgspec.json.decode(response.body, type=models.Envelope)
        if envelope.code != 0:
            family = by_family(envelope.code, envelope.message)
            raise self._error(endpoint, response, str(envelope.code), family)
        data = bytes(envelope.data)
        return msgspec.json.decode(b"{}" if data in {b"", b"null"} else data, type=kind)

    def _error(self, endpoint: Endpoint, response: Response, code: str, fallback: Fault | None) -> UpstreamError:
        return FAULTS.error(
            code,
            endpoint=endpoint.name,
            account=self._config.external_id,
            request_id=response.headers.get("x-tsa-trace-id", ""),
            writes=endpoint.writes,
            resets_at=next_quota_day(self._upstream.runtime.clock.now()) if code == PER_DAY else None,
            fallback=fallback,
        )
