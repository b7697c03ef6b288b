"""GET Bucket (List Objects), version 1."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from xml.sax.saxutils import escape

from adapters.cloud_storage.sandbox.refusals import Refusal
from adapters.cloud_storage.sandbox.signature import percent
from adapters.cloud_storage.sandbox.store import Blob, Container, document_time

_MOST: Final = 1000


def list_objects(bucket: Container, params: Mapping[str, str], before: datetime | None = None) -> bytes:
    """The answer's XML. Keys come in byte order; keys and common prefixes share the page's limit.

    A stale list knows nothing that was written after ``before``.
    """
    prefix, delimiter, marker = (params.get(name, "") for name in ("prefix", "delimiter", "marker"))
    encoding = params.get("encoding-type", "")
    limit = _limit(params.get("max-keys", str(_MOST)))
    if len(delimiter) > 1:
        raise Refusal("InvalidDelimiter", "The delimiter you specified is invalid.")
    if encoding not in {"", "url"}:
        raise Refusal("InvalidArgument", "The value of encoding-type is invalid.")
    entries = _entries(bucket, prefix, delimiter, marker, before)
    page, truncated = entries[:limit], len(entries) > limit

    def text(tag: str, value: str) -> str:
        written = percent(value).replace("%2F", "/") if encoding else escape(value)
        return f"<{tag}>{written}</{tag}>"

    parts = [f"<Name>{bucket.name}</Name>"]
    parts += ["<EncodingType>url</EncodingType>"] if encoding else []
    parts += [text("Prefix", prefix), text("Marker", marker), f"<MaxKeys>{limit}</MaxKeys>"]
    parts += [text("Delimiter", delimiter)] if delimiter else []
    parts.append(f"<IsTruncated>{'true' if truncated else 'false'}</IsTruncated>")
    parts += [text("NextMarker", page[-1][0])] if truncated and page else []
    for name, blob in page:
        inner = text("Prefix", name) if blob is None else text("Key", name) + _facts(bucket, blob)
        tag = "CommonPrefixes" if blob is None else "Contents"
        parts.append(f"<{tag}>{inner}</{tag}>")
    return ("<ListBucketResult>" + "".join(parts) + "</ListBucketResult>").encode()


def _limit(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise Refusal("InvalidArgument", "The value of max-keys is invalid.")
    return min(int(text), _MOST)


def _entries(
    bucket: Container, prefix: str, delimiter: str, marker: str, before: datetime | None
) -> list[tuple[str, Blob | None]]:
    """(key, blob) and (common prefix, None) after the marker, in order."""
    found: dict[str, Blob | None] = {}
    for key in sorted(bucket.blobs, key=str.encode):
        if not key.startswith(prefix) or key.encode() <= marker.encode():
            continue
        if before is not None and bucket.blobs[key].modified_at >= before:
            continue
        cut = key.find(delimiter, len(prefix)) if delimiter else -1
        if cut < 0:
            found[key] = bucket.blobs[key]
        elif marker != key[: cut + 1]:
            found[key[: cut + 1]] = None
    return list(found.items())


def _facts(bucket: Container, blob: Blob) -> str:
    modified = document_time(blob.modified_at)
    return (
        f"<LastModified>{modified}</LastModified><ETag>{escape(blob.etag)}</ETag>"
        f"<Size>{len(blob.body)}</Size>"
        f"<Owner><ID>{bucket.app_id}</ID><DisplayName>{bucket.app_id}</DisplayName></Owner>"
        f"<StorageClass>{blob.storage_class}</StorageClass>"
    )
