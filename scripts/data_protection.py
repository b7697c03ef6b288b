"""``python -m scripts.data_protection``: prints the tables of docs/data-protection.md anew."""

from __future__ import annotations

from scripts.checks.documents import DATA_PROTECTION, with_tables
from scripts.checks.source import ROOT


def main() -> None:
    """Write the page."""
    path = ROOT / DATA_PROTECTION
    path.write_text(with_tables(path.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
