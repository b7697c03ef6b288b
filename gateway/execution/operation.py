"""One operation of one document: validated once, compiled once per vector of its conditions, then once for all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    Node,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    get_operation_ast,
)
from graphql.execution.collect_fields import FragmentDetails
from graphql.execution.executor import Executor, default_field_resolver, default_type_resolver
from graphql.execution.values import VariableValues
from graphql.type.directives import GraphQLDisableErrorPropagationDirective

from gateway.execution.conditional import ConditionalVariant
from gateway.execution.dialect import Dialect
from gateway.execution.generate import TooLarge
from gateway.execution.variables import Variables
from gateway.execution.variant import Variant

if TYPE_CHECKING:
    from gateway.execution.state import State

#: Vectors of @skip and @include values that get a variant of their own.
SPECIALISED = 8


class Operation:
    """What ``run`` runs: known elsewhere as the plan."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        node: OperationDefinitionNode,
        dialect: Dialect,
        *,
        native: bool,
        counts: Counter[str] | None = None,
        specialised: int = SPECIALISED,
    ) -> None:
        #: Whether dates are left to orjson: the bytes are the same, the data has instants where a text would stand.
        self.native = native
        self.schema = schema
        self.node = node
        self.dialect = dialect
        self.fragment_definitions = dict(fragments)
        self.fragments = {name: FragmentDetails(each) for name, each in self.fragment_definitions.items()}
        self.variables = Variables(schema, node.variable_definitions or ())
        root_type = schema.get_root_type(node.operation)
        #: Names of the directives that stand anywhere in it.
        self.directives = frozenset([each.name.value for each in self._directives()])
        self.reason = self._reason()
        if root_type is None:
            self.reason = "the schema has no such root type"
        self.root_type: GraphQLObjectType = root_type  # type: ignore[assignment]
        #: Variables that decide what is selected.
        self.conditions = tuple(sorted(self._conditions())) if self.reason is None else ()
        self.variants: dict[tuple[bool, ...], Variant] = {}
        #: The one for all further vectors; None before the first of them, and where it would be too large.
        self.conditional: ConditionalVariant | None = None
        self._is_refused = False
        self._specialised = specialised
        #: Runs by the path they took.
        self.counts: Counter[str] = Counter() if counts is None else counts
        if self.reason is None and not self.conditions:
            self._compile(())

    @property
    def path(self) -> str:
        """``compiled``, or ``fallback`` for an operation that is left to graphql-core."""
        return "compiled" if self.reason is None else "fallback"

    def described(self, *, fell_back: bool) -> str:
        """The path of a run in words, for a header."""
        if not fell_back:
            return "compiled"
        reason = "too large for all vectors of conditions" if self._is_refused else "null for a condition"
        return f"fallback ({self.reason or reason})"

    @property
    def is_query(self) -> bool:
        """Whether nothing is changed by running it."""
        return self.node.operation is OperationType.QUERY

    @property
    def is_subscription(self) -> bool:
        """Whether it has one answer per event."""
        return self.node.operation is OperationType.SUBSCRIPTION

    def variant(self, variables: dict[str, Any], *, own: bool = False) -> Variant | None:
        """The variant for these values; None where graphql-core has to run this one.

        ``own``: one for these very values, compiled for this run alone where there are too many to keep.
        """
        if self.reason is not None:
            return None
        vector = tuple([variables.get(name) for name in self.conditions])
        found = self.variants.get(vector)  # type: ignore[arg-type]
        if found is None:
            if any(each is not True and each is not False for each in vector):
                # Null for a condition is an error, and graphql-core has the words for it.
                return None
            full = len(self.variants) >= self._specialised
            if full and not own:
                return self._for_all()
            return self._compile(vector, keep=not full)  # type: ignore[arg-type]
        return found

    def executor(self, state: State) -> Executor[Any]:
        """graphql-core's executor for a run of ours."""
        values = self.variables.exact(state.raw_variables or {})
        sources = {} if isinstance(values, list) else values.sources
        return self._executor(VariableValues(sources, state.variables), state.context, state.root)

    def reference(self, variables: VariableValues, context: Any, root: Any) -> Executor[Any]:
        """graphql-core's executor for a whole run."""
        return self._executor(variables, context, root)

    def _executor(self, variables: VariableValues, context: Any, root: Any) -> Executor[Any]:
        return self.dialect.executor_class(
            self.schema,
            self.fragment_definitions,
            self.fragments,
            root,
            context,
            self.node,
            variables,
            default_field_resolver,
            default_type_resolver,
            default_field_resolver,
        )

    def _compile(self, vector: tuple[bool, ...], *, keep: bool = True) -> Variant | None:
        try:
            variant = Variant(self, dict(zip(self.conditions, vector, strict=True)))
        except (TooLarge, RecursionError, SyntaxError):
            self.reason = "too large to compile"
            self.variants.clear()
            return None
        if keep:
            self.variants[vector] = variant
        return variant

    def _for_all(self) -> Variant | None:
        if self.conditional is None and not self._is_refused:
            try:
                self.conditional = ConditionalVariant(self)
            except (TooLarge, RecursionError, SyntaxError):
                self._is_refused = True
        return self.conditional

    def _reason(self) -> str | None:
        if any(each.variable_definitions for each in self.fragment_definitions.values()):
            return "fragments with variables"
        for directive in self._directives():
            name = directive.name.value
            if name in ("defer", "stream"):
                return f"@{name}"
            if name == GraphQLDisableErrorPropagationDirective.name:
                return f"@{name}"
        return None

    def _conditions(self) -> set[str]:
        return {
            argument.value.name.value
            for directive in self._directives()
            if directive.name.value in ("skip", "include")
            for argument in directive.arguments or ()
            if isinstance(argument.value, VariableNode)
        }

    def _directives(self) -> Iterator[DirectiveNode]:
        """Those of the operation and of the fragments it reaches."""
        seen: set[str] = set()
        queue: list[Node] = [self.node]
        while queue:
            node: Any = queue.pop()
            yield from getattr(node, "directives", None) or ()
            if isinstance(node, FragmentSpreadNode):
                fragment = self.fragment_definitions.get(node.name.value)
                if fragment is not None and node.name.value not in seen:
                    seen.add(node.name.value)
                    queue.append(fragment)
            selections = getattr(node, "selection_set", None)
            if selections is not None:
                queue.extend(selections.selections)


def fragments_of(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    """A document's fragments by name."""
    return {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}


def operation_of(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    """The operation of that name. Raises GraphQLError in graphql-core's words where there is none."""
    found = get_operation_ast(document, name)
    if found is not None:
        return found
    if name is not None:
        raise GraphQLError(f"Unknown operation named '{name}'.")
    if any(isinstance(each, OperationDefinitionNode) for each in document.definitions):
        raise GraphQLError("Must provide operation name if query contains multiple operations.")
    raise GraphQLError("Must provide an operation.")
