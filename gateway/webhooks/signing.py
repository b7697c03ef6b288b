"""Standard Webhooks signatures (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md)."""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Final

PREFIX: Final = "whsec_"
#: The specification asks for 24 to 64.
SECRET_BYTES: Final = 32


def new_secret() -> str:
    """A secret, as it is shown to its owner."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signed_headers(message: str, at: int, body: bytes, keys: Iterable[str]) -> Mapping[str, str]:
    """The three headers of a message. ``at`` is in Unix seconds; one signature per secret, the newest first."""
    content = f"{message}.{at}.".encode() + body
    signatures = [
        base64.b64encode(hmac.digest(base64.b64decode(key.removeprefix(PREFIX)), content, sha256)).decode()
        for key in keys
    ]
    return {
        "webhook-id": message,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(f"v1,{each}" for each in signatures),
    }
