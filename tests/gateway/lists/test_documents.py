"""The examples of docs/lists.md, the lookups by numbers, and a client that keeps a copy; over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from gateway.database.tables.projections import purchase
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import Client, Served

pytestmark = pytest.mark.asyncio(loop_scope="session")

EXAMPLES = Path(__file__).parents[3] / "examples"


def example(name: str) -> str:
    return (EXAMPLES / f"{name}.graphql").read_text("utf-8")


async def test_the_protagonists_typed_timeline(served: Served) -> None:
    who, world = served.person("protagonist"), served.world
    client = served.client()
    data = await client.data(example("timeline"), unionid=who.unionid, **{"from": "2020-01-01T00:00:00Z"})
    nodes = data["member"]["timeline"]["nodes"]
    by_type: dict[str, list[dict[str, Any]]] = {}
    for node in nodes:
        by_type.setdefault(node["__typename"], []).append(node)
    assert by_type.keys() == {
        "OrderTimelineEntry",
        "PaymentTimelineEntry",
        "CouponTimelineEntry",
        "ContactTimelineEntry",
        "AdTimelineEntry",
    }
    [clicked] = by_type["AdTimelineEntry"]
    assert (clicked["ad"]["name"], clicked["campaign"]["name"]) == (world.ad_groups[0].name, "双11")
    [added] = by_type["ContactTimelineEntry"]
    assert added["guide"] == {"name": "陈雨桐", "store": {"name": "上海安福路店"}}
    stocks = {each.stock_id: each.name for each in world.coupon_stocks}
    assert all(stocks[each["stock"]["stockId"]] == each["stock"]["name"] for each in by_type["CouponTimelineEntry"])
    assert all(each["order"] is not None for each in by_type["OrderTimelineEntry"])
    assert all(each["payment"]["state"] in {"SUCCESS", "REFUND"} for each in by_type["PaymentTimelineEntry"])
    later = nodes[0]["at"]
    data = await client.data(example("timeline"), unionid=who.unionid, **{"from": later})
    assert data["member"]["timeline"]["nodes"] == [node for node in nodes if node["at"] == later]


async def test_every_entry_has_its_familys_type_and_links_cost_the_same(served: Served) -> None:
    document = """query ($u: String!, $n: Int!) { member(by: {unionid: $u}) { timeline(first: $n) { nodes {
        __typename family
        ... on FollowTimelineEntry { appid scene }
        ... on GroupTimelineEntry { group { name } owner { name } }
        ... on FileTimelineEntry { file { key } size }
        ... on MemberTimelineEntry { store { name } guide { name } campaign { name } reason }
        ... on VisitTimelineEntry { appid scene store { name } campaign { name } } } } } }"""
    who = served.person("protagonist")
    data = await served.client().data(document, u=who.unionid, n=100)
    nodes = data["member"]["timeline"]["nodes"]
    assert all(node["__typename"] == f"{node['family'].capitalize()}TimelineEntry" for node in nodes)
    families = {node["family"]: node for node in nodes}
    assert {"FOLLOW", "GROUP", "FILE", "MEMBER", "VISIT", "ORDER"} <= families.keys()
    [group] = [each for each in served.world.groups if who.key in each.members]
    assert families["GROUP"]["group"] == {"name": group.name}
    assert families["FILE"]["file"] is not None
    counts = []
    for size in (50, 100):
        with served.counted() as count:
            await served.client().data(document, u=who.unionid, n=size)
        counts.append(count.statements)
    assert counts[0] == counts[1]


async def test_searches_of_the_evening(served: Served) -> None:
    who = served.person("protagonist")
    client, document = served.client(), example("search-members")

    async def found(**given: Any) -> list[str]:
        data = await client.data(document, filter=given)
        return [node["id"] for node in data["members"]["nodes"]]

    she = (await client.data("query ($u: String!) { member(by: {unionid: $u}) { id } }", u=who.unionid))["member"]["id"]
    guides = (await client.data("{ guides(first: 100) { nodes { id name store { id } } } }"))["guides"]["nodes"]
    chen = next(each for each in guides if each["name"] == "陈雨桐")
    assert she in await found(guide=chen["id"], store=chen["store"]["id"], level="金卡")
    assert await found(phone=who.phone, guide=chen["id"]) == [she]
    assert she in await found(phoneTail=who.phone[-4:])
    # Two shoppers opened the mini-program this evening, she first.
    assert (await found(lastActivity={}))[1] == she
    shown = await client.data(
        "query ($u: String!) { member(by: {unionid: $u}) { chat { contacts { nodes { tags { name } } } } } }",
        u=who.unionid,
    )
    tag = shown["member"]["chat"]["contacts"]["nodes"][0]["tags"][0]["name"]
    assert she in await found(tag={"name": tag}, guide=chen["id"])
    masked = (await served.client("masked").data(document, filter={"phone": who.phone}))["members"]["nodes"]
    assert [node["phone"] for node in masked] == [f"{who.phone[:3]}****{who.phone[-4:]}"] * len(masked)
    for given in ({"guide": chen["store"]["id"]}, {"level": "没有"}, {"phoneTail": "1"}):
        answer = await client.ask(document, filter=given)
        assert answer["errors"][0]["extensions"]["code"] in {"ID_FOREIGN", "BAD_USER_INPUT"}


@pytest.mark.parametrize(("caller", "allowed"), [("guide", True), ("partner", False), ("frontend", False)])
async def test_who_may_search_and_look_up(served: Served, caller: str, allowed: bool) -> None:
    for document in (
        '{ members(filter: {name: "林"}) { nodes { id } } }',
        '{ order(by: {number: "none"}) { id } }',
        '{ guide(by: {outId: "none"}) { id } }',
    ):
        answer = await served.client(caller).ask(document)
        codes = [error["extensions"]["code"] for error in answer.get("errors", ())]
        assert codes == ([] if allowed else ["FORBIDDEN"]), document


async def test_lookups_by_numbers(served: Served) -> None:
    client, world = served.client(), served.world
    order = world.store_orders[0]
    data = await client.data(
        """query ($number: String!, $store: String!, $corp: String!) {
        order(by: {number: $number}) { state changedAt } none: order(by: {outId: "none"}) { id }
        store(by: {outId: $store}) { outId name } nowhere: store(by: {outId: "none"}) { id }
        guide(by: {userid: {corp: $corp, value: "chenyutong"}}) { name outId }
        stores { nodes { outId } } products(first: 1) { nodes { offers { price { amount } } } } }""",
        number=order.order_id,
        store=world.stores[0].code,
        corp=world.corp.corpid,
    )
    assert data["order"]["state"]
    assert (data["none"], data["nowhere"]) == (None, None)
    assert data["store"]["outId"] == world.stores[0].code
    assert data["guide"] == {"name": "陈雨桐", "outId": None}


class Copy:
    """A system that keeps a copy of the orders, as docs/lists.md tells it to."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.since = datetime(2000, 1, 1, tzinfo=UTC)
        self.rows: dict[str, Any] = {}
        self.received = 0

    async def round(self, between: Any = None) -> None:
        after, latest = None, self.since
        while True:
            data = await self.client.data(example("sync-orders"), since=self.since.isoformat(), after=after)
            page = data["orders"]
            for node in page["nodes"]:
                self.rows[node["id"]] = node
                latest = max(latest, datetime.fromisoformat(node["changedAt"]))
            self.received += len(page["nodes"])
            if not page["pageInfo"]["hasNextPage"]:
                break
            after = page["pageInfo"]["endCursor"]
            if between is not None:
                await between()
                between = None
        self.since = latest - timedelta(minutes=2)


async def test_a_copy_misses_nothing(open_served: OpenServed) -> None:
    """Orders change while the copy pages, one of them among those it has; later one becomes visible that was
    written a minute before the newest: its transaction took longer."""
    served = await open_served()
    database = served.gateway.services.database
    rows = await database.fetch(select(purchase.c.id, purchase.c.changed_at).order_by(purchase.c.changed_at))
    newest = rows[-1].changed_at
    copy = Copy(served.client())

    async def change(order: str, at: datetime, state: str) -> None:
        async with database.write() as connection:
            await connection.execute(update(purchase).where(purchase.c.id == order).values(state=state, changed_at=at))

    async def meanwhile() -> None:
        await change(rows[0].id, newest + timedelta(minutes=10), "CHANGED")
        await change(rows[-1].id, newest + timedelta(minutes=11), "CHANGED")

    await copy.round(meanwhile)
    assert len(copy.rows) == len(rows)
    assert sum(row["state"] == "CHANGED" for row in copy.rows.values()) == 2
    await change(rows[1].id, newest + timedelta(minutes=10, seconds=30), "LATE")
    before = copy.received
    await copy.round()
    assert sum(row["state"] == "LATE" for row in copy.rows.values()) == 1
    assert 1 <= copy.received - before <= 3
    members = (await served.client().data(example("sync-members"), since="2000-01-01T00:00:00Z"))["members"]["nodes"]
    assert members
    assert [node["updatedAt"] for node in members] == sorted(node["updatedAt"] for node in members)
