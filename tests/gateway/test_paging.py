"""Connections: both directions, cursors that are bound and signed, limits, and a list that grows meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from gateway.database.tables.projections import purchase
from tests.gateway.conftest import Evening, OpenServed
from tests.gateway.evening import Client, Served

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: Root lists, and what tells two of their items apart.
ROOTS = {
    "members": "id",
    "orders": "id",
    "products": "id",
    "stores": "id",
    "guides": "id",
    "campaigns": "id",
    "ads": "id",
}
#: Lists of one member: read from SQL, or live and cut in memory.
OWNED = {
    "payments": "id",
    "coupons": "code",
    "orders": "id",
    "adTouchpoints": "clickedAt",
    "files": "key",
    "ipParticipations": "collected",
    "timeline": "at kind",
}
PAGE = "edges { node { %s } cursor } nodes { %s } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
START = "This cursor was not made for this list with these arguments; start again without it."


def root(name: str) -> str:
    page = PAGE.replace("%s", ROOTS[name])
    arguments = "first: $first, after: $after, last: $last, before: $before"
    return f"query ($first: Int, $after: String, $last: Int, $before: String) {{ {name}({arguments}) {{ {page} }} }}"


def owned(name: str) -> str:
    page = PAGE.replace("%s", OWNED[name])
    arguments = "first: $first, after: $after, last: $last, before: $before"
    head = "query ($u: String!, $first: Int, $after: String, $last: Int, $before: String)"
    return f"{head} {{ member(by: {{unionid: $u}}) {{ {name}({arguments}) {{ {page} }} }} }}"


async def forward(client: Client, document: str, name: str, size: int, **more: Any) -> AsyncIterator[dict[str, Any]]:
    """Every page from the start on."""
    after = None
    while True:
        data = await client.data(document, first=size, after=after, **more)
        page: dict[str, Any] = (data.get("member") or data)[name]
        yield page
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]


async def backward(client: Client, document: str, name: str, size: int, **more: Any) -> AsyncIterator[dict[str, Any]]:
    """Every page from the end on."""
    before = None
    while True:
        data = await client.data(document, last=size, before=before, **more)
        page: dict[str, Any] = (data.get("member") or data)[name]
        yield page
        if not page["pageInfo"]["hasPreviousPage"]:
            return
        before = page["pageInfo"]["startCursor"]


def check(page: dict[str, Any]) -> None:
    """nodes, edges and pageInfo tell the same."""
    assert [edge["node"] for edge in page["edges"]] == page["nodes"]
    cursors = [edge["cursor"] for edge in page["edges"]]
    assert len(set(cursors)) == len(cursors)
    info = page["pageInfo"]
    assert (info["startCursor"], info["endCursor"]) == ((cursors[0], cursors[-1]) if cursors else (None, None))


@pytest.mark.parametrize("size", [1, 7])
@pytest.mark.parametrize("name", ROOTS)
async def test_a_root_list_is_the_same_in_both_directions(served: Served, name: str, size: int) -> None:
    client, document = served.client(), root(name)
    wide = [node for page in [p async for p in forward(client, document, name, 100)] for node in page["nodes"]]
    size = max(size, len(wide) // 12)
    there = [page async for page in forward(client, document, name, size)]
    back = [page async for page in backward(client, document, name, size)]
    for page in (*there, *back):
        check(page)
    assert [node for page in there for node in page["nodes"]] == wide
    assert [node for page in reversed(back) for node in page["nodes"]] == wide
    assert len({str(node) for node in wide}) == len(wide) > 0
    assert [page["pageInfo"]["hasPreviousPage"] for page in there] == [False] + [True] * (len(there) - 1)
    assert [page["pageInfo"]["hasNextPage"] for page in back] == [False] + [True] * (len(back) - 1)
    assert [len(page["nodes"]) for page in there[:-1]] == [size] * (len(there) - 1)


async def test_the_root_lists_are_as_long_as_the_world(evening: Evening, served: Served) -> None:
    world, client = served.world, served.client()
    lengths = {}
    for name in ("orders", "products", "stores", "guides", "campaigns", "ads"):
        pages = [page async for page in forward(client, root(name), name, 100)]
        lengths[name] = sum(len(page["nodes"]) for page in pages)
    assert lengths == {
        "orders": evening.store_orders,
        "products": len(world.products),
        "stores": len(world.stores),
        "guides": len([guide for guide in world.guides if guide.left_at is None]),
        "campaigns": 2,
        "ads": len(world.ad_groups),
    }


async def test_orders_are_newest_first(served: Served) -> None:
    data = await served.client().data("{ orders(first: 100) { nodes { createdAt } } }")
    created = [node["createdAt"] for node in data["orders"]["nodes"]]
    assert created == sorted(created, reverse=True)


@pytest.mark.parametrize("name", OWNED)
async def test_a_members_list_is_the_same_in_both_directions(served: Served, name: str) -> None:
    client, document, unionid = served.client(), owned(name), served.person("protagonist").unionid
    [wide] = [page["nodes"] async for page in forward(client, document, name, 100, u=unionid)]
    there = [page async for page in forward(client, document, name, 1, u=unionid)]
    back = [page async for page in backward(client, document, name, 1, u=unionid)]
    for page in (*there, *back):
        check(page)
    assert [node for page in there for node in page["nodes"]] == wide
    assert [node for page in reversed(back) for node in page["nodes"]] == wide
    assert len(there) == len(back) == len(wide) > 0


async def test_projected_files_page_by_a_sealed_key(served: Served) -> None:
    """Under a page of members files come from SQL, and their cursor holds the hash of a name."""
    who = served.person("protagonist")
    [member] = [
        (await served.client().data("query ($u: String!) { member(by: {unionid: $u}) { id } }", u=who.unionid))[
            "member"
        ]
    ]
    document = (
        "query ($id: ID!, $after: String) { node(id: $id) { ... on Member {"
        " files(first: 1, after: $after) { nodes { key } pageInfo { hasNextPage endCursor } } } } }"
    )
    seen, after = [], None
    for _ in range(2):
        files = (await served.client().data(document, id=member["id"], after=after))["node"]["files"]
        seen += [node["key"] for node in files["nodes"]]
        after = files["pageInfo"]["endCursor"]
    assert seen == ["outfits/autumn.jpg", "invoices/2026-09.pdf"]
    assert files["pageInfo"]["hasNextPage"] is False


async def test_the_page_after_the_last_is_empty(served: Served) -> None:
    client = served.client()
    last = (await client.data(root("orders"), last=1))["orders"]
    page = (await client.data(root("orders"), first=5, after=last["pageInfo"]["endCursor"]))["orders"]
    assert page == {
        "edges": [],
        "nodes": [],
        "pageInfo": {"hasNextPage": False, "hasPreviousPage": True, "startCursor": None, "endCursor": None},
    }


async def test_a_page_of_none_and_of_a_hundred(served: Served) -> None:
    client = served.client()
    none = (await client.data(root("members"), first=0))["members"]
    assert (none["nodes"], none["edges"]) == ([], [])
    assert none["pageInfo"] == {"hasNextPage": True, "hasPreviousPage": False, "startCursor": None, "endCursor": None}
    assert len((await client.data(root("members"), first=100))["members"]["nodes"]) == 100
    assert len((await client.data(root("members")))["members"]["nodes"]) == 20
    assert len((await client.data(root("members"), last=100))["members"]["nodes"]) == 100


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ({"first": 101}, "PAGE_TOO_LARGE", "first is 101: it must be between 0 and 100; page with after or before."),
        ({"last": 101}, "PAGE_TOO_LARGE", "last is 101: it must be between 0 and 100; page with after or before."),
        ({"first": -1}, "PAGE_TOO_LARGE", "first is -1: it must be between 0 and 100; page with after or before."),
        ({"first": 1, "last": 1}, "BAD_USER_INPUT", "Pass first or last, not both."),
        (
            {"after": "x", "before": "x"},
            "BAD_USER_INPUT",
            "Pass after (with first) or before (with last), not both.",
        ),
        ({"after": "x"}, "CURSOR_INVALID", START),
        ({"before": ""}, "CURSOR_INVALID", START),
        ({"after": "雾灰"}, "CURSOR_INVALID", START),
        ({"after": "A" * 10_000}, "CURSOR_INVALID", START),
    ],
)
@pytest.mark.parametrize("name", ["members", "orders"])
async def test_bad_arguments_cost_their_field_only(
    served: Served, name: str, arguments: dict[str, Any], code: str, message: str
) -> None:
    document = root(name).removesuffix("}") + " stores(first: 1) { nodes { outId } } }"
    with served.counted() as count:
        answer = await served.client().ask(document, **arguments)
    assert answer["data"] == {name: None, "stores": {"nodes": [{"outId": "BJ-SLT"}]}}
    [error] = answer["errors"]
    assert (error["path"], error["message"], error["extensions"]) == ([name], message, {"code": code})
    assert (count.calls, count.statements) == ({}, 1)


@pytest.mark.parametrize("name", OWNED)
async def test_bad_arguments_of_a_members_list(served: Served, name: str) -> None:
    unionid = served.person("protagonist").unionid
    for arguments, code in (({"first": 101}, "PAGE_TOO_LARGE"), ({"after": "x"}, "CURSOR_INVALID")):
        answer = await served.client().ask(owned(name), u=unionid, **arguments)
        assert answer["data"] == {"member": {name: None}}
        [error] = answer["errors"]
        assert (error["path"], error["extensions"]) == (["member", name], {"code": code})


async def cursor(client: Client, document: str, name: str, **more: Any) -> str:
    """The first cursor of a list."""
    data = await client.data(document, first=1, **more)
    return str((data.get("member") or data)[name]["pageInfo"]["endCursor"])


async def test_a_tampered_cursor_is_refused(served: Served) -> None:
    client = served.client()
    good = await cursor(client, root("orders"), "orders")
    for place in range(0, len(good) - 1, 5):
        bad = good[:place] + ("A" if good[place] != "A" else "B") + good[place + 1 :]
        answer = await client.ask(root("orders"), after=bad)
        assert [error["extensions"] for error in answer["errors"]] == [{"code": "CURSOR_INVALID"}]
    assert "errors" not in await client.ask(root("orders"), after=good)


async def test_a_cursor_belongs_to_its_list(served: Served) -> None:
    client = served.client()
    foreign = await cursor(client, root("members"), "members")
    for name in ("orders", "products", "stores", "guides"):
        answer = await client.ask(root(name), after=foreign)
        assert [error["message"] for error in answer["errors"]] == [START]


@pytest.mark.parametrize("name", ["orders", "timeline", "files", "coupons"])
async def test_a_cursor_belongs_to_its_member(served: Served, name: str) -> None:
    client = served.client()
    one, two = served.person("protagonist").unionid, served.person("gift_receiver").unionid
    mine = await cursor(client, owned(name), name, u=one)
    assert "errors" not in await client.ask(owned(name), u=one, after=mine)
    answer = await client.ask(owned(name), u=two, after=mine)
    assert [error["extensions"] for error in answer["errors"]] == [{"code": "CURSOR_INVALID"}]


async def test_a_cursor_belongs_to_its_arguments(served: Served) -> None:
    client = served.client()
    document = (
        "query ($at: DateTime!, $after: String) { members(first: 1, updatedAfter: $at, after: $after)"
        " { pageInfo { endCursor } } }"
    )
    early, late = "2026-01-01T00:00:00+08:00", "2026-01-02T00:00:00+08:00"
    good = (await client.data(document, at=early))["members"]["pageInfo"]["endCursor"]
    assert "errors" not in await client.ask(document, at=early, after=good)
    answer = await client.ask(document, at=late, after=good)
    assert [error["extensions"] for error in answer["errors"]] == [{"code": "CURSOR_INVALID"}]
    states = (
        "query ($u: String!, $after: String) { member(by: {unionid: $u}) {"
        " coupons(state: %s, after: $after) { pageInfo { endCursor } } } }"
    )
    unionid = served.person("protagonist").unionid
    usable = (await client.data(states.replace("%s", "USABLE"), u=unionid))["member"]["coupons"]["pageInfo"][
        "endCursor"
    ]
    answer = await client.ask(states.replace("%s", "EXPIRED"), u=unionid, after=usable)
    assert [error["extensions"] for error in answer["errors"]] == [{"code": "CURSOR_INVALID"}]


async def test_another_gateway_of_the_same_data_takes_the_cursor(served: Served, open_served: OpenServed) -> None:
    """Cursors are signed with the database's own key: no process holds what another needs."""
    good = await cursor(served.client(), root("orders"), "orders")
    other = await open_served()
    page = (await other.client().data(root("orders"), first=3, after=good))["orders"]
    assert page == (await served.client().data(root("orders"), first=3, after=good))["orders"]


async def test_an_instant_without_offset_is_refused(served: Served) -> None:
    for name in ("members", "orders"):
        document = f'{{ {name}(updatedAfter: "2026-11-11T20:00:00") {{ nodes {{ id }} }} }}'
        answer = await served.client().ask(document)
        assert answer["data"] == {name: None}
        [error] = answer["errors"]
        assert error["extensions"] == {"code": "BAD_USER_INPUT"}
        assert error["message"] == (
            "updatedAfter has no offset: write it as 2026-11-11T20:00:00+08:00, or with Z for UTC."
        )


async def test_orders_that_changed_since_come_in_the_order_of_change(served: Served) -> None:
    document = "query ($at: DateTime!) { orders(first: 100, updatedAfter: $at) { nodes { id changedAt } } }"
    data = await served.client().data(document, at="2000-01-01T00:00:00Z")
    nodes = data["orders"]["nodes"]
    assert len(nodes) == 100
    assert nodes == sorted(nodes, key=lambda node: node["changedAt"])
    half = nodes[len(nodes) // 2]["changedAt"]
    later = (await served.client().data(document, at=half))["orders"]["nodes"]
    expected = [node for node in nodes if node["changedAt"] > half]
    assert later[: len(expected)] == expected
    assert 0 < len(later) < 100


async def test_items_inserted_while_paging_shift_nothing(open_served: OpenServed) -> None:
    """A newer order appears before the first page; no page repeats or misses an older one."""
    served = await open_served()
    client, document = served.client(), root("orders")
    before = [page async for page in forward(client, document, "orders", 100)]
    ids = [node["id"] for page in before for node in page["nodes"]]
    seen: list[str] = []
    number = 0
    async for page in forward(client, document, "orders", 20):
        seen += [node["id"] for node in page["nodes"]]
        number += 1
        await _insert_order(served, number)
    assert seen == ids
    assert number == 6
    again = (await client.data(document, first=number))["orders"]["nodes"]
    assert not {node["id"] for node in again} & set(ids)


async def test_items_inserted_ahead_are_met(open_served: OpenServed) -> None:
    """Going backward the new ones lie ahead, so they are met, each once."""
    served = await open_served()
    client, document = served.client(), root("orders")
    ids = [node["id"] for page in [p async for p in forward(client, document, "orders", 100)] for node in page["nodes"]]
    seen: list[str] = []
    number = 0
    async for page in backward(client, document, "orders", 20):
        seen = [node["id"] for node in page["nodes"]] + seen
        if number < 3:
            number += 1
            await _insert_order(served, number)
    assert seen[3:] == ids
    assert len(set(seen)) == len(ids) + 3


async def _insert_order(served: Served, number: int) -> None:
    """A copy of some order, placed just now."""
    database = served.gateway.services.database
    columns = [column for column in purchase.c if column.name not in {"pickup_code", "receiver"}]
    row = await database.one(select(*columns).limit(1))
    assert row is not None
    now = served.gateway.clock.now() + timedelta(seconds=number)
    values = {**row._mapping, "id": f"IMPORT:test:{number}", "native_id": str(number), "created_at": now}
    async with database.write() as connection:
        await connection.execute(insert(purchase).values(**values))
