"""Where and on what a benchmark ran: printed with every result, since only ratios of one run mean anything."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

PEERS = Path(__file__).parent / "peers"
MODULES = PEERS / "node_modules"


def node_missing() -> str | None:
    """Why the Node peers cannot run, or None."""
    if shutil.which("node") is None:
        return "node is not installed"
    if not MODULES.is_dir():
        return "the Node peers are not set up: make peers"
    return None


def describe(*python: str, node: tuple[str, ...] = ()) -> dict[str, Any]:
    """The machine and the versions of what is compared."""
    found: dict[str, Any] = {
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: version(name) for name in python},
    }
    if node and node_missing() is None:
        told = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
        found["node"] = told.stdout.strip().removeprefix("v")
        for name in node:
            found["versions"][name] = orjson.loads((MODULES / name / "package.json").read_bytes())["version"]
    return found


def last_core() -> int:
    """The core of whatever is not measured."""
    return max(os.sched_getaffinity(0))


def first_core() -> int:
    """The core of the measured process, and of nothing else of the benchmark where there are two."""
    return min(os.sched_getaffinity(0))
