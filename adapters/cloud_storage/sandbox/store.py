"""Buckets and objects in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
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


def document_time(instant: datetime) -> str:
    """An instant as XML documents write it: whole seconds."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


@dataclass(frozen=True)
class Blob:
    """One stored object. ``kept`` are the headers that GET and HEAD echo, lower case."""

    key: str
    body: bytes
    content_type: str
    modified_at: datetime
    storage_class: str = "STANDARD"
    kept: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    #: MD5 sums of the parts it was put together of; empty for an object that came in one piece.
    parts: tuple[str, ...] = ()

    @cached_property
    def etag(self) -> str:
        """With its double quotes. Of several parts it is no MD5 of the content, and says how many they were."""
        if self.parts:
            return f'"{hashlib.md5("".join(self.parts).encode()).hexdigest()}-{len(self.parts)}"'
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
        return other is not None and (
            (self.body, self.content_type, self.storage_class, self.kept, self.tags)
            == (other.body, other.content_type, other.storage_class, other.kept, other.tags)
        )


@dataclass
class Upload:
    """A multipart upload under way. ``options`` are the headers that it was begun with."""

    id: str
    key: str
    initiated: datetime
    options: Mapping[str, str]
    parts: dict[int, Blob] = field(default_factory=dict)

    @property
    def initiated_text(self) -> str:
        """As documents write it."""
        return document_time(self.initiated)


@dataclass
class Container:
    """One bucket, and the key pair whose policy is limited to it.

    ``strict``: 严格签名模式, every request must sign its host and all of its query.
    """

    alias: str
    name: str
    region: str
    secret_id: str
    secret_key: str
    blobs: dict[str, Blob] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    strict: bool = False

    @property
    def app_id(self) -> str:
        """The part after the last hyphen."""
        return self.name.rpartition("-")[2]

    @property
    def host(self) -> str:
        """Where the real one would live."""
        return f"{self.name}.cos.{self.region}.myqcloud.com"
