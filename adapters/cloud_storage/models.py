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


class ObjectContent(msgspec.Struct, frozen=True):
    """Bytes of an object, and what the answer says of the whole: its size in bytes, ETag in quotes, CRC-64."""

    body: bytes
    size: int
    etag: str = ""
    crc64: str = ""


class CopyObjectResult(msgspec.Struct, frozen=True):
    """Answer of PUT Object - Copy."""

    ETag: str
    LastModified: datetime


class DeleteError(msgspec.Struct, frozen=True):
    """A key that DELETE Multiple Objects could not delete."""

    Key: str
    Code: str


class InitiatedUpload(msgspec.Struct, frozen=True):
    """Answer of Initiate Multipart Upload."""

    Bucket: str
    Key: str
    UploadId: str


class Part(msgspec.Struct, frozen=True):
    """One stored part. ``ETag`` is the MD5 of its bytes, in quotes."""

    PartNumber: int
    ETag: str
    Size: int
    LastModified: datetime | None = None


class ListPartsResult(msgspec.Struct, frozen=True):
    """Answer of List Parts."""

    UploadId: str
    IsTruncated: bool
    PartNumberMarker: int = 0
    NextPartNumberMarker: int = 0
    Part: tuple[Part, ...] = ()


class CompletedUpload(msgspec.Struct, frozen=True):
    """Answer of Complete Multipart Upload. ``ETag`` is no MD5; ``crc64`` is that of the whole object."""

    ETag: str
    Location: str = ""
    crc64: str = ""


class RunningUpload(msgspec.Struct, frozen=True):
    """One upload of a list."""

    Key: str
    UploadId: str
    Initiated: datetime


class ListMultipartUploadsResult(msgspec.Struct, frozen=True):
    """Answer of List Multipart Uploads."""

    IsTruncated: bool
    EncodingType: str = ""
    NextKeyMarker: str = ""
    NextUploadIdMarker: str = ""
    Upload: tuple[RunningUpload, ...] = ()


class Credentials(msgspec.Struct, frozen=True):
    """A temporary key pair of STS and the token that goes with it."""

    Token: str
    TmpSecretId: str
    TmpSecretKey: str

    def __repr__(self) -> str:
        return "Credentials(***)"


class FederationToken(msgspec.Struct, frozen=True):
    """Answer of GetFederationToken; ``ExpiredTime`` is Unix seconds."""

    Credentials: Credentials
    ExpiredTime: int
    RequestId: str


class ErrorBody(msgspec.Struct, frozen=True):
    """The ``<Error>`` document. ``Message`` is only ever compared, never shown."""

    Code: str
    Message: str = ""
    RequestId: str = ""
