"""The printed schema is the real one, and everything in it is described."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
)

from gateway.schema import build_schema


def schema_file(root: Path) -> list[str]:
    """``schema.graphql`` is what ``retail-gateway schema print`` prints."""
    path = root / "schema.graphql"
    printed = build_schema().as_str() + "\n"
    if path.is_file() and path.read_text("utf-8") == printed:
        return []
    return ["schema.graphql is not the printed schema: run `make schema` and read the difference as a client would"]


def descriptions(root: Path) -> list[str]:
    """Every type, field, argument and enum value says what it is."""
    del root
    return undescribed(build_schema()._schema)  # noqa: SLF001 - Strawberry shows its graphql-core schema by no other name.


def undescribed(schema: GraphQLSchema) -> list[str]:
    """One sentence per place without a description."""
    return [f"{place} has no description: say what it is, with its limits and the platform's Chinese term"
            for kind in schema.type_map.values() if not kind.name.startswith("__")
            for place, description in _places(kind) if not (description or "").strip()]  # fmt: skip


def _places(kind: GraphQLNamedType) -> Iterator[tuple[str, str | None]]:
    yield kind.name, kind.description
    if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
        for name, field in kind.fields.items():
            yield f"{kind.name}.{name}", field.description
            for argument, given in field.args.items():
                yield f"{kind.name}.{name}({argument}:)", given.description
    elif isinstance(kind, GraphQLInputObjectType):
        for name, entry in kind.fields.items():
            yield f"{kind.name}.{name}", entry.description
    elif isinstance(kind, GraphQLEnumType):
        for name, value in kind.values.items():
            yield f"{kind.name}.{name}", value.description
