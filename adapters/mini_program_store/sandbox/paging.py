"""Opaque ``next_key`` cursors, bound to the request that made them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from adapters.mini_program_store.sandbox.wire import Refusal


def window(rows: Sequence[str], body: Mapping[str, Any], size: int) -> tuple[list[str], str, bool]:
    """The ids that ``body.next_key`` points at, the key of what follows, and whether anything does.

    606006 when any other parameter differs from the request that made the key.
    """
    start = _start(body)
    end = start + size
    more = end < len(rows)
    return list(rows[start:end]), _key(body, end) if more else "", more


def _key(body: Mapping[str, Any], offset: int) -> str:
    return base64.urlsafe_b64encode(f"{_fingerprint(body)}:{offset}".encode()).decode("ascii")


def _start(body: Mapping[str, Any]) -> int:
    given = body.get("next_key") or ""
    if not given:
        return 0
    try:
        fingerprint, _, offset = base64.urlsafe_b64decode(str(given)).decode("ascii").partition(":")
        if fingerprint == _fingerprint(body):
            return int(offset)
    except ValueError:
        pass
    raise Refusal(606006, "next_key does not match the request parameters")


def _fingerprint(body: Mapping[str, Any]) -> str:
    rest = {key: value for key, value in body.items() if key != "next_key"}
    return hashlib.sha256(orjson.dumps(rest, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
