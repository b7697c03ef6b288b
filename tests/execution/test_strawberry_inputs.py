"""Inputs as resolvers get them: what Strawberry's own conversion gives, for every kind of input type."""

from __future__ import annotations

import enum
from typing import Annotated, Any

import pytest
import strawberry
from strawberry import UNSET
from strawberry.relay import GlobalID
from strawberry.schema.config import StrawberryConfig
from strawberry.types import arguments

from gateway.execution import strawberry_inputs
from gateway.execution.strawberry_inputs import Converters


@strawberry.enum
class Colour(enum.Enum):
    RED = "red"


@strawberry.input
class Inner:
    given_name: str
    colour: Colour | None
    weight: int | None = UNSET
    tags: list[str] = strawberry.field(default_factory=list)


@strawberry.input
class Outer:
    inner: Inner
    many: list[Inner | None] | None
    matrix: list[list[int]] | None = None
    ids: list[GlobalID] | None = None
    one: GlobalID | None = None
    maybe: strawberry.Maybe[int | None]
    renamed: int = strawberry.field(name="other", default=7)
    again: Annotated[Outer, strawberry.lazy("tests.execution.test_strawberry_inputs")] | None = None


@strawberry.type
class Query:
    @strawberry.field
    def ask(
        self,
        outer: Outer | None = None,
        outers: list[Outer] | None = None,
        colours: list[Colour] | None = None,
        ids: list[strawberry.ID] | None = None,
        node: GlobalID | None = None,
        maybe: strawberry.Maybe[Inner] = None,
    ) -> int:
        return 1


SCHEMA = strawberry.Schema(Query)
ARGUMENTS: dict[str, Any] = {
    argument.python_name: argument.type
    for argument in SCHEMA.schema_converter.type_map["Query"].definition.fields[0].arguments  # type: ignore[union-attr]
}
NODE = str(GlobalID("Thing", "1"))
INNER: dict[str, Any] = {"givenName": "a", "colour": Colour.RED}
OUTER: dict[str, Any] = {"inner": INNER, "many": [INNER, None, {"givenName": "b", "weight": None, "tags": ["x"]}]}
FULL: dict[str, Any] = {
    **OUTER,
    "matrix": [[1, 2], []],
    "ids": [NODE, NODE],
    "one": NODE,
    "maybe": None,
    "other": 3,
    "again": {**OUTER, "maybe": 4, "again": None, "one": None},
}


def converters() -> Converters:
    return Converters(SCHEMA.schema_converter.scalar_registry, SCHEMA.config)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("outer", OUTER),
        ("outer", FULL),
        ("outer", None),
        ("outer", UNSET),
        ("outers", [OUTER, FULL]),
        ("outers", []),
        ("outers", None),
        ("outers", UNSET),
        ("colours", [Colour.RED]),
        ("ids", ["1", "2"]),
        ("ids", None),
        ("node", NODE),
        ("node", None),
        ("maybe", INNER),
    ],
)
def test_a_value_becomes_what_strawberry_makes_of_it(name: str, value: Any) -> None:
    type_ = ARGUMENTS[name]
    convert = converters().of(type_)
    assert convert is not None
    expected = arguments.convert_argument(value, type_, SCHEMA.schema_converter.scalar_registry, SCHEMA.config)
    got = convert(value)
    assert _shown(got) == _shown(expected)
    assert got is not value or not isinstance(value, list | dict)


def _shown(value: Any) -> Any:
    """Everything of a value that can be compared; Some has no equality."""
    return (type(value), _shown(value.value)) if type(value).__name__ == "Some" else repr(value)


def test_a_leaf_needs_no_converter() -> None:
    found = converters()
    assert [found.of(type_) for type_ in (int, strawberry.ID, Colour)] == [None, None, None]


@pytest.mark.parametrize(("name", "value"), [("node", "no id"), ("outer", {**FULL, "one": "no id"})])
def test_what_strawberry_refuses_is_refused(name: str, value: Any) -> None:
    convert = converters().of(ARGUMENTS[name])
    assert convert is not None
    with pytest.raises(Exception, match="Value cannot represent a GlobalID"):
        convert(value)


def test_types_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    convert = converters().of(ARGUMENTS["outers"])
    assert convert is not None

    def asked(*_: Any, **__: Any) -> Any:
        raise AssertionError("Strawberry was asked about an input object")

    monkeypatch.setattr(strawberry_inputs, "convert_argument", asked)
    assert len(convert([OUTER] * 3)) == 3


def test_names_are_those_of_the_schema() -> None:
    plain = Converters(SCHEMA.schema_converter.scalar_registry, StrawberryConfig(auto_camel_case=False))
    convert = plain.of(Inner)
    assert convert is not None
    assert convert({"given_name": "a"}) == Inner(given_name="a", colour=None)
