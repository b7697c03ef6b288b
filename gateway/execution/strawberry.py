"""What Strawberry wraps around a resolver, unwrapped at compile time; and its executor hook.

A field without resolver, extension or exception handler is an attribute. A ``@strawberry.field`` function is called
as Strawberry would call it, its arguments converted by Strawberry's own code where they are more than a leaf. Whatever
is customised beyond that is called through Strawberry's resolver, untouched.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Callable, Mapping
from functools import cached_property
from inspect import iscoroutinefunction
from typing import Any

import dateutil.tz
import strawberry
from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLUnionType,
)
from graphql.execution.executor import Executor
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.schema.types import base_scalars
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.base import (
    StrawberryContainer,
    StrawberryObjectDefinition,
    get_object_definition,
)
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver
from strawberry.types.info import Info
from strawberry.types.lazy_type import LazyType

from gateway.execution import leaves
from gateway.execution.arguments import compile_arguments
from gateway.execution.dialect import Dialect
from gateway.execution.hook import CompiledExecution
from gateway.execution.model import Arguments, Attribute, Call, Core, Direct, Field, Position, Resolver, Trail, Typename
from gateway.execution.state import State, holds_for_coroutines
from gateway.execution.strawberry_inputs import Converters
from gateway.execution.variables import parses_as

leaves.answers_isoformat(base_scalars.isoformat)
holds_for_coroutines(optimized_is_awaitable)

_IN_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|\+00:00)").fullmatch


def _instant(value: Any, _depth: int) -> Any:
    """What dateutil makes of an instant in UTC, the form that clients send most, at a tenth of its time."""
    if value.__class__ is str and _IN_UTC(value):
        return dt.datetime.fromisoformat(value[:19]).replace(tzinfo=dateutil.tz.UTC)
    return base_scalars.DateTimeDefinition.parse_value(value)  # type: ignore[misc]


parses_as(base_scalars.DateTimeDefinition.parse_value, _instant)

DEFINITION = GraphQLCoreConverter.DEFINITION_BACKREF
#: Where the resolvers come from that this module knows how to unwrap.
_WRAPPED = "GraphQLCoreConverter.from_resolver.<locals>."


class StrawberryDialect(Dialect):
    """A schema that Strawberry built."""

    executor_class: type[Executor[Any]] = StrawberryGraphQLCoreExecutionContext
    # strawberry.cast marks one instance as being of another type than its class says.
    guard = "getattr({v}, '__as_strawberry_type__', None) is None"

    def __init__(self, schema: strawberry.Schema) -> None:
        self._converter = schema.schema_converter
        self._config = schema.config
        self._info = _lazy_info(self._config.info_class)
        self._converters = Converters(self._converter.scalar_registry, self._config)

    def resolver(self, name: str, definition: GraphQLField) -> Resolver:
        field = definition.extensions.get(DEFINITION)
        if (
            name == "__typename"
            or not isinstance(field, StrawberryField)
            or field.is_subscription
            or type(field).get_result is not StrawberryField.get_result
            or not getattr(definition.resolve, "__qualname__", "").startswith(_WRAPPED)
            or field.extensions
            or self._converter._get_field_exception_handlers(field)  # noqa: SLF001 — asked once, when compiling
        ):
            return Typename() if name == "__typename" else Core(definition.resolve)
        resolver = field.base_resolver
        if resolver is None:
            # Anything but getattr may do more than read, and may call what it reads.
            plain = field.default_resolver is getattr and field.python_name.isidentifier()
            return Attribute(field.python_name) if plain else Core(definition.resolve)
        function: Any = resolver.wrapped_func
        if (
            type(resolver).__call__ is not StrawberryResolver.__call__
            or not all(map(self._is_usual, field.arguments))
            or field.is_async is not iscoroutinefunction(function)
        ):
            return Core(definition.resolve)
        sources = [each.name for each in (resolver.parent_parameter, resolver.root_parameter) if each is not None]
        info = resolver.info_parameter
        return Call(
            function=function,
            with_self=resolver.self_parameter is not None,
            source_names=tuple(dict.fromkeys(sources)),
            info_name=None if info is None else info.name,
            definition=field,
            later=field.is_async,
        )

    def arguments(self, definition: GraphQLField, node: FieldNode, resolver: Resolver) -> Arguments | None:
        found = compile_arguments(definition, node)
        if found is None or not isinstance(resolver, Call):
            return found
        names = [
            (self._config.name_converter.from_argument(each), str(each.python_name), self._convert(each))
            for each in resolver.definition.arguments
        ]
        if found.constant is not None and all(convert is None for _, _, convert in names):
            given = found.constant
            return Arguments({python: given[name] for name, python, _ in names if name in given}, None)
        constant, of = found.constant, found.of

        def coerced(state: State) -> Mapping[str, Any]:
            return of(state) if of is not None else constant or {}

        def convert_all(given: Mapping[str, Any]) -> dict[str, Any]:
            arguments: dict[str, Any] = {}
            for name, python, convert in names:
                if name in given:
                    value = given[name]
                    arguments[python] = value if convert is None else convert(value)
            return arguments

        def converted(state: State) -> dict[str, Any]:
            return convert_all(coerced(state))

        direct = found.direct
        if direct is None or any(convert is not None for _, _, convert in names):
            return Arguments(None, converted, steps=(coerced, convert_all))
        renamed = {name: python for name, python, _ in names}
        return Arguments(
            None,
            converted,
            Direct(
                {renamed[name]: value for name, value in direct.fixed.items()},
                tuple((renamed[name], *rest) for name, *rest in direct.passed),
            ),
            (coerced, convert_all),
        )

    def _convert(self, argument: StrawberryArgument) -> Callable[[Any], Any] | None:
        return self._converters.of(argument.type)

    def _is_usual(self, argument: StrawberryArgument) -> bool:
        # An input type that builds its own value may want to see the info of the call.
        return not _builds_itself(argument.type, set())

    def info(self, state: State, field: Field, trail: Trail, definition: Any) -> Any:
        return self._info(state, field, trail, definition)

    @property
    def info_maker(self) -> Callable[[State, Field, Trail, Any], Any]:
        return self._info

    def check(self, type_: Any) -> leaves.Check | None:
        enum = getattr(type_, "wrapped_cls", None)
        definition = getattr(type_, "extensions", {}).get(DEFINITION)
        if enum is None or not isinstance(definition, StrawberryEnumDefinition):
            return leaves.check(type_)
        return leaves.check_enum(type_, enum)

    def home(self, type_: GraphQLObjectType) -> type | None:
        definition = _definition(type_)
        return None if definition is None or definition.is_type_of is not None else definition.origin

    def is_told_by_class(self, position: Position, type_: GraphQLObjectType, class_: type) -> bool:
        definition = _definition(type_)
        if definition is None:
            return super().is_told_by_class(position, type_, class_)
        if definition.is_type_of is not None:
            return False
        if position.kind == "object":
            # Strawberry's own is_type_of asks isinstance; a generic type's asks the same of its origin.
            return type_.is_type_of is None or class_ is definition.origin
        if definition.concrete_of is not None or class_ is not definition.origin:
            return False
        abstract: Any = position.inner
        if isinstance(abstract, GraphQLUnionType):
            return True
        above = abstract.extensions.get(DEFINITION) if isinstance(abstract, GraphQLInterfaceType) else None
        return (
            isinstance(above, StrawberryObjectDefinition)
            and above.resolve_type is None
            and issubclass(class_, above.origin)
            and get_object_definition(class_) is definition
        )

    def needs_guard(self, position: Position, type_: GraphQLObjectType | None) -> bool:
        return position.kind == "abstract" or (type_ is not None and type_.is_type_of is not None)


class StrawberryExecutor(CompiledExecution, StrawberryGraphQLCoreExecutionContext):
    """The executor hook: ``strawberry.Schema(execution_context_class=StrawberryExecutor)``."""


def _definition(type_: GraphQLObjectType) -> StrawberryObjectDefinition | None:
    found = type_.extensions.get(DEFINITION)
    return found if isinstance(found, StrawberryObjectDefinition) else None


def _builds_itself(type_: Any, seen: set[int]) -> bool:
    if isinstance(type_, LazyType):
        type_ = type_.resolve_type()
    if isinstance(type_, StrawberryContainer):
        return _builds_itself(type_.of_type, seen)
    definition = get_object_definition(type_)
    if definition is None or id(definition) in seen:
        return False
    seen.add(id(definition))
    return definition.from_input is not None or any(
        _builds_itself(each.resolve_type(type_definition=definition), seen) for each in definition.fields
    )


def _lazy_info(base: type[Info[Any, Any]]) -> Callable[..., Any]:
    """``base`` made of what is at hand; graphql-core's info, which costs more, is built when it is asked for."""
    if dataclasses.fields(base) != dataclasses.fields(Info) or base.__init__ is not Info.__init__:

        def full(state: State, field: Field, trail: Trail, definition: Any) -> Any:
            return base(_raw_info=state.info(field, trail), _field=definition)

        return full

    def init(self: Any, state: State, field: Field, trail: Trail, definition: Any) -> None:
        self._field = definition
        self._of = (state, field, trail)
        self.context = state.context

    def raw(self: Any) -> Any:
        state, field, trail = self._of
        return state.info(field, trail)

    members: Mapping[str, Any] = {"__init__": init, "_raw_info": cached_property(raw)}
    if base.context is Info.context:
        # An attribute of each instance in the place of the property.
        members = {**members, "context": None}
    else:

        def custom(self: Any, state: State, field: Field, trail: Trail, definition: Any) -> None:
            self._field = definition
            self._of = (state, field, trail)

        members = {**members, "__init__": custom}
    lazy = type(base.__name__, (base,), dict(members))
    members["_raw_info"].__set_name__(lazy, "_raw_info")
    return lazy
