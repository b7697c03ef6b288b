"""Upload forms (POST Object): what a mini-program sends, and what COS makes of it."""

from __future__ import annotations

from datetime import timedelta

import orjson
import pytest

from adapters.base.secrets import Secret
from adapters.cloud_storage import CloudStorageAdapter
from adapters.cloud_storage.signing import Signer
from sandbox import http1
from sandbox.server import Sandbox
from tests.adapters.cloud_storage.conftest import Post, code_of, multipart


async def test_an_upload_arrives(sandbox: Sandbox, members: CloudStorageAdapter, post: Post) -> None:
    form = members.upload_form("upload/图 1.jpg", expires_in=600, max_bytes=4, content_type_prefix="image/")
    answer = await post(form.url, {**form.fields, "Content-Type": "image/png"}, b"\x89PNG")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["etag"] == '"3bdaf5969285188ac756c339f69f5c79"'
    assert await members.get("upload/图 1.jpg") == b"\x89PNG"
    (effect,) = sandbox.kit.journal.effects
    assert (effect.kind, effect.key) == ("object.post", f"{members.account}/upload/图 1.jpg")


@pytest.mark.parametrize(
    ("fields", "file", "expected"),
    [
        ({"Content-Type": "text/html"}, b"x", (403, "AccessDenied")),
        ({}, b"x", (403, "AccessDenied")),
        ({"Content-Type": "image/png", "key": "elsewhere.png"}, b"x", (403, "AccessDenied")),
        ({"Content-Type": "image/png", "success_action_status": "201"}, b"x", (403, "AccessDenied")),
        ({"Content-Type": "image/png"}, b"12345", (400, "EntityTooLarge")),
        ({"Content-Type": "image/png", "q-signature": "0" * 40}, b"x", (403, "SignatureDoesNotMatch")),
        ({"Content-Type": "image/png", "q-ak": "AKIDunknown"}, b"x", (403, "InvalidAccessKeyId")),
        ({"Content-Type": "image/png", "q-key-time": "1;2"}, b"x", (403, "AccessDenied")),
        ({"Content-Type": "image/png", "q-sign-algorithm": "md5"}, b"x", (400, "InvalidArgument")),
        ({"Content-Type": "image/png", "policy": "###"}, b"x", (400, "InvalidPolicyDocument")),
    ],
)
async def test_a_form_that_breaks_its_policy_stores_nothing(
    sandbox: Sandbox,
    members: CloudStorageAdapter,
    post: Post,
    fields: dict[str, str],
    file: bytes,
    expected: tuple[int, str],
) -> None:
    form = members.upload_form("a.png", expires_in=600, max_bytes=4, content_type_prefix="image/")
    assert code_of(await post(form.url, {**form.fields, **fields}, file)) == expected
    assert sandbox.kit.journal.effects == []


async def test_a_form_expires(sandbox: Sandbox, members: CloudStorageAdapter, post: Post) -> None:
    form = members.upload_form("a.png", expires_in=60, max_bytes=4)
    sandbox.kit.clock.advance(timedelta(seconds=61))
    answer = await post(form.url, form.fields, b"x")
    assert code_of(answer) == (403, "AccessDenied")
    assert b"Request has expired" in answer.body
    assert sandbox.kit.journal.effects == []


async def test_a_form_is_good_for_its_own_bucket_only(
    sandbox: Sandbox, members: CloudStorageAdapter, post: Post
) -> None:
    form = members.upload_form("a.png", expires_in=60, max_bytes=4)
    content_type, body = multipart(form.fields, b"x")
    headers = {
        "Content-Type": content_type,
        "Host": f"{sandbox.world.buckets[1].name}.cos.ap-shanghai.myqcloud.com",
    }
    assert code_of(await http1.request("POST", form.url, headers, body)) == (403, "AccessDenied")
    assert sandbox.kit.journal.effects == []


async def test_fields_after_the_file_do_not_count(sandbox: Sandbox, members: CloudStorageAdapter) -> None:
    form = members.upload_form("a.png", expires_in=60, max_bytes=4)
    content_type, last = multipart(form.fields, b"x")
    mark = b"--" + content_type.rpartition("=")[2].encode()
    parts = last.split(mark)
    # parts: nothing, one per field, the file, the closing hyphens.
    first = mark.join([parts[0], parts[-2], *parts[1:-2], parts[-1]])
    answer = await http1.request("POST", form.url, {"Content-Type": content_type}, first)
    assert code_of(answer) == (403, "AccessDenied")
    assert sandbox.kit.journal.effects == []


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data; boundary=x", b"--x--\r\n"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\nv\r\n--x--\r\n"),
    ],
)
async def test_what_is_no_form(sandbox: Sandbox, content_type: str, body: bytes) -> None:
    url = sandbox.urls["cloud_storage"] + "/"
    answer = await http1.request("POST", url, {"Content-Type": content_type}, body)
    assert code_of(answer) == (400, "MalformedPOSTRequest")


class Handmade:
    """Forms with any policy, signed right, for what ``upload_form`` never makes."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.bucket = sandbox.world.buckets[0]
        self.signer = Signer(self.bucket.secret_id, Secret(self.bucket.secret_key))
        self.now = sandbox.kit.clock.now()

    def form(self, *conditions: object, expiration: str | None = None, bare: bool = False) -> dict[str, str]:
        start = int(self.now.timestamp())
        required = [
            {"q-sign-algorithm": "sha1"},
            {"q-ak": self.signer.secret_id},
            {"q-sign-time": f"{start};{start + 600}"},
        ]
        policy = {
            "expiration": expiration or (self.now + timedelta(seconds=600)).isoformat(),
            "conditions": [*conditions, *([] if bare else required)],
        }
        return self.signer.form(orjson.dumps(policy), start=start, end=start + 600)


async def test_answers_as_the_form_asks(sandbox: Sandbox, members: CloudStorageAdapter, post: Post) -> None:
    handmade = Handmade(sandbox)
    url = sandbox.urls["cloud_storage"] + "/"
    fields = handmade.form(["starts-with", "$key", "u/"])
    named = await post(url, {**fields, "key": "u/${filename}"}, b"hello", filename="甲 a.txt")
    assert (named.status, named.body) == (204, b"")
    assert await members.get("u/甲 a.txt") == b"hello"
    created = await post(url, {**fields, "key": "u/b", "success_action_status": "201"}, b"hello")
    assert created.status == 201
    assert created.body.decode() == (
        f"<PostResponse><Location>{url}u/b</Location><Bucket>{handmade.bucket.name}</Bucket><Key>u/b</Key>"
        '<ETag>"5d41402abc4b2a76b9719d911017c592"</ETag></PostResponse>'
    )
    sent_on = await post(url, {**fields, "key": "u/c", "success_action_redirect": "https://h.example/x"}, b"1")
    assert (sent_on.status, sent_on.headers["location"].partition("?")[0]) == (303, "https://h.example/x")
    outside = await post(url, {**fields, "key": "v/b"}, b"hello")
    assert code_of(outside) == (403, "AccessDenied")


async def test_policies_that_cannot_be(sandbox: Sandbox, post: Post) -> None:
    handmade = Handmade(sandbox)
    url = sandbox.urls["cloud_storage"] + "/"
    past = (handmade.now - timedelta(seconds=1)).isoformat()
    for fields, expected in (
        (handmade.form(["matches", "$key", "x"]), (400, "InvalidPolicyDocument")),
        (handmade.form({"a": "1", "b": "2"}), (400, "InvalidPolicyDocument")),
        (handmade.form(expiration="soon"), (400, "InvalidPolicyDocument")),
        (handmade.form(expiration="2099-01-01T00:00:00"), (400, "InvalidPolicyDocument")),
        (handmade.form(bare=True), (400, "InvalidPolicyDocument")),
        (handmade.form(expiration=past), (403, "AccessDenied")),
        (handmade.form({"bucket": "other-1250000000"}), (403, "AccessDenied")),
        (handmade.form(["content-length-range", 2, 9]), (400, "EntityTooSmall")),
        (handmade.form(["eq", "$x-cos-storage-class", "STANDARD"]), (403, "AccessDenied")),
    ):
        assert code_of(await post(url, {**fields, "key": "k"}, b"x")) == expected
    without_key = await post(url, handmade.form(), b"x")
    assert code_of(without_key) == (400, "InvalidObjectName")
    assert sandbox.kit.journal.effects == []
