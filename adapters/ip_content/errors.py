"""The error table: codes of the rights service, and of the rules that this adapter keeps itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from adapters.base.errors import (
    Conflict,
    Fault,
    FaultTable,
    Invalid,
    Malformed,
    NotFound,
    QuotaExhausted,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
)

TOOL_NAME: Final = "ip_content"

FAULTS: Final = FaultTable(
    TOOL_NAME,
    {
        "invalid_client": Fault(
            Unauthorized,
            "invalid_client",
            "The rights service refused client_id or client_secret; set the ones it issued for this brand.",
        ),
        "invalid_token": Fault(
            Unauthorized,
            "invalid_token",
            "The rights service did not accept the access token, not even a new one; check the clock and the "
            "client's registration.",
            renew_token=True,
        ),
        "forbidden": Fault(
            Unauthorized,
            "forbidden",
            "The client may not read this catalogue; ask the licensing department to permit it.",
        ),
        "other_licensee": Fault(
            Unauthorized,
            "other_licensee",
            "The catalogue is for another licensee than the setting 'licensee' names; nothing was imported.",
        ),
        "not_found": Fault(NotFound, "not_found", "The imported catalogue has no such thing."),
        "bad_request": Fault(
            Invalid, "bad_request", "The rights service could not read our request; this is a bug, report it."
        ),
        "bad_scope": Fault(
            Invalid,
            "bad_scope",
            "The clearance query is malformed; give a known channel and use, an ISO 3166 territory and a "
            "range of 1 to 1096 days.",
        ),
        "bad_entry": Fault(
            Invalid,
            "bad_entry",
            "A draw needs a member with a unionid and an entry reference of 1 to 128 characters.",
        ),
        "entry_used": Fault(
            Rejected, "entry_used", "This entry was used for a draw by somebody else; each entry draws once."
        ),
        "daily_cap": Fault(
            QuotaExhausted,
            "daily_cap",
            "The member's draws of today are used up; draw again after midnight, Beijing time.",
        ),
        "risk_rejected": Fault(
            Rejected, "risk_rejected", "The risk check refused the draw; do not repeat it with this entry."
        ),
        "out_of_window": Fault(
            Rejected, "out_of_window", "The activation is not live today; its dates say when it is."
        ),
        "no_cards_left": Fault(
            Rejected, "no_cards_left", "The activation has no card left to draw; the entry was not used."
        ),
        "bad_choice": Fault(Invalid, "bad_choice", "The contest has no such choice; its options say which there are."),
        "closed": Fault(Rejected, "closed", "It is not open now; the entry was not used."),
        "limit_reached": Fault(
            QuotaExhausted,
            "limit_reached",
            "The member's entries, or today's, are used up; the entry was not used.",
        ),
        "illegal_transition": Fault(
            Rejected,
            "illegal_transition",
            "The activation cannot go from its state to this one; read it again.",
        ),
        "store_not_in_territory": Fault(
            Rejected,
            "store_not_in_territory",
            "No grant in force covers one of the stores, on every day of the activation, for offline_store or"
            " ooh_display.",
        ),
        "co_presence_denied": Fault(
            Rejected,
            "co_presence_denied",
            "Another work is in one of the stores in those days, and a grant of one of the two does not permit that.",
        ),
        "sold_out": Fault(Rejected, "sold_out", "Nothing of the limited edition is left; the entry was not used."),
        "reward_claimed": Fault(Rejected, "reward_claimed", "The reward was claimed before."),
        "reward_expired": Fault(Rejected, "reward_expired", "The reward was not claimed in time."),
        "not_licensed": Fault(
            Unauthorized,
            "not_licensed",
            "No agreement of this licensee covers the work today, or the artwork has expired.",
        ),
        "embargoed": Fault(Rejected, "embargoed", "The artwork is under embargo; it says until when."),
        "concept_not_approved": Fault(
            Rejected,
            "concept_not_approved",
            "A master is for a licensed product of the same work whose concept was accepted; name its GTIN.",
        ),
        "insufficient_baseline": Fault(
            Rejected,
            "insufficient_baseline",
            "The baseline has too few days, or nothing in it, to say what was more; widen it.",
        ),
        "version_mismatch": Fault(Conflict, "version_mismatch", "The catalogue changed meanwhile; read it again."),
        "rate_limited": Fault(
            RateLimited, "rate_limited", "More than 20 requests a second; wait and repeat.", retry_after=1.0
        ),
        "internal": Fault(Unavailable, "internal", "The rights service failed; repeat later."),
    },
)

#: For answers without a known code, by HTTP status.
_BY_STATUS: Final[Mapping[int, str]] = {
    400: "bad_request",
    401: "invalid_token",
    403: "forbidden",
    404: "not_found",
    409: "version_mismatch",
    412: "version_mismatch",
    422: "bad_scope",
    429: "rate_limited",
}
_UNEXPECTED: Final = Fault(
    Malformed,
    "unexpected_status",
    "The rights service answered with a status that its contract does not have.",
)


def fallback(status: int) -> Fault:
    """What a status means when the body carries no code that we know."""
    if status >= 500:
        return FAULTS["internal"]
    code = _BY_STATUS.get(status)
    return FAULTS[code] if code is not None else _UNEXPECTED
