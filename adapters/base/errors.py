"""The ten kinds of failure an upstream platform can cause, named by what the caller must do.

    UpstreamError
    ├── NotFound         nothing there: show nothing, do not retry
    ├── Invalid          our request was malformed: a bug or bad input, do not retry
    ├── Rejected         a business rule said no: tell the user
    ├── Conflict         the state moved: read again, then decide
    ├── Unauthorized     credential or permission: an operator must act
    ├── RateLimited      too fast: wait ``retry_after`` seconds
    ├── QuotaExhausted   the allowance is spent: wait until ``resets_at``
    ├── Unavailable      provably not done (never sent, or a read): safe to repeat
    ├── OutcomeUnknown   a write that was or may have been sent: ask before repeating
    └── Malformed        an unreadable answer to a read

A ``NotFound`` may also be a *value*: batch functions return it in place of the missing item.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


class UpstreamError(Exception):
    """A platform did not do what was asked.

    ``message`` is our own sentence and may be shown to a caller. The platform's own text is never
    kept: it can carry secrets and personal data.

    Attributes:
        tool: one of the seven tool names.
        reason: stable lower-case slug from the tool's error table, such as ``invalid_openid``.
        upstream_code: the platform's code as text, empty when there was no answer.
        endpoint: our name of the remote endpoint.
        account: the platform's own account id (appid, mchid, corpid, bucket).
        request_id: the platform's trace id, for its support desk.
        unknown_code: the tool's error table has no row for the code; such codes are counted.
        ask_first: the platform wants to be asked what became of the call before it is sent again, so that the
            seam does not repeat it, whatever the endpoint declares.
    """

    kind: ClassVar[str] = "UPSTREAM"
    #: True when the same call may be repeated later without risk of a double effect.
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        tool: str,
        reason: str,
        message: str,
        *,
        upstream_code: str = "",
        endpoint: str = "",
        account: str = "",
        request_id: str = "",
        retry_after: float | None = None,
        resets_at: datetime | None = None,
        renew_token: bool = False,
        unknown_code: bool = False,
        ask_first: bool = False,
    ) -> None:
        super().__init__(message)
        self.tool = tool
        self.reason = reason
        self.message = message
        self.upstream_code = upstream_code
        self.endpoint = endpoint
        self.account = account
        self.request_id = request_id
        self.retry_after = retry_after
        self.resets_at = resets_at
        self.renew_token = renew_token
        self.unknown_code = unknown_code
        self.ask_first = ask_first

    def __str__(self) -> str:
        where = ".".join(part for part in (self.tool, self.endpoint) if part)
        code = f" (upstream code {self.upstream_code})" if self.upstream_code else ""
        return f"{where}: {self.reason}: {self.message}{code}"


class NotFound(UpstreamError):
    """The platform knows no such thing."""

    kind = "NOT_FOUND"


class Invalid(UpstreamError):
    """The platform could not accept the shape of the request."""

    kind = "INVALID"


class Rejected(UpstreamError):
    """A business rule of the platform refused the request."""

    kind = "REJECTED"


class Conflict(UpstreamError):
    """The thing is in another state than the request assumed."""

    kind = "CONFLICT"


class Unauthorized(UpstreamError):
    """The credential or a permission is missing, wrong, expired or revoked."""

    kind = "UNAUTHORIZED"


class RateLimited(UpstreamError):
    """Too many calls for now; ``retry_after`` is in seconds."""

    kind = "RATE_LIMITED"
    retryable = True


class QuotaExhausted(UpstreamError):
    """The allowance of a day or month is spent; ``resets_at`` is aware."""

    kind = "QUOTA_EXHAUSTED"


class Unavailable(UpstreamError):
    """Nothing was done: the request never left, or it was a read."""

    kind = "UNAVAILABLE"
    retryable = True


class OutcomeUnknown(UpstreamError):
    """A write was or may have been sent and nobody said what became of it."""

    kind = "OUTCOME_UNKNOWN"


class Malformed(UpstreamError):
    """The answer to a read could not be understood."""

    kind = "MALFORMED"


KINDS: tuple[type[UpstreamError], ...] = (
    NotFound,
    Invalid,
    Rejected,
    Conflict,
    Unauthorized,
    RateLimited,
    QuotaExhausted,
    Unavailable,
    OutcomeUnknown,
    Malformed,
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of a tool's error table: what a remote code means for the caller.

    ``kind`` Unavailable on a write becomes OutcomeUnknown, unless ``refused`` says that the platform
    documents the code as "nothing was done". ``ask_first``: see UpstreamError.
    """

    kind: type[UpstreamError]
    reason: str
    message: str
    renew_token: bool = False
    retry_after: float | None = None
    refused: bool = False
    ask_first: bool = False


class FaultTable(Mapping[str, Fault]):
    """A tool's whole error table: remote code (as text) → Fault. Unknown codes stay visible, as Rejected."""

    def __init__(self, tool: str, rows: Mapping[str | int, Fault]) -> None:
        self.tool = tool
        self._rows = {str(code): fault for code, fault in rows.items()}

    def __getitem__(self, code: str) -> Fault:
        return self._rows[code]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def error(
        self,
        code: str | int,
        *,
        endpoint: str = "",
        account: str = "",
        request_id: str = "",
        writes: bool = False,
        retry_after: float | None = None,
        resets_at: datetime | None = None,
        fallback: Fault | None = None,
        is_status: bool = False,
    ) -> UpstreamError:
        """The error for a remote code. ``writes`` says that the endpoint has an effect.

        ``fallback`` is for codes that are not in the table, chosen by the caller from what else it
        knows (an HTTP status, a code family). ``is_status``: the code is the HTTP status, for want of another.
        """
        text = str(code)
        fault = self._rows.get(text) or fallback or _UNKNOWN
        kind = fault.kind
        if writes and kind in {Unavailable, Malformed} and not fault.refused:
            kind = OutcomeUnknown
        return kind(
            self.tool,
            fault.reason,
            fault.message,
            upstream_code=text,
            endpoint=endpoint,
            account=account,
            request_id=request_id,
            retry_after=retry_after if retry_after is not None else fault.retry_after,
            resets_at=resets_at,
            renew_token=fault.renew_token,
            unknown_code=text not in self._rows and not is_status,
            ask_first=fault.ask_first,
        )


_UNKNOWN = Fault(
    Rejected,
    "unknown_code",
    "The platform refused with a code that is not in our table; look it up in its documentation.",
)
