"""Limits on a document before any work is done: size, tokens, depth, aliases."""

from __future__ import annotations

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSyntaxError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
)

from gateway.settings import Limits


class LimitExceeded(Exception):
    """A request is larger than allowed. ``code`` stands in docs/errors.md; the message names rule, limit, value."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def parse_within(text: str, limits: Limits) -> DocumentNode:
    """The document. Raises LimitExceeded, or GraphQLError for a syntax error."""
    size = len(text.encode())
    if size > limits.document_bytes:
        raise LimitExceeded(
            "DOCUMENT_TOO_LARGE",
            f"The document has {size} bytes, the limit is {limits.document_bytes}; split it, or use fragments.",
        )
    try:
        document = parse(text, max_tokens=limits.tokens)
    except GraphQLSyntaxError as error:
        if "token" in error.message and str(limits.tokens) in error.message:
            raise LimitExceeded(
                "DOCUMENT_TOO_COMPLEX", f"The document has more than {limits.tokens} tokens; split it."
            ) from None
        raise
    _check_shape(document, limits)
    return document


def _check_shape(document: DocumentNode, limits: Limits) -> None:
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            counter = _Counter(fragments, limits)
            counter.walk(definition.selection_set, 1, ())


class _Counter:
    """Walks one operation with its fragments spread out, and stops at the first limit."""

    def __init__(self, fragments: dict[str, FragmentDefinitionNode], limits: Limits) -> None:
        self._fragments = fragments
        self._limits = limits
        self._aliases = 0
        self._fields = 0

    def walk(self, selections: SelectionSetNode, depth: int, inside: tuple[str, ...]) -> None:
        if depth > self._limits.depth:
            raise LimitExceeded(
                "DOCUMENT_TOO_DEEP", f"The document is deeper than {self._limits.depth} levels; ask in two requests."
            )
        for selection in selections.selections:
            if isinstance(selection, FieldNode):
                self._count(selection)
                if selection.selection_set is not None:
                    self.walk(selection.selection_set, depth + 1, inside)
            elif isinstance(selection, InlineFragmentNode):
                self.walk(selection.selection_set, depth, inside)
            elif isinstance(selection, FragmentSpreadNode):
                name = selection.name.value
                fragment = self._fragments.get(name)
                # A cycle or an unknown name is for validation to report.
                if fragment is not None and name not in inside:
                    self.walk(fragment.selection_set, depth, (*inside, name))

    def _count(self, field: FieldNode) -> None:
        self._fields += 1
        self._aliases += field.alias is not None
        if self._aliases > self._limits.aliases:
            raise LimitExceeded(
                "TOO_MANY_ALIASES", f"The operation has more than {self._limits.aliases} aliases; ask in two requests."
            )
        if self._fields > self._limits.tokens:
            raise LimitExceeded(
                "DOCUMENT_TOO_COMPLEX", f"The operation spreads to more than {self._limits.tokens} fields; split it."
            )
