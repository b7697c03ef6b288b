"""Erasure (删除权, 个人信息保护法 art. 47): a job that takes a person out of everything that the gateway keeps.

Asking for it ends the person's sessions at once. A minute later, when no request of theirs can be under way any more,
the job waits for open transactions (an unpaid order closes by itself), deletes the member's objects in the brand's
own bucket, and then does the rest in one transaction, table by table as ``gateway.members.holdings`` says: rows are
deleted, what law makes a retailer keep is sealed, facts lose their tie to the person, and the data keys are
destroyed. A second pass ninety seconds later takes what another process may still have written with a key it had in
memory.

Every step can be repeated, and a second request for the same member is the first one.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, func, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.cloud_storage import LIST_LIMIT, CloudStorageAdapter
from adapters.ip_content import IpContentAdapter
from gateway.database import Fact, UtcDateTime, append_facts, insert_new, upsert
from gateway.database.engine import Database
from gateway.database.keystore import destroy_keys
from gateway.database.reading import Fetch, chunks
from gateway.database.tables.facts import fact
from gateway.database.tables.files import file_ledger
from gateway.database.tables.keys import data_key
from gateway.database.tables.members import member, session
from gateway.database.tables.privacy import erased_handle, erasure
from gateway.database.tables.projections import payment, purchase
from gateway.database.tables.sagas import saga
from gateway.events.erased import handle_text
from gateway.events.projections import payments
from gateway.events.projections.cloud_storage import member_prefix
from gateway.jobs import Handlers, PostponeJob, Queue, RunningJob
from gateway.members import audiences, rummage, sealing
from gateway.members.family import present_id, present_ids
from gateway.members.graph import lock
from gateway.members.holdings import HOLDINGS, Erase, Holding
from gateway.members.person import Person, among, gather
from gateway.members.platforms import BEYOND
from gateway.runtime import OpenTools, ToolNotConfigured
from gateway.settings import Privacy

JOB: Final = "member.erase"
#: Longer than any request that began before the sessions ended.
PAUSE: Final = timedelta(minutes=1)
#: How soon open transactions are looked at again.
SOON: Final = timedelta(minutes=1)
#: Longer than any process keeps an unwrapped key (see ``Keyring``).
SWEEP: Final = timedelta(seconds=90)
#: States in which a transaction still moves by itself. NEEDS_ATTENTION is for people and is listed in the report.
_OPEN: Final = ("RUNNING", "AWAITING_PAYMENT", "COMPLETING", "COMPENSATING")
#: Facts that bills and queries tell again and again: their keys hold numbers of trade and nothing of the person.
_TRADE: Final = ("order.", "payment.", "refund.", "after_sale.", "stock.")
#: The tombstone keeps these.
_TOMBSTONE: Final = frozenset({"id", "created_at", "updated_at", "merged_into", "merged_at", "erased_at"})


@dataclass(frozen=True, slots=True)
class ErasureRecord:
    """An erasure as it stands. ``report`` is None until the data is erased."""

    id: str
    state: str
    requested_at: datetime
    erased_at: datetime | None
    finished_at: datetime | None
    report: Mapping[str, Any] | None


class Erasures:
    """Takes requests, and carries them out as jobs. Safe with any number of processes."""

    def __init__(self, database: Database, queue: Queue, tools: OpenTools, member_files: str, terms: Privacy) -> None:
        self._database = database
        self._queue = queue
        self._tools = tools
        self._member_files = member_files
        self._terms = terms

    def register(self, handlers: Handlers) -> None:
        """Add the job's handler."""
        handlers.add(JOB, self._handle, versions={1})

    # Asking ---------------------------------------------------------------------------------------

    async def request(self, member_id: str, by: str) -> ErasureRecord | None:
        """Have a member erased; the erasure, or None for an unknown member. ``by`` is SHOPPER or a principal's id."""
        earlier = await self._earlier(member_id)
        if earlier is not None:
            return earlier
        present = await present_id(self._database.fetch, member_id)
        if present is None:
            return None
        person = await gather(self._database, self._database.fetch, present)
        now, erasure_id = self._database.clock.now(), secrets.token_hex(16)
        async with self._database.write() as connection:
            for where in among(session.c.identity, person.identities):
                await connection.execute(delete(session).where(where))
            job = await self._queue.put(connection, JOB, 1, {"id": erasure_id}, key=present, run_at=now + PAUSE)
            row = {"id": erasure_id, "member": present, "requested_at": now, "requested_by": by}
            row |= {"state": "QUEUED", "job": job}
            new = await insert_new(connection, erasure, [row], keys=("member",))
            if new:
                await append_facts(connection, [_told("privacy.erasure_requested", erasure_id, now, by)])
        # Of two requests at once the first one counts, for both.
        return await self._earlier(present)

    async def _earlier(self, member_id: str) -> ErasureRecord | None:
        ids = {member_id, *(await present_ids(self._database.fetch, [member_id])).values()}
        found = await self._database.one(select(erasure).where(erasure.c.member.in_(ids)))
        return None if found is None else _record(found)

    async def get(self, erasure_id: str) -> ErasureRecord | None:
        """An erasure by its id."""
        row = await self._database.one(select(erasure).where(erasure.c.id == erasure_id))
        return None if row is None else _record(row)

    # The job --------------------------------------------------------------------------------------

    async def _handle(self, job: RunningJob) -> None:
        row = await self._database.one(select(erasure).where(erasure.c.id == job.payload["id"]))
        if row is None or row.state == "DONE":
            return
        if row.state == "SWEEPING":
            await self._sweep(job, row)
            return
        person = await gather(self._database, self._database.fetch, row.member)
        seen = await rummage.search(self._database, person)
        opened = await self._open_transactions(self._database.fetch, person) + seen.busy
        # A file that holds the person has to be at the platform before they can be taken out there.
        opened += await audiences.under_way(self._database, person)
        await self._wait(job, row.id, opened)
        await self._set(row.id, state="FILES")
        files = await self._delete_objects(job, person)
        uploads, left = await self._delete_uploads(person)
        if uploads:
            files = uploads + (files or 0)
        draws = await self._cut_draws(person)
        left_audiences = await audiences.take_out_erased(self._database, self._tools, person)
        await self._prepare_archive(person)
        await self._erase(row.id, person, seen, {"files": files, "draws": draws, "audiences": left_audiences}, left)
        await job.progress(1, 2, "erased; a second pass follows")
        raise PostponeJob(self._database.clock.now() + SWEEP)

    async def _open_transactions(self, fetch: Fetch, person: Person) -> int:
        opened = 0
        for where in among(saga.c.id, person.sagas):
            opened += len(await fetch(select(saga.c.id).where(where, saga.c.state.in_(_OPEN))))
        # While a grant lives, an object can come after all of them were deleted.
        for where in among(file_ledger.c.member, person.members):
            granted = select(file_ledger.c.id).where(where, file_ledger.c.expires_at > self._database.clock.now())
            opened += len(await fetch(granted))
        return opened

    async def _wait(self, job: RunningJob, erasure_id: str, opened: int) -> None:
        if opened:
            await self._set(erasure_id, state="WAITING")
            await job.progress(0, 2, f"waits for {opened} open transactions and notifications")
            raise PostponeJob(self._database.clock.now() + SOON)

    async def _delete_objects(self, job: RunningJob, person: Person) -> int | None:
        """Delete the objects of every unionid's folder; None where the brand has no such bucket."""
        try:
            bucket = self._tools.named(CloudStorageAdapter, self._member_files)
        except ToolNotConfigured:
            return None
        deleted = 0
        for unionid in person.values("UNIONID"):
            while page := (await bucket.objects(member_prefix(unionid), None, LIST_LIMIT)).items:
                for refused in await bucket.delete_many([each.key for each in page]):
                    if refused is not None:
                        raise refused
                deleted += len(page)
                await job.progress(0, 2, f"{deleted} objects deleted")
        return deleted

    async def _delete_uploads(self, person: Person) -> tuple[int, Mapping[str, Sequence[str]]]:
        """Delete the objects of the ledger of files, whose rows go with the other tables.

        Returns their number, and by bucket the keys of those that the brand gives us no access to any more.
        """
        keys: dict[str, list[str]] = {}
        for where in among(file_ledger.c.member, person.members):
            unswept = select(file_ledger.c.bucket, file_ledger.c.key).where(where, file_ledger.c.swept_at.is_(None))
            for row in await self._database.fetch(unswept.order_by(file_ledger.c.id)):
                keys.setdefault(row.bucket, []).append(row.key)
        deleted, left = 0, {}
        for account, mine in keys.items():
            try:
                bucket = self._tools.get(CloudStorageAdapter, account)
            except ToolNotConfigured:
                left[account] = mine
                continue
            for refused in await bucket.delete_many(mine):
                if refused is not None:
                    raise refused
            deleted += len(mine)
        return deleted, left

    async def _cut_draws(self, person: Person) -> int:
        cut = 0
        for adapter in self._tools.all(IpContentAdapter):
            for unionid in person.values("UNIONID"):
                cut += await adapter.forget(unionid)
        return cut

    async def _prepare_archive(self, person: Person) -> None:
        """Make the archive keys that sealing will need, before its transaction."""
        dates = [self._database.clock.now()]
        for where in among(purchase.c.id, person.purchases):
            rows = await self._database.fetch(select(purchase.c.created_at).where(where))
            dates += [row.created_at for row in rows]
        for where in among(payment.c.out_trade_no, person.trades):
            dates += [row.at for row in await self._database.fetch(select(payment.c.at).where(where))]
        keys = sealing.archive_keys(min(dates), self._database.clock.now(), self._terms)
        await self._database.keyring.ensure(*keys)

    async def _erase(
        self,
        erasure_id: str,
        person: Person,
        seen: rummage.Seen,
        outside: Mapping[str, Any],
        left: Mapping[str, Sequence[str]],
    ) -> None:
        now = self._database.clock.now()
        attention = await self._needing_attention(person)
        async with self._database.write() as connection:
            await lock(connection)

            async def fetch(statement: Any) -> Sequence[Any]:
                return (await connection.execute(statement)).all()

            # Again, and now for good: somebody may have been linked since.
            found, person = person, await gather(self._database, fetch, person.id)
            person.webhooks, person.jobs = found.webhooks, found.jobs
            await rummage.mark(fetch, person, seen)
            if await self._open_transactions(fetch, person) or seen.busy:
                raise PostponeJob(now + SOON)
            await self._remember_handles(connection, person, now)
            tables = await self._clear(connection, person, now)
            keys = await destroy_keys(connection, person.homes, now)
            report = {"tables": tables, "keysDestroyed": keys, **outside, "transactionsNeedingAttention": attention}
            report["platforms"] = [*self._platforms(), *map(_left_in, left.items())]
            values = {"state": "SWEEPING", "erased_at": now, "report": report}
            values["subjects"] = {
                "members": person.members,
                "homes": person.homes,
                "identities": person.identities,
                "purchases": person.purchases,
                "sagas": person.sagas,
            }
            await connection.execute(update(erasure).where(erasure.c.id == erasure_id).values(**values))
            await append_facts(connection, [_told("privacy.erased", erasure_id, now, None)])
        self._database.keyring.forget(person.homes)
        await self._database.forget_deleted(data_key)

    async def _needing_attention(self, person: Person) -> list[str]:
        """Transactions that a person must look at; after the erasure only their numbers are left."""
        found: list[str] = []
        for where in among(saga.c.id, person.sagas):
            rows = await self._database.fetch(select(saga.c.id).where(where, saga.c.state == "NEEDS_ATTENTION"))
            found += [row.id for row in rows]
        return found

    async def _remember_handles(self, connection: AsyncConnection, person: Person, now: datetime) -> None:
        until = now + timedelta(days=366 * self._terms.erased_handle_years)
        hashes = {handle_text(*each) for each in person.handles}
        rows = [{"hash": each, "erased_at": now, "until": until} for each in sorted(hashes)]
        await upsert(connection, erased_handle, rows, keys=("hash",))

    async def _clear(self, connection: AsyncConnection, person: Person, now: datetime) -> list[dict[str, Any]]:
        """Do what the holdings say; one entry of the report per table that had rows."""
        found = []
        # One random name for the facts of one person. It is stored nowhere else, so that nothing leads back.
        pseudonym = f"erased-{secrets.token_hex(14)}"
        for holding in HOLDINGS:
            entry = await self._clear_table(connection, holding, person, pseudonym, now)
            if entry["rows"]:
                found.append(entry)
        for identities in chunks(person.identities):
            await payments.without(connection, identities, [])
        for purchases in chunks(person.purchases):
            await payments.without(connection, [], purchases)
        return found

    async def _clear_table(
        self, connection: AsyncConnection, holding: Holding, person: Person, pseudonym: str, now: datetime
    ) -> dict[str, Any]:
        entry: dict[str, Any] = {"table": holding.table.name, "action": str(holding.erase), "rows": 0}
        conditions = [] if holding.of is None else holding.of(person)
        if holding.erase is Erase.SEAL and holding.sealing is not None:
            sealed = await sealing.seal(connection, self._database, holding, person, self._terms)
            until = None if sealed.until is None else sealed.until.isoformat()
            ground = sealing.GROUNDS[holding.sealing.record_class]
            return entry | {"rows": sealed.rows, "ground": ground, "until": until}
        for where in conditions:
            if holding.erase is Erase.DELETE:
                result = await connection.execute(delete(holding.table).where(where))
            elif holding.erase is Erase.EMPTY:
                result = await connection.execute(update(holding.table).where(where).values(**_emptied(now)))
            else:
                entry["rows"] += await _unlink(connection, where, pseudonym)
                continue
            entry["rows"] += result.rowcount
        return entry

    def _platforms(self) -> list[dict[str, str]]:
        """What is beyond our reach, of the tools that this brand runs."""
        used = {tool for tool, _, _ in self._tools.items()}
        return [
            {"tool": tool, "title": each.title, "holds": each.holds, "ask": each.ask, "brand": each.brand}
            for tool, each in BEYOND.items()
            if tool in used
        ]

    async def _sweep(self, job: RunningJob, row: Any) -> None:
        """The same again by the ids alone, for rows that came in between; then the ids are forgotten too."""
        person = Person(
            members=row.subjects["members"],
            homes=row.subjects["homes"],
            identities=row.subjects["identities"],
            purchases=row.subjects["purchases"],
            sagas=row.subjects["sagas"],
        )
        await self._prepare_archive(person)
        late: Counter[str] = Counter()
        async with self._database.write() as connection:
            for entry in await self._clear(connection, person, self._database.clock.now()):
                if entry["action"] != Erase.EMPTY:
                    late[entry["table"]] += entry["rows"]
            await destroy_keys(connection, person.homes, self._database.clock.now())
            values = {
                "state": "DONE",
                "finished_at": self._database.clock.now(),
                "subjects": None,
                "report": {**row.report, "secondPass": dict(late)},
            }
            await connection.execute(update(erasure).where(erasure.c.id == row.id).values(**values))
            await job.complete(connection)
        await self._database.forget_deleted(data_key)

    async def _set(self, erasure_id: str, **values: Any) -> None:
        async with self._database.write() as connection:
            await connection.execute(update(erasure).where(erasure.c.id == erasure_id).values(**values))


def _left_in(found: tuple[str, Sequence[str]]) -> dict[str, str]:
    """Objects of a bucket that is not configured any more: nobody knows them when the ledger's rows are gone."""
    bucket, keys = found
    title = BEYOND["cloud_storage"]
    return {
        "tool": "cloud_storage",
        "title": title.title,
        "holds": f"{len(keys)} files in the bucket {bucket}, which this gateway has no account for any more",
        "ask": title.ask,
        "brand": f"delete in {bucket}: {', '.join(keys)}",
    }


def _emptied(now: datetime) -> dict[str, Any]:
    """The tombstone: every value that says something is taken out."""
    empty = {column.name: None for column in member.columns if column.name not in _TOMBSTONE}
    return {**empty, "updated_at": now, "erased_at": func.coalesce(member.c.erased_at, literal(now, UtcDateTime))}


async def _unlink(connection: AsyncConnection, where: Any, pseudonym: str) -> int:
    """Give facts the pseudonym in place of their member.

    Keys of facts hold our ids of the person, or names of their files; they become random, except those of trade, which
    hold numbers of orders only and keep a bill that is read again from being counted twice.
    """
    rows = (await connection.execute(select(fact.c.id, fact.c.kind).where(where))).all()
    for row in rows:
        values: dict[str, Any] = {"member": pseudonym, "identity": None}
        if not row.kind.startswith(_TRADE):
            values["source_key"] = secrets.token_bytes(32)
        await connection.execute(update(fact).where(fact.c.id == row.id).values(**values))
    return len(rows)


def _told(kind: str, erasure_id: str, now: datetime, by: str | None) -> Fact:
    """For the audit; it names no member."""
    return Fact(kind=kind, occurred_at=now, source="own", source_key=erasure_id, reason=by)


def _record(row: Any) -> ErasureRecord:
    return ErasureRecord(row.id, row.state, row.requested_at, row.erased_at, row.finished_at, row.report)
