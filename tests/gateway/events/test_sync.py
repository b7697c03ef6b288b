"""The first sync reads the whole truth over HTTP, and later ones only what is new."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import Table, func, select

from adapters.ip_content.tables import activation, draw, grant, property_
from gateway.database import Database
from gateway.database.schema import metadata
from gateway.database.tables import projections
from gateway.database.tables.dimensions import campaign, guide, guide_store, sku, store
from gateway.database.tables.facts import fact
from gateway.database.tables.jobs import job
from gateway.database.tables.members import identity, member
from gateway.database.tables.stock import stock
from gateway.events.sync.stages import STAGES
from gateway.jobs import State
from sandbox.world import World
from tests.gateway.events.conftest import Flow, StartFlow
from tests.gateway.events.truth import expected, people_known, stored

ALL_DONE = {(stage.tool, stage.stream): "DONE" for stage in STAGES}
#: Change with every run, or belong to the machinery.
_MOVING = {"as_of", "updated_at", "recorded_at"}
_MACHINERY = {"job", "recurring_job", "sync_state", "data_key", "secret", "alembic_version", "schema_version"}


async def _everything(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables, without what moves with every reading."""
    found = {}
    for table in metadata.sorted_tables:
        if table.name not in _MACHINERY:
            columns = [column for column in table.columns if column.name not in _MOVING]
            found[table.name] = sorted((tuple(row) for row in await database.fetch(select(*columns))), key=repr)
    return found


async def _facts(database: Database) -> Counter[str]:
    rows = await database.fetch(select(fact.c.kind, func.count().label("n")).group_by(fact.c.kind))
    return Counter({row.kind: row.n for row in rows})


def _facts_expected(world: World) -> Counter[str]:
    truth = expected(world)
    return Counter(
        {
            "follow": len(truth["follower"]),
            "order.created": len(world.store_orders),
            "order.paid": sum(o.paid_at is not None for o in world.store_orders),
            "order.line": sum(len(o.lines) for o in world.store_orders if o.paid_at is not None),
            "order.shipped": sum(o.shipped_at is not None for o in world.store_orders),
            "order.completed": sum(o.status == 100 for o in world.store_orders),
            "after_sale.completed": len(world.after_sales),
            "contact.added": len(truth["contact"]),
            "group.joined": len(truth["customer_group_member"]),
            "payment.captured": len(world.payments),
            "refund.succeeded": len(world.refunds),
            "coupon.received": len(truth["coupon"]),
            "ad.cost": len(truth["ad_report"]),
            "file.stored": len(truth["stored_file"]),
            "level.changed": len(world.vip_cards),
            # The ERP's count: a pile in every store, and one in the central stock where there are pieces.
            "stock.counted": sum(
                len(world.stores) + (sku.stock > 0) for product in world.products for sku in product.skus
            ),
            "points.changed": sum(card.score > 0 for card in world.vip_cards),
        }
    )


async def _equals_the_truth(flow: Flow) -> None:
    truth, found = expected(flow.sandbox.world), await stored(flow.database)
    for name, rows in truth.items():
        assert found[name] == rows, name


async def test_the_projections_equal_the_worlds_truth(start_flow: StartFlow) -> None:
    flow = await start_flow()
    world = flow.sandbox.world

    assert await flow.sync() == ALL_DONE

    await _equals_the_truth(flow)
    facts = await _facts(flow.database)
    linked = {kind: facts.pop(kind) for kind in ("member.created", "identity.linked")}
    assert facts == _facts_expected(world)
    assert linked == {"member.created": len(await flow.rows(member)), "identity.linked": len(await flow.rows(identity))}
    await _everybody_is_one_member(flow)
    await _profiles_are_the_best_that_is_known(flow)


async def _profiles_are_the_best_that_is_known(flow: Flow) -> None:
    world = flow.sandbox.world
    members = {row.id: row for row in await flow.rows(member)}
    holder = {row.value: members[row.member] for row in await flow.rows(identity)}
    for card in world.vip_cards:
        row = holder[world.people[card.person].openids[world.wechat_store.appid]]
        assert (row.level, row.growth, row.phone) == (card.grade, card.experience, world.people[card.person].phone)
    present = {each.userid for each in world.guides if each.left_at is None}
    for each in world.contacts:
        if each.userid in present:
            assert holder[world.people[each.person].external_userid].name == world.people[each.person].name
    assert sum(row.level is not None for row in members.values()) == len(world.vip_cards)


async def _everybody_is_one_member(flow: Flow) -> None:
    """Two shoppers are never one member, and one shopper is one, but for the payer of a bill.

    A bill shows an openid of a mini-program and nothing beside it: until that shopper logs in, no platform
    tells that it is the follower or the buyer whom the others know.
    """
    world = flow.sandbox.world
    owner = {openid: key for key, person in world.people.items() for openid in person.openids.values()}
    owner |= {person.unionid: key for key, person in world.people.items()}
    owner |= {person.external_userid: key for key, person in world.people.items()}
    apps = {each.appid for each in world.mini_programs}
    groups: dict[str, set[tuple[str, bool]]] = {}
    for row in await flow.rows(identity):
        if row.kind == "PHONE":
            # Two people of this world have one phone: it belongs to the one who showed it first.
            continue
        groups.setdefault(row.member, set()).add((owner[row.value], row.issuer in apps))
    payers = {(each.person, True) for each in world.payments}
    others = {(key, False) for key in people_known(world)}
    assert all(len(group) == 1 for group in groups.values())
    assert sorted(next(iter(group)) for group in groups.values()) == sorted(payers | others)


async def test_master_data_and_dimensions(start_flow: StartFlow) -> None:
    flow = await start_flow("enterprise_chat", "ip_content", "cloud_storage", "mini_program_store")
    await flow.sync()
    world = flow.sandbox.world

    assert [row.id for row in await flow.rows(store)] == sorted(each.code for each in world.stores)
    assert {row.id: row.own_or_franchise for row in await flow.rows(store) if row.own_or_franchise != "OWN"} == {
        "XA-ZL": "FRANCHISE"
    }
    assert [row.id for row in await flow.rows(campaign)] == ["double-11", "fox"]
    codes = {each.code for product in world.products for each in product.skus}
    assert {row.code for row in await flow.rows(sku)} == codes
    assert len(await flow.rows(stock)) == len(codes) * (len(world.stores) + 1)
    corpid = world.corp.corpid
    present = [each for each in world.guides if each.left_at is None]
    assert {(row.id, row.name, row.state) for row in await flow.rows(guide)} == {
        (f"{corpid}:{each.userid}", each.name, "ACTIVE") for each in present
    }
    assert {(row.guide, row.store) for row in await flow.rows(guide_store)} == {
        (f"{corpid}:{each.userid}", each.store) for each in present
    }
    assert {row.slug for row in await flow.rows(property_)} == {each.slug for each in world.ip_properties}
    assert len(await flow.rows(grant)) == len(world.ip_licences)
    assert len(await flow.rows(activation)) == len(world.ip_activations)
    assert len(await flow.rows(draw)) == sum(len(each.draws) for each in world.ip_participations)


async def test_every_row_came_over_http(start_flow: StartFlow) -> None:
    """Nothing stands in a projection before a platform is asked, and each tool's rows wait for its own calls."""
    flow = await start_flow()
    for table in projections.metadata.sorted_tables:
        if table.name in expected(flow.sandbox.world):
            assert await flow.rows(table) == [], table.name
    assert flow.calls() == Counter()

    tables: dict[str, tuple[Table, ...]] = {
        "official_account": (projections.follower, projections.follower_tag),
        "social_ads": (projections.ad, projections.ad_report, projections.lead),
        "cloud_storage": (projections.stored_file,),
        "payments": (projections.payment, projections.refund),
    }
    filled: set[str] = set()
    for tool, own in tables.items():
        mark = flow.mark()
        await flow.sync(tool)
        assert {platform for platform, _ in flow.calls(mark)} == {tool}
        filled |= {table.name for table in own}
        for each in (table for group in tables.values() for table in group):
            assert bool(await flow.rows(each)) == (each.name in filled), each.name


@pytest.mark.long
async def test_running_it_again_changes_no_row_and_adds_no_fact(start_flow: StartFlow) -> None:
    flow = await start_flow()
    await flow.sync()
    before, members = await _everything(flow.database), await flow.rows(member)

    assert await flow.sync() == ALL_DONE

    after = await _everything(flow.database)
    for name, rows in before.items():
        assert after[name] == rows, name
    # Nobody who asks for members updated since yesterday gets all of them.
    assert await flow.rows(member) == members


@pytest.mark.long
@pytest.mark.postgresql
async def test_it_is_the_same_on_postgresql(start_flow: StartFlow, postgresql_url: str) -> None:
    flow = await start_flow(database=postgresql_url)
    assert await flow.sync() == ALL_DONE
    await _equals_the_truth(flow)
    before = await _everything(flow.database)
    assert await flow.sync() == ALL_DONE
    assert await _everything(flow.database) == before


@pytest.mark.parametrize(
    ("tool", "stream", "endpoint", "call"),
    [
        ("payments", "bills", "GET /v3/billdownload/file", 5),
        ("mini_program_store", "orders", "POST /channels/ec/order/get", 11),
        ("mini_program_store", "after_sales", "POST /channels/ec/aftersale/getaftersalelist", 40),
        ("enterprise_chat", "groups", "POST /cgi-bin/externalcontact/groupchat/get", 2),
        ("official_account", "followers", "POST /cgi-bin/user/info/batchget", 1),
    ],
)
async def test_a_stage_that_fails_half_way_goes_on_and_ends_with_the_same_rows(
    start_flow: StartFlow, tool: str, stream: str, endpoint: str, call: int
) -> None:
    flow = await start_flow(tool)
    # An answer that nobody can read is not asked for again by the seam, so each attempt of the stage fails.
    flow.sandbox.kit.faults.add(tool, "garbage", endpoint=endpoint, calls=tuple(range(call, call + 100)))

    states = await flow.sync()

    assert states[tool, stream] == "FAILED"
    failed = [each for each in await flow.gateway.services.sync.progress() if each.state == "FAILED"]
    assert {each.stream for each in failed} == {stream}
    waiting = await flow.gateway.services.queue.list(kind="sync.stage", state=State.QUEUED)
    assert len(waiting) == len(failed)
    # Another account of the tool may have been read to its end before the failure.
    rows = await flow.rows(projections.sync_state)
    broken = {(each.stream, each.account) for each in failed}
    assert {row.watermark for row in rows if (row.stream, row.account) in broken} == {None}

    flow.sandbox.kit.faults.clear()
    for _ in range(100):
        # Time passes for the queue's pauses; the seam's own pause after failures is a few real seconds.
        flow.gateway.clock.advance(timedelta(minutes=2))
        await flow.gateway.worker.drain()
        if {row.state for row in await flow.rows(job)} == {State.DONE}:
            break
        await asyncio.sleep(0.1)

    assert {each.state for each in await flow.gateway.services.sync.progress()} == {"DONE"}
    truth, found = expected(flow.sandbox.world), await stored(flow.database)
    for name in _TABLES[tool]:
        assert found[name] == truth[name], name


_TABLES = {
    "payments": ("payment", "refund", "coupon"),
    "mini_program_store": ("product", "offer", "membership_card", "purchase", "purchase_line", "after_sale"),
    "enterprise_chat": ("contact", "contact_tag", "customer_group", "customer_group_member"),
    "official_account": ("follower", "follower_tag"),
}


async def test_the_second_run_reads_from_the_watermark(start_flow: StartFlow) -> None:
    flow = await start_flow("payments", "mini_program_store", "social_ads")
    await flow.sync()
    first = flow.calls()
    mark = flow.mark()
    # Leads are asked for by whole seconds, and there are none of a second that is not over.
    flow.sandbox.kit.clock.advance(timedelta(seconds=2))
    flow.gateway.clock.advance(timedelta(seconds=2))

    await flow.sync()

    second = flow.calls(mark)
    orders, cases = "POST /channels/ec/order/list/get", "POST /channels/ec/aftersale/getaftersalelist"
    bills = "GET /v3/bill/tradebill"
    # 90 days: 13 windows of 7 days, 90 of a day, and as many bills for each of two merchants.
    assert first["mini_program_store", orders] == 13
    assert first["mini_program_store", cases] == 90
    assert first["payments", bills] == 2 * 90
    # Then one window from an hour before the watermark, and yesterday's bill again.
    assert second["mini_program_store", orders] == 1
    assert second["mini_program_store", cases] == 1
    assert second["payments", bills] == 2 * 1
    # Only what was updated within that hour is read again, and what has no watermark.
    world = flow.sandbox.world
    late = sum(each.updated_at > world.now - timedelta(hours=1) for each in world.store_orders)
    assert first["mini_program_store", "POST /channels/ec/order/get"] == len(world.store_orders)
    store_calls = {endpoint: n for (platform, endpoint), n in second.items() if platform == "mini_program_store"}
    assert store_calls == {
        **({"POST /channels/ec/order/get": late} if late else {}),
        orders: 1,
        cases: 1,
        "POST /channels/ec/product/list/get": 1,
        "POST /channels/ec/product/get": len(world.products),
        "POST /channels/ec/vip/user/list/get": 1,
        "POST /channels/ec/vip/user/score/get": len(world.vip_cards),
    }
    ads = {endpoint: n for (platform, endpoint), n in second.items() if platform == "social_ads"}
    assert ads == {"GET /v3.0/adgroups/get": 1, "GET /v3.0/daily_reports/get": 1, "GET /v3.0/leads_list/get": 1}


async def test_what_changed_since_the_watermark_is_read(start_flow: StartFlow) -> None:
    """Every webhook is lost; the next sync brings the order's new state all the same."""
    flow = await start_flow("mini_program_store")
    await flow.sync()
    bought = await flow.act("mini_program_store", "order_new", person="linxiaowen", sku="CX-CAP-1均码", quantity=2)
    await flow.act("mini_program_store", "order_paid", order_id=bought["order_id"])

    await flow.sync()

    [row] = [row for row in await flow.rows(projections.purchase) if row.native_id == bought["order_id"]]
    assert (row.state, row.payable, row.payer_paid) == ("AWAITING_SHIPMENT", 2 * 15900, 2 * 15900)


async def test_who_left_while_we_did_not_hear_is_found_out(start_flow: StartFlow) -> None:
    """The webhooks of an unfollow and of a guide who deleted a customer are lost; the next sync misses both."""
    flow = await start_flow("official_account", "enterprise_chat")
    await flow.sync()
    world = flow.sandbox.world
    main, corpid, she = world.official_accounts[0].appid, world.corp.corpid, world.people["linxiaowen"]
    await flow.act("official_account", "unfollow", appid=main, person="linxiaowen")
    await flow.act("enterprise_chat", "delete_contact", userid="chenyutong", person="linxiaowen", by="GUIDE")
    before = await _facts(flow.database)

    await flow.sync()

    ids = {row.value: row.id for row in await flow.rows(identity)}
    followers = {row.identity: row.subscribed for row in await flow.rows(projections.follower) if row.appid == main}
    assert [each for each, subscribed in followers.items() if not subscribed] == [ids[she.openids[main]]]
    gone = [row for row in await flow.rows(projections.contact) if row.removed_by]
    assert [(row.corpid, row.userid, row.identity, row.removed_by) for row in gone] == [
        (corpid, "chenyutong", ids[she.external_userid], "GUIDE")
    ]
    assert await _facts(flow.database) - before == {"unfollow": 1, "contact.deleted_by_guide": 1}
    rows = await flow.database.fetch(select(fact.c.source, fact.c.member).where(fact.c.kind == "unfollow"))
    member_of = {row.id: row.member for row in await flow.rows(identity)}
    assert [tuple(row) for row in rows] == [("poll", member_of[ids[she.openids[main]]])]

    # Found out once.
    await flow.sync()
    assert (await _facts(flow.database))["unfollow"] == 1


@pytest.mark.long
async def test_a_tool_that_is_down_fails_its_own_streams_only(start_flow: StartFlow) -> None:
    flow = await start_flow()
    flow.sandbox.kit.faults.add("mini_program_store", "status", value=503)

    states = await flow.sync()

    down = {key for key in ALL_DONE if key[0] == "mini_program_store"}
    assert {key for key, state in states.items() if state != "DONE"} == down
    assert states.keys() == ALL_DONE.keys()
    truth, found = expected(flow.sandbox.world), await stored(flow.database)
    for name, rows in truth.items():
        assert found[name] == (set() if name in _TABLES["mini_program_store"] else rows), name


async def test_progress_says_how_far_each_stream_is(start_flow: StartFlow) -> None:
    flow = await start_flow("official_account", "cloud_storage")
    told: list[tuple[str, str, int]] = []
    flow.gateway.services.sync.listeners.append(lambda stream, account, rows: told.append((stream, account, rows)))
    flow.sandbox.kit.faults.add("official_account", "code", endpoint="GET /cgi-bin/tags/get", value="45009")

    await flow.sync()

    world = flow.sandbox.world
    progress = {(each.stream, each.account): each for each in await flow.gateway.services.sync.progress()}
    followers = {
        a.appid: sum(f.appid == a.appid and f.subscribed for f in world.followers) for a in world.official_accounts
    }
    for appid, number in followers.items():
        each = progress["followers", appid]
        assert (each.tool, each.state, each.rows, each.error_code) == ("official_account", "DONE", number, None)
        assert ("official_account.followers", appid, number) in told
        each = progress["tags", appid]
        assert (each.state, each.rows, each.error_code) == ("WAITING", 0, "QUOTA_EXHAUSTED")
    assert progress["files", world.buckets[0].name].rows == len(expected(world)["stored_file"])
    # The bucket of product pictures holds nobody's files and is not listed at all.
    assert ("files", world.buckets[1].name) not in progress
