"""Signs, sends, verifies: what is the same for every endpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, TypeVar
from urllib.parse import quote

import msgspec

from adapters.base.endpoint import Endpoint
from adapters.base.errors import Fault, FaultTable, UpstreamError
from adapters.base.http import Upstream
from adapters.base.transport import Request, Response
from adapters.payments import models
from adapters.payments.config import PaymentsConfig
from adapters.payments.errors import FAULTS, UNKNOWN_KEY, UNSIGNED, by_status, canonical
from adapters.payments.keys import PlatformKeys
from adapters.payments.signing import Signer, Unverified

T = TypeVar("T")

_USER_AGENT: Final = "retail-gateway"


class Wire:
    """One account's way to the platform; knows headers, signatures and errors, no paths."""

    def __init__(self, config: PaymentsConfig, upstream: Upstream, signer: Signer, keys: PlatformKeys) -> None:
        self._config = config
        self._upstream = upstream
        self._signer = signer
        self.keys = keys

    @property
    def mchid(self) -> str:
        """The account."""
        return self._config.mchid

    def now(self) -> datetime:
        """The runtime's clock, which stamps what we sign and judges what we verify."""
        return self._upstream.runtime.clock.now()

    async def json(
        self,
        endpoint: Endpoint,
        method: str,
        target: str,
        shape: type[T],
        body: bytes = b"",
        *,
        faults: FaultTable = FAULTS,
        sealed_for: str = "",
    ) -> T:
        """A call whose answer is a JSON object. ``sealed_for``: the key that fields of the body are encrypted for."""
        return await self.call(
            endpoint,
            method,
            target,
            lambda answer: msgspec.json.decode(answer.body, type=shape),
            body,
            faults=faults,
            sealed_for=sealed_for,
        )

    async def call(
        self,
        endpoint: Endpoint,
        method: str,
        target: str,
        decode: Callable[[Response], T],
        body: bytes = b"",
        *,
        url: str = "",
        signed: bool = True,
        faults: FaultTable = FAULTS,
        sealed_for: str = "",
    ) -> T:
        """Status first, then the signature over the raw bytes, then the content.

        ``signed`` is False where the answer carries no signature, or is verified by ``decode``.
        """

        async def prepare() -> Request:
            if signed:
                await self.keys.ready(self.now())
            authorization = await self._signer.authorize(method, target, body, self.now())
            headers = self._headers(authorization, has_body=bool(body), sealed_for=sealed_for)
            return Request(method, url or self._config.base_url + target, headers, body or None)

        def checked(response: Response) -> T:
            if response.status not in {200, 204}:
                raise self._refusal(endpoint, response, faults)
            if signed:
                self._verify(endpoint, response)
            return decode(response)

        return await self._upstream.call(endpoint, prepare, checked)

    def failure(self, fault: Fault, endpoint: Endpoint, response: Response) -> UpstreamError:
        """The error of a good answer that cannot be believed."""
        return FAULTS.error(
            "",
            endpoint=endpoint.name,
            account=self.mchid,
            request_id=response.headers.get("request-id", ""),
            writes=endpoint.writes,
            fallback=fault,
            is_status=True,
        )

    def _headers(self, authorization: str, *, has_body: bool, sealed_for: str) -> Mapping[str, str]:
        headers = {"Authorization": authorization, "Accept": "application/json", "User-Agent": _USER_AGENT}
        # Asks the platform to sign its answer with the public key, where we hold it, and names the key of
        # encrypted fields. A merchant with certificates only names one for such fields alone.
        if serial := sealed_for or self._config.platform_key_id:
            headers["Wechatpay-Serial"] = serial
        if has_body:
            headers["Content-Type"] = "application/json"
        return headers

    def _verify(self, endpoint: Endpoint, response: Response) -> None:
        try:
            self.keys.verify(response.headers, response.body, self.now())
        except Unverified as error:
            # With a key that may have been rotated in, the repetition fetches certificates first.
            renewed = error.reason == "unknown_key" and self.keys.may_learn(self.now())
            raise self.failure(UNKNOWN_KEY if renewed else UNSIGNED, endpoint, response) from error

    def _refusal(self, endpoint: Endpoint, response: Response, faults: FaultTable) -> UpstreamError:
        """The error behind a status that is not 200 or 204. Such answers are never signed."""
        try:
            code = canonical(msgspec.json.decode(response.body, type=models.ErrorBody).code)
        except msgspec.MsgspecError:
            code = ""
        return faults.error(
            code,
            endpoint=endpoint.name,
            account=self.mchid,
            request_id=response.headers.get("request-id", ""),
            writes=endpoint.writes,
            # The body of some 404s is empty. Another one without a code is a gateway's page, or was cut off.
            fallback=by_status(response.status, faults, is_whole=bool(code) or not response.body),
        )


def segment(text: str) -> str:
    """A part of a path, percent-encoded whole; it is signed in this form."""
    return quote(text, safe="")


def nothing(response: Response) -> None:
    """A 204 has no body; its signature was made over the empty one."""
    del response
