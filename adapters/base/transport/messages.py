"""What goes over the wire, and the two ways in which it can fail to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


class NotSent(Exception):
    """The request did not leave this machine: no effect is possible."""


class MaybeSent(Exception):
    """The request left, or may have; no complete answer came."""


class Unreadable(MaybeSent):
    """An answer came that is no HTTP, or larger than may be."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, final to the byte: what was signed is what is sent.

    ``repr`` shows neither headers nor body, since both carry credentials. ``private_path`` says that the path
    or the query names a person, so that log lines stop at the host.
    """

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    private_path: bool = False


@dataclass(frozen=True, slots=True)
class Response:
    """One complete HTTP answer; header names are lower case, a repeated header's values are joined by commas."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Transport(Protocol):
    """Sends one request. Raises NotSent or MaybeSent, nothing else."""

    async def send(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109 — the wire's own limit
        """The whole answer within ``timeout`` seconds."""
        ...
