"""Every code that a caller can see stands in docs/errors.md, and nothing else does."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from adapters.base.errors import KINDS
from scripts.checks.source import Module, modules

DOCUMENT: Final = "docs/errors.md"
_SHAPE: Final = re.compile(r"[A-Z][A-Z0-9_]{2,}")
#: A row of the document's tables begins with its code.
_ROW: Final = re.compile(r"^\| `([A-Z][A-Z0-9_]+)` \|", re.MULTILINE)


def error_codes(root: Path) -> list[str]:
    """Codes in the source against rows in the document."""
    text = (root / DOCUMENT).read_text("utf-8") if (root / DOCUMENT).is_file() else ""
    documented = set(_ROW.findall(text))
    used = codes_in(modules(root, "gateway"))
    missing = [
        f"{DOCUMENT} has no row for {code} ({used[code]}): say what it means and what the caller does"
        for code in sorted(set(used) - documented)
    ]
    stale = [
        f"{DOCUMENT} describes {code}, which no code uses any more: take the row out"
        for code in sorted(documented - set(used))
    ]
    return missing + stale


def codes_in(sources: list[Module]) -> dict[str, str]:
    """Code → the first place that uses it; the ten kinds of the adapters come first."""
    used = {kind.kind: "adapters/base/errors.py" for kind in KINDS}
    takers = {name: place for module in sources for name, place in _takers(module)}
    for module in sources:
        for code, line in _codes(module, takers):
            used.setdefault(code, f"{module.path}:{line}")
    return used


def _takers(module: Module) -> Iterator[tuple[str, int]]:
    """Functions and classes that take a ``code``, and at which place."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef):
            yield from ((node.name, place) for name, place in _functions(node.body) if name == "__init__")
            fields = [_name(each.target) for each in node.body if isinstance(each, ast.AnnAssign)]
            if "code" in fields and node.decorator_list:
                yield node.name, fields.index("code")
        elif isinstance(node, ast.Module):
            yield from _functions(node.body)


def _functions(body: list[ast.stmt]) -> Iterator[tuple[str, int]]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names = [argument.arg for argument in node.args.args if argument.arg not in {"self", "cls"}]
            if "code" in names:
                yield node.name, names.index("code")


def _codes(module: Module, takers: dict[str, int]) -> Iterator[tuple[str, int]]:
    for node in ast.walk(module.tree):
        for value in _positions(node, takers):
            if isinstance(value, ast.Constant) and isinstance(value.value, str) and _SHAPE.fullmatch(value.value):
                yield value.value, value.lineno


def _positions(node: ast.AST, takers: dict[str, int]) -> Iterator[ast.expr | None]:
    """Expressions that stand where a code belongs."""
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if any(_name(target) == "code" for target in targets):
            yield node.value
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == "code":
                yield from _branches(value)
    elif isinstance(node, ast.Call):
        yield from (keyword.value for keyword in node.keywords if keyword.arg == "code")
        place = takers.get(_name(node.func))
        if place is not None and place < len(node.args):
            yield from _branches(node.args[place])


def _branches(value: ast.expr) -> Iterator[ast.expr]:
    """The value, both sides of a choice, and the default of a lookup."""
    if isinstance(value, ast.IfExp):
        yield from (value.body, value.orelse)
    elif isinstance(value, ast.Call):
        yield from value.args[1:]
    else:
        yield value


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
