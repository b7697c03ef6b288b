"""Buckets and objects in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from functools import cached_property
from typing import Final

_MASK: Final = (1 << 64) - 1


def _reversed(value: int, bits: int) -> int:
    return int(f"{value:0{bits}b}"[::-1], 2)


def _table() -> list[int]:
    """The reflected table, computed from the polynomial as ECMA-182 prints it."""
    rows = []
    for number in range(256):
        value = _reversed(number, 8) << 56
        for _ in range(8):
            value = ((value << 1) ^ 0x42F0E1EBA9EA3693 if value >> 63 else value << 1) & _MASK
        rows.append(_reversed(value, 64))
    return rows


_TABLE: Final = _table()


def checksum(data: bytes) -> str:
    """``x-cos-hash-crc64ecma`` of the data."""
    register = _MASK
    for octet in data:
        register = (register >> 8) ^ _TABLE[(register & 0xFF) ^ octet]
    return str(register ^ _MASK)


@dataclass(frozen=True)
class Blob:
    """One stored object. ``kept`` are the headers that GET and HEAD echo, lower case."""

    key: str
    body: bytes
    content_type: str
    modified_at: datetime
    storage_class: str = "STANDARD"
    kept: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def etag(self) -> str:
        """With its double quotes."""
        return f'"{hashlib.md5(self.body).hexdigest()}"'

    @cached_property
    def crc64(self) -> str:
        """Of the whole object, whatever range is read."""
        return checksum(self.body)

    @property
    def last_modified(self) -> str:
        """RFC 1123, GMT."""
        return format_datetime(self.modified_at, usegmt=True)

    def same_as(self, other: Blob | None) -> bool:
        """True when only the time differs."""
        return other is not None and (self.body, self.content_type, self.storage_class, self.kept) == (
            other.body,
            other.content_type,
            other.storage_class,
            other.kept,
        )


@dataclass
class Container:
    """One bucket, and the key pair whose policy is limited to it."""

    alias: str
    name: str
    region: str
    secret_id: str
    secret_key: str
    blobs: dict[str, Blob] = field(default_factory=dict)

    @property
    def app_id(self) -> str:
        """The part after the last hyphen."""
        return self.name.rpartition("-")[2]

    @property
    def host(self) -> str:
        """Where the real one would live."""
        return f"{self.name}.cos.{self.region}.myqcloud.com"
