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
from tests.gateway.evening import login

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


async def test_a_draft_in_a_state_that_is_newer_than_the_gateway_hides_no_other(stage: Stage) -> None:
    made = await added(stage, "SL-NEW-6", submit=True)
    await added(stage, "SL-NEW-7")
    await audited(stage, made["productId"], passed=False, edit_status=42)
    found = await drafts(stage)
    assert (found["SL-NEW-6"]["state"], found["SL-NEW-7"]["state"]) == ("OTHER", "EDITING")
    await ask(stage, "delete", product={"product": made["productId"], "idempotencyKey": "delete-46"})


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


def back(stage: Stage) -> None:
    """The platform is there again, and the gateway leaves it alone no more."""
    stage.sandbox.kit.faults.clear()
    stage.pass_time(timedelta(minutes=1))


async def test_too_many_products_at_once_are_refused(stage: Stage) -> None:
    answer = await stage.graphql(FILES["stocks"], {"products": [product(stage)] * 101}, key=stage.keys.hq)
    assert (answer["data"]["productStocks"], answer["errors"][0]["extensions"]["code"]) == (None, "BAD_USER_INPUT")


async def test_pieces_of_a_shop_that_is_away_are_null(stage: Stage) -> None:
    stage.sandbox.kit.faults.add(TOOL, "status", endpoint="*/stock/batchget", value=500)
    answer = await stage.graphql(FILES["stocks"], {"products": [product(stage)]}, key=stage.keys.hq)
    back(stage)
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


def terms(**changes: Any) -> dict[str, Any]:
    """80 off from 600."""
    return {
        "kind": "STORE_THRESHOLD_OFF",
        "name": "满600减80",
        "off": 8000,
        "fromAmount": 60000,
        "total": 100,
        "takeFrom": "2026-11-01T00:00:00+08:00",
        "takeTo": "2026-11-30T00:00:00+08:00",
        "validDays": 7,
    } | changes


async def written(stage: Stage, key: str, **changes: Any) -> Any:
    return await ask(stage, "coupon-create", coupon={"offer": terms(**changes), "idempotencyKey": key})


async def moved(stage: Stage, coupon: str, to: str) -> Any:
    key = f"move-{to}-{coupon[-12:]}"
    return await ask(stage, "coupon-move", coupon={"coupon": coupon, "to": to, "idempotencyKey": key})


async def test_a_coupon_is_written_published_and_taken(stage: Stage) -> None:
    made = await written(stage, "coupon-42")
    assert made["coupon"] == {
        "status": "EDITING",
        "terms": {
            "kind": "STORE_THRESHOLD_OFF",
            "name": "满600减80",
            "off": {"amount": 8000},
            "payPercent": None,
            "fromAmount": {"amount": 60000},
        },
        "left": 100,
    }
    wanted = {"coupon": made["id"], "offer": terms(off=9000), "idempotencyKey": "coupon-43"}
    assert (await ask(stage, "coupon-update", coupon=wanted))["coupon"]["terms"]["off"] == {"amount": 9000}
    assert (await moved(stage, made["id"], "PUBLISH"))["coupon"] == {"status": "ACTIVE"}
    number = ids.decode_as("sc", made["id"])[1]
    await stage.act(TOOL, "coupon_receive", person=stage.sandbox.world.cast["protagonist"], coupon_id=number)
    [listed] = [each for each in (await ask(stage, "coupons"))["nodes"] if each["id"] == made["id"]]
    assert (listed["left"], listed["taken"], listed["used"], listed["validDays"]) == (99, 1, 0, 7)
    [mine] = [each for each in (await held(stage))["nodes"] if each["terms"]["off"] == {"amount": 9000}]
    assert (mine["state"], mine["usedAt"], mine["order"], mine["saved"]) == ("VALID", None, None, None)
    assert mine["terms"] == {"kind": "STORE_THRESHOLD_OFF", "name": "满600减80", "off": {"amount": 9000}}
    again = await ask(stage, "coupon-update", coupon=wanted | {"idempotencyKey": "coupon-44"})
    assert again["code"] == "STORE_COUPON_STATE"
    assert (await moved(stage, made["id"], "TAKE_BACK"))["coupon"] == {"status": "VOID"}
    assert made["id"] in [each["id"] for each in (await ask(stage, "coupons", status="VOID"))["nodes"]]


async def protagonist(stage: Stage) -> str:
    """The member's id."""
    person = stage.sandbox.world.people[stage.sandbox.world.cast["protagonist"]]
    document = "query ($u: String!) { member(by: {unionid: $u}) { id } }"
    answer = await stage.graphql(document, {"u": person.unionid}, key=stage.keys.hq)
    return str(answer["data"]["member"]["id"])


async def held(stage: Stage) -> Any:
    return (await ask(stage, "coupons-held", member=await protagonist(stage)))["storeCoupons"]


async def test_a_shopper_sees_their_own_and_how_many_are_left_is_not_shown(stage: Stage) -> None:
    person = stage.sandbox.world.cast["protagonist"]
    for key, name in (("coupon-48", "会员专享"), ("coupon-49", "老客专享")):
        made = await written(stage, key, name=name)
        await moved(stage, made["id"], "PUBLISH")
        await stage.act(TOOL, "coupon_receive", person=person, coupon_id=ids.decode_as("sc", made["id"])[1])
    session = await login(stage, person)
    document = "{ me { storeCoupons(first: 50) { nodes { state terms { name } } } } }"
    mine = await stage.graphql(document, {}, key=stage.keys.frontend, session=session)
    assert {"state": "VALID", "terms": {"name": "会员专享"}} in mine["data"]["me"]["storeCoupons"]["nodes"]
    # One of them cannot be read: the others can.
    stage.sandbox.kit.faults.add(TOOL, "code", endpoint="*/coupon/get", value=40097, calls=(1,))
    partly = await stage.graphql(document, {}, key=stage.keys.frontend, session=session)
    stage.sandbox.kit.faults.clear()
    found = [each["terms"] for each in partly["data"]["me"]["storeCoupons"]["nodes"]]
    assert (found.count(None), len(partly["errors"])) == (1, 1)
    assert len(found) >= 2


async def test_a_member_of_a_list_has_null(stage: Stage) -> None:
    before = len(stage.sandbox.kit.journal.calls)
    document = "{ members(first: 3) { nodes { storeCoupons { nodes { state } } } } }"
    answer = await stage.graphql(document, {}, key=stage.keys.hq)
    assert [each["storeCoupons"] for each in answer["data"]["members"]["nodes"]] == [None] * 3
    assert ("errors" in answer, len(stage.sandbox.kit.journal.calls)) == (False, before)


async def test_coupons_are_paged_by_the_platforms_own_pages(stage: Stage) -> None:
    already = len((await ask(stage, "coupons", status="EDITING"))["nodes"])
    for place in range(5):
        await written(stage, f"coupon-page-{place}", name=f"第{place}张")
    document = """query ($after: String) { storeCoupons(status: EDITING, first: 2, after: $after) {
      nodes { terms { name } } pageInfo { endCursor hasNextPage } } }"""
    names, after, sizes = [], None, []
    while True:
        before = len(stage.sandbox.kit.journal.calls)
        answer = await stage.graphql(document, {"after": after}, key=stage.keys.hq)
        page = answer["data"]["storeCoupons"]
        # One list, and one call per coupon.
        assert len(stage.sandbox.kit.journal.calls) - before == 1 + len(page["nodes"])
        names += [each["terms"]["name"] for each in page["nodes"]]
        sizes.append(len(page["nodes"]))
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert [each for each in names if each.startswith("第")] == [f"第{n}张" for n in range(5)]
    full, rest = divmod(already + 5, 2)
    assert sizes == [2] * full + [rest] * bool(rest)


async def test_coupons_of_a_shop_that_is_away_are_null(stage: Stage) -> None:
    stage.sandbox.kit.faults.add(TOOL, "status", endpoint="*/coupon/*", value=500)
    listed = await stage.graphql(FILES["coupons"], {}, key=stage.keys.hq)
    member = await protagonist(stage)
    mine = await stage.graphql(FILES["coupons-held"], {"member": member}, key=stage.keys.hq)
    back(stage)
    assert (listed["data"]["storeCoupons"], mine["data"]["member"]) == (None, {"storeCoupons": None})
    assert {each["extensions"]["code"] for each in (*listed["errors"], *mine["errors"])} == {"UNAVAILABLE"}


async def test_products_of_another_shop_are_refused(stage: Stage) -> None:
    products = [ids.encode("pr", "1", "wx0000000000000000"), product(stage)]
    changes = {"kind": "PRODUCT_OFF", "fromAmount": None, "products": products}
    assert (await written(stage, "coupon-45", **changes))["code"] == "BAD_USER_INPUT"
    naive = await written(stage, "coupon-46", takeFrom="2026-11-01T00:00:00")
    assert naive["code"] == "BAD_USER_INPUT"
    mine = await written(stage, "coupon-47", **changes | {"products": products[1:]})
    assert mine["coupon"]["terms"]["kind"] == "PRODUCT_OFF"


async def test_under_atomic_a_coupon_is_undone(stage: Stage) -> None:
    document = """mutation ($offer: StoreCouponOfferInput!) @atomic(key: "atomic-coupon-1") {
      made: storeCouponCreate(input: {offer: $offer}) { ... on Problem { code } }
      lost: stockAdjust(input: {sku: "SL-DOWN-1M", delta: -10000, reason: "lost"}) { ... on Problem { code } }
    }"""
    answer = await stage.graphql(document, {"offer": terms(name="撤回")}, key=stage.keys.hq)
    rolled_back = {"code": "TRANSACTION_ROLLED_BACK"}
    assert answer["data"] == {"made": rolled_back, "lost": rolled_back}
    gone = (await ask(stage, "coupons", status="DELETED"))["nodes"]
    assert "撤回" in [each["terms"]["name"] for each in gone]


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
        ("coupons", {}, "coupons:write"),
        ("coupon-create", {"coupon": {"offer": terms()}}, "coupons:write"),
        ("coupon-update", {"coupon": {"coupon": "x", "offer": terms()}}, "coupons:write"),
        ("coupon-move", {"coupon": {"coupon": "x", "to": "DELETE"}}, "coupons:write"),
    ],
)
async def test_a_shopper_has_no_such_scope(stage: Stage, name: str, variables: dict[str, Any], scope: str) -> None:
    answer = await stage.graphql(FILES[name], variables, key=stage.keys.frontend)
    [error] = answer["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert scope in error["message"]
