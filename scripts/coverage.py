"""Prints docs/coverage.md from the tools' coverage.toml."""

from __future__ import annotations

from scripts.checks.coverage import COVERAGE, page
from scripts.checks.source import ROOT

if __name__ == "__main__":
    (ROOT / COVERAGE).write_text(page(ROOT), "utf-8")
