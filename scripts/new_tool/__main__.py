"""``python -m scripts.new_tool foo``, or ``make new-tool name=foo``."""

from __future__ import annotations

import sys
from pathlib import Path

from scripts.new_tool.generate import NameRefused, generate


def main() -> int:
    """Generate into the working directory; say what to do next."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    try:
        written = generate(Path.cwd(), name)
    except NameRefused as error:
        print(f"make new-tool name=…: {error}", file=sys.stderr)
        return 2
    print(f"{len(written)} files in adapters/{name} and tests/adapters/{name}, and one line in adapters/registry.py.")
    print(f"Next: its README's checklist; then `.venv/bin/pytest tests/adapters -k {name}`. CONTRIBUTING.md goes on.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
