"""Generated schemas whose resolvers behave by a script: the same for every executor, chosen by the path alone."""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import inspect
import itertools
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLError,
    GraphQLField,
    GraphQLFloat,
    GraphQLID,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
    GraphQLUnionType,
    is_abstract_type,
    is_enum_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

#: Orders from here on are tried where several failures compete.
OTHER = 10_000


@dataclass
class World:
    """One run's surroundings: what decides each value, and in which order awaitables are done."""

    seed: int
    order: int
    schema: Any
    trouble: float
    asynchronous: float
    #: The document: of attributes, only those it names are worth making.
    text: str
    calls: int = 0
    gates: list[Any] = field(default_factory=list)
    coroutines: list[Any] = field(default_factory=list)
    #: How deep we are in attributes: what stands there may be read several times.
    in_object: int = 0
    _numbers: Any = field(default_factory=itertools.count)

    @cached_property
    def names(self) -> frozenset[str]:
        """The names in the document."""
        return frozenset(re.findall(r"\w+", self.text))

    def rng(self, *key: Any) -> random.Random:
        """Random numbers that depend on the key alone."""
        digest = hashlib.blake2b(repr((self.seed, key)).encode(), digest_size=8).digest()
        return random.Random(int.from_bytes(digest))

    def waits(self, *key: Any) -> bool:
        """Whether a coroutine function waits for its turn in its course: most do. In other orders ``in_turn`` waits."""
        return self.order < OTHER and self.rng("waits", key).random() < 0.7

    def delays(self, *key: Any) -> bool:
        """Whether a turn is waited for where it may be, in the other orders: all in some, most in the rest."""
        return self.order % 2 == 0 or self.rng("delays", key, self.order).random() < 0.7

    async def gate(self, *key: Any) -> None:
        """Wait until it is this one's turn. Turns are given one by one, in an order that ``order`` decides."""
        digest = hashlib.blake2b(repr((self.order, key)).encode(), digest_size=8).digest()
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self.gates, (digest, next(self._numbers), future))
        await future

    def open_one(self) -> bool:
        """Give the next one its turn; whether there was one."""
        while self.gates:
            _, _, future = heapq.heappop(self.gates)
            if not future.done():
                future.set_result(None)
                return True
        return False

    def value(self, type_: Any, path: tuple[Any, ...], depth: int = 0) -> Any:
        """A value for a type: mostly right."""
        rng = self.rng("value", path, depth)
        if rng.random() < self.trouble:
            return self.wrong(rng)
        if is_non_null_type(type_):
            type_ = type_.of_type
        elif rng.random() < 0.1:
            return None
        if is_list_type(type_):
            return self._list(type_, path, depth, rng)
        if is_leaf_type(type_):
            return self.leaf(type_, rng)
        if is_abstract_type(type_):
            type_ = rng.choice(self.schema.get_possible_types(type_))
        return self.object(type_, path, depth, rng)

    def wrong(self, rng: random.Random) -> Any:
        pick = rng.randint(0, 6)
        if pick == 0:
            return None
        if pick == 1:
            return ValueError(f"a value that is an error {rng.randint(0, 9)}")
        if pick == 2:
            raise KeyError(f"raised {rng.randint(0, 9)}")
        if pick == 3:
            raise GraphQLError(f"told {rng.randint(0, 9)}", extensions={"code": "X"})
        return rng.choice(["text", 3.7, object, [1, 2], {"a": 1}, True, 2**40, float("nan"), b"x"])

    def leaf(self, type_: Any, rng: random.Random) -> Any:
        if is_enum_type(type_):
            return rng.choice([each.value for each in type_.values.values()])
        return {
            "Int": lambda: rng.choice([rng.randint(-(10**6), 10**6), True, 4.0]),
            "Float": lambda: rng.choice([rng.random(), 3, float("1e300")]),
            "Boolean": lambda: rng.choice([True, False, 1]),
            "ID": lambda: rng.choice(["id", 17]),
            "Odd": lambda: rng.choice([1, 3, 5, 5, 6]),
        }.get(type_.name, lambda: rng.choice(["a", "é中\n", "", 5, "long " * 5]))()

    def object(self, type_: Any, path: tuple[Any, ...], depth: int, rng: random.Random) -> Any:
        del path, depth
        if rng.random() < 0.4:
            return {"__typename": type_.name, "marker": rng.randint(0, 99)}
        return Thing(type_.name, rng.randint(0, 99))

    def _list(self, type_: Any, path: tuple[Any, ...], depth: int, rng: random.Random) -> Any:
        items = [self.maybe_later(type_.of_type, (*path, i), depth + 1, 0.1) for i in range(rng.randint(0, 4))]
        pick = rng.random()
        if pick < 0.1:
            return tuple(items)
        if self.in_object:
            return items
        if pick < 0.15:
            return iter(items)
        if pick < 0.2 and self.asynchronous:
            return self._stream(items, path)
        return items

    async def _stream(self, items: list[Any], path: tuple[Any, ...]) -> Any:
        for index, each in enumerate(items):
            await self.gate("stream", path, index)
            yield each

    def maybe_later(self, type_: Any, path: tuple[Any, ...], depth: int, chance: float) -> Any:
        """The value, or an awaitable of it."""
        rng = self.rng("later", path, depth)
        if rng.random() >= chance * (self.asynchronous > 0):
            try:
                return self.value(type_, path, depth)
            except Exception as error:
                if depth:
                    return error
                raise

        in_object = self.in_object

        async def later() -> Any:
            await self.gate("later", path, depth)
            # What an attribute's future brings is read as often as the attribute.
            self.in_object += in_object
            try:
                return self.value(type_, path, depth)
            finally:
                self.in_object -= in_object

        pick = rng.random()
        made = later()
        self.coroutines.append(made)
        if pick < 0.2 or self.in_object:
            task = asyncio.ensure_future(made)
            return task if self.order < OTHER else _Shielded(self, task, path)
        return _Awaitable(made) if pick < 0.3 else made

    def close(self) -> None:
        """Close what nobody awaited: attributes that no document asks for, items behind a failed one."""
        for each in self.coroutines:
            each.close()


class _Awaitable:
    def __init__(self, coroutine: Any) -> None:
        self._coroutine = coroutine

    def __await__(self) -> Any:
        return self._coroutine.__await__()


class _Shielded:
    """What a future brings, for each who awaits it, in a turn of its own; none can cancel it for the others.

    Which of two fields that share a failed future is first at a null above follows from the turns of the loop that
    an executor takes in between. And graphql-core cancels a future that failed siblings leave behind, also where
    another field awaits the same one, which then ends the whole run: nothing to compare with.
    """

    def __init__(self, world: World, task: asyncio.Task[Any], path: tuple[Any, ...]) -> None:
        self._world, self._task, self._path = world, task, path
        self._awaited = itertools.count()

    def __await__(self) -> Any:
        return self._brought(next(self._awaited)).__await__()

    async def _brought(self, number: int) -> Any:
        await asyncio.wait([self._task])
        if self._world.delays("brings", self._path, number):
            await self._world.gate("brings", self._path, number)
        return self._task.result()


@dataclass
class Thing:
    """A source object."""

    typename: str
    marker: int


def resolve(source: Any, info: Any, **arguments: Any) -> Any:
    """Every field's resolver."""
    world: World = info.context
    world.calls += 1
    path = (*info.path.as_list(), repr(sorted(arguments.items())))
    return world.maybe_later(info.return_type, path, 0, world.asynchronous)


def in_turn(following: Callable[..., Any], source: Any, info: Any, **arguments: Any) -> Any:
    """Middleware for other orders: all, or most, coroutine functions wait for their turn before they begin.

    Some end without ever waiting, above all by failing: arguments that do not fit, inputs that cannot be converted.
    When these are done follows from the turns of the loop that an executor takes by itself, which no executor
    promises; begun at any later time they are as good. The values and failures are the same, so that an order with
    such waits only tells which of several competing failures may come first.
    """
    if not inspect.iscoroutinefunction(following):
        return following(source, info, **arguments)
    world: World = info.context
    key = info.path.as_list()

    async def begun() -> Any:
        if world.delays("begins", key):
            await world.gate("begin", key)
        return await following(source, info, **arguments)

    return begun()


def make_schema(rng: random.Random) -> GraphQLSchema:
    """A schema of some objects, interfaces, unions, enums, inputs and a custom scalar."""
    return _Maker(rng).make()


class _Maker:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def make(self) -> GraphQLSchema:
        rng = self.rng
        odd = GraphQLScalarType("Odd", serialize=_odd, parse_value=_odd)
        color = GraphQLEnumType("Color", {"RED": 0, "GREEN": "g", "BLUE": "b"})
        self.leaves: list[Any] = [GraphQLInt, GraphQLFloat, GraphQLString, GraphQLBoolean, GraphQLID, odd, color]
        inner = GraphQLInputObjectType(
            "Inner",
            lambda: {
                "n": GraphQLInputField(GraphQLInt, default_value=5),
                "s": GraphQLInputField(GraphQLNonNull(GraphQLString)),
                "color": GraphQLInputField(color, out_name="colour"),
                "self": GraphQLInputField(inner),
                "many": GraphQLInputField(GraphQLList(GraphQLNonNull(GraphQLInt))),
            },
        )
        one = GraphQLInputObjectType(
            "One", {"a": GraphQLInputField(GraphQLInt), "b": GraphQLInputField(GraphQLString)}, is_one_of=True
        )
        self.inputs: list[Any] = [GraphQLInt, GraphQLString, GraphQLBoolean, GraphQLFloat, GraphQLID, color, inner, one]
        self.named: list[Any] = []
        interfaces = [
            GraphQLInterfaceType(f"I{i}", self._shared(i), resolve_type=self._resolve_type()) for i in range(2)
        ]
        objects = []
        for i in range(5):
            mine = [each for each in interfaces if rng.random() < 0.5]
            objects.append(
                GraphQLObjectType(f"O{i}", self._fields(mine), interfaces=mine, is_type_of=self._is_type_of(f"O{i}"))
            )
        unions = [
            GraphQLUnionType(f"U{i}", rng.sample(objects, rng.randint(1, 4)), resolve_type=self._resolve_type())
            for i in range(2)
        ]
        implemented = [each for each in interfaces if any(each in o.interfaces for o in objects)]
        self.named = [*objects, *implemented, *unions]
        query = GraphQLObjectType("Query", self._fields([], 8))
        mutation = GraphQLObjectType("Mutation", self._fields([], 4))
        return GraphQLSchema(query, mutation, types=objects)

    def _shared(self, number: int) -> Callable[[], Any]:
        made: dict[str, Any] = {}
        seed = self.rng.random()

        def fields() -> Any:
            rng = random.Random(seed)
            if not made:
                for i in range(3):
                    named = rng.choice([*self.leaves, *self.named])
                    made[f"i{number}f{i}"] = GraphQLField(self._wrap(named, rng), resolve=resolve)
            return made

        return fields

    def _fields(self, interfaces: list[Any], count: int = 5) -> Callable[[], Any]:
        seed = self.rng.random()

        def fields() -> Any:
            rng = random.Random(seed)
            made = {}
            for interface in interfaces:
                made.update({n: GraphQLField(f.type, resolve=resolve) for n, f in interface.fields.items()})
            for i in range(count):
                named = rng.choice(self.leaves if rng.random() < 0.45 else self.named)
                made[f"f{i}"] = GraphQLField(self._wrap(named, rng), args=self._args(rng), resolve=resolve)
            made["marker"] = GraphQLField(GraphQLInt)
            return made

        return fields

    def _args(self, rng: random.Random) -> dict[str, GraphQLArgument]:
        if rng.random() < 0.6:
            return {}
        args = {}
        for i in range(rng.randint(1, 3)):
            named = rng.choice(self.inputs)
            type_ = self._wrap(named, rng)
            args[f"p{i}"] = (
                GraphQLArgument(named, default_value=3)
                if named is GraphQLInt and rng.random() < 0.5
                else GraphQLArgument(type_, out_name=f"p_{i}" if rng.random() < 0.3 else None)
            )
        return args

    def _wrap(self, named: Any, rng: random.Random) -> Any:
        type_ = GraphQLNonNull(named) if rng.random() < 0.35 else named
        for _ in range(rng.choice([0, 0, 0, 1, 1, 2])):
            type_ = GraphQLList(type_)
            if rng.random() < 0.35:
                type_ = GraphQLNonNull(type_)
        return type_

    def _resolve_type(self) -> Any:
        how = self.rng.random()
        if how < 0.25:
            return None

        def resolve_type(value: Any, info: Any, _abstract: Any) -> Any:
            world: World = info.context
            name = value.get("__typename") if isinstance(value, dict) else getattr(value, "typename", None)
            if world.rng("type", name, getattr(value, "marker", 0)).random() < world.trouble:
                name = world.rng("wrong type", name).choice([None, "Query", "Nothing", 5, "Color"])
            return name

        async def later(value: Any, info: Any, abstract: Any) -> Any:
            await info.context.gate("type", info.path.as_list(), repr(value))
            return resolve_type(value, info, abstract)

        def sometimes(value: Any, info: Any, abstract: Any) -> Any:
            return (later if info.context.asynchronous else resolve_type)(value, info, abstract)

        return sometimes if how > 0.75 else resolve_type

    def _is_type_of(self, name: str) -> Any:
        how = self.rng.random()
        if how < 0.5:
            return None

        def is_type_of(value: Any, _info: Any) -> bool:
            found = value.get("__typename") if isinstance(value, dict) else getattr(value, "typename", None)
            return found == name

        async def later(value: Any, info: Any) -> bool:
            await info.context.gate("is", name, info.path.as_list(), repr(value))
            return is_type_of(value, info)

        def sometimes(value: Any, info: Any) -> Any:
            return (later if info.context.asynchronous else is_type_of)(value, info)

        return sometimes if how > 0.85 else is_type_of


def _odd(value: Any) -> int:
    if not isinstance(value, int) or value % 2 == 0:
        raise ValueError(f"{value!r} is not odd")
    return value
