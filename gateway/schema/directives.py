"""Directives that a document may carry. ``gateway.schema.wishes`` reads those that say what may be answered,
``gateway.schema.exports`` and ``gateway.schema.atomic`` those that make one thing of several mutations."""

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


@strawberry.directive(
    locations=[DirectiveLocation.MUTATION],
    description=(
        "All fields of this mutation are one transaction (事务): each of them happens, or none stays. They run in the"
        " document's order, and are answered when the outcome is known. A field that fails has the others undone, and"
        " all answer TRANSACTION_ROLLED_BACK. docs/atomic.md says which fields can be part of one, and in which order."
    ),
)
def atomic(
    value: DirectiveValue[object],
    key: Annotated[
        str,
        strawberry.argument(
            description=(
                "8 to 64 characters, one per transaction, kept for its retries: the same key, document and variables"
                " again answer what the first request did (幂等键). The fields need no key of their own."
            )
        ),
    ],
) -> object:
    """Never called: the schema runs no directive."""
    del key
    return value


@strawberry.directive(
    locations=[DirectiveLocation.FIELD],
    description=(
        "In a mutation, put this leaf into a variable for the arguments of the fields that follow. The variable is of"
        ' the leaf\'s type, nullable and with a default, such as $order: ID = "", and the client sends no value for it.'
        " docs/atomic.md has the rules."
    ),
)
def export(
    value: DirectiveValue[object],
    name: Annotated[str, strawberry.argument(name="as", description="The variable, without its dollar.")],
) -> object:
    """Never called: the schema runs no directive."""
    del name
    return value


DIRECTIVES = (max_age, stale_ok, atomic, export)
#: Their names in a document.
MAX_AGE, STALE_OK, ATOMIC, EXPORT = "maxAge", "staleOk", "atomic", "export"
