"""TC3 signatures against the vendor's published sample and its SDK's, from both sides."""

from __future__ import annotations

import pytest

from adapters.base.secrets import Secret
from adapters.base.transport import Response
from adapters.cloud_storage.sandbox import sts
from adapters.tencent_cloud import tc3

SECRET_ID = "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE"
SECRET_KEY = "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE"
#: service, content type, body, timestamp, signature.
VECTORS = [
    (
        "cvm",
        "application/json; charset=utf-8",
        b'{"Limit": 1, "Filters": [{"Values": ["\\u672a\\u547d\\u540d"], "Name": "instance-name"}]}',
        1551113065,
        "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168",
    ),
    (
        "sts",
        "application/json",
        b'{"Name": "smart-retail", "Policy": "%7B%22version%22%3A%222.0%22%7D", "DurationSeconds": 1800}',
        1769826000,
        "a10723acaed67bce8d1b5830e96ef686ef29d47b1b16ae68870b864f60176917",
    ),
    ("sms", "application/json", b"{}", 1769817599, "4da774d0e407fcd99e74d5af135ec9c983073eb0f1b8fb1dda12fffbd450cf3b"),
    (
        "sms",
        "application/json; charset=utf-8",
        '{"SignName":"腾讯云"}'.encode(),
        1769826000,
        "2f3b2316ce931cac2eb1898fdd8d1568ea0d24b74afb1e8dd922205fb544df10",
    ),
]


@pytest.mark.parametrize(("service", "content_type", "body", "timestamp", "signature"), VECTORS)
def test_both_sides_agree_with_the_vendor(
    service: str, content_type: str, body: bytes, timestamp: int, signature: str
) -> None:
    host = f"{service}.tencentcloudapi.com"
    header = tc3.authorization(
        SECRET_ID,
        Secret(SECRET_KEY),
        service=service,
        host=host,
        content_type=content_type,
        body=body,
        timestamp=timestamp,
    )
    assert header.rpartition("Signature=")[2] == signature
    headers = {"host": host, "content-type": content_type, "x-tc-timestamp": str(timestamp)}
    assert sts.signature(SECRET_KEY, headers, "content-type;host", "/", body) == signature


def test_the_date_is_that_of_utc() -> None:
    """07:59:59 in China on the 31st."""
    header = tc3.authorization(
        SECRET_ID, Secret(SECRET_KEY), service="sms", host="h", content_type="t", body=b"", timestamp=1769817599
    )
    assert f"Credential={SECRET_ID}/2026-01-30/sms/tc3_request, SignedHeaders=content-type;host, " in header


def test_an_unsigned_payload() -> None:
    headers = {
        "host": "sms.tencentcloudapi.com",
        "content-type": "application/json",
        "x-tc-timestamp": "1769826000",
        "x-tc-content-sha256": "UNSIGNED-PAYLOAD",
    }
    expected = "5563c0d977db48edfe1517675b3b3e16c4a1be379025464f8ba17b1776a9a533"
    assert sts.signature(SECRET_KEY, headers, "content-type;host", "/", b"{}") == expected


def test_an_envelope_holds_an_answer_or_an_error() -> None:
    assert tc3.opened(Response(200, {}, b'{"Response":{"RequestId":"r","A":1}}')) == b'{"RequestId":"r","A":1}'
    with pytest.raises(tc3.Failed) as caught:
        tc3.opened(Response(200, {}, b'{"Response":{"RequestId":"r","Error":{"Code":"A.B","Message":"m"}}}'))
    assert (caught.value.code, caught.value.request_id, str(caught.value)) == ("A.B", "r", "A.B")
    with pytest.raises(ValueError, match="status 200"):
        tc3.opened(Response(500, {}, b"{}"))


def test_a_code_falls_under_its_family() -> None:
    rows = {"A": 1, "A.B": 2}
    assert [tc3.row_for(code, rows) for code in ("A.B", "A.C", "D.E", "A")] == ["A.B", "A", "D.E", "A"]
