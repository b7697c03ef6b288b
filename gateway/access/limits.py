"""Limits on a document before any work is done: size, tokens, depth, aliases."""

from __future__ import annotations

from collections import Counter

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
        check_shape(document, limits)
    except RecursionError:
        # The parser goes one call deeper with every bracket, the walk with every fragment.
        raise _too_deep(limits) from None
    except GraphQLSyntaxError as error:
        if "nested too deeply" in error.message:
            raise _too_deep(limits) from None
        if "token" in error.message and str(limits.tokens) in error.message:
            raise LimitExceeded(
                "DOCUMENT_TOO_COMPLEX", f"The document has more than {limits.tokens} tokens; split it."
            ) from None
        raise
    return document


def _too_deep(limits: Limits) -> LimitExceeded:
    return LimitExceeded(
        "DOCUMENT_TOO_DEEP", f"The document is deeper than {limits.depth} levels; ask in two requests."
    )


def check_shape(document: DocumentNode, limits: Limits) -> int:
    """Walk every operation with its fragments spread out; returns how many selections were looked at.

    Raises LimitExceeded as soon as a limit is passed, so that the walk is never longer than ``limits.tokens``.
    """
    walk = ShapeWalk(document, limits)
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            walk.root(definition.selection_set)
    # Validation looks at fragments that nothing uses as well.
    for name, fragment in walk.fragments.items():
        if name not in walk.reached:
            walk.root(fragment.selection_set)
    return walk.steps


class ShapeWalk:
    """One document's walk. The steps count over all of its operations: each may spread the same fragments."""

    def __init__(self, document: DocumentNode, limits: Limits) -> None:
        self.reached: set[str] = set()
        self.fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        self._limits = limits
        self._aliases = 0
        #: Response path → how often it is selected. Validation compares every two of them.
        self._repeats: Counter[tuple[str, ...]] = Counter()
        self.steps = 0

    def root(self, selections: SelectionSetNode) -> None:
        """Walk one operation, or a fragment of its own."""
        self._aliases = 0
        self._repeats.clear()
        self._walk(selections, (), ())

    def _walk(self, selections: SelectionSetNode, path: tuple[str, ...], inside: tuple[str, ...]) -> None:
        if len(path) >= self._limits.depth:
            raise _too_deep(self._limits)
        for selection in selections.selections:
            self._step()
            if isinstance(selection, FieldNode):
                below = self._field(selection, path)
                if selection.selection_set is not None:
                    self._walk(selection.selection_set, below, inside)
            elif isinstance(selection, InlineFragmentNode):
                self._walk(selection.selection_set, path, inside)
            elif isinstance(selection, FragmentSpreadNode):
                name = selection.name.value
                fragment = self.fragments.get(name)
                # A cycle or an unknown name is for validation to report.
                if fragment is not None and name not in inside:
                    self.reached.add(name)
                    self._walk(fragment.selection_set, path, (*inside, name))

    def _step(self) -> None:
        self.steps += 1
        if self.steps > self._limits.tokens:
            raise LimitExceeded(
                "DOCUMENT_TOO_COMPLEX",
                f"The document spreads to more than {self._limits.tokens} selections; split it.",
            )

    def _field(self, field: FieldNode, path: tuple[str, ...]) -> tuple[str, ...]:
        self._aliases += field.alias is not None
        if self._aliases > self._limits.aliases:
            raise LimitExceeded(
                "TOO_MANY_ALIASES", f"The operation has more than {self._limits.aliases} aliases; ask in two requests."
            )
        name = (field.alias or field.name).value
        below = (*path, name)
        self._repeats[below] += 1
        if self._repeats[below] > self._limits.aliases:
            raise LimitExceeded(
                "DOCUMENT_TOO_COMPLEX",
                f"The operation selects {name!r} at one place more than {self._limits.aliases} times; select it once.",
            )
        return below
