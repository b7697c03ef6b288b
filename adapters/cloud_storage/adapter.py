"""Cloud storage in our words: lists, heads, links, forms and keys of one bucket, and the house's own files.

Bytes of shoppers' files never pass through the gateway. Clients read with a presigned link, and write with a
presigned PUT, with a temporary key or, from a mini-program, with a form.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC
from typing import Final

from adapters.base.errors import Invalid, Malformed, NotFound, OutcomeUnknown, Rejected, UpstreamError
from adapters.base.http import Upstream
from adapters.base.page import Page
from adapters.base.runtime import Runtime
from adapters.cloud_storage.checks import Checks, size_message
from adapters.cloud_storage.client import ObjectsClient, StsClient, UploadsClient, Wire
from adapters.cloud_storage.config import CloudStorageConfig
from adapters.cloud_storage.crc64 import Crc64
from adapters.cloud_storage.errors import FAULTS, NAME
from adapters.cloud_storage.grants import Grants
from adapters.cloud_storage.models import Contents, ObjectHeaders
from adapters.cloud_storage.records import ObjectHead, ObjectOptions, PutReceipt, StoredObject
from adapters.cloud_storage.uploads import Uploads

#: COS answers at most this many keys per list page, and deletes as many per call.
LIST_LIMIT: Final = 1000
#: Our own limit for ``get`` and ``put``: they hold the whole in memory.
SMALL_BODY_BYTES: Final = 2 * 1024**2
#: What ``stream`` holds in memory.
PIECE_BYTES: Final = 4 * 1024**2


class CloudStorageAdapter(Grants, Uploads):
    """One bucket (存储桶) of 腾讯云 COS. Keys are plain text without a leading slash."""

    def __init__(self, config: CloudStorageConfig, runtime: Runtime) -> None:
        upstream = Upstream(runtime, NAME, config.bucket)
        wire = Wire(config, upstream, runtime.clock)
        self._objects = ObjectsClient(wire)
        Grants.__init__(self, config, runtime.clock, StsClient(config, upstream, runtime.clock))
        Uploads.__init__(self, config.bucket, self._objects, UploadsClient(wire))
        self._checks = Checks(config.bucket)

    @property
    def account(self) -> str:
        """The bucket's full name, ``<name>-<APPID>``."""
        return self._bucket

    @property
    def virtual_host(self) -> str:
        """The bucket's own host name, wherever its requests are sent."""
        return self._config.virtual_host

    async def ping(self) -> None:
        """List one key: proves host, bucket, key pair and clock."""
        await self._objects.list_objects(max_keys=1)

    async def objects(self, prefix: str, cursor: str | None = None, limit: int = 100) -> Page[StoredObject]:
        """Objects whose key begins with ``prefix``, in byte order of their keys, after ``cursor``.

        ``limit`` is 1 to 1000. An object that was stored a moment ago may be missing for a short time.
        """
        self._check_page(prefix, cursor, limit)
        found = await self._objects.list_objects(prefix=prefix, marker=cursor or "", max_keys=limit)
        return Page([self._stored(wire) for wire in found.Contents], found.NextMarker or None)

    async def folders(self, prefix: str, cursor: str | None = None, limit: int = 100) -> Page[str]:
        """What follows ``prefix`` up to the next slash, each once, as whole prefixes: ``reports/2026/``.

        Pages count the objects that lie directly under ``prefix``, too, so that one may be short or empty.
        """
        self._check_page(prefix, cursor, limit)
        found = await self._objects.list_objects(prefix=prefix, delimiter="/", marker=cursor or "", max_keys=limit)
        return Page([each.Prefix for each in found.CommonPrefixes], found.NextMarker or None)

    async def heads(self, keys: Sequence[str]) -> Sequence[ObjectHead | NotFound]:
        """Size, type and checksum of objects; same order and length as ``keys``, a miss is a NotFound value.

        COS has no batch read: this is one HEAD per key, made concurrently. A key that no object can have
        (too long, say) is a miss and costs no call. Any other failure of a key fails the batch.
        """
        found = await asyncio.gather(*(self._head(key) for key in keys), return_exceptions=True)
        heads: list[ObjectHead | NotFound] = []
        for result in found:
            if isinstance(result, BaseException) and not isinstance(result, NotFound):
                raise result
            heads.append(result)
        return heads

    async def put(self, key: str, body: bytes, content_type: str, options: ObjectOptions | None = None) -> PutReceipt:
        """Store a small object of the house's own (2 MB at most), replacing what was there. See ``upload``."""
        self._checks.key(key)
        self._checks.content_type(content_type)
        self._checks.size(len(body), most=SMALL_BODY_BYTES, reason="too_large")
        headers = self._checks.options(options or ObjectOptions())
        wire = await self._objects.put_object(key, body, content_type, headers)
        return PutReceipt(self._bucket, key, len(body), _bare(wire.etag), wire.crc64)

    async def get(self, key: str) -> bytes:
        """The content of a small object, checked against its checksum.

        Raises NotFound, and Rejected when it is larger than 2 MB: take ``stream`` or hand out ``presigned_get``.
        """
        self._checks.key(key)
        found = await self._objects.get_object(key, max_bytes=SMALL_BODY_BYTES)
        if found.size > SMALL_BODY_BYTES:
            raise Rejected(NAME, "too_large", size_message(found.size, SMALL_BODY_BYTES), account=self._bucket)
        return found.body

    async def stream(
        self, key: str, *, first: int = 0, last: int | None = None, piece_bytes: int = PIECE_BYTES
    ) -> AsyncIterator[bytes]:
        """The bytes ``first`` to ``last`` (the end, by default) of an object of any size, in pieces.

        Every piece is a call that may be repeated, and all are of one version of the object: a Conflict says that it
        was replaced meanwhile. After the last piece of a whole object its checksum is compared; Malformed says
        that what was given out is damaged.
        """
        self._checks.key(key)
        if first < 0 or (last is not None and last < first) or piece_bytes < 1:
            raise self._checks.invalid("bad_range", f"bytes {first} to {last} are no range; give first <= last.")
        check = Crc64() if first == 0 and last is None else None
        etag, at = "", first
        while True:
            wanted = piece_bytes if last is None else min(piece_bytes, last + 1 - at)
            found = await self._objects.get_object(key, first=at, max_bytes=wanted, if_match=etag)
            etag, at = found.etag, at + len(found.body)
            if check is not None:
                check.update(found.body)
            if found.body:
                yield found.body
            if at >= found.size or (last is not None and at > last):
                break
        if check is not None and found.crc64 and not check.matches(found.crc64):
            raise Malformed(
                NAME,
                "checksum",
                "What was read does not have the object's checksum; read it again.",
                account=self._bucket,
            )

    async def delete(self, key: str) -> None:
        """Delete one object; no error when it is not there. Where it keeps versions (版本控制), older ones stay."""
        self._checks.key(key)
        await self._objects.delete_object(key)

    async def delete_many(self, keys: Sequence[str]) -> Sequence[UpstreamError | None]:
        """Delete objects, 1000 per call; same order and length as ``keys``: None, or why one could not be deleted.

        What failed for a passing reason was tried once more.
        """
        for key in keys:
            self._checks.key(key)
        failed = await self._delete_all(dict.fromkeys(keys))
        again = [key for key, error in failed.items() if error.retryable or isinstance(error, OutcomeUnknown)]
        if again:
            still = await self._delete_all(again)
            failed = {key: still.get(key, error) for key, error in failed.items() if key not in again or key in still}
        return [failed.get(key) for key in keys]

    async def copy(self, source: str, key: str, *, source_bucket: CloudStorageAdapter | None = None) -> None:
        """Copy an object of up to 5 GB with its headers and metadata, inside COS, replacing what was at ``key``.

        The key pair must be allowed to read ``source_bucket`` (default: this one).
        """
        self._checks.key(source)
        self._checks.key(key)
        await self._objects.copy_object(key, source, (source_bucket or self).virtual_host)

    async def tags(self, key: str) -> Mapping[str, str]:
        """The object's tags (对象标签)."""
        self._checks.key(key)
        return await self._objects.get_object_tagging(key)

    async def tag(self, key: str, tags: Mapping[str, str]) -> None:
        """Give the object these tags and no others; rules of the bucket's lifecycle (生命周期) go by them."""
        self._checks.key(key)
        self._checks.tags(tags)
        if tags:
            await self._objects.put_object_tagging(key, tags)
        else:
            await self._objects.delete_object_tagging(key)

    async def _head(self, key: str) -> ObjectHead | NotFound:
        try:
            self._checks.key(key)
        except Invalid as error:
            return NotFound(NAME, error.reason, error.message, account=self._bucket)
        try:
            return self._described(key, await self._objects.head_object(key))
        except NotFound as error:
            return error

    async def _delete_all(self, keys: Sequence[str] | Mapping[str, None]) -> dict[str, UpstreamError]:
        # XML cannot say every key that a URL can.
        alone = [key for key in keys if not key.isprintable()]
        together = [key for key in keys if key.isprintable()]
        for key in alone:
            await self._objects.delete_object(key)
        failed: dict[str, UpstreamError] = {}
        for start in range(0, len(together), LIST_LIMIT):
            for each in await self._objects.delete_objects(together[start : start + LIST_LIMIT]):
                failed[each.Key] = FAULTS.error(each.Code, endpoint="delete_objects", account=self._bucket, writes=True)
        return failed

    def _check_page(self, prefix: str, cursor: str | None, limit: int) -> None:
        if not 1 <= limit <= LIST_LIMIT:
            raise self._checks.invalid("bad_limit", f"limit is {limit}: give 1 to {LIST_LIMIT} objects per page.")
        self._checks.text("prefix", prefix)
        self._checks.text("cursor", cursor or "")

    def _stored(self, wire: Contents) -> StoredObject:
        modified_at = wire.LastModified.astimezone(UTC)
        return StoredObject(self._bucket, wire.Key, wire.Size, _bare(wire.ETag), modified_at, wire.StorageClass)

    def _described(self, key: str, wire: ObjectHeaders) -> ObjectHead:
        return ObjectHead(
            self._bucket,
            key,
            wire.content_length,
            _bare(wire.etag),
            wire.last_modified,
            wire.content_type,
            wire.crc64,
        )


def _bare(etag: str) -> str:
    return etag.strip('"')
