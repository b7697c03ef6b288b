"""The signature of pages in the client (JS-SDK使用权限签名算法): SHA-1 over ticket, nonce, time and address."""

from __future__ import annotations

import hashlib


def js_signature(ticket: str, nonce: str, seconds: int, url: str) -> str:
    """Lower-case hex. The address counts as the browser has it, up to its fragment."""
    page = url.partition("#")[0]
    signed = f"jsapi_ticket={ticket}&noncestr={nonce}&timestamp={seconds}&url={page}"
    return hashlib.sha1(signed.encode()).hexdigest()  # noqa: S324 — the platform's choice
