"""Forks processes that have everything imported: starting Python anew would take seconds each time.

Reads one JSON object per line, ``{"run": "module:function", "with": {…}, "out": path}``, runs the function in a
process of its own, and answers ``{"signal": n}`` or ``{"code": n}``. What the process prints is in ``out``.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any


def main() -> None:
    for name in sys.argv[1:]:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    print(json.dumps({"ready": True}), flush=True)  # noqa: T201 — the protocol
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _be(order)
        _, status = os.waitpid(child, 0)
        ended = {"signal": os.WTERMSIG(status)} if os.WIFSIGNALED(status) else {"code": os.WEXITSTATUS(status)}
        print(json.dumps(ended), flush=True)  # noqa: T201 — the protocol


def _be(order: dict[str, Any]) -> None:
    """The child: run the function and leave, whatever happens, without returning to the zygote's loop."""
    code = 99
    try:
        with Path(order["out"]).open("w") as out:
            os.dup2(out.fileno(), 1)
            os.dup2(out.fileno(), 2)
            module, _, function = order["run"].partition(":")
            try:
                code = getattr(importlib.import_module(module), function)(**order["with"]) or 0
            except SystemExit as left:
                code = left.code if isinstance(left.code, int) else 1
            except BaseException:
                traceback.print_exc()
            sys.stdout.flush()
            sys.stderr.flush()
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
