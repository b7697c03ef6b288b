"""What a signed request asks for, and doing it."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response

from adapters.cloud_storage.sandbox import documents, reading, uploads
from adapters.cloud_storage.sandbox.documents import document, element, leaf
from adapters.cloud_storage.sandbox.keys import KeyPair
from adapters.cloud_storage.sandbox.listing import list_objects
from adapters.cloud_storage.sandbox.refusals import Refusal
from adapters.cloud_storage.sandbox.store import Blob, Container, document_time
from sandbox.platform import Kit

#: What the platform can be told to do wrong, besides the faults that every platform knows.
QUIRKS: Final = (
    "wrong_crc64",  # the next answers state another checksum
    "stale_listing",  # the next lists miss what was written within a minute
    "error_in_200",  # the next copies and finishes end in an <Error>, with status 200
    "delete_error",  # the next keys of a multi-delete fail inside
)
_KEPT: Final = ("cache-control", "content-disposition", "content-encoding", "expires")
_STORAGE_CLASSES: Final = {"STANDARD", "STANDARD_IA", "INTELLIGENT_TIERING", "ARCHIVE", "DEEP_ARCHIVE"}
_ACLS: Final = {"default", "private", "public-read"}
_LONGEST_KEY: Final = 850
_LARGEST_METADATA: Final = 2048
_SLOWEST, _FASTEST = 819_200, 838_860_800
#: Doing the plain operation instead of these would be a lie.
_OTHERS: Final = {
    "acl",
    "restore",
    "cors",
    "versions",
    "versioning",
    "lifecycle",
    "policy",
    "location",
    "website",
    "logging",
}


@dataclass(frozen=True, slots=True)
class Ask:
    """A request whose signature is right. ``options`` are its query parameters, ``headers`` its headers; lower case."""

    request: Request
    bucket: Container
    pair: KeyPair
    key: str
    options: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    now: datetime

    def may(self, action: str, key: str | None = None) -> None:
        """Raise Refusal unless the key pair may."""
        client = self.request.client
        self.pair.allow(action, self.key if key is None else key, client.host if client else "127.0.0.1")


Operation = Callable[[Ask], Response]


class Operations:
    """Of all buckets. ``quirks`` counts down what the platform was told to do wrong."""

    def __init__(self, kit: Kit, buckets: Mapping[str, Container]) -> None:
        self._kit = kit
        self._buckets = buckets
        self.quirks: Counter[str] = Counter()
        self._on_bucket: Mapping[tuple[str, str], Operation] = {
            ("GET", ""): self._list,
            ("HEAD", ""): self._head_bucket,
            ("GET", "uploads"): self._list_uploads,
            ("POST", "delete"): self._delete_many,
        }
        self._on_object: Mapping[tuple[str, str], Operation] = {
            ("PUT", ""): self._put,
            ("GET", ""): self._read,
            ("HEAD", ""): self._read,
            ("DELETE", ""): self._delete,
            ("PUT", "tagging"): self._put_tags,
            ("GET", "tagging"): self._get_tags,
            ("DELETE", "tagging"): self._delete_tags,
            ("POST", "uploads"): self._begin,
            ("PUT", "uploadid"): self._part,
            ("GET", "uploadid"): self._parts,
            ("POST", "uploadid"): self._finish,
            ("DELETE", "uploadid"): self._abort,
        }

    def answer(self, ask: Ask) -> Response:
        """Do it; raises Refusal."""
        if _OTHERS & set(ask.options):
            raise Refusal("NotImplemented", "A header or parameter asks for a function that is not emulated.")
        parts = ("tagging", "uploads", "uploadid", "delete")
        part = next((name for name in parts if name in ask.options), "")
        operation = (self._on_object if ask.key else self._on_bucket).get((ask.request.method, part))
        if operation is None:
            raise Refusal("MethodNotAllowed", "The specified method is not allowed against this resource.")
        if ask.key:
            check_key(ask.key)
        return operation(ask)

    def store(self, bucket: Container, blob: Blob, kind: str) -> None:
        """Put the object in place. Storing the same again changes only its time, and is journalled so."""
        if blob.same_as(bucket.blobs.get(blob.key)):
            kind = "object.rewritten"
        bucket.blobs[blob.key] = blob
        self._tell(bucket, kind, blob.key, etag=blob.etag, size=len(blob.body))

    def crc64(self, blob: Blob) -> str:
        """What is stated for the object."""
        return str((int(blob.crc64) + 1) % 2**64) if self._quirk("wrong_crc64") else blob.crc64

    def _tell(self, bucket: Container, kind: str, key: str, **data: object) -> None:
        self._kit.effect("cloud_storage", kind, f"{bucket.name}/{key}", **data)

    def _quirk(self, name: str) -> bool:
        if self.quirks[name] < 1:
            return False
        self.quirks[name] -= 1
        return True

    def _list(self, ask: Ask) -> Response:
        ask.may("GetBucket", ask.options.get("prefix", ""))
        before = ask.now - timedelta(minutes=1) if self._quirk("stale_listing") else None
        answer = Response(list_objects(ask.bucket, ask.options, before), media_type="application/xml")
        answer.headers["x-cos-bucket-region"] = ask.bucket.region
        return answer

    def _head_bucket(self, ask: Ask) -> Response:
        ask.may("HeadBucket")
        return Response(None, 200, {"x-cos-bucket-region": ask.bucket.region})

    def _list_uploads(self, ask: Ask) -> Response:
        ask.may("ListMultipartUploads", ask.options.get("prefix", ""))
        return uploads.list_uploads(ask.bucket, ask.options)

    def _put(self, ask: Ask) -> Response:
        source = ask.headers.get("x-cos-copy-source")
        if source is not None:
            return self._copy(ask, source)
        ask.may("PutObject")
        check_md5(ask.headers.get("content-md5"), ask.body)
        blob = new_blob(ask.key, ask.body, ask.headers, ask.now)
        self.store(ask.bucket, blob, "object.put")
        return Response(None, 200, {"etag": blob.etag, "x-cos-hash-crc64ecma": self.crc64(blob)})

    def _copy(self, ask: Ask, source: str) -> Response:
        ask.may("PutObject")
        host, _, encoded = source.partition("/")
        bucket = self._buckets.get(host.partition(".")[0])
        if bucket is None or host != bucket.host:
            raise Refusal("NoSuchBucket", "The specified bucket does not exist.")
        if bucket is not ask.bucket:
            raise Refusal("AccessDenied", "Access Denied.")
        key = unquote(encoded)
        ask.may("GetObject", key)
        blob = bucket.blobs.get(key)
        if blob is None:
            raise Refusal("NoSuchKey", "The specified key does not exist.")
        if blob.storage_class in {"ARCHIVE", "DEEP_ARCHIVE"}:
            raise Refusal("InvalidObjectState", "The operation is not valid for the object's storage class.")
        directive = ask.headers.get("x-cos-metadata-directive", "Copy")
        if directive == "Replaced":
            made = new_blob(ask.key, blob.body, ask.headers, ask.now)
        elif directive == "Copy":
            made = replace(blob, key=ask.key, modified_at=ask.now)
        else:
            raise Refusal("InvalidArgument", "The value of x-cos-metadata-directive is invalid.")
        if self._quirk("error_in_200"):
            return document(
                "Error", leaf("Code", "InternalError"), leaf("Message", "We encountered an internal error.")
            )
        self.store(ask.bucket, made, "object.copied")
        inner = leaf("ETag", made.etag), leaf("LastModified", document_time(made.modified_at))
        return document("CopyObjectResult", *inner)

    def _read(self, ask: Ask) -> Response:
        ask.may("HeadObject" if ask.request.method == "HEAD" else "GetObject")
        answer = reading.read(ask.request, ask.bucket.blobs.get(ask.key), ask.options)
        answer.headers["x-cos-hash-crc64ecma"] = self.crc64(ask.bucket.blobs[ask.key])
        return answer

    def _delete(self, ask: Ask) -> Response:
        """204 also for an object that does not exist."""
        ask.may("DeleteObject")
        if ask.bucket.blobs.pop(ask.key, None) is not None:
            self._tell(ask.bucket, "object.deleted", ask.key)
        return Response(None, 204)

    def _delete_many(self, ask: Ask) -> Response:
        if "content-md5" not in ask.headers:
            raise Refusal("InvalidDigest", "The Content-MD5 you specified is not valid.")
        check_md5(ask.headers["content-md5"], ask.body)
        keys, quiet = documents.keys_to_delete(ask.body)
        told: list[str] = []
        for key in keys:
            refusal = self._refusal_to_delete(ask, key)
            if refusal is not None:
                inner = leaf("Key", key), leaf("Code", refusal.code), leaf("Message", refusal.message)
                told.append(element("Error", *inner))
                continue
            if ask.bucket.blobs.pop(key, None) is not None:
                self._tell(ask.bucket, "object.deleted", key)
            told += [] if quiet else [element("Deleted", leaf("Key", key))]
        return document("DeleteResult", *told)

    def _refusal_to_delete(self, ask: Ask, key: str) -> Refusal | None:
        if self._quirk("delete_error"):
            return Refusal("InternalError", "We encountered an internal error. Please try again.")
        try:
            ask.may("DeleteObject", key)
        except Refusal as refusal:
            return refusal
        return None

    def _tagged(self, ask: Ask, action: str) -> Blob:
        ask.may(action)
        blob = ask.bucket.blobs.get(ask.key)
        if blob is None:
            raise Refusal("NoSuchKey", "The specified key does not exist.")
        return blob

    def _put_tags(self, ask: Ask) -> Response:
        blob = self._tagged(ask, "PutObjectTagging")
        check_md5(ask.headers.get("content-md5"), ask.body)
        tags = documents.tags_of(ask.body)
        if dict(tags) != dict(blob.tags):
            self._tell(ask.bucket, "object.tagged", ask.key)
        ask.bucket.blobs[ask.key] = replace(blob, tags=tags)
        return Response(None, 200)

    def _get_tags(self, ask: Ask) -> Response:
        blob = self._tagged(ask, "GetObjectTagging")
        if not blob.tags:
            raise Refusal("NoSuchTagSet", "The TagSet does not exist.")
        return documents.tagging(blob.tags)

    def _delete_tags(self, ask: Ask) -> Response:
        blob = self._tagged(ask, "DeleteObjectTagging")
        if blob.tags:
            self._tell(ask.bucket, "object.untagged", ask.key)
        ask.bucket.blobs[ask.key] = replace(blob, tags={})
        return Response(None, 204)

    def _begin(self, ask: Ask) -> Response:
        ask.may("InitiateMultipartUpload")
        new_blob(ask.key, b"", ask.headers, ask.now)  # Refuses what the object could not be.
        upload = uploads.begin(ask.bucket, ask.key, ask.headers, ask.now)
        self._tell(ask.bucket, "upload.begun", ask.key)
        return uploads.begun(ask.bucket, upload)

    def _part(self, ask: Ask) -> Response:
        ask.may("UploadPart")
        upload = uploads.find(ask.bucket, ask.key, ask.options["uploadid"])
        if "x-cos-copy-source" in ask.headers:
            raise Refusal("NotImplemented", "Copies of parts are not emulated.")
        check_md5(ask.headers.get("content-md5"), ask.body)
        number = ask.options.get("partnumber", "")
        before = upload.parts.get(int(number)) if number.isascii() and number.isdigit() else None
        blob = uploads.store_part(upload, number, ask.body, ask.now)
        self._tell(ask.bucket, "upload.part" if before is None else "upload.part_again", f"{ask.key}#{number}")
        return Response(None, 200, {"etag": blob.etag, "x-cos-hash-crc64ecma": self.crc64(blob)})

    def _parts(self, ask: Ask) -> Response:
        ask.may("ListParts")
        return uploads.list_parts(ask.bucket, uploads.find(ask.bucket, ask.key, ask.options["uploadid"]), ask.options)

    def _finish(self, ask: Ask) -> Response:
        ask.may("CompleteMultipartUpload")
        upload = uploads.find(ask.bucket, ask.key, ask.options["uploadid"])
        check_md5(ask.headers.get("content-md5"), ask.body)
        body, sums = uploads.joined(uploads.chosen(upload, ask.body))
        if self._quirk("error_in_200"):
            error = element(
                "Error", leaf("Code", "InternalError"), leaf("Message", "We encountered an internal error.")
            )
            return uploads.finished(error.encode(), {})
        blob = replace(new_blob(ask.key, body, upload.options, ask.now), parts=sums)
        self.store(ask.bucket, blob, "object.completed")
        del ask.bucket.uploads[upload.id]
        return uploads.finished(uploads.completed(ask.bucket, blob), {"x-cos-hash-crc64ecma": self.crc64(blob)})

    def _abort(self, ask: Ask) -> Response:
        ask.may("AbortMultipartUpload")
        upload = uploads.find(ask.bucket, ask.key, ask.options["uploadid"])
        del ask.bucket.uploads[upload.id]
        self._tell(ask.bucket, "upload.aborted", ask.key)
        return Response(None, 204)


def check_key(key: str) -> None:
    """Raise Refusal for a key that no object can have."""
    if not key or key.startswith("/"):
        raise Refusal("InvalidObjectName", "The specified object name is invalid.")
    if len(key.encode()) > _LONGEST_KEY:
        raise Refusal("KeyTooLong", "Your key is too long.")


def check_md5(stated: str | None, body: bytes) -> None:
    """Raise Refusal unless ``Content-MD5``, where it is stated, is that of the body."""
    if stated is None:
        return
    try:
        digest = base64.b64decode(stated, validate=True)
    except binascii.Error:
        digest = b""
    if len(digest) != 16:
        raise Refusal("InvalidDigest", "The Content-MD5 you specified is not valid.")
    if digest != hashlib.md5(body).digest():
        raise Refusal("BadDigest", "The Content-MD5 you specified did not match what we received.")


def new_blob(key: str, body: bytes, options: Mapping[str, str], now: datetime) -> Blob:
    """An object from the headers of a PUT or the fields of a form; raises Refusal."""
    storage_class = options.get("x-cos-storage-class", "STANDARD")
    if storage_class not in _STORAGE_CLASSES:
        raise Refusal("NotSupportedStorageClass", "The specified storage class is not supported.")
    if options.get("x-cos-acl", "default") not in _ACLS:
        raise Refusal("InvalidArgument", "The value of x-cos-acl is invalid.")
    limit = options.get("x-cos-traffic-limit")
    if limit is not None and not (limit.isdigit() and _SLOWEST <= int(limit) <= _FASTEST):
        raise Refusal("InvalidArgument", "The value of x-cos-traffic-limit is invalid.")
    metadata = {name: value for name, value in options.items() if name.startswith("x-cos-meta-")}
    if any("_" in name for name in metadata):
        raise Refusal("InvalidArgument", "The name of a metadata header is invalid.")
    if sum(len(name) - len("x-cos-meta-") + len(value) for name, value in metadata.items()) > _LARGEST_METADATA:
        raise Refusal("InvalidArgument", "Your metadata headers exceed the maximum allowed metadata size.")
    kept = {name: value for name, value in options.items() if name in _KEPT} | metadata
    tags = documents.tags_of_header(options.get("x-cos-tagging", ""))
    return Blob(key, body, options.get("content-type", "application/octet-stream"), now, storage_class, kept, tags)
