"""The COS XML API, one method per operation. Keys and markers are plain text in and out."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element, ParseError

import msgspec
from defusedxml import ElementTree

from adapters.base.endpoint import Endpoint, idempotent, read
from adapters.base.errors import UpstreamError
from adapters.base.http import Upstream
from adapters.base.runtime import Clock
from adapters.base.transport import Request, Response
from adapters.cloud_storage.config import CloudStorageConfig
from adapters.cloud_storage.crc64 import crc64
from adapters.cloud_storage.errors import EXPIRED, FAULTS, fallback
from adapters.cloud_storage.models import ErrorBody, ListBucketResult, ObjectHeaders, PutHeaders
from adapters.cloud_storage.signing import Signer, encode_path, encode_query

T = TypeVar("T")

LIST_OBJECTS: Final = read("list_objects")
HEAD_OBJECT: Final = read("head_object")
GET_OBJECT: Final = read("get_object", timeout=15.0)
#: The same key and content again leave the same object, so a repetition is harmless for ever.
PUT_OBJECT: Final = idempotent("put_object", "key and content", timeout=30.0)
#: Deleting what is not there any more is a success, too.
DELETE_OBJECT: Final = idempotent("delete_object", "key")

#: A signature is good from this long before now, for a COS clock that is behind ours …
CLOCK_LEEWAY_SECONDS: Final = 60
#: … until this long after, which is far more than one request takes.
REQUEST_SECONDS: Final = 300

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_CONTENT_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


def wire_host(base_url: str) -> str:
    """The ``Host`` header that an HTTP client sends for this address; it is part of every signature."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = parts.port
    return host if port is None or port == _DEFAULT_PORTS.get(parts.scheme) else f"{host}:{port}"


class CloudStorageClient:
    """One bucket, one key pair. Every method raises the kinds of ``adapters.base.errors``."""

    def __init__(self, config: CloudStorageConfig, upstream: Upstream, clock: Clock) -> None:
        self._upstream = upstream
        self._clock = clock
        self._base_url = config.base_url
        self._host = wire_host(config.base_url)
        self._signer = Signer(config.secret_id, config.secret_key)

    async def list_objects(
        self, *, prefix: str = "", delimiter: str = "", marker: str = "", max_keys: int = 1000
    ) -> ListBucketResult:
        """GET Bucket (List Objects) v1: up to ``max_keys`` (at most 1000) keys *after* ``marker``."""
        params = {"prefix": prefix, "delimiter": delimiter, "marker": marker}
        params = {name: value for name, value in params.items() if value}
        params |= {"max-keys": str(max_keys), "encoding-type": "url"}
        return await self._call(LIST_OBJECTS, "GET", "", _listed, params=params)

    async def head_object(self, key: str) -> ObjectHeaders:
        """HEAD Object."""
        return await self._call(HEAD_OBJECT, "HEAD", key, _headers)

    async def get_object(self, key: str, *, max_bytes: int) -> tuple[bytes, int]:
        """GET Object: at most the first ``max_bytes`` bytes, and the size of the whole object.

        A whole body is compared with its checksum before it is given out.
        """
        headers = {"range": f"bytes=0-{max_bytes - 1}"}
        return await self._call(GET_OBJECT, "GET", key, _content, headers=headers)

    async def put_object(self, key: str, body: bytes, content_type: str) -> PutHeaders:
        """PUT Object in one piece; overwrites silently. COS checks the body against its MD5."""
        digest = hashlib.md5(body, usedforsecurity=False).digest()
        headers = {
            "content-length": str(len(body)),
            "content-md5": base64.b64encode(digest).decode("ascii"),
            "content-type": content_type,
        }
        return await self._call(PUT_OBJECT, "PUT", key, _stored, headers=headers, body=body)

    async def delete_object(self, key: str) -> None:
        """DELETE Object; 204 whether or not there was one."""
        await self._call(DELETE_OBJECT, "DELETE", key, _deleted)

    async def _call(
        self,
        endpoint: Endpoint,
        method: str,
        key: str,
        decode: Callable[[Response], T],
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> T:
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
            if response.status == 416 and endpoint is GET_OBJECT:
                return decode(response)
            if not 200 <= response.status < 300:
                raise _refusal(endpoint, self._upstream.account, response)
            return decode(response)

        return await self._upstream.call(endpoint, prepare, checked)


def _listed(response: Response) -> ListBucketResult:
    root = _xml(response.body, "ListBucketResult")
    fields: dict[str, Any] = {child.tag: child.text or "" for child in root if len(child) == 0}
    fields["Contents"] = [_leaves(child) for child in root.findall("Contents")]
    fields["CommonPrefixes"] = [_leaves(child) for child in root.findall("CommonPrefixes")]
    if fields.get("EncodingType") == "url":
        _percent_decode(fields)
    found = msgspec.convert(fields, ListBucketResult, strict=False)
    if found.IsTruncated and not (found.NextMarker or found.Contents):
        raise ValueError("a truncated page that does not say where it goes on")
    return found


def _percent_decode(fields: dict[str, Any]) -> None:
    """Undo ``encoding-type=url``. A plus sign is a plus sign here."""
    places = [(fields, name) for name in ("Prefix", "Marker", "NextMarker", "Delimiter")]
    places += [(item, "Key") for item in fields["Contents"]]
    places += [(item, "Prefix") for item in fields["CommonPrefixes"]]
    for place, name in places:
        if name in place:
            place[name] = unquote(place[name], errors="strict")


def _headers(response: Response) -> ObjectHeaders:
    fields: dict[str, Any] = dict(response.headers)
    fields["last-modified"] = parsedate_to_datetime(fields["last-modified"])
    return msgspec.convert(fields, ObjectHeaders, strict=False)


def _content(response: Response) -> tuple[bytes, int]:
    if response.status == 416:
        # We always ask from byte 0, and only an empty object has none.
        if _xml_error(response).Code != "InvalidRange":
            raise ValueError("a 416 with another code than InvalidRange")
        return b"", 0
    headers = _headers(response)
    body, size = response.body, len(response.body)
    if response.status == 206:
        match = _CONTENT_RANGE.fullmatch(headers.content_range)
        if match is None or int(match[1]) != 0 or int(match[2]) != len(body) - 1:
            raise ValueError("Content-Range does not describe the body")
        size = int(match[3])
    if size == len(body) and not _intact(headers, body):
        raise ValueError("the body does not match its checksum")
    return body, size


def _intact(headers: ObjectHeaders, body: bytes) -> bool:
    """The quick check first: the ETag of a simple upload is an MD5. Other objects need the slow CRC-64."""
    digest = hashlib.md5(body, usedforsecurity=False).hexdigest()
    return headers.etag.strip('"') == digest or headers.crc64 == crc64(body)


def _stored(response: Response) -> PutHeaders:
    if response.body:
        # COS can end an answer of status 200 with an <Error> document; PUT documents an empty body.
        raise ValueError("PUT Object answered with a body")
    return msgspec.convert(dict(response.headers), PutHeaders)


def _deleted(response: Response) -> None:
    if response.status != 204 or response.body:
        raise ValueError("DELETE Object answers with 204 and nothing else")


def _refusal(endpoint: Endpoint, account: str, response: Response) -> UpstreamError:
    """The error for an answer that is no success. HEAD, and proxies on the way, send no document."""
    request_id = response.headers.get("x-cos-request-id", "")
    try:
        document = _xml_error(response)
        code = EXPIRED if document.Message == EXPIRED else document.Code
        request_id = request_id or document.RequestId
    except ValueError:
        if response.status < 500 and response.status != 429 and not request_id:
            raise  # Not COS itself answered: its "404" says nothing about the object.
        code = str(response.status)
    return FAULTS.error(
        code,
        endpoint=endpoint.name,
        account=account,
        request_id=request_id,
        writes=endpoint.writes,
        fallback=fallback(response.status),
    )


def _xml_error(response: Response) -> ErrorBody:
    return msgspec.convert(_leaves(_xml(response.body, "Error")), ErrorBody)


def _xml(body: bytes, tag: str) -> Element:
    """The document's root. Raises ValueError for what is no XML, is dangerous XML, or another document."""
    try:
        root: Element = ElementTree.fromstring(body)
    except ParseError as error:
        raise ValueError("no XML") from error
    if root.tag != tag:
        raise ValueError(f"not a {tag} document")
    return root


def _leaves(element: Element) -> dict[str, Any]:
    return {child.tag: child.text or "" for child in element if len(child) == 0}
