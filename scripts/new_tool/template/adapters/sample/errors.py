"""The platform's codes, and what each one means to a caller."""

from __future__ import annotations

from typing import Final

from adapters.base.errors import Fault, FaultTable, Invalid, Malformed, RateLimited, Unauthorized, Unavailable

NAME: Final = "sample"

FAULTS: Final = FaultTable(
    NAME,
    {
        "bad_client": Fault(
            Unauthorized,
            "bad_client",
            "The platform refused client_id or client_secret; compare them with its console.",
        ),
        "bad_token": Fault(
            Unauthorized,
            "bad_token",
            "The platform did not accept the access token, not even a new one; check the account's permissions.",
            renew_token=True,
        ),
        "bad_request": Fault(
            Invalid, "bad_request", "The platform could not read our request; this is a bug, report it."
        ),
        "too_many_ids": Fault(Invalid, "too_many_ids", "More ids in one call than the platform takes; ask for fewer."),
        "too_fast": Fault(
            RateLimited, "too_fast", "Too many calls in this second; repeat a little later.", retry_after=1.0
        ),
        "busy": Fault(Unavailable, "busy", "The platform failed inside; repeat a little later."),
    },
)

#: An answer without a code of the platform's: a gateway's page.
NO_CODE: Final = Fault(Unavailable, "no_answer", "The platform's gateway answered in its place; repeat a little later.")
#: A status that the documentation does not have.
ODD_STATUS: Final = Fault(Malformed, "odd_status", "The platform answered with a status that it does not document.")


def by_status(status: int) -> Fault:
    """The fault of an answer without a known code."""
    return NO_CODE if status >= 500 else ODD_STATUS
