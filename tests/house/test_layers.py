"""Every import contract of .importlinter can fail: each one is broken in a copy and must say so by name."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.checks.source import ROOT

#: Contract → a module that breaks it, and what the module holds.
VIOLATIONS = {
    "The gateway's rooms import downwards only": ("gateway/database/upwards.py", "import gateway.schema\n"),
    "Execution imports nothing of ours": ("gateway/execution/ours.py", "import gateway.settings\n"),
    "Adapters know nothing of the gateway": ("adapters/payments/upwards.py", "import gateway.settings\n"),
    "A tool's client and wire models stay inside its folder": (
        "gateway/resolvers/wire.py",
        "from adapters.payments.models import Refund\n",
    ),
    "Tools do not import each other": ("adapters/payments/sideways.py", "import adapters.social_ads.records\n"),
    "Production code does not import the sandbox": ("gateway/jobs/pretend.py", "import sandbox.world\n"),
    "The emulated platforms share nothing with the adapters": (
        "adapters/payments/sandbox/copied.py",
        "from adapters.payments.signing import lines\n",
    ),
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """The checker on the packages under ``folder``."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The three packages and the contracts, to be spoilt."""
    folder = tmp_path_factory.mktemp("layers")
    for package in ("gateway", "adapters", "sandbox"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", folder)
    return folder


@pytest.mark.long
def test_the_house_keeps_its_contracts(copy: Path) -> None:
    result = lint(copy)

    assert result.returncode == 0, result.stdout
    assert [name for name in VIOLATIONS if f"{name} KEPT" not in result.stdout] == []
    assert result.stdout.count(" KEPT") == len(VIOLATIONS), "a new contract needs its violation here"


@pytest.mark.long
@pytest.mark.parametrize("contract", VIOLATIONS)
def test_a_violation_is_named(copy: Path, contract: str) -> None:
    path, text = VIOLATIONS[contract]
    (copy / path).write_text(text)
    try:
        result = lint(copy)
    finally:
        (copy / path).unlink()

    assert result.returncode == 1
    assert f"{contract} BROKEN" in result.stdout
