"""``@export(as:)``: a leaf of one root field becomes a variable of those that follow.

What cannot work is refused before anything runs; each refusal says what would work.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from graphql import (
    DirectiveNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLNonNull,
    InlineFragmentNode,
    Node,
    NonNullTypeNode,
    StringValueNode,
    VariableNode,
    get_named_type,
    is_leaf_type,
    is_list_type,
    print_ast,
)
from graphql.utilities import coerce_input_value

from gateway.execution import Instead, Plan, SerialHook, Step
from gateway.resolvers.errors import UserError
from gateway.schema.directives import EXPORT
from gateway.schema.problems import DomainProblem

#: Directives whose conditions are decided before any field runs.
_CONDITIONS: Final = frozenset({"skip", "include"})


class DocumentRefused(UserError):
    """The document cannot work as it is; nothing of it runs. ``node`` is where."""

    def __init__(self, code: str, message: str, node: Node | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.node = node


@dataclass(frozen=True, slots=True)
class Export:
    """A leaf that fills a variable: the root field's response key, and the path from there to the leaf."""

    variable: str
    root: str
    path: tuple[str, ...]
    type: Any
    node: FieldNode


@dataclass(frozen=True, slots=True)
class Exports:
    """What a document exports, and what uses it: root field's response key → the exported variables below it."""

    all: tuple[Export, ...]
    uses: Mapping[str, frozenset[str]]

    def of(self, root: str) -> Sequence[Export]:
        """What one root field exports."""
        return [each for each in self.all if each.root == root]

    def refuse_given(self, variables: Mapping[str, Any] | None) -> None:
        """Refuse variables of the client's that are to be filled. Raises DocumentRefused."""
        for each in self.all:
            if each.variable in (variables or {}):
                raise DocumentRefused(
                    "EXPORT_SUPPLIED",
                    f"${each.variable} is filled by @export, and the request has a value for it: leave it out of the"
                    " variables.",
                    each.node,
                )


_read: weakref.WeakKeyDictionary[Plan, Exports | DocumentRefused] = weakref.WeakKeyDictionary()


def exports_of(plan: Plan) -> Exports:
    """What the operation exports; read once per plan. Raises DocumentRefused."""
    if EXPORT not in plan.directives:
        return _NONE
    found = _read.get(plan)
    if found is None:
        try:
            found = _Reading(plan).exports()
        except DocumentRefused as refused:
            found = refused
        _read[plan] = found
    if isinstance(found, DocumentRefused):
        raise DocumentRefused(found.code, str(found), found.node)
    return found


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the document one stands."""

    path: tuple[str, ...] = ()
    in_list: bool = False
    conditional: bool = False


@dataclass(slots=True)
class _Reading:
    plan: Plan
    found: list[tuple[Export, _Place]] = field(default_factory=list)
    #: Root fields by response key, in the order in which they run; the variables below each.
    roots: dict[str, set[str]] = field(default_factory=dict)
    #: Variables that are needed before the first field runs.
    early: set[str] = field(default_factory=set)

    def exports(self) -> Exports:
        node = self.plan.node
        self.early |= {name for each in node.directives or () for name in _variables(each)}
        self._walk(node.selection_set.selections, self.plan.root_type, _Place())
        seen: dict[str, Export] = {}
        for export, place in self.found:
            if export in seen.values():
                continue
            self._check(export, place)
            if export.variable in seen:
                raise DocumentRefused(
                    "EXPORT_TWICE",
                    f"${export.variable} is exported twice; export each leaf into a variable of its own.",
                    export.node,
                )
            seen[export.variable] = export
        names = seen.keys()
        return Exports(tuple(seen.values()), {key: frozenset(used & names) for key, used in self.roots.items()})

    def _walk(self, selections: Sequence[Any], parent: Any, place: _Place) -> None:
        schema = self.plan.schema
        for each in selections:
            conditional = place.conditional or any(d.name.value in _CONDITIONS for d in each.directives or ())
            for directive in each.directives or ():
                self.early |= set(_variables(directive))
            below = _Place(place.path, place.in_list, conditional)
            if isinstance(each, FieldNode):
                self._field(each, parent, below)
            elif isinstance(each, InlineFragmentNode):
                condition = each.type_condition
                type_ = parent if condition is None else schema.get_type(condition.name.value)
                self._walk(each.selection_set.selections, type_, below)
            elif isinstance(each, FragmentSpreadNode):
                fragment = self.plan.fragment_definitions[each.name.value]
                type_ = schema.get_type(fragment.type_condition.name.value)
                self._walk(fragment.selection_set.selections, type_, below)

    def _field(self, node: FieldNode, parent: Any, place: _Place) -> None:
        definition = self.plan.schema.get_field(parent, node.name.value)
        assert definition is not None  # noqa: S101 — the document is valid
        path = (*place.path, (node.alias or node.name).value)
        type_ = definition.type.of_type if isinstance(definition.type, GraphQLNonNull) else definition.type
        here = _Place(path, place.in_list or is_list_type(type_), place.conditional)
        used = self.roots.setdefault(path[0], set())
        used |= {name for each in node.arguments or () for name in _variables(each)}
        for directive in node.directives or ():
            if directive.name.value == EXPORT:
                self.found.append((Export(_name(directive), path[0], path[1:], type_, node), here))
        if node.selection_set is not None:
            self._walk(node.selection_set.selections, get_named_type(type_), here)

    def _check(self, export: Export, place: _Place) -> None:
        name, node = export.variable, export.node
        if self.plan.is_query:
            message = "@export works in a mutation, whose fields run one after the other; ask in two requests."
            raise DocumentRefused("EXPORT_NEEDS_MUTATION", message, node)
        declared = {each.variable.name.value: each for each in self.plan.node.variable_definitions or ()}.get(name)
        if declared is None:
            message = f"@export fills ${name}, which the operation does not declare: {_declare(export)}."
            raise DocumentRefused("EXPORT_UNDECLARED", message, node)
        if isinstance(declared.type, NonNullTypeNode) or declared.default_value is None:
            message = (
                f"${name} is filled by @export and must be nullable with a default, so that it needs no value of the"
                f" client's: {_declare(export)}."
            )
            raise DocumentRefused("EXPORT_NO_DEFAULT", message, declared)
        if place.in_list:
            message = f"The leaf exported into ${name} stands below a list, or is one; export a single value."
            raise DocumentRefused("EXPORT_IN_LIST", message, node)
        if place.conditional:
            message = f"The leaf exported into ${name} may be left out by @skip or @include; select it in any case."
            raise DocumentRefused("EXPORT_CONDITIONAL", message, node)
        if not is_leaf_type(export.type):
            message = f"@export stands on {node.name.value}, which has fields of its own; put it on one leaf of them."
            raise DocumentRefused("EXPORT_TYPE", message, node)
        if print_ast(declared.type) != export.type.name:
            message = (
                f"${name} is declared {print_ast(declared.type)}, and {node.name.value} is {export.type}:"
                f" {_declare(export)}."
            )
            raise DocumentRefused("EXPORT_TYPE", message, declared)
        self._check_order(export)

    def _check_order(self, export: Export) -> None:
        name, node = export.variable, export.node
        if name in self.early:
            message = f"A directive needs ${name} before any field has run; use it in arguments of later fields alone."
            raise DocumentRefused("EXPORT_USED_BEFORE", message, node)
        for key, used in self.roots.items():
            if name in used:
                message = (
                    f"The field {key} uses ${name}, which {export.root} exports: put it after {export.root}. Fields run"
                    " in the document's order."
                )
                raise DocumentRefused("EXPORT_USED_BEFORE", message, node)
            if key == export.root:
                return


class ExportUnset(UserError):
    """An exported leaf was not there: its field failed, is null, or answered another type."""

    code = "EXPORT_UNSET"

    def __init__(self, variable: str, root: str) -> None:
        super().__init__(
            f"${variable} has no value: the field {root} failed, or its answer does not have the exported leaf. See"
            f" what {root} answers."
        )


def fill(step: Step, export: Export, value: Any) -> None:
    """Put an exported leaf into its variable, as the client would send it. Raises ExportUnset."""
    if value is None:
        raise ExportUnset(export.variable, export.root)
    # The data of a run has instants where the answer has texts.
    sent = value.isoformat() if isinstance(value, date) else value
    try:
        step.variables[export.variable] = coerce_input_value(sent, export.type)
    except GraphQLError:
        raise ExportUnset(export.variable, export.root) from None


class Exporting(SerialHook):
    """Exports of a mutation that is no transaction: a field that lacks an exported value is not run."""

    def __init__(self, exports: Exports) -> None:
        self._exports = exports
        self._unset: dict[str, ExportUnset] = {}

    async def before(self, step: Step) -> None:
        for name in sorted(self._exports.uses.get(step.key, ())):
            unset = self._unset.get(name)
            if unset is not None:
                raise Instead(DomainProblem(code=unset.code, message=str(unset), retryable=False))

    async def after(self, step: Step, value: Any) -> None:
        for each in self._exports.of(step.key):
            found = value
            for key in each.path:
                found = found.get(key) if isinstance(found, dict) else None
            try:
                fill(step, each, found)
            except ExportUnset as unset:
                self._unset[each.variable] = unset


def _declare(export: Export) -> str:
    """How the variable is to be declared."""
    if not is_leaf_type(export.type):
        return "declare it nullable, of the leaf's type and with a default"
    value = {"Int": "0", "Long": "0", "Float": "0", "Boolean": "false", "ID": '""', "String": '""'}
    return f"declare ${export.variable}: {export.type} = {value.get(export.type.name, 'null')}"


def _name(directive: DirectiveNode) -> str:
    value = next(each.value for each in directive.arguments or ())
    if not isinstance(value, StringValueNode):
        message = "@export names its variable in the document itself: write as: and the name in quotes."
        raise DocumentRefused("EXPORT_UNDECLARED", message, directive)
    return value.value


def _variables(node: Any) -> Iterator[str]:
    if isinstance(node, VariableNode):
        yield node.name.value
        return
    for each in (getattr(node, "value", None), *(getattr(node, "values", None) or ())):
        if isinstance(each, Node):
            yield from _variables(each)
    for name in ("fields", "arguments"):
        for each in getattr(node, name, None) or ():
            yield from _variables(each)


_NONE: Final = Exports((), {})


def located(refused: DocumentRefused) -> GraphQLError:
    """As an entry of ``errors``."""
    return GraphQLError(str(refused), refused.node, original_error=refused)
