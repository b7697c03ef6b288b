"""The vendor's vectors, on both sides: what the adapter signs and opens, and what the sandbox does."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from adapters.payments.sandbox import wire
from adapters.payments.signing import Signer, Unopened, Unverified, Verifier, lines, open_resource
from tests.adapters.payments import vectors

SIGNER = Signer(vectors.MCHID, vectors.SERIAL, vectors.KEY_PEM)
PUBLIC = vectors.KEY.public_key()
VERIFIER = Verifier({"PUB_KEY_ID_01": PUBLIC})


def at(timestamp: str, later: int = 0) -> datetime:
    """The clock when a vector was made."""
    return datetime.fromtimestamp(int(timestamp) + later, UTC)


def headers(name: str, **changes: str) -> dict[str, str]:
    """A vector's headers, lower case."""
    timestamp, nonce, _, signature = vectors.ANSWERS[name]
    made = {
        "wechatpay-timestamp": timestamp,
        "wechatpay-nonce": nonce,
        "wechatpay-signature": signature,
        "wechatpay-signature-type": "WECHATPAY2-SHA256-RSA2048",
        "wechatpay-serial": "PUB_KEY_ID_01",
    }
    return made | {name.replace("_", "-"): value for name, value in changes.items()}


def test_the_key_is_the_vendors() -> None:
    spki = PUBLIC.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert hashlib.sha256(spki).hexdigest() == vectors.SPKI_SHA256


@pytest.mark.parametrize("name", vectors.REQUESTS)
def test_a_request_is_signed_as_published(name: str) -> None:
    method, target, body, signature = vectors.REQUESTS[name]
    header = SIGNER.authorization(method, target, body.encode(), vectors.TIMESTAMP, vectors.NONCE)
    assert header == (
        f'WECHATPAY2-SHA256-RSA2048 mchid="{vectors.MCHID}",nonce_str="{vectors.NONCE}",'
        f'signature="{signature}",timestamp="{vectors.TIMESTAMP}",serial_no="{vectors.SERIAL}"'
    )


@pytest.mark.parametrize("name", vectors.REQUESTS)
def test_the_sandbox_accepts_what_is_published_and_nothing_else(name: str) -> None:
    method, target, body, signature = vectors.REQUESTS[name]
    asked = wire.Claim(vectors.MCHID, vectors.NONCE, signature, vectors.TIMESTAMP, vectors.SERIAL)
    now = at(vectors.TIMESTAMP)
    wire.check(asked, PUBLIC, vectors.SERIAL, now, (method.encode(), target.encode(), body.encode()))
    with pytest.raises(wire.Refused, match="签名错误"):
        wire.check(asked, PUBLIC, vectors.SERIAL, now, (method.encode(), target.encode() + b"&", body.encode()))


def test_the_decoded_path_is_another_message() -> None:
    method, target, _, signature = vectors.REQUESTS["S7"]
    decoded = target.replace("%7C", "|").replace("%2A", "*")
    assert signature not in SIGNER.authorization(method, decoded, b"", vectors.TIMESTAMP, vectors.NONCE)


@pytest.mark.parametrize("name", vectors.CLIENT)
def test_pay_sign_is_as_published(name: str) -> None:
    appid, package, signature = vectors.CLIENT[name]
    message = lines(appid, vectors.TIMESTAMP, vectors.NONCE, package)
    assert SIGNER.sign(message) == signature
    assert wire.signed_by(PUBLIC, signature, message)


@pytest.mark.parametrize("name", vectors.SEALED)
def test_a_resource_opens_and_seals_as_published(name: str) -> None:
    nonce, associated_data, plain, ciphertext = vectors.SEALED[name]
    opened = open_resource(vectors.APIV3_KEY.encode(), nonce, associated_data, ciphertext)
    assert opened.decode() == plain
    sealed = wire.encrypt(vectors.APIV3_KEY, plain.encode(), associated_data, nonce)
    assert sealed["ciphertext"] == ciphertext


@pytest.mark.parametrize(
    ("associated_data", "key"),
    [("refund", vectors.APIV3_KEY), ("transaction", vectors.APIV3_KEY.swapcase())],
)
def test_a_resource_does_not_open_otherwise(associated_data: str, key: str) -> None:
    nonce, _, _, ciphertext = vectors.SEALED["A3"]
    with pytest.raises(Unopened):
        open_resource(key.encode(), nonce, associated_data, ciphertext)


@pytest.mark.parametrize("name", vectors.ANSWERS)
def test_the_sandbox_signs_and_the_adapter_verifies_as_published(name: str) -> None:
    timestamp, nonce, body, signature = vectors.ANSWERS[name]
    made = wire.PlatformKey("PUB_KEY_ID_01", vectors.KEY).headers(
        body.encode(), at(timestamp), nonce=nonce, timestamp=timestamp
    )
    assert made["Wechatpay-Signature"] == signature
    VERIFIER.verify(headers(name), body.encode(), at(timestamp))


@pytest.mark.parametrize(
    ("changes", "later", "reason"),
    [
        ({}, 300, "stale"),
        ({}, -300, "stale"),
        ({"wechatpay_signature": ""}, 0, "missing"),
        ({"wechatpay_serial": ""}, 0, "missing"),
        ({"wechatpay_serial": "PUB_KEY_ID_02"}, 0, "unknown_key"),
        ({"wechatpay_nonce": "OTHER"}, 0, "forged"),
        ({"wechatpay_timestamp": "1769826001"}, 0, "forged"),
        ({"wechatpay_timestamp": "now"}, 0, "forged"),
        ({"wechatpay_signature": "not base64!"}, 0, "forged"),
        ({"wechatpay_signature_type": "WECHATPAY2-SM2-WITH-SM3"}, 0, "forged"),
        ({"wechatpay_signature": "WECHATPAY/SIGNTEST/" + vectors.ANSWERS["R1"][3]}, 0, "forged"),
    ],
)
def test_a_signature_that_does_not_hold(changes: dict[str, str], later: int, reason: str) -> None:
    timestamp, _, body, _ = vectors.ANSWERS["R1"]
    with pytest.raises(Unverified) as caught:
        VERIFIER.verify(headers("R1", **changes), body.encode(), at(timestamp, later))
    assert caught.value.reason == reason


def test_one_changed_byte_of_the_body_is_forged() -> None:
    timestamp, _, body, _ = vectors.ANSWERS["R1"]
    with pytest.raises(Unverified, match="forged"):
        VERIFIER.verify(headers("R1"), body.encode().replace(b"5100", b"5101"), at(timestamp))


def test_the_last_second_of_freshness() -> None:
    timestamp, _, body, _ = vectors.ANSWERS["R1"]
    VERIFIER.verify(headers("R1"), body.encode(), at(timestamp, 299))
