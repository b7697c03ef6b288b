"""Prints docs/upstream-errors.md and docs/event-kinds.md from the tools' tables."""

from __future__ import annotations

from adapters.registry import TOOLS
from scripts.checks.documents import EVENTS, UPSTREAM, events_page, upstream_page
from scripts.checks.source import ROOT

if __name__ == "__main__":
    (ROOT / EVENTS).write_text(events_page(TOOLS), "utf-8")
    (ROOT / UPSTREAM).write_text(upstream_page(TOOLS), "utf-8")
