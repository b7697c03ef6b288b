"""平台证书: an older merchant still has one beside the public key, a new merchant has none."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from starlette.requests import Request

from adapters.payments.sandbox.state import Book, RouteOf
from adapters.payments.sandbox.wire import PlatformKey, Refused, encrypt, stamp
from sandbox.clock import BEIJING
from sandbox.platform import Kit
from sandbox.world import Merchant

SERIAL = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"
EFFECTIVE = datetime(2024, 1, 1, tzinfo=BEIJING)
LIFETIME = timedelta(days=5 * 365)
#: Two stand side by side while one takes over from the other.
OVERLAP = 2


def has_certificate(merchant: Merchant) -> bool:
    """The brand's main mchid is old enough to be in migration; the franchise joined later."""
    return merchant.alias == "main"


def asked_for(merchant: Merchant, serial: str) -> str:
    """Which key signs an answer: the one that the request's Wechatpay-Serial names."""
    return "public_key" if serial.startswith("PUB_KEY_ID_") or not has_certificate(merchant) else "certificate"


def signing_key(book: Book, kit: Kit) -> PlatformKey:
    """The youngest certificate's key."""
    return _key(book, kit, book.certificates)


def private_keys(book: Book, kit: Kit) -> Sequence[PlatformKey]:
    """Those whose certificates are valid: what was encrypted for them can be read."""
    return [_key(book, kit, number) for number in _valid(book)] if has_certificate(book.merchant) else []


def rotate(book: Book) -> str:
    """A new certificate takes over signing; the one before stays valid. Says its serial."""
    if not has_certificate(book.merchant):
        raise ValueError(f"mchid {book.merchant.mchid} has no certificate")
    book.certificates += 1
    return _serial(book.certificates)


def _valid(book: Book) -> range:
    return range(max(1, book.certificates - OVERLAP + 1), book.certificates + 1)


def _serial(number: int) -> str:
    """40 hex digits, the first of which keeps the number positive."""
    return SERIAL if number == 1 else "5" + hashlib.sha1(f"{SERIAL}/{number}".encode()).hexdigest().upper()[1:]


def _key(book: Book, kit: Kit, number: int) -> PlatformKey:
    name = f"payments/{book.merchant.mchid}/certificate" + (f"/{number}" if number > 1 else "")
    return PlatformKey(_serial(number), kit.keys.rsa(name))


def pem(book: Book, kit: Kit, number: int = 1) -> str:
    """A certificate, self-signed here."""
    key = _key(book, kit, number)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tenpay.com sign")])
    begins = _begins(number)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.key.public_key())
        .serial_number(int(key.serial, 16))
        .not_valid_before(begins)
        .not_valid_after(begins + LIFETIME)
        .sign(key.key, SHA256())
    )
    return certificate.public_bytes(Encoding.PEM).decode("ascii")


def _begins(number: int) -> datetime:
    return EFFECTIVE + timedelta(days=number - 1)


def routes(kit: Kit) -> Sequence[RouteOf]:
    """``/v3/certificates``."""

    def listed(book: Book, request: Request, _raw: bytes) -> dict[str, Any]:
        if request.query_params.get("algorithm_type", "RSA") not in {"RSA", "ALL"}:
            raise Refused("PARAM_ERROR", "algorithm_type must be RSA or ALL: no SM2 certificate is emulated here")
        if not has_certificate(book.merchant):
            raise Refused("RESOURCE_NOT_EXISTS", "无可用的平台证书，请在商户平台-API安全申请使用微信支付公钥。")
        return {"data": [_listed(book, kit, number) for number in _valid(book)]}

    return [("GET", "/v3/certificates", listed)]


def _listed(book: Book, kit: Kit, number: int) -> dict[str, Any]:
    begins = _begins(number)
    return {
        "serial_no": _serial(number),
        "effective_time": stamp(begins),
        "expire_time": stamp(begins + LIFETIME),
        "encrypt_certificate": encrypt(book.merchant.apiv3_key, pem(book, kit, number).encode(), "certificate"),
    }
