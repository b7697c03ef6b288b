"""Records against the world, over real HTTP."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
from datetime import UTC, datetime, timedelta

import pytest

from adapters.base.errors import Invalid, NotFound, Rejected, Unavailable
from adapters.cloud_storage import (
    LIST_LIMIT,
    SMALL_BODY_BYTES,
    TOOL,
    CloudStorageAdapter,
    CloudStorageConfig,
    ObjectHead,
    PutReceipt,
    StoredObject,
)
from sandbox import http1
from sandbox.server import Sandbox
from sandbox.world import StoredObject as WorldObject
from tests.adapters.cloud_storage.conftest import Post, code_of
from tests.conftest import OpenTool, account_config

CHINESE = "reports/2026-11-11/订单 报表+1 (终稿)'.csv"


def of_bucket(sandbox: Sandbox, adapter: CloudStorageAdapter) -> list[WorldObject]:
    return [item for item in sandbox.world.objects if item.bucket == adapter.account]


def md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


async def test_objects_are_the_worlds(sandbox: Sandbox, members: CloudStorageAdapter) -> None:
    page = await members.objects("members/")
    expected = [
        StoredObject(
            bucket="yujian-members-1250000000",
            key=item.key,
            size=len(item.body),
            etag=md5(item.body),
            modified_at=item.modified_at.astimezone(UTC).replace(microsecond=0),
            storage_class="STANDARD",
        )
        for item in sorted(of_bucket(sandbox, members), key=lambda item: item.key)
    ]
    assert list(page.items) == expected
    assert len(expected) == 2
    assert page.next_cursor is None
    assert sandbox.kit.journal.count("cloud_storage") == 1


async def test_pages_join_without_gap_or_repetition(sandbox: Sandbox, assets: CloudStorageAdapter) -> None:
    keys: list[str] = []
    cursor: str | None = None
    pages = 0
    while pages == 0 or cursor is not None:
        page = await assets.objects("products/", cursor, 3)
        keys += [item.key for item in page.items]
        cursor, pages = page.next_cursor, pages + 1
    assert keys == sorted(item.key for item in of_bucket(sandbox, assets))
    assert (len(keys), pages) == (8, 3)


async def test_a_page_goes_on_after_a_key_with_any_character(assets: CloudStorageAdapter) -> None:
    for key in ("z/100% +1.csv", "z/a&b<c>.csv", "z/订单 报表.csv"):
        await assets.put(key, b"1", "text/csv")
    first = await assets.objects("z/", None, 2)
    assert [item.key for item in first.items] == ["z/100% +1.csv", "z/a&b<c>.csv"]
    rest = await assets.objects("z/", first.next_cursor, 2)
    assert ([item.key for item in rest.items], rest.next_cursor) == (["z/订单 报表.csv"], None)


async def test_put_then_head_then_get(sandbox: Sandbox, members: CloudStorageAdapter) -> None:
    body = "你好,零售".encode()
    before = sandbox.kit.clock.now().replace(microsecond=0)
    receipt = await members.put(CHINESE, body, "text/csv")
    checksum = "3654367263794027185"
    assert receipt == PutReceipt(members.account, CHINESE, 13, md5(body), checksum)
    (head,) = await members.heads([CHINESE])
    assert isinstance(head, ObjectHead)
    assert head == ObjectHead(members.account, CHINESE, 13, md5(body), head.modified_at, "text/csv", checksum)
    assert before <= head.modified_at <= sandbox.kit.clock.now()
    assert await members.get(CHINESE) == body
    (effect,) = sandbox.kit.journal.of_kind("cloud_storage", "object.put")
    assert effect.key == f"{members.account}/{CHINESE}"


async def test_an_empty_object(members: CloudStorageAdapter) -> None:
    await members.put("empty", b"", "text/plain")
    assert await members.get("empty") == b""


async def test_heads_keep_order_and_length(sandbox: Sandbox, assets: CloudStorageAdapter) -> None:
    known = [item.key for item in of_bucket(sandbox, assets)]
    asked = [known[1], "products/none.jpg", known[0], "/leading", known[1], "字" * 300]
    heads = await assets.heads(asked)
    assert [type(head) for head in heads] == [
        ObjectHead,
        NotFound,
        ObjectHead,
        NotFound,
        ObjectHead,
        NotFound,
    ]
    assert [head.key for head in heads if isinstance(head, ObjectHead)] == [known[1], known[0], known[1]]
    # The two keys that no object can have cost no call.
    assert sandbox.kit.journal.count("cloud_storage") == 4
    assert await assets.heads([]) == []


async def test_a_failure_other_than_a_miss_fails_the_batch(sandbox: Sandbox, assets: CloudStorageAdapter) -> None:
    sandbox.kit.faults.add("cloud_storage", "status", endpoint="HEAD /products/*", value=503, calls=(2,))
    with pytest.raises(Unavailable):
        await assets.heads([item.key for item in of_bucket(sandbox, assets)][:3])


async def test_get_refuses_what_is_too_large_for_the_house(sandbox: Sandbox, assets: CloudStorageAdapter) -> None:
    put = sandbox.platforms["cloud_storage"].actions()["put"]
    await put({"bucket": "assets", "key": "fits", "body": "x" * SMALL_BODY_BYTES})
    await put({"bucket": "assets", "key": "too-large", "body": "x" * (SMALL_BODY_BYTES + 1)})
    assert len(await assets.get("fits")) == SMALL_BODY_BYTES
    with pytest.raises(Rejected, match="2097153 bytes and the limit is 2097152"):
        await assets.get("too-large")
    with pytest.raises(NotFound):
        await assets.get("none")


async def test_a_body_stored_compressed_is_read_as_stored(sandbox: Sandbox, assets: CloudStorageAdapter) -> None:
    link = assets.presigned_put("a.svgz", expires_in=60, content_type="image/svg+xml")
    packed = base64.b64decode("H4sIAAAAAAACA8tIzcnJBwCGphA2BQAAAA==")
    headers = {"Content-Type": "image/svg+xml", "Content-Encoding": "gzip"}
    assert (await http1.request("PUT", link, headers, packed)).status == 200
    (head,) = await assets.heads(["a.svgz"])
    assert isinstance(head, ObjectHead)
    assert head.size == len(packed)
    assert await assets.get("a.svgz") == packed


async def test_a_read_link_saves_under_a_chinese_name(sandbox: Sandbox, members: CloudStorageAdapter) -> None:
    await members.put(CHINESE, b"hello", "text/csv")
    link = members.presigned_get(CHINESE, expires_in=600, download_name='订单 "11月".csv')
    answer = await http1.request("GET", link)
    assert (answer.status, answer.body) == (200, b"hello")
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"__ _11__.csv\"; filename*=UTF-8''%E8%AE%A2%E5%8D%95%20%2211%E6%9C%88%22.csv"
    )
    altered = link.replace("attachment", "inline")
    assert code_of(await http1.request("GET", altered)) == (403, "SignatureDoesNotMatch")
    other = link.replace(".csv?", ".txt?")
    assert code_of(await http1.request("GET", other)) == (403, "SignatureDoesNotMatch")
    sandbox.kit.clock.advance(timedelta(seconds=601))
    late = await http1.request("GET", link)
    assert code_of(late) == (403, "AccessDenied")
    assert b"Request has expired" in late.body


async def test_a_write_link_takes_exactly_what_was_agreed(sandbox: Sandbox, members: CloudStorageAdapter) -> None:
    link = members.presigned_put("outfits/1.jpg", expires_in=60, content_type="image/jpeg", content_length=4)
    jpeg = {"Content-Type": "image/jpeg"}
    for headers, body in ((jpeg, b"longer"), ({"Content-Type": "text/html"}, b"1234"), ({}, b"1234")):
        answer = await http1.request("PUT", link, headers, body)
        assert code_of(answer) == (403, "SignatureDoesNotMatch")
    assert sandbox.kit.journal.effects == []
    assert (await http1.request("PUT", link, jpeg, b"1234")).status == 200
    (effect,) = sandbox.kit.journal.effects
    assert (effect.kind, effect.key) == ("object.put", f"{members.account}/outfits/1.jpg")


async def test_an_upload_form_says_what_it_allows(sandbox: Sandbox, members: CloudStorageAdapter) -> None:
    form = members.upload_form("upload/图 1.jpg", expires_in=600, max_bytes=1024, content_type_prefix="image/")
    assert (form.url, form.key, form.max_bytes) == (
        sandbox.urls["cloud_storage"] + "/",
        "upload/图 1.jpg",
        1024,
    )
    assert form.content_type_prefix == "image/"
    assert list(form.fields) == [
        "key",
        "success_action_status",
        "policy",
        "q-sign-algorithm",
        "q-ak",
        "q-key-time",
        "q-signature",
    ]
    policy = json.loads(base64.b64decode(form.fields["policy"]))
    end = int(form.fields["q-key-time"].partition(";")[2])
    assert datetime.fromtimestamp(end, UTC) == form.expires_at
    assert datetime.fromisoformat(policy["expiration"]) == form.expires_at
    assert policy["conditions"] == [
        {"bucket": members.account},
        ["eq", "$key", "upload/图 1.jpg"],
        ["content-length-range", 0, 1024],
        {"success_action_status": "200"},
        {"q-sign-algorithm": "sha1"},
        {"q-ak": form.fields["q-ak"]},
        {"q-sign-time": form.fields["q-key-time"]},
        ["starts-with", "$Content-Type", "image/"],
    ]
    assert form.fields["q-signature"] not in repr(form)


async def test_a_whole_content_type_is_put_into_the_form(members: CloudStorageAdapter, post: Post) -> None:
    form = members.upload_form("a.jpg", expires_in=60, max_bytes=9, content_type_prefix="image/jpeg")
    assert (form.fields["Content-Type"], form.content_type_prefix) == ("image/jpeg", "")
    answer = await post(form.url, form.fields, b"\xff\xd8\r\n--\x00")
    assert (answer.status, answer.body) == (200, b"")
    assert await members.get("a.jpg") == b"\xff\xd8\r\n--\x00"
    (head,) = await members.heads(["a.jpg"])
    assert isinstance(head, ObjectHead)
    assert head.content_type == "image/jpeg"


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("", "0 bytes"),
        ("字" * 284, "852 bytes"),
        ("/a", "begins with a slash"),
        ("a/../b", "path segment"),
        ("./a", "path segment"),
        ("\ud800", "not valid Unicode"),
    ],
)
async def test_keys_that_cannot_be(sandbox: Sandbox, members: CloudStorageAdapter, key: str, why: str) -> None:
    for call in (
        lambda: members.presigned_get(key, expires_in=60),
        lambda: members.presigned_put(key, expires_in=60, content_type="text/plain"),
        lambda: members.upload_form(key, expires_in=60, max_bytes=1),
    ):
        with pytest.raises(Invalid, match=why):
            call()
    with pytest.raises(Invalid, match=why):
        await members.put(key, b"", "text/plain")
    assert sandbox.kit.journal.calls == []


async def test_limits_are_refused_before_a_call(sandbox: Sandbox, members: CloudStorageAdapter) -> None:
    with pytest.raises(Invalid, match="1 to 1000"):
        await members.objects("", None, LIST_LIMIT + 1)
    with pytest.raises(Invalid, match="1 to 1000"):
        await members.objects("", None, 0)
    with pytest.raises(Invalid, match="prefix is not valid"):
        await members.objects("\ud800")
    with pytest.raises(Invalid, match="limit is 2097152"):
        await members.put("a", b"x" * (SMALL_BODY_BYTES + 1), "text/plain")
    with pytest.raises(Invalid, match="printable ASCII"):
        await members.put("a", b"x", "text/plain\r\nx-cos-acl: public-read")
    for seconds in (0, 86401):
        with pytest.raises(Invalid, match="1 to 86400"):
            members.presigned_get("a", expires_in=seconds)
    with pytest.raises(Invalid, match="size is -1"):
        members.presigned_put("a", expires_in=60, content_type="text/plain", content_length=-1)
    with pytest.raises(Invalid, match="size is 0"):
        members.upload_form("a", expires_in=60, max_bytes=0)
    with pytest.raises(Invalid, match="variable"):
        members.upload_form("a/${filename}", expires_in=60, max_bytes=1)
    with pytest.raises(Invalid, match="download_name"):
        members.presigned_get("a", expires_in=60, download_name="a\r\nb")
    assert sandbox.kit.journal.calls == []


async def test_members_ids_stay_out_of_logs(
    sandbox: Sandbox, members: CloudStorageAdapter, caplog: pytest.LogCaptureFixture
) -> None:
    key = of_bucket(sandbox, members)[0].key
    unionid = key.split("/")[1]
    sandbox.kit.faults.add("cloud_storage", "reset_before", calls=(2,))
    with caplog.at_level(logging.DEBUG):
        await members.heads([key])
        with pytest.raises(Unavailable):
            await members.objects(f"members/{unionid}/")
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("adapters.")]
    url = sandbox.urls["cloud_storage"]
    assert [line.partition(": ")[0] for line in lines] == [
        f"HEAD {url}/*** -> 200",
        f"GET {url}/*** broke off",
    ]
    assert not [line for line in lines if unionid in line]


async def test_a_repeated_put_leaves_one_effect(sandbox: Sandbox, open_tool: OpenTool) -> None:
    adapter = await open_tool(TOOL, sandbox, "members")
    sandbox.kit.faults.add("cloud_storage", "reset_after", endpoint="PUT *", calls=(1,))
    await adapter.put("a", b"hello", "text/plain")
    assert sandbox.kit.journal.count("cloud_storage", "PUT /a") == 2
    assert len(sandbox.kit.journal.of_kind("cloud_storage", "object.put")) == 1
    assert len(sandbox.kit.journal.of_kind("cloud_storage", "object.rewritten")) == 1


def config(**changes: str) -> dict[str, str]:
    settings = {"bucket": "b-1250000000", "region": "ap-shanghai", "secret_id": "AKID1", "secret_key": "k"}
    return {**settings, **changes}


def test_the_default_address_is_the_real_one() -> None:
    made: CloudStorageConfig = account_config(TOOL, config())
    assert made.base_url == "https://b-1250000000.cos.ap-shanghai.myqcloud.com"
    assert made.external_id == "b-1250000000"
    own: CloudStorageConfig = account_config(TOOL, config(base_url="https://files.example.com"))
    assert own.base_url == "https://files.example.com"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"bucket": "without-appid"}, "<name>-<APPID>"),
        ({"region": "Shanghai"}, "ap-shanghai"),
        ({"secret_id": ""}, "must both be set"),
        ({"secret_key": ""}, "must both be set"),
        ({"secret": "x"}, "unknown field"),
    ],
)
def test_settings_that_cannot_be(changes: dict[str, str], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        account_config(TOOL, config(**changes))
