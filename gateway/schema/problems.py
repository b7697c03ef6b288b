"""How failures look: problems in mutations, coded errors in queries. Codes stand in docs/errors.md."""

from __future__ import annotations

from typing import Protocol

import strawberry

from adapters.base.errors import UpstreamError
from gateway.schema.scalars import Long


class Coded(Protocol):
    """An error of ours with a documented code and a message for the client."""

    @property
    def code(self) -> str:
        """As docs/errors.md lists it."""
        ...


@strawberry.interface(description="A reason why a mutation did not do what was asked.")
class Problem:
    """All problems of all mutations."""

    code: str = strawberry.field(description="Stable code; docs/errors.md lists all.")
    message: str = strawberry.field(description="What was wrong, where, the limit, and what to do.")
    retryable: bool = strawberry.field(description="Whether the same request may succeed later.")


@strawberry.type(description="A business rule of the gateway refused the request.")
class DomainProblem(Problem):
    """Domain problem."""

    transaction_id: strawberry.ID | None = strawberry.field(
        description="The transaction to watch; null where there is none.", default=None
    )
    failed_field: str | None = strawberry.field(
        description="Under @atomic: the response key of the field for which nothing was done.", default=None
    )
    cause: str | None = strawberry.field(
        description="Under @atomic: the code of that field's own problem.", default=None
    )


@strawberry.type(description="The price is not what the client showed (价格已变); nothing was done.")
class PriceChanged(Problem):
    """Price changed."""

    payable: Long = strawberry.field(description="What the order would cost now, in fen.")


@strawberry.type(description="A platform behind the gateway did not do its part.")
class ToolProblem(Problem):
    """Tool problem."""

    tool: str = strawberry.field(description="Which of the seven tools.")
    reason: str = strawberry.field(description="Stable slug from the tool's error table.")


def invalid(error: Coded) -> DomainProblem:
    """What is wrong with the request itself, as a problem; it says what to send instead."""
    return DomainProblem(code=error.code, message=str(error), retryable=False)


def tool_problem(error: UpstreamError) -> ToolProblem:
    """An upstream failure as a problem; the platform's own text is never in it."""
    return ToolProblem(
        code=error.kind, message=error.message, retryable=error.retryable, tool=error.tool, reason=error.reason
    )
