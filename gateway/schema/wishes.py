"""What ``@maxAge`` and ``@staleOk`` in a document say, by response path."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    ValueNode,
    VariableNode,
)

from gateway.cache import Demands, Wish
from gateway.execution import Plan
from gateway.resolvers.errors import UserError
from gateway.schema.directives import MAX_AGE, STALE_OK

#: Seconds that a directive may name: a year.
MOST: Final = 31_536_000

_Path = tuple[str, ...]
#: Where a directive stands, which one, and its argument.
_Written = tuple[_Path, str, ValueNode]

_read: weakref.WeakKeyDictionary[Plan, tuple[_Written, ...]] = weakref.WeakKeyDictionary()


def demands(plan: Plan, variables: Mapping[str, Any] | None, *, report: bool) -> Demands | None:
    """What a request wants of freshness; None when it wants nothing, which costs two look-ups.

    ``report`` says that it wants to be told where its values came from. Raises UserError for seconds out of range.
    """
    if plan.directives.isdisjoint(_NAMES):
        return Demands({}) if report else None
    written = _read.get(plan)
    if written is None:
        written = _read[plan] = tuple(_find(plan.node, plan.fragment_definitions))

    def given() -> Mapping[str, Any]:
        coerced = plan.variables.coerce(dict(variables or {}))
        # Variables that do not fit are told by the execution, which does not begin then.
        return {} if isinstance(coerced, list) else coerced

    return Demands(_wishes(written, given))


def demands_of(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode], variables: Mapping[str, Any]
) -> Demands | None:
    """The same for an operation without a plan, and variables that are coerced."""
    written = tuple(_find(operation, fragments))
    return Demands(_wishes(written, lambda: variables)) if written else None


def _wishes(written: tuple[_Written, ...], given: Callable[[], Mapping[str, Any]]) -> dict[_Path, Wish]:
    variables = given() if any(isinstance(value, VariableNode) for _, _, value in written) else {}
    found: dict[_Path, dict[str, int]] = {}
    for path, name, value in written:
        seconds = _seconds(name, value, variables)
        if seconds is not None:
            here = found.setdefault(path, {})
            # One response key may be asked for in several places: the strictest counts.
            here[name] = min(seconds, here.get(name, seconds))
    return {path: Wish(each.get(MAX_AGE), each.get(STALE_OK)) for path, each in found.items()}


def _seconds(name: str, value: ValueNode, variables: Mapping[str, Any]) -> int | None:
    if isinstance(value, VariableNode):
        seconds = variables.get(value.name.value)
    else:
        seconds = int(value.value) if isinstance(value, IntValueNode) else None
    if seconds is not None and not 0 <= seconds <= MOST:
        raise UserError(f"@{name} has seconds: {seconds}; give 0 to {MOST}.")
    return seconds


def _find(operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]) -> Iterator[_Written]:
    yield from _written(operation, ())
    yield from _below(operation, (), fragments)


def _below(node: Any, path: _Path, fragments: Mapping[str, FragmentDefinitionNode]) -> Iterator[_Written]:
    if node.selection_set is None:
        return
    for each in node.selection_set.selections:
        if isinstance(each, FieldNode):
            here = (*path, (each.alias or each.name).value)
            yield from _written(each, here)
            yield from _below(each, here, fragments)
        elif isinstance(each, InlineFragmentNode):
            yield from _below(each, path, fragments)
        elif isinstance(each, FragmentSpreadNode):
            yield from _below(fragments[each.name.value], path, fragments)


def _written(node: OperationDefinitionNode | FieldNode, path: _Path) -> Iterator[_Written]:
    for directive in node.directives or ():
        if directive.name.value in _NAMES:
            for argument in directive.arguments or ():
                yield path, directive.name.value, argument.value


_NAMES: Final = frozenset({MAX_AGE, STALE_OK})
