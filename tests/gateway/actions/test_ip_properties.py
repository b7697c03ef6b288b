"""ipProperties: the works, page by page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.gateway.conftest import OpenServed
from tests.gateway.evening import Client, Served, without

pytestmark = pytest.mark.asyncio(loop_scope="session")

DOCUMENT = (Path(__file__).parents[3] / "examples" / "ip" / "properties.graphql").read_text("utf-8")


async def page(client: Client, **given: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await client.data(DOCUMENT, **given))["ipProperties"]
    return found


@pytest.mark.parametrize("caller", ["hq", "guide", "frontend", "partner"])
async def test_everybody_sees_the_works_page_by_page(served: Served, caller: str) -> None:
    client = served.client(caller)
    whole = (await page(client))["nodes"]
    slugs = [each["slug"] for each in whole]
    assert slugs == sorted(slugs)
    assert len(slugs) >= 2
    assert all(each["title"] and each["kind"] and each["rightsHolder"] for each in whole)
    found: list[dict[str, Any]] = []
    after = None
    while True:
        part = await page(client, first=1, after=after)
        found += part["nodes"]
        after = part["pageInfo"]["endCursor"]
        if not part["pageInfo"]["hasNextPage"]:
            break
    assert found == whole
    node = await client.data("query ($id: ID!) { node(id: $id) { ... on IpProperty { slug } } }", id=whole[0]["id"])
    assert node["node"] == {"slug": slugs[0]}


async def test_of_one_kind_and_for_any_number_the_same_cost(served: Served) -> None:
    client = served.client()
    whole = (await page(client))["nodes"]
    kind = whole[0]["kind"]
    assert (await page(client, kind=kind))["nodes"] == [each for each in whole if each["kind"] == kind]
    assert (await page(client, kind="opera"))["nodes"] == []
    costs = []
    for first in (1, 10, 50):
        with served.counted() as count:
            await page(client, first=first)
        costs.append((count.calls, count.statements))
    assert costs == [({"ip_content": 1}, 1)] * 3


async def test_an_absent_tool_is_said(open_served: OpenServed) -> None:
    served = await open_served(without("ip_content"))
    answer = await served.client().ask(DOCUMENT)
    assert (answer["data"], [each["extensions"]["code"] for each in answer["errors"]]) == (
        {"ipProperties": None}, ["TOOL_NOT_CONFIGURED"],
    )  # fmt: skip
