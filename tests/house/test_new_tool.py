"""``make new-tool name=foo`` gives a tool that passes everything, and touches one file outside of it."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.checks import tools
from scripts.checks.source import ROOT
from scripts.new_tool.generate import TEMPLATE, NameRefused, generate, register

COPIED = ("adapters", "gateway", "sandbox", "scripts", "tests", "pyproject.toml", ".importlinter")

#: The import contracts that a tool can break.
CONTRACTS = ("adapters-below", "wire-stays-inside", "tools-apart", "sandbox-stays-out", "sandbox-judges-alone")


def copy_of_the_tree(target: Path) -> Path:
    ignored = shutil.ignore_patterns("__pycache__", "*.db")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, target / name)
    return target


def digests(root: Path) -> dict[str, str]:
    """Path from the root → what is in it."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def run(root: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A program of the environment, in the copy and on the copy's packages."""
    command = [str(Path(sys.executable).with_name(program)), *arguments]
    environment = {"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin", "HOME": str(root)}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.long
def test_a_generated_tool_passes_the_suite(tmp_path: Path) -> None:
    root = copy_of_the_tree(tmp_path)
    before = digests(root)

    made = run(root, "python", "-m", "scripts.new_tool", "live_stream")

    assert made.returncode == 0, made.stderr
    after = digests(root)
    added = sorted(set(after) - set(before))
    assert [
        path for path in added if not path.startswith(("adapters/live_stream/", "tests/adapters/live_stream/"))
    ] == []
    assert len(added) == sum(1 for path in TEMPLATE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    assert [path for path in before if after[path] != before[path]] == ["adapters/registry.py"]
    assert tools.registration(root) == []
    assert tools.shape(root) == []
    assert tools.sandbox_imports(root) == []

    suite = run(root, "pytest", "-v", "tests/adapters", "-k", "live_stream", "-m", "long or not long", "-p", "no:xdist")
    assert suite.returncode == 0, suite.stdout + suite.stderr
    for test in (
        "test_operation[live_stream-main-add_note]",
        "test_operation[live_stream-main-items]",
        "test_a_batch_keeps_order_and_length[live_stream-main-items]",
        "test_secrets_do_not_show[live_stream-main]",
        "test_recorded_answers",
    ):
        assert f"{test} PASSED" in suite.stdout

    new = ["adapters/live_stream", "tests/adapters/live_stream", "adapters/registry.py"]
    for program, *arguments in (
        ("ruff", "check", "--no-cache", *new),
        ("ruff", "format", "--no-cache", "--check", *new),
        ("mypy", "-p", "adapters.live_stream", "-p", "adapters.registry"),
        ("lint-imports", "--no-cache", "--no-logo", *(f"--contract={name}" for name in CONTRACTS)),
    ):
        result = run(root, program, *arguments)
        assert result.returncode == 0, result.stdout + result.stderr


def test_it_is_registered_in_the_list_and_its_imports(tmp_path: Path) -> None:
    registry = tmp_path / "registry.py"
    shutil.copy(ROOT / "adapters/registry.py", registry)

    register(registry, "foo")

    text = registry.read_text("utf-8")
    assert text.count("    foo,\n") == 1
    assert text.endswith("    foo.TOOL,\n)\n")
    assert len(text.splitlines()) == len((ROOT / "adapters/registry.py").read_text("utf-8").splitlines()) + 2


@pytest.mark.parametrize("name", ["", "Foo", "1st", "foo-bar", "foo__bar", "class", "../x"])
def test_a_name_that_cannot_be_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(NameRefused, match="is no name"):
        generate(tmp_path, name)

    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    (tmp_path / "adapters/foo").mkdir(parents=True)

    with pytest.raises(NameRefused, match="adapters/foo exists already"):
        generate(tmp_path, "foo")

    assert list((tmp_path / "adapters/foo").iterdir()) == []
