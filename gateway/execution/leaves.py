"""Leaf values that generated code can pass on after one look at their class.

``check(type)`` gives the lines that do so for a type whose serialiser is known to return such a value unchanged, or
to be one method of it. Every other leaf goes through its type's own ``coerce_output_value``.
"""

from __future__ import annotations

import datetime as dt
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, Flag
from types import FunctionType
from typing import Any

import orjson
from graphql import GraphQLBoolean, GraphQLFloat, GraphQLID, GraphQLInt, GraphQLString
from graphql.pyutils import Undefined, is_awaitable


class Bail(Exception):
    """Something is unusual below a plain selection: it is completed again, carefully."""


def bail(*_given: Any) -> Any:
    """In the place of a function for a plain selection that has none."""
    raise Bail


@dataclass(frozen=True, slots=True)
class Check:
    """``condition`` holds for a value that may be answered as ``result``; both are expressions over ``{v}``."""

    condition: str
    result: str = "{v}"
    names: tuple[tuple[str, Any], ...] = ()
    #: Whether orjson writes the value itself as it would write ``result``.
    native: bool = False


_TEXT = Check("{v}.__class__ is str")


def _whole(otherwise: str) -> Check:
    """A whole number. CPython compares two that have one digit of 30 bits in a third of the time of a method call."""
    return Check(f"{{v}}.__class__ is int and ({{v}} <= 1073741823 and {{v}} >= -1073741823 or {otherwise})")


_BY_TYPE: dict[Any, Check] = {
    GraphQLString: _TEXT,
    GraphQLID: _TEXT,
    # One number of 32 bits has a bit more than that, and goes the long way.
    GraphQLInt: _whole("{v}.bit_length() < 32"),
    # The difference is not a number for the infinities, and for what is not a number.
    GraphQLFloat: Check("{v}.__class__ is float and {v} - {v} == 0.0"),
    GraphQLBoolean: Check("({v} is True or {v} is False)"),
}
_BY_SERIALISER: dict[Any, Check] = {}


def returns_integers(serialiser: Callable[[Any], Any], bits: int) -> None:
    """State that a scalar's serialiser returns whole numbers as they are whose size takes at most so many bits."""
    _BY_SERIALISER[serialiser] = _whole(f"{{v}}.bit_length() <= {bits}")


def answers_isoformat(serialiser: Callable[[Any], Any]) -> None:
    """State that a scalar's serialiser answers ``value.isoformat()``, which is a text for dates and times.

    The text of an instant in UTC is taken from orjson, which writes the same one several times faster.
    """
    _BY_SERIALISER[serialiser] = Check(
        "{v}.__class__ is datetime and {v}.tzinfo is UTC",
        "dumps({v})[1:-1].decode()",
        (("datetime", dt.datetime), ("UTC", dt.UTC), ("dumps", orjson.dumps)),
        native=True,
    )


def check(type_: Any) -> Check | None:
    """How to recognise a value that needs no more than that; None where nothing is known."""
    found = _BY_TYPE.get(type_)
    if found is None:
        serialiser = getattr(type_, "coerce_output_value", None)
        try:
            found = _BY_SERIALISER.get(serialiser)
        except TypeError:
            found = None
    return found


def fixer(type_: Any) -> Callable[[Any], Any]:
    """A function for what the check did not pass: the coerced value, or Bail where something careful must look."""
    coerce = type_.coerce_output_value
    known: set[type] = set()

    def fix(value: Any) -> Any:
        class_ = value.__class__
        if class_ not in known:
            if value is None or value is Undefined or isinstance(value, Exception) or is_awaitable(value):
                raise Bail
            if answers_for_all(class_) and len(known) < 32:
                known.add(class_)
        coerced = coerce(value)
        if coerced is None or coerced is Undefined:
            raise Bail
        return coerced

    return fix


def answers_for_all(class_: type) -> bool:
    """Whether one instance tells about all of a class: attributes are looked up in the ordinary way."""
    lookup = inspect.getattr_static(class_, "__getattribute__", None)
    return not isinstance(lookup, FunctionType) and inspect.getattr_static(class_, "__getattr__", None) is None


def check_enum(type_: Any, enum: type) -> Check | None:
    """A check for members of a Python enum that stand for a type's values; None where a member does not."""
    if not issubclass(enum, Enum) or issubclass(enum, Flag):
        return None
    try:
        answers = {member._name_: type_.coerce_output_value(member) for member in enum}
    except Exception:
        return None
    class_name, answers_name = f"enum_{id(type_)}", f"answers_{id(type_)}"
    unchanged = all(name == answer for name, answer in answers.items())
    return Check(
        f"{{v}}.__class__ is {class_name}",
        "{v}._name_" if unchanged else f"{answers_name}[{{v}}._name_]",
        ((class_name, enum), (answers_name, answers)),
    )
