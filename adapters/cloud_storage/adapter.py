"""Cloud storage in our words: lists, heads, links and upload forms of one bucket.

Bytes of shoppers' files never pass through the gateway. Clients read with a presigned link, and write with a
presigned PUT or, from a mini-program, with a form; ``get`` and ``put`` are for the house's own small files.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import orjson

from adapters.base.errors import Invalid, NotFound, Rejected
from adapters.base.http import Upstream
from adapters.base.page import Page
from adapters.base.runtime import Runtime
from adapters.cloud_storage.client import CLOCK_LEEWAY_SECONDS, CloudStorageClient, wire_host
from adapters.cloud_storage.config import CloudStorageConfig
from adapters.cloud_storage.errors import NAME
from adapters.cloud_storage.models import Contents, ObjectHeaders
from adapters.cloud_storage.records import ObjectHead, PutReceipt, StoredObject, UploadForm
from adapters.cloud_storage.signing import ALGORITHM, Signer, encode, encode_path, encode_query

#: COS answers at most this many keys per list page.
LIST_LIMIT: Final = 1000
#: A key's length in bytes of UTF-8.
MAX_KEY_BYTES: Final = 850
#: The largest object that one PUT or one form may carry: 5 GB.
MAX_SINGLE_UPLOAD_BYTES: Final = 5 * 1024**3
#: Our own limit: links and forms are bearer credentials, and one that lives longer than a day gets around.
MAX_EXPIRES_IN: Final = 24 * 3600
#: Our own limit for ``get`` and ``put``: larger files go straight between COS and whoever needs them.
SMALL_BODY_BYTES: Final = 2 * 1024**2


class CloudStorageAdapter:
    """One bucket (存储桶) of 腾讯云 COS. Keys are plain text without a leading slash."""

    def __init__(self, config: CloudStorageConfig, runtime: Runtime) -> None:
        self._clock = runtime.clock
        self._bucket = config.bucket
        self._base_url = config.base_url
        self._host = wire_host(config.base_url)
        self._signer = Signer(config.secret_id, config.secret_key)
        self._client = CloudStorageClient(config, Upstream(runtime, NAME, config.bucket), runtime.clock)

    @property
    def account(self) -> str:
        """The bucket's full name, ``<name>-<APPID>``."""
        return self._bucket

    async def ping(self) -> None:
        """List one key: proves host, bucket, key pair and clock."""
        await self._client.list_objects(max_keys=1)

    async def objects(self, prefix: str, cursor: str | None = None, limit: int = 100) -> Page[StoredObject]:
        """Objects whose key begins with ``prefix``, in byte order of their keys, after ``cursor``.

        ``limit`` is 1 to 1000. An object that was stored a moment ago may be missing for a short time.
        """
        if not 1 <= limit <= LIST_LIMIT:
            raise self._invalid("bad_limit", f"limit is {limit}: give 1 to {LIST_LIMIT} objects per page.")
        marker = cursor or ""
        self._check_text("prefix", prefix)
        self._check_text("cursor", marker)
        found = await self._client.list_objects(prefix=prefix, marker=marker, max_keys=limit)
        items = [self._stored(wire) for wire in found.Contents]
        if not found.IsTruncated:
            return Page(items)
        # A truncated page without NextMarker continues after its last key.
        return Page(items, found.NextMarker or items[-1].key)

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

    def presigned_get(self, key: str, *, expires_in: int, download_name: str | None = None) -> str:
        """A link (预签名 URL) that reads one object for ``expires_in`` seconds, 1 to 86400.

        With ``download_name`` browsers save the file under that name; Chinese is fine. The link is made
        without asking COS, so it says nothing about whether the object exists.
        """
        params = {}
        if download_name is not None:
            params["response-content-disposition"] = self._attachment(download_name)
        return self._presigned("GET", key, expires_in, params, {})

    def presigned_put(self, key: str, *, expires_in: int, content_type: str, content_length: int | None = None) -> str:
        """A link that stores one object for ``expires_in`` seconds, 1 to 86400.

        Whoever uses it must send exactly this ``Content-Type`` and, when ``content_length`` (bytes) is given,
        exactly that many bytes; COS refuses anything else. Mini-programs cannot PUT a file: see
        ``upload_form``.
        """
        self._check_content_type(content_type)
        headers = {"content-type": content_type}
        if content_length is not None:
            if not 0 <= content_length <= MAX_SINGLE_UPLOAD_BYTES:
                raise self._invalid("bad_size", _size(content_length, MAX_SINGLE_UPLOAD_BYTES))
            headers["content-length"] = str(content_length)
        return self._presigned("PUT", key, expires_in, {}, headers)

    def upload_form(self, key: str, *, expires_in: int, max_bytes: int, content_type_prefix: str = "") -> UploadForm:
        """A form (POST Object) for ``wx.uploadFile`` or a browser, for ``expires_in`` seconds, 1 to 86400.

        COS refuses another key, more than ``max_bytes`` bytes, and a type outside ``content_type_prefix``:
        ``image/`` lets the sender choose and demands a ``Content-Type`` field, ``image/jpeg`` is put into the
        fields, empty allows any type.
        """
        self._check_key(key)
        if not 1 <= max_bytes <= MAX_SINGLE_UPLOAD_BYTES:
            raise self._invalid("bad_size", _size(max_bytes, MAX_SINGLE_UPLOAD_BYTES))
        start, expires_at = self._window(expires_in)
        end = int(expires_at.timestamp())
        # ``${filename}`` in a key is a variable of the form, which no literal key may contain.
        if "${" in key:
            raise self._invalid("bad_key", "key contains ${, which upload forms read as a variable.")
        fields = {"key": key, "success_action_status": "200"}
        conditions: list[object] = [
            {"bucket": self._bucket},
            ["eq", "$key", key],
            ["content-length-range", 0, max_bytes],
            {"success_action_status": "200"},
            {"q-sign-algorithm": ALGORITHM},
            {"q-ak": self._signer.secret_id},
            {"q-sign-time": f"{start};{end}"},
        ]
        open_prefix = content_type_prefix
        if content_type_prefix:
            self._check_content_type(content_type_prefix)
            conditions.append(["starts-with", "$Content-Type", content_type_prefix])
            if "/" in content_type_prefix and not content_type_prefix.endswith("/"):
                fields["Content-Type"], open_prefix = content_type_prefix, ""
        expiration = expires_at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        policy = orjson.dumps({"expiration": expiration, "conditions": conditions})
        fields |= self._signer.form(policy, start=start, end=end)
        return UploadForm(self._base_url + "/", fields, key, expires_at, max_bytes, open_prefix)

    async def put(self, key: str, body: bytes, content_type: str) -> PutReceipt:
        """Store a small object of the house's own (2 MB at most), replacing what was there."""
        self._check_key(key)
        self._check_content_type(content_type)
        if len(body) > SMALL_BODY_BYTES:
            raise self._invalid("too_large", _size(len(body), SMALL_BODY_BYTES))
        wire = await self._client.put_object(key, body, content_type)
        return PutReceipt(self._bucket, key, len(body), _bare(wire.etag), wire.crc64)

    async def get(self, key: str) -> bytes:
        """The content of a small object, checked against its checksum.

        Raises NotFound, and Rejected when it is larger than 2 MB: hand out ``presigned_get`` instead.
        """
        self._check_key(key)
        body, size = await self._client.get_object(key, max_bytes=SMALL_BODY_BYTES)
        if size > SMALL_BODY_BYTES:
            raise Rejected(NAME, "too_large", _size(size, SMALL_BODY_BYTES), account=self._bucket)
        return body

    async def delete(self, key: str) -> None:
        """Delete one object; no error when it is not there. Where it keeps versions (版本控制), older ones stay."""
        self._check_key(key)
        await self._client.delete_object(key)

    async def _head(self, key: str) -> ObjectHead | NotFound:
        try:
            self._check_key(key)
        except Invalid as error:
            return NotFound(NAME, error.reason, error.message, account=self._bucket)
        try:
            return self._described(key, await self._client.head_object(key))
        except NotFound as error:
            return error

    def _presigned(
        self, method: str, key: str, expires_in: int, params: dict[str, str], headers: dict[str, str]
    ) -> str:
        self._check_key(key)
        start, expires_at = self._window(expires_in)
        pairs = self._signer.pairs(
            method,
            "/" + key,
            params,
            {**headers, "host": self._host},
            start=start,
            end=int(expires_at.timestamp()),
        )
        return f"{self._base_url}{encode_path(key)}?{encode_query({**pairs, **params})}"

    def _window(self, expires_in: int) -> tuple[int, datetime]:
        """First Unix second and first invalid instant of something that is signed now."""
        if not 1 <= expires_in <= MAX_EXPIRES_IN:
            raise self._invalid("bad_expiry", f"expires_in is {expires_in} seconds: give 1 to {MAX_EXPIRES_IN}.")
        now = self._clock.now().astimezone(UTC).replace(microsecond=0)
        return int(now.timestamp()) - CLOCK_LEEWAY_SECONDS, now + timedelta(seconds=expires_in)

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

    def _attachment(self, name: str) -> str:
        """``Content-Disposition`` for any name: an ASCII one for old software, the true one after it."""
        self._check_text("download_name", name)
        if not name or any(ord(character) < 0x20 for character in name):
            raise self._invalid("bad_name", "download_name is empty or has control characters; change it.")
        plain = "".join(c if " " <= c <= "~" and c not in '"\\%' else "_" for c in name)
        return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encode(name)}"

    def _check_key(self, key: str) -> None:
        self._check_text("key", key)
        size = len(key.encode())
        if not 1 <= size <= MAX_KEY_BYTES:
            raise self._invalid("bad_key", f"key has {size} bytes of UTF-8: give 1 to {MAX_KEY_BYTES}.")
        if key.startswith("/"):
            raise self._invalid("bad_key", "key begins with a slash: leave it out.")
        if not {".", ".."}.isdisjoint(key.split("/")):
            # URL software resolves these even when they are percent-encoded, and would reach another key.
            raise self._invalid("bad_key", "key has a path segment . or ..: choose another key.")

    def _check_content_type(self, value: str) -> None:
        if not value or not all(" " <= character <= "~" for character in value):
            raise self._invalid("bad_content_type", "content type must be printable ASCII, such as image/jpeg.")

    def _check_text(self, what: str, value: str) -> None:
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise self._invalid("bad_text", f"{what} is not valid Unicode text; correct it.") from error

    def _invalid(self, reason: str, message: str) -> Invalid:
        return Invalid(NAME, reason, message, account=self._bucket)


def _bare(etag: str) -> str:
    return etag.strip('"')


def _size(size: int, limit: int) -> str:
    return f"The size is {size} bytes and the limit is {limit}; use a smaller file or another way."
