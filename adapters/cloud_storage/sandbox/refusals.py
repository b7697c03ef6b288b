"""COS's error answers: an XML document with Code, Message, Resource, RequestId and TraceId."""

from __future__ import annotations

from typing import Final
from xml.sax.saxutils import escape

#: Code → HTTP status. A code that a fault asks for and that is missing here is answered with 400.
STATUS: Final = {
    "PaymentRequired": 402,
    "AccessDenied": 403,
    "InvalidAccessKeyId": 403,
    "SignatureDoesNotMatch": 403,
    "RequestTimeTooSkewed": 403,
    "InvalidObjectState": 403,
    "NoSuchBucket": 404,
    "NoSuchKey": 404,
    "NoSuchUpload": 404,
    "NoSuchVersion": 404,
    "NoSuchTagSet": 404,
    "NoSuchCORSConfiguration": 404,
    "MethodNotAllowed": 405,
    "PathConflict": 409,
    "UploadConflict": 409,
    "ObjectLocked": 409,
    "BucketNotEmpty": 409,
    "BucketAlreadyExists": 409,
    "BucketAlreadyOwnedByYou": 409,
    "MissingContentLength": 411,
    "PreconditionFailed": 412,
    "InvalidRange": 416,
    "UnavailableForLegalReasons": 451,
    "DomainAuditFailed": 451,
    "InternalError": 500,
    "NotImplemented": 501,
    "SlowDown": 503,
    "ServiceUnavailable": 503,
}


class Refusal(Exception):
    """Raised anywhere while a request is handled; answered in one place."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message

    @property
    def status(self) -> int:
        """The HTTP status that goes with the code."""
        return STATUS.get(self.code, 400)

    def document(self, resource: str, request_id: str, trace_id: str) -> bytes:
        """The body of the answer."""
        return (
            "<?xml version='1.0' encoding='utf-8' ?>\n<Error>\n"
            f"\t<Code>{escape(self.code)}</Code>\n\t<Message>{escape(self.message)}</Message>\n"
            f"\t<Resource>{escape(resource)}</Resource>\n\t<RequestId>{request_id}</RequestId>\n"
            f"\t<TraceId>{trace_id}</TraceId>\n</Error>\n"
        ).encode()
