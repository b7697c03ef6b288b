"""Objects of one bucket: put, get, head, delete, copy, tags and lists."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote, unquote

import msgspec

from adapters.base.endpoint import idempotent, read
from adapters.base.errors import NotFound
from adapters.base.transport import Response
from adapters.cloud_storage.client.wire import Wire, content_md5, leaves, written, xml, xml_error, xml_headers
from adapters.cloud_storage.crc64 import matches
from adapters.cloud_storage.models import (
    CopyObjectResult,
    DeleteError,
    ListBucketResult,
    ObjectContent,
    ObjectHeaders,
    PutHeaders,
)

LIST_OBJECTS: Final = read("list_objects")
HEAD_OBJECT: Final = read("head_object")
GET_OBJECT: Final = read("get_object", timeout=15.0)
GET_OBJECT_TAGGING: Final = read("get_object_tagging")
#: The same key and content again leave the same object, so a repetition is harmless for ever.
PUT_OBJECT: Final = idempotent("put_object", "key and content", timeout=30.0)
COPY_OBJECT: Final = idempotent("copy_object", "key and source", timeout=30.0)
#: Deleting what is not there any more is a success, too.
DELETE_OBJECT: Final = idempotent("delete_object", "key")
DELETE_OBJECTS: Final = idempotent("delete_objects", "keys", timeout=15.0)
PUT_OBJECT_TAGGING: Final = idempotent("put_object_tagging", "key and tags")
DELETE_OBJECT_TAGGING: Final = idempotent("delete_object_tagging", "key")

_CONTENT_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


class ObjectsClient:
    """Every method raises the kinds of ``adapters.base.errors``."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def list_objects(
        self, *, prefix: str = "", delimiter: str = "", marker: str = "", max_keys: int = 1000
    ) -> ListBucketResult:
        """GET Bucket (List Objects) v1: up to ``max_keys`` (at most 1000) keys *after* ``marker``."""
        params = {"prefix": prefix, "delimiter": delimiter, "marker": marker}
        params = {name: value for name, value in params.items() if value}
        params |= {"max-keys": str(max_keys), "encoding-type": "url"}
        return await self._wire.call(LIST_OBJECTS, "GET", "", _listed, params=params)

    async def head_object(self, key: str) -> ObjectHeaders:
        """HEAD Object."""
        return await self._wire.call(HEAD_OBJECT, "HEAD", key, object_headers)

    async def get_object(self, key: str, *, first: int = 0, max_bytes: int, if_match: str = "") -> ObjectContent:
        """GET Object: at most ``max_bytes`` bytes from the byte ``first`` on.

        A whole body is compared with its checksum before it is given out. With ``if_match``, an ETag, an object
        that changed meanwhile is a Conflict.
        """
        headers = {"range": f"bytes={first}-{first + max_bytes - 1}"}
        if if_match:
            headers["if-match"] = if_match

        def decode(response: Response) -> ObjectContent:
            return _content(response, first)

        # From byte 0 on only an empty object has no range to give.
        passed = frozenset({416}) if first == 0 else frozenset[int]()
        return await self._wire.call(GET_OBJECT, "GET", key, decode, headers=headers, passed=passed)

    async def put_object(
        self, key: str, body: bytes, content_type: str, options: Mapping[str, str] | None = None
    ) -> PutHeaders:
        """PUT Object in one piece; overwrites silently. COS checks the body against its MD5, we COS's CRC-64.

        ``options`` are further headers that are kept with the object (``x-cos-meta-…``, ``x-cos-tagging``, …).
        """
        headers = {
            "content-length": str(len(body)),
            "content-md5": content_md5(body),
            "content-type": content_type,
            **(options or {}),
        }

        def decode(response: Response) -> PutHeaders:
            return stored(response, body)

        return await self._wire.call(PUT_OBJECT, "PUT", key, decode, headers=headers, body=body)

    async def copy_object(self, key: str, source: str, source_host: str) -> CopyObjectResult:
        """PUT Object - Copy, with its metadata: ``source`` is a key of the bucket that lives at ``source_host``."""
        headers = {
            "content-length": "0",
            "x-cos-copy-source": f"{source_host}/{quote(source, safe='/')}",
            "x-cos-metadata-directive": "Copy",
        }
        return await self._wire.call(COPY_OBJECT, "PUT", key, _copied, headers=headers, body=b"")

    async def delete_object(self, key: str) -> None:
        """DELETE Object; 204 whether or not there was one."""
        await self._wire.call(DELETE_OBJECT, "DELETE", key, nothing(204))

    async def delete_objects(self, keys: Sequence[str]) -> Sequence[DeleteError]:
        """DELETE Multiple Objects: at most 1000 keys; what could not be deleted. Absent keys count as deleted."""
        objects = [written("Object", ("Key", key)) for key in keys]
        body = written("Delete", ("Quiet", "true"), *objects).encode()

        def decode(response: Response) -> Sequence[DeleteError]:
            found = [
                msgspec.convert(leaves(each), DeleteError)
                for each in xml(response.body, "DeleteResult").findall("Error")
            ]
            if not {each.Key for each in found} <= set(keys):
                raise ValueError("an error for a key that was not asked for")
            return found

        params, headers = {"delete": ""}, xml_headers(body)
        return await self._wire.call(DELETE_OBJECTS, "POST", "", decode, params=params, headers=headers, body=body)

    async def get_object_tagging(self, key: str) -> Mapping[str, str]:
        """GET Object tagging; no tags are an empty mapping."""
        try:
            return await self._wire.call(GET_OBJECT_TAGGING, "GET", key, _tags, params={"tagging": ""})
        except NotFound as error:
            if error.upstream_code == "NoSuchTagSet":
                return {}
            raise

    async def put_object_tagging(self, key: str, tags: Mapping[str, str]) -> None:
        """PUT Object tagging: these and no others; at most 10."""
        each = [written("Tag", ("Key", name), ("Value", value)) for name, value in tags.items()]
        body = written("Tagging", written("TagSet", *each)).encode()
        params, headers = {"tagging": ""}, xml_headers(body)
        await self._wire.call(PUT_OBJECT_TAGGING, "PUT", key, nothing(200), params=params, headers=headers, body=body)

    async def delete_object_tagging(self, key: str) -> None:
        """DELETE Object tagging."""
        await self._wire.call(DELETE_OBJECT_TAGGING, "DELETE", key, nothing(204), params={"tagging": ""})


def _listed(response: Response) -> ListBucketResult:
    root = xml(response.body, "ListBucketResult")
    fields: dict[str, Any] = leaves(root)
    fields["Contents"] = [leaves(child) for child in root.findall("Contents")]
    fields["CommonPrefixes"] = [leaves(child) for child in root.findall("CommonPrefixes")]
    if fields.get("EncodingType") == "url":
        places = [(fields, name) for name in ("Prefix", "Marker", "NextMarker", "Delimiter")]
        places += [(item, "Key") for item in fields["Contents"]]
        places += [(item, "Prefix") for item in fields["CommonPrefixes"]]
        percent_decode(places)
    found = msgspec.convert(fields, ListBucketResult, strict=False)
    if not found.IsTruncated or found.NextMarker:
        return found
    # A truncated page without NextMarker continues after the last of its keys and prefixes.
    names = [each.Key for each in found.Contents] + [each.Prefix for each in found.CommonPrefixes]
    if not names:
        raise ValueError("a truncated page that does not say where it goes on")
    return msgspec.structs.replace(found, NextMarker=max(names, key=str.encode))


def percent_decode(places: Sequence[tuple[dict[str, Any], str]]) -> None:
    """Undo ``encoding-type=url`` where a field is present. A plus sign is a plus sign here."""
    for place, name in places:
        if name in place:
            place[name] = unquote(place[name], errors="strict")


def object_headers(response: Response) -> ObjectHeaders:
    """The headers of an object; raises ValueError and the like for one that is missing or wrong."""
    fields: dict[str, Any] = dict(response.headers)
    fields["last-modified"] = parsedate_to_datetime(fields["last-modified"])
    return msgspec.convert(fields, ObjectHeaders, strict=False)


def _content(response: Response, first: int) -> ObjectContent:
    if response.status == 416:
        if xml_error(response).Code != "InvalidRange":
            raise ValueError("a 416 with another code than InvalidRange")
        return ObjectContent(b"", 0)
    headers = object_headers(response)
    body, size = response.body, len(response.body)
    if response.status == 206:
        match = _CONTENT_RANGE.fullmatch(headers.content_range)
        if match is None or (int(match[1]), int(match[2])) != (first, first + len(body) - 1):
            raise ValueError("Content-Range does not describe the body")
        size = int(match[3])
    elif first:
        raise ValueError("the whole object instead of a range")
    if size == len(body) and not _intact(headers, body):
        raise ValueError("the body does not match its checksum")
    return ObjectContent(body, size, headers.etag, headers.crc64)


def _intact(headers: ObjectHeaders, body: bytes) -> bool:
    """By the CRC-64; where COS states none, by the ETag of a simple upload, an MD5."""
    if headers.crc64:
        return matches(body, headers.crc64)
    return headers.etag.strip('"') == hashlib.md5(body, usedforsecurity=False).hexdigest()


def stored(response: Response, body: bytes) -> PutHeaders:
    """The answer to a PUT of these bytes: no body, and the checksum of what was sent."""
    if response.body:
        # COS can end an answer of status 200 with an <Error> document; PUT documents an empty body.
        raise ValueError("a PUT answered with a body")
    found = msgspec.convert(dict(response.headers), PutHeaders)
    if found.crc64 and not matches(body, found.crc64):
        raise ValueError("what was stored is not what was sent")
    return found


def _copied(response: Response) -> CopyObjectResult:
    return msgspec.convert(leaves(xml(response.body, "CopyObjectResult")), CopyObjectResult)


def _tags(response: Response) -> Mapping[str, str]:
    found = [leaves(each) for each in xml(response.body, "Tagging").iterfind("TagSet/Tag")]
    return {each["Key"]: each["Value"] for each in found}


def nothing(status: int) -> Callable[[Response], None]:
    """Reads an answer that says nothing but that it was done."""

    def decode(response: Response) -> None:
        if response.status != status or response.body:
            raise ValueError(f"a success is {status} and has no body")

    return decode
