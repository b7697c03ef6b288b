"""A shop's settings as a file, for processes of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from adapters.base.secrets import Secret
from gateway.settings import Settings
from tests.gateway.transactions.shop import Shop


def settings_file(path: Path, shop: Shop, master_key: str) -> Path:
    """Write the shop's settings to ``path``, with the sandbox's clock as it is now."""
    offset = shop.sandbox.kit.clock.offset.total_seconds()
    settings = msgspec.structs.replace(shop.settings, clock_offset_seconds=offset)
    path.write_text(toml(_plain(settings) | {"master_key": master_key}))
    return path


def _plain(settings: Settings) -> dict[str, Any]:
    """Only what differs from the defaults, secrets as text."""
    plain: dict[str, Any] = msgspec.to_builtins(settings, enc_hook=_revealed)
    names = ("environment", "database_url", "open_platform", "checkout", "tools", "clock_offset_seconds", "reach")
    kept = {name: plain[name] for name in names}
    # Opening an account of 微信支付 means checking its RSA key, which would be a third of each round.
    accounts = plain["tools"]["payments"]["accounts"]
    kept["tools"] = plain["tools"] | {"payments": {"accounts": {"main": accounts["main"]}}}
    return kept


def _revealed(value: object) -> object:
    if isinstance(value, Secret):
        return value.reveal()
    raise NotImplementedError(type(value))


def toml(value: Any) -> str:
    """A TOML document of plain values: inline tables below the first level."""
    return "".join(f"{json.dumps(name)} = {_inline(each)}\n" for name, each in value.items() if each is not None)


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {_inline(v)}" for k, v in value.items() if v is not None) + "}"
    if isinstance(value, list | tuple | set | frozenset):
        return "[" + ", ".join(_inline(each) for each in value) + "]"
    return json.dumps(value, ensure_ascii=False)
