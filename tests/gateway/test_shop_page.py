"""The documents of docs/shop.md, played against the emulated platforms; and who may play them."""

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
PAGE = (ROOT / "docs/shop.md").read_text("utf-8")
FILES = {path.stem: path.read_text("utf-8") for path in (ROOT / "examples/shop").glob("*.graphql")}
TOOL = "mini_program_store"
COAT = "SL-DOWN-1M"
PICTURE = "https://mmecimage.cn/p/x"
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with staged(now=EVENING, folder=tmp_path_factory.mktemp("shop")) as stage:
        yield stage


async def ask(stage: Stage, name: str, **variables: Any) -> Any:
    answer = await stage.graphql(FILES[name], variables, key=stage.keys.hq)
    assert "errors" not in answer, answer["errors"]
    return next(iter(answer["data"].values()))


def shop(stage: Stage) -> str:
    return str(stage.sandbox.describe()["platforms"][TOOL]["accounts"]["store"]["appid"])


def product(stage: Stage) -> str:
    """The id of the coat's."""
    [found] = [each for each in stage.sandbox.world.products if COAT in {sku.code for sku in each.skus}]
    return ids.encode("pr", found.store_product_id, shop(stage))


def content(code: str, **changes: Any) -> dict[str, Any]:
    variant = {"code": f"{code}M", "price": 89900, "stock": 10, "image": PICTURE}
    return {
        "spu": code,
        "title": "山岚新款羽绒服",
        "images": [PICTURE],
        "categories": ["10001", "10002", "10100"],
        "freightTemplate": "1",
        "variants": [variant | {"attributes": [{"name": "尺码", "value": "M"}]}],
    } | changes


async def added(stage: Stage, code: str, **more: Any) -> Any:
    return await ask(stage, "add", product={"content": content(code), "idempotencyKey": f"add-{code}"} | more)


async def audited(stage: Stage, product_id: str, **verdict: Any) -> None:
    """The platform's staff decide, and its event has been handled."""
    await stage.act(TOOL, "product_audit", product_id=ids.decode_as("pr", product_id)[1], **verdict)
    await stage.quiet()


async def drafts(stage: Stage, *states: str) -> dict[str, Any]:
    """By spu."""
    found = await ask(stage, "drafts", states=list(states) or None)
    return {each["spu"]: each for each in found["nodes"]}


async def test_the_page_shows_every_document() -> None:
    assert FILES
    for text in FILES.values():
        assert f"```graphql\n{text}```" in PAGE


async def test_a_product_is_refused_corrected_and_sold(stage: Stage) -> None:
    made = await added(stage, "SL-NEW-1", submit=True)
    assert (made["draft"]["state"], made["transaction"]["state"]) == ("IN_AUDIT", "COMPLETED")
    assert made["draft"]["variants"] == [{"code": "SL-NEW-1M", "price": {"amount": 89900}, "stock": 10}]
    number = made["productId"]
    await audited(stage, number, passed=False, reason="主图有水印")
    seen = (await drafts(stage))["SL-NEW-1"]
    assert (seen["state"], seen["auditReason"], seen["product"]) == ("REJECTED", "主图有水印", None)
    wanted = {
        "product": number,
        "content": content("SL-NEW-1", title="山岚新款羽绒服 M"),
        "idempotencyKey": "update-42",
    }
    assert (await ask(stage, "update", product=wanted))["draft"]["state"] == "EDITING"
    sent = await ask(stage, "submit", draft={"product": number, "idempotencyKey": "submit-42"})
    assert sent["draft"]["state"] == "IN_AUDIT"
    stage.pass_time(timedelta(seconds=5))
    await audited(stage, number)
    assert "SL-NEW-1" not in await drafts(stage)
    passed = (await drafts(stage, "PASSED"))["SL-NEW-1"]
    assert (passed["auditReason"], passed["product"]) == (None, {"title": "山岚新款羽绒服 M", "onSale": True})
    node = "query ($i: ID!) { node(id: $i) { ... on Product { spu draft { state } } } }"
    found = await stage.graphql(node, {"i": number}, key=stage.keys.hq)
    assert found["data"]["node"] == {"spu": "SL-NEW-1", "draft": None}
    assert (await added(stage, "SL-NEW-1", idempotencyKey="add-again-1"))["code"] == "SPU_TAKEN"


async def test_a_draft_is_taken_back_and_seen_below_its_product(stage: Stage) -> None:
    wanted = {"product": product(stage), "content": content("SL-DOWN-1"), "submit": True, "idempotencyKey": "update-43"}
    done = await ask(stage, "update", product=wanted)
    assert (done["draft"]["state"], done["draft"]["product"]["onSale"]) == ("IN_AUDIT", True)
    taken = await ask(stage, "withdraw", draft={"product": product(stage), "idempotencyKey": "withdraw-43"})
    assert taken["draft"]["state"] == "EDITING"
    document = "query ($i: ID!) { node(id: $i) { ... on Product { draft { state title } } } }"
    seen = await stage.graphql(document, {"i": product(stage)}, key=stage.keys.hq)
    assert seen["data"]["node"]["draft"] == {"state": "EDITING", "title": "山岚新款羽绒服"}
    hidden = await stage.graphql(document, {"i": product(stage)}, key=stage.keys.frontend)
    assert hidden["data"]["node"]["draft"] is None
    assert hidden["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    none = await ask(stage, "withdraw", draft={"product": "x", "idempotencyKey": "withdraw-44"})
    assert none["code"] == "ID_INVALID"


async def test_prices_change_and_pieces_are_read(stage: Stage) -> None:
    change = {"product": product(stage), "prices": [{"sku": COAT, "amount": 66600}], "idempotencyKey": "reprice-42"}
    done = await ask(stage, "reprice", change=change)
    assert 66600 in [each["price"]["amount"] for each in done["product"]["offers"]]
    unknown = ids.encode("pr", "1", shop(stage))
    found = await ask(stage, "stocks", products=[product(stage), unknown])
    codes = {each["code"]: each["pieces"] for each in found[0]["variants"]}
    state: Any = stage.sandbox.platforms[TOOL]
    [sku] = [s for p in stage.sandbox.world.products for s in p.skus if s.code == COAT]
    assert codes[COAT] == state.state.stock[sku.store_sku_id]
    assert found[1] == {"product": None, "variants": []}


def calls(stage: Stage) -> int:
    return len([each for each in stage.sandbox.kit.journal.calls if each.endpoint.endswith("stock/batchget")])


@pytest.mark.parametrize("number", [1, 10, 50])
async def test_pieces_cost_one_call_per_twenty_products(stage: Stage, number: int) -> None:
    asked = [ids.encode("pr", str(each), shop(stage)) for each in range(1, number + 1)]
    before = calls(stage)
    await ask(stage, "stocks", products=asked)
    assert calls(stage) - before == -(-number // 20)


async def test_too_many_products_at_once_are_refused(stage: Stage) -> None:
    answer = await stage.graphql(FILES["stocks"], {"products": [product(stage)] * 101}, key=stage.keys.hq)
    assert (answer["data"]["productStocks"], answer["errors"][0]["extensions"]["code"]) == (None, "BAD_USER_INPUT")


async def test_pieces_of_a_shop_that_is_away_are_null(stage: Stage) -> None:
    stage.sandbox.kit.faults.add(TOOL, "status", endpoint="*/stock/batchget", value=500)
    answer = await stage.graphql(FILES["stocks"], {"products": [product(stage)]}, key=stage.keys.hq)
    stage.sandbox.kit.faults.clear()
    assert (answer["data"]["productStocks"], answer["errors"][0]["extensions"]["code"]) == (None, "UNAVAILABLE")


async def test_a_product_is_deleted(stage: Stage) -> None:
    number = (await added(stage, "SL-NEW-2"))["productId"]
    done = await ask(stage, "delete", product={"product": number, "idempotencyKey": "delete-42"})
    assert done["transaction"]["state"] == "COMPLETED"
    assert (await drafts(stage, "DELETED"))["SL-NEW-2"]["state"] == "DELETED"
    kept = await ask(stage, "delete", product={"product": product(stage), "idempotencyKey": "delete-43"})
    assert kept["code"] == "PRODUCT_STATE"


async def test_under_atomic_a_product_and_its_prices_are_undone(stage: Stage) -> None:
    document = """mutation ($content: ProductContentInput!, $product: ID!) @atomic(key: "atomic-shop-1") {
      added: productAdd(input: {content: $content}) { ... on Problem { code } }
      dearer: productPriceChange(input: {product: $product, prices: [{sku: "SL-DOWN-1M", amount: 99900}]}) {
        ... on Problem { code }
      }
      lost: stockAdjust(input: {sku: "SL-DOWN-1M", delta: -10000, reason: "lost"}) { ... on Problem { code } }
    }"""
    given = {"content": content("SL-NEW-3"), "product": product(stage)}
    answer = await stage.graphql(document, given, key=stage.keys.hq)
    rolled_back = {"code": "TRANSACTION_ROLLED_BACK"}
    assert answer["data"] == {"added": rolled_back, "dearer": rolled_back, "lost": rolled_back}
    assert (await drafts(stage, "DELETED"))["SL-NEW-3"]["state"] == "DELETED"
    found = await stage.graphql(
        "query ($i: ID!) { node(id: $i) { ... on Product { offers { price { amount } } } } }",
        {"i": product(stage)},
        key=stage.keys.hq,
    )
    assert 99900 not in [each["price"]["amount"] for each in found["data"]["node"]["offers"]]


@pytest.mark.parametrize(
    ("name", "variables", "scope"),
    [
        ("add", {"product": {"content": content("X")}}, "products:write"),
        ("update", {"product": {"product": "x", "content": content("X")}}, "products:write"),
        ("submit", {"draft": {"product": "x"}}, "products:write"),
        ("withdraw", {"draft": {"product": "x"}}, "products:write"),
        ("drafts", {}, "products:write"),
        ("reprice", {"change": {"product": "x", "prices": []}}, "products:write"),
        ("delete", {"product": {"product": "x"}}, "products:write"),
        ("stocks", {"products": ["x"]}, "stock:read"),
    ],
)
async def test_a_shopper_has_no_such_scope(stage: Stage, name: str, variables: dict[str, Any], scope: str) -> None:
    answer = await stage.graphql(FILES[name], variables, key=stage.keys.frontend)
    [error] = answer["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert scope in error["message"]
