"""Error rows that every product on api.weixin.qq.com shares; a tool adds its own to them.

    FAULTS = FaultTable("official_account", {**APP_ROWS, 40003: Fault(…)})

Enterprise chat is another host with other meanings of the same numbers and has its own table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from adapters.base.errors import (
    Fault,
    Invalid,
    QuotaExhausted,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
)

_RENEW = "The platform no longer takes the access token; it is renewed once, then an operator must look."

#: errcode → what it means for the caller, on any endpoint that takes an access token.
APP_ROWS: Final[Mapping[str | int, Fault]] = {
    "-1": Fault(Unavailable, "platform_busy", "The platform is busy; repeat later."),
    "40001": Fault(Unauthorized, "token_refused", _RENEW, renew_token=True),
    "40013": Fault(
        Unauthorized, "appid_unknown", "The platform does not know this appid; check the account's settings."
    ),
    "40014": Fault(Unauthorized, "token_invalid", _RENEW, renew_token=True),
    "40033": Fault(Invalid, "charset", "The request holds text that is not plain UTF-8; this is a bug in the client."),
    "40035": Fault(Invalid, "arguments", "The platform calls an argument invalid; compare it with the vendor's page."),
    "40097": Fault(Invalid, "arguments", "The platform calls an argument invalid; compare it with the vendor's page."),
    "40164": Fault(
        Unauthorized,
        "ip_not_allowed",
        "Our address is not on the account's IP allow-list; add it in the platform's console.",
    ),
    "41001": Fault(Unauthorized, "token_missing", "The request carried no access token; this is a bug in the client."),
    "42001": Fault(Unauthorized, "token_expired", _RENEW, renew_token=True),
    "43001": Fault(Invalid, "method", "The endpoint wants GET; this is a bug in the client."),
    "43002": Fault(Invalid, "method", "The endpoint wants POST; this is a bug in the client."),
    "43003": Fault(Invalid, "https", "The endpoint wants HTTPS; correct the account's base_url."),
    "44002": Fault(Invalid, "body_empty", "The request had no body; this is a bug in the client."),
    "45009": Fault(
        QuotaExhausted,
        "daily_quota",
        "The account's daily allowance for this call is used up; it is counted anew at midnight in Beijing.",
    ),
    "45011": Fault(
        RateLimited,
        "minute_quota",
        "Too many calls in this minute; wait a minute and call more slowly.",
        retry_after=60.0,
    ),
    "47001": Fault(Invalid, "body", "The platform could not read the request body; this is a bug in the client."),
    "48001": Fault(
        Unauthorized,
        "not_permitted",
        "The account may not use this call: an ability or its verification is missing; see its console.",
    ),
    "48004": Fault(
        Unauthorized,
        "forbidden",
        "The platform closed this call to the account for a violation; see its console.",
    ),
    "50001": Fault(Unauthorized, "not_authorized", "The account is not authorised for this call; see its console."),
    "50002": Fault(Rejected, "user_limited", "The platform has limited this user; nothing can be done for now."),
    "50004": Fault(Unauthorized, "account_punished", "The platform suspended the account; see its console."),
    "50007": Fault(Unauthorized, "account_frozen", "The platform froze the account; see its console."),
}

#: errcode → meaning on the token endpoint, where it replaces or joins the row above.
TOKEN_ROWS: Final[Mapping[str | int, Fault]] = {
    "40001": Fault(
        Unauthorized, "secret_wrong", "The platform refuses appid and secret; correct the account's secret."
    ),
    "40002": Fault(Invalid, "grant_type", "The platform refuses the grant type; this is a bug in the client."),
    "40125": Fault(Unauthorized, "secret_wrong", "The account's secret is wrong; correct it in the settings."),
    "40243": Fault(Unauthorized, "secret_frozen", "The account's owner froze its secret; unfreeze it in the console."),
    "41002": Fault(Invalid, "appid_missing", "The request carried no appid; this is a bug in the client."),
    "41004": Fault(Invalid, "secret_missing", "The request carried no secret; set the account's secret."),
    "61024": Fault(
        Unauthorized,
        "third_party_appid",
        "This appid is run through a third-party platform, which this gateway does not support.",
    ),
    "89501": Fault(Unauthorized, "ip_pending", "An administrator has yet to confirm calls from our address; ask them."),
    "89503": Fault(
        Unauthorized,
        "ip_unconfirmed",
        "Calls from our address need an administrator's confirmation; ask them.",
    ),
    "89506": Fault(
        Unauthorized,
        "ip_refused_day",
        "An administrator refused our address for 24 hours; ask them to allow it.",
    ),
    "89507": Fault(
        Unauthorized,
        "ip_refused_hour",
        "An administrator refused our address for an hour; ask them to allow it.",
    ),
}
