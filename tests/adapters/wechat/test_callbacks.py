"""Verification, decryption and parsing of callbacks, against published samples."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from adapters.base.secrets import Secret
from adapters.base.webhooks import InboundEvent, WebhookRefused, WebhookRequest
from adapters.wechat.callbacks import MAX_BODY_BYTES, CallbackCrypto, Callbacks, Payload, as_list, parse
from tests.adapters.wechat.vectors import ECHO, PUBLISHED, SCAN, WITH_MESSAGE, Vector


def crypto(vector: Vector, receive_id: str | None = None) -> CallbackCrypto:
    return CallbackCrypto(
        Secret(vector.token),
        Secret(vector.aes_key),
        vector.receive_id if receive_id is None else receive_id,
    )


def at(vector: Vector, seconds: int = 0) -> datetime:
    return datetime.fromtimestamp(int(vector.timestamp), UTC) + timedelta(seconds=seconds)


def pushed(vector: Vector, **query: str) -> WebhookRequest:
    given = {
        "timestamp": vector.timestamp,
        "nonce": vector.nonce,
        "msg_signature": vector.signature,
        **query,
    }
    body = f"<xml><ToUserName>x</ToUserName><Encrypt><![CDATA[{vector.encrypted}]]></Encrypt></xml>"
    return WebhookRequest("POST", given, {}, body.encode())


@pytest.mark.parametrize("vector", [PUBLISHED, *WITH_MESSAGE], ids=lambda v: v.nonce)
def test_signatures_match_the_samples(vector: Vector) -> None:
    made = crypto(vector).signature(vector.timestamp, vector.nonce, vector.encrypted)
    assert made == vector.signature


def test_plain_signature_covers_three_texts() -> None:
    made = crypto(PUBLISHED).signature("1409659813", "1372623149")
    assert made == "d2157f2f9079f4d6257b45edf665c43c62e60a0a"


@pytest.mark.parametrize("vector", WITH_MESSAGE, ids=lambda v: v.nonce)
def test_messages_are_decrypted(vector: Vector) -> None:
    assert crypto(vector).decrypt(vector.encrypted).decode() == vector.message


def test_the_published_sample_is_verified_decrypted_and_parsed() -> None:
    payload = Callbacks(crypto(PUBLISHED), encrypted=True).payload(pushed(PUBLISHED), at(PUBLISHED))
    assert payload["FromUserName"] == "mycreate"
    assert payload["Content"] == "hello"
    assert payload["MsgId"] == "4561255354251345929"


def test_another_accounts_message_is_refused_after_a_good_signature() -> None:
    callbacks = Callbacks(crypto(SCAN, "wxffffffffffffffff"), encrypted=True)
    with pytest.raises(WebhookRefused, match="cannot be decrypted") as refused:
        callbacks.payload(pushed(SCAN), at(SCAN))
    assert refused.value.reason == "shape"


def test_the_previous_key_still_opens() -> None:
    keys = CallbackCrypto(
        Secret(SCAN.token),
        Secret("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"),
        SCAN.receive_id,
        previous_aes_key=Secret(SCAN.aes_key),
    )
    assert keys.decrypt(SCAN.encrypted).decode() == SCAN.message


@pytest.mark.parametrize(
    "query",
    [
        {"msg_signature": SCAN.signature[:-1] + "0"},
        {"msg_signature": ""},
        {"nonce": "n0nce43"},
        {"timestamp": "1700000001"},
    ],
)
def test_a_forged_push_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(WebhookRefused) as refused:
        Callbacks(crypto(SCAN), encrypted=True).payload(pushed(SCAN, **query), at(SCAN))
    assert (refused.value.reason, refused.value.status) == ("signature", 401)


def test_the_three_text_signature_does_not_open_an_encrypted_account() -> None:
    plain = crypto(SCAN).signature(SCAN.timestamp, SCAN.nonce)
    request = WebhookRequest(
        "POST",
        {"timestamp": SCAN.timestamp, "nonce": SCAN.nonce, "signature": plain},
        {},
        SCAN.message.encode(),
    )
    with pytest.raises(WebhookRefused) as refused:
        Callbacks(crypto(SCAN), encrypted=True).payload(request, at(SCAN))
    assert refused.value.reason == "shape"


def test_a_plain_account_reads_the_clear_part() -> None:
    signature = crypto(SCAN).signature(SCAN.timestamp, SCAN.nonce)
    query = {"timestamp": SCAN.timestamp, "nonce": SCAN.nonce, "signature": signature}
    callbacks = Callbacks(crypto(SCAN), encrypted=False)
    clear = WebhookRequest("POST", query, {}, SCAN.message.encode())
    both = WebhookRequest("POST", query, {}, SCAN.message.replace("</xml>", "<Encrypt>x</Encrypt></xml>").encode())
    assert callbacks.payload(clear, at(SCAN))["EventKey"] == "store_88"
    assert callbacks.payload(both, at(SCAN))["EventKey"] == "store_88"
    with pytest.raises(WebhookRefused, match="is encrypted, but"):
        callbacks.payload(WebhookRequest("POST", query, {}, pushed(SCAN).body), at(SCAN))


@pytest.mark.parametrize(("seconds", "fresh"), [(300, True), (-300, True), (301, False), (-301, False)])
def test_freshness_ends_after_five_minutes(seconds: int, fresh: bool) -> None:
    callbacks = Callbacks(crypto(SCAN), encrypted=True)
    if fresh:
        assert callbacks.payload(pushed(SCAN), at(SCAN, seconds))["Event"] == "SCAN"
        return
    with pytest.raises(WebhookRefused) as refused:
        callbacks.payload(pushed(SCAN), at(SCAN, seconds))
    assert (refused.value.reason, refused.value.status) == ("stale", 401)


def test_encrypted_echo() -> None:
    callbacks = Callbacks(crypto(ECHO), encrypted=True, encrypted_echo=True)
    query = {
        "timestamp": ECHO.timestamp,
        "nonce": ECHO.nonce,
        "msg_signature": ECHO.signature,
        "echostr": ECHO.encrypted,
    }
    reply = callbacks.echo(WebhookRequest("GET", query, {}, b""), at(ECHO))
    assert (reply.status, reply.body) == (200, b"5927782489442352469")
    with pytest.raises(WebhookRefused) as refused:
        callbacks.echo(WebhookRequest("GET", {**query, "nonce": "437374424"}, {}, b""), at(ECHO))
    assert refused.value.reason == "signature"


def test_other_methods_and_incomplete_payloads_are_refused() -> None:
    callbacks = Callbacks(crypto(SCAN), encrypted=True)

    def event(payload: Payload) -> InboundEvent:
        raise KeyError("ChangeType")

    with pytest.raises(WebhookRefused) as refused:
        callbacks.receive(WebhookRequest("PUT", {}, {}, b""), at(SCAN), event)
    assert (refused.value.reason, refused.value.status) == ("method", 405)
    with pytest.raises(WebhookRefused) as refused:
        callbacks.receive(pushed(SCAN), at(SCAN), event)
    assert (refused.value.reason, refused.value.status) == ("shape", 400)


@pytest.mark.parametrize("encrypted", ["", "!!!", "AAAA", "A" * 64, "AAAAAAAAAAAAAAAAAAAAAA=="])
def test_nonsense_is_no_ciphertext(encrypted: str) -> None:
    with pytest.raises(WebhookRefused) as refused:
        crypto(SCAN).decrypt(encrypted)
    assert refused.value.reason == "shape"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"[1]",
        b"<xml><a></xml>",
        b"{",
        b"\xff\xfe",
        b'<?xml version="1.0"?><!DOCTYPE xml [<!ENTITY a "b">]><xml><a>&a;</a></xml>',
        b'<?xml version="1.0" encoding="klingon"?><xml><a>1</a></xml>',
        b"<xml>" + b"a" * MAX_BODY_BYTES + b"</xml>",
    ],
)
def test_unreadable_bodies_are_refused(body: bytes) -> None:
    with pytest.raises(WebhookRefused) as refused:
        parse(body)
    assert (refused.value.reason, refused.value.status) == ("shape", 400)


def test_xml_and_json_parse_to_the_same_shape() -> None:
    xml = "<xml><Event>e</Event><Box><List><Id>1</Id></List><List><Id>2</Id></List></Box><Empty/></xml>"
    text = '{"Event":"e","Box":{"List":[{"Id":"1"},{"Id":"2"}]},"Empty":""}'
    expected = {"Event": "e", "Box": {"List": [{"Id": "1"}, {"Id": "2"}]}, "Empty": ""}
    assert parse(xml.encode()) == expected
    assert parse(text.encode()) == expected


def test_repeated_leaves_and_lists_of_any_length() -> None:
    assert parse(b"<xml><a/><a>1</a><a>2</a></xml>") == {"a": ["", "1", "2"]}
    assert as_list(None) == as_list("") == []
    assert as_list({"Id": 1}) == [{"Id": 1}]
    assert as_list([1, 2]) == [1, 2]


@pytest.mark.parametrize("key", ["short", "ß" * 43, "A" * 44])
def test_a_wrong_encoding_aes_key_is_named(key: str) -> None:
    with pytest.raises(ValueError, match="EncodingAESKey has 43"):
        CallbackCrypto(Secret("t"), Secret(key), "wx1")
