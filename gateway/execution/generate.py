"""The functions of a variant, as Python source: one per selection, one per fetched field.

A plain selection becomes ``fast(o)``: attribute reads, one look at the class of every value, a dict display. It
knows no paths; anything unusual raises, and the object is completed again by ``completion``. A selection with
resolvers becomes ``run(state, o, trail)``: first its plain fields, which may still send the whole object to the careful
way, then its fetched fields in the document's order, each with a ``put`` that completes what was fetched.

The source is registered with linecache, so that tracebacks and profilers show it.
"""

from __future__ import annotations

import datetime as dt
import linecache
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

from graphql.pyutils import Undefined

from gateway.execution import completion, leaves
from gateway.execution.model import Arguments, Attribute, Call, Field, Position, Selection, Typename, named
from gateway.execution.state import Waiting

if TYPE_CHECKING:
    from gateway.execution.variant import Variant

#: Classes of values that are surely not awaitable.
SETTLED = frozenset(
    {str, int, float, bool, type(None), list, tuple, dict, set, frozenset, bytes, dt.datetime, dt.date, dt.time}
)
#: Lines that one variant may come to.
LINES = 60_000
#: Loops and blocks within each other in one function, from where on an object gets a function of its own. Python takes
#: 20 and 100.
NESTED, INDENTED = 10, 50

_files = count(1)


class TooLarge(Exception):
    """The operation comes to more fields or lines than may be compiled."""


class Generator:
    """Writes and compiles the functions of one variant. They share one namespace."""

    def __init__(self, variant: Variant, unit: type[Unit]) -> None:
        self.variant = variant
        self._unit = unit
        self._numbers = count(1)
        self._lines = 0
        self._bound: dict[int, str] = {}
        self.names: dict[str, Any] = {
            "Bail": leaves.Bail,
            "SETTLED": SETTLED,
            "Waiting": Waiting,
            "abandon": completion.abandon,
            "complete": completion.complete,
            "complete_item": completion.complete_item,
            "complete_selection": completion.complete_selection,
            "failing": completion.failing,
            "fetch": completion.fetch,
            "info": variant.dialect.info_maker,
        }
        self._file = f"<plan {next(_files)}>"
        self._text: list[str] = []
        weakref.finalize(self, linecache.cache.pop, self._file, None)

    @property
    def source(self) -> str:
        """Everything compiled so far."""
        return "".join(self._text)

    def compile(self, selection: Selection) -> None:
        """Give a selection its functions, after those of what it contains."""
        if selection.run is not None:
            return
        selection.number = number = next(self._numbers)
        self.names[f"S{number}"] = selection
        unit = self._unit(self)
        try:
            if selection.plain:
                unit.plain_selection(selection)
            else:
                unit.mixed_selection(selection)
            self._execute(unit.lines)
        except TooLarge:
            if not self.variant.ready:
                raise
            # A run has begun: it goes on without code for what it met late.
            selection.run = self.names[f"run_{number}"] = partial(completion.complete_selected, selection)
            self.names[f"fast_{number}"] = leaves.bail
            return
        selection.run = self.names[f"run_{number}"]
        selection.fast = self.names.get(f"fast_{number}")
        for field in selection.fields:
            field.put = self.names.get(f"put_{self.bind('F', field)}")

    def bind(self, prefix: str, value: Any) -> str:
        """A name for a value in the generated code; the same value has the same name."""
        found = self._bound.get(id(value))
        if found is None:
            found = self._bound[id(value)] = f"{prefix}{next(self._numbers)}"
            self.names[found] = value
        return found

    def _execute(self, lines: list[str]) -> None:
        # One growing file for all units: line numbers stay true by starting each unit where the last one ended.
        text = "\n".join(lines) + "\n\n\n"
        code = compile("\n" * self._lines + text, self._file, "exec")
        self._lines += len(lines) + 2
        if self._lines > LINES:
            raise TooLarge
        self._text.append(text)
        whole = "".join(self._text)
        linecache.cache[self._file] = (len(whole), None, whole.splitlines(True), self._file)
        exec(code, self.names)  # noqa: S102 — the source is made of names that were bound here and of repr()


class Unit:
    """The functions of one selection."""

    #: What functions of plain selections take besides the object, and how ``run`` has it.
    more = handed = ""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._variant = generator.variant
        self._dialect = generator.variant.dialect
        self._bind = generator.bind
        self.lines: list[str] = []
        self._indent = ""
        self._loops = 0
        self._locals = count(1)

    def _line(self, text: str) -> None:
        self.lines.append(self._indent + text)
        if len(self.lines) > LINES:
            raise TooLarge

    @contextmanager
    def _block(self, head: str) -> Iterator[None]:
        self._line(head)
        self._indent += "    "
        yield
        self._indent = self._indent[:-4]

    def _local(self, prefix: str) -> str:
        return f"{prefix}{next(self._locals)}"

    # Plain selections

    def plain_selection(self, selection: Selection) -> None:
        """``fast`` and the ``run`` around it."""
        number = selection.number
        with self._block(f"def fast_{number}(o{self.more}):  # {selection.type.name}"):
            self._line(f"return {self._plain_object(selection, 'o')}")
        self._line("")
        with self._block(f"def run_{number}(state, o, trail):"):
            with self._block("try:"):
                self._line(f"return fast_{number}(o{self.handed})")
            with self._block("except Exception:"):
                self._line(f"return complete_selection(state, S{number}, o, trail)")

    def _plain_object(self, selection: Selection, of: str) -> str:
        """Lines that read an object; the expression of its dict."""
        return self._display({field.key: self._plain_field(selection, field, of) for field in selection.fields})

    def _display(self, entries: dict[str, str]) -> str:
        return "{" + ", ".join(f"{key!r}: {value}" for key, value in entries.items()) + "}"

    def _plain_field(self, selection: Selection, field: Field, of: str) -> str:
        resolver = field.resolver
        if isinstance(resolver, Typename):
            return repr(selection.type.name)
        assert isinstance(resolver, Attribute)  # noqa: S101 — that is what plain means
        value = self._local("v")
        self._line(f"{value} = {of}.{resolver.name}")
        return self._plain_value(field.position, value)

    def _plain_value(self, position: Position, value: str) -> str:
        if position.kind == "leaf":
            self._leaf(position, value)
            return value
        answer = self._local("d")
        if position.nullable:
            self._line(f"{answer} = None")
            with self._block(f"if {value} is not None:"):
                self._plain_present(position, value, answer)
        else:
            self._plain_present(position, value, answer)
        return answer

    def _plain_present(self, position: Position, value: str, answer: str) -> None:
        if position.kind == "list":
            assert position.item is not None  # noqa: S101 — a list has items
            item = self._local("o")
            with self._block(f"if {value}.__class__ is not list and {value}.__class__ is not tuple:"):
                self._line("raise Bail")
            self._line(f"{answer} = []")
            self._loops += 1
            with self._block(f"for {item} in {value}:"):
                self._line(f"{answer}.append({self._plain_value(position.item, item)})")
            self._loops -= 1
        elif position.kind == "object":
            inner: Any = position.inner
            selection = self._variant.child(position.field, inner)
            with self._block(f"if {self._is_unknown(position, value)}:"):
                self._line("raise Bail")
            if self._loops < NESTED and len(self._indent) < 4 * INDENTED:
                self._line(f"{answer} = {self._plain_object(selection, value)}")
            else:
                self._generator.compile(selection)
                self._line(f"{answer} = fast_{selection.number}({value}{self.more})")
        else:
            function = self._local("f")
            self._line(f"{function} = {self._bind('fasts', position.fasts)}.get({value}.__class__)")
            with self._block(f"if {function} is None{self._or_not_guarded(position, value)}:"):
                self._line("raise Bail")
            self._line(f"{answer} = {function}({value}{self.more})")

    def _leaf(self, position: Position, value: str) -> None:
        inner: Any = position.inner
        check = self._dialect.check(inner)
        fix = self._bind("fix", self._variant.fixer(inner))
        present = f"if {value} is not None:"
        if check is None:
            if position.nullable:
                with self._block(present):
                    self._line(f"{value} = {fix}({value})")
            else:
                self._line(f"{value} = {fix}({value})")
            return
        self._generator.names.update(check.names)
        condition, result = check.condition.format(v=value), check.result.format(v=value)
        if check.native and self._variant.operation.native:
            result = value
        if result == value:
            null = f" and {value} is not None" if position.nullable else ""
            with self._block(f"if not ({condition}){null}:"):
                self._line(f"{value} = {fix}({value})")
            return
        with self._block(f"if {condition}:"):
            self._line(f"{value} = {result}")
        with self._block("el" + present if position.nullable else "else:"):
            self._line(f"{value} = {fix}({value})")

    # What an object's class tells

    def _is_unknown(self, position: Position, value: str) -> str:
        inner: Any = position.inner
        home = self._dialect.home(inner)
        known = f"{value}.__class__ not in {self._bind('classes', position.classes)}"
        if home is not None:
            known = f"{value}.__class__ is not {self._bind('class_', home)} and {known}"
            if self._dialect.needs_guard(position, inner):
                known = f"({known})"
        return known + self._or_not_guarded(position, value, inner)

    def _or_not_guarded(self, position: Position, value: str, type_: Any = None) -> str:
        guard = self._dialect.guard
        if guard is None or not self._dialect.needs_guard(position, type_):
            return ""
        return f" or not ({guard.format(v=value)})"

    # Selections with resolvers

    def mixed_selection(self, selection: Selection) -> None:
        """``run``, and a ``put`` for each field that is fetched."""
        fetched = [each for each in selection.fields if not self._variant.is_plain(each)]
        for field in fetched:
            self._put(field)
        number = selection.number
        with self._block(f"def run_{number}(state, o, trail):  # {selection.type.name}"):
            entries = dict.fromkeys((field.key for field in selection.fields), "None")
            plain = [each for each in selection.fields if each not in fetched]
            if all(isinstance(each.resolver, Typename) for each in plain):
                entries.update({each.key: repr(selection.type.name) for each in plain})
            else:
                with self._block("try:"):
                    entries.update({each.key: self._plain_field(selection, each, "o") for each in plain})
                with self._block("except Exception:"):
                    self._line(f"return complete_selection(state, S{number}, o, trail)")
            self._line(f"a = {self._display(entries)}")
            for field in fetched:
                self._fetched(field)
            self._line("return a")

    def _fetched(self, field: Field) -> None:
        name, position = self._bind("F", field), self._bind("P", field.position)
        nullable = field.position.nullable
        self._line(f"t = (trail, {field.key!r}, {field.parent.name!r}, {nullable})")
        with self._block("try:"):
            self._call(field, name)
            known = ""
            if field.position.kind == "object":
                known = f" and v.__class__ not in {self._bind('classes', field.position.classes)}"
            later = f"v.__class__ not in SETTLED{known} and state.is_awaitable(v)"
            with self._block(f"if v.__class__ is state.coroutine or ({later}):"):
                self._line(f"state.fresh.append(Waiting(state, v, put_{name}, {position}, t, a, {field.key!r}))")
            with self._block("else:"):
                self._line(f"put_{name}(state, v, t, a)")
        with self._block("except Exception as error:"):
            self._line(f"a[{field.key!r}] = state.fail({position}, t, error)")

    def _call(self, field: Field, name: str) -> None:
        resolver, arguments = field.resolver, field.arguments
        if not isinstance(resolver, Call) or not resolver.later:
            self._line(f"v = {self._fetch(field, name)}")
            return
        given = None
        if arguments is not None and arguments.steps is not None and self._inline(arguments) is None:
            # What graphql-core cannot coerce fails at once; whatever fails after that, fails when it is awaited.
            coerce, convert = arguments.steps
            self._line(f"g = {self._bind('coerce', coerce)}(state)")
            given = f"{self._bind('convert', convert)}(g)"
        elif arguments is not None and arguments.of is not None and self._inline(arguments) is None:
            self._line(f"g = {self._bind('arguments', arguments.of)}(state)")
            given = "g"
        with self._block("try:"):
            self._line(f"v = {self._fetch(field, name, given)}")
        with self._block("except Exception as error:"):
            self._line("v = failing(error)")

    def _fetch(self, field: Field, name: str, coerced: str | None = None) -> str:
        resolver = field.resolver
        if isinstance(resolver, Attribute):
            return f"o.{resolver.name}"
        if not isinstance(resolver, Call):
            return f"fetch(state, {name}, o, t)"
        given = ["o"] if resolver.with_self else []
        given += [f"{each}=o" for each in resolver.source_names]
        if resolver.info_name is not None:
            definition = self._bind("D", resolver.definition)
            given.append(f"{resolver.info_name}=info(state, {name}, t, {definition})")
        arguments = field.arguments
        if arguments is not None:
            inline = self._inline(arguments)
            if coerced is not None:
                given.append(f"**{coerced}")
            elif inline is not None:
                given += inline
            elif arguments.of is not None:
                given.append(f"**{self._bind('arguments', arguments.of)}(state)")
            else:
                given += [f"{key}={self._bind('k', value)}" for key, value in (arguments.constant or {}).items()]
        return f"{self._bind('f', resolver.function)}({', '.join(given)})"

    def _inline(self, arguments: Arguments) -> list[str] | None:
        """Each argument as an expression over the variables, where they are sure to give what is needed."""
        direct = arguments.direct
        if direct is None:
            return None
        given = [f"{name}={self._bind('k', value)}" for name, value in direct.fixed.items()]
        signatures = self._variant.operation.variables
        for name, variable, default, required in direct.passed:
            if signatures.is_never_null(variable) or (not required and signatures.is_always_there(variable)):
                given.append(f"{name}=state.variables[{variable!r}]")
            elif not required and default is not Undefined:
                otherwise = self._bind("k", default)
                given.append(f"{name}=state.variables.get({variable!r}, {otherwise})")
            else:
                return None
        return given

    def _begin(self) -> None:
        """Lines that a function with a state begins with."""

    def _put(self, field: Field) -> None:
        name, position = self._bind("F", field), field.position
        complete = f"complete(state, {self._bind('P', position)}, v, trail, a, {field.key!r})"
        with self._block(f"def put_{name}(state, v, trail, a):  # {field.parent.name}.{field.name}: {position.type}"):
            self._begin()
            if all(self._variant.child(field, type_).plain for type_ in self._variant.types_at(position)):
                # The value itself is kept for the careful way: a leaf is overwritten by its coerced form.
                self._line("w = v")
                with self._block("try:"):
                    self._line(f"a[{field.key!r}] = {self._plain_value(position, 'w')}")
                with self._block("except Exception:"):
                    self._line(complete)
            else:
                self._mixed_value(position, "v", "trail", "a", repr(field.key), complete)
        self._line("")

    def _mixed_value(self, position: Position, v: str, trail: str, container: str, key: str, complete: str) -> None:
        place = f"{container}[{key}]"
        if position.nullable:
            with self._block(f"if {v} is None:"):
                self._line(f"{place} = None")
                self._line("return")
        if position.kind == "list":
            self._mixed_list(position, v, trail, place, complete)
            return
        condition, run = self._mixed_object(position, v)
        with self._block(f"if {condition}:"):
            self._line(f"{place} = {run}(state, {v}, {trail})")
        with self._block("else:"):
            self._line(complete)

    def _mixed_object(self, position: Position, v: str) -> tuple[str, str]:
        """The condition under which a value is of a known class, and the name of what runs then."""
        if position.kind == "abstract":
            self._line(f"f = {self._bind('runs', position.runs)}.get({v}.__class__)")
            guard = self._or_not_guarded(position, v)
            return (f"not (f is None{guard})" if guard else "f is not None"), "f"
        inner: Any = named(position)
        selection = self._variant.child(position.field, inner)
        self._generator.compile(selection)
        return f"not ({self._is_unknown(position, v)})", f"run_{selection.number}"

    def _mixed_list(self, position: Position, v: str, trail: str, place: str, complete: str) -> None:
        item = position.item
        assert item is not None  # noqa: S101 — a list has items
        with self._block(f"if {v}.__class__ is not list and {v}.__class__ is not tuple:"):
            self._line(complete)
            self._line("return")
        at = self._bind("P", item)
        self._line("l = []")
        self._line(f"{place} = l")
        self._line("i = -1")
        with self._block("try:"), self._block(f"for i, o in enumerate({v}):"):
            self._line("l.append(None)")
            self._line(f"t = ({trail}, i, None, {item.nullable})")
            if item.kind == "list":
                self._line(f"complete_item(state, {at}, o, t, l, i)")
            else:
                condition, run = self._mixed_object(item, "o")
                with self._block(f"if {condition}:"):
                    with self._block("try:"):
                        self._line(f"l[i] = {run}(state, o, t)")
                    with self._block("except Exception as error:"):
                        self._line(f"l[i] = state.fail({at}, t, error)")
                with self._block("else:"):
                    self._line(f"complete_item(state, {at}, o, t, l, i)")
        with self._block("except Exception:"):
            self._line(f"abandon(state, {v}, i)")
            self._line("raise")
