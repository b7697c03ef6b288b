"""Stored webhooks, listed, shown, and handled once more."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import delete, select

from gateway.database.tables import projections as p
from gateway.database.tables.facts import fact
from gateway.database.tables.inbox import inbox
from gateway.database.tables.jobs import job
from gateway.demo.stage import Keys, sandbox_values
from gateway.events.replaying import EventUnknown, Replays, Which
from gateway.jobs.backoff import Backoff
from tests.databases import MASTER
from tests.gateway.events.conftest import Flow, StartFlow
from tests.gateway.storm.process import command, write_settings

#: What events alone fill, and what they have read again.
TABLES = (
    p.follower,
    p.dialogue,
    p.purchase,
    p.purchase_line,
    p.after_sale,
    p.contact,
    p.customer_group_member,
    p.ad_click,
)


def replays(flow: Flow) -> Replays:
    services = flow.gateway.services
    return Replays(services.database, services.queue, services.tools)


async def _evening(flow: Flow) -> None:
    """Somebody follows, buys, complains, befriends a guide, joins a group, clicks an ad, and leaves the guide again."""
    appid = flow.sandbox.world.official_accounts[0].appid
    await flow.act("official_account", "follow", appid=appid, person="guoran", scene="7")
    await flow.act("official_account", "say", appid=appid, person="guoran", text="在吗")
    bought = await flow.act("mini_program_store", "order_new", person="guoran", sku="CX-CAP-1均码", quantity=1)
    await flow.act("mini_program_store", "order_paid", order_id=bought["order_id"])
    await flow.act("mini_program_store", "after_sale_new", order_id=bought["order_id"], type="REFUND")
    await flow.act("enterprise_chat", "add_contact", userid="zhaominghui", person="guoran", state="store_SH-AFL")
    group = flow.sandbox.world.groups[0]
    await flow.act("enterprise_chat", "join_group", chat_id=group.chat_id, person="guoran")
    await flow.act("social_ads", "click", person="guoran", adgroup_id=13397328752)
    await flow.quiet()
    flow.sandbox.kit.clock.advance(timedelta(seconds=2))
    flow.gateway.clock.advance(timedelta(seconds=2))
    await flow.act("enterprise_chat", "delete_contact", userid="zhaominghui", person="guoran", by="CUSTOMER")
    await flow.quiet()


async def _known(flow: Flow) -> Mapping[str, Any]:
    """Rows without when they were learnt."""
    found = {}
    for table in TABLES:
        names = [each.name for each in table.columns if each.name not in {"as_of", "changed_at"}]
        found[table.name] = await flow.rows(table, *names)
    return found


async def test_rebuilding_from_stored_events_gives_the_same_rows(start_flow: StartFlow) -> None:
    flow = await start_flow(served=True)
    await _evening(flow)
    before, facts = await _known(flow), await flow.rows(fact)
    assert all(before[table.name] for table in TABLES), {name: len(rows) for name, rows in before.items()}
    stored = await flow.rows(inbox, "id")
    async with flow.database.write() as connection:
        for table in TABLES:
            await connection.execute(delete(table))

    assert await replays(flow).replay([row.id for row in stored]) == len(stored)
    await flow.quiet()

    assert await _known(flow) == before
    # What happened is not told again.
    assert await flow.rows(fact) == facts
    assert {(row.state, row.attempts) for row in await flow.rows(inbox)} == {("DONE", 2)}


async def test_an_event_that_waits_is_not_put_twice(start_flow: StartFlow) -> None:
    flow = await start_flow("official_account", served=True)
    await flow.gateway.worker.stop(0)
    appid = flow.sandbox.world.official_accounts[0].appid
    await flow.act("official_account", "follow", appid=appid, person="guoran")
    await flow.sandbox.kit.pusher.settle()
    [stored] = await flow.rows(inbox)
    assert await replays(flow).replay([stored.id]) == 0
    assert len(await flow.rows(job)) == 1


class AtOnce(Backoff):
    """No pause."""

    def wait(self, *_: object) -> timedelta:
        return timedelta(0)


async def test_a_parked_event_is_taken_up_by_its_own_job(start_flow: StartFlow) -> None:
    flow = await start_flow("mini_program_store", served=True)
    flow.gateway.worker.backoff = AtOnce()
    flow.sandbox.kit.faults.add("mini_program_store", "code", endpoint="POST /channels/ec/order/get", value="48001")
    await flow.act("mini_program_store", "order_new", person="guoran", sku="CX-CAP-1均码", quantity=1)
    await flow.quiet()
    [stored] = await flow.rows(inbox)
    assert (stored.state, stored.attempts) == ("PARKED", 0)
    assert await replays(flow).list(Which(state="PARKED", tool="payments")) == []
    [listed] = await replays(flow).list(Which(state="PARKED", tool="mini_program_store"))
    assert (listed.id, listed.kind, listed.error_code) == (stored.id, "channels_ec_order_new", stored.error_code)

    flow.sandbox.kit.faults.clear()
    assert await replays(flow).replay([stored.id]) == 1
    await flow.quiet()

    [stored] = await flow.rows(inbox)
    assert (stored.state, stored.attempts, stored.error_code) == ("DONE", 1, None)
    assert len(await flow.rows(p.purchase)) == len(await flow.rows(job)) == 1


async def test_what_is_shown_of_an_event_names_nobody(start_flow: StartFlow) -> None:
    flow = await start_flow("enterprise_chat", served=True)
    added = await flow.act("enterprise_chat", "add_contact", userid="zhaominghui", person="guoran", state="x7")
    await flow.quiet()
    [stored] = await flow.rows(inbox)

    event, fields = await replays(flow).show(stored.id)

    assert (event.kind, event.state) == ("change_external_contact/add_external_contact", "DONE")
    assert fields is not None
    assert {name: fields[name] for name in ("Event", "ChangeType", "ExternalUserID", "WelcomeCode", "State")} == {
        "Event": "change_external_contact",
        "ChangeType": "add_external_contact",
        "ExternalUserID": f"*** ({len(added['external_userid'])})",
        "WelcomeCode": f"*** ({len(added['welcome_code'])})",
        "State": "*** (2)",
    }
    assert added["external_userid"] not in str(fields)
    with pytest.raises(EventUnknown):
        await replays(flow).show("01M75AXRT5F44WG6HKKTJQ6748")


@pytest.mark.long
async def test_the_commands(start_flow: StartFlow, tmp_path: Path) -> None:
    flow = await start_flow("official_account", served=True)
    appid = flow.sandbox.world.official_accounts[0].appid
    await flow.act("official_account", "follow", appid=appid, person="guoran")
    await flow.quiet()
    [stored] = await flow.rows(inbox)
    path = tmp_path / "gateway.toml"
    values = sandbox_values(
        flow.sandbox.describe(),
        database=flow.settings.database_url,
        host="127.0.0.1",
        port=flow.settings.port,
        keys=Keys("hq_" + "0" * 24, "mp_" + "0" * 24),
        master_key=base64.b64encode(MASTER).decode(),
    )
    write_settings(path, values)

    code, printed = await command("events", "list", "--settings", str(path), "--tool", "official_account")
    assert code == 0
    assert printed.split()[:4] == [stored.id, "DONE", "official_account", appid]
    code, printed = await command("events", "show", "--settings", str(path), "--id", stored.id)
    assert code == 0
    assert orjson.loads(printed)["fields"]["Event"] == "subscribe"
    code, printed = await command("events", "replay", "--settings", str(path), "--id", stored.id)
    assert (code, printed) == (0, "1 replayed: 1 DONE\n")
    code, printed = await command("events", "rebuild", "--settings", str(path))
    assert (code, printed) == (0, "1 replayed: 1 DONE\n")
    code, printed = await command("events", "show", "--settings", str(path), "--id", "nothing")
    assert (code, printed.split(":")[0]) == (6, "EVENT_UNKNOWN")
    attempts = await flow.database.one(select(inbox.c.attempts))
    assert attempts is not None
    assert attempts[0] == 3
