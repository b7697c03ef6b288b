"""Strawberry's conversion of coerced arguments, decided once per type instead of once per value.

``Converters.of`` gives what ``strawberry.types.arguments.convert_argument`` would give, for types that do not build
themselves (``from_input``); what is rare is left to that function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING
from typing import Any

from strawberry.relay.types import GlobalID
from strawberry.schema.config import StrawberryConfig
from strawberry.types.arguments import _is_leaf_type, _is_optional_leaf_type, convert_argument
from strawberry.types.base import StrawberryList, StrawberryMaybe, StrawberryOptional, get_object_definition
from strawberry.types.enum import StrawberryEnumDefinition, has_enum_definition
from strawberry.types.lazy_type import LazyType
from strawberry.types.unset import UNSET

Convert = Callable[[Any], Any]


class Converters:
    """The converters of one schema."""

    def __init__(self, registry: Any, config: StrawberryConfig) -> None:
        self._registry = registry
        self._config = config
        self._objects: dict[Any, Convert] = {}

    def of(self, type_: Any) -> Convert | None:
        """How a coerced value becomes a resolver's argument; None where it is one already."""
        if isinstance(type_, StrawberryMaybe):
            return self._exact(type_)
        if isinstance(type_, StrawberryOptional):
            return self.of(type_.of_type)
        if isinstance(type_, StrawberryList):
            return self._list(type_.of_type)
        if _is_leaf_type(type_, self._registry):
            return self._exact(type_) if type_ is GlobalID else None
        if isinstance(type_, LazyType):
            return self.of(type_.resolve_type())
        if isinstance(type_, StrawberryEnumDefinition) or has_enum_definition(type_):
            return None
        definition = get_object_definition(type_)
        if definition is None or definition.from_input is not None:
            return self._exact(type_)
        return self._object(type_, definition)

    def _exact(self, type_: Any) -> Convert:
        registry, config = self._registry, self._config

        def exact(value: Any) -> Any:
            return convert_argument(value, type_, registry, config)

        return exact

    def _list(self, inner: Any) -> Convert:
        leaf = {"scalar_registry": self._registry, "skip_classes": (GlobalID,)}
        copied = _is_leaf_type(inner, **leaf) or _is_optional_leaf_type(inner, **leaf)
        item = None if copied else self.of(inner)

        def items(value: Any) -> Any:
            if value is None or value is UNSET:
                return value
            # A list that is a default belongs to all requests: each gets a copy.
            return list(value) if item is None else [item(each) for each in value]

        return items

    def _object(self, type_: Any, definition: Any) -> Convert:
        found = self._objects.get(type_)
        if found is not None:
            return found
        #: What a field without a default is that was not given.
        missing: dict[str, Any] = {}
        fields: list[tuple[str, str, Convert | None]] = []

        def members(value: Any) -> Any:
            if value is None or value is UNSET:
                return value
            given = missing.copy()
            for name, python, convert in fields:
                if name in value:
                    member = value[name]
                    given[python] = member if convert is None else convert(member)
            return type_(**given)

        # An input type may contain itself.
        self._objects[type_] = members
        for field in definition.fields:
            if definition.is_input and field.default_value is MISSING and field.default_factory is MISSING:
                missing[field.python_name] = None
            inner = field.resolve_type(type_definition=definition)
            fields.append((self._config.name_converter.from_field(field), field.python_name, self.of(inner)))
        return members
