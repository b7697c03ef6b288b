"""Why something was not done, as records: refusals of ours, failures of platforms."""

from __future__ import annotations

from gateway.runtime import ToolNotConfigured
from gateway.transactions.pricing import Priced
from gateway.transactions.records import CheckoutInput, Problem
from gateway.transactions.runner import Failure
from gateway.transactions.steps import StepRefused


def check(priced: Priced, asked: CheckoutInput) -> None:
    """Everything must be as the client showed it. Raises StepRefused, with nothing done."""
    quote = priced.quote
    if quote.out_of_stock:
        skus = ", ".join(quote.out_of_stock)
        raise StepRefused(
            "OUT_OF_STOCK", f"Not enough pieces of {skus}; take fewer.", retryable=True, skus=quote.out_of_stock
        )
    if priced.misfit == "LOCKED":
        raise StepRefused("COUPON_LOCKED", "Another order of yours holds this coupon; pay it or let it expire.")
    if priced.misfit is not None:
        raise StepRefused(
            "COUPON_UNUSABLE", f"The coupon does not fit: {priced.misfit}; ask for a quote.", reason=priced.misfit
        )
    if quote.payable != asked.expected_payable:
        raise StepRefused(
            "PRICE_CHANGED",
            f"The basket costs {quote.payable} fen now, not {asked.expected_payable}; show it and ask again.",
            payable=quote.payable,
        )


def problem(error: Failure) -> Problem:
    """A refusal or a failure; never a platform's own text."""
    if isinstance(error, StepRefused):
        return Problem(error.code, error.message, error.retryable, details=error.details)
    if isinstance(error, ToolNotConfigured):
        return Problem(error.code, str(error), tool=error.tool)
    return Problem(error.kind, error.message, error.retryable, error.tool, {"reason": error.reason})


def in_flight() -> Problem:
    """The same request is being worked on."""
    return Problem(
        "IDEMPOTENCY_IN_FLIGHT", "The same request is being worked on; ask again in a moment.", retryable=True
    )


def not_payable(message: str) -> Problem:
    """An order that takes no payment (any more)."""
    return Problem("ORDER_NOT_PAYABLE", message)
