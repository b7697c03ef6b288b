"""What a plan consists of: selections of fields, and the positions that their values take in the answer.

Built once per operation, read-only afterwards but for what runs teach it: which classes always complete as which
type (``Position.classes``), so that the next run can tell by one look at an object's class.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from graphql import (
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    is_abstract_type,
    is_leaf_type,
    is_object_type,
)
from graphql.execution.collect_fields import FieldDetails
from graphql.pyutils import Path

if TYPE_CHECKING:
    from gateway.execution.state import State

#: A response path, leaf first: (the path above, key or index, the object type of a key, whether null may stand here).
#: A tuple, because one is made for every object that has resolvers below it.
Trail: TypeAlias = "tuple[Trail | None, str | int, str | None, bool]"

#: Completes a value into ``container[key]``; raises what went wrong at this position, for ``State.fail``.
Put: TypeAlias = "Callable[[State, Any, Trail, Any], None]"


def path_of(trail: Trail | None) -> Path | None:
    """The same path as graphql-core writes it."""
    if trail is None:
        return None
    return Path(path_of(trail[0]), trail[1], trail[2])


@dataclass(slots=True, eq=False)
class Field:
    """One response key of a selection: the nodes that ask for it, and how its value is fetched."""

    key: str
    parent: GraphQLObjectType
    definition: GraphQLField
    details: list[FieldDetails]
    resolver: Resolver
    arguments: Arguments | None
    position: Position = dataclasses.field(init=False)
    #: Where a plan tests conditions: when the field is there, and each node with its own condition where they differ.
    included: int = 0
    choices: tuple[tuple[FieldDetails, int], ...] | None = None
    #: Selections of the objects found here, by type name; filled as types are met.
    selections: dict[str, Selection] = dataclasses.field(default_factory=dict)
    #: Generated where the field is fetched by more than an attribute.
    put: Put | None = None

    @property
    def name(self) -> str:
        """Its name in the schema."""
        return self.details[0].node.name.value


@dataclass(slots=True, eq=False)
class Position:
    """A place that a value takes: a field's, or that of a list's items."""

    field: Field
    type: GraphQLOutputType
    #: Without the non-null around it.
    inner: GraphQLOutputType
    nullable: bool
    kind: Literal["leaf", "object", "abstract", "list"]
    item: Position | None = None
    #: Classes seen here whose instances always complete as one type. Generated code looks into these three.
    classes: set[Any] = dataclasses.field(default_factory=set)
    #: Class → ``Selection.run`` of what it completes as.
    runs: dict[Any, Callable[..., dict[str, Any]]] = dataclasses.field(default_factory=dict)
    #: Class → ``Selection.fast``, where that selection is plain.
    fasts: dict[Any, Callable[[Any], dict[str, Any]]] = dataclasses.field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Selection:
    """The fields of one object type at one place."""

    type: GraphQLObjectType
    fields: list[Field]
    #: True where every field below is an attribute: read again without effect, so completed without paths.
    plain: bool = False
    number: int = -1
    #: Generated: ``run(state, object, trail)`` gives the dict of the object.
    run: Callable[[State, Any, Trail | None], dict[str, Any]] | None = None
    #: Generated where ``plain``: ``fast(object)``, which raises whatever it likes when something is unusual.
    fast: Callable[[Any], dict[str, Any]] | None = None
    source: str = ""
    #: Where a plan tests conditions: fields in the order of the answer, each once per place it may take there, with
    #: the condition under which it does.
    placements: tuple[tuple[Field, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Attribute:
    """The field is an attribute of the parent and nothing else."""

    name: str


@dataclass(frozen=True, slots=True)
class Typename:
    """The name of the parent's type."""


@dataclass(frozen=True, slots=True)
class Call:
    """A function, called as ``function(source?, info?, …arguments)`` by how it declares them."""

    function: Callable[..., Any]
    #: Whether the parent is the first positional argument.
    with_self: bool
    #: Names under which the parent is passed by keyword.
    source_names: tuple[str, ...]
    #: Name under which info is passed; None where it is not asked for.
    info_name: str | None
    #: The library's own definition of the field, for info.
    definition: Any
    #: Whether it is a coroutine function: what fails after graphql-core's coercion, even the call, fails when awaited.
    later: bool = False


@dataclass(frozen=True, slots=True)
class Core:
    """A resolver as graphql-core calls it: ``resolve(source, info, **arguments)``; None is the default resolver."""

    function: Callable[..., Any] | None


Resolver: TypeAlias = Attribute | Typename | Call | Core


@dataclass(slots=True, eq=False)
class Arguments:
    """A field's arguments: constants made at compile time, or a function of the run."""

    constant: Mapping[str, Any] | None
    of: Callable[[State], dict[str, Any]] | None
    #: Where every argument is a constant or one variable, and none needs converting: what generated code may inline.
    direct: Direct | None = None
    #: ``of`` in two steps, where converting may fail by itself: what graphql-core coerces, and what is made of that.
    steps: tuple[Callable[[State], Mapping[str, Any]], Callable[[Mapping[str, Any]], dict[str, Any]]] | None = None


@dataclass(frozen=True, slots=True)
class Direct:
    """Arguments by name: constants, and variables as (name, variable, default, must not be null)."""

    fixed: Mapping[str, Any]
    passed: tuple[tuple[str, str, Any, bool], ...]


def position_of(at: Field, type_: GraphQLOutputType) -> Position:
    """The position of a type, with those of its items below it."""
    nullable = not isinstance(type_, GraphQLNonNull)
    inner = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
    if isinstance(inner, GraphQLList):
        return Position(at, type_, inner, nullable, "list", position_of(at, inner.of_type))
    if is_leaf_type(inner):
        return Position(at, type_, inner, nullable, "leaf")
    if is_abstract_type(inner):
        return Position(at, type_, inner, nullable, "abstract")
    assert is_object_type(inner)  # noqa: S101 — an output type is one of the four
    return Position(at, type_, inner, nullable, "object")


def named(position: Position) -> Any:
    """The type of what is at the bottom of a position's lists."""
    while position.item is not None:
        position = position.item
    return position.inner
