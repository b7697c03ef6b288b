"""Subscribing: graphql-core opens the source of events, each event then runs the plan like a query.

``run(plan, variables, context, root=event)`` executes one event: the root field of a subscription answers the event
itself, so its plan is compiled like any other.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable
from typing import Any, cast

from graphql import ExecutionResult
from graphql.execution.execute import create_source_event_stream

from gateway.execution.operation import Operation


async def subscribe(
    plan: Operation, variables: dict[str, Any] | None = None, context: Any = None
) -> AsyncIterable[Any] | ExecutionResult:
    """The source of a subscription's events, or the result that says why there is none."""
    values = plan.variables.exact(variables or {})
    if isinstance(values, list):
        return ExecutionResult(None, values)
    source: Any = create_source_event_stream(plan.reference(values, context, None))
    if isinstance(source, ExecutionResult) or hasattr(source, "__aiter__"):
        return cast("AsyncIterable[Any] | ExecutionResult", source)
    return await cast("Awaitable[AsyncIterable[Any] | ExecutionResult]", source)
