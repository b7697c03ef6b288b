"""Every code of the vendor's pages for the calls we make, and what a caller does about it.

Vendor pages: api_code2session, api_getphonenumber, 微信小店 commErrCode, and the error tables of the product,
order and after-sale pages.
"""

from __future__ import annotations

from typing import Final

from adapters.base.errors import (
    Conflict,
    Fault,
    FaultTable,
    Invalid,
    NotFound,
    Rejected,
    Unauthorized,
    Unavailable,
)
from adapters.wechat.faults import APP_ROWS, TOKEN_ROWS

_IP = Fault(
    Unauthorized,
    "ip_not_allowed",
    "Our address is not on the store's IP allow-list; add it in the store's console.",
)
_NO_AFTER_SALE = Fault(NotFound, "after_sale_unknown", "The store has no such after-sale.")
_BAD_ARGUMENT = Fault(Invalid, "arguments", "The store calls an argument invalid; compare it with the vendor's page.")
_SESSION_OVER = "This login code does not work any more; let the shopper open the page again for a new one."

FAULTS: Final = FaultTable(
    "mini_program_store",
    {
        **TOKEN_ROWS,
        # After the token endpoint's own rows: elsewhere 40001 speaks of the token, not of the secret.
        **APP_ROWS,
        # Login and phone number.
        40003: Fault(NotFound, "openid_unknown", "This openid does not belong to this account's shoppers."),
        40029: Fault(Rejected, "code_invalid", _SESSION_OVER),
        40163: Fault(Rejected, "code_used", _SESSION_OVER),
        40226: Fault(Rejected, "user_blocked", "The platform holds this user for risky; deny the login."),
        41008: Fault(Invalid, "code_missing", "The request carried no login code; give one."),
        # Subscribe messages.
        40037: Fault(
            Invalid, "template_unknown", "The mini-program has no such template; see 订阅消息 in its console."
        ),
        41030: Fault(Invalid, "page_path", "The page behind the tap does not exist or is not published; correct it."),
        43101: Fault(
            Rejected, "no_grant", "The shopper refused the template, or accepted no further message of it; ask again."
        ),
        47003: Fault(
            Invalid,
            "template_field",
            "A field of the template is missing or breaks its type's rule (a thing: 1 to 20 characters).",
        ),
        # Any call.
        40066: Fault(Invalid, "url", "The platform does not know this path; this is a bug in the client."),
        41018: Fault(Invalid, "component_appid", "The call is for third-party platforms; use our own token."),
        45002: Fault(Invalid, "body_too_large", "The request body is too large; ask for less at once."),
        45035: _IP,
        61004: _IP,
        "http_403": _IP,
        61007: Fault(Unauthorized, "not_permitted", "A permission set is missing; grant it in the store's console."),
        76021: Fault(Invalid, "quota_path", "The platform knows no quota for this path; correct the path."),
        10080000: Fault(
            Unauthorized, "store_closing", "The store is being closed; finish or stop that in its console."
        ),
        10080001: Fault(Unauthorized, "store_closed", "The store is closed; remove the account from the settings."),
        10080002: Fault(
            Unauthorized,
            "talent_account",
            "This is a talent's account (达人), not a store; use a store's appid.",
        ),
        # Products and stock.
        10020050: Fault(
            Unauthorized,
            "not_permitted",
            "The store may not use this call; see its console for the permission.",
        ),
        10020051: _BAD_ARGUMENT,
        10020055: _BAD_ARGUMENT,
        10020052: Fault(NotFound, "product_unknown", "The store has no such product."),
        # Orders.
        31042: Fault(
            Invalid,
            "too_many_orders",
            "More orders lie in this time window than can be listed; ask for a shorter one.",
        ),
        606006: Fault(
            Conflict,
            "cursor_mismatch",
            "The page cursor belongs to another question; begin at the first page.",
        ),
        100003: Fault(
            Unavailable,
            "order_busy",
            "The order is being changed by somebody else; repeat later.",
            refused=True,
        ),
        606034: Fault(Unauthorized, "not_the_shipper", "Only the designated third party may ship this order."),
        # After-sales.
        10020000: _NO_AFTER_SALE,
        10021050: _NO_AFTER_SALE,
        10021057: _NO_AFTER_SALE,
        10021043: Fault(NotFound, "after_sale_foreign", "The after-sale belongs to another store."),
        10020001: Fault(Conflict, "after_sale_state", "The after-sale has moved on; read it again."),
        10021041: Fault(Conflict, "after_sale_state", "The after-sale has moved on; read it again."),
        10020003: Fault(Invalid, "openid", "The store calls the openid invalid; give one of this store's."),
        10020004: Fault(Invalid, "window_too_wide", "After-sales are listed for at most 24 hours at once."),
        10021044: Fault(Unavailable, "after_sale_busy", "The after-sale is being changed; repeat later.", refused=True),
        10021051: Fault(Conflict, "dispute", "The platform is deciding a dispute on this after-sale; wait for it."),
    },
)
