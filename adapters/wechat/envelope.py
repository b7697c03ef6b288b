"""The answer envelope of the WeChat platforms: HTTP 200 with ``errcode``, absent or 0 on success."""

from __future__ import annotations

import re
from collections.abc import Container
from datetime import datetime, timedelta, timezone
from typing import Final, TypeVar

import msgspec

from adapters.base.endpoint import Endpoint
from adapters.base.errors import Fault, FaultTable, QuotaExhausted, RateLimited, Unavailable
from adapters.base.runtime import Clock
from adapters.base.transport import Response

T = TypeVar("T")

#: The platforms count days in their own zone, which has no summer time.
_BEIJING: Final = timezone(timedelta(hours=8))
_RID: Final = re.compile(r"\brid:\s*([0-9a-f]+(?:-[0-9a-f]+)*)", re.IGNORECASE)
_HINT: Final = re.compile(r"\bhint:\s*\[([^\]\s]{1,64})\s*\]", re.IGNORECASE)


class Envelope(msgspec.Struct):
    """The part of an answer that says how it went. A few endpoints send ``errcode`` as text."""

    errcode: int | str | None = 0
    errmsg: str | None = ""


def decode(
    response: Response,
    kind: type[T],
    table: FaultTable,
    endpoint: Endpoint,
    account: str,
    *,
    clock: Clock | None = None,
    done: Container[int] = (),
) -> T:
    """The answer as ``kind``, a msgspec struct.

    Args:
        response: the whole HTTP answer.
        kind: what a success decodes to; ``Envelope`` where nothing but the outcome is answered.
        table: the tool's error table; an ``errcode`` other than 0 is looked up in it.
        endpoint: decides whether a failure without a clear answer is Unavailable or OutcomeUnknown.
        account: the platform's own account id, for the error.
        done: codes that say "this was done before", whose answer is read like a success.
        clock: with it, a QuotaExhausted says when the day ends at the platform (midnight in Beijing).

    Raises:
        UpstreamError: by the table; Unavailable (a write: OutcomeUnknown) for 5xx, HTML and empty bodies.
        ValueError: the body is no JSON object, which the seam reports as Malformed or OutcomeUnknown.
    """
    envelope = _envelope(response, table, endpoint, account)
    code = int(envelope.errcode or 0)
    if code and code not in done:
        error = table.error(
            code,
            endpoint=endpoint.name,
            account=account,
            request_id=request_id(envelope.errmsg or ""),
            writes=endpoint.writes,
        )
        if isinstance(error, QuotaExhausted) and clock is not None:
            error.resets_at = next_midnight(clock.now())
        raise error
    if response.status != 200:
        raise ValueError("a success is answered with HTTP status 200 only")
    return msgspec.json.decode(response.body, type=kind)


def request_id(errmsg: str) -> str:
    """The platform's trace id in an ``errmsg``: the ``rid``, else the older ``hint``, else empty."""
    found = _RID.search(errmsg) or _HINT.search(errmsg)
    return found.group(1) if found else ""


def next_midnight(now: datetime) -> datetime:
    """When daily allowances are counted anew: the next midnight in Beijing, as an aware UTC instant."""
    today = now.astimezone(_BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)
    return (today + timedelta(days=1)).astimezone(now.tzinfo)


def _envelope(response: Response, table: FaultTable, endpoint: Endpoint, account: str) -> Envelope:
    body = response.body.lstrip()
    if response.status < 500 and response.status != 429 and body.startswith(b"{"):
        return msgspec.json.decode(body, type=Envelope)
    # A proxy in front of the platform spoke, or nobody did.
    fallback = _TOO_FAST if response.status == 429 else _NO_ANSWER
    if response.status >= 429 or not body or body.startswith(b"<"):
        raise table.error(
            f"http_{response.status}",
            endpoint=endpoint.name,
            account=account,
            writes=endpoint.writes,
            fallback=fallback,
        )
    raise ValueError("the answer is no JSON object")


_NO_ANSWER: Final = Fault(
    Unavailable,
    "no_answer",
    "A gateway in front of the platform answered in its place; repeat later.",
)
_TOO_FAST: Final = Fault(RateLimited, "too_fast", "A gateway in front of the platform asks for fewer calls; slow down.")
