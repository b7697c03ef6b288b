"""POST Object: the multipart form, its signature and its policy."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from adapters.cloud_storage.sandbox.refusals import Refusal
from adapters.cloud_storage.sandbox.signature import keyed, within

_BOUNDARY: Final = re.compile(r'multipart/form-data;.*?boundary="?([^";]{1,200})"?', re.IGNORECASE)
_NAME: Final = re.compile(r';\s*name="([^"]*)"')
_FILENAME: Final = re.compile(r';\s*filename="([^"]*)"')
#: What the policy must say besides its own conditions, so that a policy cannot be signed over.
_REQUIRED: Final = {"q-sign-algorithm", "q-ak", "q-sign-time"}


@dataclass(frozen=True, slots=True)
class Form:
    """The fields before the file, names in lower case, and the file. Parts after the file do not count."""

    fields: Mapping[str, str]
    file: bytes
    filename: str

    @property
    def key(self) -> str:
        """The object's key, with ``${filename}`` filled in."""
        return self.fields.get("key", "").replace("${filename}", self.filename)


def parse(content_type: str, body: bytes) -> Form:
    """Read a multipart/form-data body; raises Refusal MalformedPOSTRequest."""
    match = _BOUNDARY.match(content_type)
    if match is None:
        raise _malformed("The body is not multipart/form-data.")
    fields: dict[str, str] = {}
    for part in (b"\r\n" + body).split(b"\r\n--" + match[1].encode())[1:]:
        if part.startswith(b"--"):
            break
        head, separator, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        disposition = next(
            (line for line in head.decode("utf-8", "replace").split("\r\n") if "form-data" in line.lower()),
            "",
        )
        name = _NAME.search(disposition)
        if not separator or name is None:
            raise _malformed("A part of the form has no name.")
        if name[1] == "file":
            filename = _FILENAME.search(disposition)
            return Form(fields, content, filename[1] if filename else "")
        fields[name[1].lower()] = content.decode("utf-8", "replace")
    raise _malformed("The form has no file.")


def check_signature(form: Form, keys: Mapping[str, str], now: datetime) -> str:
    """The SecretId that signed the form; raises Refusal."""
    fields = form.fields
    if "policy" not in fields or "q-signature" not in fields:
        raise Refusal("AccessDenied", "Access Denied.")
    if fields.get("q-sign-algorithm") != "sha1":
        raise Refusal("InvalidArgument", "The value of q-sign-algorithm is not supported.")
    key_time, ak = fields.get("q-key-time", ""), fields.get("q-ak", "")
    within(key_time, now)
    if ak not in keys:
        raise Refusal("InvalidAccessKeyId", "The access key Id you provided does not exist in our records.")
    digest = hashlib.sha1(_policy_text(fields["policy"])).hexdigest()
    if not hmac.compare_digest(keyed(keyed(keys[ak], key_time), digest), fields["q-signature"]):
        raise Refusal("SignatureDoesNotMatch", "The Signature you specified is invalid.")
    return ak


def check_policy(form: Form, bucket: str, now: datetime) -> None:
    """Raise Refusal unless the form keeps every condition of its policy."""
    try:
        policy = orjson.loads(_policy_text(form.fields["policy"]))
        expires = datetime.fromisoformat(policy["expiration"])
        rules = [_rule(condition) for condition in policy["conditions"]]
    except (ValueError, KeyError, TypeError) as error:
        raise Refusal("InvalidPolicyDocument", "The policy document is malformed.") from error
    if expires.tzinfo is None:
        raise Refusal("InvalidPolicyDocument", "The expiration has no time zone.")
    if now >= expires:
        raise Refusal("AccessDenied", "Request has expired")
    if not {name for _, name, _ in rules} >= _REQUIRED:
        raise Refusal("InvalidPolicyDocument", "The policy does not name its own signature.")
    actual = {**form.fields, "key": form.key, "bucket": bucket, "q-sign-time": form.fields["q-key-time"]}
    for operator, name, wanted in rules:
        if operator == "content-length-range":
            _check_size(len(form.file), wanted)
        else:
            value = actual.get(name)
            kept = value is not None and (value == wanted if operator == "eq" else value.startswith(wanted))
            if not kept:
                raise Refusal("AccessDenied", "The form does not keep a condition of its policy.")


def _rule(condition: object) -> tuple[str, str, Any]:
    """(operator, lower-case field name, wanted value) of one condition; raises ValueError."""
    match condition:
        case {**pairs} if len(pairs) == 1:
            ((name, wanted),) = pairs.items()
            if isinstance(wanted, str):
                return "eq", str(name).lower(), wanted
        case ["eq" | "starts-with" as operator, str(name), str(wanted)] if name.startswith("$"):
            return operator, name[1:].lower(), wanted
        case ["content-length-range", int(least), int(most)]:
            return "content-length-range", "", (least, most)
        case _:
            pass
    raise ValueError("unknown condition")


def _check_size(size: int, wanted: tuple[int, int]) -> None:
    if size < wanted[0]:
        raise Refusal("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size.")
    if size > wanted[1]:
        raise Refusal("EntityTooLarge", "Your proposed upload exceeds the maximum allowed object size.")


def _policy_text(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refusal("InvalidPolicyDocument", "The policy is not base64.") from error


def _malformed(message: str) -> Refusal:
    return Refusal("MalformedPOSTRequest", message)
