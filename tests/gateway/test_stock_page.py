"""The documents of docs/stock.md, played against the emulated platforms; and who may play them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.demo.stage import Stage, staged
from gateway.resolvers import ids
from tests.conftest import EVENING

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/stock.md").read_text("utf-8")
FILES = {path.stem: path.read_text("utf-8") for path in (ROOT / "examples/stock").glob("*.graphql")}
TOOL = "mini_program_store"
COAT = "SL-DOWN-1M"
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with staged(now=EVENING, folder=tmp_path_factory.mktemp("stock")) as stage:
        yield stage


async def ask(stage: Stage, name: str, **variables: Any) -> Any:
    answer = await stage.graphql(FILES[name], variables, key=stage.keys.hq)
    assert "errors" not in answer, answer["errors"]
    return next(iter(answer["data"].values()))


def shop(stage: Stage) -> str:
    return str(stage.sandbox.describe()["platforms"][TOOL]["accounts"]["store"]["appid"])


def allotment(stage: Stage, delta: int, key: str, **more: Any) -> dict[str, Any]:
    return {"sku": COAT, "appid": shop(stage), "delta": delta, "idempotencyKey": key} | more


async def central(stage: Stage) -> dict[str, Any]:
    """The warehouse's level, and the platform's own number with it."""
    found = await ask(stage, "levels", sku=ids.encode("sk", COAT))
    [level] = [each for each in found["stock"] if each["location"] == "CENTRAL"]
    return level | {"offered": found["offers"][0]["stock"]}


async def test_the_page_shows_every_document() -> None:
    assert sorted(FILES) == ["allot", "levels", "shelve", "unshelve"]
    for text in FILES.values():
        assert f"```graphql\n{text}```" in PAGE


async def test_pieces_are_allotted_sold_settled_and_seen(stage: Stage) -> None:
    before = await central(stage)
    done = await ask(stage, "allot", allotment=allotment(stage, 4, "allot-000042"))
    assert (done["allotted"], done["free"], done["transaction"]["state"]) == (4, before["free"] - 4, "COMPLETED")
    after = await central(stage)
    assert after["allotments"] == [{"appid": shop(stage), "pieces": 4, "settledAt": None}]
    assert (after["onHand"], after["allotted"], after["free"]) == (before["onHand"], 4, before["free"] - 4)
    assert after["offered"] == before["offered"] + 4
    person = stage.sandbox.world.cast["protagonist"]
    stage.pass_time(timedelta(seconds=5))
    await stage.act(TOOL, "order_new", person=person, sku=COAT, quantity=1)
    # The hour's job is due.
    stage.pass_time(timedelta(hours=1))
    await stage.quiet()
    settled = await central(stage)
    assert (settled["onHand"], settled["allotted"], settled["free"]) == (before["onHand"] - 1, 3, before["free"] - 4)
    assert settled["allotments"][0]["pieces"] == 3
    assert settled["allotments"][0]["settledAt"] is not None
    short = await ask(stage, "allot", allotment=allotment(stage, -4, "allot-000043"))
    assert short["code"] == "STOCK_SHORT"


async def test_under_atomic_it_is_undone(stage: Stage) -> None:
    """Pieces for the shop, and a correction that cannot be: neither is."""
    before = await central(stage)
    document = """mutation ($appid: String!) @atomic(key: "atomic-allot-1") {
      given: stockAllot(input: {sku: "SL-DOWN-1M", appid: $appid, delta: 2}) { ... on Problem { code } }
      lost: stockAdjust(input: {sku: "SL-DOWN-1M", delta: -10000, reason: "lost"}) { ... on Problem { code } }
    }"""
    answer = await stage.graphql(document, {"appid": shop(stage)}, key=stage.keys.hq)
    rolled_back = {"code": "TRANSACTION_ROLLED_BACK"}
    assert answer["data"] == {"given": rolled_back, "lost": rolled_back}
    after = await central(stage)
    assert {key: after[key] for key in ("onHand", "allotted", "free", "offered")} == {
        key: before[key] for key in ("onHand", "allotted", "free", "offered")
    }


def product(stage: Stage) -> str:
    """The id of the coat's."""
    [found] = [each for each in stage.sandbox.world.products if COAT in {sku.code for sku in each.skus}]
    return ids.encode("pr", found.store_product_id, shop(stage))


async def test_a_product_is_taken_off_and_put_on_sale(stage: Stage) -> None:
    wanted = {"product": product(stage), "idempotencyKey": "shelf-000042"}
    off = await ask(stage, "unshelve", shelf=wanted)
    assert (off["onSale"], off["product"], off["transaction"]["state"]) == (
        False, {"id": product(stage), "onSale": False}, "COMPLETED",
    )  # fmt: skip
    again = await ask(stage, "unshelve", shelf=wanted | {"idempotencyKey": "shelf-000043"})
    assert again["code"] == "PRODUCT_STATE"
    on = await ask(stage, "shelve", shelf=wanted)
    assert (on["onSale"], on["product"]) == (True, {"id": product(stage), "onSale": True})
    none = await ask(stage, "shelve", shelf={"product": "x", "idempotencyKey": "shelf-000044"})
    assert none["code"] == "ID_INVALID"


async def test_under_atomic_it_is_put_on_again(stage: Stage) -> None:
    """Taken off, and a correction that cannot be: it is on sale as before."""
    document = """mutation ($product: ID!) @atomic(key: "atomic-shelf-1") {
      off: productUnshelve(input: {product: $product}) { ... on Problem { code } }
      lost: stockAdjust(input: {sku: "SL-DOWN-1M", delta: -10000, reason: "lost"}) { ... on Problem { code } }
    }"""
    answer = await stage.graphql(document, {"product": product(stage)}, key=stage.keys.hq)
    rolled_back = {"code": "TRANSACTION_ROLLED_BACK"}
    assert answer["data"] == {"off": rolled_back, "lost": rolled_back}
    found = await stage.graphql(
        "query ($i: ID!) { node(id: $i) { ... on Product { onSale } } }", {"i": product(stage)}, key=stage.keys.hq
    )
    assert found["data"]["node"] == {"onSale": True}


@pytest.mark.parametrize(
    ("name", "variables", "scope"),
    [
        ("allot", {"allotment": {"sku": COAT, "appid": "x", "delta": 1}}, "stock:write"),
        ("shelve", {"shelf": {"product": "x"}}, "products:write"),
        ("unshelve", {"shelf": {"product": "x"}}, "products:write"),
    ],
)
async def test_a_shopper_has_no_such_scope(stage: Stage, name: str, variables: dict[str, Any], scope: str) -> None:
    answer = await stage.graphql(FILES[name], variables, key=stage.keys.frontend)
    [error] = answer["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert scope in error["message"]
