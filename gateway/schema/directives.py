"""Directives that a query may carry. They say what may be answered; ``gateway.schema.wishes`` reads them."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry.directive import DirectiveLocation, DirectiveValue

_PLACES = [DirectiveLocation.QUERY, DirectiveLocation.FIELD]


@strawberry.directive(
    locations=_PLACES,
    description=(
        "No value of this field, or of a field below it, may be older than so many seconds. What is older is read from"
        " its platform where that can be asked, and is null with the error VALUE_TOO_OLD where it cannot. The nearest"
        " one above a field counts; docs/freshness.md has the rules."
    ),
)
def max_age(
    value: DirectiveValue[object],
    seconds: Annotated[int, strawberry.argument(description="0 to 31536000; 0 asks the platform in any case.")],
) -> object:
    """Never called: the schema runs no directive."""
    del seconds
    return value


@strawberry.directive(
    locations=_PLACES,
    description=(
        "While a field's platform fails, an answer may stand in that is older than its ordinary lifetime by so many"
        " seconds at most. It never makes a value older than @maxAge allows. The nearest one above a field counts."
    ),
)
def stale_ok(
    value: DirectiveValue[object],
    seconds: Annotated[int, strawberry.argument(description="0 to 31536000.")],
) -> object:
    """Never called: the schema runs no directive."""
    del seconds
    return value


DIRECTIVES = (max_age, stale_ok)
#: Their names in a document.
MAX_AGE, STALE_OK = "maxAge", "staleOk"
