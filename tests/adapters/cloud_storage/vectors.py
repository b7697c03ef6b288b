"""Signatures that others computed: published samples (P), the Python SDK at a fixed clock (C, W).

The key pair is the one that the vendor publishes in its documentation; it opens nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SECRET_ID = "AKIDQjz3ltompVjBni5LitkWHFlFpwkn9U5q"
SECRET_KEY = "BQYIM75p8x0iWVFSIgqEKwFprpRSVHlz"
BUCKET = "examplebucket-1250000000"
REGION = "ap-beijing"
HOST = f"{BUCKET}.cos.{REGION}.myqcloud.com"
#: Unix seconds of the SDK's clock, and of its window from 60 seconds before until an hour after that.
CLOCK = 1769826060
WINDOW = (1769826000, 1769829600)
#: The SDK's default window for requests.
WIRE_WINDOW = (1769826000, 1769836060)
TOKEN = "TOKEN+/=example"


@dataclass(frozen=True)
class Vector:
    """One signed request; ``digest`` is the SHA-1 of HttpString, empty where only the signature is known."""

    name: str
    method: str
    path: str
    digest: str
    signature: str
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    window: tuple[int, int] = WINDOW


def _sdk(
    name: str,
    method: str,
    path: str,
    digest: str,
    signature: str,
    headers: Mapping[str, str] | None = None,
    **more,
) -> Vector:
    return Vector(name, method, path, digest, signature, {"Host": HOST, **(headers or {})}, **more)


VECTORS = [
    Vector(
        "P-1",
        "PUT",
        "/exampleobject(腾讯云)",
        "8b2751e77f43a0995d6e9eb9477f4b685cca4172",
        "3b8851a11a569213c17ba8fa7dcf2abec6935172",
        {
            "Content-Length": "13",
            "Content-MD5": "mQ/fVh815F3k6TAUm8m0eg==",
            "Content-Type": "text/plain",
            "Date": "Thu, 16 May 2019 06:45:51 GMT",
            "Host": HOST,
            "x-cos-acl": "private",
            "x-cos-grant-read": 'uin="100000000011"',
        },
        window=(1557989151, 1557996351),
    ),
    Vector(
        "P-2",
        "GET",
        "/exampleobject(腾讯云)",
        "54ecfe22f59d3514fdc764b87a32d8133ea611e6",
        "01681b8c9d798a678e43b685a9f1bba0f6c0e012",
        {"Date": "Thu, 16 May 2019 06:55:53 GMT", "Host": HOST},
        {"response-content-type": "application/octet-stream", "response-cache-control": "max-age=600"},
        (1557989753, 1557996953),
    ),
    _sdk(
        "C1",
        "GET",
        "/exampleobject",
        "64aaedb488a260e5aca8f6e72990bed60334217c",
        "7547c24817cc44493c61e0e3c6a83b88fcf2c20f",
    ),
    _sdk(
        "C2",
        "GET",
        "/reports/2026-01-31/订单 报表+1.csv",
        "ec083454c9136316b30216c23fc610ecd6451030",
        "da77cef81d82bd184bd1ce9cd4a5a1ce48f869a1",
    ),
    _sdk(
        "C3",
        "PUT",
        "/coupons/a.json",
        "228036efeb62f08ddd75adaa7eaac34ac3e8c939",
        "c3bfb33f08fca690550f27bd5e090cbb15cdbde4",
        {
            "Content-Type": "application/json",
            "Content-MD5": "mZFLkyvTelC5g8XnyQrpOw==",
            "Content-Length": "2",
            "x-cos-meta-owner": "store 0755",
            "x-cos-acl": "private",
        },
    ),
    _sdk(
        "C4",
        "GET",
        "/",
        "7a26488bf09d43d4f670e034ae8d982bd30d1a4b",
        "f0b19728b2ebc16b988e7ac7a8c432b1f793b0d8",
        params={
            "prefix": "reports/2026",
            "delimiter": "/",
            "marker": "reports/2026/a b",
            "max-keys": "100",
            "encoding-type": "url",
        },
    ),
    _sdk(
        "C5",
        "PUT",
        "/big.bin",
        "6415366f19feffd73745a4c74d50bf973cd890d7",
        "706cf1033683de1aa2bbe71c491dd48916ba50a4",
        {"Content-Length": "1048576"},
        params={"partNumber": "2", "uploadId": "16109001234567890abcdef"},
    ),
    _sdk(
        "C6",
        "POST",
        "/",
        "9e7c63a64d359c5f5aba5739cd872e3ee2e6af75",
        "49948270f6b96dba1ab8fc79ccaa791dd2b39e00",
        {"Content-MD5": "9pMcjqNqP0c1eVYkMT5Kyw==", "Content-Type": "application/xml"},
        params={"delete": ""},
    ),
    _sdk(
        "C7",
        "GET",
        "/a.txt",
        "e3ae39330a7fc8e55c63d8dda8ce615a166d8a26",
        "e1705f30fef424ce9a7b20896fce2bae5004ac81",
        {"range": "bytes=0-9", "x-cos-security-token": TOKEN},
    ),
    Vector(
        "C8",
        "GET",
        "/a.txt",
        "b288b65c70edadab86ef25b78e61af6e0773087e",
        "ff592ec25fa0258687425dc06b03543a93fa715c",
    ),
    _sdk(
        "C9",
        "PUT",
        "/a.txt",
        "e567bc833210b1c689fc1b4e293962e3ce14bf7a",
        "417a609a8117c9491eb03da45cccc14caaa51270",
        {"Content-Type": "application/xml"},
        params={"tagging": ""},
    ),
    _sdk(
        "W-put",
        "PUT",
        "/a/你好.txt",
        "",
        "082cd24763cc95880106029e842e5a2323f6669e",
        {
            "Content-Type": "text/plain",
            "Content-Length": "5",
            "x-cos-meta-k": "v",
            "x-cos-storage-class": "STANDARD",
            "x-cos-security-token": TOKEN,
        },
        window=WIRE_WINDOW,
    ),
    _sdk(
        "W-list",
        "GET",
        "/",
        "",
        "80564208d260242dd970c159d56f654d86e772dc",
        {"x-cos-security-token": TOKEN},
        params={"prefix": "a/", "delimiter": "/", "marker": "", "max-keys": "2", "encoding-type": "url"},
        window=WIRE_WINDOW,
    ),
    _sdk(
        "W-head",
        "HEAD",
        "/a",
        "",
        "737448fc328a0a0e859840822a38c7690bad4ad4",
        {"x-cos-security-token": TOKEN},
        window=WIRE_WINDOW,
    ),
    _sdk(
        "W-delete-many",
        "POST",
        "/",
        "",
        "eeffb3739ef36e223e142e456fbb832b0f58a5e0",
        {
            "Content-MD5": "equRb3IM0TUlZVxYY+Abmw==",
            "Content-Length": "139",
            "Content-Type": "application/xml",
            "x-cos-security-token": TOKEN,
        },
        params={"delete": ""},
        window=WIRE_WINDOW,
    ),
    _sdk(
        "W-start",
        "POST",
        "/big.bin",
        "",
        "105ffa04b04cc5f9954100df4e06166e492b7166",
        {"Content-Length": "0", "x-cos-security-token": TOKEN},
        params={"uploads": ""},
        window=WIRE_WINDOW,
    ),
    _sdk(
        "W-part",
        "PUT",
        "/big.bin",
        "",
        "f86b2b59f71dbcee6c9786eb8e50a9a789ddbca2",
        {"Content-Length": "10", "x-cos-security-token": TOKEN},
        params={"partNumber": "1", "uploadId": "u1"},
        window=WIRE_WINDOW,
    ),
    _sdk(
        "U2",
        "GET",
        "/reports/报表 1.csv",
        "",
        "02c5294a62c2601c850ab3a60c26547993aaeaa5",
        params={
            "response-content-disposition": 'attachment; filename="a b.csv"',
            "response-content-type": "text/csv",
        },
    ),
    _sdk(
        "U4",
        "GET",
        "/a.txt",
        "",
        "c833f46235f737c449d034e9f10dd62b5e3d5476",
        params={"x-cos-security-token": TOKEN},
    ),
]

#: The published upload policy (P-3): base64 as it stands in the form, window, digest, signature.
POLICY = (
    "ewogICAgImV4cGlyYXRpb24iOiAiMjAxOS0wOC0zMFQwOTozODoxMi40MTRaIiwKICAgICJjb25kaXRpb25zIjogWwogICAgICAgIHsg"
    "ImFjbCI6ICJkZWZhdWx0IiB9LAogICAgICAgIHsgImJ1Y2tldCI6ICJleGFtcGxlYnVja2V0LTEyNTAwMDAwMDAiIH0sCiAgICAgICAg"
    "WyAic3RhcnRzLXdpdGgiLCAiJGtleSIsICJmb2xkZXIvc3ViZm9sZGVyLyIgXSwKICAgICAgICBbICJzdGFydHMtd2l0aCIsICIkQ29u"
    "dGVudC1UeXBlIiwgImltYWdlLyIgXSwKICAgICAgICBbICJzdGFydHMtd2l0aCIsICIkc3VjY2Vzc19hY3Rpb25fcmVkaXJlY3QiLCAi"
    "aHR0cHM6Ly9teS53ZWJzaXRlLyIgXSwKICAgICAgICBbICJlcSIsICIkeC1jb3Mtc2VydmVyLXNpZGUtZW5jcnlwdGlvbiIsICJBRVMy"
    "NTYiIF0sCiAgICAgICAgeyAicS1zaWduLWFsZ29yaXRobSI6ICJzaGExIiB9LAogICAgICAgIHsgInEtYWsiOiAiQUtJRFFqejNsdG9t"
    "cFZqQm5pNUxpdGtXSEZsRnB3a245VTVxIiB9LAogICAgICAgIHsgInEtc2lnbi10aW1lIjogIjE1NjcxNTA2OTI7MTU2NzE1Nzg5MiIg"
    "fQogICAgXQp9"
)
POLICY_WINDOW = (1567150692, 1567157892)
POLICY_SIGNATURE = "7758dc9a832e9d301dca704cacbf9d9f8172fdef"

#: (data, CRC-64 as COS writes it), from crcmod with the SDK's parameters.
CHECKSUMS = [
    (b"", "0"),
    (b"123456789", "11051210869376104954"),
    (b"hello", "11177612005948864433"),
    (b"{}", "10633378508977395037"),
    (bytes(range(256)), "8232944260754389680"),
    ("你好,零售".encode(), "3654367263794027185"),
]
