"""Key pairs, permanent and temporary, and what a temporary one may do."""

from __future__ import annotations

import ipaddress
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapters.cloud_storage.sandbox.refusals import Refusal
from adapters.cloud_storage.sandbox.store import Container


@dataclass(frozen=True, slots=True)
class KeyPair:
    """``statements`` are those of a temporary key's policy; a permanent key may do everything in its bucket."""

    secret_id: str
    secret_key: str
    bucket: Container
    token: str = ""
    expires_at: datetime | None = None
    statements: Sequence[Mapping[str, Any]] = ()

    def admit(self, token: str, now: datetime) -> None:
        """Raise Refusal unless the token is the one that goes with the pair, and still good."""
        if token != self.token:
            raise Refusal("AccessDenied", "Access Denied.")
        if self.expires_at is not None and now >= self.expires_at:
            raise Refusal("ExpiredToken", "The provided token has expired.")

    def allow(self, action: str, key: str, address: str) -> None:
        """Raise Refusal unless the pair may do ``action`` (``GetObject``) to a key, or a prefix of a list."""
        if self.expires_at is None:
            return
        bucket = self.bucket
        resource = f"qcs::cos:{bucket.region}:uid/{bucket.app_id}:{bucket.name}/{key}"
        effects = {each["effect"] for each in self.statements if _covers(each, f"name/cos:{action}", resource, address)}
        if effects != {"allow"}:
            raise Refusal("AccessDenied", "Access Denied.")


class Keys:
    """All pairs by SecretId."""

    def __init__(self, buckets: Sequence[Container]) -> None:
        self._pairs = {each.secret_id: KeyPair(each.secret_id, each.secret_key, each) for each in buckets}

    def __getitem__(self, secret_id: str) -> KeyPair:
        return self._pairs[secret_id]

    def get(self, secret_id: str) -> KeyPair | None:
        """The pair, or None."""
        return self._pairs.get(secret_id)

    @property
    def secrets(self) -> Mapping[str, str]:
        """SecretId → SecretKey."""
        return {each.secret_id: each.secret_key for each in self._pairs.values()}

    def lend(self, owner: KeyPair, statements: Sequence[Mapping[str, Any]], expires_at: datetime) -> KeyPair:
        """A new temporary pair for the owner's bucket."""
        made = KeyPair(
            f"AKID{secrets.token_urlsafe(36)}",
            secrets.token_urlsafe(24),
            owner.bucket,
            secrets.token_urlsafe(90),
            expires_at,
            statements,
        )
        self._pairs[made.secret_id] = made
        return made


def listed(value: object) -> list[str]:
    """One text or a list of them."""
    return [value] if isinstance(value, str) else [str(each) for each in value] if isinstance(value, list) else []


def _covers(statement: Mapping[str, Any], action: str, resource: str, address: str) -> bool:
    actions, resources = listed(statement["action"]), listed(statement["resource"])
    if not any(_matches(each, action) for each in actions) or not any(_matches(each, resource) for each in resources):
        return False
    for operator, values in statement.get("condition", {}).items():
        if operator != "ip_equal" or set(values) != {"qcs:ip"}:
            raise Refusal("NotImplemented", f"The condition {operator} is not emulated.")
        networks = [ipaddress.ip_network(each, strict=False) for each in listed(values["qcs:ip"])]
        if not any(ipaddress.ip_address(address) in each for each in networks):
            return False
    return True


def _matches(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), text, re.DOTALL) is not None
