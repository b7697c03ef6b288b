"""Copies the template under another name and registers it."""

from __future__ import annotations

import keyword
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

TEMPLATE: Final = Path(__file__).parent / "template"
REGISTRY: Final = "adapters/registry.py"
#: The template's two parts, and where they go.
FOLDERS: Final = {"adapters": "adapters", "tests": "tests/adapters"}
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


class NameRefused(ValueError):
    """The name cannot be a tool's; says why."""


def generate(root: Path, name: str) -> list[Path]:
    """The new tool's files, from ``root``; the registry is changed too. Raises NameRefused, with nothing done."""
    _check(root, name)
    written = []
    for source in sorted(path for path in TEMPLATE.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        kind, _, *inner = source.relative_to(TEMPLATE).parts
        target = (root / FOLDERS[kind] / name).joinpath(*inner)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_renamed(source.read_text("utf-8"), name), "utf-8")
        written.append(target)
    register(root / REGISTRY, name)
    _tidy([*written, root / REGISTRY])
    return written


def register(registry: Path, name: str) -> None:
    """Import ``adapters.<name>`` and put its TOOL at the end of TOOLS."""
    text = registry.read_text("utf-8")
    text = text.replace("from adapters import (\n", f"from adapters import (\n    {name},\n", 1)
    text = re.sub(r"(TOOLS: [^=]+= \((?:\n    \w+\.TOOL,)+\n)", rf"\g<1>    {name}.TOOL,\n", text, count=1)
    registry.write_text(text, "utf-8")


def _check(root: Path, name: str) -> None:
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise NameRefused(
            f"{name!r} is no name: lower case letters, digits and single underscores, such as live_stream"
        )
    for taken in (root / "adapters" / name, root / "tests/adapters" / name):
        if taken.exists():
            raise NameRefused(f"{taken.relative_to(root)} exists already; take another name or remove it")


def _renamed(text: str, name: str) -> str:
    camel = "".join(part.capitalize() for part in name.split("_"))
    return text.replace("Sample", camel).replace("sample", name)


def _tidy(paths: list[Path]) -> None:
    """Another name sorts elsewhere and is longer or shorter."""
    python = [str(path) for path in paths if path.suffix == ".py"]
    ruff = Path(sys.executable).with_name("ruff")
    subprocess.run([ruff, "check", "--quiet", "--no-cache", "--select", "I,RUF022", "--fix", *python], check=True)
    subprocess.run([ruff, "format", "--quiet", "--no-cache", *python], check=True)
