"""Generated Strawberry schemas: attributes, resolvers with and without info, inputs, enums, unions, interfaces.

Each is written as a module of source, because Strawberry reads annotations; values come from the same script as those
of ``worlds``, but for objects, which are instances of the generated classes and of what else may be returned for them.
"""

from __future__ import annotations

import hashlib
import random
import re
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from types import ModuleType, SimpleNamespace
from typing import Any

import strawberry
from graphql import GraphQLObjectType
from strawberry.types.field import StrawberryField

from tests.execution.worlds import World

_HEAD = """
import enum, datetime, decimal
from typing import Annotated, Optional, Union
import strawberry
from strawberry import Info, Maybe
from gateway.schema.scalars import Long
from tests.execution.strawberry_worlds import act, act_later, act_stream

@strawberry.enum
class Color(enum.Enum):
    RED = 1
    GREEN = "g"
    BLUE = strawberry.enum_value("b")

@strawberry.enum
class Size(enum.Enum):
    SMALL = strawberry.enum_value(1, name="TINY")
    LARGE = 2

@strawberry.input
class Inner:
    s: str
    n: int = 5
    color: Optional[Color] = None
    again: Optional["Inner"] = None
    many: Optional[list[int]] = None
    when: Optional[datetime.datetime] = None

@strawberry.input
class Outer:
    inner: Inner
    inners: list[Inner] = strawberry.field(default_factory=list)
    maybe: Maybe[int]
    perhaps: Maybe[Optional[str]]

@strawberry.input(one_of=True)
class One:
    a: Maybe[int]
    b: Maybe[Inner]
"""
_LEAVES = ["int", "str", "float", "bool", "strawberry.ID", "Color", "Size", "datetime.datetime", "datetime.date",
           "decimal.Decimal", "Long"]  # fmt: skip
_INPUTS = ["int", "str", "Color", "Inner", "Outer", "One", "datetime.datetime", "float", "strawberry.ID", "bool"]


class Sub(SimpleNamespace):
    """Looks like a type's instance, and is of another class."""


@dataclass
class StrawberryWorld(World):
    """A world whose objects are what Strawberry resolvers return."""

    def leaf(self, type_: Any, rng: random.Random) -> Any:
        zone = rng.choice([UTC, UTC, None, timezone(timedelta(hours=8))])
        made = {
            "DateTime": lambda: datetime(rng.randint(1, 9999), 2, 3, 4, 5, 6, rng.choice([0, 7, 500000]), tzinfo=zone),
            "Date": lambda: date(rng.randint(1, 9999), 1, 2),
            "Decimal": lambda: Decimal(rng.choice(["1.50", "-2", "1E+3"])),
            "Long": lambda: rng.choice([1, 2**40, -(2**53) + 1, 2**53]),
        }.get(type_.name)
        if made is not None:
            return made()
        if hasattr(type_, "wrapped_cls"):
            return rng.choice([*type_.wrapped_cls, *(each.value for each in type_.wrapped_cls)])
        return super().leaf(type_, rng)

    def object(self, type_: GraphQLObjectType, path: tuple[Any, ...], depth: int, rng: random.Random) -> Any:
        definition: Any = type_.extensions["strawberry-definition"]
        values: dict[str, Any] = {}
        self.in_object += 1
        for name, field in type_.fields.items():
            described = field.extensions.get("strawberry-definition")
            if isinstance(described, StrawberryField) and described.base_resolver is None:
                key = (*path, "attribute", name)
                if name not in self.names:
                    values[described.python_name] = None
                    continue
                try:
                    values[described.python_name] = self.maybe_later(field.type, key, depth + 1, 0.02)
                except Exception as error:
                    values[described.python_name] = error
        self.in_object -= 1
        made = definition.origin(**values)
        pick = rng.random()
        if pick < self.trouble / 2 and values:
            delattr(made, rng.choice(list(values)))
        elif pick < 0.1:
            return subclass(definition.origin)(**values)
        elif pick < 0.15:
            return Sub(**values)
        elif pick < 0.2:
            return strawberry.cast(definition.origin, Sub(**values))
        elif pick < 0.22:
            return strawberry.cast(definition.origin, made)
        return made


_subclasses: dict[type, type] = {}


def subclass(class_: type) -> type:
    """A subclass that Strawberry does not know."""
    return _subclasses.setdefault(class_, type(f"{class_.__name__}Sub", (class_,), {}))


def act(source: Any, info: Any, *arguments: Any) -> Any:
    """What a resolver gives. ``info`` is None where it does not ask for one."""
    world: World = _current[-1] if info is None else info.context
    world.calls += 1
    if info is None:
        return len(repr(arguments)) % 7
    key = (*info.path.as_list(), repr(arguments), info.field_name, type(source).__name__.removesuffix("Sub"))
    return world.maybe_later(info._raw_info.return_type, key, 0, 0.2 if world.asynchronous else 0)


async def act_later(source: Any, info: Any, *arguments: Any) -> Any:
    """The same, for a coroutine function."""
    world: World = info.context
    path = info.path.as_list()
    if world.waits(path):
        await world.gate("act", path)
    return world.value(info._raw_info.return_type, (*path, repr(arguments), repr(info.variable_values)), 0)


def act_stream(source: Any, info: Any) -> Any:
    """Items one by one."""

    async def items() -> Any:
        for index in range(3):
            await info.context.gate("stream", info.path.as_list(), index)
            yield index

    return items()


_current: list[World] = []


def current() -> World:
    """The world that was put in force last."""
    return _current[-1]


def in_force(world: World) -> None:
    """The world that resolvers without info are in."""
    _current[:] = [world]


def make_strawberry_schema(rng: random.Random) -> strawberry.Schema:
    """A generated schema."""
    names = [f"T{i}" for i in range(5)]
    parts = [_HEAD]
    for number in range(2):
        own = _annotation(rng, _LEAVES)
        parts.append(f"@strawberry.interface\nclass I{number}:\n    i{number}a: {own}\n")
        if rng.random() < 0.5:
            parts.append(f"    @strawberry.field\n    def i{number}m(self, info: Info) -> Optional[str]:\n"
                         f"        return act(self, info)\n")  # fmt: skip
    members = [rng.sample(names, rng.randint(1, 4)) for _ in range(2)]
    for number, inside in enumerate(members):
        union = ", ".join(f'"{name}"' for name in inside)
        parts.append(f'U{number} = Annotated[Union[{union}], strawberry.union("U{number}")]\n')
    for number, name in enumerate(names):
        bases = [f"I{i}" for i in range(2) if rng.random() < 0.5]
        # Attributes lead to later types only, or an instance would never end.
        later = names[number + 1 :]
        parts.append(_type(rng, name, bases, later, names))
    parts.append(_type(rng, "Query", [], [], names, fields=9))
    parts.append(_type(rng, "Mutation", [], [], names, fields=4))
    source = "\n".join(parts)
    # typing keeps one reference per name for all modules, and with it the first class it was resolved to. What the
    # names are told apart by comes from the source, so that a schema is the same whatever was made before it.
    number = int.from_bytes(hashlib.blake2b(source.encode(), digest_size=4).digest())
    source = re.sub(r"\b([TIU]\d)\b", rf"\1_{number}", source).replace("Inner", f"Inner_{number}")
    module = sys.modules.get(f"generated_schema_{number}")
    if module is None:
        module = sys.modules[f"generated_schema_{number}"] = ModuleType(f"generated_schema_{number}")
        exec(compile(source, module.__name__, "exec"), module.__dict__)  # noqa: S102 — the source is made above
    types = [getattr(module, f"{name}_{number}") for name in names]
    from gateway.schema.scalars import CONFIG

    return strawberry.Schema(module.Query, module.Mutation, types=types, config=CONFIG)


def _type(rng: random.Random, name: str, bases: list[str], later: list[str], every: list[str], fields: int = 5) -> str:
    lines = ["@strawberry.type", f"class {name}({', '.join(bases)}):"]
    if name not in ("Query", "Mutation"):
        for number in range(rng.randint(1, 4)):
            of = later if later and rng.random() < 0.4 else _LEAVES
            lines.append(f"    a{number}_x: {_annotation(rng, of)}")
    for number in range(fields):
        lines += _method(rng, f"m{number}", every)
    return "\n".join(lines) + "\n"


def _method(rng: random.Random, name: str, every: list[str]) -> list[str]:
    arguments = []
    for number in range(rng.choice([0, 0, 1, 2])):
        type_ = _annotation(rng, _INPUTS)
        default = " = None" if type_.startswith("Optional") and rng.random() < 0.7 else ""
        default = " = 3" if type_ == "int" and rng.random() < 0.5 else default
        arguments.append(f"p_{number}: {type_}{default}")
    arguments.sort(key=lambda text: "=" in text)
    passed = "".join(f", {each.partition(':')[0]}" for each in arguments)
    pick = rng.random()
    if pick < 0.1:
        given = ", ".join(["self", *arguments])
        return ["    @strawberry.field", f"    def {name}({given}) -> int:", f"        return act(self, None{passed})"]
    if pick < 0.14:
        return ["    @strawberry.field", f"    def {name}(self, info: Info) -> list[Optional[int]]:",
                "        return act_stream(self, info)"]  # fmt: skip
    of = _LEAVES if rng.random() < 0.35 else [*every, "U0", "U1", "I0", "I1"]
    result = _annotation(rng, of)
    first = rng.choice(["self", "self", "root: strawberry.Parent[object]"]) if pick < 0.9 else "self"
    source = first.partition(":")[0]
    static = ["    @staticmethod"] if source != "self" else []
    given = ", ".join([first, "info: Info", *arguments])
    if rng.random() < 0.6:
        return ["    @strawberry.field", *static, f"    async def {name}({given}) -> {result}:",
                f"        return await act_later({source}, info{passed})"]  # fmt: skip
    return ["    @strawberry.field", *static, f"    def {name}({given}) -> {result}:",
            f"        return act({source}, info{passed})"]  # fmt: skip


def _annotation(rng: random.Random, of: list[str]) -> str:
    named = rng.choice(of)
    text = f'"{named}"' if named[0] in "TI" and len(named) == 2 else named
    text = f"Optional[{text}]" if rng.random() < 0.6 else text
    for _ in range(rng.choice([0, 0, 0, 1, 1, 2])):
        text = f"list[{text}]"
        if rng.random() < 0.5:
            text = f"Optional[{text}]"
    return text
