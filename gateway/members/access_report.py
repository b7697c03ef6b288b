"""Access reports (查阅、复制, 个人信息保护法 art. 45): everything that is stored of a member, as one JSON document.

A job reads every table that ``gateway.members.holdings`` declares and keeps the document sealed under the member's own
data key until it expires, so that erasing the member erases it too. Asking for it and handing it out are facts.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import orjson
from sqlalchemy import LargeBinary, delete, select, update

from gateway.database import Fact, append_facts
from gateway.database.engine import Database
from gateway.database.keyring import Erased
from gateway.database.tables.privacy import access_report
from gateway.database.types import KeyedHash
from gateway.jobs import Handlers, Queue, RunningJob
from gateway.members import rummage
from gateway.members.family import present_id
from gateway.members.holdings import HOLDINGS, Holding
from gateway.members.person import Person, gather
from gateway.members.platforms import BEYOND
from gateway.runtime import OpenTools
from gateway.settings import Privacy

JOB: Final = "member.access_report"
FORMAT: Final = "retail-gateway/access-report/1"

_RIGHTS: Final = {
    "correction": "更正、补充 (art. 46): ask the brand, or correct the value at the platform that it comes from",
    "deletion": "删除 (art. 47): mutation memberErase",
    "withdrawal": "撤回同意 (art. 15): mutation consentRecord with given: false",
    "explanation": "解释说明 (art. 48): docs/data-protection.md",
}
_DECISIONS: Final = (
    "自动化决策 (art. 24): the gateway sets no price and refuses no transaction by a person's profile; prices and "
    "coupons follow the same rules for everybody."
)


@dataclass(frozen=True, slots=True)
class ReportRecord:
    """An access report as it stands; the document is read apart, with ``document``."""

    id: str
    member: str
    state: str
    requested_at: datetime
    ready_at: datetime | None
    expires_at: datetime


class AccessReports:
    """Takes requests, writes the documents as jobs, and hands them out."""

    def __init__(self, database: Database, queue: Queue, tools: OpenTools, terms: Privacy) -> None:
        self._database = database
        self._queue = queue
        self._tools = tools
        self._terms = terms

    def register(self, handlers: Handlers) -> None:
        """Add the job's handler."""
        handlers.add(JOB, self._handle, versions={1})

    async def request(self, member_id: str, by: str) -> ReportRecord | None:
        """Have a report written; one that is under way or has not expired is the answer to a second request.

        None for an unknown or erased member.
        """
        present = await present_id(self._database.fetch, member_id)
        if present is None:
            return None
        await self._database.keyring.ensure(present)
        now, report_id = self._database.clock.now(), secrets.token_hex(16)
        current = (
            select(access_report)
            .where(access_report.c.member == present, access_report.c.expires_at > now)
            .order_by(access_report.c.expires_at.desc())
            .limit(1)
        )
        async with self._database.write() as connection:
            earlier = (await connection.execute(current)).one_or_none()
            if earlier is not None:
                return _record(earlier)
            row = {"id": report_id, "member": present, "requested_at": now, "requested_by": by, "state": "QUEUED"}
            row["job"] = await self._queue.put(connection, JOB, 1, {"id": report_id}, key=report_id)
            row["expires_at"] = now + timedelta(days=self._terms.report_days)
            await connection.execute(access_report.insert().values(**row))
            told = _told("privacy.report_requested", report_id, now, present, by)
            await append_facts(connection, [told], clock=self._database.clock)
        return await self.get(report_id)

    async def get(self, report_id: str) -> ReportRecord | None:
        """A report that has not expired."""
        now = self._database.clock.now()
        columns = [column for column in access_report.columns if column.name != "document"]
        row = await self._database.one(
            select(*columns).where(access_report.c.id == report_id, access_report.c.expires_at > now)
        )
        return None if row is None else _record(row)

    async def document(self, report: ReportRecord, by: str) -> str | None:
        """The document as JSON text; None while it is not ready. That it was handed out is a fact."""
        row = await self._database.one(select(access_report.c.document).where(access_report.c.id == report.id))
        if row is None or not row.document:
            return None
        now = self._database.clock.now()
        key = f"{report.id}:{secrets.token_hex(8)}"
        async with self._database.write() as connection:
            told = _told("privacy.report_read", key, now, report.member, by)
            await append_facts(connection, [told], clock=self._database.clock)
        text: str = row.document
        return text

    async def _handle(self, job: RunningJob) -> None:
        report = await self.get(job.payload["id"])
        if report is None or report.state == "READY":
            return
        if await present_id(self._database.fetch, report.member) is None:
            async with self._database.write() as connection:
                await connection.execute(delete(access_report).where(access_report.c.id == report.id))
                await job.complete(connection)
            return
        document = await self._write(job, report.member)
        sealed = self._database.keyring.seal(document, subject=report.member)
        async with self._database.write() as connection:
            values = {"state": "READY", "ready_at": self._database.clock.now(), "document": sealed}
            await connection.execute(update(access_report).where(access_report.c.id == report.id).values(**values))
            await job.complete(connection)

    async def _write(self, job: RunningJob, member_id: str) -> str:
        person = await gather(
            self._database, self._database.fetch, await present_id(self._database.fetch, member_id) or ""
        )
        self._database.keyring.prime(person.homes)
        await rummage.search(self._database, person)
        parts = []
        for number, holding in enumerate(HOLDINGS, 1):
            part = await self._part(holding, person)
            if part is not None:
                parts.append(part)
            await job.progress(number, len(HOLDINGS))
        used = {tool for tool, _, _ in self._tools.items()}
        return orjson.dumps(
            {
                "format": FORMAT,
                "generatedAt": self._database.clock.now().isoformat(),
                "member": person.id,
                "formerIds": person.members[1:],
                "holdings": parts,
                "platforms": [
                    {"tool": tool, "title": each.title, "holds": each.holds, "ask": each.ask}
                    for tool, each in BEYOND.items()
                    if tool in used
                ],
                "automatedDecisions": _DECISIONS,
                "rights": _RIGHTS,
            }
        ).decode()

    async def _part(self, holding: Holding, person: Person) -> Mapping[str, Any] | None:
        """One table: what it is for, and the person's rows; None for a table that keeps nothing of persons' own."""
        if holding.of is None:
            return None
        rows: list[dict[str, Any]] = []
        seen: set[tuple[Any, ...]] = set()
        keys = [column.name for column in holding.table.primary_key]
        for where in holding.of(person):
            for row in await self._database.fetch(select(*_shown(holding)).where(where)):
                values = {str(name): _plain(value) for name, value in zip(row._fields, row, strict=True)}
                key = tuple(str(values.get(name)) for name in keys)
                # A fact may be found by its member and by its identity.
                if key not in seen or not set(keys) <= values.keys():
                    seen.add(key)
                    rows.append(values)
        return {
            "table": holding.table.name,
            "title": holding.title,
            "what": holding.what,
            "purpose": holding.purpose,
            "ground": str(holding.ground),
            "kept": holding.kept,
            "seenBy": holding.seen_by,
            "rows": rows,
        }


def _shown(holding: Holding) -> list[Any]:
    """Columns with content: hashes say nothing to anybody."""
    return [
        column
        for column in holding.table.columns
        if column.name not in holding.unreported and not isinstance(column.type, KeyedHash | LargeBinary)
    ]


def _plain(value: object) -> object:
    if isinstance(value, Erased):
        return None
    return value.isoformat() if isinstance(value, datetime | date) else value


def _told(kind: str, key: str, now: datetime, member: str, by: str) -> Fact:
    return Fact(kind=kind, occurred_at=now, source="own", source_key=key, member=member, reason=by)


def _record(row: Any) -> ReportRecord:
    return ReportRecord(row.id, row.member, row.state, row.requested_at, row.ready_at, row.expires_at)
