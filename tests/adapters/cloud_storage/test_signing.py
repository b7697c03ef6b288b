"""Our signer and the sandbox's checker, each against signatures that neither of them made."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from adapters.base.secrets import Secret
from adapters.cloud_storage import TOOL, CloudStorageAdapter
from adapters.cloud_storage.crc64 import Crc64, matches
from adapters.cloud_storage.sandbox import forms
from adapters.cloud_storage.sandbox import signature as checker
from adapters.cloud_storage.sandbox.refusals import Refusal
from adapters.cloud_storage.sandbox.store import checksum
from adapters.cloud_storage.signing import Signer, http_string
from tests.adapters.cloud_storage import vectors
from tests.adapters.cloud_storage.vectors import Vector
from tests.conftest import MakeRuntime, account_config

SIGNER = Signer(vectors.SECRET_ID, Secret(vectors.SECRET_KEY))
KEYS = {vectors.SECRET_ID: vectors.SECRET_KEY}

every_vector = pytest.mark.parametrize("vector", vectors.VECTORS, ids=lambda vector: vector.name)


def authorization(vector: Vector) -> str:
    start, end = vector.window
    return SIGNER.authorization(vector.method, vector.path, vector.params, vector.headers, start=start, end=end)


def received(vector: Vector, header: str, **changed: str) -> checker.Presented:
    """The request as the sandbox sees it; ``changed`` replaces or adds headers."""
    headers = {name.lower(): value for name, value in vector.headers.items()} | {"authorization": header}
    headers.update(changed)
    return checker.presented(vector.method, vector.path, list(vector.params.items()), list(headers.items()))


def inside(vector: Vector) -> datetime:
    return datetime.fromtimestamp(vector.window[0], UTC)


@every_vector
def test_our_signer_agrees_with_the_vendor(vector: Vector) -> None:
    text = http_string(vector.method, vector.path, vector.params, vector.headers)
    assert vector.digest in {"", hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()}
    assert authorization(vector).rpartition("q-signature=")[2] == vector.signature


@every_vector
def test_the_sandbox_agrees_with_the_vendor(vector: Vector) -> None:
    names = ";".join(sorted(name.lower() for name in vector.headers))
    asked = ";".join(sorted(name.lower() for name in vector.params))
    digest = checker.digest_of(
        vector.method,
        vector.path,
        checker.listed(asked, vector.params.items()),
        checker.listed(names, vector.headers.items()),
    )
    assert vector.digest in {"", digest}
    key_time = "{};{}".format(*vector.window)
    assert checker.signature_of(vectors.SECRET_KEY, key_time, digest) == vector.signature


@every_vector
def test_the_sandbox_accepts_what_we_sign(vector: Vector) -> None:
    received(vector, authorization(vector)).check(KEYS, inside(vector))


def test_the_authorization_header_has_the_documented_form() -> None:
    vector = next(v for v in vectors.VECTORS if v.name == "C5")
    assert authorization(vector) == (
        "q-sign-algorithm=sha1&q-ak=AKIDQjz3ltompVjBni5LitkWHFlFpwkn9U5q&q-sign-time=1769826000;1769829600"
        "&q-key-time=1769826000;1769829600&q-header-list=content-length;host"
        "&q-url-param-list=partnumber;uploadid&q-signature=706cf1033683de1aa2bbe71c491dd48916ba50a4"
    )


def test_an_encoded_path_or_a_name_with_capitals_signs_something_else() -> None:
    start, end = vectors.WINDOW
    key_time = f"{start};{end}"
    host = checker.listed("host", [("host", vectors.HOST)])
    encoded = "/reports/2026-01-31/%E8%AE%A2%E5%8D%95%20%E6%8A%A5%E8%A1%A8%2B1.csv"
    wrong_path = checker.digest_of("GET", encoded, "", host)
    assert checker.signature_of(vectors.SECRET_KEY, key_time, wrong_path) != (
        "da77cef81d82bd184bd1ce9cd4a5a1ce48f869a1"
    )
    heads = f"content-length=1048576&{host}"
    wrong_name = checker.digest_of("PUT", "/big.bin", "partNumber=2&uploadId=16109001234567890abcdef", heads)
    assert checker.signature_of(vectors.SECRET_KEY, key_time, wrong_name) != (
        "706cf1033683de1aa2bbe71c491dd48916ba50a4"
    )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"content-type": "text/html"}, "SignatureDoesNotMatch"),
        ({"host": "otherbucket-1250000000.cos.ap-beijing.myqcloud.com"}, "SignatureDoesNotMatch"),
        ({"x-cos-acl": "public-read"}, "SignatureDoesNotMatch"),
        ({"date": "Sat, 31 Jan 2026 02:35:01 GMT"}, "RequestTimeTooSkewed"),
        ({"date": "not a date"}, "InvalidArgument"),
        ({"user-agent": "unsigned and therefore free"}, None),
        ({"date": "Sat, 31 Jan 2026 02:35:00 GMT"}, None),
    ],
)
def test_the_sandbox_notices_a_changed_header(change: dict[str, str], code: str | None) -> None:
    vector = next(v for v in vectors.VECTORS if v.name == "C3")
    request = received(vector, authorization(vector), **change)
    if code is None:
        request.check(KEYS, inside(vector))
        return
    with pytest.raises(Refusal) as refused:
        request.check(KEYS, inside(vector))
    assert refused.value.code == code


def test_an_unsigned_host_leaves_a_signature_good_elsewhere() -> None:
    vector = next(v for v in vectors.VECTORS if v.name == "C8")
    received(vector, authorization(vector), host="another.host").check(KEYS, inside(vector))


@pytest.mark.parametrize(("second", "accepted"), [(1769825999, False), (1769826000, True), (1769829599, True)])
def test_a_signature_is_good_inside_its_window(second: int, *, accepted: bool) -> None:
    vector = next(v for v in vectors.VECTORS if v.name == "C1")
    request = received(vector, authorization(vector))
    if accepted:
        request.check(KEYS, datetime.fromtimestamp(second, UTC))
        return
    with pytest.raises(Refusal, match="AccessDenied: Request has expired"):
        request.check(KEYS, datetime.fromtimestamp(second, UTC))


def test_the_end_of_the_window_is_outside() -> None:
    vector = next(v for v in vectors.VECTORS if v.name == "C1")
    with pytest.raises(Refusal, match="AccessDenied: Request has expired"):
        received(vector, authorization(vector)).check(KEYS, inside(vector) + timedelta(hours=1))


def test_both_sides_sign_a_policy_as_published() -> None:
    start, end = vectors.POLICY_WINDOW
    fields = SIGNER.form(base64.b64decode(vectors.POLICY), start=start, end=end)
    assert fields == {
        "policy": vectors.POLICY,
        "q-sign-algorithm": "sha1",
        "q-ak": vectors.SECRET_ID,
        "q-key-time": "1567150692;1567157892",
        "q-signature": vectors.POLICY_SIGNATURE,
    }
    form = forms.Form(fields, b"", "")
    assert forms.check_signature(form, KEYS, datetime.fromtimestamp(start, UTC)) == vectors.SECRET_ID
    forged = forms.Form({**fields, "policy": base64.b64encode(b"{}").decode()}, b"", "")
    with pytest.raises(Refusal, match="SignatureDoesNotMatch"):
        forms.check_signature(forged, KEYS, datetime.fromtimestamp(start, UTC))


@pytest.mark.parametrize(("data", "expected"), vectors.CHECKSUMS)
def test_both_sides_compute_the_checksum(data: bytes, expected: str) -> None:
    assert checksum(data) == expected
    assert matches(data, expected)
    assert not matches(data + b"x", expected)
    for wrong in (str(int(expected) ^ 1), "", "-1", str(2**64), "x"):
        assert not matches(data, wrong)


def test_the_checksum_of_a_stream_is_that_of_the_whole() -> None:
    check = Crc64()
    for _ in range(16):
        check.update(b"a" * 65_535)
    check.update(b"a" * 16)
    assert check.matches("6701094182323390671")


class FixedClock:
    """The SDK's clock."""

    def now(self) -> datetime:
        return datetime.fromtimestamp(vectors.CLOCK, UTC)


@pytest.fixture
def adapter(make_runtime: MakeRuntime) -> CloudStorageAdapter:
    settings = {
        "bucket": vectors.BUCKET,
        "region": vectors.REGION,
        "secret_id": vectors.SECRET_ID,
        "secret_key": vectors.SECRET_KEY,
    }
    return CloudStorageAdapter(account_config(TOOL, settings), make_runtime(clock=FixedClock()))


HOUR_OF_THE_SDK = 3540
U1 = (
    "https://examplebucket-1250000000.cos.ap-beijing.myqcloud.com/exampleobject?q-sign-algorithm=sha1"
    "&q-ak=AKIDQjz3ltompVjBni5LitkWHFlFpwkn9U5q&q-sign-time=1769826000%3B1769829600"
    "&q-key-time=1769826000%3B1769829600&q-header-list=host&q-url-param-list="
    "&q-signature=7547c24817cc44493c61e0e3c6a83b88fcf2c20f"
)
U2 = (
    "https://examplebucket-1250000000.cos.ap-beijing.myqcloud.com/reports/%E6%8A%A5%E8%A1%A8%201.csv"
    "?q-sign-algorithm=sha1&q-ak=AKIDQjz3ltompVjBni5LitkWHFlFpwkn9U5q&q-sign-time=1769826000%3B1769829600"
    "&q-key-time=1769826000%3B1769829600&q-header-list=host"
    "&q-url-param-list=response-content-disposition%3Bresponse-content-type"
    "&q-signature=02c5294a62c2601c850ab3a60c26547993aaeaa5"
    "&response-content-disposition=attachment%3B+filename%3D%22a+b.csv%22&response-content-type=text%2Fcsv"
)
U3 = (
    "https://examplebucket-1250000000.cos.ap-beijing.myqcloud.com/upload/a.jpg?q-sign-algorithm=sha1"
    "&q-ak=AKIDQjz3ltompVjBni5LitkWHFlFpwkn9U5q&q-sign-time=1769826000%3B1769829600"
    "&q-key-time=1769826000%3B1769829600&q-header-list=content-type%3Bhost&q-url-param-list="
    "&q-signature=d7176b392347ca78ddfbb04fd7d2f3fe067064ae"
)


def test_a_read_link_is_the_sdks_own(adapter: CloudStorageAdapter) -> None:
    assert adapter.presigned_get("exampleobject", expires_in=HOUR_OF_THE_SDK) == U1


def test_a_write_link_is_the_sdks_own(adapter: CloudStorageAdapter) -> None:
    link = adapter.presigned_put("upload/a.jpg", expires_in=HOUR_OF_THE_SDK, content_type="image/jpeg")
    assert link == U3


def follow(method: str, url: str, **headers: str) -> None:
    """Check the link as the sandbox does; keyword underscores stand for hyphens."""
    parts = urlsplit(url)
    sent = [("host", parts.netloc), *((name.replace("_", "-"), value) for name, value in headers.items())]
    params = parse_qsl(parts.query, keep_blank_values=True)
    checker.presented(method, unquote(parts.path), params, sent).check(KEYS, FixedClock().now())


@pytest.mark.parametrize("space", ["+", "%20"])
def test_the_sandbox_takes_both_spellings_of_a_space_in_a_link(space: str) -> None:
    follow("GET", U2.replace("+", space))


def test_a_link_is_good_for_its_own_bucket_only() -> None:
    follow("GET", U1)
    with pytest.raises(Refusal, match="SignatureDoesNotMatch"):
        follow("GET", U1.replace("examplebucket", "otherbucket"))


def test_a_write_link_needs_its_content_type() -> None:
    follow("PUT", U3, content_type="image/jpeg")
    with pytest.raises(Refusal, match="SignatureDoesNotMatch"):
        follow("PUT", U3)
    with pytest.raises(Refusal, match="SignatureDoesNotMatch"):
        follow("PUT", U3, content_type="image/png")
