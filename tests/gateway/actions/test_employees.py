"""employees: who works in a department, by one call, whether a guide or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.resolvers import ids
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import Served, without

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOOL = "enterprise_chat"
EMPLOYEES = (Path(__file__).parents[3] / "examples" / "customers" / "employees.graphql").read_text("utf-8")
ENDPOINT = "GET /cgi-bin/user/list"


async def asked(served: Served, caller: str = "hq", **given: Any) -> dict[str, Any]:
    """The whole answer, of the first store's department unless another is given."""
    return await served.client(caller).ask(EMPLOYEES, **{"department": served.world.stores[0].department} | given)


async def test_the_people_of_a_department(served: Served) -> None:
    store = served.world.stores[0]
    await asked(served)
    with served.counted() as count:
        found = (await asked(served, first=100))["data"]["employees"]["nodes"]
    there = {each.userid for each in served.world.guides if each.store == store.code and each.left_at is None}
    assert {each["userid"] for each in found} == there
    assert {each["guideId"] for each in found} == {ids.encode("gd", each, served.world.corp.corpid) for each in there}
    assert {each["guide"]["id"] for each in found} == {each["guideId"] for each in found}
    assert {tuple(part["number"] for part in each["departments"]) for each in found} == {(store.department,)}
    assert count.calls == {TOOL: 1}
    page = (await asked(served, first=1))["data"]["employees"]
    rest = (await asked(served, first=100, after=page["pageInfo"]["endCursor"]))["data"]["employees"]
    assert [*page["nodes"], *rest["nodes"]] == found


async def test_a_page_costs_the_same_whatever_its_size(served: Served) -> None:
    await asked(served)
    costs = []
    for first in (1, 2, 100):
        with served.counted() as count:
            await asked(served, first=first)
        costs.append((count.statements, count.calls))
    assert costs == [costs[0]] * 3


async def test_no_such_department_is_null(served: Served) -> None:
    assert await asked(served, department=99_999) == {"data": {"employees": None}}


@pytest.mark.parametrize("caller", ["guide", "frontend", "partner"])
async def test_only_headquarters_sees_employees(served: Served, caller: str) -> None:
    answer = await asked(served, caller)
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]


async def test_a_platform_that_is_down_or_absent_costs_the_field_alone(open_served: OpenServed) -> None:
    served = await open_served()
    served.sandbox.kit.faults.add(TOOL, "status", endpoint=ENDPOINT, value=503)
    down = await asked(served)
    served.sandbox.kit.faults.clear()
    absent = await asked(await open_served(without(TOOL)))
    for answer, code in ((down, "UNAVAILABLE"), (absent, "TOOL_NOT_CONFIGURED")):
        assert answer["data"] == {"employees": None}
        assert [each["extensions"]["code"] for each in answer["errors"]] == [code]
