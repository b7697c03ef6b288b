"""COS request signatures (请求签名, ``q-sign-algorithm=sha1``), for headers, URLs and upload forms.

The rules that are easily missed, all from the vendor's page 请求签名:

- the path line of the signed text is the object path *as text*, not percent-encoded;
- the second HMAC is keyed with the hexadecimal *text* of the first one;
- only what is listed is protected, so ``host`` and every query parameter are always listed here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from adapters.base.secrets import Secret

ALGORITHM: Final = "sha1"


def encode(text: str) -> str:
    """Percent-encode UTF-8 bytes except ``A-Z a-z 0-9 - _ . ~``; a slash becomes ``%2F``."""
    return quote(text, safe="")


def encode_path(key: str) -> str:
    """An object key as the path of a URL: like ``encode``, but slashes stay."""
    return "/" + quote(key, safe="/")


def encode_query(params: Mapping[str, str]) -> str:
    """Query text; an empty value keeps its ``=``, a space is ``%20`` and never ``+``."""
    return "&".join(f"{encode(name)}={encode(value)}" for name, value in params.items())


def http_string(method: str, path: str, params: Mapping[str, str], headers: Mapping[str, str]) -> str:
    """HttpString: the canonical request. ``path`` is decoded text that begins with a slash."""
    query, heads = _canonical(params), _canonical(headers)
    return f"{method.lower()}\n{path}\n{_pairs(query)}\n{_pairs(heads)}\n"


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs with one key pair. ``start`` and ``end`` are Unix seconds; a signature is good until ``end``."""

    secret_id: str
    secret_key: Secret

    def pairs(
        self,
        method: str,
        path: str,
        params: Mapping[str, str],
        headers: Mapping[str, str],
        *,
        start: int,
        end: int,
    ) -> dict[str, str]:
        """The seven ``q-`` pairs in the order in which COS documents them.

        ``params`` and ``headers`` are exactly what is to be covered, with the values that go on the wire.
        """
        key_time = f"{start};{end}"
        digest = _sha1(http_string(method, path, params, headers))
        return {
            "q-sign-algorithm": ALGORITHM,
            "q-ak": self.secret_id,
            "q-sign-time": key_time,
            "q-key-time": key_time,
            "q-header-list": ";".join(_canonical(headers)),
            "q-url-param-list": ";".join(_canonical(params)),
            "q-signature": self._sign(key_time, f"{ALGORITHM}\n{key_time}\n{digest}\n"),
        }

    def authorization(
        self,
        method: str,
        path: str,
        params: Mapping[str, str],
        headers: Mapping[str, str],
        *,
        start: int,
        end: int,
    ) -> str:
        """The ``Authorization`` header; unlike in a URL nothing in it is encoded."""
        pairs = self.pairs(method, path, params, headers, start=start, end=end)
        return "&".join(f"{name}={value}" for name, value in pairs.items())

    def form(self, policy: bytes, *, start: int, end: int) -> dict[str, str]:
        """The form fields that sign a policy (POST Object): here the signed text is the policy's SHA-1."""
        key_time = f"{start};{end}"
        digest = hashlib.sha1(policy, usedforsecurity=False).hexdigest()
        return {
            "policy": base64.b64encode(policy).decode("ascii"),
            "q-sign-algorithm": ALGORITHM,
            "q-ak": self.secret_id,
            "q-key-time": key_time,
            "q-signature": self._sign(key_time, digest),
        }

    def _sign(self, key_time: str, text: str) -> str:
        sign_key = _hmac(self.secret_key.reveal(), key_time)
        return _hmac(sign_key, text)


def _canonical(items: Mapping[str, str]) -> dict[str, str]:
    """Names encoded and lower-cased, values encoded, sorted by name."""
    return dict(sorted((encode(name).lower(), encode(value)) for name, value in items.items()))


def _pairs(items: Mapping[str, str]) -> str:
    return "&".join(f"{name}={value}" for name, value in items.items())


def _hmac(key: str, text: str) -> str:
    return hmac.new(key.encode(), text.encode(), hashlib.sha1).hexdigest()


def _sha1(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
