"""The gateway's own schema with scripted resolvers: types, inputs, unions and scalars are the product's."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import strawberry
from graphql import GraphQLObjectType
from strawberry.types.field import StrawberryField

from gateway.schema import build_schema
from tests.execution.strawberry_worlds import StrawberryWorld, Sub, current, subclass
from tests.execution.worlds import World

#: How deep attributes lead to further objects where they need not.
DEPTH = 3


@cache
def _schema() -> strawberry.Schema:
    return build_schema()


def product_schema(rng: random.Random) -> strawberry.Schema:
    """The one schema there is."""
    del rng
    return _schema()


@dataclass
class ProductWorld(StrawberryWorld):
    """A world whose objects are the gateway's, made with the attributes that the document names."""

    def object(self, type_: GraphQLObjectType, path: tuple[Any, ...], depth: int, rng: random.Random) -> Any:
        origin: Any = type_.extensions["strawberry-definition"].origin
        made = origin.__new__(origin)
        self.in_object += 1
        for name, python_name, returns in _attributes(type_):
            if name not in self.names:
                continue
            try:
                value = self.maybe_later(returns, (*path, "attribute", name), depth + 1, 0.02)
            except Exception as error:
                value = error
            setattr(made, python_name, value)
        self.in_object -= 1
        made.scripted_key = path
        pick = rng.random()
        if pick < self.trouble / 2:
            for name in sorted(vars(made))[:1]:
                delattr(made, name)
        elif pick < 0.05:
            made.__class__ = subclass(origin)
        elif pick < 0.1:
            return strawberry.cast(origin, Sub(**vars(made)))
        return made

    def value(self, type_: Any, path: tuple[Any, ...], depth: int = 0) -> Any:
        if depth > DEPTH:
            # Attributes of the product lead to each other without end.
            if str(type_)[-1] != "!":
                return None
            if str(type_)[0] == "[":
                return []
        return super().value(type_, path, depth)


@cache
def _attributes(type_: GraphQLObjectType) -> list[tuple[str, str, Any]]:
    """Name, Python's name and type of each field without a resolver."""
    found = []
    for name, field in type_.fields.items():
        described = field.extensions.get("strawberry-definition")
        if isinstance(described, StrawberryField) and described.base_resolver is None:
            found.append((name, described.python_name, field.type))
    return found


@contextmanager
def scripted() -> Iterator[None]:
    """The product's resolvers do what the world in force says, which is where they are called the same way."""
    replaced = []
    try:
        for type_ in _schema()._schema.type_map.values():
            for field in type_.fields.values() if isinstance(type_, GraphQLObjectType) else ():
                described = field.extensions.get("strawberry-definition")
                resolver = described.base_resolver if isinstance(described, StrawberryField) else None
                if resolver is None or getattr(resolver.wrapped_func, "is_scripted", False):
                    continue
                replaced.append((resolver, resolver.wrapped_func))
                resolver.wrapped_func = _scripted(resolver, field.type, described.is_async)
        yield
    finally:
        for resolver, function in replaced:
            resolver.wrapped_func = function


def _scripted(resolver: Any, type_: Any, is_async: bool) -> Callable[..., Any]:
    """A function of the resolver's signature, whose value depends on where it is called."""
    signature, name, info_parameter = resolver.signature, resolver.name, resolver.info_parameter
    info_name = None if info_parameter is None else info_parameter.name

    def called(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[World, Any, tuple[Any, ...]]:
        given = dict(signature.bind(*args, **kwargs).arguments)
        info = given.pop(info_name, None)
        rest = {key: value for key, value in given.items() if not hasattr(value, "scripted_key")}
        sources = [value.scripted_key for value in given.values() if hasattr(value, "scripted_key")]
        world: World = current()
        world.calls += 1
        if info is None:
            return world, type_, (*sources, name, repr(rest))
        return world, info._raw_info.return_type, (*info.path.as_list(), name, repr(rest))

    def now(*args: Any, **kwargs: Any) -> Any:
        world, returns, key = called(args, kwargs)
        return world.maybe_later(returns, key, 0, 0.1 if world.asynchronous else 0)

    async def later(*args: Any, **kwargs: Any) -> Any:
        world, returns, key = called(args, kwargs)
        if world.rng("waits", key).random() < 0.7:
            await world.gate("act", key)
        return world.value(returns, key, 0)

    function: Any = later if is_async else now
    function.__name__ = name
    function.is_scripted = True
    assert inspect.iscoroutinefunction(function) is is_async
    return function  # type: ignore[no-any-return]
