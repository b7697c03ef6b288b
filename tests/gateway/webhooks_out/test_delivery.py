"""Events reach their endpoint: signed, in order, again and again until they are taken, and each of them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from standardwebhooks import Webhook, WebhookVerificationError

from gateway.database.tables.jobs import job
from gateway.database.tables.webhooks import webhook_delivery, webhook_endpoint, webhook_replay
from gateway.events.horizon import START
from gateway.webhooks.endpoints import Wish
from gateway.webhooks.records import WebhookRefused
from tests.gateway.webhooks_out.conftest import OpenStage, Stage, principal
from tests.gateway.webhooks_out.receiver import Received, Receiver


def reasons(receiver: Receiver) -> list[str]:
    return [each.value["data"]["event"]["reason"] for each in receiver.seen]


async def test_what_is_sent_is_what_the_library_of_the_standard_verifies(stage: Stage, receiver: Receiver) -> None:
    await stage.happen("before the endpoint was made")
    async with asyncio.timeout(30):
        # On PostgreSQL other transactions hold it back for a moment, and it would count as happening now.
        while await stage.gateway.services.webhooks.log.horizon.head() == START:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    _, secret = await stage.endpoint(receiver.url)
    await stage.happen("after")

    await stage.until(lambda: bool(receiver.seen))

    [request] = receiver.seen
    body: Any = Webhook(secret).verify(request.body, request.headers)
    [row] = await stage.deliveries()
    assert body["type"] == "lead"
    assert body["timestamp"].endswith("Z")
    assert body["data"]["event"]["reason"] == "after"
    assert request.id == body["data"]["event"]["eventId"] == row.event
    assert (row.state, row.attempts, row.status, row.code, row.next_at) == ("DELIVERED", 1, 204, None, None)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(request.body + b" ", request.headers)


async def test_both_secrets_are_valid_for_a_time(stage: Stage, receiver: Receiver) -> None:
    made, old = await stage.endpoint(receiver.url)
    _, new = await stage.endpoints.rotate(principal(), made.id, 24)
    assert old != new
    await stage.happen("one")
    await stage.until(lambda: len(receiver.seen) == 1)
    for secret in (old, new):
        Webhook(secret).verify(receiver.seen[0].body, receiver.seen[0].headers)

    stage.later(hours=25)
    await stage.happen("two")
    await stage.until(lambda: len(receiver.seen) == 2)

    Webhook(new).verify(receiver.seen[1].body, receiver.seen[1].headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(receiver.seen[1].body, receiver.seen[1].headers)


async def test_secrets_and_urls_are_sealed(stage: Stage, receiver: Receiver) -> None:
    made, secret = await stage.endpoint(receiver.url + "?token=shh")
    async with stage.database.write() as connection:
        raw = (await connection.exec_driver_sql("SELECT * FROM webhook_endpoint")).one()
    assert made.id in raw
    assert secret not in str(raw)
    assert "shh" not in str(raw)
    assert "shh" not in repr(made)


async def test_in_order_per_entity_whatever_fails(stage: Stage, receiver: Receiver) -> None:
    """The first event of one ad fails twice: those after it wait, those of other ads do not."""
    await stage.endpoint(receiver.url)
    failures = {"a1": 2, "b2": 1}
    taken: defaultdict[str, list[str]] = defaultdict(list)

    def reply(request: Received) -> int:
        reason = request.value["data"]["event"]["reason"]
        if failures.get(reason, 0):
            failures[reason] -= 1
            return 503
        taken[reason[0]].append(reason)
        return 200

    receiver.reply = reply
    for number in (1, 2, 3):
        for ad in "abc":
            await stage.happen(f"{ad}{number}", ad=ad)
    await stage.until(lambda: taken["c"] == ["c1", "c2", "c3"])
    assert taken["a"] == []
    assert taken["b"] == ["b1"]
    async with asyncio.timeout(60):
        while len(taken["a"]) < 3 or len(taken["b"]) < 3:
            stage.later(minutes=10)
            await stage.drain()

    assert dict(taken) == {ad: [f"{ad}{number}" for number in (1, 2, 3)] for ad in "abc"}
    assert [row.attempts for row in await stage.deliveries()] == [3, 1, 1, 1, 2, 1, 1, 1, 1]


async def test_one_event_that_is_never_taken_is_parked_and_retried_on_demand(
    open_stage: OpenStage, receiver: Receiver
) -> None:
    stage = await open_stage(attempts=3)
    made, _ = await stage.endpoint(receiver.url)
    receiver.reply = lambda request: 500 if request.value["data"]["event"]["reason"] == "bad" else 204
    await stage.happen("bad", "good", ad="one")
    await stage.until(lambda: len(receiver.seen) == 1)
    [first, _] = await stage.deliveries()
    assert (first.state, first.attempts, first.status, first.code) == ("PENDING", 1, 500, "WEBHOOK_STATUS")
    waits = first.next_at - first.attempted_at
    assert timedelta(seconds=5) <= waits <= timedelta(seconds=7.5)
    for _ in range(2):
        stage.later(hours=1)
        await stage.drain()

    assert reasons(receiver) == ["bad", "bad", "bad", "good"]
    assert await stage.states() == ["PARKED", "DELIVERED"]
    stage.later(days=1)
    await stage.drain()
    assert len(receiver.seen) == 4

    receiver.reply = lambda _: 204
    [parked, _] = await stage.deliveries()
    again = await stage.endpoints.retry(principal(), parked.id)
    assert (again.state, again.attempts) == ("PENDING", 0)
    await stage.drain()

    assert reasons(receiver)[4:] == ["bad"]
    assert await stage.states() == ["DELIVERED", "DELIVERED"]
    assert receiver.seen[4].id == receiver.seen[0].id
    assert (await stage.endpoints.get(principal(), made.id)).failing_since is None


async def test_a_receiver_may_ask_for_a_pause(stage: Stage, receiver: Receiver) -> None:
    await stage.endpoint(receiver.url)
    receiver.reply, receiver.extra = (lambda _: 429), {"retry-after": "3600"}
    await stage.happen("one")
    await stage.until(lambda: len(receiver.seen) == 1)
    [row] = await stage.deliveries()
    assert row.next_at - row.attempted_at == timedelta(hours=1)
    retried = await stage.endpoints.retry(principal(), row.id)
    assert retried.state == "PENDING"
    await stage.drain()
    assert len(receiver.seen) == 2


async def test_an_endpoint_is_disabled_after_days_of_failure_and_goes_on_where_it_was(
    stage: Stage, receiver: Receiver
) -> None:
    made, _ = await stage.endpoint(receiver.url)
    receiver.reply = lambda _: 500
    await stage.happen("one")
    await stage.until(lambda: len(receiver.seen) == 1)
    endpoint = await stage.endpoints.get(principal(), made.id)
    assert (endpoint.state, endpoint.failing_since is not None) == ("ENABLED", True)
    stage.later(hours=73)
    await stage.drain()
    endpoint = await stage.endpoints.get(principal(), made.id)
    assert (endpoint.state, endpoint.code) == ("DISABLED", "WEBHOOK_ENDPOINT_FAILING")
    await stage.happen("two")
    stage.later(days=1)
    await stage.drain()
    assert len(receiver.seen) == 2

    receiver.reply = lambda _: 204
    endpoint = await stage.endpoints.change(principal(), made.id, Wish(enabled=True))
    assert (endpoint.state, endpoint.code, endpoint.failing_since) == ("ENABLED", None, None)
    await stage.until(lambda: len(receiver.seen) == 4)

    assert reasons(receiver) == ["one", "one", "one", "two"]
    assert await stage.states() == ["DELIVERED", "DELIVERED"]


async def test_gone_disables_at_once(stage: Stage, receiver: Receiver) -> None:
    made, _ = await stage.endpoint(receiver.url)
    receiver.reply = lambda _: 410
    await stage.happen("one")
    await stage.until(lambda: len(receiver.seen) == 1)
    endpoint = await stage.endpoints.get(principal(), made.id)
    assert (endpoint.state, endpoint.code) == ("DISABLED", "WEBHOOK_ENDPOINT_GONE")


async def test_a_paused_endpoint_misses_nothing(stage: Stage, receiver: Receiver) -> None:
    made, _ = await stage.endpoint(receiver.url)
    await stage.endpoints.change(principal(), made.id, Wish(enabled=False))
    await stage.happen("one", "two")
    await stage.drain()
    assert await stage.deliveries() == []
    await stage.endpoints.change(principal(), made.id, Wish(enabled=True))
    await stage.until(lambda: len(receiver.seen) == 2)
    assert sorted(reasons(receiver)) == ["one", "two"]


async def test_the_log_is_the_queue_of_an_endpoint_that_is_down(open_stage: OpenStage, receiver: Receiver) -> None:
    """No more rows than the window has, and everything arrives in the end, once each."""
    stage = await open_stage(window=6, in_flight=2)
    await stage.endpoint(receiver.url)
    receiver.reply = lambda _: 500
    names = [f"n{number:02}" for number in range(20)]
    for name in names:
        await stage.happen(name)
    await stage.until(lambda: len(receiver.seen) >= 6)
    stage.later(seconds=10)
    await stage.drain()
    assert len(await stage.deliveries()) == 6

    receiver.reply, failed = (lambda _: 204), len(receiver.seen)
    async with asyncio.timeout(60):
        while len(receiver.seen) - failed < 20:
            stage.later(minutes=1)
            await stage.drain()

    assert sorted(reasons(receiver)[failed:]) == names
    assert await stage.states() == ["DELIVERED"] * 20


async def test_a_poisonous_entity_does_not_hold_the_others_up(open_stage: OpenStage, receiver: Receiver) -> None:
    stage = await open_stage(in_flight=1)
    await stage.endpoint(receiver.url)
    receiver.reply = lambda request: 500 if request.value["data"]["event"]["reason"] == "bad" else 204
    await stage.happen(*["bad"] * 5, ad="one")
    await stage.happen("good", "fine")
    await stage.until(lambda: len(receiver.seen) >= 3)
    assert reasons(receiver) == ["bad", "good", "fine"]


async def test_a_slow_endpoint_does_not_hold_the_others_up(
    open_stage: OpenStage, receiver: Receiver, other: Receiver
) -> None:
    """Every event is for both. One receiver answers none; the other has all of its own meanwhile."""
    stage = await open_stage(in_flight=3, timeout=60.0)
    await stage.endpoint(receiver.url)
    await stage.endpoint(other.url, caller="crm")
    released = asyncio.Event()
    most = now = 0

    async def slow(_: Received) -> int:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await released.wait()
        now -= 1
        return 204

    receiver.reply = slow
    await stage.gateway.services.webhooks.start()
    stage.gateway.worker.start()
    for number in range(12):
        await stage.happen(f"n{number}")
    async with asyncio.timeout(30):
        while len(other.seen) < 12:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert (now, len(receiver.seen)) == (3, 3)
    released.set()
    async with asyncio.timeout(30):
        while len(receiver.seen) < 12:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await stage.gateway.services.webhooks.stop()
    await stage.gateway.worker.stop()
    assert most == 3
    assert sorted(reasons(receiver)) == sorted(reasons(other)) == sorted(f"n{number}" for number in range(12))


async def test_replay_by_cursor(stage: Stage, receiver: Receiver) -> None:
    made, _ = await stage.endpoint(receiver.url)
    await stage.happen("one", "two", "three", "four", ad="same")
    await stage.until(lambda: len(receiver.seen) == 4)
    ids = [each.id for each in receiver.seen]

    replay = await stage.endpoints.replay(principal(), made.id, ids[0], ids[2])
    assert replay.finished_at is None
    await stage.until(lambda: len(receiver.seen) == 6)

    assert reasons(receiver)[4:] == ["two", "three"]
    assert [each.id for each in receiver.seen[4:]] == ids[1:3]
    found = await stage.endpoints.replay_by_id(principal(), replay.id)
    assert (found.events, found.finished_at is not None) == (2, True)
    [*_, last] = await stage.deliveries()
    assert last.replay == replay.id

    await stage.endpoints.replay(principal(), made.id, None, None)
    await stage.until(lambda: len(receiver.seen) == 10)
    assert [each.id for each in receiver.seen[6:]] == ids
    await stage.happen("five", ad="same")
    await stage.until(lambda: len(receiver.seen) == 11)
    assert reasons(receiver)[10:] == ["five"]
    with pytest.raises(WebhookRefused) as refused:
        await stage.endpoints.replay(principal(), made.id, "0" * 26, None)
    assert refused.value.code == "WEBHOOK_EVENT_UNKNOWN"


async def test_a_replay_that_is_longer_than_the_window(open_stage: OpenStage, receiver: Receiver) -> None:
    stage = await open_stage(window=4, in_flight=2)
    made, _ = await stage.endpoint(receiver.url)
    for number in range(10):
        await stage.happen(f"n{number}")
    await stage.until(lambda: len(receiver.seen) == 10)
    await stage.endpoints.replay(principal(), made.id, None, None)
    await stage.until(lambda: len(receiver.seen) == 20)
    assert sorted(reasons(receiver)[10:]) == [f"n{number}" for number in range(10)]


async def test_deleting_takes_everything_along(stage: Stage, receiver: Receiver) -> None:
    made, _ = await stage.endpoint(receiver.url)
    receiver.reply = lambda _: 500
    await stage.happen("one")
    await stage.until(lambda: len(receiver.seen) == 1)
    await stage.endpoints.replay(principal(), made.id, None, None)
    await stage.endpoints.delete(principal(), made.id)
    stage.later(days=1)
    await stage.drain()
    for table in (webhook_endpoint, webhook_delivery, webhook_replay):
        assert await stage.database.fetch(select(table)) == []
    assert len(receiver.seen) == 1


async def test_a_delivery_whose_job_was_cancelled_is_parked(stage: Stage, receiver: Receiver) -> None:
    await stage.endpoint(receiver.url)
    receiver.reply = lambda _: 500
    await stage.happen("one")
    await stage.until(lambda: len(receiver.seen) == 1)
    [row] = await stage.deliveries()
    assert await stage.gateway.services.queue.cancel(row.job)
    await stage.gateway.services.webhooks.start()
    await stage.drain()
    await stage.gateway.services.webhooks.stop()
    [row] = await stage.deliveries()
    assert (row.state, row.code) == ("PARKED", "WEBHOOK_JOB_ENDED")


async def test_what_died_between_its_commit_and_the_look_at_the_log_is_found(stage: Stage, receiver: Receiver) -> None:
    """Nobody looks at the log but the watch; and it is one row, whatever number of times it runs."""
    await stage.endpoint(receiver.url)
    await stage.happen("one")
    await stage.gateway.services.webhooks.start()
    await stage.gateway.services.webhooks.stop()
    async with asyncio.timeout(30):
        while not receiver.seen:
            await stage.gateway.worker.drain()
            stage.later(seconds=31)
    assert reasons(receiver) == ["one"]
    watches = await stage.database.fetch(select(job.c.state).where(job.c.kind == "webhooks.watch"))
    assert [row.state for row in watches] == ["QUEUED"]


async def test_a_second_pass_over_the_same_place_queues_nothing_twice(stage: Stage, receiver: Receiver) -> None:
    """As when a worker lost its lease: both read the same page, and one of them moves the cursor."""
    await stage.endpoint(receiver.url)
    await stage.happen(*[f"n{number}" for number in range(4)])
    fan_out = stage.gateway.services.webhooks.fan_out
    async with asyncio.timeout(30):
        while len(await stage.deliveries()) < 4:
            await asyncio.gather(fan_out.advance(), fan_out.advance(), fan_out.advance())
    await stage.drain()
    assert sorted(reasons(receiver)) == ["n0", "n1", "n2", "n3"]


async def test_the_owner_is_asked_anew_each_time(stage: Stage, receiver: Receiver) -> None:
    """A key that was taken out of the settings gets nothing any more."""
    made, _ = await stage.endpoint(receiver.url)
    async with stage.database.write() as connection:
        await connection.execute(update(webhook_endpoint).values(owner="gone"))
    await stage.happen("one")
    await stage.drain()
    async with asyncio.timeout(30):
        while (await stage.database.one(select(webhook_endpoint.c.state))).state == "ENABLED":  # type: ignore[union-attr]
            await stage.drain()
    row = await stage.database.one(select(webhook_endpoint).where(webhook_endpoint.c.id == made.id))
    assert row is not None
    assert (row.state, row.code) == ("DISABLED", "WEBHOOK_OWNER_UNKNOWN")
    assert receiver.seen == []
