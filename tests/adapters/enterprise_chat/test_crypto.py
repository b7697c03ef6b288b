"""Published and computed vectors of the callback scheme, through both sides, which share no code."""

from __future__ import annotations

import hashlib

import pytest

from adapters.base.secrets import Secret
from adapters.base.webhooks import WebhookRefused
from adapters.enterprise_chat.sandbox.callbacks import event_xml
from adapters.enterprise_chat.sandbox.crypto import Sealer
from adapters.wechat.callbacks import CallbackCrypto

TOKEN, KEY = "UpstreamToken01", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
CORP = "ww0123456789abcdef"
NOISE = b"0123456789abcdef"

#: The sample on the vendor's page 加解密方案说明.
OFFICIAL = (
    "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911"
    "L3vg3W/sYYvuJTs3TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLx"
    "AUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9"
    "nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/u"
    "h9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIGHBZZIs2pDBS8R07+qN+E7Q=="
)
ADDED = (
    "Q3stYC6hdFzMh9T8HCvyDMVoTwfoJzevNtYjJnMsrQabVa9Zk7hzpI0nO96SSsbrwETKA8g7AvNH719mLG2inrvR1u9zDr9F"
    "GmyfNtUk3rZD6ezUtrSO6p3TmNdyOqGvQE8lZDkNkguwFZavpSw+QhetRl97kYLRrDkgfZDGB2CimUjHKBlESvta45mCRM8a"
    "Igea+JKQ//JAoCaMOTFiQSs/n7gvdR2SRQ2IYbrkssEQYu45NnzkI7NDbJUcWt4jgkdXUsVoUG2jVMAJRz8IavVnYy8bCSdQ"
    "VzMSGq7xwtPpdvJCFR5AuaqMS1xYGTrbCM9KuxiyMSvXgSlzwMZhKJAiBKKn8lNKdBTfEcfkI9jiYE+G6HEbdtySz0CcUJI5"
    "YWGAkdNrW6VrTOuhBEI3Qz7yATPG9y854MMZ/XMIZEd1Ifhcl0mrOitOx7z/l1W4mjqgXyU9dQKkp0BMBF3r0upeVk1r1EVr"
    "HVjHVn88ato2N3kxuh0GYNgVDnWFeK00XzYW70XjWQJc1Z5TnBwDXdOui1dqUNydYV2qWFybgCRjiQGVYmXIS9Vvy+dRO7v3"
    "uVZ9Dz6Rf2DYpfWTTXC7Knc1nWRTKXHyJkK4th/QI7QjrhRVBtY9ESVkm87QDoj6vLv38GdI/UpGz7ZspH6oe5d7N4VHmrx0"
    "B6+hmjCBMnQhSewb9v434bB4sAYOrCNGLP1O6bocMxPGyOPYI/qWJA=="
)
ADDED_XML = event_xml(
    CORP,
    1700000001,
    "change_external_contact",
    "add_external_contact",
    {
        "UserID": "guide01",
        "ExternalUserID": "wmTestExternal0001",
        "State": "store-0755-qr",
        "WelcomeCode": "WELCOME0001",
    },
)
VECTORS = [
    pytest.param(
        "5927782489442352469",
        CORP,
        ("1700000000", "nonce-a1"),
        "Q3stYC6hdFzMh9T8HCvyDOjpXLNauJhx2jaflIofLlVo4PZQGMz/o/gkHkGIP7WYFoAHE59K786plXHTTpE4+g==",
        "712fcd31ab426e84329983c00c415c0717171aba",
        id="echostr",
    ),
    pytest.param(
        ADDED_XML,
        CORP,
        ("1700000001", "nonce-b2"),
        ADDED,
        "0397340065b2551066906c8e42e121b19fe3a602",
        id="add_external_contact",
    ),
    pytest.param(
        "A" * 26,
        CORP,
        ("1700000002", "nonce-c3"),
        "Q3stYC6hdFzMh9T8HCvyDMDF2RXr9TH5YKOAWiIrtSyix7i9Qs+e5sfTLWSKFU2HZgj94UCSx3XkD+C3JQyhgkbcLqjMFZaK"
        "sq6OwI6Kymo/VvGAO80T9G9jiNhBe1xS",
        "bf0abb01254c031e76490e7f82a4c87a15b4208c",
        id="whole block of padding",
    ),
    pytest.param(
        "导购",
        CORP,
        ("1700000003", "nonce-d4"),
        "Q3stYC6hdFzMh9T8HCvyDPvpxG+f2NpHfAMSuy9EYfWDHAOd+gcwnfiWkhGRTe/ZS+ZOFRWgiQuy6pnseuYNGA==",
        "f5162ca47f90853a8d611f63d01cab9456737bee",
        id="length in bytes",
    ),
    pytest.param(
        "ok",
        "",
        ("1700000004", "nonce-e5"),
        "Q3stYC6hdFzMh9T8HCvyDN6Vjp5es/pveXCJx2Vy9io=",
        "9150c179eb65ab8d7e77b4cf6fffd0f6a934aa4e",
        id="no receive id",
    ),
]


def _crypto(receive_id: str = CORP) -> CallbackCrypto:
    return CallbackCrypto(Secret(TOKEN), Secret(KEY), receive_id)


@pytest.mark.parametrize(("message", "receive_id", "stamp", "encrypted", "signature"), VECTORS)
def test_the_adapters_side_opens_the_vectors(
    message: str, receive_id: str, stamp: tuple[str, str], encrypted: str, signature: str
) -> None:
    crypto = _crypto(receive_id)
    crypto.verify(signature, *stamp, encrypted)
    assert crypto.decrypt(encrypted).decode() == message


@pytest.mark.parametrize(("message", "receive_id", "stamp", "encrypted", "signature"), VECTORS)
def test_the_platforms_side_seals_the_vectors(
    message: str, receive_id: str, stamp: tuple[str, str], encrypted: str, signature: str
) -> None:
    sealer = Sealer(TOKEN, KEY, receive_id)
    assert sealer.seal(message.encode(), NOISE) == encrypted
    assert sealer.signature(*stamp, encrypted) == signature


def test_the_emulations_xml_is_the_platforms() -> None:
    assert len(ADDED_XML.encode()) == 477
    assert ADDED_XML.startswith(f"<xml><ToUserName><![CDATA[{CORP}]]></ToUserName><FromUserName>")


def test_the_official_sample_with_its_uncanonical_key() -> None:
    receive_id = "wx5823bf96d3bd56c7"
    crypto = CallbackCrypto(Secret("QDG6eK"), Secret("jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"), receive_id)
    crypto.verify("477715d11cdb4164915debcba66cb864d751f3e6", "1409659813", "1372623149", OFFICIAL)
    message = crypto.decrypt(OFFICIAL)
    assert len(message) == 284
    assert hashlib.sha256(message).hexdigest() == "62f23e2db9188b2883215b599af3d8ffcaa3fae68770c8f84529cfc560683f32"


def test_a_message_for_another_corp_is_refused_after_a_good_signature() -> None:
    encrypted = VECTORS[0].values[3]
    crypto = _crypto("wwffffffffffffffff")
    crypto.verify("712fcd31ab426e84329983c00c415c0717171aba", "1700000000", "nonce-a1", str(encrypted))
    with pytest.raises(WebhookRefused) as refusal:
        crypto.decrypt(str(encrypted))
    assert refusal.value.reason == "shape"


def test_a_percent_encoded_echo_fails_the_signature() -> None:
    encoded = str(VECTORS[0].values[3]).replace("+", "%2B").replace("=", "%3D").replace("/", "%2F")
    with pytest.raises(WebhookRefused) as refusal:
        _crypto().verify("712fcd31ab426e84329983c00c415c0717171aba", "1700000000", "nonce-a1", encoded)
    assert refusal.value.reason == "signature"
