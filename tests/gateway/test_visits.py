"""Visits that a mini-program tells of: once each, as facts of its shopper, with nothing that names somebody else."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from gateway.database.tables.facts import fact
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import Client, Served

pytestmark = pytest.mark.asyncio(loop_scope="session")

RECORD = """mutation ($input: VisitRecordInput!) { visitRecord(input: $input) {
  ... on Visit { at scene path } ... on Problem { code } } }"""
TIMELINE = """{ me { timeline(first: 50, filter: {kinds: ["mini_program.visit"]}) { nodes {
  kind summary ... on VisitTimelineEntry { appid scene path } } } } }"""
VISIT = {"scene": 1047, "path": "pages/goods/detail", "idempotencyKey": "v1"}


async def visit(client: Client, **values: Any) -> Any:
    return (await client.data(RECORD, input={**VISIT, **values}))["visitRecord"]


async def facts(served: Served) -> list[Any]:
    statement = select(fact).where(fact.c.kind == "mini_program.visit").order_by(fact.c.id)
    return list(await served.gateway.services.database.fetch(statement))


async def test_a_visit_is_told_once_and_stands_in_the_timeline(open_served: OpenServed) -> None:
    served = await open_served()
    shopper = served.client("frontend", "protagonist")
    first = await visit(shopper, clickId="wx0gdtvid", shareToken="s-1")
    # The client did not hear the answer, and by now is elsewhere.
    again = await visit(shopper, path="pages/index")
    other = await visit(shopper, path="pages/index", idempotencyKey="v2", clickId="wx0gdtvid")

    assert (first["scene"], first["path"]) == ("1047", "pages/goods/detail")
    assert again == first
    assert other["path"] == "pages/index"
    told, later = await facts(served)
    assert (told.source, told.tool, told.member is None, told.identity is None) == (
        "own", "mini_program_store", False, False
    )  # fmt: skip
    assert told.payload.keys() == {"scene", "path", "click", "share"}
    assert later.payload == {"scene": "1047", "path": "pages/index", "click": told.payload["click"]}
    assert not {"wx0gdtvid", "s-1"} & {str(each) for each in told.payload.values()}
    shown = [
        (each["appid"], each["scene"], each["path"], each["summary"])
        for each in (await shopper.data(TIMELINE))["me"]["timeline"]["nodes"]
    ]
    assert shown == [
        (told.account, "1047", "pages/index", "访问小程序（场景 1047）"),
        (told.account, "1047", "pages/goods/detail", "访问小程序（场景 1047）"),
    ]


async def test_two_shoppers_may_choose_the_same_key(open_served: OpenServed) -> None:
    served = await open_served()
    for story in ("protagonist", "expired_coupon"):
        assert "path" in await visit(served.client("frontend", story))
    assert len({row.member for row in await facts(served)}) == 2


async def test_what_is_no_visit_leaves_nothing(open_served: OpenServed) -> None:
    served = await open_served()
    shopper = served.client("frontend", "protagonist")
    assert await visit(served.client("frontend")) == {"code": "SESSION_REQUIRED"}
    assert await visit(served.client("hq")) == {"code": "SESSION_REQUIRED"}
    assert await visit(shopper, idempotencyKey=None) == {"code": "IDEMPOTENCY_KEY_REQUIRED"}
    wrong: list[dict[str, Any]] = [
        {"scene": 999},
        {"scene": 10000},
        {"path": ""},
        {"path": "pages/index?phone=13800000000"},
        {"path": "p" * 129},
        {"clickId": ""},
        {"clickId": "c" * 257},
        {"shareToken": "分享"},
        {"idempotencyKey": "k" * 65},
    ]
    for each in wrong:
        assert await visit(shopper, **each) == {"code": "BAD_USER_INPUT"}, each
    assert await facts(served) == []
