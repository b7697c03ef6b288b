"""The project's own files, as the checks read them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

#: The top of the repository.
ROOT: Final = Path(__file__).parents[2]
_SKIPPED: Final = frozenset(
    {
        ".git",
        ".venv",
        "__pycache__",
        ".mypy_cache",
        ".ruff_cache",
        ".pytest_cache",
        ".hypothesis",
        "var",
        "build",
        "node_modules",
    }
)


@dataclass(frozen=True)
class Module:
    """One Python file: its path from the root, its text and its syntax tree."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """Parsed; raises SyntaxError."""
        return ast.parse(self.text, self.path)

    def imports(self) -> Iterator[str]:
        """Dotted names of what it imports, ``from a import b`` as ``a.b``."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from (f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names)


def modules(root: Path, *folders: str) -> list[Module]:
    """Every Python file under the folders, by path."""
    found = sorted(path for folder in folders for path in (root / folder).rglob("*.py"))
    return [Module(path.relative_to(root).as_posix(), path.read_text("utf-8")) for path in found]


def files(root: Path) -> Iterator[Path]:
    """Every file that belongs to the repository, by path."""
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if path.is_file() and not _SKIPPED.intersection(parts) and not parts[0].endswith(".egg-info"):
            yield path
