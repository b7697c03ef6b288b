"""GET and HEAD Object: conditions, one range, stored headers, and those that a link overrides."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from adapters.cloud_storage.sandbox.refusals import Refusal
from adapters.cloud_storage.sandbox.store import Blob

_RANGE: Final = re.compile(r"bytes=(\d*)-(\d*)")
_OVERRIDES: Final = (
    "content-type",
    "content-language",
    "expires",
    "cache-control",
    "content-disposition",
    "content-encoding",
)


def read(request: Request, blob: Blob | None, options: Mapping[str, str]) -> Response:
    """The object, or why not."""
    if blob is None:
        raise Refusal("NoSuchKey", "The specified key does not exist.")
    if request.method == "GET" and blob.storage_class in {"ARCHIVE", "DEEP_ARCHIVE"}:
        raise Refusal("InvalidObjectState", "The operation is not valid for the object's storage class.")
    headers = _headers(blob, options)
    if not _changed(request, blob):
        return Response(None, 304, headers)
    if request.method == "HEAD":
        return Response(None, 200, {**headers, "content-length": str(len(blob.body))})
    span = _span(request.headers.get("range", ""), len(blob.body))
    if span is None:
        return Response(blob.body, 200, headers)
    headers["content-range"] = f"bytes {span[0]}-{span[1]}/{len(blob.body)}"
    return Response(blob.body[span[0] : span[1] + 1], 206, headers)


def _headers(blob: Blob, options: Mapping[str, str]) -> dict[str, str]:
    headers = {
        "content-type": blob.content_type,
        "accept-ranges": "bytes",
        "etag": blob.etag,
        "last-modified": blob.last_modified,
        "x-cos-hash-crc64ecma": blob.crc64,
        **blob.kept,
    }
    if blob.storage_class != "STANDARD":
        headers["x-cos-storage-class"] = blob.storage_class
    for name in _OVERRIDES:
        if f"response-{name}" in options:
            headers[name] = options[f"response-{name}"]
    return headers


def _changed(request: Request, blob: Blob) -> bool:
    """False answers 304; raises Refusal for a precondition that fails."""
    headers = request.headers
    if "if-match" in headers and not _matches(headers["if-match"], blob):
        raise _precondition()
    if "if-unmodified-since" in headers and _newer(blob, headers["if-unmodified-since"]):
        raise _precondition()
    if "if-none-match" in headers:
        return not _matches(headers["if-none-match"], blob)
    return "if-modified-since" not in headers or _newer(blob, headers["if-modified-since"])


def _matches(stated: str, blob: Blob) -> bool:
    return stated.strip('"') == blob.etag.strip('"')


def _newer(blob: Blob, since: str) -> bool:
    """Headers carry whole seconds, so a fraction does not make an object newer."""
    return blob.modified_at - _instant(since) >= timedelta(seconds=1)


def _instant(text: str) -> datetime:
    try:
        return parsedate_to_datetime(text)
    except ValueError as error:
        raise Refusal("InvalidArgument", "A date header is malformed.") from error


def _precondition() -> Refusal:
    return Refusal("PreconditionFailed", "At least one of the preconditions you specified did not hold.")


def _span(text: str, size: int) -> tuple[int, int] | None:
    """First and last byte; None for the whole object. What is not one range is ignored."""
    match = _RANGE.fullmatch(text)
    if match is None or match[0] == "bytes=-":
        return None
    if not match[1]:
        first, last = max(size - int(match[2]), 0), size - 1
    else:
        first, last = int(match[1]), min(int(match[2] or size - 1), size - 1)
    if first >= size or last < first:
        raise Refusal("InvalidRange", "The requested range is not satisfiable.")
    return first, last
