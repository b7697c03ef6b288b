"""departments and Guide.departments: who is where in the corp, from the projection."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.enterprise_chat import Department
from gateway.events.projections import enterprise_chat
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import Served

pytestmark = pytest.mark.asyncio(loop_scope="session")

DOCUMENT = (Path(__file__).parents[2] / "examples" / "customers" / "departments.graphql").read_text("utf-8")
GUIDES = "query ($n: Int) { guides(first: $n) { nodes { departments { name parent { name } } } } }"


async def test_every_store_is_a_department_with_its_guides(served: Served) -> None:
    world, client = served.world, served.client()

    answer = await client.data(DOCUMENT)

    corpid = world.corp.corpid
    top = {"number": 1, "name": world.brand}
    stores = sorted((each.department, each.name) for each in world.stores)
    assert answer["departments"]["nodes"] == [
        {**top, "parent": None, "account": corpid},
        *({"number": number, "name": name, "parent": top, "account": corpid} for number, name in stores),
    ]
    found = {each["name"]: each["departments"] for each in answer["guides"]["nodes"]}
    home = next(each for each in world.stores if "安福路" in each.name)
    assert found["陈雨桐"] == [{"number": home.department, "name": home.name}]


async def test_a_page_of_guides_costs_the_same_whatever_its_size(served: Served) -> None:
    costs = []
    for number in (1, 5, 10):
        with served.counted() as count:
            found = (await served.client().data(GUIDES, n=number))["guides"]["nodes"]
        assert len(found) == number
        costs.append((count.statements, count.calls))
    assert costs == [costs[0]] * 3
    assert costs[0][1] == {}


async def test_a_department_that_is_not_listed_is_gone(open_served: OpenServed) -> None:
    served = await open_served()
    projector = served.gateway.services.projector.asking()
    await enterprise_chat.departments(projector, served.world.corp.corpid, [Department(1, "屿见", None)])
    answer = await served.client().data(DOCUMENT)
    assert [each["number"] for each in answer["departments"]["nodes"]] == [1]
    assert {len(each["departments"]) for each in answer["guides"]["nodes"]} == {0}


@pytest.mark.parametrize("caller", ["frontend", "partner"])
async def test_only_staff_sees_them(served: Served, caller: str) -> None:
    answer = await served.client(caller).ask("{ departments { nodes { name } } }")
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]
    answer = await served.client(caller).ask("{ stores(first: 8) { nodes { guides { departments { name } } } } }")
    assert {each["extensions"]["code"] for each in answer["errors"]} == {"FORBIDDEN"}
