"""Large files in parts, streams, copies, tags, multi-deletes and temporary keys, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from adapters.base.errors import Conflict, Invalid, Malformed, NotFound, OutcomeUnknown, Unauthorized
from adapters.base.secrets import Secret
from adapters.cloud_storage import (
    MIN_PART_BYTES,
    CloudStorageAdapter,
    CloudStorageConfig,
    ObjectHead,
    ObjectOptions,
    Permission,
)
from adapters.cloud_storage.signing import Signer, encode_path
from sandbox import http1
from sandbox.server import Sandbox
from tests.adapters.cloud_storage.conftest import Post, code_of

MB = MIN_PART_BYTES
WHOLE = b"a" * MB + b"b" * MB + b"tail"


async def pieces(content: bytes = WHOLE, size: int = 700_000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def read(adapter: CloudStorageAdapter, key: str, **options: Any) -> bytes:
    return b"".join([each async for each in adapter.stream(key, **options)])


async def quirk(sandbox: Sandbox, name: str, times: int = 1) -> None:
    await sandbox.platforms["cloud_storage"].actions()["quirk"]({"name": name, "times": times})


def effects(sandbox: Sandbox) -> list[str]:
    return [each.kind for each in sandbox.kit.journal.effects]


async def test_a_file_in_parts_is_one_object(sandbox: Sandbox, assets: CloudStorageAdapter) -> None:
    options = ObjectOptions(metadata={"tenant": "t1"}, tags={"purpose": "export"}, storage_class="STANDARD_IA")
    receipt = await assets.upload("报表 1.csv", pieces(), "text/csv", options, part_bytes=MB)
    assert (receipt.size, receipt.etag[-2:]) == (len(WHOLE), "-3")
    (head,) = await assets.heads(["报表 1.csv"])
    assert isinstance(head, ObjectHead)
    assert (head.size, head.etag, head.crc64, head.content_type) == (
        len(WHOLE),
        receipt.etag,
        receipt.crc64,
        "text/csv",
    )
    assert await assets.tags("报表 1.csv") == {"purpose": "export"}
    assert effects(sandbox) == ["upload.begun", *["upload.part"] * 3, "object.completed"]
    assert await read(assets, "报表 1.csv", piece_bytes=900_000) == WHOLE


async def test_an_upload_goes_on_after_the_parts_that_are_there(sandbox: Sandbox, assets: CloudStorageAdapter) -> None:
    sandbox.kit.faults.add("cloud_storage", "reset_before", endpoint="PUT /big", calls=(3,))
    with pytest.raises(OutcomeUnknown):
        await assets.upload("big", pieces(), "text/csv", part_bytes=MB)
    sandbox.kit.faults.clear()
    assert effects(sandbox) == ["upload.begun", "upload.part", "upload.part"]

    # The second part has other bytes now, and only that and the missing one are sent.
    changed = b"a" * MB + b"c" * MB + b"tail"
    await assets.upload("big", pieces(changed), "text/csv", part_bytes=MB)

    assert effects(sandbox)[3:] == ["upload.part_again", "upload.part", "object.completed"]
    assert await read(assets, "big") == changed


async def test_a_finish_whose_answer_was_lost_is_found_out(sandbox: Sandbox, assets: CloudStorageAdapter) -> None:
    sandbox.kit.faults.add("cloud_storage", "reset_after", endpoint="POST /big", calls=(2,))
    receipt = await assets.upload("big", pieces(), "text/csv", part_bytes=MB)
    (head,) = await assets.heads(["big"])
    assert isinstance(head, ObjectHead)
    assert (receipt.etag, receipt.crc64) == (head.etag, head.crc64)


async def test_an_error_inside_a_200_is_no_success(sandbox: Sandbox, assets: CloudStorageAdapter) -> None:
    await quirk(sandbox, "error_in_200", 2)
    with pytest.raises(OutcomeUnknown) as caught:
        await assets.upload("big", pieces(b"x"), "text/csv", part_bytes=MB)
    assert caught.value.upstream_code == "InternalError"
    await assets.put("a", b"1", "text/plain")
    with pytest.raises(OutcomeUnknown):
        await assets.copy("a", "b")
    assert "object.completed" not in effects(sandbox)
    assert "object.copied" not in effects(sandbox)


async def test_another_checksum_is_noticed_in_every_direction(sandbox: Sandbox, assets: CloudStorageAdapter) -> None:
    await quirk(sandbox, "wrong_crc64")
    with pytest.raises(OutcomeUnknown):
        await assets.put("a", b"hello", "text/plain")
    await quirk(sandbox, "wrong_crc64")
    with pytest.raises(Malformed):
        await assets.get("a")
    await assets.upload("big", pieces(), "text/csv", part_bytes=MB)
    await quirk(sandbox, "wrong_crc64", 9)
    with pytest.raises(Malformed, match="checksum"):
        await read(assets, "big", piece_bytes=MB)


async def test_stray_uploads_are_thrown_away(sandbox: Sandbox, assets: CloudStorageAdapter) -> None:
    sandbox.kit.faults.add("cloud_storage", "status", endpoint="PUT /*", value=503)
    for key in ("old/1", "old/2", "other"):
        with pytest.raises(OutcomeUnknown):
            await assets.upload(key, pieces(b"x"), "text/csv")
    sandbox.kit.faults.clear()
    now = sandbox.kit.clock.now()
    assert await assets.abandon_uploads(now - timedelta(days=1)) == 0
    assert await assets.abandon_uploads(now + timedelta(seconds=1), "old/") == 2
    assert effects(sandbox).count("upload.aborted") == 2


async def test_a_range_is_read_in_pieces(assets: CloudStorageAdapter) -> None:
    await assets.put("digits", b"0123456789", "text/plain")
    assert await read(assets, "digits", first=3, last=7, piece_bytes=2) == b"34567"
    assert await read(assets, "digits", first=8) == b"89"
    assert await read(assets, "digits", first=5, last=99, piece_bytes=3) == b"56789"
    with pytest.raises(Invalid):
        await read(assets, "digits", first=10)
    with pytest.raises(Invalid, match="no range"):
        await read(assets, "digits", first=2, last=1)
    with pytest.raises(NotFound):
        await read(assets, "none")


async def test_a_stream_does_not_mix_two_versions(assets: CloudStorageAdapter) -> None:
    await assets.put("digits", b"0123456789", "text/plain")
    stream = assets.stream("digits", piece_bytes=5)
    assert await anext(stream) == b"01234"
    await assets.put("digits", b"abcdefghij", "text/plain")
    with pytest.raises(Conflict):
        await anext(stream)


async def test_a_copy_keeps_what_was_stored_with_the_object(
    sandbox: Sandbox, assets: CloudStorageAdapter, members: CloudStorageAdapter
) -> None:
    await assets.put("订单 1.csv", b"x", "text/csv", ObjectOptions(tags={"a": "1"}))
    await assets.copy("订单 1.csv", "copy")
    (head,) = await assets.heads(["copy"])
    assert isinstance(head, ObjectHead)
    assert head.content_type == "text/csv"
    assert await assets.tags("copy") == {"a": "1"}
    with pytest.raises(NotFound):
        await assets.copy("none", "copy")
    with pytest.raises(Unauthorized):
        await assets.copy("any", "copy", source_bucket=members)
    assert effects(sandbox).count("object.copied") == 1


async def test_tags_are_replaced_and_taken_off(assets: CloudStorageAdapter) -> None:
    await assets.put("a", b"", "text/plain")
    assert await assets.tags("a") == {}
    await assets.tag("a", {"用途": "退货", "k": ""})
    assert await assets.tags("a") == {"用途": "退货", "k": ""}
    await assets.tag("a", {})
    assert await assets.tags("a") == {}
    with pytest.raises(Invalid, match="at most 10"):
        await assets.tag("a", {str(each): "" for each in range(11)})
    with pytest.raises(NotFound):
        await assets.tag("none", {"a": "1"})


async def test_many_are_deleted_in_few_calls(sandbox: Sandbox, assets: CloudStorageAdapter) -> None:
    keys = ["a&b<c>", "控制\x01", "plain"]
    for key in keys:
        await assets.put(key, b"", "text/plain")
    before = sandbox.kit.journal.count("cloud_storage")
    assert await assets.delete_many([*keys, *(f"none/{each}" for each in range(1000))]) == [None] * 1003
    assert effects(sandbox).count("object.deleted") == 3
    # Two thousand-key calls, and one for the key that XML cannot say.
    assert sandbox.kit.journal.count("cloud_storage") - before == 3


async def test_a_key_that_failed_inside_is_deleted_again(sandbox: Sandbox, assets: CloudStorageAdapter) -> None:
    await assets.put("a", b"", "text/plain")
    await quirk(sandbox, "delete_error")
    assert await assets.delete_many(["a", "b"]) == [None, None]
    await quirk(sandbox, "delete_error", 2)
    assert await assets.delete_many(["a", "b"]) == [None, None]
    await quirk(sandbox, "delete_error", 3)
    failed, done = await assets.delete_many(["a", "b"])
    assert (type(failed), done) == (OutcomeUnknown, None)


async def test_folders_are_what_stands_before_a_slash(assets: CloudStorageAdapter) -> None:
    for key in ("r/2025/a", "r/2025/b", "r/2026/a", "r/z"):
        await assets.put(key, b"", "text/plain")
    assert list((await assets.folders("r/")).items) == ["r/2025/", "r/2026/"]
    first = await assets.folders("r/", None, 1)
    assert first.next_cursor == "r/2025/"
    assert list((await assets.folders("r/", first.next_cursor, 1)).items) == ["r/2026/"]


async def test_a_list_may_miss_what_was_just_written(sandbox: Sandbox, assets: CloudStorageAdapter) -> None:
    await assets.put("late", b"", "text/plain")
    await quirk(sandbox, "stale_listing")
    assert [each.key for each in (await assets.objects("late")).items] == []
    assert [each.key for each in (await assets.objects("late")).items] == ["late"]


class Holder:
    """Uses a temporary key as a client would."""

    def __init__(self, sandbox: Sandbox, key: Any) -> None:
        self.url = sandbox.urls["cloud_storage"]
        self.host = self.url.removeprefix("http://")
        self.sandbox, self.key = sandbox, key

    async def send(self, method: str, key: str, body: bytes = b"", *, token: str | None = None) -> http1.Answer:
        sent = {"x-cos-security-token": self.key.token.reveal() if token is None else token}
        sent = {name: value for name, value in sent.items() if value}
        now = int(self.sandbox.kit.clock.now().timestamp())
        signer = Signer(self.key.secret_id, Secret(self.key.secret_key.reveal()))
        header = signer.authorization(
            method, "/" + key, {}, {**sent, "host": self.host}, start=now - 60, end=now + 86_400
        )
        sent |= {"Host": self.host, "Authorization": header}
        return await http1.request(method, self.url + encode_path(key), sent, body)


async def test_a_temporary_key_reaches_its_folder_only(sandbox: Sandbox, members: CloudStorageAdapter) -> None:
    key = await members.temporary_key("upload/u1/", Permission.WRITE, expires_in=900)
    assert (key.bucket, key.scope) == (members.account, "upload/u1/")
    assert key.expires_at == sandbox.kit.clock.now().replace(microsecond=0) + timedelta(seconds=900)
    assert key.token.reveal() not in repr(key)
    assert key.secret_id not in repr(key)
    holder = Holder(sandbox, key)
    assert (await holder.send("PUT", "upload/u1/图.jpg", b"1")).status == 200
    denied = (403, "AccessDenied")
    assert code_of(await holder.send("PUT", "upload/u2/a.jpg", b"1")) == denied
    assert code_of(await holder.send("GET", "upload/u1/图.jpg")) == denied
    assert code_of(await holder.send("DELETE", "upload/u1/图.jpg")) == denied
    assert code_of(await holder.send("PUT", "upload/u1/b.jpg", b"1", token="")) == denied
    assert code_of(await holder.send("PUT", "upload/u1/b.jpg", b"1", token="other")) == denied
    sandbox.kit.clock.advance(timedelta(seconds=900))
    assert code_of(await holder.send("PUT", "upload/u1/b.jpg", b"1")) == (400, "ExpiredToken")
    assert effects(sandbox) == ["object.put"]


async def test_a_temporary_key_of_one_object_reads_nothing_else(sandbox: Sandbox, members: CloudStorageAdapter) -> None:
    await members.put("a", b"1", "text/plain")
    await members.put("ab", b"2", "text/plain")
    holder = Holder(sandbox, await members.temporary_key("a", Permission.READ, expires_in=900))
    assert (await holder.send("GET", "a")).body == b"1"
    assert code_of(await holder.send("GET", "ab")) == (403, "AccessDenied")
    assert code_of(await holder.send("PUT", "a", b"3")) == (403, "AccessDenied")


@pytest.mark.parametrize(("scope", "seconds"), [("a*", 900), ("?", 900), ("/a", 900), ("a/", 899), ("a/", 86_401)])
async def test_a_scope_that_would_be_wide_is_refused(
    sandbox: Sandbox, members: CloudStorageAdapter, scope: str, seconds: int
) -> None:
    with pytest.raises(Invalid):
        await members.temporary_key(scope, Permission.WRITE, expires_in=seconds)
    assert sandbox.kit.journal.calls == []


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        ("AuthFailure.AccessKeyIllegal", Unauthorized, "sts_key_illegal"),
        ("AuthFailure.NeverHeardOf", Unauthorized, "sts_credentials"),
        ("InvalidParameter.StrategyFormatError", Invalid, "sts_policy"),
        ("InvalidParameter.OverTimeError", Invalid, "sts_too_long"),
        ("NoSuchVersion", Invalid, "sts_action"),
    ],
)
async def test_what_sts_refuses(
    sandbox: Sandbox, members: CloudStorageAdapter, code: str, kind: type[Exception], reason: str
) -> None:
    sandbox.kit.faults.add("cloud_storage", "code", value=code)
    with pytest.raises(kind) as caught:
        await members.temporary_key("a/", Permission.WRITE, expires_in=900)
    error: Any = caught.value
    assert (type(error), error.reason, error.upstream_code) == (kind, reason, code)


async def test_strict_buckets_take_what_we_sign(sandbox: Sandbox, members: CloudStorageAdapter, post: Post) -> None:
    await sandbox.platforms["cloud_storage"].actions()["strict"]({"bucket": "members", "on": True})
    await members.put("a", b"1", "text/plain")
    assert [each.key for each in (await members.objects("a")).items] == ["a"]
    link = members.presigned_get("a", expires_in=60, download_name="b c.txt", content_type="text/csv")
    answer = await http1.request("GET", link)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/csv")
    assert code_of(await http1.request("GET", link + "&versionId=1")) == (403, "AccessDenied")
    form = members.upload_form("f", expires_in=60, max_bytes=3, min_bytes=2)
    assert (await post(form.url, form.fields, b"12")).status == 200
    assert code_of(await post(form.url, form.fields, b"1")) == (400, "EntityTooSmall")


def test_the_policy_url_and_host_come_from_the_configuration() -> None:
    config = CloudStorageConfig(bucket="a-b-125", region="ap-beijing", secret_id="x", secret_key=Secret("y"))
    assert config.app_id == "125"
    assert config.virtual_host == "a-b-125.cos.ap-beijing.myqcloud.com"
    assert config.sts_url == "https://sts.tencentcloudapi.com"
