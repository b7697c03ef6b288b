"""What subscriptions tell: to whom, from where on, at what cost, and that nothing stays behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update

from gateway.access.principal import Authenticator
from gateway.database import Fact, append_facts
from gateway.database.tables.members import identity, member, session
from gateway.resolvers import ids
from tests.gateway.subscriptions.conftest import OpenLive
from tests.gateway.subscriptions.live import FRONTEND, GUIDE, HQ, MASKED, Live, Socket, until
from tests.gateway.subscriptions.test_sockets import sockets

LEADS = 'subscription($after: ID) { memberActivity(kinds: ["lead"], after: $after) { eventId } }'
MINE = "subscription($after: ID) { memberActivity(after: $after) { eventId member { name } } }"


async def follows(here: Live, count: int) -> None:
    """So many subscriptions are there and wait."""
    await until(lambda: len(here.gateway.services.feed) == count)


async def leads(socket: Socket, count: int) -> list[str]:
    return [(await socket.next())["memberActivity"]["eventId"] for _ in range(count)]


# From where on --------------------------------------------------------------------------------------


async def test_resuming_has_no_gap_and_no_repetition(open_live: OpenLive) -> None:
    """From the log, then from what is kept, then live; in one order."""
    here = await open_live(backlog=5)
    _, handle = await here.person()
    told = [await here.tell("lead", identity=handle) for _ in range(3)]
    async with here.socket() as first:
        await first.subscribe(LEADS)
        await follows(here, 1)
        for _ in range(12):
            told.append(await here.tell("lead", identity=handle))
            assert await leads(first, 1) == told[-1:]
        async with here.socket() as second:
            await second.subscribe(LEADS, after=told[0])
            assert await leads(second, 14) == told[1:]
            told.append(await here.tell("lead", identity=handle))
            assert await leads(second, 1) == told[-1:]
            assert await leads(first, 1) == told[-1:]


async def test_resuming_within_what_is_kept(here: Live) -> None:
    """Nothing happens afterwards that could wake the follower."""
    _, handle = await here.person()
    async with here.socket() as first, here.socket() as second:
        await first.subscribe(LEADS)
        await follows(here, 1)
        told = [await here.tell("lead", identity=handle) for _ in range(4)]
        assert await leads(first, 4) == told
        await second.subscribe(LEADS, after=told[1])
        assert await leads(second, 2) == told[2:]


@pytest.mark.long
async def test_what_is_committed_while_one_resumes_is_told_once(here: Live) -> None:
    """A writer that does not pause, and a client that leaves after every third event."""
    _, handle = await here.person()
    start = await here.tell("lead", identity=handle)
    total, written, seen = 60, [start], []

    async def write() -> None:
        for number in range(total):
            async with here.database.write() as connection:
                fact = Fact(
                    kind="lead", occurred_at=here.gateway.clock.now(), source="own", source_key=f"w{number}",
                    identity=handle,
                )  # fmt: skip
                await append_facts(connection, [fact])
            await asyncio.sleep(0)

    writing = asyncio.create_task(write())
    last = start
    while len(seen) < total:
        async with here.socket() as socket:
            await socket.subscribe(LEADS, after=last)
            for event in await leads(socket, min(3, total - len(seen))):
                seen.append(event)
                last = event
    await writing

    written = [each.id for each in await here.gateway.services.feed.horizon.read((await _start(here)), kinds={"lead"})]
    assert seen == written[1:]


async def _start(here: Live) -> Any:
    from gateway.events.horizon import START

    return START


async def test_after_must_be_known_and_recent(open_live: OpenLive) -> None:
    here = await open_live(replay_hours=2)
    event = await here.tell("lead")
    async with here.socket() as socket:
        await socket.subscribe(LEADS, after=event)
        await follows(here, 1)
        here.gateway.clock.advance(timedelta(hours=3))
        for after, code in ((event, "EVENT_EXPIRED"), ("0" * 25 + "1", "EVENT_UNKNOWN"), ("é\0", "EVENT_UNKNOWN")):
            await socket.subscribe(LEADS, id="2", after=after)
            message = await socket.receive()
            assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", code)
        await follows(here, 1)


async def test_without_after_nothing_old_is_told(here: Live) -> None:
    await here.person()
    _, handle = await here.person()
    await here.tell("lead", identity=handle)
    async with here.socket() as socket:
        await socket.subscribe(LEADS)
        await follows(here, 1)
        event = await here.tell("lead", identity=handle)
        assert await leads(socket, 1) == [event]


# To whom --------------------------------------------------------------------------------------------


async def test_a_shopper_is_told_their_own_and_nothing_else(here: Live) -> None:
    _, my_handle = await here.person("林晓雯")
    theirs, their_handle = await here.person("王若溪")
    token = await here.login(my_handle)
    async with here.socket(FRONTEND, token) as socket:
        await socket.subscribe(MINE)
        await follows(here, 1)
        await here.tell("lead", identity=their_handle)
        await here.tell("lead", member=theirs)
        event = await here.tell("lead", identity=my_handle)
        assert await socket.next() == {"memberActivity": {"eventId": event, "member": {"name": "林晓雯"}}}
        document = "subscription($m: ID) { orderChanged(member: $m) { eventId } }"
        await socket.subscribe(document, id="other", m=ids.encode("mb", theirs))
        message = await socket.receive()
        assert message["payload"][0]["extensions"]["code"] == "FORBIDDEN"
        await socket.subscribe("subscription { storeCounters { orders } }", id="counters")
        message = await socket.receive()
        assert message["payload"][0]["extensions"]["code"] == "FORBIDDEN"


@pytest.mark.parametrize(
    ("key", "field", "code"),
    [
        (FRONTEND, "orderChanged", "SESSION_REQUIRED"),
        (FRONTEND, "storeCounters", "FORBIDDEN"),
        (GUIDE, "transactionChanged", "FORBIDDEN"),
        (GUIDE, "orderChanged", None),
        (GUIDE, "contactChanged", None),
        (GUIDE, "paymentChanged", None),
        (GUIDE, "afterSaleChanged", None),
        (GUIDE, "memberActivity", None),
        (HQ, "transactionChanged", None),
    ],
)
async def test_who_may_follow_everybody(here: Live, key: str, field: str, code: str | None) -> None:
    async with here.socket(key) as socket:
        await socket.subscribe(f"subscription {{ {field} {{ eventId }} }}")
        if code is None:
            await follows(here, 1)
            return
        message = await socket.receive()
        assert message["payload"][0]["extensions"]["code"] == code
    await follows(here, 0)


async def test_personal_data_is_masked_as_in_queries(here: Live) -> None:
    _, handle = await here.person("林晓雯")
    async with here.socket(HQ) as open_, here.socket(MASKED) as masked:
        for socket in (open_, masked):
            await socket.subscribe(MINE)
        await follows(here, 2)
        await here.tell("lead", identity=handle)
        assert (await open_.next())["memberActivity"]["member"] == {"name": "林晓雯"}
        assert (await masked.next())["memberActivity"]["member"] == {"name": "林**"}


async def test_a_session_that_is_gone_is_told_nothing_more(here: Live) -> None:
    _, handle = await here.person()
    token = await here.login(handle)
    async with here.socket(FRONTEND, token) as socket:
        await socket.subscribe(MINE)
        await follows(here, 1)
        async with here.database.write() as connection:
            await connection.execute(delete(session))
        await here.tell("lead", identity=handle)

        message = await socket.receive()
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "SESSION_UNKNOWN")
        code, reason = await socket.closed()
        assert (code, reason.split(":")[0]) == (4401, "SESSION_UNKNOWN")
    await follows(here, 0)


async def test_a_key_that_lost_its_scope_is_told_nothing_more(here: Live) -> None:
    _, handle = await here.person()
    async with here.socket(GUIDE) as socket:
        await socket.subscribe(LEADS)
        await follows(here, 1)
        partner = [key for key in here.settings.api_keys if key.id != "guide"]
        guide = next(key for key in here.settings.api_keys if key.id == "guide")
        import msgspec

        here.gateway.auth = Authenticator([*partner, msgspec.structs.replace(guide, audience="partner")], here.database)
        await here.tell("lead", identity=handle)
        message = await socket.receive()
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "FORBIDDEN")
        await follows(here, 0)
        await socket.subscribe("{ __typename }")
        assert await socket.next() == {"__typename": "Query"}


async def test_people_who_merge_are_followed_on(here: Live) -> None:
    """By the id that lost the merge, and by the session of the identity that moved."""
    old, old_handle = await here.person()
    new, new_handle = await here.person()
    token = await here.login(old_handle)
    async with here.socket() as staff, here.socket(FRONTEND, token) as shopper:
        document = 'subscription($m: ID) { memberActivity(member: $m, kinds: ["lead"]) { eventId } }'
        await staff.subscribe(document, m=ids.encode("mb", old))
        await shopper.subscribe(LEADS)
        await follows(here, 2)
        async with here.database.write() as connection:
            await connection.execute(update(member).where(member.c.id == old).values(merged_into=new))
            await connection.execute(update(identity).where(identity.c.id == old_handle).values(member=new))
            merged = Fact(kind="member.merged", occurred_at=here.gateway.clock.now(), source="own", source_key="m")
            await append_facts(connection, [merged])
        event = await here.tell("lead", identity=new_handle)
        assert await leads(staff, 1) == [event]
        assert await leads(shopper, 1) == [event]


async def test_filters_hold_together(here: Live) -> None:
    _, handle = await here.person()
    store = await here.store("SH-AFL")
    wanted = await here.order(handle, store="SH-AFL")
    other = await here.order(handle)
    async with here.socket() as socket:
        document = "subscription($o: ID, $s: ID) { %s(order: $o, store: $s) { eventId order { id } } }"
        given = {"o": ids.encode("or", wanted), "s": store}
        await socket.subscribe(document % "orderChanged", id="o", **given)
        await socket.subscribe(document % "paymentChanged", id="p", **given)
        await socket.subscribe(document % "afterSaleChanged", id="a", **given)
        await follows(here, 3)
        for order in (other, wanted):
            await here.tell("order.paid", order_ref=order)
            await here.tell("payment.captured", order_ref=order)
            # This fact says neither store nor member: its order does.
            last = await here.tell("after_sale.changed", order_ref=order)
        answers = {each["id"]: each["payload"]["data"] for each in [await socket.receive() for _ in range(3)]}
        assert set(answers) == {"o", "p", "a"}
        assert answers["a"] == {"afterSaleChanged": {"eventId": last, "order": {"id": ids.encode("or", wanted)}}}


# Counters -------------------------------------------------------------------------------------------

COUNTERS = """subscription($store: ID, $after: ID) { storeCounters(store: $store, after: $after) {
  eventId date store { outId } orders revenue { amount } refunds refunded { amount } visits newMembers } }"""


async def test_counters_of_a_store_are_the_sums_of_today(here: Live) -> None:
    _, handle = await here.person()
    store = await here.store("SH-AFL")
    order = await here.order(handle, store="SH-AFL")
    first = await here.tell("order.paid", store="SH-AFL", amount_fen=1000)
    await here.tell("order.paid", store="SH-AFL", amount_fen=5, is_test=True)
    await here.tell("order.paid", store="HZ-HB", amount_fen=7)
    async with here.socket() as socket:
        await socket.subscribe(COUNTERS, store=store)
        start = (await socket.next())["storeCounters"]
        assert (start["orders"], start["revenue"]["amount"]) == (1, 1000)
        await follows(here, 1)
        await here.tell("qr.scan", store="SH-AFL")
        await here.tell("member.created", store="SH-AFL")
        await here.tell("order.paid", store="HZ-HB", amount_fen=7)
        yesterday = here.gateway.clock.now() - timedelta(days=1)
        await here.tell("order.paid", store="SH-AFL", amount_fen=9, occurred_at=yesterday)
        # The store of a refund is that of its order.
        await here.tell("after_sale.completed", order_ref=order, amount_fen=300)
        last = await here.tell("order.paid", order_ref=order, amount_fen=500)
        seen = [(await socket.next())["storeCounters"] for _ in range(4)]
        assert [(c["orders"], c["refunds"], c["visits"], c["newMembers"]) for c in seen] == [
            (1, 0, 1, 0), (1, 0, 1, 1), (1, 1, 1, 1), (2, 1, 1, 1)
        ]  # fmt: skip
        assert seen[-1]["revenue"]["amount"] == 1500
        assert seen[-1]["refunded"]["amount"] == 300
        assert seen[-1]["eventId"] == last
        # Resuming counts on from there, to the same figures.
        await socket.subscribe(COUNTERS, id="again", store=store, after=first)
        assert [(await socket.next())["storeCounters"] for _ in range(4)] == seen


# What it costs --------------------------------------------------------------------------------------


async def test_an_event_costs_one_read_and_one_execution_for_all_who_ask_the_same(here: Live) -> None:
    _, handle = await here.person()
    document = 'subscription { memberActivity(kinds: ["lead"]) { eventId kind } }'
    async with here.socket() as one, here.socket() as two:
        for number in range(20):
            await one.subscribe(document, id=f"a{number}")
            await two.subscribe(document, id=f"b{number}")
        await follows(here, 40)
        await until(lambda: all(each.waiting for each in here.gateway.services.feed._followers))
        ran = here_plans(here)["compiled"]
        await here.gateway.worker.stop()
        async with here.database.write() as connection:
            fact = Fact(
                kind="lead", occurred_at=here.gateway.clock.now(), source="own", source_key="cost", identity=handle
            )
            await append_facts(connection, [fact])
        statements = here.database.statements
        for _ in range(20):
            await one.receive()
            await two.receive()
        assert here.database.statements - statements <= 2, "the read that found it, and perhaps the next look"
        assert here_plans(here)["compiled"] - ran == 1
        assert here_plans(here)["fallback"] == 0


async def test_sessions_of_all_who_are_concerned_are_asked_at_once(here: Live) -> None:
    _, handle = await here.person()
    tokens = [await here.login(handle) for _ in range(5)]
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(here.socket(FRONTEND, token)) for token in tokens]
        for client in clients:
            await client.subscribe(LEADS)
        await follows(here, 5)
        await until(lambda: all(each.waiting for each in here.gateway.services.feed._followers))
        await here.gateway.worker.stop()
        asked: list[int] = []
        auth = here.gateway.auth
        plain = auth.principals

        async def counted(shown: Any, now: Any) -> Any:
            asked.append(len(shown))
            return await plain(shown, now)

        auth.principals = counted  # type: ignore[method-assign]
        await here.tell("lead", identity=handle)
        for client in clients:
            await client.receive()
        assert asked == [5]


def here_plans(here: Live) -> Any:
    return sockets(here).operations.route.plans.counts  # type: ignore[attr-defined]


# Slow, and gone -------------------------------------------------------------------------------------


async def test_who_falls_behind_is_told_and_can_go_on(open_live: OpenLive) -> None:
    """The client reads nothing while more happens than is kept and than fits on the wire."""
    here = await open_live(backlog=20, stall_seconds=20)
    _, handle = await here.person("林" * 20_000)
    document = 'subscription($after: ID) { memberActivity(kinds: ["lead"], after: $after) { eventId member { name } } }'
    async with here.socket() as socket:
        await socket.subscribe(document)
        await follows(here, 1)
        socket.connection.transport.pause_reading()
        told = [await here.tell("lead", identity=handle) for _ in range(300)]
        socket.connection.transport.resume_reading()
        seen = []
        while (message := await socket.receive())["type"] == "next":
            seen.append(message["payload"]["data"]["memberActivity"]["eventId"])
        assert message["payload"][0]["extensions"]["code"] == "SUBSCRIPTION_TOO_SLOW"
        assert 0 < len(seen) < 300
        assert seen == told[: len(seen)]
        await follows(here, 0)
        assert len(here.gateway.services.feed.kept) <= 20

        await socket.subscribe(document, after=seen[-1])
        assert [(await socket.next())["memberActivity"]["eventId"] for _ in told[len(seen) :]] == told[len(seen) :]


async def test_who_takes_nothing_at_all_is_closed(open_live: OpenLive) -> None:
    here = await open_live(stall_seconds=0.2)
    _, handle = await here.person("林" * 20_000)
    async with here.socket() as socket:
        await socket.subscribe(MINE)
        await follows(here, 1)
        socket.connection.transport.pause_reading()
        for _ in range(300):
            await here.tell("lead", identity=handle)
            if not len(here.gateway.services.feed):
                break
        await follows(here, 0)
        await until(lambda: not sockets(here).open)  # type: ignore[attr-defined]


def _kept() -> int:
    """What a subscription is made of, in this process: other tests may hold some of theirs."""
    gc.collect()
    ours = ("Follower", "Stream", "_Socket", "Who")
    return sum(
        type(each).__name__ in ours and type(each).__module__.startswith("gateway.") for each in gc.get_objects()
    )


async def test_nothing_is_left_of_clients_who_left(here: Live) -> None:
    before = _kept()
    _, handle = await here.person()
    feed = here.gateway.services.feed

    async def visit() -> None:
        async with here.socket() as socket:
            for number in range(5):
                await socket.subscribe(MINE, id=str(number))
            await follows(here, 5)
            await here.tell("lead", identity=handle)
            for _ in range(5):
                await socket.receive()
        await follows(here, 0)

    await visit()
    await until(lambda: feed._task is None)
    tasks = len(asyncio.all_tasks())
    for _ in range(5):
        await visit()
    await until(lambda: len(asyncio.all_tasks()) <= tasks)

    await until(lambda: _kept() <= before)
    assert len(feed.crowd) == 0
    assert not any(feed._by_kind.values())
