"""One plan for every vector of an operation's conditions: it tests them as it runs.

A specialised variant (``variant``) is made for one vector of the @skip and @include variables. This one is made once,
when an operation has met more vectors than are specialised, and takes all that follow. What is selected at a place, in
which order and by which nodes, still has to be what ``collect_fields`` gives for the vector of the run. So fields are
collected with the condition under which each node is there, and a field gets a *placement* for each node that may be
its first: they exclude each other, and stand in the order in which the nodes are met.

Conditions are an and-inverter graph: numbers into a list of truth values, made once per run by ``Conditions.vector``;
``~number`` is the opposite. Each entry costs one step however it came about, and none is ever written out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    InlineFragmentNode,
    SelectionSetNode,
    VariableNode,
)
from graphql.execution.collect_fields import FieldDetails, does_fragment_condition_match, get_field_entry_key

from gateway.execution.generate import TooLarge, Unit
from gateway.execution.model import Arguments, Field, Selection, Typename
from gateway.execution.variant import FIELDS, Variant

if TYPE_CHECKING:
    from gateway.execution.operation import Operation
    from gateway.execution.state import State

#: The condition that always holds; ``NEVER`` is its opposite.
ALWAYS = 0
NEVER = ~ALWAYS
#: Nodes that are visited to collect fields, over all places: a fragment's once per condition under which it is spread.
VISITS = 5 * FIELDS


class Conditions:
    """The conditions of one plan: ``ALWAYS``, the variables in their order, then what is made of those before it."""

    def __init__(self, variables: Sequence[str]) -> None:
        self._variables = {name: number for number, name in enumerate(variables, 1)}
        #: Two earlier conditions that must both hold, by the number of theirs.
        self._both: list[tuple[int, int]] = [(ALWAYS, ALWAYS)] * (1 + len(variables))
        self._known: dict[tuple[int, int], int] = {}

    def __len__(self) -> int:
        return len(self._both)

    def variable(self, name: str) -> int:
        """The condition that a variable is true."""
        return self._variables[name]

    def both(self, a: int, b: int) -> int:
        """The condition that two others hold."""
        if a == b or b == ALWAYS:
            return a
        if a == ALWAYS:
            return b
        if a == ~b or NEVER in (a, b):
            return NEVER
        for one, other in ((a, b), (b, a)):
            # What a condition is made of holds wherever it does.
            if one > 0 and other in self._both[one]:
                return one
            if one > 0 and ~other in self._both[one]:
                return NEVER
        pair = (a, b) if a < b else (b, a)
        found = self._known.get(pair)
        if found is None:
            found = self._known[pair] = len(self._both)
            self._both.append(pair)
        return found

    def either(self, a: int, b: int) -> int:
        """The condition that one of two others holds."""
        return ~self.both(~a, ~b)

    def vector(self, values: Sequence[bool]) -> list[bool]:
        """What holds in a run, by number; ``values`` are the variables'."""
        vector = [True, *values]
        for a, b in self._both[len(vector) :]:
            vector.append(holds(a, vector) and holds(b, vector))
        return vector

    def described(self, condition: int) -> str:
        """A condition in words."""
        if condition < 0:
            return f"not {self.described(~condition)}"
        names = ["always", *(f"${name}" for name in self._variables)]
        return names[condition] if condition < len(names) else f"c[{condition}]"

    def explained(self) -> Iterator[str]:
        """A line for each condition that is made of others."""
        for number in range(1 + len(self._variables), len(self._both)):
            a, b = self._both[number]
            yield f"c[{number}] = {self.described(a)} and {self.described(b)}"


def holds(condition: int, vector: Sequence[bool]) -> bool:
    """Whether a condition holds in a run."""
    return vector[condition] if condition >= 0 else not vector[~condition]


class Met:
    """The nodes of one response key, in the order in which they are met."""

    def __init__(self) -> None:
        self.choices: list[tuple[FieldDetails, int]] = []
        #: When one of them is there.
        self.included = NEVER


class ConditionalVariant(Variant):
    """The compiled selections of an operation for all vectors: collected at once, compiled as they are needed."""

    def __init__(self, operation: Operation) -> None:
        self.graph = Conditions(operation.conditions)
        self._visits = 0
        super().__init__(operation, {})

    def vector(self, variables: Mapping[str, Any]) -> list[bool]:
        return self.graph.vector([variables[name] for name in self.operation.conditions])

    def fields(self, selection: Selection, state: State) -> Sequence[Field]:
        return [field for field, condition in selection.placements if holds(condition, state.conditions)]

    def chosen(self, field: Field, state: State) -> list[FieldDetails]:
        assert field.choices is not None  # noqa: S101 — the state asks for others by itself
        return [details for details, condition in field.choices if holds(condition, state.conditions)]

    def _root(self) -> Selection:
        operation = self.operation
        root = self._collected(operation.root_type, [(operation.node.selection_set, ALWAYS)])
        # Conditions are numbered before the first run: what is below objects that no run has met yet is collected too.
        found, queue = {id(root)}, [root]
        while queue:
            for field in queue.pop().fields:
                for type_ in self.types_at(field.position):
                    child = self.child(field, type_)
                    if id(child) not in found:
                        found.add(id(child))
                        queue.append(child)
        return root

    def _key(self, field: Field, type_: GraphQLObjectType) -> Any:
        # A field's own selections matter only where it is there, so a condition that all its nodes share is none.
        if field.choices is None:
            return super()._key(field, type_)
        return type_.name, tuple((id(details.node), condition) for details, condition in field.choices)

    def _below(self, field: Field, type_: GraphQLObjectType) -> Selection:
        choices = field.choices or [(details, ALWAYS) for details in field.details]
        sets = [(details.node.selection_set, condition) for details, condition in choices]
        return self._collected(type_, [(nodes, condition) for nodes, condition in sets if nodes is not None])

    def _collected(self, type_: GraphQLObjectType, sets: list[tuple[SelectionSetNode, int]]) -> Selection:
        """What graphql-core's ``collect_fields`` gives, for all vectors at once."""
        both, either = self.graph.both, self.graph.either
        met: dict[str, Met] = {}
        order: list[tuple[str, int]] = []
        visited: dict[str, int] = {}
        for nodes, condition in sets:
            for node, there in self._visit(type_, nodes, condition, visited):
                key = get_field_entry_key(node)
                of_key = met.setdefault(key, Met())
                of_key.choices.append((FieldDetails(node, None), there))
                # This node decides the place of the key where none before it is there.
                first = both(there, ~of_key.included)
                of_key.included = either(of_key.included, there)
                if first != NEVER:
                    order.append((key, first))
        fields = {key: self._met(type_, key, of_key) for key, of_key in met.items()}
        selection = self._of(type_, [field for field in fields.values() if field is not None])
        selection.placements = tuple(
            (field, first) for field, first in ((fields[key], first) for key, first in order) if field is not None
        )
        return selection

    def _visit(
        self, type_: GraphQLObjectType, nodes: SelectionSetNode, condition: int, visited: dict[str, int]
    ) -> Iterator[tuple[FieldNode, int]]:
        both, either = self.graph.both, self.graph.either
        schema = self.operation.schema
        for node in nodes.selections:
            self._visits += 1
            if self._visits > VISITS:
                raise TooLarge
            there = both(condition, self._condition(node.directives or ()))
            if there == NEVER:
                continue
            if isinstance(node, FieldNode):
                yield node, there
            elif isinstance(node, InlineFragmentNode):
                if does_fragment_condition_match(schema, node, type_):
                    yield from self._visit(type_, node.selection_set, there, visited)
            elif isinstance(node, FragmentSpreadNode):
                name = node.name.value
                fragment = self.operation.fragments.get(name)
                if fragment is None or not does_fragment_condition_match(schema, fragment.definition, type_):
                    continue
                # A fragment is visited where it is spread first.
                before = visited.get(name, NEVER)
                first = both(there, ~before)
                visited[name] = either(before, there)
                if first != NEVER:
                    yield from self._visit(type_, fragment.definition.selection_set, first, visited)

    def _condition(self, directives: Sequence[DirectiveNode]) -> int:
        condition = ALWAYS
        for directive in directives:
            name = directive.name.value
            if name not in ("skip", "include"):
                continue
            [value] = [each.value for each in directive.arguments or ()]
            if isinstance(value, VariableNode):
                true = self.graph.variable(value.name.value)
            else:
                true = ALWAYS if isinstance(value, BooleanValueNode) and value.value else NEVER
            condition = self.graph.both(condition, ~true if name == "skip" else true)
        return condition

    def _met(self, type_: GraphQLObjectType, key: str, met: Met) -> Field | None:
        nodes = {id(details.node) for details, _ in met.choices}
        # One node that is met under several conditions, in a fragment, is the same node under each.
        alone = len(nodes) == 1
        field = self._field(type_, key, [details for details, _ in (met.choices[:1] if alone else met.choices)])
        if field is None:
            return None
        field.included = met.included
        if not alone and len({condition for _, condition in met.choices}) > 1:
            field.choices = tuple(met.choices)
            field.arguments = self._arguments(field)
        return field

    def _arguments(self, field: Field) -> Arguments | None:
        """The arguments as the first node gives them that is there: an error tells where that stands."""
        assert field.choices is not None  # noqa: S101 — seen by the caller
        each = [
            (self.dialect.arguments(field.definition, details.node, field.resolver), condition)
            for details, condition in field.choices
        ]
        first = each[0][0]
        if first is None or first.of is None:
            return first

        def of_run(state: State) -> Arguments:
            return next(found for found, condition in each if found and holds(condition, state.conditions))

        def of(state: State) -> dict[str, Any]:
            arguments = of_run(state)
            return dict(arguments.constant or {}) if arguments.of is None else arguments.of(state)

        if first.steps is None:
            return Arguments(None, of, first.direct)
        _, convert = first.steps

        def coerce(state: State) -> Mapping[str, Any]:
            steps = of_run(state).steps
            assert steps is not None  # noqa: S101 — the nodes of a valid document have the same arguments
            return steps[0](state)

        return Arguments(None, of, first.direct, (coerce, convert))


class ConditionalUnit(Unit):
    """The functions of one selection, with its conditions."""

    more, handed = ", c", ", state.conditions"

    def _begin(self) -> None:
        self._line("c = state.conditions")

    @contextmanager
    def _where(self, condition: int) -> Iterator[None]:
        if condition == ALWAYS:
            yield
            return
        with self._block(f"if c[{condition}]:" if condition > 0 else f"if not c[{~condition}]:"):
            yield

    def _plain_object(self, selection: Selection, of: str) -> str:
        several = _several(selection)
        values = {}
        for field in several:
            values[field.key] = self._early(field, lambda field: self._plain_field(selection, field, of))
        answer = self._local("d")
        return self._object(
            selection, answer, lambda field: values.get(field.key) or self._plain_field(selection, field, of)
        )

    def _early(self, field: Field, value: Callable[[Field], str]) -> str:
        """The value of a field before it is known where it stands."""
        if isinstance(field.resolver, Typename):
            return value(field)
        with self._where(field.included):
            return value(field)

    def _object(self, selection: Selection, answer: str, value: Callable[[Field], str]) -> str:
        """Lines that make the dict of an object; what is always first is made as one display."""
        always: dict[str, str] = {}
        rest = list(selection.placements)
        while rest and rest[0][1] == ALWAYS:
            field, _ = rest.pop(0)
            always[field.key] = value(field)
        self._line(f"{answer} = {self._display(always)}")
        for field, condition in rest:
            with self._where(condition):
                self._line(f"{answer}[{field.key!r}] = {value(field)}")
        return answer

    def mixed_selection(self, selection: Selection) -> None:
        fetched = [each for each in selection.fields if not self._variant.is_plain(each)]
        several = _several(selection)
        for field in fetched:
            self._put(field)
            if field in several:
                with self._block(f"def get_{self._bind('F', field)}(state, o, trail, a):"):
                    self._fetched(field)
                self._line("")
        plain = [each for each in selection.fields if each not in fetched]
        number = selection.number
        with self._block(f"def run_{number}(state, o, trail):  # {selection.type.name}"):
            self._begin()
            values = {field.key: "None" for field in fetched}
            values.update({f.key: repr(selection.type.name) for f in plain if isinstance(f.resolver, Typename)})
            read = [field for field in plain if field.key not in values]
            if read:
                with self._block("try:"):
                    for field in read:
                        values[field.key] = self._early(field, lambda each: self._plain_field(selection, each, "o"))
                with self._block("except Exception:"):
                    self._line(f"return complete_selection(state, S{number}, o, trail)")
            self._object(selection, "a", lambda field: values[field.key])
            for field, condition in selection.placements:
                if field not in fetched:
                    continue
                with self._where(condition):
                    if field in several:
                        self._line(f"get_{self._bind('F', field)}(state, o, trail, a)")
                    else:
                        self._fetched(field)
            self._line("return a")


def _several(selection: Selection) -> list[Field]:
    """The fields that may stand at more than one place."""
    seen: set[int] = set()
    found: dict[int, Field] = {}
    for field, _ in selection.placements:
        if id(field) in seen:
            found[id(field)] = field
        seen.add(id(field))
    return list(found.values())


ConditionalVariant.unit = ConditionalUnit
