"""docs/visits-and-lives.md shows the documents that tests play, and all of them."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_page_shows_every_document() -> None:
    page = (ROOT / "docs" / "visits-and-lives.md").read_text("utf-8")
    documents = [path.read_text("utf-8") for path in (ROOT / "examples" / "visits-and-lives").glob("*.graphql")]
    assert documents
    assert [text for text in documents if f"```graphql\n{text}```" not in page] == []
