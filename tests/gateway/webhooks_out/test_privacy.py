"""Personal data in payloads: masked as for the owner, withheld without consent, never sent of who was erased."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from gateway.bulk.reading import Source
from gateway.database.tables.members import member
from gateway.database.tables.webhooks import webhook_delivery
from gateway.members.consent import Purpose
from gateway.webhooks.records import WebhookRefused
from tests.gateway.webhooks_out.conftest import Stage, principal
from tests.gateway.webhooks_out.receiver import Receiver

PHONE = "13800001234"


@pytest.fixture
async def shopper(stage: Stage, tmp_path: Path) -> str:
    """A member with a phone; returns the id."""
    path = tmp_path / "members.csv"
    path.write_text(f"out_id,phone,name\nM1,{PHONE},林晓雯\n", "utf-8")
    await stage.gateway.services.importing.enqueue("members", Source(path, "csv"), rejects=tmp_path / "rejects")
    await stage.gateway.worker.drain()
    row = await stage.database.one(select(member.c.id))
    assert row is not None
    return str(row.id)


def phones(receiver: Receiver) -> list[Any]:
    return [each.value["data"]["event"]["member"]["phone"] for each in receiver.seen]


async def test_masked_as_for_the_owner(stage: Stage, shopper: str, receiver: Receiver, other: Receiver) -> None:
    await stage.endpoint(receiver.url)
    await stage.endpoint(other.url, caller="hq")
    await stage.happen("one", member=shopper)
    await stage.until(lambda: bool(receiver.seen and other.seen))
    assert phones(other) == [PHONE]
    assert len(phones(receiver)) == 1
    assert PHONE not in receiver.seen[0].body.decode()


async def test_who_does_not_allow_the_purpose_is_withheld(stage: Stage, shopper: str, receiver: Receiver) -> None:
    await stage.endpoint(receiver.url, purpose=Purpose.MARKETING)
    await stage.happen("of a member", member=shopper)
    await stage.happen("of nobody")
    await stage.until(lambda: bool(receiver.seen))
    async with asyncio.timeout(30):
        while "PENDING" in await stage.states():
            await stage.drain()
    [about, _] = await stage.deliveries()
    assert (about.state, about.code, about.attempts) == ("WITHHELD", "NO_CONSENT", 0)
    assert [each.value["data"]["event"]["reason"] for each in receiver.seen] == ["of nobody"]
    with pytest.raises(WebhookRefused) as refused:
        await stage.endpoints.retry(principal(), about.id)
    assert refused.value.code == "WEBHOOK_DELIVERY_WITHHELD"


async def test_nothing_of_the_erased_is_sent_queued_or_replayed(stage: Stage, shopper: str, receiver: Receiver) -> None:
    made, _ = await stage.endpoint(receiver.url)
    receiver.reply = lambda _: 503
    await stage.happen("one", member=shopper)
    await stage.happen("two", member=shopper)
    await stage.happen("of nobody")
    await stage.until(lambda: len(receiver.seen) == 2)
    sent = {each.id: each.value["data"]["event"]["member"] for each in receiver.seen}
    assert [each["id"] for each in sent.values() if each]
    assert len(await stage.deliveries()) == 3

    await stage.gateway.services.erasures.request(shopper, "hq")
    rows = 3
    async with asyncio.timeout(60):
        while rows > 1:
            stage.later(minutes=2)
            await stage.gateway.worker.drain()
            rows = len(await stage.deliveries())
    receiver.reply, before = (lambda _: 204), len(receiver.seen)
    stage.later(days=1)
    await stage.until(lambda: len(receiver.seen) > before)
    await stage.endpoints.replay(principal(), made.id, None, None)
    await stage.until(lambda: len(receiver.seen) > before + 1)

    assert [each.value["data"]["event"]["reason"] for each in receiver.seen[before:]] == ["of nobody"] * 2
    assert await stage.database.fetch(select(webhook_delivery).where(webhook_delivery.c.member.is_not(None))) == []
    data = await stage.ask(
        "query ($id: ID!) { event(id: $id) { kind } }", id=next(id_ for id_, who in sent.items() if who)
    )
    assert data == {"event": None}


async def test_records_of_deliveries_are_kept_for_a_term(stage: Stage, receiver: Receiver) -> None:
    await stage.endpoint(receiver.url)
    await stage.happen("one")
    await stage.until(lambda: bool(receiver.seen))
    await stage.gateway.retention.schedule()
    stage.later(days=29)
    await stage.gateway.worker.drain()
    assert await stage.states() == ["DELIVERED"]
    stage.gateway.clock.advance(timedelta(days=3))
    await stage.gateway.worker.drain()
    assert await stage.states() == []
