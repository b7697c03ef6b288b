"""One signed request to a bucket, its refusals, and the XML in both directions."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

import msgspec
from defusedxml import ElementTree

from adapters.base.endpoint import Endpoint
from adapters.base.errors import UpstreamError
from adapters.base.http import Upstream
from adapters.base.runtime import Clock
from adapters.base.transport import Request, Response
from adapters.cloud_storage.config import CloudStorageConfig
from adapters.cloud_storage.errors import EXPIRED, FAULTS, fallback
from adapters.cloud_storage.models import ErrorBody
from adapters.cloud_storage.signing import Signer, encode_path, encode_query

T = TypeVar("T")

#: A signature is good from this long before now, for a COS clock that is behind ours …
CLOCK_LEEWAY_SECONDS: Final = 60
#: … until this long after, which is far more than one request takes.
REQUEST_SECONDS: Final = 300

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def wire_host(base_url: str) -> str:
    """The ``Host`` header that an HTTP client sends for this address; it is part of every signature."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = parts.port
    return host if port is None or port == _DEFAULT_PORTS.get(parts.scheme) else f"{host}:{port}"


class Wire:
    """One bucket, one key pair. ``call`` raises the kinds of ``adapters.base.errors``."""

    def __init__(self, config: CloudStorageConfig, upstream: Upstream, clock: Clock) -> None:
        self._upstream = upstream
        self._clock = clock
        self._base_url = config.base_url
        self._host = wire_host(config.base_url)
        self._signer = Signer(config.secret_id, config.secret_key)

    async def call(
        self,
        endpoint: Endpoint,
        method: str,
        key: str,
        decode: Callable[[Response], T],
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        passed: frozenset[int] = frozenset(),
    ) -> T:
        """Send one request; ``decode`` sees answers of status 2xx and those of ``passed``."""
        query = dict(params or {})
        url = self._base_url + encode_path(key) + ("?" + encode_query(query) if query else "")
        sent = dict(headers or {})

        async def prepare() -> Request:
            now = int(self._clock.now().timestamp())
            authorization = self._signer.authorization(
                method,
                "/" + key,
                query,
                {**sent, "host": self._host},
                start=now - CLOCK_LEEWAY_SECONDS,
                end=now + REQUEST_SECONDS,
            )
            # Keys and prefixes hold members' ids.
            return Request(method, url, {**sent, "authorization": authorization}, body, private_path=True)

        def checked(response: Response) -> T:
            if not (200 <= response.status < 300 or response.status in passed):
                raise self._refusal(endpoint, response)
            try:
                return decode(response)
            except InsideSuccess as inside:
                raise self.error(inside.body.Code, endpoint, inside.body.RequestId, 200) from None

        return await self._upstream.call(endpoint, prepare, checked)

    def error(
        self, code: str, endpoint: Endpoint, request_id: str, status: int, *, is_status: bool = False
    ) -> UpstreamError:
        """What a code means; ``status`` decides for codes that are not in the table."""
        return FAULTS.error(
            code,
            endpoint=endpoint.name,
            account=self._upstream.account,
            request_id=request_id,
            writes=endpoint.writes,
            fallback=fallback(status),
            is_status=is_status,
        )

    def _refusal(self, endpoint: Endpoint, response: Response) -> UpstreamError:
        """The error for an answer that is no success. HEAD, and proxies on the way, send no document."""
        request_id = response.headers.get("x-cos-request-id", "")
        try:
            document = xml_error(response)
            code = EXPIRED if document.Message == EXPIRED else document.Code
            request_id = request_id or document.RequestId
        except ValueError:
            if response.status < 500 and response.status != 429 and not request_id:
                raise  # Not COS itself answered: its "404" says nothing about the object.
            return self.error(str(response.status), endpoint, request_id, response.status, is_status=True)
        return self.error(code, endpoint, request_id, response.status)


class InsideSuccess(Exception):
    """A 200 whose document is an ``<Error>``: copies and the end of multipart uploads answer so."""

    def __init__(self, body: ErrorBody) -> None:
        super().__init__(body.Code)
        self.body = body


def content_md5(body: bytes) -> str:
    """``Content-MD5`` of a body."""
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode("ascii")


def xml_headers(body: bytes) -> dict[str, str]:
    """Headers of a request whose body is a document."""
    return {"content-length": str(len(body)), "content-md5": content_md5(body), "content-type": "application/xml"}


def written(tag: str, *inner: str | tuple[str, object]) -> str:
    """An element: of pairs of a name and its text, and of elements that are written already."""
    parts = [each if isinstance(each, str) else f"<{each[0]}>{escape(str(each[1]))}</{each[0]}>" for each in inner]
    return f"<{tag}>{''.join(parts)}</{tag}>"


def xml_error(response: Response) -> ErrorBody:
    """The ``<Error>`` document of an answer; raises ValueError for any other."""
    return msgspec.convert(leaves(xml(response.body, "Error")), ErrorBody)


def xml(body: bytes, tag: str) -> Element:
    """The document's root. Raises ValueError for what is no XML, is dangerous XML, or another document;
    InsideSuccess for an ``<Error>`` in the place of another document."""
    try:
        # COS keeps a slow answer alive with blanks before the document.
        root: Element = ElementTree.fromstring(body.lstrip())
    except (ParseError, LookupError) as error:  # LookupError: the declaration names an encoding that nobody knows.
        raise ValueError("no XML") from error
    if root.tag == "Error" and tag != "Error":
        raise InsideSuccess(msgspec.convert(leaves(root), ErrorBody))
    if root.tag != tag:
        raise ValueError(f"not a {tag} document")
    return root


def leaves(element: Element) -> dict[str, Any]:
    """The children that have no children, by name."""
    return {child.tag: child.text or "" for child in element if len(child) == 0}
