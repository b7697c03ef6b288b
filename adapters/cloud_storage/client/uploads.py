"""Multipart uploads (分块上传) to one bucket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from adapters.base.endpoint import idempotent, once, read
from adapters.base.transport import Response
from adapters.cloud_storage.client.objects import nothing, percent_decode, stored
from adapters.cloud_storage.client.wire import Wire, content_md5, leaves, written, xml, xml_headers
from adapters.cloud_storage.models import (
    CompletedUpload,
    InitiatedUpload,
    ListMultipartUploadsResult,
    ListPartsResult,
    PutHeaders,
)

#: Each call begins another upload, whose parts cost money until it is aborted.
INITIATE: Final = once("initiate_multipart_upload")
UPLOAD_PART: Final = idempotent("upload_part", "upload, part number and content", timeout=60.0)
LIST_PARTS: Final = read("list_parts")
#: A repetition after a success is refused (NoSuchUpload); whoever calls looks whether the object is there.
COMPLETE: Final = idempotent("complete_multipart_upload", "upload", timeout=60.0)
ABORT: Final = idempotent("abort_multipart_upload", "upload")
LIST_UPLOADS: Final = read("list_multipart_uploads")


class UploadsClient:
    """Every method raises the kinds of ``adapters.base.errors``."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def initiate_multipart_upload(
        self, key: str, content_type: str, options: Mapping[str, str] | None = None
    ) -> InitiatedUpload:
        """Begin; the object's own headers are given here and not with the parts."""
        headers = {"content-length": "0", "content-type": content_type, **(options or {})}

        def decode(response: Response) -> InitiatedUpload:
            root = xml(response.body, "InitiateMultipartUploadResult")
            return msgspec.convert(leaves(root), InitiatedUpload)

        return await self._wire.call(INITIATE, "POST", key, decode, params={"uploads": ""}, headers=headers, body=b"")

    async def upload_part(self, key: str, upload_id: str, number: int, body: bytes) -> PutHeaders:
        """Store one part, 1 MB to 5 GB, the last one of any size; the same number again replaces it."""
        params = {"partNumber": str(number), "uploadId": upload_id}
        headers = {"content-length": str(len(body)), "content-md5": content_md5(body)}

        def decode(response: Response) -> PutHeaders:
            return stored(response, body)

        return await self._wire.call(UPLOAD_PART, "PUT", key, decode, params=params, headers=headers, body=body)

    async def list_parts(self, key: str, upload_id: str, *, after: int = 0) -> ListPartsResult:
        """Parts that are stored, at most 1000, with numbers above ``after``."""
        params = {"uploadId": upload_id, "max-parts": "1000", "part-number-marker": str(after)}
        return await self._wire.call(LIST_PARTS, "GET", key, _parts, params=params)

    async def complete_multipart_upload(
        self, key: str, upload_id: str, etags: Sequence[tuple[int, str]]
    ) -> CompletedUpload:
        """Make the object of (part number, ETag) in ascending order. Only an ETag in the answer means success."""
        parts = [written("Part", ("PartNumber", number), ("ETag", etag)) for number, etag in etags]
        body = written("CompleteMultipartUpload", *parts).encode()

        def decode(response: Response) -> CompletedUpload:
            fields = leaves(xml(response.body, "CompleteMultipartUploadResult"))
            fields["crc64"] = response.headers.get("x-cos-hash-crc64ecma", "")
            return msgspec.convert(fields, CompletedUpload)

        params, headers = {"uploadId": upload_id}, xml_headers(body)
        return await self._wire.call(COMPLETE, "POST", key, decode, params=params, headers=headers, body=body)

    async def abort_multipart_upload(self, key: str, upload_id: str) -> None:
        """Throw the parts away."""
        await self._wire.call(ABORT, "DELETE", key, nothing(204), params={"uploadId": upload_id})

    async def list_multipart_uploads(
        self, *, prefix: str = "", key_marker: str = "", upload_id_marker: str = ""
    ) -> ListMultipartUploadsResult:
        """Uploads that were begun and neither completed nor aborted, at most 1000 of them."""
        params = {"uploads": "", "encoding-type": "url", "max-uploads": "1000"}
        more = {"prefix": prefix, "key-marker": key_marker, "upload-id-marker": upload_id_marker}
        params |= {name: value for name, value in more.items() if value}
        return await self._wire.call(LIST_UPLOADS, "GET", "", _uploads, params=params)


def _parts(response: Response) -> ListPartsResult:
    root = xml(response.body, "ListPartsResult")
    fields: dict[str, Any] = leaves(root)
    fields["Part"] = [leaves(child) for child in root.findall("Part")]
    found = msgspec.convert(fields, ListPartsResult, strict=False)
    if found.IsTruncated and found.NextPartNumberMarker <= found.PartNumberMarker:
        raise ValueError("a truncated page that does not go on")
    return found


def _uploads(response: Response) -> ListMultipartUploadsResult:
    root = xml(response.body, "ListMultipartUploadsResult")
    fields: dict[str, Any] = leaves(root)
    fields["Upload"] = [leaves(child) for child in root.findall("Upload")]
    if fields.get("EncodingType") == "url":
        percent_decode([(fields, "NextKeyMarker"), *((each, "Key") for each in fields["Upload"])])
    found = msgspec.convert(fields, ListMultipartUploadsResult, strict=False)
    if found.IsTruncated and not found.NextKeyMarker:
        raise ValueError("a truncated page that does not say where it goes on")
    return found
