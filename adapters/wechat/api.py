"""Calls that carry an ``access_token`` in the query, as all of these platforms want it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Container, Mapping
from typing import Final, TypeVar
from urllib.parse import urlencode

import msgspec

from adapters.base.endpoint import Endpoint
from adapters.base.errors import FaultTable
from adapters.base.http import Upstream
from adapters.base.tokens import AccessTokens, with_token
from adapters.base.transport import Request, Response
from adapters.wechat.envelope import Envelope, decode

T = TypeVar("T")

#: Builds a request for a token.
_Build = Callable[[str], Request]
_JSON: Final = {"content-type": "application/json; charset=utf-8"}


def get_request(base_url: str, path: str, query: Mapping[str, str]) -> Request:
    """A GET; ``path`` begins with a slash."""
    return Request("GET", f"{base_url}{path}?{urlencode(query)}" if query else base_url + path)


def post_request(base_url: str, path: str, query: Mapping[str, str], body: object) -> Request:
    """A POST of JSON in UTF-8 without ASCII escapes: the platforms store them literally or refuse (40033)."""
    url = f"{base_url}{path}?{urlencode(query)}" if query else base_url + path
    return Request("POST", url, _JSON, msgspec.json.encode(body))


def _form(name: str, content: bytes) -> tuple[Mapping[str, str], bytes]:
    """Headers and body of multipart/form-data with one file. ``name`` is ASCII without quotes."""
    boundary = secrets.token_hex(16)
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="media"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    body = head.encode("ascii") + content + f"\r\n--{boundary}--\r\n".encode()
    return {"content-type": f"multipart/form-data; boundary={boundary}"}, body


class TokenApi:
    """The endpoints of one account that take one kind of access token.

    ``table`` is the tool's error table; rows with ``renew_token`` make a call run once more with a new token.
    """

    def __init__(self, upstream: Upstream, tokens: AccessTokens, base_url: str, table: FaultTable) -> None:
        self._upstream = upstream
        self._tokens = tokens
        self._base_url = base_url
        self._table = table

    async def get(self, endpoint: Endpoint, path: str, kind: type[T], query: Mapping[str, str] | None = None) -> T:
        """GET with ``access_token`` first in the query; raises one of the ten kinds."""
        rest = query or {}
        return await self._call(
            endpoint,
            lambda token: get_request(self._base_url, path, {"access_token": token, **rest}),
            kind,
        )

    async def post(self, endpoint: Endpoint, path: str, kind: type[T], body: object, *, done: Container[int] = ()) -> T:
        """POST of a JSON body; raises one of the ten kinds.

        ``done`` are codes that say "this was done before" and carry the first answer's fields.
        """
        return await self._call(
            endpoint,
            lambda token: post_request(self._base_url, path, {"access_token": token}, body),
            kind,
            done,
        )

    async def post_file(
        self, endpoint: Endpoint, path: str, kind: type[T], query: Mapping[str, str], file: tuple[str, bytes]
    ) -> T:
        """POST of one file, given as (name, content), in the form field ``media``; raises one of the ten kinds."""
        headers, body = _form(*file)
        return await self._call(
            endpoint,
            lambda token: Request(
                "POST", f"{self._base_url}{path}?{urlencode({'access_token': token, **query})}", headers, body
            ),
            kind,
        )

    async def post_for_bytes(
        self,
        endpoint: Endpoint,
        path: str,
        body: object,
        check: Callable[[bytes], bytes],
        table: FaultTable,
    ) -> bytes:
        """POST of JSON that is answered with a file, and with JSON only where it is refused.

        ``check`` returns the file or raises ValueError; ``table`` is the endpoint's own error table.
        """
        return await self._answered(
            endpoint,
            lambda token: post_request(self._base_url, path, {"access_token": token}, body),
            lambda response: check(self._file(endpoint, response, table).body),
        )

    async def get_for_file(
        self, endpoint: Endpoint, path: str, query: Mapping[str, str], check: Callable[[Response], T]
    ) -> T:
        """GET that is answered with a file, and with JSON only where it is refused; ``check`` as above."""
        return await self._answered(
            endpoint,
            lambda token: get_request(self._base_url, path, {"access_token": token, **query}),
            lambda response: check(self._file(endpoint, response, self._table)),
        )

    def _file(self, endpoint: Endpoint, response: Response, table: FaultTable) -> Response:
        if response.status == 200 and response.body and response.body.lstrip()[:1] not in {b"{", b"<"}:
            return response
        decode(response, Envelope, table, endpoint, self._upstream.account, clock=self._upstream.runtime.clock)
        raise ValueError("the answer holds no file")

    async def _call(self, endpoint: Endpoint, build: _Build, kind: type[T], done: Container[int] = ()) -> T:
        def read(response: Response) -> T:
            return decode(
                response,
                kind,
                self._table,
                endpoint,
                self._upstream.account,
                clock=self._upstream.runtime.clock,
                done=done,
            )

        return await self._answered(endpoint, build, read)

    async def _answered(self, endpoint: Endpoint, build: _Build, read: Callable[[Response], T]) -> T:
        async def once(token: str) -> T:
            async def prepare() -> Request:
                return build(token)

            return await self._upstream.call(endpoint, prepare, read)

        return await with_token(self._tokens, once)
