"""Answers as COS documents them, decoded without a sandbox in between."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.base.errors import (
    Conflict,
    Invalid,
    Malformed,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
    UpstreamError,
)
from adapters.base.http import Upstream
from adapters.base.secrets import Secret
from adapters.base.transport import Request, Response
from adapters.cloud_storage import CloudStorageAdapter, CloudStorageConfig
from adapters.cloud_storage.client import ObjectsClient, Wire
from adapters.cloud_storage.errors import FAULTS
from gateway.runtime import CountingMeter
from tests.adapters.cloud_storage.vectors import BUCKET, HOST
from tests.conftest import MakeRuntime

CONFIG = CloudStorageConfig(bucket=BUCKET, region="ap-beijing", secret_id="AKIDinvented", secret_key=Secret("invented"))
WIRE = Path(__file__).parent / "wire"


def recorded(name: str) -> Response:
    document = json.loads((WIRE / f"{name}.json").read_text("utf-8"))
    return Response(document["status"], document["headers"], document["body"].encode())


class Canned:
    """A transport that gives one answer and keeps what was asked."""

    def __init__(self, answer: Response) -> None:
        self.answer = answer
        self.requests: list[Request] = []

    async def send(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109 — the protocol's
        del timeout
        self.requests.append(request)
        return self.answer


ClientFor = Callable[[Response], tuple[ObjectsClient, Canned]]


@pytest.fixture
def client_for(make_runtime: MakeRuntime) -> ClientFor:
    def make(answer: Response) -> tuple[ObjectsClient, Canned]:
        canned = Canned(answer)
        runtime = make_runtime(transport=canned, retries=False)
        wire = Wire(CONFIG, Upstream(runtime, "cloud_storage", BUCKET), runtime.clock)
        return ObjectsClient(wire), canned

    return make


async def test_list_objects(client_for: ClientFor) -> None:
    client, canned = client_for(recorded("list_objects"))
    found = await client.list_objects(prefix="reports/", delimiter="/", max_keys=2)
    assert canned.requests[0].url == (f"https://{HOST}/?prefix=reports%2F&delimiter=%2F&max-keys=2&encoding-type=url")
    assert (found.Name, found.MaxKeys, found.IsTruncated) == ("examplebucket-1250000000", 2, True)
    assert (found.Prefix, found.Marker, found.Delimiter) == ("reports/", "", "/")
    assert found.NextMarker == "reports/订单 a+b.csv"
    assert [prefix.Prefix for prefix in found.CommonPrefixes] == ["reports/2026/"]
    (item,) = found.Contents
    assert (item.Key, item.Size, item.ETag, item.StorageClass) == (
        "reports/订单 a+b.csv",
        5,
        '"5d41402abc4b2a76b9719d911017c592"',
        "STANDARD_IA",
    )
    assert item.LastModified == datetime(2026, 1, 31, 2, 20, 30, tzinfo=UTC)


async def test_an_empty_list_without_encoding(client_for: ClientFor) -> None:
    body = (
        "<ListBucketResult><Name>b</Name><Prefix>a%20</Prefix><Marker/><MaxKeys>1000</MaxKeys>"
        "<IsTruncated>false</IsTruncated></ListBucketResult>"
    )
    client, _ = client_for(Response(200, {}, body.encode()))
    found = await client.list_objects()
    assert (found.Contents, found.CommonPrefixes, found.Prefix) == ((), (), "a%20")


async def test_a_truncated_page_without_a_marker_goes_on_after_its_last_key(make_runtime: MakeRuntime) -> None:
    answer = recorded("list_objects")
    body = re.sub(rb"<NextMarker>.*</NextMarker>", b"", answer.body)
    runtime = make_runtime(transport=Canned(replace(answer, body=body)))
    adapter = CloudStorageAdapter(CONFIG, runtime)
    assert (await adapter.objects("reports/")).next_cursor == "reports/订单 a+b.csv"


async def test_head_object(client_for: ClientFor) -> None:
    client, canned = client_for(recorded("head_object"))
    head = await client.head_object("报表 1.csv")
    assert canned.requests[0].method == "HEAD"
    assert canned.requests[0].url == f"https://{HOST}/%E6%8A%A5%E8%A1%A8%201.csv"
    assert (head.content_length, head.content_type, head.crc64) == (5, "text/csv", "11177612005948864433")
    assert head.last_modified == datetime(2026, 1, 31, 2, 20, 30, tzinfo=UTC)


async def test_get_object(client_for: ClientFor) -> None:
    client, canned = client_for(recorded("get_object"))
    found = await client.get_object("a.csv", max_bytes=100)
    assert (found.body, found.size) == (b"hello", 5)
    assert canned.requests[0].headers["range"] == "bytes=0-99"


async def test_get_object_takes_either_checksum(client_for: ClientFor) -> None:
    answer = recorded("get_object")
    for other in ({"etag": '"0123-2"'}, {"x-cos-hash-crc64ecma": ""}):
        client, _ = client_for(replace(answer, headers={**answer.headers, **other}))
        found = await client.get_object("a.csv", max_bytes=100)
        assert (found.body, found.size) == (b"hello", 5)


@pytest.mark.parametrize(
    "change",
    [
        {"etag": '"0123-2"', "x-cos-hash-crc64ecma": "1"},
        {"content-range": "bytes 1-5/6"},
        {"content-range": ""},
        {"last-modified": "yesterday"},
    ],
)
async def test_a_body_that_does_not_fit_its_headers_is_not_given_out(
    client_for: ClientFor, change: Mapping[str, str]
) -> None:
    answer = recorded("get_object")
    client, _ = client_for(replace(answer, headers={**answer.headers, **change}))
    with pytest.raises(Malformed):
        await client.get_object("a.csv", max_bytes=100)


async def test_put_object(client_for: ClientFor) -> None:
    client, canned = client_for(recorded("put_object"))
    put = await client.put_object("a.csv", b"hello", "text/csv")
    assert (put.etag, put.crc64) == ('"5d41402abc4b2a76b9719d911017c592"', "11177612005948864433")
    (request,) = canned.requests
    assert request.body == b"hello"
    assert {name: request.headers[name] for name in ("content-length", "content-md5", "content-type")} == {
        "content-length": "5",
        "content-md5": "XUFAKrxLKna5cZ2REBfFkg==",
        "content-type": "text/csv",
    }
    assert "q-header-list=content-length;content-md5;content-type;host&" in request.headers["authorization"]


async def test_an_error_inside_a_successful_put_is_no_success(client_for: ClientFor) -> None:
    answer = recorded("put_object")
    client, _ = client_for(replace(answer, body=recorded("error").body))
    with pytest.raises(OutcomeUnknown):
        await client.put_object("a.csv", b"hello", "text/csv")


async def test_delete_object(client_for: ClientFor) -> None:
    client, canned = client_for(recorded("delete_object"))
    await client.delete_object("members/a b.csv")
    (request,) = canned.requests
    assert (request.method, request.url.rpartition("/members/")[2]) == ("DELETE", "a%20b.csv")
    spoilt, _ = client_for(replace(recorded("delete_object"), status=200))
    with pytest.raises(OutcomeUnknown):
        await spoilt.delete_object("a.csv")


async def test_an_error_document(client_for: ClientFor) -> None:
    client, _ = client_for(recorded("error"))
    with pytest.raises(NotFound) as caught:
        await client.get_object("x", max_bytes=1)
    error = caught.value
    assert (error.reason, error.upstream_code) == ("no_such_object", "NoSuchKey")
    assert (error.endpoint, error.account, error.request_id) == ("get_object", BUCKET, "NWQwODIyNzlfMjJi")
    assert "does not exist" not in str(error)


def refusal(status: int, code: str, message: str = "Words of the platform.") -> Response:
    body = f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>R1</RequestId></Error>"
    return Response(status, {}, body.encode())


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        (refusal(403, "AccessDenied"), Unauthorized, "access_denied"),
        (refusal(403, "AccessDenied", "Request has expired"), Unauthorized, "signature_expired"),
        (refusal(403, "Request has expired"), Unauthorized, "signature_expired"),
        (refusal(403, "RequestTimeTooSkewed"), Unauthorized, "clock_skew"),
        (refusal(409, "PathConflict"), Unavailable, "same_moment"),
        (refusal(400, "RequestTimeout"), Unavailable, "upload_timeout"),
        (refusal(503, "SlowDown"), RateLimited, "slow_down"),
        (refusal(500, "InternalError"), OutcomeUnknown, "internal_error"),
        (refusal(402, "PaymentRequired"), Rejected, "account_in_arrears"),
        (refusal(409, "ObjectLocked"), Conflict, "object_locked"),
        (refusal(400, "NeverHeardOf"), Invalid, "refused"),
        (refusal(410, "NeverHeardOf"), Rejected, "unknown_code"),
        (refusal(599, "NeverHeardOf"), OutcomeUnknown, "service_unavailable"),
        (Response(502, {}, b"<html><body>nginx</body></html>"), OutcomeUnknown, "service_unavailable"),
        (Response(404, {}, b"<html><body>nginx</body></html>"), OutcomeUnknown, "unreadable"),
        (Response(403, {"x-cos-request-id": "R1"}, b""), Unauthorized, "forbidden"),
        (Response(429, {}, b""), RateLimited, "slow_down"),
        (Response(302, {"location": "http://elsewhere"}, b""), OutcomeUnknown, "unreadable"),
    ],
)
async def test_what_a_refused_write_means(
    client_for: ClientFor, answer: Response, kind: type[UpstreamError], reason: str
) -> None:
    client, canned = client_for(answer)
    with pytest.raises(kind) as caught:
        await client.put_object("x", b"", "text/plain")
    assert (type(caught.value), caught.value.reason) == (kind, reason)
    assert len(canned.requests) == 1


async def test_codes_without_a_row_are_counted_and_statuses_are_not(make_runtime: MakeRuntime) -> None:
    meter = CountingMeter()
    for answer in (
        refusal(400, "NeverHeardOf"),
        refusal(503, "NeverHeardOf"),
        refusal(404, "NoSuchKey"),
        Response(502, {}, b""),
    ):
        runtime = make_runtime(transport=Canned(answer), retries=False, meter=meter)
        client = ObjectsClient(Wire(CONFIG, Upstream(runtime, "cloud_storage", BUCKET), runtime.clock))
        with pytest.raises(UpstreamError):
            await client.delete_object("x")
    assert meter.unknown_codes == {("cloud_storage", "delete_object", "NeverHeardOf"): 2}


async def test_a_404_to_head_counts_only_when_cos_itself_says_it(client_for: ClientFor) -> None:
    client, _ = client_for(Response(404, {"x-cos-request-id": "R1"}, b""))
    with pytest.raises(NotFound):
        await client.head_object("x")
    client, _ = client_for(Response(404, {}, b""))
    with pytest.raises(Malformed):
        await client.head_object("x")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\x00<",
        b"<Error/>",
        b'<?xml version="1.0" encoding="u-tf-8" ?><ListBucketResult/>',
        b"<ListBucketResult><Name>b</Name></ListBucketResult>",
        b"<ListBucketResult><Name>b</Name><MaxKeys>1</MaxKeys><IsTruncated>true</IsTruncated></ListBucketResult>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><ListBucketResult><Name>&a;</Name></ListBucketResult>',
    ],
)
async def test_unreadable_lists(client_for: ClientFor, body: bytes) -> None:
    client, _ = client_for(Response(200, {}, body))
    with pytest.raises(Malformed):
        await client.list_objects()


def test_every_row_says_what_to_do_in_our_words() -> None:
    assert len(FAULTS) == 83
    for code, fault in FAULTS.items():
        assert fault.message.endswith("."), code
        assert fault.reason == fault.reason.lower().replace(" ", "_"), code
