"""What COS sends, in its own field names. Text is converted by type: ``"5"`` to int, ``"true"`` to bool."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Contents(msgspec.Struct, frozen=True):
    """One object of a list. ``ETag`` carries its double quotes; ``Key`` is already percent-decoded."""

    Key: str
    LastModified: datetime
    ETag: str
    Size: int
    StorageClass: str = "STANDARD"


class CommonPrefix(msgspec.Struct, frozen=True):
    """A folder-like group of keys, present only when a delimiter was given."""

    Prefix: str


class ListBucketResult(msgspec.Struct, frozen=True):
    """Answer of GET Bucket (List Objects), version 1."""

    Name: str
    IsTruncated: bool
    MaxKeys: int
    EncodingType: str = ""
    Prefix: str = ""
    Marker: str = ""
    Delimiter: str = ""
    NextMarker: str = ""
    Contents: tuple[Contents, ...] = ()
    CommonPrefixes: tuple[CommonPrefix, ...] = ()


_HEADERS = {
    "content_length": "content-length",
    "content_type": "content-type",
    "content_range": "content-range",
    "last_modified": "last-modified",
    "crc64": "x-cos-hash-crc64ecma",
}


class ObjectHeaders(msgspec.Struct, frozen=True, rename=_HEADERS):
    """The headers that we read of the answers to HEAD and GET Object; header names are lower case."""

    etag: str
    last_modified: datetime
    content_length: int
    content_type: str = "application/octet-stream"
    content_range: str = ""
    crc64: str = ""


class PutHeaders(msgspec.Struct, frozen=True, rename=_HEADERS):
    """The headers that we read of the answer to PUT Object."""

    etag: str
    crc64: str = ""


class ErrorBody(msgspec.Struct, frozen=True):
    """The ``<Error>`` document. ``Message`` is only ever compared, never shown."""

    Code: str
    Message: str = ""
    RequestId: str = ""
