"""Scalars and small shared shapes of the graph."""

from __future__ import annotations

from typing import NewType

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import ScalarDefinition

from gateway.execution.leaves import returns_integers

MAX_SAFE = 2**53 - 1


def _long(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > MAX_SAFE:
        raise GraphQLError(f"Long must be a whole number of at most {MAX_SAFE} in size.")
    return value


# A plan need not call it for what it would return as it is.
returns_integers(_long, bits=53)

Long = NewType("Long", int)

SCALARS: dict[object, ScalarDefinition] = {
    Long: strawberry.scalar(
        name="Long",
        description=(
            "A whole number as a JSON number, |n| ≤ 2^53−1. Money is in minor units (fen, 分): a 32-bit Int"
            " would end at ¥21 million."
        ),
        serialize=_long,
        parse_value=_long,
    )
}

CONFIG = StrawberryConfig(auto_camel_case=True, scalar_map=SCALARS)


@strawberry.type(description="An amount of money (金额).")
class Money:
    """Integer minor units."""

    amount: Long = strawberry.field(description="In minor units: fen (分) for CNY.")
    currency: str = strawberry.field(description="ISO 4217 code, CNY.", default="CNY")

    @classmethod
    def of(cls, fen: int) -> Money:
        """From fen."""
        return cls(amount=Long(fen))

    @classmethod
    def maybe(cls, fen: int | None) -> Money | None:
        """From fen, or None."""
        return None if fen is None else cls.of(fen)
