"""Erasure, table by table: one person goes, another stays as they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import LargeBinary, func, select, type_coerce

from gateway.database import ERASED, Database
from gateway.database.errors import SubjectErased
from gateway.database.rotation import sealed_columns
from gateway.database.schema import metadata
from gateway.database.tables.facts import fact
from gateway.database.tables.keys import data_key
from gateway.database.tables.members import identity, member, session
from gateway.database.tables.privacy import erased_handle, erasure, sealed_record
from gateway.database.tables.sagas import saga
from gateway.events.erased import erased, unless_erased
from gateway.events.projector import Evidence, Handle, Linked, Projector
from gateway.jobs import Handlers, Queue, Worker
from gateway.members.erasure import PAUSE, SOON, SWEEP, Erasures
from gateway.members.graph import IdentityGraph
from gateway.members.holdings import HOLDINGS, Erase
from gateway.members.person import gather
from gateway.runtime import OpenTools, Quotas
from gateway.runtime.counts import SqlCounts
from gateway.settings import Privacy
from tests.databases import ManualClock
from tests.gateway.privacy.planting import Planted, counts, plant

ISSUER = "op2018"


@dataclass(slots=True)
class House:
    """A database with two persons, and what erases one of them."""

    database: Database
    clock: ManualClock
    queue: Queue
    worker: Worker
    erasures: Erasures
    projector: Projector
    gone: Planted
    stays: Planted

    async def link(self, *evidence: Evidence) -> Sequence[Linked]:
        async with self.projector.batch(evidence) as batch:
            return batch.linked

    async def erase(self) -> str:
        """The whole of it; the erasure's id."""
        record = await self.erasures.request(self.gone.member, "hq")
        assert record is not None
        for wait in (PAUSE, SWEEP):
            self.clock.advance(seconds=wait.total_seconds() + 1)
            await self.worker.drain()
        return record.id


@pytest.fixture
async def house(database: Database, clock: ManualClock) -> House:
    queue = Queue(database, clock)
    handlers = Handlers()
    tools = OpenTools({}, {}, Quotas(clock, {}, SqlCounts(database)))
    erasures = Erasures(database, queue, tools, "members", Privacy())
    erasures.register(handlers)
    worker = Worker(queue, handlers, clock=clock)
    projector = Projector(database, IdentityGraph(database, clock), clock, ISSUER)
    people = []
    for number, name in enumerate(("GONE", "STAYS")):
        openid, unionid, phone = f"oOpenidOf{name}", f"uUnionidOf{name}", f"1390013800{number}"
        handles = (Handle("OPENID", "wxapp1", openid), Handle("UNIONID", ISSUER, unionid))
        async with projector.batch([Evidence(handles, "test.source", clock.now())]) as batch:
            linked = batch.linked[0]
        rows = await database.fetch(select(identity.c.id).where(identity.c.member == linked.member))
        person = Planted(name, linked.member, [row.id for row in rows], openid, unionid, phone)
        await plant(database, person)
        people.append(person)
    return House(database, clock, queue, worker, erasures, projector, *people)


async def cells(database: Database) -> set[bytes]:
    """Every sealed cell that is stored."""
    found: set[bytes] = set()
    for table in metadata.sorted_tables:
        for column in sealed_columns(table):
            rows = await database.fetch(select(type_coerce(column, LargeBinary).label("cell")))
            found |= {bytes(row.cell) for row in rows if row.cell}
    return found


async def test_one_person_goes_and_the_other_stays_as_they_were(house: House) -> None:
    database = house.database
    gone = await gather(database, database.fetch, house.gone.member)
    stays = await gather(database, database.fetch, house.stays.member)
    # Rows that only searching finds.
    before = await counts(database, stays)
    assert {name for name, rows in (await counts(database, gone)).items() if not rows} <= {"inbox", "job"}
    old = {row.subject: row.wrapped for row in await database.fetch(select(data_key))}
    identifying = {database.keyring.hash(value, "identity") for value in (house.gone.openid, house.gone.unionid)}
    sealed_before = await cells(database)

    await house.erase()

    row = await database.one(select(erasure))
    assert row is not None
    assert (row.state, row.subjects, row.report["secondPass"]) == ("DONE", None, {})
    actions = {each["table"]: each["action"] for each in row.report["tables"]}
    # Sessions end when it is asked for.
    assert actions == {each.table.name: str(each.erase) for each in HOLDINGS if each.of and each.table != session}
    assert await counts(database, stays) == before
    after = await counts(database, gone)
    assert {name: rows for name, rows in after.items() if rows} == {"member": 1}

    # Nobody's cell opens as one of theirs, and no hash of theirs is left anywhere.
    left = await cells(database)
    opened = [database.keyring.unseal(cell) for cell in left]
    for secret in (*house.gone.secrets, house.gone.openid, house.gone.unionid, house.gone.phone):
        assert not [data for data in opened if data is not ERASED and secret.encode() in data], secret
    found = await database.fetch(select(identity.c.value_hash))
    assert identifying.isdisjoint({bytes(row.value_hash) for row in found})
    tombstone = await database.one(select(member).where(member.c.id == house.gone.member))
    assert tombstone is not None
    kept = {"id", "created_at", "updated_at", "erased_at"}
    assert {name for name, value in tombstone._mapping.items() if value is not None} == kept

    # The key is destroyed for good: not even a new one is made for this subject.
    destroyed = await database.one(select(data_key).where(data_key.c.subject == house.gone.member))
    assert destroyed is not None
    assert destroyed.wrapped is None
    await database.keyring.ensure(house.gone.member)
    with pytest.raises(SubjectErased):
        database.keyring.seal("again", subject=house.gone.member)

    if database.is_sqlite:
        path = Path(database.url.path)
        stored = b"".join(each.read_bytes() for each in path.parent.glob(path.name + "*"))
        assert old[house.gone.member] not in stored
        # Ciphertexts of deleted rows are overwritten too, in the file and in its log.
        theirs = [cell for cell in sealed_before - left if cell in stored]
        assert theirs == []


async def test_sealed_rows_name_nobody_and_end_with_their_term(house: House) -> None:
    database = house.database
    await house.erase()
    rows = await database.fetch(select(sealed_record))
    kept = {row.kind: row for row in rows}
    assert set(kept) == {each.table.name for each in HOLDINGS if each.erase is Erase.SEAL}
    assert kept["payment"].record["out_trade_no"] == "RGGONE0000000001"
    assert kept["purchase"].record["payable"] == 1
    assert {"identity", "receiver", "pickup_code", "tracking"}.isdisjoint(kept["purchase"].record)
    # The order was last changed on 2025-11-11; an accounting term begins with the year after the payment.
    assert (kept["purchase"].class_, kept["purchase"].until) == ("TRANSACTION", date(2028, 11, 11))
    assert (kept["payment"].class_, kept["payment"].until) == ("ACCOUNTING", date(2056, 1, 1))
    person = house.gone
    for row in rows:
        for text in (*person.secrets, person.openid, person.unionid, person.phone, person.member, *person.identities):
            assert text not in str(row.record)


async def test_facts_stay_and_lead_to_nobody(house: House) -> None:
    database = house.database
    facts = (await database.one(select(func.count().label("n")).select_from(fact))).n  # type: ignore[union-attr]
    keys = {row.source_key for row in await database.fetch(select(fact.c.source_key))}
    await house.erase()
    rows = await database.fetch(select(fact))
    told = [row for row in rows if row.kind.startswith("privacy.")]
    assert [row.kind for row in told] == ["privacy.erasure_requested", "privacy.erased"]
    assert [(row.member, row.identity) for row in told] == [(None, None)] * 2
    assert len(rows) - len(told) == facts
    theirs = {row.member for row in rows if row.member and row.member.startswith("erased-")}
    assert len(theirs) == 1
    unlinked = [row for row in rows if row.member in theirs]
    assert len(unlinked) == 4  # created, two handles, and the planted one
    assert {row.identity for row in unlinked} == {None}
    assert keys.isdisjoint({row.source_key for row in unlinked})


async def test_asking_twice_is_asking_once(house: House) -> None:
    first = await house.erasures.request(house.gone.member, "SHOPPER")
    again = await house.erasures.request(house.gone.member, "hq")
    assert first is not None
    assert again == first
    await house.erase()
    done = await house.erasures.request(house.gone.member, "hq")
    assert done is not None
    assert (done.id, done.state) == (first.id, "DONE")
    assert await house.erasures.request("00000000-0000-7000-8000-000000000000", "hq") is None


async def test_it_waits_for_an_open_transaction(house: House) -> None:
    database = house.database
    async with database.write() as connection:
        await connection.execute(saga.update().where(saga.c.id == house.gone.saga).values(state="AWAITING_PAYMENT"))
    record = await house.erasures.request(house.gone.member, "SHOPPER")
    assert record is not None
    house.clock.advance(seconds=PAUSE.total_seconds() + 1)
    await house.worker.drain()
    waiting = await house.erasures.get(record.id)
    assert waiting is not None
    assert (waiting.state, waiting.report) == ("WAITING", None)
    assert (await database.one(select(identity.c.id).where(identity.c.member == house.gone.member))) is not None

    async with database.write() as connection:
        await connection.execute(saga.update().where(saga.c.id == house.gone.saga).values(state="COMPENSATED"))
    house.clock.advance(seconds=SOON.total_seconds() + 1)
    await house.worker.drain()
    erased = await house.erasures.get(record.id)
    assert erased is not None
    assert erased.state == "SWEEPING"


async def test_the_past_does_not_come_back_and_a_new_contact_is_a_new_member(house: House) -> None:
    person = house.gone
    old = Evidence(
        (Handle("OPENID", "wxapp1", person.openid), Handle("UNIONID", ISSUER, person.unionid)),
        "test.poll",
        house.clock.now(),
    )
    other = Evidence((Handle("OPENID", "wxapp1", house.stays.openid),), "test.poll", house.clock.now())
    await house.erase()
    assert await erased(house.projector, [old, other]) == [True, False]
    assert (await unless_erased(house.projector, ["old", "other"], [old, other]))[0] == ["other"]

    new = Evidence(old.handles, "test.login", house.clock.now() + timedelta(minutes=1))
    assert await erased(house.projector, [new]) == [False]
    # Undated: only once the handle leads to a member again.
    assert await erased(house.projector, [new], [None]) == [True]
    [linked] = await house.link(new)
    assert linked.member != person.member
    assert await erased(house.projector, [new], [None]) == [False]
    assert await erased(house.projector, [old]) == [True]
    hashes = await house.database.fetch(select(erased_handle.c.hash))
    assert len(hashes) == 2
