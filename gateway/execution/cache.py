"""Plans by document: found by the text's hash, bounded by count and by bytes."""

from __future__ import annotations

import weakref
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import ASTValidationRule, DocumentNode, GraphQLError, GraphQLSchema, parse, specified_rules, validate

from gateway.execution.dialect import Dialect
from gateway.execution.operation import SPECIALISED, Operation, fragments_of, operation_of

_dialects: weakref.WeakKeyDictionary[GraphQLSchema, Dialect] = weakref.WeakKeyDictionary()


def dialect_for(schema: GraphQLSchema) -> Dialect:
    """The dialect of a schema: Strawberry's where Strawberry built it."""
    found = _dialects.get(schema)
    if found is None:
        maker = getattr(schema, "_strawberry_schema", None)
        if maker is None:
            found = Dialect()
        else:
            from gateway.execution.strawberry import StrawberryDialect

            found = StrawberryDialect(maker)
        _dialects[schema] = found
    return found


def core_schema(schema: Any) -> GraphQLSchema:
    """graphql-core's schema of what may be Strawberry's."""
    if isinstance(schema, GraphQLSchema):
        return schema
    found: GraphQLSchema = schema._schema  # noqa: SLF001 — Strawberry shows it by no other name
    return found


def compile_operation(
    schema: Any,
    document: str | DocumentNode,
    operation_name: str | None = None,
    *,
    native: bool = True,
    specialised: int = SPECIALISED,
) -> Operation:
    """One plan without a cache, from a valid document. Raises GraphQLError where it has no such operation.

    With ``native`` the data is meant for orjson, which writes instants faster than anyone makes texts of them. So many
    vectors of conditions as ``specialised`` get a variant of their own, before the one for all is made.
    """
    core = core_schema(schema)
    if isinstance(document, str):
        document = parse(document)
    return Operation(
        core,
        fragments_of(document),
        operation_of(document, operation_name),
        dialect_for(core),
        native=native,
        specialised=specialised,
    )


@dataclass(frozen=True, slots=True)
class Rejected:
    """A document that is not valid, or has no such operation."""

    errors: Sequence[GraphQLError]
    #: Whether the document itself is valid, and only the operation is not there.
    missing: bool = False


@dataclass(slots=True)
class _Entry:
    document: DocumentNode | Rejected
    bytes: int
    operations: dict[str | None, Operation | Rejected]


class PlanCache:
    """Plans of one schema. The longest unused documents go first when there are too many, or too large ones.

    ``read`` parses a text; it may check limits, and what it raises that is no GraphQLError passes through.
    """

    def __init__(
        self,
        schema: Any,
        *,
        rules: Sequence[type[ASTValidationRule]] = specified_rules,
        read: Callable[[str], DocumentNode] = parse,
        count: int = 1000,
        size: int = 64 * 2**20,
    ) -> None:
        self.schema = core_schema(schema)
        self._dialect = dialect_for(self.schema)
        self._rules = rules
        self._read = read
        self._count = count
        self._size = size
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        #: Bytes that the kept documents and plans are taken to need.
        self.bytes = 0
        #: Runs by the path they took, ``compiled`` or ``fallback``; documents ``found`` and ``read``.
        self.counts: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._entries)

    def plan(self, text: str, operation_name: str | None = None) -> Operation | Rejected:
        """The plan of one operation of a document."""
        entry = self._entries.get(text)
        if entry is None:
            self.counts["read"] += 1
            entry = self._enter(text)
        else:
            self.counts["found"] += 1
            self._entries.move_to_end(text)
        found = entry.operations.get(operation_name)
        if found is None:
            found = self._operation(text, entry, operation_name)
        return found

    def _enter(self, text: str) -> _Entry:
        document: DocumentNode | Rejected
        try:
            document = self._read(text)
            errors = validate(self.schema, document, self._rules, max_errors=20)
            if errors:
                document = Rejected(errors)
        except GraphQLError as error:
            document = Rejected([error])
        entry = _Entry(document, 0, {})
        # What is not valid is not kept: it would push out what is.
        if not isinstance(document, Rejected):
            entry.bytes = len(text) * BYTES_PER_CHARACTER + 2000
            self._entries[text] = entry
            self.bytes += entry.bytes
            self._shrink()
        return entry

    def _operation(self, text: str, entry: _Entry, name: str | None) -> Operation | Rejected:
        if isinstance(entry.document, Rejected):
            return entry.document
        try:
            found = Operation(
                self.schema,
                fragments_of(entry.document),
                operation_of(entry.document, name),
                self._dialect,
                native=True,
                counts=self.counts,
            )
        except GraphQLError as error:
            # Names of operations that are not there are a client's to invent, and are not kept.
            return Rejected([error], missing=True)
        entry.operations[name] = found
        return found

    def _shrink(self) -> None:
        while len(self._entries) > 1 and (len(self._entries) > self._count or self.bytes > self._size):
            _, gone = self._entries.popitem(last=False)
            self.bytes -= gone.bytes


#: A document's nodes, plan and generated code together need about so much per character of its text (measured).
BYTES_PER_CHARACTER = 150
