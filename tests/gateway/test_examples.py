"""What the README shows is what the gateway answers."""

from __future__ import annotations

from scripts.examples import ANSWER, QUERY, README, answer, shown


async def test_the_readmes_query_and_its_answer() -> None:
    found = await answer()
    assert "errors" not in found
    block = shown(found)
    assert block == ANSWER.read_text("utf-8").rstrip("\n"), "run: python -m scripts.examples"
    text = README.read_text("utf-8")
    assert block in text
    assert QUERY.read_text("utf-8").rstrip("\n") in text
