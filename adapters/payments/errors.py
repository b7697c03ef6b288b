"""What 微信支付's codes mean for the caller.

The platform branches on (HTTP status, code); its older pages spell some codes without underscores, so
``canonical`` is applied first. The platform's own ``message`` is never kept.
"""

from __future__ import annotations

from typing import Final

from adapters.base.errors import (
    Conflict,
    Fault,
    FaultTable,
    Invalid,
    Malformed,
    NotFound,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
)

TOOL: Final = "payments"

#: Old spelling → the one in the table.
SPELLINGS: Final = {
    "SYSTEMERROR": "SYSTEM_ERROR",
    "RULELIMIT": "RULE_LIMIT",
    "ORDERNOTEXIST": "ORDER_NOT_EXIST",
    "NOTENOUGH": "NOT_ENOUGH",
    "NOAUTH": "NO_AUTH",
    "BANKERROR": "BANK_ERROR",
    "ACCOUNTERROR": "ACCOUNT_ERROR",
    "ORDERPAID": "ORDER_PAID",
    "ORDERCLOSED": "ORDER_CLOSED",
    "USERPAYING": "USER_PAYING",
    "FREQUENCY_LIMIT_EXCEED": "FREQUENCY_LIMITED",
    "RATELIMIT_EXCEED": "FREQUENCY_LIMITED",
    "RATELIMIT_EXCEEDED": "FREQUENCY_LIMITED",
}

FAULTS: Final = FaultTable(
    TOOL,
    {
        "PARAM_ERROR": Fault(
            Invalid,
            "invalid_parameter",
            "微信支付 found a field outside its limits; correct the request, and use a new number if the "
            "old one was already accepted with other content.",
        ),
        "INVALID_REQUEST": Fault(
            Rejected,
            "rule_broken",
            "微信支付 refused: the request breaks a rule of the product or does not fit the order's state; "
            "query the order or refund and compare.",
        ),
        "APPID_MCHID_NOT_MATCH": Fault(
            Unauthorized,
            "appid_not_bound",
            "The appid is not bound to this mchid; bind it in the merchant console or correct `appids`.",
        ),
        "MCH_NOT_EXISTS": Fault(
            Unauthorized, "merchant_unknown", "微信支付 knows no such mchid; correct the setting `mchid`."
        ),
        "ORDER_CLOSED": Fault(
            Conflict, "order_closed", "The order is closed at 微信支付; start again with a new number."
        ),
        "ORDER_PAID": Fault(
            Conflict, "order_paid", "The order was paid; query it and go on as for a captured payment."
        ),
        "RESOURCE_ALREADY_EXISTS": Fault(
            Conflict,
            "already_exists",
            "The request number was used with other content, or another request used the coupon; "
            "read the coupon, then decide.",
        ),
        "NO_STATEMENT_EXIST": Fault(NotFound, "no_statement", "There is no bill for that day: nothing was traded."),
        "STATEMENT_CREATING": Fault(
            RateLimited,
            "statement_creating",
            "The bill is still being made; yesterday's is ready from 10:00 Beijing time. Ask again later.",
            retry_after=600.0,
        ),
        "USER_PAYING": Fault(
            Conflict, "payer_paying", "The payer is typing the password at this moment; ask for the order again."
        ),
        "SIGN_ERROR": Fault(
            Unauthorized,
            "signature_refused",
            "微信支付 did not accept our signature; compare `merchant_private_key` with `merchant_serial`, "
            "and the machine's clock with the real time (five minutes at most).",
        ),
        "NO_AUTH": Fault(
            Unauthorized,
            "product_not_opened",
            "This mchid may not use the product; open it in the merchant console. Merchant coupons "
            "(商家券) are closed to merchants that were not connected before 2025-12-15.",
        ),
        "OUT_TRADE_NO_USED": Fault(
            Conflict,
            "out_trade_no_used",
            "The out_trade_no was used before with other parameters, or is paid or closed; query the order "
            "before taking a new number.",
        ),
        "RULE_LIMIT": Fault(
            Rejected,
            "rule_limit",
            "A business rule forbids it now: a coupon outside its validity, or an order in a state that "
            "does not allow the call.",
        ),
        "TRADE_ERROR": Fault(Rejected, "trade_error", "The trade failed at 微信支付; query the order for its state."),
        "NOT_ENOUGH": Fault(
            Rejected,
            "not_enough",
            "The merchant's balance (a coupon's stock or budget) does not cover it; add to it and repeat with the "
            "same number.",
        ),
        "ACCOUNT_ERROR": Fault(Rejected, "payer_account_error", "The payer's account cannot be used for this payment."),
        "USER_ACCOUNT_ABNORMAL": Fault(
            Rejected,
            "payer_account_abnormal",
            "The payer's account is restricted or closed; money must go back another way.",
        ),
        "REQUEST_BLOCKED": Fault(
            Rejected,
            "request_blocked",
            "微信支付 blocked it: a missing permission or a cap per user; look at the merchant console.",
        ),
        "ORDER_NOT_EXIST": Fault(NotFound, "no_order", "微信支付 knows no such order: the prepay never reached it."),
        "RESOURCE_NOT_EXISTS": Fault(NotFound, "no_resource", "微信支付 knows no such refund, order, coupon or batch."),
        # What the query of an unknown transfer answers is not documented; this is what integrators report.
        "NOT_FOUND": Fault(NotFound, "no_transfer", "微信支付 knows no such transfer, or it is older than 30 days."),
        "USER_NOT_EXISTS": Fault(NotFound, "no_user", "The openid does not belong to this appid."),
        "FREQUENCY_LIMITED": Fault(
            RateLimited,
            "too_fast",
            "Too many calls to this interface of 微信支付; repeat after a pause with the same number.",
            retry_after=1.0,
        ),
        "SYSTEM_ERROR": Fault(
            Unavailable,
            "system_error",
            "微信支付 failed inside; repeat with the same number and the same parameters.",
        ),
        "BANK_ERROR": Fault(
            Unavailable, "bank_error", "The bank failed; repeat with the same number and the same parameters."
        ),
        "INVALID_TRANSACTIONID": Fault(Invalid, "invalid_transaction_id", "微信支付 knows no such transaction id."),
        "OPENID_MISMATCH": Fault(Invalid, "openid_mismatch", "The openid does not belong to this appid."),
        "SERVICE_UNAVAILABLE": Fault(
            Unavailable,
            "service_unavailable",
            "微信支付 is not available; repeat with the same number and the same parameters.",
        ),
    },
)


def _with(**rows: Fault) -> FaultTable:
    """The table of endpoints for which some codes mean something else."""
    return FaultTable(TOOL, {code: rows.get(code, fault) for code, fault in FAULTS.items()})


#: For refunds the same codes mean more: too fast may come after the refund was taken on, so it is asked
#: for (refund_status) before anyone sends it again.
_REFUND_TOO_FAST: Final = Fault(
    Unavailable,
    "refund_outcome_unknown",
    "微信支付 limited the call and may have taken the refund on; ask for the refund, then repeat "
    "with the same number. Refunds of one order must be a minute apart.",
    ask_first=True,
)
REFUND_FAULTS: Final = _with(FREQUENCY_LIMITED=_REFUND_TOO_FAST)

#: A second number for a transfer pays twice, so every refusal says what to do with the first.
_TRANSFER_RULE: Final = Fault(
    Rejected,
    "rule_broken",
    "微信支付 refused: a rule or a limit of transfers forbids it, or the number was used with other content; ask for "
    "the transfer before another number is taken.",
)
TRANSFER_FAULTS: Final = _with(INVALID_REQUEST=_TRANSFER_RULE)

UNSIGNED: Final = Fault(
    Malformed,
    "answer_unverified",
    "A good answer came without a valid signature of 微信支付 and was not believed; compare "
    "`platform_key_id`, `platform_public_key` and the machine's clock.",
)
UNKNOWN_KEY: Final = Fault(
    Unavailable,
    "platform_key_unknown",
    "微信支付 signed with a certificate that we do not hold yet; certificates are fetched before the repetition.",
)
NOT_OPENED: Final = Fault(
    Unauthorized, "apiv3_key_refused", "`apiv3_key` does not open the certificates of 微信支付; correct the setting."
)
NO_CERTIFICATE: Final = Fault(
    Unauthorized,
    "no_platform_key",
    "There is no valid certificate of 微信支付; set `platform_key_id` and `platform_public_key`, which new merchants "
    "get instead.",
)
BILL_HASH: Final = Fault(
    Malformed, "bill_hash", "The bill's bytes do not match the hash that was signed for; fetch it again."
)

_FAILED: Final = Fault(Unavailable, "upstream_failed", "微信支付 answered with a server error; repeat later.")
_REFUSED: Final = Fault(
    Rejected,
    "unknown_code",
    "微信支付 refused with a code that is not in our table; look it up in its documentation.",
)
_STRANGE: Final = Fault(Malformed, "unreadable", "微信支付 answered what it does not document; repeat later.")


def canonical(code: str) -> str:
    """The table's spelling of a code."""
    return SPELLINGS.get(code, code)


def by_status(status: int, faults: FaultTable = FAULTS, *, is_whole: bool = True) -> Fault:
    """What an HTTP status means when the code says nothing, by the endpoint's own table where that differs.

    Not ``is_whole``: the body is no answer of the platform's, but a proxy's page or what is left of one. What was
    refused, and whether it was, nobody knows then.
    """
    if status >= 500:
        return _FAILED
    if status == 429:
        return faults["FREQUENCY_LIMITED"]
    if status == 401:
        return faults["SIGN_ERROR"]
    return _REFUSED if status >= 400 and is_whole else _STRANGE
