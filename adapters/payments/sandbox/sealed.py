"""Fields that only the platform can read: RSA-OAEP with SHA-1, for the key that ``Wechatpay-Serial`` names."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from starlette.requests import Request

from adapters.payments.sandbox import certificates, schema
from adapters.payments.sandbox.state import Book
from adapters.payments.sandbox.wire import PlatformKey, Refused
from sandbox.platform import Kit


def opened(book: Book, kit: Kit, request: Request, body: Mapping[str, Any], name: str, pointer: str) -> dict[str, Any]:
    """The object with its field in clear; as it is, where the field is absent.

    The platform's codes for a missing serial and an unreadable field are not documented.
    """
    if body.get(name) is None:
        return dict(body)
    ciphertext = schema.text(body, "/" + name, most=1024)
    serial = request.headers.get("wechatpay-serial", "")
    public = PlatformKey(book.merchant.platform_key_id, kit.keys.rsa(f"payments/{book.merchant.mchid}/platform"))
    key = next((each.key for each in (public, *certificates.private_keys(book, kit)) if each.serial == serial), None)
    if key is None:
        raise Refused("PARAM_ERROR", "HTTP头Wechatpay-Serial缺失或不是有效的平台证书序列号、微信支付公钥ID")
    oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA1()), algorithm=hashes.SHA1(), label=None)  # noqa: S303
    try:
        plain = key.decrypt(base64.b64decode(ciphertext, validate=True), oaep).decode()
    except ValueError:
        raise schema.wrong(pointer, "decrypt", "") from None
    return {**body, name: plain}
