"""``python -m scripts.checks``: every check on the tree; exit code 1 when one finds something."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from scripts.checks import boundaries, codes, coverage, documents, graph, reaching, storage, text, tools
from scripts.checks.source import ROOT

CHECKS: Final[tuple[Callable[[Path], list[str]], ...]] = (
    graph.schema_file,
    graph.descriptions,
    documents.settings,
    documents.upstream_errors,
    documents.event_kinds,
    documents.index,
    documents.data_protection,
    coverage.coverage,
    codes.error_codes,
    boundaries.environment_readers,
    boundaries.projection_writers,
    reaching.gate_passed,
    reaching.speakers_declared,
    storage.personal_columns,
    storage.declared_tables,
    tools.registration,
    tools.shape,
    tools.sandbox_imports,
    tools.error_tables,
    text.lock_files,
    text.machine_words,
    text.links,
)


def main() -> int:
    """Print every finding."""
    findings = [(check.__name__, sentence) for check in CHECKS for sentence in check(ROOT)]
    for name, sentence in findings:
        print(f"{name}: {sentence}", file=sys.stderr)
    print(f"{len(CHECKS)} checks, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
