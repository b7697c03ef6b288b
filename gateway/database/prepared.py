"""Statements that are built once and run often."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import BindParameter, Delete, Row, Select, Update, bindparam
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database.driver import RawRow, Values, driver_of
from gateway.database.rows import AnyRow

if TYPE_CHECKING:
    from sqlalchemy.sql.compiler import SQLCompiler

#: Texts kept per statement with lists among its parameters: one for each combination of their lengths.
TEXTS: Final = 64

Statement = Select[Any] | Update | Delete
Params = Mapping[str, Any]
_Processor = Callable[[Any], Any]


def list_of(name: str) -> BindParameter[Any]:
    """A parameter that is a list, for ``column.in_(…)``; an empty one fits nothing."""
    return bindparam(name, expanding=True)


class Prepared:
    """A SELECT, UPDATE or DELETE, made at import and compiled once per engine; its rows are as SQLAlchemy's.

        _OPEN: Final = Prepared(select(saga).where(saga.c.state.in_(list_of("states"))))
        rows = await _OPEN.all(connection, {"states": ["RUNNING"]})
        rows = await database.fetch(_OPEN, {"states": ["RUNNING"]})

    Whatever differs from run to run is a ``bindparam`` with a name, or ``list_of``. Inserts are
    ``gateway.database.statements``'.
    """

    __slots__ = ("__weakref__", "_plans", "statement")

    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        self._plans: WeakKeyDictionary[Dialect, Plan] = WeakKeyDictionary()

    def plan(self, dialect: Dialect) -> Plan:
        """How an engine of this dialect runs it."""
        found = self._plans.get(dialect)
        if found is None:
            found = self._plans[dialect] = Plan(self.statement, dialect)
        return found

    async def all(self, connection: AsyncConnection, params: Params) -> list[AnyRow]:
        """Its rows. For a SELECT, or what has RETURNING."""
        plan = self.plan(connection.dialect)
        return plan.rows(await driver_of(connection).fetch(*plan.bound(params)))

    async def first(self, connection: AsyncConnection, params: Params) -> AnyRow | None:
        """Its first row, or None."""
        rows = await self.all(connection, params)
        return rows[0] if rows else None

    async def run(self, connection: AsyncConnection, params: Params) -> int:
        """Run it; returns how many rows it touched. For what has no rows."""
        count: int = await driver_of(connection).run(*self.plan(connection.dialect).bound(params))
        return count


class Plan:
    """The text of a statement for one engine, and how values go in and come out."""

    def __init__(self, statement: Statement, dialect: Dialect) -> None:
        compiled: SQLCompiler = statement.compile(dialect=dialect)
        if compiled.literal_execute_params:
            raise TypeError("this statement has values that are written into its text; use bindparam")
        self._compiled = compiled
        # What its own execution does, whose parts have no other names.
        self._processors: Mapping[str, Any] = compiled._bind_processors  # noqa: SLF001
        #: What is in the statement itself; and lists, whose length decides the text.
        self._fixed: dict[str, Any] = {}
        self._lists: dict[str, Sequence[Any] | None] = {}
        for bind, name in compiled.bind_names.items():
            if bind.expanding:
                self._lists[name] = None if bind.required else bind.value
            elif not bind.required:
                self._fixed[name] = self._processed(name, bind.value)
        #: By the lengths of the lists.
        self._texts: OrderedDict[tuple[int, ...], _Text] = OrderedDict()
        if not self._lists:
            self._texts[()] = _Text(compiled.string, [self._slot(name) for name in compiled.positiontup or ()])
        columns = compiled._result_columns  # noqa: SLF001
        names = [column.keyname for column in columns]
        parent = SimpleResultMetaData(names)
        processors = [column.type._cached_result_processor(dialect, None) for column in columns]  # noqa: SLF001
        given = tuple(processors) if any(processors) else None
        self._row: Callable[[RawRow], AnyRow] = partial(Row, parent, given, parent._key_to_index)  # noqa: SLF001

    def bound(self, params: Params) -> tuple[str, Values]:
        """The text, and the values of its placeholders. Raises KeyError for a parameter that is missing."""
        if not self._lists:
            return self._texts[()].bound(params)
        lists = {name: params[name] if fixed is None else fixed for name, fixed in self._lists.items()}
        lengths = tuple(map(len, lists.values()))
        found = self._texts.get(lengths)
        if found is None:
            found = self._texts[lengths] = self._expanded(lists)
            if len(self._texts) > TEXTS:
                self._texts.popitem(last=False)
        else:
            self._texts.move_to_end(lengths)
        given = dict(params)
        for name, values in lists.items():
            given.update(zip(found.expanded[name], values, strict=True))
        return found.bound(given)

    def _expanded(self, lists: Mapping[str, Sequence[Any]]) -> _Text:
        """The text for lists of these lengths."""
        unset = dict.fromkeys(self._compiled.bind_names.values())
        state = self._compiled.construct_expanded_state(unset | dict(lists))
        of = {each: name for name, expanded in state.parameter_expansion.items() for each in expanded}
        slots = [self._slot(name, of.get(name)) for name in state.positiontup or ()]
        return _Text(state.statement, slots, state.parameter_expansion)

    def rows(self, found: Sequence[RawRow]) -> list[AnyRow]:
        """The driver's rows as SQLAlchemy's."""
        row = self._row
        return [row(each) for each in found]

    def _slot(self, name: str, list_: str | None = None) -> _Slot:
        if name in self._fixed:
            return None, None, self._fixed[name]
        return name, self._processors.get(list_ or name), None

    def _processed(self, name: str, value: Any) -> Any:
        process = self._processors.get(name)
        return value if process is None else process(value)


#: The name of a parameter and what makes it the driver's; or no name, and the value itself.
_Slot = tuple[str | None, _Processor | None, Any]


@dataclass(frozen=True, slots=True)
class _Text:
    text: str
    slots: list[_Slot]
    #: The names that stand for the values of each list.
    expanded: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def bound(self, given: Params) -> tuple[str, Values]:
        """The text with the values of its slots."""
        return self.text, [
            fixed if name is None else given[name] if process is None else process(given[name])
            for name, process, fixed in self.slots
        ]
