"""What a mini-program's client sends sealed with its session key: the older way to profiles and phone numbers.

Vendor page: miniprogram/dev/framework/open-ability/signature.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from adapters.base.secrets import Secret

_BLOCK: Final = 16


def open_sealed(appid: str, session_key: Secret, iv: str, data: str) -> dict[str, Any]:
    """The JSON object in ``encryptedData``, sealed for this appid; raises ValueError for anything else.

    The shopper's client sends it, so it proves no more than that they hold the session.
    """
    key, vector, sealed = (base64.b64decode(text, validate=True) for text in (session_key.reveal(), iv, data))
    if len(key) != _BLOCK or len(vector) != _BLOCK or not sealed or len(sealed) % _BLOCK:
        raise ValueError("the key, the vector or the data has another length")
    decryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).decryptor()
    padded = decryptor.update(sealed) + decryptor.finalize()
    fill = padded[-1]
    if not 1 <= fill <= _BLOCK or padded[-fill:] != bytes([fill]) * fill:
        raise ValueError("the session key is not the one that sealed it")
    opened = msgspec.json.decode(padded[:-fill])
    watermark = opened.get("watermark") if isinstance(opened, dict) else None
    if not isinstance(watermark, dict) or watermark.get("appid") != appid:
        raise ValueError("it was sealed for another appid")
    return dict(opened)


def raw_data_signed(raw_data: str, session_key: Secret, signature: str) -> bool:
    """Whether ``rawData`` was signed with the session key, which counts as its Base64 text here."""
    wanted = hashlib.sha1((raw_data + session_key.reveal()).encode(), usedforsecurity=False).hexdigest()
    return hmac.compare_digest(wanted.encode(), signature.encode())
