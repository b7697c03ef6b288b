"""What an endpoint declares about itself, so that the seam knows whether it may be repeated."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import timedelta


class Repeat(enum.Enum):
    """Whether a call may be made again when its outcome is not known."""

    READ = "read"
    IDEMPOTENT = "idempotent"
    ONCE = "once"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One remote endpoint.

    Attributes:
        name: the remote's own name, snake case; key of meters, faults and quotas.
        repeat: may the seam send it again?
        key: for IDEMPOTENT, the request field that makes a repetition harmless.
        key_lifetime: how long the platform remembers the key; None is for ever.
        timeout: seconds for one attempt, at most; a request's deadline may be shorter.
        family: endpoints of one family share a circuit breaker.
    """

    name: str
    repeat: Repeat
    key: str = ""
    key_lifetime: timedelta | None = None
    timeout: float = 5.0
    family: str = "default"

    @property
    def writes(self) -> bool:
        """True when the endpoint has an effect on the platform."""
        return self.repeat is not Repeat.READ


def read(name: str, *, timeout: float = 5.0, family: str = "default") -> Endpoint:
    """An endpoint without effect."""
    return Endpoint(name, Repeat.READ, timeout=timeout, family=family)


def idempotent(
    name: str,
    key: str,
    *,
    lifetime: timedelta | None = None,
    timeout: float = 10.0,
    family: str = "default",
) -> Endpoint:
    """An endpoint whose repetition with the same ``key`` has one effect."""
    return Endpoint(name, Repeat.IDEMPOTENT, key, lifetime, timeout, family)


def once(name: str, *, timeout: float = 10.0, family: str = "default") -> Endpoint:
    """An endpoint that the seam never repeats."""
    return Endpoint(name, Repeat.ONCE, timeout=timeout, family=family)
