"""What each code of the Marketing API means for the caller (vendor page "错误码", v3.0/docs/errors)."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Final

from adapters.base.errors import (
    Conflict,
    Fault,
    FaultTable,
    Invalid,
    QuotaExhausted,
    RateLimited,
    Unauthorized,
    Unavailable,
)

NAME: Final = "social_ads"
#: The code whose wait is computed: until the allowance begins anew.
PER_DAY: Final = "11018"
BEIJING: Final = timezone(timedelta(hours=8))

_AUTHORISE = "authorise the account again on the platform's consent page and enter the new pair in its settings"
_APP_LIMIT = Fault(
    Unauthorized,
    "application_limit",
    "A limit of the application or of its token was reached; look at the application's level and tokens in "
    "the platform's developer console.",
)
_PARAMETER = Fault(
    Invalid,
    "parameter",
    "The platform did not accept a parameter; compare the request with the endpoint's documentation.",
)
_CODE = "open the consent page again and exchange the code that it sends at once"
_SYSTEM = Fault(Unavailable, "system_error", "The platform timed out or failed inside; repeat a little later.")
#: The platform names this case by its message alone.
_NONCE = Fault(
    Unavailable,
    "nonce_used",
    "The platform had seen the request's nonce before and did nothing; repeat with a new one.",
    refused=True,
)

FAULTS: Final = FaultTable(
    NAME,
    {
        10000: Fault(Unavailable, "platform_busy", "The platform is busy; repeat a little later."),
        10001: Fault(Unavailable, "maintenance", "The platform is under maintenance; repeat later."),
        11000: Fault(
            Unauthorized,
            "access_token_expired",
            f"The access token expired and a new one was refused too; {_AUTHORISE}.",
            renew_token=True,
        ),
        11002: Fault(
            Unauthorized,
            "access_token_invalid",
            f"The access token is not valid and a new one was refused too; {_AUTHORISE}.",
            renew_token=True,
        ),
        11004: Fault(
            Unauthorized,
            "access_token_malformed",
            "The access token is not of the platform's form; check the pair in the account's settings.",
        ),
        11005: Fault(
            Unauthorized,
            "access_token_empty",
            "The access token is empty; check the pair in the account's settings.",
        ),
        11007: Fault(
            Unauthorized,
            "application_unknown",
            "The platform does not know the application; check client_id and client_secret.",
        ),
        11008: _APP_LIMIT,
        11009: Fault(Unauthorized, "consent_code_expired", f"The consent code is too old; {_CODE}."),
        11010: Fault(
            Unauthorized,
            "refresh_token_malformed",
            "The refresh token is not of the platform's form; check the pair in the account's settings.",
        ),
        11011: Fault(
            Unauthorized, "consent_code_malformed", f"The consent code is not of the platform's form; {_CODE}."
        ),
        11012: Fault(
            Unauthorized,
            "refresh_token_expired",
            f"The refresh token is over 30 days old, revoked, or was exchanged elsewhere; {_AUTHORISE}.",
        ),
        11013: Fault(
            Unauthorized,
            "consent_code_used",
            f"The consent code was exchanged before; if its token pair was not kept, {_CODE}.",
        ),
        11014: Fault(
            Unauthorized,
            "scope",
            "The authorisation does not cover this call or account; authorise again with the scopes "
            "ads_management, ads_insights, account_management, audience_management and user_actions.",
        ),
        11016: Fault(RateLimited, "per_second", "Too many calls in this second; wait a second.", retry_after=1.0),
        11017: Fault(RateLimited, "per_minute", "Too many calls in this minute; wait a minute.", retry_after=60.0),
        PER_DAY: Fault(
            QuotaExhausted,
            "per_day",
            "The day's calls to this endpoint are used up; they are counted anew from midnight in Beijing.",
        ),
        11019: Fault(RateLimited, "too_frequent", "Too many calls; slow down."),
        11020: _APP_LIMIT,
        11022: _APP_LIMIT,
        11101: _APP_LIMIT,
        30000: _SYSTEM,
        30001: _SYSTEM,
        31033: Fault(
            Invalid,
            "parameter_not_permitted",
            "A parameter is not permitted here; compare the request with the endpoint's documentation.",
        ),
        31060: Fault(
            Conflict,
            "request_id_reused",
            "An ad was created under this key with other content; use a new key for another ad.",
        ),
    },
)


def by_family(code: int, message: str) -> Fault | None:
    """The fault of a code that is not in the table, by the block it is in; None leaves it unknown.

    ``message`` is looked at for the one case that has no known code, and is not kept.
    """
    if "nonce has been used" in message.lower():
        return _NONCE
    if 30000 <= code <= 30099:
        return _SYSTEM
    if 31000 <= code <= 31999:
        return _PARAMETER
    return None


def by_status(status: int) -> Fault:
    """The fault of an HTTP status other than 200: business errors come with 200, so a gateway spoke."""
    if status == 429:
        return Fault(RateLimited, "gateway_rate", "The platform's gateway asks to slow down.")
    if 400 <= status < 500 and status != 408:
        return Fault(
            Invalid,
            "gateway_refused",
            "The platform's gateway refused the request before it was handled; check base_url and its size.",
        )
    return Fault(Unavailable, "gateway_failed", "The platform's gateway failed; repeat a little later.")


def next_quota_day(now: datetime) -> datetime:
    """When the day's allowance begins anew: the coming midnight in Beijing."""
    day = now.astimezone(BEIJING).date() + timedelta(days=1)
    return datetime(day.year, day.month, day.day, tzinfo=BEIJING)
