"""Lock files that install anywhere, links that lead somewhere, and no trace of one machine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from scripts.checks.source import files

#: ``name==version \`` and its hashes; comments say who asked for it.
_LOCK_LINE: Final = re.compile(
    r"|\s*#.*"
    r"|[A-Za-z0-9][A-Za-z0-9._-]*==[^\s;]+( ; [^\\]+)? \\"
    r"|\s+--hash=sha256:[0-9a-f]{64}( \\)?"
)
_MACHINE: Final = re.compile(r"(?<![\w.])/(?:work|root|mnt|Users)/[\w.]+|file://|--(?:extra-)?index-url|--find-links")
_LINK: Final = re.compile(r"\]\((?!https?://|mailto:|#)([^)\s#]+)(#[^)\s]*)?\)")
_TEXT: Final = frozenset(
    {".py", ".md", ".toml", ".txt", ".in", ".json", ".graphql", ".yml", ".yaml", ".sh", ".mako", ""}
)
#: This file spells the words out.
_ALLOWED: Final = frozenset({"scripts/checks/text.py", "tests/house/test_text.py"})


def lock_files(root: Path) -> list[str]:
    """``requirements/*.txt`` name versions and hashes, and no host."""
    found = []
    for path in sorted((root / "requirements").glob("*.txt")):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if not _LOCK_LINE.fullmatch(line) or "://" in line:
                found.append(
                    f"requirements/{path.name}:{number} is no pinned requirement with hashes: {line.strip()[:60]!r};"
                    " run scripts/lock.sh again"
                )
    return found


def machine_words(root: Path) -> list[str]:
    """No path or package index of the machine it was written on."""
    found = []
    for path in files(root):
        name = path.relative_to(root).as_posix()
        if path.suffix not in _TEXT or name in _ALLOWED:
            continue
        for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), 1):
            if match := _MACHINE.search(line):
                found.append(f"{name}:{number} holds {match.group()!r}, which means nothing on another machine")
    return found


def links(root: Path) -> list[str]:
    """Every relative link of a Markdown page leads to a file."""
    return [
        f"{path.relative_to(root).as_posix()} links to {target}, which is not there"
        for path in files(root)
        if path.suffix == ".md"
        for target, _ in _LINK.findall(path.read_text("utf-8"))
        if not (path.parent / target).exists()
    ]
