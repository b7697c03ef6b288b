"""What the emulated COS checks, in its own codes, seen by a caller that writes its requests by hand."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from datetime import timedelta

import pytest

from adapters.base.errors import RateLimited, Unauthorized
from adapters.base.secrets import Secret
from adapters.cloud_storage import TOOL, CloudStorageAdapter
from adapters.cloud_storage.signing import Signer, encode_path, encode_query
from sandbox import http1
from sandbox.clock import SandboxClock
from sandbox.server import Sandbox
from tests.adapters.cloud_storage.conftest import code_of
from tests.conftest import EVENING, MakeRuntime, account_config


class Caller:
    """Signs with one bucket's key and sends what it is told, right or wrong."""

    def __init__(self, sandbox: Sandbox, alias: str = "assets") -> None:
        self.bucket = next(b for b in sandbox.world.buckets if b.alias == alias)
        self.url = sandbox.urls["cloud_storage"]
        self.host = self.url.removeprefix("http://")
        self.now = int(sandbox.kit.clock.now().timestamp())
        self.signer = Signer(self.bucket.secret_id, Secret(self.bucket.secret_key))

    def header(self, method: str, path: str, params: Mapping[str, str], headers: Mapping[str, str]) -> str:
        return self.signer.authorization(method, path, params, headers, start=self.now - 60, end=self.now + 300)

    async def send(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        host: str = "",
    ) -> http1.Answer:
        signed = {**(headers or {}), "host": host or self.host}
        header = self.header(method, path, params or {}, signed)
        url = self.url + encode_path(path[1:]) + ("?" + encode_query(params) if params else "")
        sent = {**(headers or {}), "Host": host or self.host, "Authorization": header}
        return await http1.request(method, url, sent, body)


@pytest.fixture
def caller(sandbox: Sandbox) -> Caller:
    return Caller(sandbox)


COVER = "/products/SL-DOWN/cover.jpg"


async def test_every_answer_carries_the_documented_headers(caller: Caller) -> None:
    answer = await caller.send("GET", COVER)
    assert answer.status == 200
    assert {"etag", "last-modified", "x-cos-hash-crc64ecma", "x-cos-request-id"} <= answer.headers.keys()
    assert answer.headers["content-type"] == "image/jpeg"
    assert "x-cos-storage-class" not in answer.headers
    refused = await caller.send("GET", "/none")
    assert code_of(refused) == (404, "NoSuchKey")
    assert f"<RequestId>{refused.headers['x-cos-request-id']}</RequestId>".encode() in refused.body
    assert "x-cos-trace-id" in refused.headers


async def test_head_refuses_without_words(caller: Caller) -> None:
    answer = await caller.send("HEAD", "/none")
    assert (answer.status, answer.headers["content-length"]) == (404, "0")
    assert "x-cos-request-id" in answer.headers


async def test_without_credentials_or_with_unknown_ones(sandbox: Sandbox, caller: Caller) -> None:
    assert code_of(await http1.request("GET", caller.url + COVER)) == (403, "AccessDenied")
    header = caller.header("GET", COVER, {}, {"host": caller.host})
    for change, expected in (
        (("q-ak=AKID", "q-ak=AKIX"), (403, "InvalidAccessKeyId")),
        (("q-signature=", "q-signature=0"), (403, "SignatureDoesNotMatch")),
        (("q-sign-algorithm=sha1", "q-sign-algorithm=md5"), (400, "InvalidArgument")),
        (("q-url-param-list=&", ""), (400, "InvalidArgument")),
        (("q-header-list=host", "q-header-list=host;range"), (403, "SignatureDoesNotMatch")),
    ):
        answer = await http1.request("GET", caller.url + COVER, {"Authorization": header.replace(*change)})
        assert code_of(answer) == expected
    assert (await http1.request("GET", caller.url + COVER, {"Authorization": header})).status == 200
    sandbox.kit.clock.advance(timedelta(seconds=301))
    late = await http1.request("GET", caller.url + COVER, {"Authorization": header})
    assert code_of(late) == (403, "AccessDenied")
    assert b"<Message>Request has expired</Message>" in late.body


async def test_a_virtual_host_names_its_bucket(sandbox: Sandbox, caller: Caller) -> None:
    name, region = caller.bucket.name, caller.bucket.region
    for host in (
        f"{name}.cos.{region}.myqcloud.com",
        f"{name}.cos.{region}.tencentcos.cn",
        f"{name}.localhost",
    ):
        assert (await caller.send("GET", COVER, host=host)).status == 200
    wrong_region = f"{name}.cos.ap-beijing.myqcloud.com"
    assert code_of(await caller.send("GET", COVER, host=wrong_region)) == (404, "NoSuchBucket")
    absent = f"none-1250000000.cos.{region}.myqcloud.com"
    assert code_of(await caller.send("GET", COVER, host=absent)) == (404, "NoSuchBucket")
    others = f"{sandbox.world.buckets[0].name}.cos.{region}.myqcloud.com"
    assert code_of(await caller.send("GET", COVER, host=others)) == (403, "AccessDenied")


async def test_each_key_pair_reaches_its_own_bucket_only(sandbox: Sandbox) -> None:
    assert (await Caller(sandbox, "assets").send("GET", COVER)).status == 200
    assert code_of(await Caller(sandbox, "members").send("GET", COVER)) == (404, "NoSuchKey")


async def test_list_folds_by_delimiter_and_counts_folders_as_entries(sandbox: Sandbox, caller: Caller) -> None:
    put = sandbox.platforms["cloud_storage"].actions()["put"]
    for key in ("t/a.csv", "t/b/1.csv", "t/b/2.csv", "t/c.csv", "t/é.csv"):
        await put({"bucket": "assets", "key": key, "body": "x"})
    asked = {"prefix": "t/", "delimiter": "/", "max-keys": "2"}
    first = (await caller.send("GET", "/", asked)).body.decode()
    assert "<Key>t/a.csv</Key>" in first
    assert "<CommonPrefixes><Prefix>t/b/</Prefix></CommonPrefixes>" in first
    assert "<IsTruncated>true</IsTruncated><NextMarker>t/b/</NextMarker>" in first
    answer = await caller.send("GET", "/", {**asked, "marker": "t/b/", "encoding-type": "url"})
    second = answer.body.decode()
    assert second.count("<Contents>") == 2
    assert "<Key>t/c.csv</Key>" in second
    assert "<Key>t/%C3%A9.csv</Key>" in second
    assert "<IsTruncated>false</IsTruncated>" in second
    assert "CommonPrefixes" not in second
    assert "NextMarker" not in second
    assert answer.headers["x-cos-bucket-region"] == "ap-shanghai"


async def test_list_parameters_are_checked(caller: Caller) -> None:
    for params, code in (
        ({"max-keys": "many"}, "InvalidArgument"),
        ({"max-keys": "-1"}, "InvalidArgument"),
        ({"delimiter": "//"}, "InvalidDelimiter"),
        ({"encoding-type": "base64"}, "InvalidArgument"),
    ):
        assert code_of(await caller.send("GET", "/", params)) == (400, code)
    capped = await caller.send("GET", "/", {"max-keys": "5000"})
    assert b"<MaxKeys>1000</MaxKeys>" in capped.body


async def test_put_is_checked_and_refusals_store_nothing(sandbox: Sandbox, caller: Caller) -> None:
    digest = base64.b64encode(bytes(16)).decode()
    for path, headers, expected in (
        ("/a", {"content-md5": digest}, (400, "BadDigest")),
        ("/a", {"content-md5": "short"}, (400, "InvalidDigest")),
        ("/" + "a" * 851, {}, (400, "KeyTooLong")),
        ("/a", {"x-cos-storage-class": "SHELF"}, (400, "NotSupportedStorageClass")),
        ("/a", {"x-cos-copy-source": "b.cos.ap-shanghai.myqcloud.com/k"}, (404, "NoSuchBucket")),
        ("/a", {"x-cos-acl": "public"}, (400, "InvalidArgument")),
        ("/a", {"x-cos-traffic-limit": "819199"}, (400, "InvalidArgument")),
        ("/a", {"x-cos-meta-a": "v" * 2048}, (400, "InvalidArgument")),
        ("/a", {"x-cos-meta-a_b": "v"}, (400, "InvalidArgument")),
        ("/a", {"x-cos-tagging": "&".join(f"k{each}=v" for each in range(11))}, (400, "InvalidTag")),
    ):
        assert code_of(await caller.send("PUT", path, {}, headers, b"hello")) == expected
    assert code_of(await caller.send("PUT", "/a", {"acl": ""}, {}, b"<x/>")) == (501, "NotImplemented")
    assert code_of(await caller.send("PATCH", COVER)) == (405, "MethodNotAllowed")
    assert sandbox.kit.journal.effects == []
    kept = await caller.send("PUT", "/a", {}, {"x-cos-meta-tenant": "t1", "cache-control": "no-store"}, b"hello")
    assert (kept.status, kept.body, kept.headers["etag"]) == (200, b"", '"5d41402abc4b2a76b9719d911017c592"')
    head = (await caller.send("HEAD", "/a")).headers
    assert (head["x-cos-meta-tenant"], head["cache-control"], head["content-length"]) == (
        "t1",
        "no-store",
        "5",
    )


async def test_a_body_in_chunks_is_refused(sandbox: Sandbox, caller: Caller) -> None:
    header = caller.header("PUT", "/a", {}, {"host": caller.host})
    reader, writer = await asyncio.open_connection("127.0.0.1", int(caller.host.rpartition(":")[2]))
    head = f"PUT /a HTTP/1.1\r\nHost: {caller.host}\r\nAuthorization: {header}\r\n"
    writer.write(head.encode() + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n1\r\na\r\n0\r\n\r\n")
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 411 ")
    assert b"<Code>MissingContentLength</Code>" in answer
    assert sandbox.kit.journal.effects == []


async def test_ranges_and_conditions(caller: Caller) -> None:
    await caller.send("PUT", "/a", {}, {}, b"0123456789")
    etag = '"781e5e245d69b566979b86e28d23f2c7"'
    for asked, body, described in (
        ("bytes=2-4", b"234", "bytes 2-4/10"),
        ("bytes=8-99", b"89", "bytes 8-9/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
    ):
        part = await caller.send("GET", "/a", {}, {"range": asked})
        assert (part.status, part.body, part.headers["content-range"]) == (206, body, described)
        # The checksum is the whole object's, whatever part is read.
        assert part.headers["x-cos-hash-crc64ecma"] == "2838902930144391966"
    assert code_of(await caller.send("GET", "/a", {}, {"range": "bytes=10-"})) == (416, "InvalidRange")
    future, past = "Wed, 11 Nov 2099 00:00:00 GMT", "Wed, 11 Nov 2020 00:00:00 GMT"
    for headers, status in (
        ({"if-match": etag}, 200),
        ({"if-match": '"other"'}, 412),
        ({"if-none-match": etag}, 304),
        ({"if-none-match": '"other"'}, 200),
        ({"if-modified-since": future}, 304),
        ({"if-modified-since": past}, 200),
        ({"if-unmodified-since": past}, 412),
        ({"if-unmodified-since": future}, 200),
        ({"if-modified-since": "soon"}, 400),
    ):
        assert (await caller.send("GET", "/a", {}, headers)).status == status


async def test_archived_objects_are_described_but_not_read(caller: Caller) -> None:
    await caller.send("PUT", "/old", {}, {"x-cos-storage-class": "ARCHIVE"}, b"x")
    assert (await caller.send("HEAD", "/old")).headers["x-cos-storage-class"] == "ARCHIVE"
    assert code_of(await caller.send("GET", "/old")) == (403, "InvalidObjectState")


async def test_a_path_that_is_no_utf8(caller: Caller) -> None:
    answer = await http1.request("GET", caller.url + "/%FF")
    assert code_of(answer) == (400, "InvalidURI")


async def test_the_code_fault_answers_after_authentication(
    sandbox: Sandbox, caller: Caller, assets: CloudStorageAdapter
) -> None:
    sandbox.kit.faults.add("cloud_storage", "code", value="SlowDown")
    assert code_of(await http1.request("GET", caller.url + COVER)) == (403, "AccessDenied")
    with pytest.raises(RateLimited) as caught:
        await assets.objects("")
    assert (caught.value.upstream_code, caught.value.retry_after) == ("SlowDown", 1.0)
    with pytest.raises(RateLimited):
        await assets.put("a", b"x", "text/plain")
    assert sandbox.kit.journal.effects == []


@pytest.mark.parametrize("minutes", [-10, 10])
async def test_a_gateway_whose_clock_is_wrong(sandbox: Sandbox, make_runtime: MakeRuntime, minutes: int) -> None:
    settings = sandbox.describe()["platforms"]["cloud_storage"]["accounts"]["assets"]
    clock = SandboxClock(EVENING + timedelta(minutes=minutes))
    async with TOOL.open(account_config(TOOL, settings), make_runtime(clock)) as adapter:
        with pytest.raises(Unauthorized) as caught:
            await adapter.ping()
    assert (caught.value.reason, caught.value.upstream_code) == ("signature_expired", "Request has expired")
    assert sandbox.kit.journal.count("cloud_storage") == 1


async def test_the_put_action(sandbox: Sandbox, caller: Caller) -> None:
    put = sandbox.platforms["cloud_storage"].actions()["put"]
    answer = await put({"bucket": caller.bucket.name, "key": "new.txt", "body": "你好", "contentType": "text/x"})
    assert answer == {
        "bucket": caller.bucket.name,
        "key": "new.txt",
        "etag": '"7eca689f0d3389d9dea66ae112e5cfd7"',
        "size": 6,
    }
    got = await caller.send("GET", "/new.txt")
    assert (got.body.decode(), got.headers["content-type"]) == ("你好", "text/x")
    with pytest.raises(ValueError, match="no bucket nowhere"):
        await put({"bucket": "nowhere", "key": "k", "body": ""})
    with pytest.raises(ValueError, match="KeyTooLong"):
        await put({"bucket": "assets", "key": "k" * 851, "body": ""})
    with pytest.raises(KeyError):
        await put({"bucket": "assets", "key": "k"})
    assert len(sandbox.kit.journal.effects) == 1


def test_describe_names_real_keys(sandbox: Sandbox) -> None:
    described = sandbox.describe()["platforms"]["cloud_storage"]
    assert set(described["accounts"]) == {"members", "assets"}
    for alias, known in described["known"].items():
        bucket = next(b for b in sandbox.world.buckets if b.alias == alias)
        assert known["bucket"] == bucket.name
        stored = [item.key for item in sandbox.world.objects if item.bucket == bucket.name]
        assert set(known["keys"]) <= set(stored)
        assert known["keys"]
