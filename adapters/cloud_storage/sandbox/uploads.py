"""Multipart uploads: begin, part, list, finish, abort."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from starlette.responses import Response, StreamingResponse

from adapters.cloud_storage.sandbox.documents import document, element, leaf, parsed, text_of
from adapters.cloud_storage.sandbox.refusals import Refusal
from adapters.cloud_storage.sandbox.signature import percent
from adapters.cloud_storage.sandbox.store import Blob, Container, Upload, document_time

LAST_PART: Final = 10_000
SMALLEST_PART: Final = 1024**2
_MOST: Final = 1000


def begin(bucket: Container, key: str, options: Mapping[str, str], now: datetime) -> Upload:
    """A new one, each time."""
    made = Upload(f"{int(now.timestamp()):x}{secrets.token_hex(24)}", key, now, options)
    bucket.uploads[made.id] = made
    return made


def begun(bucket: Container, upload: Upload) -> Response:
    """The answer to the beginning."""
    parts = (leaf("Bucket", bucket.name), leaf("Key", upload.key), leaf("UploadId", upload.id))
    return document("InitiateMultipartUploadResult", *parts)


def find(bucket: Container, key: str, upload_id: str) -> Upload:
    """The upload under way; raises Refusal."""
    found = bucket.uploads.get(upload_id)
    if found is None or found.key != key:
        raise Refusal("NoSuchUpload", "The specified multipart upload does not exist.")
    return found


def store_part(upload: Upload, number: str, body: bytes, now: datetime) -> Blob:
    """One part; the same number again replaces it."""
    if not number.isascii() or not number.isdigit() or not 1 <= int(number) <= LAST_PART:
        raise Refusal("InvalidArgument", f"partNumber must be 1 to {LAST_PART}.")
    made = Blob(upload.key, body, "", now)
    upload.parts[int(number)] = made
    return made


def list_parts(bucket: Container, upload: Upload, params: Mapping[str, str]) -> Response:
    """A page of the parts."""
    after = _number(params.get("part-number-marker") or "0")
    most = min(_number(params.get("max-parts") or str(_MOST)), _MOST)
    numbers = [number for number in sorted(upload.parts) if number > after]
    page = numbers[:most]
    owner = leaf("ID", bucket.app_id) + leaf("DisplayName", bucket.app_id)
    parts = [
        element(
            "Part",
            leaf("PartNumber", number),
            leaf("LastModified", document_time(upload.parts[number].modified_at)),
            leaf("ETag", upload.parts[number].etag),
            leaf("Size", len(upload.parts[number].body)),
        )
        for number in page
    ]
    truncated = len(numbers) > most
    return document(
        "ListPartsResult",
        leaf("Bucket", bucket.name),
        leaf("Key", upload.key),
        leaf("UploadId", upload.id),
        element("Initiator", owner),
        element("Owner", owner),
        leaf("StorageClass", upload.options.get("x-cos-storage-class", "STANDARD")),
        leaf("PartNumberMarker", after),
        leaf("NextPartNumberMarker", page[-1] if truncated and page else 0),
        leaf("MaxParts", most),
        leaf("IsTruncated", "true" if truncated else "false"),
        *parts,
    )


def list_uploads(bucket: Container, params: Mapping[str, str]) -> Response:
    """A page of the uploads under way, by key and id."""
    prefix, after_key, after_id = (params.get(n, "") for n in ("prefix", "key-marker", "upload-id-marker"))
    most = min(_number(params.get("max-uploads") or str(_MOST)), _MOST)
    encoded = params.get("encoding-type") == "url"

    def text(value: str) -> str:
        return percent(value).replace("%2F", "/") if encoded else value

    found = sorted((each for each in bucket.uploads.values()), key=lambda each: (each.key.encode(), each.id))
    found = [each for each in found if each.key.startswith(prefix)]
    if after_key:
        # With an id the uploads of the marker's own key go on after it; without, they are all passed over.
        marker = (after_key.encode(), after_id or "\U0010ffff")
        found = [each for each in found if (each.key.encode(), each.id) > marker]
    page, truncated = found[:most], len(found) > most
    uploads = [
        element(
            "Upload",
            leaf("Key", text(each.key)),
            leaf("UploadId", each.id),
            leaf("StorageClass", each.options.get("x-cos-storage-class", "STANDARD")),
            leaf("Initiated", each.initiated_text),
        )
        for each in page
    ]
    going_on = [leaf("NextKeyMarker", text(page[-1].key)), leaf("NextUploadIdMarker", page[-1].id)] if truncated else []
    return document(
        "ListMultipartUploadsResult",
        leaf("Bucket", bucket.name),
        *([leaf("EncodingType", "url")] if encoded else []),
        leaf("KeyMarker", text(after_key)),
        leaf("UploadIdMarker", after_id),
        leaf("Prefix", text(prefix)),
        *going_on,
        leaf("MaxUploads", most),
        leaf("IsTruncated", "true" if truncated else "false"),
        *uploads,
    )


def chosen(upload: Upload, body: bytes) -> list[Blob]:
    """The parts that a finish names; raises Refusal for any that cannot be."""
    named = [
        (text_of(each, "PartNumber"), text_of(each, "ETag"))
        for each in parsed(body, "CompleteMultipartUpload").findall("Part")
    ]
    numbers = [_number(number) for number, _ in named]
    if not named:
        raise Refusal("MalformedXML", "The XML you provided was not well-formed or did not validate.")
    if numbers != sorted(set(numbers)):
        raise Refusal("InvalidPartOrder", "The list of parts was not in ascending order.")
    for number, (_, etag) in zip(numbers, named, strict=True):
        if number not in upload.parts or upload.parts[number].etag.strip('"') != etag.strip('"'):
            raise Refusal("InvalidPart", "One or more of the specified parts could not be found.")
    parts = [upload.parts[number] for number in numbers]
    if any(len(each.body) < SMALLEST_PART for each in parts[:-1]):
        raise Refusal("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed object size.")
    return parts


def finished(body: bytes, headers: Mapping[str, str]) -> Response:
    """The answer to a finish: status and blanks come at once, the document when it is known, perhaps an Error."""

    def pieces() -> Iterator[bytes]:
        yield b" "
        yield b"\n "
        yield body

    return StreamingResponse(pieces(), 200, dict(headers), media_type="application/xml")


def completed(bucket: Container, blob: Blob) -> bytes:
    """The document of a success."""
    location = f"http://{bucket.host}/{percent(blob.key).replace('%2F', '/')}"
    inner = (leaf("Location", location), leaf("Bucket", bucket.name), leaf("Key", blob.key), leaf("ETag", blob.etag))
    return element("CompleteMultipartUploadResult", *inner).encode()


def joined(parts: list[Blob]) -> tuple[bytes, tuple[str, ...]]:
    """The content, and the parts' MD5 sums."""
    return b"".join(each.body for each in parts), tuple(each.etag.strip('"') for each in parts)


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise Refusal("InvalidArgument", "A number is malformed.")
    return int(text)
