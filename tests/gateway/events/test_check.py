"""``sync --check``: what differs from the platforms is printed, and nothing is changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update

from gateway.database.schema import metadata
from gateway.database.tables import projections as p
from gateway.database.tables.members import identity
from gateway.database.tables.quotas import call_count
from gateway.events.sync.check import Checked, check
from tests.gateway.events.conftest import Flow, StartFlow


async def checked(flow: Flow, *only: str) -> Sequence[Checked]:
    services = flow.gateway.services
    return [each async for each in check(services.projector, services.tools, only)]


async def _everything(flow: Flow) -> dict[str, list[Any]]:
    # Its calls are counted: they are taken from the platforms' allowances like any others.
    return {table.name: await flow.rows(table) for table in metadata.sorted_tables if table is not call_count}


async def test_after_a_sync_nothing_differs_and_nothing_is_written(start_flow: StartFlow) -> None:
    flow = await start_flow("official_account", "enterprise_chat", "mini_program_store")
    await flow.sync()
    before = await _everything(flow)

    found = await checked(flow)

    assert {each.stream for each in found} >= {
        "official_account.followers", "enterprise_chat.groups", "mini_program_store.orders",
    }  # fmt: skip
    assert [(each.stream, each.error, list(each.differences)) for each in found if each.differences or each.error] == []
    assert await _everything(flow) == before


async def test_each_difference_is_told_and_personal_values_are_masked(start_flow: StartFlow) -> None:
    flow = await start_flow("official_account", "enterprise_chat", "mini_program_store")
    await flow.sync()
    world = flow.sandbox.world
    main, corpid, she = world.official_accounts[0].appid, world.corp.corpid, world.people["linxiaowen"]
    ids = {row.value: row.id for row in await flow.rows(identity)}
    order = (await flow.rows(p.purchase, "id"))[0].id
    [lost, *_] = await flow.rows(p.after_sale, "appid", "after_sale_id")
    async with flow.database.write() as connection:
        await connection.execute(update(p.purchase).where(p.purchase.c.id == order).values(payable=1))
        await connection.execute(
            update(p.purchase_line)
            .where(p.purchase_line.c.purchase == order, p.purchase_line.c.line == 1)
            .values(quantity=77)
        )
        await connection.execute(delete(p.after_sale).where(p.after_sale.c.after_sale_id == lost.after_sale_id))
        await connection.execute(
            update(p.contact)
            .where(p.contact.c.userid == "chenyutong", p.contact.c.identity == ids[she.external_userid])
            .values(remark="somebody else")
        )
    flow.sandbox.kit.clock.advance(timedelta(seconds=2))
    flow.gateway.clock.advance(timedelta(seconds=2))
    await flow.act("official_account", "unfollow", appid=main, person="linxiaowen")
    before = await _everything(flow)

    found = await checked(flow)

    rows = {(each.table, each.id, each.field): (each.ours, each.theirs) for one in found for each in one.differences}
    remark = next(c.remark for c in world.contacts if (c.userid, c.person) == ("chenyutong", "linxiaowen"))
    truth = next(o for o in world.store_orders if order.endswith(o.order_id))
    tags = {key: value for key, value in rows.items() if key[0] == "follower_tag"}
    assert {key: value for key, value in rows.items() if key not in tags} == {
        ("purchase", order, "payable"): ("1", str(truth.payable)),
        ("purchase_line", f"{order}:1", "quantity"): ("77", str(truth.lines[0].quantity)),
        ("after_sale", f"{lost.appid}:{lost.after_sale_id}", ""): ("missing", "there"),
        ("contact", f"{corpid}:chenyutong:{ids[she.external_userid]}", "remark"): (
            "*** (13)",
            f"*** ({len(remark)})",
        ),
        ("follower", f"{main}:{ids[she.openids[main]]}", "subscribed"): ("True", "False"),
    }
    # She carried tags of the account, whose counts are one less now.
    assert {field for _, _, field in tags} <= {"followers"}
    assert await _everything(flow) == before


async def test_a_stream_that_cannot_be_read_is_told(start_flow: StartFlow) -> None:
    flow = await start_flow("official_account")
    await flow.sync()
    flow.sandbox.kit.faults.add("official_account", "code", endpoint="GET /cgi-bin/tags/get", value="45009")
    errors = {each.stream: each.error for each in await checked(flow)}
    assert errors == {
        "official_account.tags": "QUOTA_EXHAUSTED",
        "official_account.followers": None,
        "official_account.blacklist": None,
    }


@pytest.mark.long
async def test_after_a_sync_of_everything_nothing_differs(start_flow: StartFlow) -> None:
    flow = await start_flow()
    await flow.sync()
    found = await checked(flow)
    assert [(each.stream, each.error, list(each.differences)) for each in found if each.differences or each.error] == []
