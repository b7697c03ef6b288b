"""平台证书: an older merchant still has one beside the public key, a new merchant has none."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from adapters.payments.sandbox.wire import PlatformKey, Refused, encrypt, stamp
from sandbox.clock import BEIJING
from sandbox.platform import Kit
from sandbox.world import Merchant

SERIAL = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"
EFFECTIVE = datetime(2024, 1, 1, tzinfo=BEIJING)
LIFETIME = timedelta(days=5 * 365)


def has_certificate(merchant: Merchant) -> bool:
    """The brand's main mchid is old enough to be in migration; the franchise joined later."""
    return merchant.alias == "main"


def asked_for(merchant: Merchant, serial: str) -> str:
    """Which key signs an answer: the one that the request's Wechatpay-Serial names."""
    return "public_key" if serial.startswith("PUB_KEY_ID_") or not has_certificate(merchant) else "certificate"


def signing_key(kit: Kit, mchid: str) -> PlatformKey:
    """The certificate's key."""
    return PlatformKey(SERIAL, kit.keys.rsa(f"payments/{mchid}/certificate"))


def pem(kit: Kit, mchid: str) -> str:
    """The certificate, self-signed here."""
    key = kit.keys.rsa(f"payments/{mchid}/certificate")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tenpay.com sign")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(int(SERIAL, 16))
        .not_valid_before(EFFECTIVE)
        .not_valid_after(EFFECTIVE + LIFETIME)
        .sign(key, SHA256())
    )
    return certificate.public_bytes(Encoding.PEM).decode("ascii")


def listed(merchant: Merchant, kit: Kit) -> dict[str, Any]:
    """GET /v3/certificates."""
    if not has_certificate(merchant):
        raise Refused("RESOURCE_NOT_EXISTS", "无可用的平台证书，请在商户平台-API安全申请使用微信支付公钥。")
    sealed = encrypt(merchant.apiv3_key, pem(kit, merchant.mchid).encode(), "certificate")
    return {
        "data": [
            {
                "serial_no": SERIAL,
                "effective_time": stamp(EFFECTIVE),
                "expire_time": stamp(EFFECTIVE + LIFETIME),
                "encrypt_certificate": sealed,
            }
        ]
    }
