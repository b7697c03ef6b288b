"""Prints docs/upstream-errors.md from the tools' error tables."""

from __future__ import annotations

from adapters.registry import TOOLS
from scripts.checks.documents import UPSTREAM, upstream_page
from scripts.checks.source import ROOT

if __name__ == "__main__":
    (ROOT / UPSTREAM).write_text(upstream_page(TOOLS), "utf-8")
