"""A tool that is dead, slow or absent costs its own fields only: the rest of the flagship query is whole."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from gateway.demo.documents import WHOLE_MEMBER
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import TOOLS, Served, limits, without

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: The fields that are read from a platform while a request waits; all others come from projections.
LIVE = {
    "payments": ("coupons",),
    "cloud_storage": ("files",),
    "enterprise_chat": ("chat.contacts",),
}
#: The fields that have no meaning for a brand without the tool. Orders, level and points are not the store's
#: alone: tills and the brand's own mini-program bring them as well, so their lists are short and not absent.
OWN = {
    "official_account": ("officialAccount",),
    "payments": ("payments", "coupons"),
    "mini_program_store": (),
    "social_ads": ("adTouchpoints",),
    "cloud_storage": ("files",),
    "ip_content": ("ipParticipations",),
    "enterprise_chat": ("chat.contacts", "chat.groups"),
}
BROKE_OFF = "The connection ended before the answer was complete."


async def whole(served: Served) -> dict[str, Any]:
    """The flagship query; download links carry the instant they were signed at, which is taken out."""
    app = served.world.mini_programs[0].appid
    who = served.person("protagonist")
    answer = await served.client().ask(WHOLE_MEMBER, app=app, openid=who.openids[app])
    files = answer["data"]["member"]["files"]
    for node in files["nodes"] if files else ():
        node["url"] = node["url"].partition("?")[0]
    return answer


def blanked(member: dict[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    """The member with these fields null."""
    result = deepcopy(member)
    for field in fields:
        *above, name = field.split(".")
        place = result
        for each in above:
            place = place[each]
        place[name] = None
    return result


def errors(answer: dict[str, Any]) -> list[tuple[list[str], str, dict[str, Any]]]:
    """The whole list: path, message, extensions. Fields run side by side, so the order is the paths'."""
    found = answer.get("errors", [])
    assert all(set(each) == {"path", "message", "extensions", "locations"} for each in found)
    return sorted((each["path"], each["message"], each["extensions"]) for each in found)


def path(field: str) -> list[str]:
    return ["member", *field.split(".")]


@pytest.mark.parametrize("tool", TOOLS)
async def test_a_dead_tool(served: Served, open_served: OpenServed, tool: str) -> None:
    """The connection is cut on every endpoint, tokens included."""
    healthy = (await whole(served))["data"]["member"]
    gateway = await open_served()
    served.sandbox.kit.faults.add(tool, "reset_before")
    answer = await whole(gateway)
    lost = LIVE.get(tool, ())
    assert errors(answer) == [
        (
            path(field),
            BROKE_OFF,
            {"code": "UNAVAILABLE", "tool": tool, "reason": "broke_off", "retryable": True},
        )
        for field in lost
    ]
    assert answer["data"]["member"] == blanked(healthy, lost)


@pytest.mark.parametrize("tool", TOOLS)
async def test_a_slow_tool(served: Served, open_served: OpenServed, tool: str) -> None:
    """It would answer after the request's deadline; what the gateway has left is given up then."""
    healthy = (await whole(served))["data"]["member"]
    # Time enough for the other tools on a machine that does much else.
    gateway = await open_served(limits(deadline=8.0))
    served.sandbox.kit.faults.add(tool, "latency", value=40)
    answer = await whole(gateway)
    lost = LIVE.get(tool, ())
    assert errors(answer) == [
        (
            path(field),
            BROKE_OFF,
            {"code": "UNAVAILABLE", "tool": tool, "reason": "broke_off", "retryable": True},
        )
        for field in lost
    ]
    assert answer["data"]["member"] == blanked(healthy, lost)


@pytest.mark.parametrize("tool", TOOLS)
async def test_a_tool_that_the_brand_does_not_run(served: Served, open_served: OpenServed, tool: str) -> None:
    healthy = (await whole(served))["data"]["member"]
    gateway = await open_served(without(tool))
    with gateway.counted() as count:
        answer = await whole(gateway)
    message = f"This brand has not configured {tool}; add it under tools.{tool}.accounts."
    assert errors(answer) == [
        (path(field), message, {"code": "TOOL_NOT_CONFIGURED", "tool": tool}) for field in sorted(OWN[tool])
    ]
    assert answer["data"]["member"] == blanked(healthy, OWN[tool])
    assert tool not in count.calls


async def test_every_tool_dead_leaves_what_is_known(served: Served, open_served: OpenServed) -> None:
    healthy = (await whole(served))["data"]["member"]
    gateway = await open_served()
    served.sandbox.kit.faults.add("*", "reset_before")
    answer = await whole(gateway)
    lost = tuple(field for fields in LIVE.values() for field in fields)
    assert [(at, extensions["tool"]) for at, _, extensions in errors(answer)] == [
        (["member", "chat", "contacts"], "enterprise_chat"),
        (["member", "coupons"], "payments"),
        (["member", "files"], "cloud_storage"),
    ]
    assert answer["data"]["member"] == blanked(healthy, lost)


async def test_a_page_of_members_does_not_notice_a_dead_platform(served: Served, open_served: OpenServed) -> None:
    document = (
        "{ members(first: 50) { nodes { id coupons { nodes { id } } files { nodes { key } }"
        " chat { contacts { nodes { remark } } } } } }"
    )
    healthy = await served.client().data(document)
    gateway = await open_served()
    served.sandbox.kit.faults.add("*", "reset_before")
    with gateway.counted() as count:
        assert await gateway.client().data(document) == healthy
    assert set(count.calls) <= {"ip_content"}
