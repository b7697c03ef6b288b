"""Exports: over the graph, gated by consent, masked, sealed on the disk, resumable, gone when their time is over."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from gateway.access.principal import Forbidden, Principal
from gateway.bulk.exporting import (
    EXPIRE_JOB,
    JOB,
    ExportExpired,
    Exporting,
    ExportNotReady,
    ExportRefused,
    ExportUnknown,
)
from gateway.database import Database
from gateway.database.tables.bulk import export_run
from gateway.database.tables.facts import fact
from gateway.database.tables.jobs import job as job_table
from gateway.database.tables.members import member
from gateway.events.projector import Projector
from gateway.jobs import Handlers, Queue, Worker
from gateway.members.gate import Gate
from gateway.members.graph import IdentityGraph
from gateway.settings import Exports, Reach
from tests.databases import ManualClock
from tests.gateway.bulk.conftest import EXAMPLES, Import

HQ = Principal("headquarters", "hq", frozenset({"bulk", "members:read"}))


class Plain:
    """Stands for the graph where it makes no difference: says of each node its native id."""

    def __init__(self) -> None:
        self.pages = 0
        self.fail_at: int | None = None

    def fault(self, type_name: str, selection: str) -> str | None:
        return f"{type_name} has no {selection}" if "nothing" in selection else None

    async def nodes(
        self, caller: Principal, code: str, type_name: str, selection: str, ids: Sequence[str]
    ) -> Sequence[Mapping[str, Any] | None]:
        self.pages += 1
        if self.pages == self.fail_at:
            raise RuntimeError("killed here")
        return [{"id": each, "as": caller.id} for each in ids]


class Exports_:
    def __init__(self, database: Database, clock: ManualClock, folder: Path, *, page: int = 2) -> None:
        self.database, self.clock, self.folder = database, clock, folder
        self.plain = Plain()
        queue = Queue(database, clock)
        projector = Projector(database, IdentityGraph(database, clock), clock, "op2018")
        settings = Exports(folder=str(folder), hours=2)
        self.exporting = Exporting(projector, queue, settings, self.plain, Gate(projector, Reach()), page=page)
        handlers = Handlers()
        handlers.add(JOB, self.exporting.handle, versions={1})
        handlers.add(EXPIRE_JOB, self.exporting.expire, versions={1})
        self.worker = Worker(queue, handlers)

    async def create(self, kind: str = "MEMBERS", purpose: str = "SERVICE", **filters: Any) -> str:
        return await self.exporting.create(HQ, kind, filters=filters, selection="", purpose=purpose)

    async def read(self, job_id: str, caller: Principal = HQ) -> list[dict[str, Any]]:
        found = await self.exporting.of_job(job_id)
        assert found is not None
        data = b"".join(await self.exporting.content(caller, found.id))
        return [json.loads(line) for line in data.splitlines()]


@pytest.fixture
async def stage(database: Database, clock: ManualClock, tmp_path: Path, import_file: Import) -> Exports_:
    await import_file("members", EXAMPLES / "members.csv")
    await import_file("members", EXAMPLES / "members.jsonl")
    await import_file("tickets", EXAMPLES / "tickets.csv")
    return Exports_(database, clock, tmp_path / "exports")


async def ids(database: Database, *where: Any) -> list[str]:
    return [row.id for row in await database.fetch(select(member.c.id).where(*where).order_by(member.c.id))]


async def test_members_in_order_and_what_became_of_them(stage: Exports_) -> None:
    job_id = await stage.create()
    await stage.worker.drain()
    done = await stage.exporting.of_job(job_id)
    assert done is not None
    assert (done.rows, done.refused, done.done, done.total) == (5, 0, 5, 5)
    assert done.expires_at == stage.clock.now() + timedelta(hours=2)
    assert [line["id"] for line in await stage.read(job_id)] == await ids(stage.database)
    filtered = await stage.create(level=3)
    await stage.worker.drain()
    assert [line["id"] for line in await stage.read(filtered)] == await ids(stage.database, member.c.level == 3)


async def test_who_does_not_allow_the_purpose_is_left_out_and_told(stage: Exports_) -> None:
    allowed = await ids(stage.database, member.c.out_id == "00100001")
    job_id = await stage.create(purpose="MARKETING")
    await stage.worker.drain()
    assert [line["id"] for line in await stage.read(job_id)] == allowed
    done = await stage.exporting.of_job(job_id)
    assert done is not None
    assert (done.rows, done.refused) == (1, 4)
    refusals = await stage.database.fetch(select(fact).where(fact.c.kind == "export.refused"))
    assert {row.member for row in refusals} == set(await ids(stage.database)) - set(allowed)
    assert {(row.reason, row.payload["purpose"]) for row in refusals} == {("NO_CONSENT", "MARKETING")}


async def test_orders_and_facts_follow_their_members_answers(stage: Exports_) -> None:
    orders = await stage.create("ORDERS", purpose="MARKETING")
    facts = await stage.create("FACTS", purpose="MARKETING", before=stage.clock.now())
    await stage.worker.drain()
    # One is of a member who allows it, the other of nobody known.
    assert [line["id"] for line in await stage.read(orders)] == [
        "POS:pos:T20251111-0001",
        "POS:pos:T20251111-0002",
    ]
    told = await stage.read(facts)
    [lin] = await ids(stage.database, member.c.out_id == "00100001")
    assert {line["member"] for line in told} == {lin, None}
    assert sum(line["amount_fen"] for line in told if line["kind"] == "order.paid") == 115790


async def test_a_failed_page_is_written_once_all_the_same(stage: Exports_) -> None:
    stage.plain.fail_at = 2
    job_id = await stage.create()
    await stage.worker.drain()
    done = await stage.exporting.of_job(job_id)
    assert done is not None
    assert (done.rows, done.finished_at) == (2, None)
    with pytest.raises(ExportNotReady):
        await stage.exporting.content(HQ, done.id)
    # What a killed process wrote after its last checkpoint is cut off.
    path = stage.folder / f"{done.id}.sealed"
    path.write_bytes(path.read_bytes() + b"\x00\x00\x00\x05torn")
    stage.clock.advance(hours=1)
    await stage.worker.drain()
    assert [line["id"] for line in await stage.read(job_id)] == await ids(stage.database)


async def test_nothing_of_it_can_be_read_on_the_disk(stage: Exports_) -> None:
    job_id = await stage.create()
    await stage.worker.drain()
    done = await stage.exporting.of_job(job_id)
    assert done is not None
    path = stage.folder / f"{done.id}.sealed"
    content = path.read_bytes()
    assert all(each.encode() not in content for each in await ids(stage.database))
    assert path.stat().st_mode & 0o077 == 0


async def test_when_its_time_is_over_the_file_goes(stage: Exports_) -> None:
    job_id = await stage.create()
    await stage.worker.drain()
    done = await stage.exporting.of_job(job_id)
    assert done is not None
    stage.clock.advance(hours=2)
    with pytest.raises(ExportExpired):
        await stage.exporting.content(HQ, done.id)
    await stage.worker.drain()
    assert list(stage.folder.iterdir()) == []
    row = await stage.database.one(select(export_run.c.deleted_at))
    assert row is not None
    assert row.deleted_at == stage.clock.now()


async def test_who_may_ask_and_fetch(stage: Exports_) -> None:
    job_id = await stage.create()
    await stage.worker.drain()
    done = await stage.exporting.of_job(job_id)
    assert done is not None
    with pytest.raises(ExportUnknown):
        await stage.exporting.content(Principal("other", "hq", HQ.scopes), done.id)
    for scopes in ({"members:read"}, {"bulk"}):
        with pytest.raises(Forbidden):
            await stage.exporting.create(
                Principal("p", "partner", frozenset(scopes)), "MEMBERS", filters={}, selection="", purpose="SERVICE"
            )
    for kind, filters, selection in (
        ("MEMBERS", {"store": "S1"}, ""),
        ("MEMBERS", {}, "nothing"),
        ("FACTS", {}, "id"),
    ):
        with pytest.raises(ExportRefused):
            await stage.exporting.create(HQ, kind, filters=filters, selection=selection, purpose="SERVICE")
    assert len(await stage.database.fetch(select(export_run))) == 1


async def test_a_lost_file_parks_the_job(stage: Exports_) -> None:
    job_id = await stage.create()
    async with stage.database.write() as connection:
        await connection.execute(update(export_run).values(byte_length=10))
    await stage.worker.drain()
    row = await stage.database.one(select(job_table).where(job_table.c.id == job_id))
    assert row is not None
    assert (row.state, row.error_code) == ("PARKED", "EXPORT_FILE_LOST")
