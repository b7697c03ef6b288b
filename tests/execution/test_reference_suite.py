"""graphql-core's own execution tests, in place from its published source, with our executor as the default one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

import pytest

#: What cannot pass: these assert which of several failures for one null is told, or in which order, and that follows
#: from how many turns of the event loop graphql-core takes. We take fewer; the sets of errors are ones that
#: graphql-core gives too when things complete in another order.
TURNS_OF_THE_LOOP = {
    "nulls_a_complex_tree_of_nullable_fields_each::throws",
    "nullable_and_non_nullable_root_fields_throw_nested_errors",
    "slower_nullable_after_non_nullable_root_field",
    "nullable_and_non_nullable_nested_fields_throw_nested_errors",
    "slower_nullable_after_non_nullable_nested_field",
}

_PLUGIN = '''
"""Makes our hook what execute() takes where a test names no executor, in this process of tests only."""
import sys

import graphql.execution

from gateway.execution import CompiledExecutor, hook

sys.modules["graphql.execution.execute"].IncrementalExecutor = CompiledExecutor


def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(f"paths: compiled {hook.counts['compiled']} fallback {hook.counts['fallback']}")
'''


def fetch(folder: Path) -> Path:
    """Unpack the source of the installed version. Skips where it cannot be had, but in CI."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    release = version("graphql-core")
    source = [*pip, "download", "--quiet", "--no-deps", "--no-binary", "graphql-core", "--dest", str(folder)]
    steps = [
        [*source, f"graphql-core=={release}"],
        # The suite is written for this plugin of pytest.
        [*pip, "install", "--quiet", "--no-deps", "--target", str(folder / "site"), "pytest-describe>=3.2,<4"],
    ]
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode:
            if os.environ.get("CI"):
                pytest.fail(done.stderr)
            pytest.skip(f"cannot be fetched: {done.stderr.strip().splitlines()[-1:]}")
    [archive] = folder.glob("graphql_core-*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return folder / f"graphql_core-{release}"


@pytest.mark.differential
def test_the_suite_of_graphql_core_passes_through_our_hook(tmp_path: Path) -> None:
    unpacked = fetch(tmp_path)
    (tmp_path / "through_our_hook.py").write_text(_PLUGIN)
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "through_our_hook", "-p", "no:cacheprovider", "-q", "-rf"),
            *("-W", "ignore", "-o", "addopts=", "-o", "timeout=", "tests/execution"),
        ],
        cwd=unpacked,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (tmp_path, tmp_path / "site", root)))},
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout
    failed = {line.split(" - ")[0] for line in said.splitlines() if line.startswith("FAILED ")}
    unexpected = {each for each in failed if not any(name in each for name in TURNS_OF_THE_LOOP)}
    assert not unexpected, said[-6000:]
    passed = re.search(r"(\d+) passed", said)
    assert passed is not None, said[-6000:]
    assert int(passed[1]) >= 730
    paths = re.search(r"paths: compiled (\d+) fallback (\d+)", said)
    assert paths is not None
    # What falls back has @defer or @stream, an abort signal, middleware or another predicate for awaitables.
    assert int(paths[1]) >= 300
