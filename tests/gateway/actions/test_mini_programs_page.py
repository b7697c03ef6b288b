"""The documents of docs/mini-programs.md, played against the emulated platforms, and who may play them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.demo.stage import Stage, staged
from sandbox import http1
from tests.conftest import EVENING

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/mini-programs.md").read_text("utf-8")
FILES = {path.stem: path.read_text("utf-8") for path in (ROOT / "examples/mini-programs").glob("*.graphql")}
TOOL = "mini_program_store"
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with staged(now=EVENING, folder=tmp_path_factory.mktemp("apps")) as stage:
        yield stage


async def ask(stage: Stage, name: str, **variables: Any) -> Any:
    """A document's only field, for headquarters."""
    answer = await stage.graphql(FILES[name], variables, key=stage.keys.hq)
    assert "errors" not in answer, answer["errors"]
    return next(iter(answer["data"].values()))


async def test_the_page_shows_every_document() -> None:
    for text in FILES.values():
        assert f"```graphql\n{text}```" in PAGE


async def test_a_code_is_made_listed_downloaded_and_deleted(stage: Stage) -> None:
    wanted = {"scene": "store=88", "page": "pages/index", "idempotencyKey": "code-000042"}
    done = await ask(stage, "code", code=wanted)
    made = done["miniProgramCode"]
    assert (made["scene"], made["page"], made["width"], made["transparent"]) == ("store=88", "pages/index", 430, False)
    assert done["transaction"]["state"] == "COMPLETED"
    got = await http1.request("GET", made["file"]["url"])
    assert (got.status, len(got.body)) == (200, made["file"]["size"])
    [listed] = (await ask(stage, "codes", scene="store=88"))["nodes"]
    assert (listed["file"]["id"], listed["file"]["upload"]) == (made["file"]["id"], {"contentType": "image/png"})
    assert (await ask(stage, "codes", scene="none"))["nodes"] == []
    gone = """mutation ($file: ID!) { fileDelete(input: {file: $file, idempotencyKey: "delete-code-1"}) {
      ... on Problem { code } } }"""
    answer = await stage.graphql(gone, {"file": made["file"]["id"]}, key=stage.keys.hq)
    assert "errors" not in answer, answer["errors"]
    assert (await ask(stage, "codes", scene="store=88"))["nodes"] == []
    # What a client was told under its key it is told again, and the code is gone.
    assert (await ask(stage, "code", code=wanted))["miniProgramCode"] is None


async def test_under_atomic_a_code_is_deleted_again(stage: Stage) -> None:
    document = """mutation @atomic(key: "atomic-code-1") {
      made: miniProgramCodeCreate(input: {scene: "lost"}) { ... on Problem { code } }
      lost: stockAdjust(input: {sku: "SL-DOWN-1M", delta: -10000, reason: "lost"}) { ... on Problem { code } }
    }"""
    answer = await stage.graphql(document, {}, key=stage.keys.hq)
    assert answer["data"] == {"made": {"code": "TRANSACTION_ROLLED_BACK"}, "lost": {"code": "TRANSACTION_ROLLED_BACK"}}
    assert (await ask(stage, "codes", scene="lost"))["nodes"] == []


#: Every document of the page: what it takes to be a request at all, and the scope that it needs.
GIVEN: dict[str, tuple[dict[str, Any], str]] = {
    "code": ({"code": {"scene": "x"}}, "members:write"),
    "codes": ({}, "members:write"),
}


@pytest.mark.parametrize("name", sorted(FILES))
async def test_a_shopper_has_no_such_scope(stage: Stage, name: str) -> None:
    given, scope = GIVEN[name]
    [error] = (await stage.graphql(FILES[name], given, key=stage.keys.frontend))["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert scope in error["message"]
