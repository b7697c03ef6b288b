"""The list of fact kinds is whole: it names every kind that the source writes, and docs/lists.md tells them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from gateway.database.fact_kinds import ACTIVITY, FACT_KINDS, TOLD
from gateway.database.tables.facts import fact
from tests.gateway.evening import Served

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs" / "lists.md"
#: ``order.paid``, or a single word as the first kinds were named.
_KIND = re.compile(r"[a-z_]+\.[a-z_]+|follow|unfollow|lead")


def _texts(node: ast.AST) -> Iterator[str]:
    """Texts of an expression as patterns; what is filled in stands for anything."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield re.escape(node.value)
    elif isinstance(node, ast.JoinedStr):
        yield "".join(
            re.escape(str(each.value)) if isinstance(each, ast.Constant) else "[a-z_]+" for each in node.values
        )
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)
    elif isinstance(node, ast.Tuple):
        for each in node.elts:
            yield from _texts(each)


def _writes_facts(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return name == "Fact" or name.strip("_").removesuffix("s").endswith("fact") or name == "told"


def written(source: str) -> set[str]:
    """Patterns of the kinds in calls that make facts, and in what is called ``kind`` beside them."""
    found: set[str] = set()
    facts = "fact" in source.lower()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and _writes_facts(node):
            given = [each.value for each in node.keywords if each.arg == "kind"] or node.args
            found.update(text for each in given for text in _texts(each))
        elif facts and isinstance(node, ast.Assign | ast.For):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            value = node.value if isinstance(node, ast.Assign) else node.iter
            if isinstance(target, ast.Name) and target.id == "kind":
                found.update(_texts(value))
    return {each for each in found if _KIND.fullmatch(each.replace("\\", "").replace("[a-z_]+", "any"))}


def test_every_kind_that_the_source_writes_is_in_the_list() -> None:
    missing = {}
    found = set()
    for path in sorted(ROOT.joinpath("gateway").rglob("*.py")):
        for pattern in written(path.read_text("utf-8")):
            matching = {kind for kind in FACT_KINDS if re.fullmatch(pattern, kind)}
            found |= matching
            if not matching:
                missing[pattern] = str(path.relative_to(ROOT))
    assert not missing, "name these kinds in gateway/database/fact_kinds.py, with a family or for the books"
    assert {"follow", "contact.deleted_by_guide", "coupon.conflict", "message.attempted", "order.line"} <= found


def test_a_kind_in_any_place_is_noticed() -> None:
    """The reading of the source itself: each way of writing a kind that the source has."""
    for text in (
        'Fact(kind="new.kind")',
        '_fact(1, "new.kind", at)',
        'told(batch, order, "old.kind" if x else "new.kind")',
        'kind = "new.kind"  # of a fact',
        'kind = "old.kind" if x else "new.kind"  # of a fact',
        'for kind in ("old.kind", "new.kind"): add_fact(kind)',
    ):
        assert re.escape("new.kind") in written(text), text
    assert written('Fact(kind=f"new.{state}")') == {r"new\.[a-z_]+"}


@pytest.mark.asyncio(loop_scope="session")
async def test_every_kind_of_an_evening_is_in_the_list(served: Served) -> None:
    rows = await served.gateway.services.database.fetch(select(fact.c.kind).distinct())
    kinds = {row.kind for row in rows}
    assert kinds <= FACT_KINDS.keys()
    assert len(kinds) > 15


def test_the_documentation_lists_every_told_kind() -> None:
    text = DOCS.read_text("utf-8")
    rows = re.findall(r"^\| `([a-z_.]+)` \| `([A-Z]+)` \| (yes|no) \|", text, re.MULTILINE)
    assert rows == [(name, kind.family, "yes" if name in ACTIVITY else "no") for name, kind in TOLD.items()], (
        "docs/lists.md differs from gateway/database/fact_kinds.py"
    )
    books = text.partition("for the books only: ")[2].partition(".\n")[0]
    assert re.findall(r"`([a-z_.]+)`", books) == sorted(FACT_KINDS.keys() - TOLD.keys())
