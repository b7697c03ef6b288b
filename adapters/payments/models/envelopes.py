"""What wraps the content: errors, notifications, and the platform's certificates."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

#: RFC 3339 with offset.
Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class ErrorBody(msgspec.Struct, frozen=True):
    """Body of a 4xx or 5xx; ``message`` is left out on purpose."""

    code: str = ""


class Resource(msgspec.Struct, frozen=True):
    """``resource`` of a notification, still encrypted."""

    algorithm: str
    ciphertext: str
    nonce: str
    associated_data: str = ""
    original_type: str = ""


class Notification(msgspec.Struct, frozen=True):
    """Envelope of a notification."""

    id: str
    create_time: Instant
    event_type: str
    resource: Resource


class Sealed(msgspec.Struct, frozen=True):
    """AEAD_AES_256_GCM by the APIv3 key, as certificates come."""

    algorithm: str
    nonce: str
    ciphertext: str
    associated_data: str = ""


class Certificate(msgspec.Struct, frozen=True):
    """One 平台证书, still sealed."""

    serial_no: str
    effective_time: Instant
    expire_time: Instant
    encrypt_certificate: Sealed


class CertificateList(msgspec.Struct, frozen=True):
    """Answer of ``GET /v3/certificates``: two in the weeks of a rotation."""

    data: tuple[Certificate, ...]
