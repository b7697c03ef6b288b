"""The emulated service: which bucket, who asks, and the answer with its ids."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_to_bytes, urlencode
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import Response

from adapters.cloud_storage.sandbox import forms, sts
from adapters.cloud_storage.sandbox.keys import KeyPair, Keys
from adapters.cloud_storage.sandbox.operations import QUIRKS, Ask, Operations, check_key, new_blob
from adapters.cloud_storage.sandbox.refusals import Refusal
from adapters.cloud_storage.sandbox.signature import percent, presented
from adapters.cloud_storage.sandbox.store import Blob, Container
from sandbox.faults import CODE_KEY, Receive, Scope, Send
from sandbox.platform import Action, Kit
from sandbox.world import World

_VIRTUAL: Final = re.compile(
    r"(?P<bucket>[a-z0-9-]+)\.(?:cos\.(?P<region>[a-z0-9-]+)\.(?:myqcloud\.com|tencentcos\.cn)|localhost)(?::\d+)?"
)
#: Requests with a body have these methods.
_WITH_BODY: Final = {"PUT", "POST"}


class Sandbox:
    """COS and its STS. See ``sandbox.platform.Platform``.

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
        self._keys = Keys(list(self.buckets.values()))
        self._operations = Operations(kit, self.buckets)

    def describe(self, base_url: str) -> Mapping[str, Any]:
        """See ``Platform.describe``."""
        accounts = {
            b.alias: {
                "base_url": base_url,
                "sts_url": base_url,
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
        """What others do: bucket is a full name or an alias.

        - ``put {bucket, key, body, contentType?}``: somebody else stores a text.
        - ``strict {bucket, on}``: the bucket demands that host and query are signed (严格签名模式).
        - ``quirk {name, times}``: do one of ``QUIRKS`` wrong, so many times.
        """
        return {"put": self._put_action, "strict": self._strict_action, "quirk": self._quirk_action}

    async def _put_action(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        named = self._named(body)
        key = str(body["key"])
        try:
            check_key(key)
        except Refusal as refusal:
            raise ValueError(str(refusal)) from refusal
        content_type = str(body.get("contentType", "text/plain"))
        blob = Blob(key, str(body["body"]).encode(), content_type, self._now())
        self._operations.store(named, blob, "object.put")
        return {"bucket": named.name, "key": key, "etag": blob.etag, "size": len(blob.body)}

    async def _strict_action(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        named = self._named(body)
        named.strict = bool(body["on"])
        return {"bucket": named.name, "strict": named.strict}

    async def _quirk_action(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        if body["name"] not in QUIRKS:
            raise ValueError(f"no quirk {body['name']}: give one of {', '.join(QUIRKS)}")
        self._operations.quirks[body["name"]] = int(body["times"])
        return dict(self._operations.quirks)

    def _named(self, body: Mapping[str, Any]) -> Container:
        named = next((b for b in self.buckets.values() if body["bucket"] in {b.name, b.alias}), None)
        if named is None:
            raise ValueError(f"no bucket {body['bucket']}: give one of {', '.join(self.buckets)}")
        return named

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        if sts.asks_sts(request):
            await (await sts.answer(request, self._keys, self._kit))(scope, receive, send)
            return
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
        response.headers["server"] = "tencent-cos"
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
        now = self._now()
        credentials = presented(request.method, path, params, headers)
        credentials.check(self._keys.secrets, now)
        pair = self._keys[credentials.ak]
        options = {name.lower(): value for name, value in params}
        pair.admit(request.headers.get("x-cos-security-token") or options.get("x-cos-security-token", ""), now)
        bucket = self._allowed(named, pair)
        if bucket.strict:
            credentials.check_strict()
        _answer_as_told(request)
        plain = {name.lower(): value for name, value in headers}
        return self._operations.answer(Ask(request, bucket, pair, key, options, plain, body, now))

    async def _post(self, request: Request) -> Response:
        form = forms.parse(request.headers.get("content-type", ""), await _body(request))
        named = self._named_bucket(request)
        now = self._now()
        pair = self._keys[forms.check_signature(form, self._keys.secrets, now)]
        pair.admit(form.fields.get("x-cos-security-token", ""), now)
        bucket = self._allowed(named, pair)
        forms.check_policy(form, bucket.name, now)
        pair.allow("PostObject", form.key, request.client.host if request.client else "127.0.0.1")
        _answer_as_told(request)
        check_key(form.key)
        blob = new_blob(form.key, form.file, form.fields, now)
        self._operations.store(bucket, blob, "object.post")
        return _posted(form, bucket, blob, request.headers["host"], self._operations.crc64(blob))

    def _named_bucket(self, request: Request) -> Container | None:
        """The bucket that the Host header names; None at a bare address."""
        match = _VIRTUAL.fullmatch(request.headers.get("host", "").lower())
        if match is None:
            return None
        bucket = self.buckets.get(match["bucket"])
        if bucket is None or match["region"] not in {None, bucket.region}:
            raise Refusal("NoSuchBucket", "The specified bucket does not exist.")
        return bucket

    def _allowed(self, named: Container | None, pair: KeyPair) -> Container:
        """The bucket that the key may use; raises Refusal when the request names another."""
        if named is not None and named is not pair.bucket:
            raise Refusal("AccessDenied", "Access Denied.")
        return pair.bucket

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
    if request.method in _WITH_BODY and "content-length" not in request.headers:
        raise Refusal("MissingContentLength", "You must provide the Content-Length HTTP header.")
    return await request.body()


def _posted(form: forms.Form, bucket: Container, blob: Blob, host: str, crc64: str) -> Response:
    location = f"http://{host}/{percent(blob.key).replace('%2F', '/')}"
    headers = {"etag": blob.etag, "location": location, "x-cos-hash-crc64ecma": crc64}
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
