"""The emulated service: which bucket, who asks, what they want."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_to_bytes, urlencode
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import Response

from adapters.cloud_storage.sandbox import forms, reading
from adapters.cloud_storage.sandbox.listing import list_objects
from adapters.cloud_storage.sandbox.refusals import Refusal
from adapters.cloud_storage.sandbox.signature import percent, presented
from adapters.cloud_storage.sandbox.store import Blob, Container
from sandbox.faults import CODE_KEY, Receive, Scope, Send
from sandbox.platform import Action, Kit
from sandbox.world import World

_VIRTUAL: Final = re.compile(
    r"(?P<bucket>[a-z0-9-]+)\.(?:cos\.(?P<region>[a-z0-9-]+)\.(?:myqcloud\.com|tencentcos\.cn)|localhost)(?::\d+)?"
)
_LONGEST_KEY: Final = 850
_STORAGE_CLASSES: Final = {"STANDARD", "STANDARD_IA", "INTELLIGENT_TIERING", "ARCHIVE", "DEEP_ARCHIVE"}
_KEPT: Final = ("cache-control", "content-disposition", "content-encoding", "expires")
#: Sub-resources and copies are other operations; doing the plain one instead would be a lie.
_OTHER_OPERATIONS: Final = {"acl", "tagging", "uploads", "uploadid", "delete", "restore", "cors", "versions"}


class Sandbox:
    """COS. See ``sandbox.platform.Platform``.

    One listener serves every bucket. A virtual host (``<bucket>.cos.<region>.myqcloud.com`` or
    ``<bucket>.localhost``) names its bucket as in reality; at a bare loopback address, where no host name
    can, the bucket is the one that the signing key belongs to: each key pair here is limited to one bucket.
    """

    name = "cloud_storage"

    def __init__(self, world: World, kit: Kit) -> None:
        self._kit = kit
        self._world = world
        self.buckets = {b.name: Container(b.alias, b.name, b.region, b.secret_id, b.secret_key) for b in world.buckets}
        for item in world.objects:
            blob = Blob(item.key, item.body, item.content_type, item.modified_at.astimezone(kit.clock.now().tzinfo))
            self.buckets[item.bucket].blobs[item.key] = blob
        self._keys = {b.secret_id: b.secret_key for b in self.buckets.values()}

    def describe(self, base_url: str) -> Mapping[str, Any]:
        """See ``Platform.describe``."""
        accounts = {
            b.alias: {
                "base_url": base_url,
                "kind": "bucket",
                "bucket": b.name,
                "region": b.region,
                "secret_id": b.secret_id,
                "secret_key": b.secret_key,
            }
            for b in self.buckets.values()
        }
        known = {
            b.alias: {"bucket": b.name, "keys": sorted(b.blobs, key=str.encode)[:5]} for b in self.buckets.values()
        }
        return {"accounts": accounts, "known": known}

    def actions(self) -> Mapping[str, Action]:
        """``put {bucket, key, body, contentType?}``: somebody else stores a text; bucket may be an alias."""
        return {"put": self._put_action}

    async def _put_action(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        named = next((b for b in self.buckets.values() if body["bucket"] in {b.name, b.alias}), None)
        if named is None:
            raise ValueError(f"no bucket {body['bucket']}: give one of {', '.join(self.buckets)}")
        key = str(body["key"])
        try:
            _check_key(key)
        except Refusal as refusal:
            raise ValueError(str(refusal)) from refusal
        content_type = str(body.get("contentType", "text/plain"))
        blob = Blob(key, str(body["body"]).encode(), content_type, self._now())
        self._store(named, blob, "object.put")
        return {"bucket": named.name, "key": key, "etag": blob.etag, "size": len(blob.body)}

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        request_id, trace_id = _id(), _id()
        try:
            response = await self._handle(request)
        except Refusal as refusal:
            resource = request.headers.get("host", "") + request.url.path
            document = refusal.document(resource, request_id, trace_id)
            response = Response(
                b"" if request.method == "HEAD" else document, refusal.status, media_type="application/xml"
            )
            response.headers["x-cos-trace-id"] = trace_id
        response.headers["x-cos-request-id"] = request_id
        await response(scope, receive, send)

    async def _handle(self, request: Request) -> Response:
        try:
            path = unquote_to_bytes(request.scope["raw_path"].partition(b"?")[0]).decode()
            query = request.scope["query_string"].decode("ascii")
            params = parse_qsl(query, keep_blank_values=True, errors="strict")
        except UnicodeDecodeError as error:
            raise Refusal("InvalidURI", "Couldn't parse the specified URI.") from error
        key = path.removeprefix("/")
        if request.method == "POST" and not key and not params:
            return await self._post(request)
        body = await _body(request)
        headers = [(name, value) for name, value in request.headers.items()]
        named = self._named_bucket(request)
        credentials = presented(request.method, path, params, headers)
        credentials.check(self._keys, self._now())
        bucket = self._allowed(named, credentials.ak)
        _answer_as_told(request)
        options = {name.lower(): value for name, value in params}
        if _OTHER_OPERATIONS & set(options) or "x-cos-copy-source" in request.headers:
            raise Refusal("NotImplemented", "A header or parameter asks for a function that is not emulated.")
        if not key:
            return self._bucket_call(request, bucket, options)
        _check_key(key)
        return self._object_call(request, bucket, key, options, body)

    def _bucket_call(self, request: Request, bucket: Container, options: Mapping[str, str]) -> Response:
        if request.method != "GET":
            raise Refusal("MethodNotAllowed", "The specified method is not allowed against this resource.")
        answer = Response(list_objects(bucket, options), media_type="application/xml")
        answer.headers["x-cos-bucket-region"] = bucket.region
        return answer

    def _object_call(
        self, request: Request, bucket: Container, key: str, options: Mapping[str, str], body: bytes
    ) -> Response:
        if request.method == "PUT":
            return self._put(request, bucket, key, body)
        if request.method in {"GET", "HEAD"}:
            return reading.read(request, bucket.blobs.get(key), options)
        if request.method == "DELETE":
            return self._delete(bucket, key)
        raise Refusal("MethodNotAllowed", "The specified method is not allowed against this resource.")

    def _put(self, request: Request, bucket: Container, key: str, body: bytes) -> Response:
        headers = request.headers
        _check_md5(headers.get("content-md5"), body)
        content_type = headers.get("content-type", "application/octet-stream")
        blob = _blob(key, body, content_type, dict(headers), self._now())
        self._store(bucket, blob, "object.put")
        return Response(None, 200, {"etag": blob.etag, "x-cos-hash-crc64ecma": blob.crc64})

    def _delete(self, bucket: Container, key: str) -> Response:
        """204 also for an object that does not exist."""
        if bucket.blobs.pop(key, None) is not None:
            self._kit.effect(self.name, "object.deleted", f"{bucket.name}/{key}")
        return Response(None, 204)

    async def _post(self, request: Request) -> Response:
        form = forms.parse(request.headers.get("content-type", ""), await _body(request))
        named = self._named_bucket(request)
        bucket = self._allowed(named, forms.check_signature(form, self._keys, self._now()))
        forms.check_policy(form, bucket.name, self._now())
        _answer_as_told(request)
        _check_key(form.key)
        content_type = form.fields.get("content-type", "application/octet-stream")
        blob = _blob(form.key, form.file, content_type, form.fields, self._now())
        self._store(bucket, blob, "object.post")
        return _posted(form, bucket, blob, request.headers["host"])

    def _named_bucket(self, request: Request) -> Container | None:
        """The bucket that the Host header names; None at a bare address."""
        match = _VIRTUAL.fullmatch(request.headers.get("host", "").lower())
        if match is None:
            return None
        bucket = self.buckets.get(match["bucket"])
        if bucket is None or match["region"] not in {None, bucket.region}:
            raise Refusal("NoSuchBucket", "The specified bucket does not exist.")
        return bucket

    def _allowed(self, named: Container | None, ak: str) -> Container:
        """The bucket that the key may use; raises Refusal when the request names another."""
        own = next(b for b in self.buckets.values() if b.secret_id == ak)
        if named is not None and named is not own:
            raise Refusal("AccessDenied", "Access Denied.")
        return own

    def _store(self, bucket: Container, blob: Blob, kind: str) -> None:
        """Put the object in place. Storing the same again changes only its time, and is journalled so."""
        if blob.same_as(bucket.blobs.get(blob.key)):
            kind = "object.rewritten"
        bucket.blobs[blob.key] = blob
        key = f"{bucket.name}/{blob.key}"
        self._kit.effect(self.name, kind, key, etag=blob.etag, size=len(blob.body))

    def _now(self) -> datetime:
        return self._kit.clock.now()


def _id() -> str:
    return base64.b64encode(secrets.token_hex(12).encode()).decode()


def _answer_as_told(request: Request) -> None:
    """The business-code fault: refuse with the code that the sandbox was told to use."""
    code = request.scope.get(CODE_KEY)
    if code is not None:
        raise Refusal(str(code), "The sandbox was told to answer so.")


async def _body(request: Request) -> bytes:
    if request.method in {"PUT", "POST"} and "content-length" not in request.headers:
        raise Refusal("MissingContentLength", "You must provide the Content-Length HTTP header.")
    return await request.body()


def _check_key(key: str) -> None:
    if not key or key.startswith("/"):
        raise Refusal("InvalidObjectName", "The specified object name is invalid.")
    if len(key.encode()) > _LONGEST_KEY:
        raise Refusal("KeyTooLong", "Your key is too long.")


def _check_md5(stated: str | None, body: bytes) -> None:
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


def _blob(key: str, body: bytes, content_type: str, options: Mapping[str, str], now: datetime) -> Blob:
    """An object from the headers of a PUT or the fields of a form."""
    storage_class = options.get("x-cos-storage-class", "STANDARD")
    if storage_class not in _STORAGE_CLASSES:
        raise Refusal("NotSupportedStorageClass", "The specified storage class is not supported.")
    kept = {name: value for name, value in options.items() if name in _KEPT or name.startswith("x-cos-meta-")}
    return Blob(key, body, content_type, now, storage_class, kept)


def _posted(form: forms.Form, bucket: Container, blob: Blob, host: str) -> Response:
    location = f"http://{host}/{percent(blob.key).replace('%2F', '/')}"
    headers = {"etag": blob.etag, "location": location, "x-cos-hash-crc64ecma": blob.crc64}
    redirect = form.fields.get("success_action_redirect")
    if redirect:
        found = urlencode({"bucket": bucket.name, "key": blob.key, "etag": blob.etag})
        headers["location"] = redirect + ("&" if "?" in redirect else "?") + found
        return Response(None, 303, headers)
    status = form.fields.get("success_action_status", "204")
    if status == "201":
        document = (
            f"<PostResponse><Location>{escape(location)}</Location><Bucket>{bucket.name}</Bucket>"
            f"<Key>{escape(blob.key)}</Key><ETag>{escape(blob.etag)}</ETag></PostResponse>"
        )
        return Response(document.encode(), 201, headers, media_type="application/xml")
    return Response(None, 200 if status == "200" else 204, headers)
