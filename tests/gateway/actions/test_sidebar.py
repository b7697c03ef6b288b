"""sidebarConfig: both signatures of a page, which the client takes, for pages of the brand's own hosts only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.settings import Settings
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import Served, without

pytestmark = pytest.mark.asyncio(loop_scope="session")

DOCUMENTS = Path(__file__).parents[3] / "examples" / "customers"
SIDEBAR, BESIDE = ((DOCUMENTS / f"{name}.graphql").read_text("utf-8") for name in ("sidebar", "beside"))
TOOL = "enterprise_chat"
PAGE = "https://guide.yujian.example/sidebar?from=%E4%BE%A7#/member"


def trusting(*hosts: str) -> Any:
    """The corp's settings with these hosts."""

    def change(settings: Settings) -> Settings:
        accounts = settings.tools[TOOL]["accounts"]
        trusted = {alias: {**values, "trusted_hosts": hosts} for alias, values in accounts.items()}
        return msgspec.structs.replace(settings, tools={**settings.tools, TOOL: {"accounts": trusted}})

    return change


async def sidebar(served: Served, url: str = PAGE, caller: str = "guide") -> dict[str, Any]:
    """The whole answer."""
    return await served.client(caller).ask(SIDEBAR, url=url)


async def test_the_client_takes_both_signatures(open_served: OpenServed) -> None:
    served = await open_served(trusting("guide.yujian.example"))
    platform = served.sandbox.platforms[TOOL].sidebar  # type: ignore[attr-defined]
    platform.trusted_hosts = ["guide.yujian.example"]

    found = (await sidebar(served))["data"]["sidebarConfig"]

    assert (found["corpid"], found["agentid"]) == (served.world.corp.corpid, served.world.corp.agentid)
    for identity, name in (("corp", "config"), ("agent", "agentConfig")):
        page = {"identity": identity, "url": PAGE.partition("#")[0], **found[name]}
        answer = await served.sandbox.platforms[TOOL].actions()["check_js_config"](page)
        assert answer["errMsg"].endswith(":ok"), (name, answer)


@pytest.mark.parametrize(
    "url",
    ["https://evil.example/", "http://guide.yujian.example/", "https://guide.yujian.example.evil.example/", "nonsense"],
)
async def test_others_pages_are_not_signed(open_served: OpenServed, url: str) -> None:
    answer = await sidebar(await open_served(trusting("guide.yujian.example")), url)
    assert answer["data"] == {"sidebarConfig": None}
    [error] = answer["errors"]
    assert (error["extensions"]["code"], error["extensions"]["reason"]) == ("INVALID", "page_not_trusted")


@pytest.mark.parametrize("caller", ["frontend", "partner", "masked"])
async def test_only_guides_are_given_signatures(open_served: OpenServed, caller: str) -> None:
    answer = await sidebar(await open_served(trusting("guide.yujian.example")), caller=caller)
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]


async def test_who_the_chat_is_with(open_served: OpenServed) -> None:
    served = await open_served()
    customer = {"corp": served.world.corp.corpid, "value": served.person("protagonist").external_userid}
    found = (await served.client("guide").data(BESIDE, customer=customer))["member"]
    assert [each["guide"]["name"] for each in found["chat"]["contacts"]["nodes"]] == ["陈雨桐"]


async def test_an_absent_tool_is_said(open_served: OpenServed) -> None:
    answer = await sidebar(await open_served(without(TOOL)))
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["TOOL_NOT_CONFIGURED"]
