"""The official door: a subclass of graphql-core's executor that runs a compiled plan where it can."""

from __future__ import annotations

import weakref
from collections import Counter
from typing import Any

from graphql import GraphQLError, GraphQLSchema, OperationType
from graphql.execution.executor import Executor
from graphql.execution.incremental.incremental_executor import IncrementalExecutor

from gateway.execution.cache import dialect_for
from gateway.execution.operation import Operation
from gateway.execution.running import execute
from gateway.execution.state import State

#: Operations kept per schema by the hook, by the identity of their nodes.
KEPT = 256


#: Operations run by the hook, by the path they took.
counts: Counter[str] = Counter()


class CompiledExecution(Executor[Any]):
    """Mixed into an executor class, before it."""

    def execute_operation(self, serially: bool | None = None) -> Any:
        """The result of the operation, compiled where nothing asks for more than a plan does."""
        operation = self._operation()
        if operation is not None:
            variant = operation.variant(self.variable_values.coerced)
            if variant is not None:
                state = State(
                    variant, self.context_value, self.root_value, self.variable_values.coerced, None, executor=self
                )
                counts["compiled"] += 1
                serial = self.operation.operation is OperationType.MUTATION if serially is None else serially
                return execute(state, serial=serial)
        counts["fallback"] += 1
        return super().execute_operation(serially)

    def _operation(self) -> Operation | None:
        manager = self.middleware_manager
        if self.abort_signal is not None or (manager is not None and manager.middlewares) or not self.error_propagation:
            return None
        return _kept(self)


_operations: weakref.WeakKeyDictionary[GraphQLSchema, dict[int, tuple[Any, Any, Operation]]] = (
    weakref.WeakKeyDictionary()
)


def _kept(executor: Executor[Any]) -> Operation | None:
    schema, node = executor.schema, executor.operation
    by_node = _operations.setdefault(schema, {})
    found = by_node.get(id(node))
    # The node is held, so that its identity is not given to another; fragments of the same name may differ.
    if found is not None and found[0] is node and found[1] == executor.fragment_definitions:
        return found[2]
    try:
        made = Operation(schema, executor.fragment_definitions, node, dialect_for(schema), native=False)
    except GraphQLError:
        return None
    while len(by_node) >= KEPT:
        del by_node[next(iter(by_node))]
    by_node[id(node)] = (node, dict(executor.fragment_definitions), made)
    return made


class CompiledExecutor(CompiledExecution, IncrementalExecutor):
    """The executor hook for a schema of graphql-core: ``execute(…, executor_class=CompiledExecutor)``."""
