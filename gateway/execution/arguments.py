"""A field's arguments: literals are coerced once, variables are passed on, all else is left to graphql-core.

Every shortcut gives what ``get_argument_values`` would; where it would raise, it is called and does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from graphql import FieldNode, GraphQLArgument, GraphQLField, GraphQLNonNull, VariableNode, is_required_argument
from graphql.execution.values import get_argument_values
from graphql.language import ValueNode
from graphql.pyutils import Undefined
from graphql.utilities.coerce_input_value import coerce_default_value

from gateway.execution.literals import Build, builder, mentions_variable
from gateway.execution.model import Arguments, Direct
from gateway.execution.variables import Unusual, is_immutable

if TYPE_CHECKING:
    from gateway.execution.state import State


Convert = Callable[[Any], Any]


def compile_arguments(definition: GraphQLField, node: FieldNode) -> Arguments | None:
    """The arguments of a field; None where it takes none."""
    if not definition.args:
        return None
    given = {each.name.value: each.value for each in node.arguments or ()}
    if not any(mentions_variable(value) for value in given.values()):
        constant = _constant(definition, node)
        if constant is not None:
            return Arguments(constant, None)
    direct = _direct(definition, given)

    def exact(state: State) -> dict[str, Any]:
        core = state.core()
        return get_argument_values(definition, node, core.variable_values, None, core.hide_suggestions)

    if direct is None:
        return Arguments(None, exact)
    fixed, passed, built = direct

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
        try:
            for out_name, build in built:
                arguments[out_name] = build(variables)
        except Unusual:
            return exact(state)
        return arguments

    return Arguments(None, quick, None if built else Direct(fixed, tuple(passed)))


def _constant(definition: GraphQLField, node: FieldNode) -> dict[str, Any] | None:
    try:
        values = get_argument_values(definition, node)
    except Exception:
        # It fails in the same way in each run, as an error of the field.
        return None
    return values if all(is_immutable(value) for value in values.values()) else None


def _direct(
    definition: GraphQLField, given: dict[str, ValueNode]
) -> tuple[dict[str, Any], list[tuple[str, str, Any, bool]], list[tuple[str, Build]]] | None:
    """What is fixed, (name, variable, default, must be given) of what a variable alone gives, and what is built of
    several; or None."""
    fixed: dict[str, Any] = {}
    passed: list[tuple[str, str, Any, bool]] = []
    built: list[tuple[str, Build]] = []
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
        else:
            build = builder(value, argument.type)
            if build is None:
                return None
            literal = Undefined if mentions_variable(value) else build({})
            if literal is not Undefined and is_immutable(literal):
                fixed[out_name] = literal
            else:
                built.append((out_name, build))
    return fixed, passed, built


def _default(argument: GraphQLArgument) -> Any:
    try:
        return coerce_default_value(argument)
    except Exception:
        # Something mutable that sends the caller to the exact way, which reports the bad default.
        return []
