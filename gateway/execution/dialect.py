"""What the compiler asks about a schema: how its fields are fetched, and what an object's class tells.

This one knows graphql-core alone; ``gateway.execution.strawberry`` knows what Strawberry wraps around a resolver.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from graphql import FieldNode, GraphQLField, GraphQLObjectType
from graphql.execution.executor import Executor
from graphql.execution.executor_throwing_on_incremental import ExecutorThrowingOnIncremental

from gateway.execution import leaves
from gateway.execution.arguments import compile_arguments
from gateway.execution.model import Arguments, Core, Field, Position, Resolver, Trail, Typename

if TYPE_CHECKING:
    from gateway.execution.state import State


class Dialect:
    """A schema of graphql-core."""

    #: Executes what is not compiled, and helps with what is rare.
    executor_class: type[Executor[Any]] = ExecutorThrowingOnIncremental
    #: A condition over ``{v}`` that an object must meet before its class is trusted; None where there is none.
    guard: str | None = None

    def resolver(self, name: str, definition: GraphQLField) -> Resolver:
        """How a field is fetched."""
        return Typename() if name == "__typename" else Core(definition.resolve)

    def arguments(self, definition: GraphQLField, node: FieldNode, resolver: Resolver) -> Arguments | None:
        """The arguments in the form that the resolver takes."""
        del resolver
        return compile_arguments(definition, node)

    def info(self, state: State, field: Field, trail: Trail, definition: Any) -> Any:
        """What a ``Call`` gets as info."""
        del definition
        return state.info(field, trail)

    @property
    def info_maker(self) -> Callable[[State, Field, Trail, Any], Any]:
        """``info`` with as few calls around it as can be: generated code calls it for every ``Call``."""
        return self.info

    def check(self, type_: Any) -> leaves.Check | None:
        """How to recognise a leaf that needs no coercion."""
        return leaves.check(type_)

    def home(self, type_: GraphQLObjectType) -> type | None:
        """The class whose own instances are surely of this type where the position asks for it; None if unknown."""
        del type_
        return None

    def is_told_by_class(self, position: Position, type_: GraphQLObjectType, class_: type) -> bool:
        """Whether every instance of the class completes at this position as this type, as one has just done."""
        del class_
        return position.kind == "object" and type_.is_type_of is None

    def needs_guard(self, position: Position, type_: GraphQLObjectType | None) -> bool:
        """Whether the guard must hold here."""
        del position, type_
        return False
