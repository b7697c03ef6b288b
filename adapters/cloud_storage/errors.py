"""COS error codes (错误码) and what each means for the caller.

COS names errors with words in an XML document. Two kinds of keys are ours: ``Request has expired`` is a
*message* that arrives under the code AccessDenied, and numbers are HTTP statuses of answers without a
document, which is how HEAD reports every failure.
"""

from __future__ import annotations

from typing import Final

from adapters.base.errors import (
    Conflict,
    Fault,
    FaultTable,
    Invalid,
    NotFound,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
)

NAME: Final = "cloud_storage"
#: Message, and in the vendor's own table code, of a signature outside its time window.
EXPIRED: Final = "Request has expired"


def _bug(reason: str, message: str) -> Fault:
    return Fault(Invalid, reason, message)


def _operator(reason: str, message: str) -> Fault:
    return Fault(Unauthorized, reason, message)


_CREDENTIAL: Final[dict[str | int, Fault]] = {
    "AccessDenied": _operator(
        "access_denied",
        "The key may not do this in this bucket; allow the action for its sub-account in CAM.",
    ),
    "InvalidAccessKeyId": _operator(
        "unknown_secret_id",
        "COS knows no such SecretId; check secret_id and whether the key is enabled.",
    ),
    "SignatureDoesNotMatch": _operator(
        "bad_signature",
        "The signature does not fit; check that secret_key belongs to secret_id and that no proxy rewrites "
        "Host or headers.",
    ),
    "RequestTimeTooSkewed": _operator(
        "clock_skew",
        "This machine's clock is more than 15 minutes off; correct it (NTP).",
    ),
    EXPIRED: _operator(
        "signature_expired",
        "The signature is outside its time window; make a new one, and check this machine's clock.",
    ),
    "ExpiredToken": _operator(
        "temporary_key_expired",
        "The temporary key has expired; fetch a new one, or configure a permanent key.",
    ),
    "403": _operator(
        "forbidden",
        "COS refused without saying why, as it does for HEAD; check the key, its permissions and the clock.",
    ),
}

_ABSENT: Final[dict[str | int, Fault]] = {
    "NoSuchKey": Fault(NotFound, "no_such_object", "There is no object with this key; check the key."),
    "NoSuchBucket": Fault(NotFound, "no_such_bucket", "There is no such bucket; check bucket and region."),
    "NoSuchUpload": Fault(NotFound, "no_such_upload", "This multipart upload is finished, aborted or unknown."),
    "NoSuchVersion": Fault(NotFound, "no_such_version", "The object has no such version; check the version id."),
    "NoSuchTagSet": Fault(NotFound, "no_tags", "The object has no tags; treat it as an empty set."),
    "NoSuchCORSConfiguration": Fault(
        NotFound,
        "no_cors_rules",
        "The bucket has no CORS rules; add them in the console for browser uploads.",
    ),
    "404": Fault(NotFound, "no_such_object", "There is no object with this key, or no such bucket."),
}

_REQUEST: Final[dict[str | int, Fault]] = {
    "BadDigest": _bug("body_changed", "The body does not match its Content-MD5; send it again unchanged."),
    "InvalidDigest": _bug("bad_digest", "Content-MD5 is not the base64 of 16 bytes; compute it again."),
    "EntityTooLarge": _bug("too_large", "The file is larger than allowed; send a smaller one."),
    "EntityTooSmall": _bug("too_small", "The file or part is smaller than allowed; send a larger one."),
    "EntitySizeNotMatch": _bug("size_mismatch", "The body is not as long as announced; send it again."),
    "IncompleteBody": _bug("incomplete_body", "The body is shorter than Content-Length; send it again."),
    "InvalidArgument": _bug("bad_argument", "A parameter has a value that COS does not accept; correct it."),
    "InvalidBucketName": _bug("bad_bucket_name", "The bucket's name is malformed; give <name>-<APPID>."),
    "InvalidObjectName": _bug("bad_key", "The key is malformed; use 1 to 850 bytes of UTF-8, no leading slash."),
    "InvalidURI": _bug("bad_uri", "The address is malformed; check the key's characters."),
    "InvalidDelimiter": _bug("bad_delimiter", "The delimiter must be one character."),
    "InvalidPart": _bug("bad_part", "A part is missing or has another ETag; upload that part again."),
    "InvalidPartOrder": _bug("bad_part_order", "The parts must be listed in ascending order."),
    "InvalidTag": _bug("bad_tag", "A tag is malformed; use at most 10, keys to 128 and values to 256 characters."),
    "KeyTooLong": _bug("key_too_long", "The key is longer than 850 bytes of UTF-8; shorten it."),
    "MalformedXML": _bug("bad_xml", "The XML that was sent is malformed; this is a bug."),
    "XMLSizeLimit": _bug("xml_too_large", "The XML that was sent is too large; send it in smaller lots."),
    "MissingRequestBodyError": _bug("no_body", "The request needs a body and had none; this is a bug."),
    "MissingContentLength": _bug("no_length", "Content-Length is missing; do not send the body in chunks."),
    "InvalidPolicyDocument": _bug("bad_policy", "The upload form's policy is malformed; ask for a new form."),
    "MalformedPOSTRequest": _bug("bad_form", "The upload is not multipart/form-data; send it as a form."),
    "NotSupportedStorageClass": _bug("bad_storage_class", "The bucket does not offer this storage class."),
    "InvalidRange": _bug("bad_range", "The range lies outside the object; ask for bytes that exist."),
    "MethodNotAllowed": _bug("method_not_allowed", "COS does not allow this method here; this is a bug."),
    "NotImplemented": _bug("not_implemented", "COS does not offer this function in this region."),
}

_STATE: Final[dict[str | int, Fault]] = {
    "PreconditionFailed": Fault(
        Conflict, "precondition_failed", "The object changed meanwhile; read it again, then decide."
    ),
    "InvalidObjectState": Fault(
        Conflict, "archived", "The object is archived; restore it (恢复归档对象) before reading it."
    ),
    "UploadConflict": Fault(Conflict, "upload_conflict", "Another upload of this key is under way; read it again."),
    "ObjectLocked": Fault(Conflict, "object_locked", "The object is locked against changes until its term ends."),
    "BucketNotEmpty": Fault(Conflict, "bucket_not_empty", "The bucket still holds objects; empty it first."),
    "BucketAlreadyExists": Fault(Conflict, "bucket_taken", "The bucket's name is taken; choose another."),
    "BucketAlreadyOwnedByYou": Fault(Conflict, "bucket_exists", "This bucket is yours already; use it."),
}

_BUSINESS: Final[dict[str | int, Fault]] = {
    "PaymentRequired": Fault(
        Rejected, "account_in_arrears", "The Tencent Cloud account owes money; pay its bill, then repeat."
    ),
    "UnavailableForLegalReasons": Fault(
        Rejected, "blocked", "COS blocks this object or account (arrears or content); see the console."
    ),
    "DomainAuditFailed": Fault(
        Rejected,
        "domain_not_approved",
        "The custom domain has no valid ICP filing; complete the filing (备案).",
    ),
}

#: ``refused`` where COS stored nothing, so that even a write may simply be repeated.
_PASSING: Final[dict[str | int, Fault]] = {
    "PathConflict": Fault(
        Unavailable, "same_moment", "Somebody wrote this key in the same instant; repeat.", refused=True
    ),
    "RequestTimeout": Fault(
        Unavailable, "upload_timeout", "The body arrived too slowly and was dropped; repeat.", refused=True
    ),
    "UserNetworkTooSlow": Fault(
        Unavailable, "network_too_slow", "The body arrived too slowly and was dropped; repeat.", refused=True
    ),
    "SlowDown": Fault(
        RateLimited, "slow_down", "Too many requests; wait a second and ask less often.", retry_after=1.0
    ),
    "ServiceUnavailable": Fault(Unavailable, "service_unavailable", "COS is overloaded or down; repeat later."),
    "InternalError": Fault(Unavailable, "internal_error", "COS failed inside; repeat later."),
}

FAULTS: Final = FaultTable(NAME, {**_CREDENTIAL, **_ABSENT, **_REQUEST, **_STATE, **_BUSINESS, **_PASSING})

_REFUSED: Final = Fault(Invalid, "refused", "COS refused the request with a code that is not in our table; look it up.")


def fallback(status: int) -> Fault | None:
    """What a status says when the code is unknown or there is none; None leaves it to the table."""
    if status == 429:
        return FAULTS["SlowDown"]
    if status >= 500:
        return FAULTS["ServiceUnavailable"]
    if status in {403, 404}:
        return FAULTS[str(status)]
    return _REFUSED if status == 400 else None
