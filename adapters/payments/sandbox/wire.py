"""The protocol as the platform sees it: who signed, what to answer, how to sign and encrypt."""

from __future__ import annotations

import base64
import re
import secrets
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sandbox.clock import BEIJING

SCHEME: Final = "WECHATPAY2-SHA256-RSA2048"
SKEW_SECONDS: Final = 300
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1", "[::1]"})

#: HTTP status of each code; several codes have more than one in the documentation, this is the commoner.
STATUS: Final = {
    "USER_PAYING": 202,
    "PARAM_ERROR": 400,
    "INVALID_REQUEST": 400,
    "APPID_MCHID_NOT_MATCH": 400,
    "MCH_NOT_EXISTS": 400,
    "ORDER_CLOSED": 400,
    "ORDER_PAID": 400,
    "RESOURCE_ALREADY_EXISTS": 400,
    "NO_STATEMENT_EXIST": 400,
    "STATEMENT_CREATING": 400,
    "SIGN_ERROR": 401,
    "NO_AUTH": 403,
    "OUT_TRADE_NO_USED": 403,
    "RULE_LIMIT": 403,
    "TRADE_ERROR": 403,
    "NOT_ENOUGH": 403,
    "ACCOUNT_ERROR": 403,
    "USER_ACCOUNT_ABNORMAL": 403,
    "REQUEST_BLOCKED": 403,
    "ORDER_NOT_EXIST": 404,
    "RESOURCE_NOT_EXISTS": 404,
    "USER_NOT_EXISTS": 404,
    "NOT_FOUND": 404,
    "FREQUENCY_LIMITED": 429,
    "SYSTEM_ERROR": 500,
    "BANK_ERROR": 500,
    "INVALID_TRANSACTIONID": 500,
    "OPENID_MISMATCH": 500,
    "SERVICE_UNAVAILABLE": 503,
}


class Refused(Exception):
    """An answer of the 4xx or 5xx family."""

    def __init__(self, code: str, message: str, *, detail: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.detail = detail

    @property
    def status(self) -> int:
        """HTTP status that belongs to the code; 400 for a code that a fault invents."""
        return STATUS.get(self.code, 400)

    def body(self) -> bytes:
        """The platform's error object."""
        value: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.detail is not None:
            value["detail"] = self.detail
        return orjson.dumps(value)


@dataclass(frozen=True, slots=True)
class Claim:
    """What an Authorization header says."""

    mchid: str
    nonce: str
    signature: str
    timestamp: str
    serial: str


_PAIR = re.compile(r'([a-z_]+)="([^"]*)"')
_PARTS = ("mchid", "nonce_str", "signature", "timestamp", "serial_no")


def claim(header: str | None, *, order_path: bool) -> Claim:
    """Read an Authorization header. Raises Refused with the text that the path family uses."""
    garbled = (
        "签名信息错误，验签失败"
        if order_path
        else "Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》"
    )
    if not header or header.startswith("Bearer"):
        raise Refused("SIGN_ERROR", garbled)
    scheme, _, rest = header.partition(" ")
    if scheme != SCHEME:
        raise Refused("SIGN_ERROR", "HTTP头Authorization认证类型不正确")
    found = dict(_PAIR.findall(rest))
    if set(_PARTS) - set(found) or not re.fullmatch("[0-9]{1,12}", found["timestamp"]) or len(found["nonce_str"]) > 32:
        raise Refused("SIGN_ERROR", garbled)
    return Claim(*(found[part] for part in _PARTS))


def check(asked: Claim, key: rsa.RSAPublicKey, serial: str, now: datetime, message: tuple[bytes, ...]) -> None:
    """Timestamp, serial, signature: in the platform's order. ``message`` is method, target and body."""
    if abs(now.timestamp() - int(asked.timestamp)) > SKEW_SECONDS:
        raise Refused("SIGN_ERROR", "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟")
    if asked.serial != serial:
        raise Refused("SIGN_ERROR", "商户证书序列号有误。请使用签名私钥匹配的证书序列号")
    method, target, body = message
    text = b"%b\n%b\n%b\n%b\n%b\n" % (method, target, asked.timestamp.encode(), asked.nonce.encode(), body)
    if not signed_by(key, asked.signature, text):
        raise Refused("SIGN_ERROR", "签名错误")


def signed_by(key: rsa.RSAPublicKey, signature: str, text: bytes) -> bool:
    """True when the base64 signature belongs to the text."""
    try:
        key.verify(base64.b64decode(signature, validate=True), text, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


@dataclass(frozen=True, slots=True)
class PlatformKey:
    """One of the platform's signing keys and the serial that names it."""

    serial: str
    key: rsa.RSAPrivateKey = field(repr=False)

    def headers(self, body: bytes, now: datetime, *, nonce: str = "", timestamp: str = "") -> dict[str, str]:
        """The five Wechatpay headers over a body; nonce and timestamp are fresh unless given."""
        timestamp = timestamp or str(int(now.timestamp()))
        nonce = nonce or secrets.token_hex(16)
        text = f"{timestamp}\n{nonce}\n".encode() + body + b"\n"
        signature = self.key.sign(text, padding.PKCS1v15(), hashes.SHA256())
        return {
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature": base64.b64encode(signature).decode(),
            "Wechatpay-Signature-Type": SCHEME,
            "Wechatpay-Serial": self.serial,
        }


def encrypt(apiv3_key: str, plain: bytes, associated_data: str, nonce: str = "") -> dict[str, str]:
    """AEAD_AES_256_GCM: ``algorithm``, ``nonce``, ``associated_data`` and ``ciphertext`` with its tag."""
    nonce = nonce or secrets.token_hex(6)
    sealed = AESGCM(apiv3_key.encode()).encrypt(nonce.encode(), plain, associated_data.encode())
    return {
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(sealed).decode(),
        "associated_data": associated_data,
        "nonce": nonce,
    }


def stamp(instant: datetime) -> str:
    """RFC 3339, Beijing, to the second."""
    return instant.astimezone(BEIJING).replace(microsecond=0).isoformat()


def request_id(suffix: str) -> str:
    """A trace id of the platform's shape."""
    return f"08{secrets.token_hex(12).upper()}{time.monotonic_ns() % 1000:03d}-{suffix}"
