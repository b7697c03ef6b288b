"""Literals that hold variables, such as ``input: {orderId: $id}``: functions of the variables, made once.

Each gives what graphql-core's ``coerce_input_literal`` gives; where that would refuse, ``Unusual`` is raised, and
graphql-core coerces the arguments again and reports in its own words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from graphql import (
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    ListValueNode,
    ObjectValueNode,
    VariableNode,
)
from graphql.language import ValueNode
from graphql.pyutils import Undefined
from graphql.type import is_required_input_field
from graphql.utilities.coerce_input_value import coerce_default_value, coerce_input_literal

from gateway.execution.variables import Unusual, is_immutable

#: The value for the coerced variables.
Build: TypeAlias = Callable[[Mapping[str, Any]], Any]


def builder(node: ValueNode, type_: GraphQLInputType) -> Build | None:
    """How a literal is made for each run; None where graphql-core must."""
    if isinstance(node, VariableNode):
        return _variable(node.name.value, isinstance(type_, GraphQLNonNull))
    if not mentions_variable(node):
        return _constant(node, type_)
    inner: Any = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
    if isinstance(inner, GraphQLList):
        return _list(node, inner.of_type)
    if isinstance(inner, GraphQLInputObjectType) and isinstance(node, ObjectValueNode) and not inner.is_one_of:
        return _object(node, inner)
    return None


def mentions_variable(node: ValueNode) -> bool:
    """Whether a literal is, or holds, a variable."""
    if isinstance(node, VariableNode):
        return True
    for each in getattr(node, "values", None) or ():
        if mentions_variable(each):
            return True
    return any(mentions_variable(each.value) for each in getattr(node, "fields", None) or ())


def _variable(name: str, required: bool) -> Build:
    def build(variables: Mapping[str, Any]) -> Any:
        value = variables.get(name, Undefined)
        if value is Undefined or (required and value is None):
            raise Unusual
        return value

    return build


def _constant(node: ValueNode, type_: GraphQLInputType) -> Build | None:
    try:
        constant = coerce_input_literal(node, type_)
    except Exception:
        # What an input type makes of its fields may fail, and does so as an error of the field.
        return None
    if constant is Undefined:
        return None
    if is_immutable(constant):
        return lambda _: constant
    # Each run gets its own, as whoever gets it may change it.
    return lambda _: coerce_input_literal(node, type_)


def _list(node: ValueNode, type_: GraphQLInputType) -> Build | None:
    items = node.values if isinstance(node, ListValueNode) else (node,)
    builds = [builder(each, type_) for each in items]
    found = [each for each in builds if each is not None]
    return (lambda variables: [build(variables) for build in found]) if len(found) == len(builds) else None


def _object(node: ObjectValueNode, type_: GraphQLInputObjectType) -> Build | None:
    given = {each.name.value: each.value for each in node.fields}
    if not given.keys() <= type_.fields.keys():
        return None
    #: Name, what builds the value, the variable that it is, and what is put where that is missing.
    members: list[tuple[str, Build | None, str | None, Any]] = []
    for name, field in type_.fields.items():
        value = given.get(name)
        build = None if value is None else builder(value, field.type)
        if value is not None and build is None:
            return None
        try:
            default = Undefined if is_required_input_field(field) else coerce_default_value(field)
        except Exception:
            return None
        if value is None and is_required_input_field(field):
            return None
        if default is not Undefined and not is_immutable(default):
            return None
        variable = value.name.value if isinstance(value, VariableNode) and not is_required_input_field(field) else None
        if build is not None or default is not Undefined:
            members.append((field.out_name or name, build, variable, default))

    def make(variables: Mapping[str, Any]) -> Any:
        values: dict[str, Any] = {}
        for name, build, variable, default in members:
            if build is not None and (variable is None or variable in variables):
                values[name] = build(variables)
            elif default is not Undefined:
                values[name] = default
        return type_.out_type(values)

    return make
