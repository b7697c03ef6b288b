"""Every code of the vendor's pages for the calls we make, and what a caller does about it.

Vendor pages: api_code2session, api_getphonenumber, api_getunlimitedqrcode, api_uploadshippinginfo, the datacube's,
微信小店 commErrCode, and the error tables of the product, order, after-sale and funds pages.
"""

from __future__ import annotations

from typing import Final

from adapters.base.errors import (
    Conflict,
    Fault,
    FaultTable,
    Invalid,
    NotFound,
    RateLimited,
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
_MESSAGES_BLOCKED = Fault(
    Rejected, "subscribe_blocked", "The platform blocks this mini-program's messages; see its console."
)
_ADDRESS = Fault(Invalid, "return_address", "Give the number of a return address (退货地址) of the store's console.")
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
        43107: _MESSAGES_BLOCKED,
        43108: _MESSAGES_BLOCKED,
        # Sessions and codes.
        87009: Fault(Rejected, "session_over", "The session key is not the shopper's any more; let them log in again."),
        89300: Fault(
            NotFound, "payment_unknown", "The platform knows no such payment of this shopper's, or it is too long ago."
        ),
        40169: Fault(
            Invalid, "scene", "A scene has 1 to 32 characters, of a few kinds; map long ones to short tokens."
        ),
        # Visits.
        61500: Fault(Invalid, "date_format", "The platform wants days as 20240501; this is a bug in the client."),
        61501: Fault(Invalid, "date_range", "These figures are given for other spans; ask for one of theirs."),
        61503: Fault(
            Unavailable, "figures_not_ready", "The figures of that day are not there yet; ask some hours later."
        ),
        # Shipping information.
        10060001: Fault(
            NotFound,
            "payment_unknown",
            "The platform does not know this payment (yet: it takes a minute), or it was another mchid's.",
        ),
        10060004: Fault(Conflict, "shipping_state", "The payment is in no state to be shipped; read it again."),
        10060012: Fault(Invalid, "payer", "The openid is not the payer's in this mini-program; correct it."),
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
        10020054: Fault(Rejected, "stock_update", "The store did not change the stock; read it, then decide."),
        10020067: Fault(Conflict, "product_uploading", "The product's pictures are still being stored; list it later."),
        10020091: Fault(Rejected, "product_kind", "Products of this kind cannot be changed by this call."),
        10020112: Fault(
            RateLimited,
            "stock_too_often",
            "This variant's stock was changed too often; change it later.",
            retry_after=60.0,
        ),
        10020217: Fault(Conflict, "product_in_audit", "The product's draft is being audited; wait, or take it back."),
        10020218: Fault(Invalid, "stock_delta", "A change of stock by nothing is refused; leave it out."),
        10020219: Fault(Rejected, "stock_short", "The store has not as many pieces as were to be taken away."),
        10020220: Fault(Rejected, "stock_over_codes", "There are fewer voucher codes than pieces; add codes first."),
        10020289: Fault(Conflict, "never_listed", "The product was never on sale: its stock stands in its draft."),
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
        10021045: Fault(Rejected, "refund_failed", "The platform could not refund; see the after-sale in the console."),
        10021046: Fault(
            Rejected, "balance_short", "The store's balance does not cover the refund; put money in, repeat."
        ),
        10021058: _ADDRESS,
        10021060: _ADDRESS,
        10021062: _ADDRESS,
        10021059: Fault(
            RateLimited, "refund_too_often", "An order is refunded once a minute; repeat in a minute.", retry_after=60.0
        ),
        10021068: Fault(Conflict, "negotiate_first", "The platform wants a proposal to the buyer before a refusal."),
        10021044: Fault(Unavailable, "after_sale_busy", "The after-sale is being changed; repeat later.", refused=True),
        10021051: Fault(Conflict, "dispute", "The platform is deciding a dispute on this after-sale; wait for it."),
        # Funds.
        10021302: Fault(
            NotFound, "flow_unknown", "The store's ledger has no such entry (yet: a day's come after 16:00)."
        ),
        10022002: Fault(Unauthorized, "store_banned", "The store is banned; see its console."),
        669900000: _BAD_ARGUMENT,
        669900001: Fault(Unavailable, "platform_busy", "The platform is busy; repeat later."),
    },
)

#: For codes with a scene 45009 tells of 5,000 a minute, not of the day's allowance.
CODE_FAULTS: Final = FaultTable(
    FAULTS.tool,
    {
        **dict(FAULTS.items()),
        "45009": Fault(
            RateLimited, "minute_quota", "More codes than 5,000 in this minute; wait a minute.", retry_after=60.0
        ),
    },
)
