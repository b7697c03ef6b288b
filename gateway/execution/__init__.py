"""Compiled GraphQL execution: an operation is parsed, validated and compiled once, its plan runs many times.

Two doors lead to one plan, and both give what graphql-core's own executor gives:

- **Ours.** ``plans = PlanCache(schema)`` for a ``strawberry.Schema`` or a ``graphql.GraphQLSchema``;
  ``plan = plans.plan(text, operation_name)`` (a ``Plan``, or ``Rejected`` with ``.errors``: never cached for ever,
  bounded by count and bytes); ``result = await run(plan, variables, context, root=None)`` gives a
  ``graphql.ExecutionResult`` whose ``data`` ``orjson.dumps`` takes as it is. ``begin`` is ``run`` that returns the
  result itself where nothing had to be awaited. ``compile_operation(schema, document, operation_name)`` makes one
  plan without a cache, from a text or a parsed document that is valid.
- **The official one.** ``strawberry.Schema(execution_context_class=gateway.execution.strawberry.StrawberryExecutor)``,
  or ``graphql.execute(…, executor_class=CompiledExecutor)`` for a schema of graphql-core alone.

``plan.path`` is ``"compiled"`` or ``"fallback"`` with ``plan.reason``; ``explain(plan)`` prints plan and source.

This package imports nothing of the gateway. docs/execution.md tells how it works.
"""

from __future__ import annotations

from gateway.execution.cache import PlanCache, Rejected, compile_operation
from gateway.execution.explain import explain
from gateway.execution.hook import CompiledExecutor
from gateway.execution.operation import Operation as Plan
from gateway.execution.phases import Fetched, Instead, PhasedHook, Step
from gateway.execution.running import SerialHook, begin, run
from gateway.execution.subscribing import subscribe

__all__ = [
    "CompiledExecutor",
    "Fetched",
    "Instead",
    "PhasedHook",
    "Plan",
    "PlanCache",
    "Rejected",
    "SerialHook",
    "Step",
    "begin",
    "compile_operation",
    "explain",
    "run",
    "subscribe",
]
