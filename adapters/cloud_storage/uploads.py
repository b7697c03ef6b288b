"""Large files of the house's own, in parts (分块上传), each of which is sent again until it is there.

An upload that broke off is taken up where it stopped: parts that are stored with the same bytes are not sent again.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterable, AsyncIterator
from datetime import datetime
from typing import Final

from adapters.base.errors import NotFound, OutcomeUnknown
from adapters.cloud_storage.checks import Checks
from adapters.cloud_storage.client import ObjectsClient, UploadsClient
from adapters.cloud_storage.crc64 import Crc64
from adapters.cloud_storage.errors import NAME
from adapters.cloud_storage.records import ObjectOptions, PutReceipt

#: COS takes parts of 1 MB to 5 GB, the last one of any size.
MIN_PART_BYTES: Final = 1024**2
MAX_PARTS: Final = 10_000
#: Ours: held in memory, one at a time. Ten thousand of them are 80 GB.
PART_BYTES: Final = 8 * 1024**2


class Uploads:
    """To one bucket; see ``CloudStorageAdapter``."""

    def __init__(self, bucket: str, objects: ObjectsClient, uploads: UploadsClient) -> None:
        self._bucket = bucket
        self._objects = objects
        self._uploads = uploads
        self._checks = Checks(bucket)

    async def upload(
        self,
        key: str,
        content: AsyncIterable[bytes],
        content_type: str,
        options: ObjectOptions | None = None,
        *,
        part_bytes: int = PART_BYTES,
    ) -> PutReceipt:
        """Store a file of any size, replacing what was there, and compare the checksum of the whole.

        ``content`` comes in pieces of any size. After a failure the parts stay, and the same call with the same
        ``part_bytes`` goes on after them; ``abandon_uploads`` throws them away. Two uploads of one key must not run
        at the same time.
        """
        self._checks.key(key)
        self._checks.content_type(content_type)
        self._checks.size(part_bytes, least=MIN_PART_BYTES)
        headers = self._checks.options(options or ObjectOptions())
        upload_id, kept = await self._begun(key)
        if not upload_id:
            upload_id = (await self._uploads.initiate_multipart_upload(key, content_type, headers)).UploadId
        check, size, etags = Crc64(), 0, list[tuple[int, str]]()
        async for part in _parts(content, part_bytes):
            number = len(etags) + 1
            if number > MAX_PARTS:
                raise self._checks.invalid("too_many_parts", f"more than {MAX_PARTS} parts; give a larger part_bytes.")
            etag = f'"{hashlib.md5(part, usedforsecurity=False).hexdigest()}"'
            if kept.get(number) != (etag, len(part)):
                etag = (await self._uploads.upload_part(key, upload_id, number, part)).etag
            etags.append((number, etag))
            check.update(part)
            size += len(part)
        etag, crc64 = await self._complete(key, upload_id, etags)
        if crc64 and not check.matches(crc64):
            raise OutcomeUnknown(
                NAME,
                "checksum",
                "What COS put together is not what was sent; upload it again.",
                endpoint="complete_multipart_upload",
                account=self._bucket,
            )
        return PutReceipt(self._bucket, key, size, etag.strip('"'), crc64)

    async def abandon_uploads(self, before: datetime, prefix: str = "") -> int:
        """Abort the uploads below ``prefix`` that were begun before an instant; how many. Their parts cost money."""
        aborted = 0
        for key, upload_id, begun_at in [each async for each in self._running(prefix)]:
            if begun_at < before:
                await self._uploads.abort_multipart_upload(key, upload_id)
                aborted += 1
        return aborted

    async def _begun(self, key: str) -> tuple[str, dict[int, tuple[str, int]]]:
        """The upload of this key that was begun last, and its parts as number → (ETag, bytes)."""
        found = [each async for each in self._running(key) if each[0] == key]
        if not found:
            return "", {}
        upload_id = max(found, key=lambda each: each[2])[1]
        parts: dict[int, tuple[str, int]] = {}
        after = 0
        while True:
            page = await self._uploads.list_parts(key, upload_id, after=after)
            parts |= {each.PartNumber: (each.ETag, each.Size) for each in page.Part}
            if not page.IsTruncated:
                return upload_id, parts
            after = page.NextPartNumberMarker

    async def _running(self, prefix: str) -> AsyncIterator[tuple[str, str, datetime]]:
        """(key, upload id, when it was begun)."""
        key_marker = upload_id_marker = ""
        while True:
            page = await self._uploads.list_multipart_uploads(
                prefix=prefix, key_marker=key_marker, upload_id_marker=upload_id_marker
            )
            for each in page.Upload:
                yield each.Key, each.UploadId, each.Initiated
            if not page.IsTruncated:
                return
            key_marker, upload_id_marker = page.NextKeyMarker, page.NextUploadIdMarker

    async def _complete(self, key: str, upload_id: str, etags: list[tuple[int, str]]) -> tuple[str, str]:
        """ETag and CRC-64 of the whole.

        An upload that COS does not know any more may be the doing of our own earlier attempt, whose answer was
        lost: whether it was, the checksum of the object says.
        """
        try:
            done = await self._uploads.complete_multipart_upload(key, upload_id, etags)
        except (NotFound, OutcomeUnknown) as error:
            suffix = f'-{len(etags)}"'
            try:
                head = await self._objects.head_object(key)
            except NotFound:
                raise error from None
            if not head.etag.endswith(suffix) or not head.crc64:
                raise
            return head.etag, head.crc64
        return done.ETag, done.crc64


async def _parts(content: AsyncIterable[bytes], size: int) -> AsyncIterator[bytes]:
    """Pieces of exactly ``size`` bytes, and a last one; one empty piece when there is nothing."""
    held = bytearray()
    sent = False
    async for piece in content:
        held += piece
        while len(held) >= size:
            yield bytes(held[:size])
            del held[:size]
            sent = True
    if held or not sent:
        yield bytes(held)
