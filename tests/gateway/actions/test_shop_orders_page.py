"""The documents of docs/shop-orders.md, played against the emulated platforms; who may, and what it costs."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select

from gateway.database.clock import BUSINESS_ZONE
from gateway.database.tables.facts import fact
from gateway.database.tables.members import identity
from gateway.database.tables.projections import purchase
from gateway.demo.stage import Stage, staged
from gateway.resolvers import ids
from tests.adapters.mini_program_store import scenes
from tests.conftest import EVENING
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import Served, login, without
from tests.gateway.test_buying_page import COAT, PRICE, Phone
from tests.gateway.test_trade_page import TOOL, Desk

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/shop-orders.md").read_text("utf-8")
FILES = {path.stem: path.read_text("utf-8") for path in (ROOT / "examples/shop-orders").glob("*.graphql")}
pytestmark = pytest.mark.asyncio(loop_scope="module")
WRITE = "orders:write"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    async with staged(now=EVENING, folder=tmp_path_factory.mktemp("orders")) as stage:
        yield Desk(stage, Phone(stage, await login(stage, stage.sandbox.world.cast["protagonist"])))


async def ask(desk: Desk, name: str, **variables: Any) -> Any:
    """A document's only field, for headquarters."""
    answer = await desk.stage.graphql(FILES[name], variables, key=desk.stage.keys.hq)
    assert "errors" not in answer, answer["errors"]
    return next(iter(answer["data"].values()))


async def codes(desk: Desk, name: str, **variables: Any) -> list[str]:
    """Of the errors."""
    answer = await desk.stage.graphql(FILES[name], variables, key=desk.stage.keys.hq)
    return [each["extensions"]["code"] for each in answer["errors"]]


def shop(stage: Stage) -> str:
    """The appid of the brand's 微信小店."""
    found: str = stage.sandbox.describe()["platforms"][TOOL]["accounts"]["store"]["appid"]
    return found


async def test_the_page_shows_every_document() -> None:
    for text in FILES.values():
        assert f"```graphql\n{text}```" in PAGE


async def test_orders_are_found_at_their_platform(desk: Desk) -> None:
    number = await desk.sold()
    await ask(desk, "note", note={"order": desk.ref(number), "text": "送贺卡", "idempotencyKey": "note-000040"})
    page = await ask(desk, "search", filter={"merchantNotes": "贺卡", "state": "AWAITING_SHIPMENT"})
    [found] = page["nodes"]
    assert (found["platformId"], found["order"]["id"], page["pageInfo"]["hasNextPage"]) == (
        number, desk.ref(number), False,
    )  # fmt: skip
    person = desk.stage.sandbox.world.people[desk.stage.sandbox.world.cast["protagonist"]]
    seen = [
        each["platformId"] for each in (await ask(desk, "search", filter={"phoneTail": person.phone[-4:]}))["nodes"]
    ]
    assert number in seen
    for wrong in ({"phoneTail": "12"}, {"title": "x" * 61}):
        assert await codes(desk, "search", filter=wrong) == ["BAD_USER_INPUT"]


async def test_a_search_by_a_person_is_recorded_without_the_value(desk: Desk) -> None:
    await ask(desk, "search", filter={"receiverName": "林晓雯"})
    facts = await desk.stage.gateway.services.database.fetch(_searched())
    assert facts[-1].reason == "name"
    assert "林晓雯" not in str(facts[-1].payload)


def _searched() -> Any:
    return select(fact).where(fact.c.kind == "personal_data.searched").order_by(fact.c.id)


async def test_pages_go_on_where_they_ended(desk: Desk) -> None:
    for _ in range(3):
        await desk.sold()
    wanted = {"state": "AWAITING_SHIPMENT", "sku": COAT}
    whole = [each["platformId"] for each in (await ask(desk, "search", filter=wanted))["nodes"]]
    seen: list[str] = []
    after = None
    while len(seen) < len(whole):
        page = await ask(desk, "search", filter=wanted, first=2, after=after)
        seen += [each["platformId"] for each in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert seen == whole
    assert await codes(desk, "search", filter={"state": "SHIPPED"}, after=after) == ["CURSOR_INVALID"]


async def test_a_buyers_wish_is_seen_and_answered(desk: Desk) -> None:
    number = await scenes.asked_address(desk.stage.sandbox)
    await desk.stage.quiet()
    order = desk.ref(number)
    [found] = (await ask(desk, "search", filter={"addressChangeWaits": True}))["nodes"]
    assert found["platformId"] == number
    assert (await ask(desk, "order", order=order))["addressChangeWaits"] is True
    given = {"order": order, "accept": True, "idempotencyKey": "answer-000042"}
    done = await ask(desk, "address-answer", answer=given)
    assert (done["order"]["id"], done["transaction"]["state"]) == (order, "COMPLETED")
    assert (await ask(desk, "order", order=order))["addressChangeWaits"] is False


async def test_an_order_goes_elsewhere_and_no_log_says_where(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    order = desk.ref(await desk.sold())
    given = {
        "order": order, "name": "陈一诺", "phone": "13800000007", "province": "上海市", "city": "上海市",
        "county": "徐汇区", "detail": "安福路 322-B80417 号", "idempotencyKey": "address-000042",
    }  # fmt: skip
    for _ in range(2):
        done = await ask(desk, "address", address=given)
        assert (done["order"]["id"], done["transaction"]["state"]) == (order, "COMPLETED")
    assert (await ask(desk, "address", address=given | {"order": "x"}))["code"] == "ID_INVALID"
    for text in ("陈一诺", "13800000007", "安福路", "322-B80417"):
        assert all(text not in each.getMessage() for each in caplog.records if not each.name.startswith("sandbox"))


async def test_a_remark_and_a_parcel_more(desk: Desk) -> None:
    number = await scenes.shipped(desk.stage.sandbox)
    await desk.stage.quiet()
    order = desk.ref(number)
    noted = await ask(desk, "note", note={"order": order, "text": "送贺卡", "idempotencyKey": "note-000042"})
    assert noted["order"] == {"id": order}
    parcel = {"carrier": "YTO", "tracking": "YT0000000009", "items": [{"sku": COAT, "quantity": 1}]}
    given = {"order": order, "reason": "漏发配件", "parcels": [parcel], "idempotencyKey": "parcel-000042"}
    sent = await ask(desk, "parcel", sent=given)
    assert sent["order"] == {"id": order, "state": "SHIPPED"}
    seen = await ask(desk, "order", order=order)
    assert seen["merchantNotes"] == "送贺卡"
    assert "YT0000000009" in seen["trackingNumbers"]


async def test_a_relay_number_is_counted_and_logged_nowhere(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    order = desk.ref(await desk.sold())
    first, second = [await ask(desk, "relay-number", order=order) for _ in range(2)]
    assert (first["taken"], second["taken"]) == (1, 2)
    assert first["expiresAt"]
    assert all(first["number"] not in each.getMessage() for each in caplog.records)


async def test_an_order_that_is_no_shops_or_nobodys(desk: Desk) -> None:
    own = await desk.bought("press-0031")
    unknown = desk.ref("1")
    for name in ("order", "relay-number"):
        assert await codes(desk, name, order=own) == ["BAD_USER_INPUT"]
        assert await ask(desk, name, order=unknown) is None
    given = {"order": own, "accept": True, "idempotencyKey": "answer-000044"}
    assert (await ask(desk, "address-answer", answer=given))["code"] == "ORDER_NOT_OF_A_SHOP"


async def test_carriers_of_a_shop_and_of_a_mini_program(desk: Desk) -> None:
    app = desk.stage.sandbox.world.mini_programs[0].appid
    for account in (None, shop(desk.stage), app):
        found = {each["code"]: each["name"] for each in await ask(desk, "carriers", account=account)}
        assert found["SF"]
    assert await codes(desk, "carriers", account="wx0000000000000000") == ["TOOL_NOT_CONFIGURED"]


async def test_payments_that_wait_to_be_shipped(desk: Desk) -> None:
    order = await desk.bought("press-0041")
    # The platform hears of a payment when it is asked about it.
    await desk.ask("ship", shipment={"order": order, "idempotencyKey": "ready-000041"})
    page = await ask(desk, "paid", state="SHIPPED")
    [found] = [each for each in page["nodes"] if each["order"] == {"id": order}]
    assert (found["state"], found["complete"], found["uploads"], found["inComplaint"]) == ("SHIPPED", True, 1, False)
    assert (found["paid"], found["parcels"][0]["tracking"]) == ({"amount": PRICE}, "")
    assert found["paidAt"]
    day = EVENING.astimezone(BUSINESS_ZONE).date()
    span = {"from": day.isoformat(), "until": (day + timedelta(days=2)).isoformat()}
    assert found["number"] in {each["number"] for each in (await ask(desk, "paid", **span))["nodes"]}
    for wrong in ({"from": span["from"]}, span | {"until": "2027-12-01"}, {"account": shop(desk.stage)}):
        assert await codes(desk, "paid", **wrong) == ["BAD_USER_INPUT"]
    assert await codes(desk, "paid", state="OTHER") == ["INVALID"]
    given = {"order": order, "receivedAt": EVENING.isoformat(), "idempotencyKey": "arrived-000042"}
    reminded = await ask(desk, "remind", arrived=given)
    assert (reminded["order"], reminded["transaction"]["state"]) == ({"id": order}, "COMPLETED")
    again = await ask(desk, "remind", arrived=given | {"order": "x"})
    assert again["code"] == "ID_INVALID"


async def test_how_a_mini_program_stands(desk: Desk) -> None:
    app = desk.stage.sandbox.world.mini_programs[0].appid
    assert await ask(desk, "standing") == {"account": app, "managed": True, "confirmed": True}
    page = {"page": "pages/order/detail", "idempotencyKey": "page-000042"}
    done = await ask(desk, "shipping-page", page=page)
    assert (done["account"], done["transaction"]["state"]) == (app, "COMPLETED")
    assert await codes(desk, "standing", account=shop(desk.stage)) == ["BAD_USER_INPUT"]


async def test_under_atomic_a_remark_is_put_back(desk: Desk) -> None:
    order = desk.ref(await desk.sold())
    await ask(desk, "note", note={"order": order, "text": "before", "idempotencyKey": "note-000050"})
    document = """mutation ($order: ID!) @atomic(key: "atomic-note-1") {
      noted: orderNoteSet(input: {order: $order, text: "after"}) { ... on Problem { code } }
      lost: stockAdjust(input: {sku: "SL-DOWN-1M", delta: -10000, reason: "lost"}) { ... on Problem { code } }
    }"""
    answer = await desk.stage.graphql(document, {"order": order}, key=desk.stage.keys.hq)
    assert answer["data"] == {"noted": {"code": "TRANSACTION_ROLLED_BACK"}, "lost": {"code": "TRANSACTION_ROLLED_BACK"}}
    assert (await ask(desk, "order", order=order))["merchantNotes"] == "before"


#: Every document of the page, and what it takes to be a request at all.
GIVEN: dict[str, dict[str, Any]] = {
    "address": {"address": {"order": "x", "name": "x", "phone": "x", "province": "x", "city": "x", "detail": "x"}},
    "address-answer": {"answer": {"order": "x", "accept": True}},
    "carriers": {},
    "destination": {"order": "x"},
    "note": {"note": {"order": "x", "text": "x"}},
    "order": {"order": "x"},
    "paid": {},
    "parcel": {"sent": {"order": "x", "parcels": [], "reason": "x"}},
    "relay-number": {"order": "x"},
    "remind": {"arrived": {"order": "x", "receivedAt": EVENING.isoformat()}},
    "search": {},
    "shipping-page": {"page": {"page": "x"}},
    "standing": {},
}


@pytest.mark.parametrize("name", sorted(FILES))
async def test_a_shopper_has_no_such_scope(desk: Desk, name: str) -> None:
    given = dict(GIVEN[name])
    if name in {"destination", "order", "relay-number"}:
        given = {"order": desk.ref("1")}
    answer = await desk.stage.graphql(FILES[name], given, key=desk.stage.keys.frontend, session=desk.phone.session)
    [error] = answer["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert WRITE in error["message"]


@pytest.mark.asyncio(loop_scope="session")
async def test_where_an_order_goes_is_shown_by_scope_and_recorded(served: Served) -> None:
    order = served.world.store_orders[-1]
    ref = ids.encode("or", f"STORE:{served.world.wechat_store.appid}:{order.order_id}")
    await served.client().data(FILES["order"], order=ref)
    with served.counted() as count:
        found = (await served.client().data(FILES["destination"], order=ref))["shopOrder"]["address"]
    person = served.world.people[order.receiver or order.person]
    assert (found["name"], found["phone"], count.calls) == (person.name, person.phone, {TOOL: 2})
    database = served.gateway.services.database
    [told] = [each for each in await database.fetch(_searched()) if each.reason == "address"]
    row = await database.one(
        select(identity.c.member)
        .join(purchase, purchase.c.identity == identity.c.id)
        .where(purchase.c.native_id == order.order_id)
    )
    assert row is not None
    assert told.member == row.member
    assert person.phone not in str(told.payload)


@pytest.mark.asyncio(loop_scope="session")
async def test_who_handles_orders_does_not_see_where_they_go(served: Served) -> None:
    """Without pii:read the order is told, and its address is not asked for."""
    ref = ids.encode("or", f"STORE:{served.world.wechat_store.appid}:{served.world.store_orders[-1].order_id}")
    await served.client().data(FILES["order"], order=ref)
    with served.counted() as count:
        answer = await served.client("masked").ask(FILES["destination"], order=ref)
    [error] = answer["errors"]
    assert (answer["data"], error["extensions"]["code"]) == ({"shopOrder": {"address": None}}, "FORBIDDEN")
    assert count.calls == {TOOL: 1}


@pytest.mark.asyncio(loop_scope="session")
async def test_a_search_costs_as_much_for_one_as_for_fifty(served: Served) -> None:
    await served.client().data(FILES["search"], first=1)
    costs = []
    for first in (1, 10, 50):
        with served.counted() as count:
            await served.client().data(FILES["search"], first=first)
        costs.append((count.calls, count.statements))
    assert costs == [({TOOL: 1}, costs[0][1])] * 3


@pytest.mark.asyncio(loop_scope="session")
async def test_an_absent_tool_is_said(open_served: OpenServed) -> None:
    served = await open_served(without(TOOL))
    for name in ("search", "carriers", "paid", "standing"):
        [error] = (await served.client().ask(FILES[name]))["errors"]
        assert error["extensions"]["code"] == "TOOL_NOT_CONFIGURED"
