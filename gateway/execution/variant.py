"""One operation compiled for one vector of its @skip and @include variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from graphql import GraphQLObjectType, OperationType, get_named_type, is_abstract_type, is_leaf_type
from graphql.execution.collect_fields import FieldDetails, GroupedFieldSet, collect_fields, collect_subfields
from graphql.execution.values import VariableValues

from gateway.execution import leaves
from gateway.execution.completion import complete_selected
from gateway.execution.generate import Generator, TooLarge, Unit
from gateway.execution.model import Attribute, Field, Position, Selection, Typename, position_of

if TYPE_CHECKING:
    from gateway.execution.operation import Operation
    from gateway.execution.state import State

#: Fields that one variant may come to, over all object types. More is left to graphql-core: it would be an attack,
#: or a document so large that compiling it does not pay.
FIELDS = 20_000
#: Classes remembered at one position.
CLASSES = 64
_NOTHING: list[bool] = []


class Variant:
    """The compiled selections of an operation; further ones are compiled as further object types are met."""

    #: What writes the functions.
    unit = Unit

    def __init__(self, operation: Operation, conditions: Mapping[str, bool]) -> None:
        self.operation = operation
        self.dialect = operation.dialect
        self.conditions = dict(conditions)
        self._variables = VariableValues({}, self.conditions)
        self._selections: dict[Any, Selection] = {}
        self._fixers: dict[str, Callable[[Any], Any]] = {}
        self._fields = 0
        #: Whether runs may have begun: then nothing is too large any more.
        self.ready = False
        self.generator = Generator(self, self.unit)
        self.serial = operation.node.operation is OperationType.MUTATION
        self.root = self._root()
        self.generator.compile(self.root)
        self.ready = True

    def vector(self, variables: Mapping[str, Any]) -> list[bool]:
        """What a run has to know of its conditions."""
        del variables
        return _NOTHING

    def fields(self, selection: Selection, state: State) -> Sequence[Field]:
        """The fields of a selection in a run, in the order of the answer."""
        del state
        return selection.fields

    def chosen(self, field: Field, state: State) -> list[FieldDetails]:
        """The nodes that ask for a field in a run."""
        del state
        return field.details

    def selection(self, field: Field, type_: GraphQLObjectType) -> Selection:
        """What is selected on objects of a type at a field, compiled."""
        selection = self.child(field, type_)
        if selection.run is None:
            if self._fields > FIELDS:
                selection.run = partial(complete_selected, selection)
            else:
                self.generator.compile(selection)
        return selection

    def child(self, field: Field, type_: GraphQLObjectType) -> Selection:
        """What is selected on objects of a type at a field."""
        found = field.selections.get(type_.name)
        if found is None:
            # The same nodes on the same type are the same selection, wherever they are reached from.
            key = self._key(field, type_)
            found = self._selections.get(key)
            if found is None:
                found = self._below(field, type_)
                if self._fields > FIELDS:
                    return found
                self._selections[key] = found
            field.selections[type_.name] = found
        return found

    def fixer(self, type_: Any) -> Callable[[Any], Any]:
        """The one fixer of a leaf type in this variant."""
        found = self._fixers.get(type_.name)
        if found is None:
            found = self._fixers[type_.name] = leaves.fixer(type_)
        return found

    def types_at(self, position: Position) -> list[GraphQLObjectType]:
        """The object types that may be found at a position."""
        inner: Any = get_named_type(position.type)
        if is_abstract_type(inner):
            return list(self.operation.schema.get_possible_types(inner))
        return [] if is_leaf_type(inner) else [inner]

    def learn(self, position: Position, type_: GraphQLObjectType, value: Any) -> None:
        """Remember what instances of the value's class complete as, if the class tells."""
        class_ = value.__class__
        if class_ in position.classes or len(position.classes) >= CLASSES or not leaves.answers_for_all(class_):
            return
        if self.dialect.is_told_by_class(position, type_, class_):
            selection = self.selection(position.field, type_)
            if selection.run is not None:
                position.runs[class_] = selection.run
            if selection.fast is not None:
                position.fasts[class_] = selection.fast
            position.classes.add(class_)

    def _root(self) -> Selection:
        operation = self.operation
        return self._selection(
            operation.root_type,
            collect_fields(
                operation.schema, operation.fragments, self._variables, operation.root_type, operation.node
            ).grouped_field_set,
        )

    def _key(self, field: Field, type_: GraphQLObjectType) -> Any:
        return type_.name, tuple(id(each.node) for each in field.details)

    def _below(self, field: Field, type_: GraphQLObjectType) -> Selection:
        operation = self.operation
        return self._selection(
            type_,
            collect_subfields(
                operation.schema, operation.fragments, self._variables, operation.node, type_, field.details
            ).grouped_field_set,
        )

    def _selection(self, type_: GraphQLObjectType, grouped: GroupedFieldSet) -> Selection:
        made = [self._field(type_, key, details) for key, details in grouped.items()]
        return self._of(type_, [field for field in made if field is not None])

    def _of(self, type_: GraphQLObjectType, fields: list[Field]) -> Selection:
        selection = Selection(type_, fields)
        selection.plain = self._fields <= FIELDS and all(self.is_plain(field) for field in fields)
        return selection

    def _field(self, type_: GraphQLObjectType, key: str, details: Sequence[FieldDetails]) -> Field | None:
        node = details[0].node
        definition = self.operation.schema.get_field(type_, node.name.value)
        if definition is None:
            return None
        self._fields += 1
        if self._fields > FIELDS and not self.ready:
            raise TooLarge
        resolver = self.dialect.resolver(node.name.value, definition)
        field = Field(
            key=key,
            parent=type_,
            definition=definition,
            details=list(details),
            resolver=resolver,
            arguments=self.dialect.arguments(definition, node, resolver),
        )
        field.position = position_of(field, definition.type)
        return field

    def is_plain(self, field: Field) -> bool:
        """Whether a field and all below it are attributes."""
        if isinstance(field.resolver, Typename):
            return True
        if not isinstance(field.resolver, Attribute):
            return False
        return all(self.child(field, type_).plain for type_ in self.types_at(field.position))
