"""Checks request signatures the way COS does, written from the vendor's page and not from our signer."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from adapters.cloud_storage.sandbox.refusals import Refusal

_UNRESERVED: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")
_FIELDS: Final = (
    "q-sign-algorithm",
    "q-ak",
    "q-sign-time",
    "q-key-time",
    "q-header-list",
    "q-url-param-list",
    "q-signature",
)
_TIMES: Final = re.compile(r"(\d{1,12});(\d{1,12})")
_LARGEST_SKEW: Final = timedelta(minutes=15)


def percent(text: str) -> str:
    """Percent-encoding with upper-case hex; only unreserved characters stay."""
    return "".join(chr(b) if b in _UNRESERVED else f"%{b:02X}" for b in text.encode("utf-8"))


def keyed(key: str, text: str) -> str:
    """Lower-case hex of HMAC-SHA1."""
    return hmac.digest(key.encode("utf-8"), text.encode("utf-8"), "sha1").hex()


def listed(names: str, items: Iterable[tuple[str, str]]) -> str:
    """``k=v&…`` of the items that a ``;`` list names, sorted by name.

    Raises Refusal for a listed name that the request does not carry: what was signed was not sent.
    """
    present = {percent(name).lower(): percent(value) for name, value in items}
    wanted = sorted(name for name in names.split(";") if name)
    if not present.keys() >= set(wanted):
        raise Refusal("SignatureDoesNotMatch", "The Signature you specified is invalid.")
    return "&".join(f"{name}={present[name]}" for name in wanted)


def digest_of(method: str, path: str, parameters: str, headers: str) -> str:
    """SHA-1 of HttpString; ``path`` is decoded."""
    text = method.lower() + "\n" + path + "\n" + parameters + "\n" + headers + "\n"
    return hashlib.sha1(text.encode("utf-8")).hexdigest()


def signature_of(secret_key: str, key_time: str, digest: str) -> str:
    """The signature of a request whose HttpString has this digest."""
    return keyed(keyed(secret_key, key_time), f"sha1\n{key_time}\n{digest}\n")


@dataclass(frozen=True, slots=True)
class Presented:
    """A request's credentials, from its header or its query, and what they may cover."""

    fields: Mapping[str, str]
    method: str
    path: str
    params: list[tuple[str, str]]
    headers: list[tuple[str, str]]

    @property
    def ak(self) -> str:
        """The SecretId the request names."""
        return self.fields["q-ak"]

    def check(self, keys: Mapping[str, str], now: datetime) -> None:
        """Raise Refusal unless the signature is right; ``keys`` is SecretId → SecretKey."""
        if self.fields["q-sign-algorithm"] != "sha1":
            raise Refusal("InvalidArgument", "The value of q-sign-algorithm is not supported.")
        within(self.fields["q-key-time"], now)
        within(self.fields["q-sign-time"], now)
        self._check_date(now)
        secret_key = keys.get(self.ak)
        if secret_key is None:
            raise Refusal("InvalidAccessKeyId", "The access key Id you provided does not exist in our records.")
        if not any(self._signs(headers, secret_key) for headers in (self.headers, self._without_port())):
            raise Refusal("SignatureDoesNotMatch", "The Signature you specified is invalid.")

    def check_strict(self) -> None:
        """严格签名模式: raise Refusal unless the host and every query parameter are signed."""
        signed = set(self.fields["q-header-list"].split(";"))
        asked = set(self.fields["q-url-param-list"].split(";"))
        if "host" not in signed or not {percent(name).lower() for name, _ in self.params} <= asked:
            raise Refusal("AccessDenied", "Access Denied.")

    def _signs(self, headers: list[tuple[str, str]], secret_key: str) -> bool:
        digest = digest_of(
            self.method,
            self.path,
            listed(self.fields["q-url-param-list"], self.params),
            listed(self.fields["q-header-list"], headers),
        )
        expected = signature_of(secret_key, self.fields["q-key-time"], digest)
        return hmac.compare_digest(expected, self.fields["q-signature"])

    def _without_port(self) -> list[tuple[str, str]]:
        """The vendor's Python SDK signs the host name alone. In reality nothing tells the two apart, since
        the real hosts listen on the default ports; on loopback both must be taken."""
        return [(n, v.partition(":")[0] if n == "host" else v) for n, v in self.headers]

    def _check_date(self, now: datetime) -> None:
        date = next((value for name, value in self.headers if name == "date"), None)
        if date is None:
            return
        try:
            skew = abs(parsedate_to_datetime(date) - now)
        except (ValueError, TypeError) as error:
            raise Refusal("InvalidArgument", "The Date header is malformed.") from error
        if skew > _LARGEST_SKEW:
            raise Refusal("RequestTimeTooSkewed", "The difference between request and server time is too large.")


def presented(method: str, path: str, params: list[tuple[str, str]], headers: list[tuple[str, str]]) -> Presented:
    """The credentials of a request; raises Refusal when there are none or they are incomplete."""
    header = next((value for name, value in headers if name == "authorization"), None)
    if header is not None:
        found = dict(pair.partition("=")[::2] for pair in header.split("&"))
    else:
        found = {name: value for name, value in params if name in _FIELDS}
        params = [(name, value) for name, value in params if name not in _FIELDS]
    if "q-signature" not in found:
        raise Refusal("AccessDenied", "Access Denied.")
    if any(name not in found for name in _FIELDS):
        raise Refusal("InvalidArgument", "The Authorization is incomplete.")
    return Presented(found, method, path, params, headers)


def within(times: str, now: datetime) -> None:
    """Raise Refusal unless ``start;end`` holds ``now``; the end is excluded."""
    match = _TIMES.fullmatch(times)
    if match is None:
        raise Refusal("InvalidArgument", "The value of q-key-time is malformed.")
    if not int(match[1]) <= now.timestamp() < int(match[2]):
        raise Refusal("AccessDenied", "Request has expired")
