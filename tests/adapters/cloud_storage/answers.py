"""A documented answer for every method of the clients, for the tests of spoilt ones."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from adapters.base.http import Upstream
from adapters.base.runtime import Runtime
from adapters.base.secrets import Secret
from adapters.base.transport import Response
from adapters.cloud_storage import CloudStorageConfig
from adapters.cloud_storage.client import ObjectsClient, StsClient, UploadsClient, Wire
from tests.adapters.cloud_storage.vectors import BUCKET

_CONFIG = CloudStorageConfig(
    bucket=BUCKET, region="ap-beijing", secret_id="AKIDinvented", secret_key=Secret("invented")
)
_WIRE = Path(__file__).parent / "wire"
CLIENTS = (ObjectsClient, UploadsClient, StsClient)
_STORED = {"etag": '"5d41402abc4b2a76b9719d911017c592"', "x-cos-hash-crc64ecma": "11177612005948864433"}


def _recorded(name: str) -> Response:
    document = json.loads((_WIRE / f"{name}.json").read_text("utf-8"))
    return Response(document["status"], document["headers"], document["body"].encode())


def _said(body: str, status: int = 200, **headers: str) -> Response:
    return Response(status, {"x-cos-request-id": base64.b64encode(b"1").decode(), **headers}, body.encode())


def _wire(runtime: Runtime) -> Wire:
    return Wire(_CONFIG, Upstream(runtime, "cloud_storage", BUCKET), runtime.clock)


def _objects(runtime: Runtime) -> ObjectsClient:
    return ObjectsClient(_wire(runtime))


def _uploads(runtime: Runtime) -> UploadsClient:
    return UploadsClient(_wire(runtime))


def _sts(runtime: Runtime) -> StsClient:
    return StsClient(_CONFIG, Upstream(runtime, "cloud_storage", BUCKET), runtime.clock)


_PARTS = (
    "<ListPartsResult><UploadId>u</UploadId><PartNumberMarker>0</PartNumberMarker><NextPartNumberMarker>1"
    "</NextPartNumberMarker><MaxParts>1</MaxParts><IsTruncated>true</IsTruncated><Part><PartNumber>1</PartNumber>"
    '<LastModified>2026-01-31T02:20:30.000Z</LastModified><ETag>"e"</ETag><Size>5</Size></Part></ListPartsResult>'
)
_UPLOADS = (
    "<ListMultipartUploadsResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><NextKeyMarker>a%20"
    "</NextKeyMarker><NextUploadIdMarker>u</NextUploadIdMarker><Upload><Key>a%20</Key><UploadId>u</UploadId>"
    "<Initiated>2026-01-31T02:20:30.000Z</Initiated></Upload></ListMultipartUploadsResult>"
)
_DELETED = "<DeleteResult><Error><Key>a</Key><Code>AccessDenied</Code><Message>m</Message></Error></DeleteResult>"
_TAGGED = "<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>"
_COPIED = '<CopyObjectResult><ETag>"e"</ETag><LastModified>2026-01-31T02:20:30.000Z</LastModified></CopyObjectResult>'
_BEGUN = (
    "<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><UploadId>u</UploadId>"
    "</InitiateMultipartUploadResult>"
)
_DONE = (
    " \n<CompleteMultipartUploadResult><Location>l</Location><Bucket>b</Bucket><Key>k</Key><ETag>&quot;e-1&quot;</ETag>"
    "</CompleteMultipartUploadResult>"
)
_LENT = (
    '{"Response":{"Credentials":{"Token":"t","TmpSecretId":"i","TmpSecretKey":"k"},"ExpiredTime":1769829600,'
    '"Expiration":"2026-01-31T03:20:00Z","RequestId":"r"}}'
)

#: Maker of the client, method, call, answer.
METHODS: list[tuple[Callable[[Runtime], Any], str, Callable[[Any], Any], Response]] = [
    (_objects, "list_objects", lambda c: c.list_objects(delimiter="/"), _recorded("list_objects")),
    (_objects, "head_object", lambda c: c.head_object("a"), _recorded("head_object")),
    (_objects, "get_object", lambda c: c.get_object("a", max_bytes=100), _recorded("get_object")),
    (_objects, "put_object", lambda c: c.put_object("a", b"hello", "text/csv"), _recorded("put_object")),
    (_objects, "copy_object", lambda c: c.copy_object("a", "b", "host"), _said(_COPIED)),
    (_objects, "delete_object", lambda c: c.delete_object("a"), _recorded("delete_object")),
    (_objects, "delete_objects", lambda c: c.delete_objects(["a", "b"]), _said(_DELETED)),
    (_objects, "get_object_tagging", lambda c: c.get_object_tagging("a"), _said(_TAGGED)),
    (_objects, "put_object_tagging", lambda c: c.put_object_tagging("a", {"k": "v"}), _said("")),
    (_objects, "delete_object_tagging", lambda c: c.delete_object_tagging("a"), _said("", 204)),
    (_uploads, "initiate_multipart_upload", lambda c: c.initiate_multipart_upload("a", "t/p"), _said(_BEGUN)),
    (_uploads, "upload_part", lambda c: c.upload_part("a", "u", 1, b"hello"), Response(200, _STORED, b"")),
    (_uploads, "list_parts", lambda c: c.list_parts("a", "u"), _said(_PARTS)),
    (
        _uploads,
        "complete_multipart_upload",
        lambda c: c.complete_multipart_upload("a", "u", [(1, '"e"')]),
        _said(_DONE, **{"x-cos-hash-crc64ecma": "1"}),
    ),
    (_uploads, "abort_multipart_upload", lambda c: c.abort_multipart_upload("a", "u"), _said("", 204)),
    (_uploads, "list_multipart_uploads", lambda c: c.list_multipart_uploads(), _said(_UPLOADS)),
    (_sts, "get_federation_token", lambda c: c.get_federation_token("n", {}, 900), Response(200, {}, _LENT.encode())),
]
