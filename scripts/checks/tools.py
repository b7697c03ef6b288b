"""Every tool's folder has the same shape, stands in the registry, and has a whole error table."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from adapters.base.errors import KINDS
from adapters.base.spec import AnyToolSpec
from adapters.registry import TOOLS
from scripts.checks.source import Module, modules

FILES: Final = (
    "README.md",
    "__init__.py",
    "adapter.py",
    "client.py",
    "config.py",
    "errors.py",
    "models.py",
    "records.py",
)
#: What an emulated platform must write again, from the vendor's documentation: modules of its own tool …
_OWN: Final = frozenset(
    {
        "adapter",
        "client",
        "config",
        "errors",
        "events",
        "models",
        "records",
        "signing",
        "tokens",
        "translation",
        "webhooks",
    }
)
#: … and whatever the tools share.
_SHARED: Final = frozenset({"base", "registry", "tencent_cloud", "wechat"})
_REASON: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def registration(root: Path) -> list[str]:
    """A folder with a TOOL and the registry's list are the same thing, and each tool has its tests."""
    registry = ast.unparse(Module("registry", (root / "adapters/registry.py").read_text("utf-8")).tree)
    listed = set(re.findall(r"\b(\w+)\.TOOL\b", registry))
    folders = {path.parent.name for path in (root / "adapters").glob("*/__init__.py") if _assigns_tool(path)}
    found = [
        f"adapters/{name} has a TOOL that is not in adapters/registry.py: add {name}.TOOL"
        for name in sorted(folders - listed)
    ]
    found += [
        f"adapters/registry.py lists {name}.TOOL, and adapters/{name}/__init__.py has no TOOL"
        for name in sorted(listed - folders)
    ]
    for name in sorted(folders):
        contract = root / "tests/adapters" / name / "contract.py"
        if not contract.is_file() or not re.search(r"^CASES? ?[:=]", contract.read_text("utf-8"), re.MULTILINE):
            found.append(f"the tool {name} has no CASE: write tests/adapters/{name}/contract.py")
    return found


def _assigns_tool(path: Path) -> bool:
    for node in ast.parse(path.read_text("utf-8")).body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        if any(isinstance(target, ast.Name) and target.id == "TOOL" for target in targets):
            return True
    return False


def shape(root: Path) -> list[str]:
    """The same files in every tool's folder, and recorded answers for its tests."""
    found = []
    for package in sorted(path.parent for path in (root / "adapters").glob("*/__init__.py") if _assigns_tool(path)):
        name = package.name
        missing = [file for file in (*FILES, "sandbox.py") if not _stands(package, file)]
        found += [f"adapters/{name}/{file} is missing: every tool has it" for file in missing]
        if not list((root / "tests/adapters" / name / "wire").glob("*.*")):
            found.append(f"tests/adapters/{name}/wire is empty: put one recorded answer per endpoint there")
    return found


def _stands(package: Path, file: str) -> bool:
    """As a file, or as a package where one file would be too long."""
    return (package / file).is_file() or (package / file.removesuffix(".py") / "__init__.py").is_file()


def sandbox_imports(root: Path) -> list[str]:
    """An emulated platform shares nothing with the adapter it judges."""
    return [
        f"{module.path} imports {name}: write it again from the vendor's documentation, so that one"
        " misreading cannot hide on both sides"
        for module in modules(root, "adapters")
        if re.match(r"adapters/\w+/sandbox(\.py|/)", module.path)
        for name in sorted(set(module.imports()))
        if _shares(module.path.split("/")[1], name)
    ]


def _shares(tool: str, name: str) -> bool:
    if name.startswith("."):
        return True  # Relative imports are not used here, and would hide what is meant.
    parts = name.split(".")
    if parts[0] == "gateway":
        return True
    if parts[0] != "adapters" or len(parts) < 2:
        return False
    if parts[1] in _SHARED:
        return True
    return parts[1] != tool or (len(parts) > 2 and parts[2] != "sandbox")


def error_tables(root: Path) -> list[str]:
    """Every remote code becomes one of the ten kinds, with a reason and a sentence of ours."""
    del root
    return [sentence for spec in TOOLS for sentence in faulty_rows(spec)]


def faulty_rows(spec: AnyToolSpec) -> Iterable[str]:
    """What is wrong with a tool's error table."""
    kinds: dict[str, set[str]] = defaultdict(set)
    for code, fault in spec.faults.items():
        where = f"adapters/{spec.name}/errors.py: the row of {code}"
        if fault.kind not in KINDS:
            yield f"{where} has the kind {fault.kind.__name__}, which is not one of the ten"
        if not _REASON.fullmatch(fault.reason):
            yield f"{where} has the reason {fault.reason!r}: make it a lower-case slug"
        if len(fault.message.strip()) < 20 or not fault.message.rstrip().endswith("."):
            yield f"{where} has no sentence that says what to do"
        kinds[fault.reason].add(fault.kind.kind)
    for reason, several in sorted(kinds.items()):
        if len(several) > 1:
            named = ", ".join(sorted(several))
            yield f"adapters/{spec.name}/errors.py: the reason {reason!r} is of several kinds: {named}"
