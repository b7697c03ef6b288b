"""Random documents over any schema, with variables that mostly fit.

They are valid as they are made, which costs less than validating them: a response key stands for one field of one type
in all of a document.
"""

from __future__ import annotations

import random
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
)

LONGEST = 60


class Documents:
    """Makes one document after another."""

    def __init__(self, schema: GraphQLSchema, rng: random.Random, *, depth: int = 5) -> None:
        self.schema = schema
        self.rng = rng
        self._depth = depth

    def make(self, operation: str = "query") -> tuple[str, dict[str, Any]]:
        """A document with one operation, and variables for it."""
        self._variables: dict[str, tuple[str, Any]] = {}
        self._fragments: dict[str, str] = {}
        #: What a response key stands for: a field's name and type.
        self._keys: dict[str, tuple[str, str]] = {}
        self._fields = 0
        #: How many of the selections have a condition, and how many variables there are for that.
        self._often, self._conditions = self.rng.choice([(0.12, 3), (0.12, 3), (0.4, 5)])
        root: Any = self.schema.query_type if operation == "query" else self.schema.mutation_type
        body = self._selections(root, self.rng.randint(1, self._depth))
        declared = ", ".join(f"${name}: {type_}" for name, (type_, _) in self._variables.items())
        text = f"{operation} Q{f'({declared})' if declared else ''} {body}"
        values = {name: value for name, (_, value) in self._variables.items() if value is not _ABSENT}
        return "\n".join([text, *self._fragments.values()]), values

    def vector(self, variables: dict[str, Any]) -> dict[str, Any]:
        """The variables of the document just made, with other values for its conditions."""
        return variables | {name: self.rng.random() < 0.5 for name in self._variables if name.startswith("c")}

    def _selections(self, type_: Any, depth: int) -> str:
        rng = self.rng
        parts: list[str] = []
        for _ in range(rng.randint(1, 4)):
            pick = rng.random()
            if pick < 0.12 or isinstance(type_, GraphQLUnionType):
                if rng.random() < 0.15:
                    parts.append(self._alias("__typename", "String!", 0.3) + self._directives())
                    continue
                parts.append(self._fragment(type_, depth))
            elif pick < 0.2:
                parts.append(self._alias("__typename", "String!", 0.3) + self._directives())
            else:
                parts.append(self._field(type_, depth))
        if rng.random() < 0.2:
            again = rng.choice(parts)
            condition = self._directives(0.8)
            parts.insert(rng.randint(0, len(parts)), f"...{condition} {{ {again} }}" if condition else again)
        return "{ " + " ".join(parts) + (" }" if rng.random() < 0.5 else " __typename }")

    def _fragment(self, type_: Any, depth: int) -> str:
        rng = self.rng
        inside = self._condition(type_)
        if rng.random() < 0.35 and len(self._fragments) < 6:
            names = [
                n
                for n, text in self._fragments.items()
                if text.startswith(f"fragment {n} on {inside.name} ") and rng.random() < 0.5
            ]
            if names:
                return f"...{rng.choice(names)}{self._directives()}"
            name = f"F{len(self._fragments)}"
            self._fragments[name] = ""
            self._fragments[name] = f"fragment {name} on {inside.name} {self._selections(inside, depth - 1)}"
            return f"...{name}{self._directives()}"
        on = "" if inside is type_ and rng.random() < 0.5 else f" on {inside.name}"
        return f"...{on}{self._directives()} {self._selections(inside, depth - 1)}"

    def _condition(self, type_: Any) -> Any:
        rng = self.rng
        options: list[Any] = [type_]
        if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
            options += list(self.schema.get_possible_types(type_)) * 2
        if isinstance(type_, GraphQLObjectType):
            options += type_.interfaces
        return rng.choice(options)

    def _alias(self, name: str, type_: Any, chance: float) -> str:
        key = f"a{self.rng.randint(0, 3)}{name.strip('_')[:3]}" if self.rng.random() < chance else name
        while self._keys.setdefault(key, (name, str(type_))) != (name, str(type_)):
            key += "x"
        return name if key == name else f"{key}: {name}"

    def _field(self, type_: Any, depth: int) -> str:
        rng = self.rng
        fields = list(type_.fields.items())
        self._fields += 1
        if depth <= 0 or self._fields > LONGEST:
            fields = [(n, f) for n, f in fields if is_leaf_type(get_named_type(f.type))]
            if not fields:
                return "__typename"
        name, field = rng.choice(fields)
        arguments = self._arguments(field.args)
        # A field with arguments gets a name of its own, or two of them would conflict.
        head = f"x{self._fields}: {name}" if arguments else self._alias(name, field.type, 0.2)
        named: Any = get_named_type(field.type)
        below = "" if is_leaf_type(named) else " " + self._selections(named, depth - 1)
        return f"{head}{arguments}{self._directives()}{below}"

    def _directives(self, often: float = 0) -> str:
        rng = self.rng
        if rng.random() > max(often, self._often):
            return ""
        names = rng.choice(
            [["skip"], ["include"], ["skip", "include"]] if rng.random() < 0.3 else [["skip"], ["include"]]
        )
        return "".join(f" @{name}(if: {self._condition_value()})" for name in names)

    def _condition_value(self) -> str:
        return self.rng.choice(["true", "false"]) if self.rng.random() < 0.3 else self._condition_variable()

    def _condition_variable(self) -> str:
        rng = self.rng
        name = f"c{rng.randint(1, self._conditions)}"
        if name not in self._variables:
            default = rng.random() < 0.2
            value = rng.choice([True, False, _ABSENT]) if default else rng.choice([True, False])
            self._variables[name] = ("Boolean = true" if default else "Boolean!", value)
        return f"${name}"

    def _arguments(self, arguments: dict[str, Any]) -> str:
        parts = []
        for name, argument in arguments.items():
            required = isinstance(argument.type, GraphQLNonNull) and argument.default is None
            if required or self.rng.random() < 0.6:
                parts.append(f"{name}: {self._argument(argument.type)}")
        return f"({', '.join(parts)})" if parts else ""

    def _argument(self, type_: Any) -> str:
        rng = self.rng
        if rng.random() < 0.4:
            name = f"v{len(self._variables)}"
            value: Any = _ABSENT
            declared = str(type_)
            if rng.random() < 0.9 or isinstance(type_, GraphQLNonNull):
                value = self._value(type_, wrong=0.01)
            self._variables[name] = (declared, value)
            return f"${name}"
        return self._literal(type_, 3)

    def _literal(self, type_: Any, depth: int) -> str:
        rng = self.rng
        if isinstance(type_, GraphQLNonNull):
            type_ = type_.of_type
        elif rng.random() < 0.1:
            return "null"
        if isinstance(type_, GraphQLList):
            item = type_.of_type.of_type if _is_non_null(type_.of_type) else type_.of_type
            # One item stands for a list of it; within a list of lists, its own items would be taken for lists.
            if depth > 0 and rng.random() < 0.15 and not isinstance(item, GraphQLList):
                return self._literal(GraphQLNonNull(item), depth)
            return "[" + ", ".join(self._item(type_.of_type, depth) for _ in range(self._length(depth))) + "]"
        if isinstance(type_, GraphQLInputObjectType):
            parts = []
            names = list(type_.fields.items())
            if type_.is_one_of:
                names = [rng.choice(names)]
            for name, field in names:
                required = isinstance(field.type, GraphQLNonNull) and field.default is None
                if type_.is_one_of:
                    inner = field.type
                    parts.append(f"{name}: {self._literal(GraphQLNonNull(inner), depth - 1)}")
                elif required or (depth > 0 and rng.random() < 0.5):
                    parts.append(f"{name}: {self._literal(field.type, depth - 1)}")
            return "{" + ", ".join(parts) + "}"
        if isinstance(type_, GraphQLEnumType):
            return rng.choice(list(type_.values))
        return {
            "Int": lambda: str(rng.randint(-5, 50)),
            "Float": lambda: rng.choice(["1.5", "2", "-0.25"]),
            "Boolean": lambda: rng.choice(["true", "false"]),
            "DateTime": lambda: '"2026-01-02T03:04:05+00:00"',
            "Date": lambda: '"2026-01-02"',
            "Long": lambda: str(rng.randint(0, 2**40)),
        }.get(type_.name, lambda: rng.choice(['"a"', '"bcd"', '"é中"', '""']))()

    def _item(self, type_: Any, depth: int) -> str:
        if self.rng.random() < 0.1:
            name = f"v{len(self._variables)}"
            self._variables[name] = (str(type_), self._value(type_, wrong=0))
            return f"${name}"
        return self._literal(type_, depth)

    def _value(self, type_: Any, *, wrong: float, depth: int = 3) -> Any:
        rng = self.rng
        if rng.random() < wrong:
            return rng.choice([None, "wrong", 3.5, [], {"x": 1}, 2**40])
        if isinstance(type_, GraphQLNonNull):
            return self._some(type_, depth)
        if rng.random() < 0.05:
            return None
        if isinstance(type_, GraphQLList):
            if depth > 0 and rng.random() < 0.1:
                return self._some(type_.of_type, depth)
            return [self._value_in(type_.of_type, depth) for _ in range(self._length(depth))]
        if isinstance(type_, GraphQLInputObjectType):
            names = list(type_.fields.items())
            if type_.is_one_of:
                name, field = rng.choice(names)
                return {name: self._some(field.type, depth - 1)}
            return {
                name: self._value_in(field.type, depth - 1)
                for name, field in names
                if (isinstance(field.type, GraphQLNonNull) and field.default is None)
                or (depth > 0 and rng.random() < 0.6)
            }
        if isinstance(type_, GraphQLEnumType):
            return rng.choice(list(type_.values))
        return {
            "Int": lambda: rng.choice([rng.randint(-5, 50), 7.0]),
            "Float": lambda: rng.choice([1.5, 2, -0.25]),
            "Boolean": lambda: rng.choice([True, False]),
            "DateTime": lambda: "2026-01-02T03:04:05+00:00",
            "Date": lambda: "2026-01-02",
            "Long": lambda: rng.randint(0, 2**40),
            "ID": lambda: rng.choice(["id", 17]),
        }.get(type_.name, lambda: rng.choice(["a", "bcd", "é中", ""]))()

    def _length(self, depth: int) -> int:
        """Of a list. Empty at the bottom: an input may require a list of itself, as a menu's entries do."""
        return self.rng.randint(0, 3) if depth > 0 else 0

    def _value_in(self, type_: Any, depth: int) -> Any:
        return (
            self._some(type_, depth) if isinstance(type_, GraphQLNonNull) else self._value(type_, wrong=0, depth=depth)
        )

    def _some(self, type_: Any, depth: int) -> Any:
        inner = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        for _ in range(30):
            value = self._value(inner, wrong=0, depth=depth)
            if value is not None:
                return value
        return []


def _is_non_null(type_: Any) -> bool:
    return isinstance(type_, GraphQLNonNull)


class _Absent:
    pass


_ABSENT = _Absent()
