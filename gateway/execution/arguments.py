"""A field's arguments: literals are coerced once, variables are passed on, all else is left to graphql-core.

Every shortcut gives what ``get_argument_values`` would; where it would raise, it is called and does.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any

from graphql import FieldNode, GraphQLArgument, GraphQLField, GraphQLNonNull, VariableNode, is_required_argument
from graphql.execution.values import get_argument_values
from graphql.language import ValueNode
from graphql.pyutils import Undefined
from graphql.utilities.coerce_input_value import coerce_default_value, coerce_input_literal

from gateway.execution.model import Arguments, Direct

if TYPE_CHECKING:
    from gateway.execution.state import State


#: Values of exactly these classes can be handed to any number of resolvers.
IMMUTABLE = frozenset({str, int, float, bool, type(None)})

Convert = Callable[[Any], Any]


def compile_arguments(definition: GraphQLField, node: FieldNode) -> Arguments | None:
    """The arguments of a field; None where it takes none."""
    if not definition.args:
        return None
    given = {each.name.value: each.value for each in node.arguments or ()}
    if not any(_mentions_variable(value) for value in given.values()):
        constant = _constant(definition, node)
        if constant is not None:
            return Arguments(constant, None)
    direct = _direct(definition, given)

    def exact(state: State) -> dict[str, Any]:
        core = state.core()
        return get_argument_values(definition, node, core.variable_values, None, core.hide_suggestions)

    if direct is None:
        return Arguments(None, exact)
    fixed, passed = direct

    def quick(state: State) -> dict[str, Any]:
        variables = state.variables
        arguments = dict(fixed)
        for out_name, variable, default, required in passed:
            value = variables.get(variable, Undefined)
            if value is Undefined:
                if required:
                    return exact(state)
                value = default
                if value is Undefined:
                    continue
            elif value is None and required:
                return exact(state)
            arguments[out_name] = value
        return arguments

    return Arguments(None, quick, Direct(fixed, tuple(passed)))


def is_immutable(value: Any) -> bool:
    """Whether a value can be shared by all runs: nobody can change it."""
    return value.__class__ in IMMUTABLE or isinstance(value, Enum)


def _constant(definition: GraphQLField, node: FieldNode) -> dict[str, Any] | None:
    try:
        values = get_argument_values(definition, node)
    except Exception:
        # It fails in the same way in each run, as an error of the field.
        return None
    return values if all(is_immutable(value) for value in values.values()) else None


def _direct(
    definition: GraphQLField, given: dict[str, ValueNode]
) -> tuple[dict[str, Any], list[tuple[str, str, Any, bool]]] | None:
    """What is fixed, and (name, variable, default, must be given) of what a variable alone gives; or None."""
    fixed: dict[str, Any] = {}
    passed: list[tuple[str, str, Any, bool]] = []
    for name, argument in definition.args.items():
        out_name = argument.out_name or name
        value = given.get(name)
        default = _default(argument)
        if default is not Undefined and not is_immutable(default):
            return None
        if value is None:
            if is_required_argument(argument):
                return None
            if default is not Undefined:
                fixed[out_name] = default
        elif isinstance(value, VariableNode):
            must = isinstance(argument.type, GraphQLNonNull)
            passed.append((out_name, value.name.value, default, must))
        elif _mentions_variable(value):
            return None
        else:
            try:
                literal = coerce_input_literal(value, argument.type)
            except Exception:
                # What an input type makes of its fields may fail, and does so as an error of the field.
                return None
            if literal is Undefined or not is_immutable(literal):
                return None
            fixed[out_name] = literal
    return fixed, passed


def _default(argument: GraphQLArgument) -> Any:
    try:
        return coerce_default_value(argument)
    except Exception:
        # Something mutable that sends the caller to the exact way, which reports the bad default.
        return []


def _mentions_variable(node: ValueNode) -> bool:
    if isinstance(node, VariableNode):
        return True
    for each in getattr(node, "values", None) or ():
        if _mentions_variable(each):
            return True
    return any(_mentions_variable(each.value) for each in getattr(node, "fields", None) or ())
