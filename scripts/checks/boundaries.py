"""Who may read the environment, and who may write what the platforms told us."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from scripts.checks.source import Module, modules

#: The settings are read once.
READS_ENVIRONMENT: Final = frozenset({"gateway/settings.py"})
PROJECTIONS: Final = "gateway.database.tables.projections"
#: Writers of a projection: what reads a platform, or hears from it.
WRITES_PROJECTIONS: Final = "gateway/events/projections/"
#: The sync's own book of how far it came, which stands among the projections.
BOOKKEEPING: Final = {"gateway/events/sync/run.py": frozenset({"sync_state"})}
_WRITES: Final = frozenset({"insert", "update", "delete", "upsert", "insert_new", "insert_for"})


def environment_readers(root: Path) -> list[str]:
    """Nothing but the settings looks at the environment."""
    return [
        f"{module.path} reads the environment: take the value from gateway.settings instead"
        for module in modules(root, "gateway", "adapters", "sandbox")
        if module.path not in READS_ENVIRONMENT and _reads_environment(module)
    ]


def _reads_environment(module: Module) -> bool:
    named = {"environ", "environb", "getenv", "getenvb"}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and node.attr in named:
            if isinstance(node.value, ast.Name) and node.value.id == "os":
                return True
        elif isinstance(node, ast.ImportFrom) and node.module == "os" and named & {a.name for a in node.names}:
            return True
    return False


def projection_writers(root: Path) -> list[str]:
    """Only code that reads a platform writes a projection; nothing seeds one."""
    return [
        f"{module.path} writes the projection {table!r}: only modules under {WRITES_PROJECTIONS} may,"
        " since a projection holds nothing but what a platform said"
        for module in modules(root, "gateway", "adapters", "sandbox")
        if not module.path.startswith(WRITES_PROJECTIONS)
        for table in sorted(set(_written(module)) - BOOKKEEPING.get(module.path, frozenset()))
    ]


def _written(module: Module) -> Iterator[str]:
    """Names of projection tables that stand where a statement names what it changes."""
    tables, packages = _bound(module)
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call):
            continue
        target = node.func
        name = target.attr if isinstance(target, ast.Attribute) else target.id if isinstance(target, ast.Name) else ""
        if name not in _WRITES:
            continue
        if isinstance(target, ast.Attribute):
            yield from _table(target.value, tables, packages)
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            yield from _table(argument, tables, packages)


def _bound(module: Module) -> tuple[dict[str, str], set[str]]:
    """Local name → table, and local names of the module that holds them."""
    tables: dict[str, str] = {}
    packages: set[str] = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if node.module == PROJECTIONS:
                    tables[alias.asname or alias.name] = alias.name
                elif f"{node.module}.{alias.name}" == PROJECTIONS:
                    packages.add(alias.asname or alias.name)
        elif isinstance(node, ast.Import):
            packages |= {alias.asname or alias.name for alias in node.names if alias.name == PROJECTIONS}
    return tables, packages


def _table(node: ast.expr, tables: dict[str, str], packages: set[str]) -> Iterator[str]:
    if isinstance(node, ast.Name) and node.id in tables:
        yield tables[node.id]
    elif isinstance(node, ast.Attribute) and ast.unparse(node.value) in packages:
        yield node.attr
