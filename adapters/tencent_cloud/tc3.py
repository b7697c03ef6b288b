"""Tencent Cloud API 3.0 (腾讯云 API 3.0): requests signed with TC3-HMAC-SHA256, and the envelope of their answers.

The rules that are easily missed, all from the vendor's page 签名方法 v3:

- the date of the scope is that of the timestamp in UTC, which in China's morning is yesterday;
- the signed ``Content-Type`` is the sent one, byte for byte;
- every failure of a service arrives with status 200.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import orjson

from adapters.base.secrets import Secret
from adapters.base.transport import Request, Response

ALGORITHM: Final = "TC3-HMAC-SHA256"
CONTENT_TYPE: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Action:
    """One action of a service: its names as the vendor writes them. ``host`` is the real one."""

    host: str
    version: str
    name: str

    @property
    def service(self) -> str:
        """The first label of the host, which is part of what is signed."""
        return self.host.partition(".")[0]


class Failed(Exception):
    """The envelope holds an Error. The vendor's message is not kept."""

    def __init__(self, code: str, request_id: str) -> None:
        super().__init__(code)
        self.code = code
        self.request_id = request_id


def authorization(
    secret_id: str, secret_key: Secret, *, service: str, host: str, content_type: str, body: bytes, timestamp: int
) -> str:
    """The ``Authorization`` header of ``POST /`` with this body; ``timestamp`` is that of ``X-TC-Timestamp``."""
    date = datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d")
    scope = f"{date}/{service}/tc3_request"
    headers = f"content-type:{content_type}\nhost:{host}\n"
    canonical = f"POST\n/\n\n{headers}\ncontent-type;host\n{hashlib.sha256(body).hexdigest()}"
    text = f"{ALGORITHM}\n{timestamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"TC3{secret_key.reveal()}".encode()
    for part in (date, service, "tc3_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return f"{ALGORITHM} Credential={secret_id}/{scope}, SignedHeaders=content-type;host, Signature={signature}"


def request(
    action: Action,
    payload: Mapping[str, Any],
    *,
    base_url: str,
    region: str,
    secret_id: str,
    secret_key: Secret,
    timestamp: int,
) -> Request:
    """The signed request. ``base_url`` is the real host, or the sandbox; signed is the host that is sent to."""
    body = orjson.dumps(payload)
    host = urlsplit(base_url).netloc
    signed = authorization(
        secret_id,
        secret_key,
        service=action.service,
        host=host,
        content_type=CONTENT_TYPE,
        body=body,
        timestamp=timestamp,
    )
    headers = {
        "content-type": CONTENT_TYPE,
        "x-tc-action": action.name,
        "x-tc-version": action.version,
        "x-tc-timestamp": str(timestamp),
        "x-tc-region": region,
        "authorization": signed,
    }
    return Request("POST", f"{base_url}/", headers, body, private_path=True)


class _Error(msgspec.Struct, frozen=True):
    Code: str


class _Head(msgspec.Struct, frozen=True):
    RequestId: str
    Error: _Error | None = None


class _Envelope(msgspec.Struct, frozen=True):
    Response: msgspec.Raw


def opened(response: Response) -> bytes:
    """The JSON of ``Response``, to be decoded further. Raises Failed, and ValueError for anything undocumented."""
    if response.status != 200:
        raise ValueError("the API answers everything with status 200")
    inner = bytes(msgspec.json.decode(response.body, type=_Envelope).Response)
    head = msgspec.json.decode(inner, type=_Head)
    if head.Error is not None:
        raise Failed(head.Error.Code, head.RequestId)
    return inner


def row_for(code: str, rows: Mapping[str, object]) -> str:
    """The row of an error table that a code falls under: its own, else that of its family, the part before the dot."""
    family = code.partition(".")[0]
    return family if code not in rows and family in rows else code
