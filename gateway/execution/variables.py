"""Variables, coerced by functions made once per operation.

A compiled coercer takes values of the expected classes and gives up on everything else; then graphql-core coerces
the whole request again, and reports what is wrong in its own words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, TypeAlias

from graphql import (
    GraphQLBoolean,
    GraphQLError,
    GraphQLFloat,
    GraphQLID,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
    VariableDefinitionNode,
)
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.execution.values import VariableValues, get_variable_values
from graphql.language.parser import MAX_NESTING_DEPTH
from graphql.pyutils import Undefined
from graphql.utilities.coerce_input_value import coerce_default_value

#: Values of exactly these classes can be handed to any number of resolvers.
IMMUTABLE = frozenset({str, int, float, bool, type(None)})


def is_immutable(value: Any) -> bool:
    """Whether a value can be shared by all runs: nobody can change it."""
    return value.__class__ in IMMUTABLE or isinstance(value, Enum)


class Unusual(Exception):
    """The value is not of the usual form; it may be right or wrong."""


#: Gives the coerced value of a raw one at a depth; raises anything where it cannot.
Coercer: TypeAlias = Callable[[Any, int], Any]


class Variables:
    """The variables of one operation."""

    def __init__(self, schema: GraphQLSchema, definitions: Sequence[VariableDefinitionNode]) -> None:
        self._schema = schema
        self._definitions = definitions
        self._coercers: list[tuple[str, Coercer, Any, bool]] | None = []
        self._there: set[str] = set()
        self._not_null: set[str] = set()
        for each in definitions:
            signature = get_variable_signature(schema, each)
            default: Any = Undefined
            if not isinstance(signature, GraphQLError) and each.default_value is not None:
                try:
                    default = coerce_default_value(signature)
                except Exception:
                    default = []
            if isinstance(signature, GraphQLError) or (default is not Undefined and not is_immutable(default)):
                self._coercers = None
                return
            required = isinstance(signature.type, GraphQLNonNull)
            if required:
                self._not_null.add(signature.name)
            if required or default is not Undefined:
                self._there.add(signature.name)
            self._coercers.append((signature.name, coercer(signature.type), default, required))

    def is_always_there(self, name: str) -> bool:
        """Whether every request has a value for the variable, which may be null."""
        return name in self._there

    def is_never_null(self, name: str) -> bool:
        """Whether every request has a value for the variable that is not null."""
        return name in self._not_null

    def coerce(self, raw: dict[str, Any]) -> dict[str, Any] | list[GraphQLError]:
        """The coerced values by name, or what is wrong with them."""
        coercers = self._coercers
        if coercers is not None:
            coerced: dict[str, Any] = {}
            try:
                for name, coerce, default, required in coercers:
                    value = raw.get(name, Undefined)
                    if value is not Undefined:
                        coerced[name] = coerce(value, 0)
                    elif default is not Undefined:
                        coerced[name] = default
                    elif required:
                        raise Unusual  # noqa: TRY301 — like what a coercer raises
            except Exception:
                coercers = None
            else:
                return coerced
        exact = self.exact(raw)
        return exact if isinstance(exact, list) else exact.coerced

    def exact(self, raw: dict[str, Any]) -> VariableValues | list[GraphQLError]:
        """The same by graphql-core, with its record of where each value came from."""
        return get_variable_values(self._schema, self._definitions, raw, max_errors=50)


def coercer(type_: GraphQLInputType) -> Coercer:
    """The coercer of an input type."""
    return _Coercers().of(type_)


class _Coercers:
    """Input types may contain themselves: each object type is compiled once, and looked up when it is needed."""

    def __init__(self) -> None:
        self._objects: dict[str, Coercer] = {}

    def of(self, type_: GraphQLInputType) -> Coercer:
        if isinstance(type_, GraphQLNonNull):
            return self._present(type_.of_type)
        present = self._present(type_)

        def nullable(value: Any, depth: int) -> Any:
            return None if value is None else present(value, depth)

        return nullable

    def _present(self, type_: Any) -> Coercer:
        if isinstance(type_, GraphQLList):
            return self._list(type_)
        if isinstance(type_, GraphQLInputObjectType):
            return self._object(type_)
        by_class = _EXACT.get(type_)
        if by_class is not None:
            return by_class
        coerce = type_.coerce_input_value
        quick = _BY_PARSER.get(coerce) if isinstance(type_, GraphQLScalarType) else None
        if quick is not None:
            return quick

        def leaf(value: Any, _depth: int) -> Any:
            if value is None:
                raise Unusual
            coerced = coerce(value)
            if coerced is Undefined:
                raise Unusual
            return coerced

        return leaf

    def _list(self, type_: GraphQLList[Any]) -> Coercer:
        item = self.of(type_.of_type)

        def items(value: Any, depth: int) -> Any:
            if value.__class__ is not list or depth >= MAX_NESTING_DEPTH:
                raise Unusual
            return [item(each, depth + 1) for each in value]

        return items

    def _object(self, type_: GraphQLInputObjectType) -> Coercer:
        found = self._objects.get(type_.name)
        if found is not None:
            return found
        fields: list[tuple[str, str, Coercer, Any]] = []
        known = type_.fields

        def members(value: Any, depth: int) -> Any:
            if value.__class__ is not dict or depth >= MAX_NESTING_DEPTH or not value.keys() <= known.keys():
                raise Unusual
            coerced: dict[str, Any] = {}
            for name, out_name, coerce, default in fields:
                given = value.get(name, Undefined)
                if given is not Undefined:
                    coerced[out_name] = coerce(given, depth + 1)
                elif default is _REQUIRED:
                    raise Unusual
                elif default is not Undefined:
                    coerced[out_name] = default
            if type_.is_one_of and (len(coerced) != 1 or len(value) != 1 or None in coerced.values()):
                raise Unusual
            return type_.out_type(coerced)

        self._objects[type_.name] = members
        for name, field in known.items():
            default: Any = Undefined
            try:
                default = coerce_default_value(field)
            except Exception:
                default = _REQUIRED
            if (default is Undefined and isinstance(field.type, GraphQLNonNull)) or (
                default is not Undefined and not is_immutable(default)
            ):
                default = _REQUIRED
            fields.append((name, field.out_name or name, self.of(field.type), default))
        return members


_BY_PARSER: dict[Any, Coercer] = {}


def parses_as(parser: Any, coercer: Coercer) -> None:
    """State that a coercer gives what a scalar's parser gives, or raises."""
    _BY_PARSER[parser] = coercer


#: Stands for "there is nothing to put here that could be shared": leave it to graphql-core.
_REQUIRED = object()


def _text(value: Any, _depth: int) -> Any:
    if value.__class__ is str:
        return value
    raise Unusual


def _int(value: Any, _depth: int) -> Any:
    if value.__class__ is int and -2147483648 <= value <= 2147483647:
        return value
    raise Unusual


def _float(value: Any, _depth: int) -> Any:
    if value.__class__ is float and value - value == 0:
        return value
    if value.__class__ is int and -(2**53) <= value <= 2**53:
        return float(value)
    raise Unusual


def _boolean(value: Any, _depth: int) -> Any:
    if value is True or value is False:
        return value
    raise Unusual


_EXACT: dict[Any, Coercer] = {
    GraphQLString: _text,
    GraphQLID: _text,
    GraphQLInt: _int,
    GraphQLFloat: _float,
    GraphQLBoolean: _boolean,
}
