"""COS error codes (错误码) and what each means for the caller.

COS names errors with words in an XML document. Two kinds of keys are ours: ``Request has expired`` is a
*message* that arrives under the code AccessDenied, and numbers are HTTP statuses of answers without a
document, which is how HEAD reports every failure. STS's codes stand in the same table; the ``InternalError.…`` of STS
fall under COS's ``InternalError``.
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

#: STS speaks Tencent Cloud API 3.0: codes with a dot, of which one without a row falls under the part before it.
_TEMPORARY_KEYS: Final[dict[str | int, Fault]] = {
    "AuthFailure": _operator("sts_credentials", "STS refused the key pair; check secret_id and secret_key."),
    "AuthFailure.AccessKeyIllegal": _operator(
        "sts_key_illegal", "STS does not take this kind of key; configure a sub-account's permanent key."
    ),
    "AuthFailure.SecretIdNotFound": _operator(
        "unknown_secret_id", "STS knows no such SecretId; check secret_id and whether the key is enabled."
    ),
    "AuthFailure.InvalidSecretId": _operator(
        "unknown_secret_id", "This SecretId is of another kind than the API takes; configure one of CAM."
    ),
    "AuthFailure.SignatureFailure": _operator(
        "bad_signature", "The signature does not fit; check that secret_key belongs to secret_id."
    ),
    "AuthFailure.SignatureExpire": _operator(
        "clock_skew", "This machine's clock is more than 5 minutes off; correct it (NTP)."
    ),
    "AuthFailure.TokenFailure": _operator(
        "temporary_key_expired", "The key itself is a temporary one that has expired; configure a permanent key."
    ),
    "AuthFailure.MFAFailure": _operator("mfa_needed", "The sub-account must use MFA for this; take it off in CAM."),
    "UnauthorizedOperation": _operator(
        "sts_not_allowed", "The key may not ask for temporary keys; allow sts:GetFederationToken in CAM."
    ),
    "InvalidParameter": _bug("sts_parameter", "STS refused a parameter; this is a bug."),
    "InvalidParameter.ParamError": _bug("sts_parameter", "STS refused a parameter; this is a bug."),
    "InvalidParameter.StrategyFormatError": _bug("sts_policy", "STS could not read the policy; this is a bug."),
    "InvalidParameter.StrategyInvalid": _bug("sts_policy", "STS calls the policy invalid; this is a bug."),
    "InvalidParameter.PolicyTooLong": _bug("sts_policy_too_long", "The policy is too long; give a shorter scope."),
    "InvalidParameter.OverTimeError": _bug(
        "sts_too_long", "The key would live too long: 7200 s with a root key, 129600 s with a sub-account's."
    ),
    "InvalidParameter.GrantOtherResource": _operator(
        "sts_other_resource", "The bucket is another account's; check bucket and whose the key pair is."
    ),
    "InvalidParameter.ResouceError": _bug("sts_resource", "STS calls the policy's resource malformed; this is a bug."),
    "InvalidParameterValue": _bug("sts_parameter", "STS refused the value of a parameter; this is a bug."),
    "MissingParameter": _bug("sts_parameter", "STS misses a parameter; this is a bug."),
    "UnknownParameter": _bug("sts_parameter", "STS does not know a parameter; this is a bug."),
    "InvalidAction": _bug("sts_action", "STS does not know the action; check sts_url."),
    "UnsupportedRegion": _bug("sts_region", "STS is not offered in this region; check region."),
    "UnsupportedProtocol": _bug("sts_protocol", "STS does not take this protocol; check sts_url."),
    "UnsupportedOperation": _bug("sts_unsupported", "STS does not do this; this is a bug."),
    "ResourceNotFound.RoleNotFound": Fault(NotFound, "no_such_role", "There is no such role; check its name."),
    "FailedOperation": Fault(Rejected, "sts_failed", "STS would not make the key; see the account's console."),
    "RequestLimitExceeded": Fault(
        RateLimited, "sts_rate", "Too many temporary keys a second; ask less often.", retry_after=1.0
    ),
    "LimitExceeded": Fault(Rejected, "sts_limit", "The account's allowance for temporary keys is used up."),
}

FAULTS: Final = FaultTable(
    NAME, {**_CREDENTIAL, **_ABSENT, **_REQUEST, **_STATE, **_BUSINESS, **_PASSING, **_TEMPORARY_KEYS}
)
#: STS's own view: its ``NoSuchVersion`` is not an object's.
STS_FAULTS: Final = FaultTable(
    NAME,
    {
        **_TEMPORARY_KEYS,
        "InternalError": _PASSING["InternalError"],
        "NoSuchVersion": _TEMPORARY_KEYS["InvalidAction"],
    },
)

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
