"""docs/ip.md shows the documents that tests play, and all of them."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_page_shows_every_document() -> None:
    page = (ROOT / "docs" / "ip.md").read_text("utf-8")
    documents = [path.read_text("utf-8") for path in (ROOT / "examples" / "ip").glob("*.graphql")]
    assert documents
    assert [text for text in documents if f"```graphql\n{text}```" not in page] == []
