"""What leaves this folder, in our words. Sizes are bytes; instants are aware."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from adapters.base.secrets import Secret


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object of a bucket's list (对象).

    Attributes:
        bucket: full bucket name, ``<name>-<APPID>``.
        key: full key, no leading slash.
        size: bytes.
        etag: without quotes; the MD5 of the content only for objects uploaded in one piece.
        modified_at: last change, UTC.
        storage_class: such as STANDARD, STANDARD_IA or ARCHIVE.
    """

    bucket: str
    key: str
    size: int
    etag: str
    modified_at: datetime
    storage_class: str


@dataclass(frozen=True, slots=True)
class ObjectHead:
    """What is known of one object without reading it.

    ``size`` is bytes, ``etag`` has no quotes, ``modified_at`` is UTC, ``crc64`` is the CRC-64/XZ of the whole
    content as unsigned decimal text (empty where COS did not state it).
    """

    bucket: str
    key: str
    size: int
    etag: str
    modified_at: datetime
    content_type: str
    crc64: str


@dataclass(frozen=True, slots=True)
class PutReceipt:
    """An object that was stored. ``size`` is bytes; ``etag`` and ``crc64`` are COS's own words for it."""

    bucket: str
    key: str
    size: int
    etag: str
    crc64: str


@dataclass(frozen=True, slots=True)
class ObjectOptions:
    """What is stored with an object beside its content and type.

    Attributes:
        metadata: ``x-cos-meta-…`` by name, printable ASCII, 2 KB in all.
        tags: at most 10 (对象标签).
        storage_class: such as STANDARD, STANDARD_IA or ARCHIVE.
        cache_control: for browsers and CDNs.
    """

    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    storage_class: str = "STANDARD"
    cache_control: str = ""


class Permission(Enum):
    """What a temporary key may do."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class TemporaryKey:
    """A key pair of STS (临时密钥) that is limited to ``scope``: one key, or all keys with that prefix.

    Used like a permanent pair, with ``token`` as ``x-cos-security-token``, until ``expires_at``, UTC. Its secrets
    do not show in ``repr``.
    """

    bucket: str
    region: str
    scope: str
    permission: Permission
    secret_id: str = field(repr=False)
    secret_key: Secret
    token: Secret
    starts_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class UploadForm:
    """A form (POST Object) with which a browser or ``wx.uploadFile`` uploads one file.

    Send it as multipart/form-data to ``url``: first all of ``fields``, then ``Content-Type`` if
    ``content_type_prefix`` is set, and the file as the last part, named ``file``. Whoever holds the form can
    upload until it expires, so its fields do not show in ``repr``.

    Attributes:
        url: where to POST.
        fields: form fields, to be sent as they are.
        key: the key under which the file will be stored.
        expires_at: the first instant, UTC, at which COS refuses the form.
        max_bytes: the largest file that COS accepts with it.
        content_type_prefix: when set, the sender adds a ``Content-Type`` field that begins with it; when
            empty, ``fields`` is complete.
    """

    url: str
    fields: Mapping[str, str] = field(repr=False)
    key: str
    expires_at: datetime
    max_bytes: int
    content_type_prefix: str = ""
