"""Files in object storage: scoped, short grants to upload, and the ledger of what became of them.

    begun = await files.begin(principal, wanted, idempotency_key)   # a grant; the client uploads to the platform
    done = await files.commit(principal, begun.id)                  # compared with what the platform holds

Bytes never pass through here. A row is PENDING until it is committed; when its grant ends before that, the sweep
deletes what was uploaded. The ledger says DELETED before the object goes, so that none is promised that is not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import and_, select, update

from adapters.base.errors import NotFound, UpstreamError
from adapters.cloud_storage import CloudStorageAdapter
from adapters.cloud_storage.records import ObjectHead, Permission
from gateway.access.principal import Principal
from gateway.database.engine import Database
from gateway.database.statements import insert_new
from gateway.database.tables.files import file_ledger
from gateway.database.tables.members import member as member_table
from gateway.database.ulid import Ulids
from gateway.jobs import Handlers, Queue, Recurring, RunningJob
from gateway.members.family import present_ids
from gateway.runtime import OpenTools, ToolNotConfigured
from gateway.transactions.actions import scope_of
from gateway.transactions.idempotency import Claim, Idempotency, canonical
from gateway.transactions.problems import in_flight, problem
from gateway.transactions.records import Problem

MUTATION: Final = "fileUploadBegin"
SWEEP_JOB: Final = "files.sweep"
#: How long a grant lives: the least that STS gives to a temporary key.
GRANT_SECONDS: Final = 900
#: Our own limit of one file.
MOST_BYTES: Final = 100 * 1024**2
#: Files per statement of the sweep.
SLICE: Final = 100
#: What may be uploaded for which purpose; all of them are about a member.
TYPES: Final[Mapping[str, frozenset[str]]] = {
    "INVOICE": frozenset({"application/pdf", "image/jpeg", "image/png"}),
    "PICTURE": frozenset({"image/jpeg", "image/png", "image/webp"}),
}
WAYS: Final = ("POST_POLICY", "PRESIGNED_PUT", "TEMPORARY_KEY")


class Wanted(msgspec.Struct, frozen=True):
    """What the client wants to upload. ``size`` is bytes, ``crc64`` unsigned decimal text."""

    purpose: str
    member: str
    content_type: str
    size: int
    how: str
    crc64: str | None = None


class Grant(msgspec.Struct, frozen=True):
    """How to upload. ``url`` and ``fields`` (of a form) or ``headers`` (of a PUT), or ``key`` of STS.

    Whoever holds it can upload this one object until it ends.
    """

    how: str
    url: str = ""
    fields: dict[str, str] = {}
    headers: dict[str, str] = {}
    key: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"Grant({self.how})"


class Begun(msgspec.Struct, frozen=True):
    """A PENDING file and the grant to upload it, which ends at ``expires_at``, UTC."""

    id: str
    bucket: str
    key: str
    expires_at: datetime
    grant: Grant


class Filed(msgspec.Struct, frozen=True):
    """A file of the ledger. ``size`` is bytes."""

    id: str
    state: str
    size: int
    content_type: str
    crc64: str | None
    etag: str | None


class Files:
    """The ledger. Safe with any number of processes."""

    def __init__(self, database: Database, queue: Queue, tools: OpenTools, alias: str) -> None:
        self._database = database
        self._tools = tools
        self._alias = alias
        self._clock = database.clock
        self._ulids = Ulids(database.clock)
        self._idempotency = Idempotency(database)
        #: Deletes what was uploaded and never committed.
        self.sweeping = Recurring(queue, SWEEP_JOB, self._sweep_job, every=timedelta(minutes=10))

    def register(self, handlers: Handlers) -> None:
        """Add the sweep."""
        self.sweeping.register(handlers)

    async def begin(self, principal: Principal, wanted: Wanted, idempotency_key: str) -> Begun | Problem:
        """A file that may be uploaded. The same key and input again answer the very same grant.

        Problems: BAD_USER_INPUT, MEMBER_UNKNOWN, IDEMPOTENCY_MISMATCH, FILE_GRANT_EXPIRED and the platform's own.
        Raises Forbidden without the scope members:write, unless it is the shopper's own file.
        """
        _require(principal, wanted.member)
        refusal = _refusal(wanted)
        if refusal is not None:
            return Problem("BAD_USER_INPUT", refusal)
        claim = Claim(scope_of(principal), MUTATION, idempotency_key, canonical(wanted))
        earlier = await self._idempotency.earlier(claim, self._clock.now())
        if earlier is not None and not earlier.same:
            return Problem(
                "IDEMPOTENCY_MISMATCH",
                f"This idempotencyKey was used for another {MUTATION}; make a new key for a new request.",
            )
        try:
            if earlier is not None:
                return await self._granted(earlier.ids["file"])
            return await self._new(principal, wanted, claim)
        except (UpstreamError, ToolNotConfigured) as error:
            return problem(error)

    async def _new(self, principal: Principal, wanted: Wanted, claim: Claim) -> Begun | Problem:
        bucket = self._tools.named(CloudStorageAdapter, self._alias)
        present = (await present_ids(self._database.fetch, [wanted.member])).get(wanted.member)
        alive = select(member_table.c.id).where(member_table.c.id == present, member_table.c.erased_at.is_(None))
        if present is None or await self._database.one(alive) is None:
            return Problem("MEMBER_UNKNOWN", "There is no such member.")
        now, file_id = self._clock.now(), self._ulids.next()
        row = {
            "id": file_id,
            "bucket": bucket.account,
            "key": f"uploads/{wanted.purpose.lower()}/{file_id}",
            "purpose": wanted.purpose,
            "member": present,
            "size": wanted.size,
            "content_type": wanted.content_type,
            "crc64": wanted.crc64,
            "state": "PENDING",
            "how": wanted.how,
            "asked_by": claim.scope,
            "created_at": now,
            "expires_at": now + timedelta(seconds=GRANT_SECONDS),
        }
        claim_id = self._ulids.next()
        async with self._database.write() as connection:
            if not await self._idempotency.claim(connection, claim, claim_id, {"file": file_id}, now, result=MUTATION):
                return in_flight()
            await insert_new(connection, file_ledger, [row], keys=("id",))
            await self._idempotency.done(connection, claim_id)
        return await self._granted(file_id)

    async def _granted(self, file_id: str) -> Begun | Problem:
        """The file's one grant, made now if its process died, or its platform failed, before it was."""
        row = await self._row(file_id)
        if row is not None and row.grant is None and row.state == "PENDING" and self._clock.now() < row.expires_at:
            grant, expires_at = await self._make(row)
            async with self._database.write() as connection:
                # Of two at once the first one counts, for both.
                await connection.execute(
                    update(file_ledger)
                    .where(file_ledger.c.id == file_id, file_ledger.c.grant.is_(None), file_ledger.c.state == "PENDING")
                    .values(
                        grant=self._database.keyring.seal(msgspec.json.encode(grant).decode()), expires_at=expires_at
                    )
                )
            row = await self._row(file_id)
        if row is None or row.grant is None or row.state != "PENDING" or self._clock.now() >= row.expires_at:
            return Problem("FILE_GRANT_EXPIRED", "The grant of this request is over; begin again with a new key.")
        return Begun(row.id, row.bucket, row.key, row.expires_at, msgspec.json.decode(row.grant, type=Grant))

    async def _make(self, row: Any) -> tuple[Grant, datetime]:
        bucket = self._tools.get(CloudStorageAdapter, row.bucket)
        if row.how == "TEMPORARY_KEY":
            lent = await bucket.temporary_key(row.key, Permission.WRITE, expires_in=GRANT_SECONDS)
            key = {
                "secretId": lent.secret_id,
                "secretKey": lent.secret_key.reveal(),
                "token": lent.token.reveal(),
                "region": lent.region,
            }
            return Grant(row.how, key=key), lent.expires_at
        expires_at = self._clock.now() + timedelta(seconds=GRANT_SECONDS)
        if row.how == "POST_POLICY":
            form = bucket.upload_form(
                row.key,
                expires_in=GRANT_SECONDS,
                max_bytes=row.size,
                min_bytes=row.size,
                content_type_prefix=row.content_type,
            )
            return Grant(row.how, form.url, dict(form.fields)), form.expires_at
        url = bucket.presigned_put(
            row.key, expires_in=GRANT_SECONDS, content_type=row.content_type, content_length=row.size
        )
        headers = {"Content-Type": row.content_type, "Content-Length": str(row.size)}
        return Grant(row.how, url, headers=headers), expires_at

    async def commit(self, principal: Principal, file_id: str) -> Filed | Problem:
        """Compare the object with what was asked for, and count it as there; a repetition answers the same.

        Problems: FILE_UNKNOWN, FILE_NOT_UPLOADED, FILE_MISMATCH, FILE_DELETED and the platform's own. A refused file
        stays PENDING: upload it again while the grant lives.
        """
        row = await self._theirs(principal, file_id)
        if isinstance(row, Problem):
            return row
        if row.state == "PENDING":
            try:
                [head] = await self._tools.get(CloudStorageAdapter, row.bucket).heads([row.key])
            except (UpstreamError, ToolNotConfigured) as error:
                return problem(error)
            if isinstance(head, NotFound):
                return Problem("FILE_NOT_UPLOADED", "The platform has no such object yet; upload it, then commit.")
            differing = _differing(row, head)
            if differing:
                return Problem(
                    "FILE_MISMATCH",
                    f"What was uploaded differs from what was announced in {', '.join(differing)}; upload it again.",
                    details={"fields": differing},
                )
            async with self._database.write() as connection:
                await connection.execute(
                    update(file_ledger)
                    .where(file_ledger.c.id == file_id, file_ledger.c.state == "PENDING")
                    .values(
                        state="COMMITTED", etag=head.etag, crc64=head.crc64, committed_at=self._clock.now(), grant=None
                    )
                )
            row = await self._row(file_id)
        if row is None or row.state == "DELETED":
            return Problem("FILE_DELETED", "The file was deleted, or its grant ended before it was committed.")
        return _filed(row)

    async def delete(self, principal: Principal, file_id: str) -> Filed | Problem:
        """Delete a file; a repetition answers the same. Problems: FILE_UNKNOWN and the platform's own."""
        row = await self._theirs(principal, file_id)
        if isinstance(row, Problem):
            return row
        try:
            await self._remove(row)
        except (UpstreamError, ToolNotConfigured) as error:
            return problem(error)
        row = await self._row(file_id)
        return Problem("FILE_UNKNOWN", "There is no such file.") if row is None else _filed(row)

    async def sweep(self) -> int:
        """Delete what was never committed, and what a grant brought back after its deletion. Returns files."""
        swept, after = 0, ""
        over = and_(
            file_ledger.c.swept_at.is_(None),
            file_ledger.c.state.in_(("PENDING", "DELETED")),
            file_ledger.c.expires_at <= self._clock.now(),
        )
        while True:
            page = select(file_ledger).where(over, file_ledger.c.id > after).order_by(file_ledger.c.id).limit(SLICE)
            rows = await self._database.fetch(page)
            for row in rows:
                swept += await self._remove(row)
            if len(rows) < SLICE:
                return swept
            after = rows[-1].id

    async def _sweep_job(self, job: RunningJob) -> None:
        await job.progress(1, 1, f"{await self.sweep()} files swept")

    async def _remove(self, row: Any) -> bool:
        """First the ledger, then the object; swept once no grant can bring it back. False when a commit was faster."""
        now = self._clock.now()
        # A sweep takes what is pending; whoever deletes has seen the state that they delete.
        async with self._database.write() as connection:
            moved = await connection.execute(
                update(file_ledger)
                .where(file_ledger.c.id == row.id, file_ledger.c.state == row.state)
                .values(state="DELETED", deleted_at=row.deleted_at or now, grant=None)
            )
        if moved.rowcount != 1:
            return False
        await self._tools.get(CloudStorageAdapter, row.bucket).delete(row.key)
        if now >= row.expires_at:
            async with self._database.write() as connection:
                await connection.execute(update(file_ledger).where(file_ledger.c.id == row.id).values(swept_at=now))
        return True

    async def _theirs(self, principal: Principal, file_id: str) -> Any:
        """The row, or the Problem that there is none that the caller may touch."""
        row = await self._row(file_id)
        own = row is not None and row.member is not None and row.member == principal.member
        if row is None or not (own or "members:write" in principal.scopes):
            return Problem("FILE_UNKNOWN", "There is no such file, or it is not yours.")
        return row

    async def _row(self, file_id: str) -> Any:
        return await self._database.one(select(file_ledger).where(file_ledger.c.id == file_id))


def _require(principal: Principal, member: str) -> None:
    if principal.member != member:
        principal.require("members:write")


def _refusal(wanted: Wanted) -> str | None:
    """What is wrong with the request, in a sentence."""
    if wanted.purpose not in TYPES:
        return f"purpose is {wanted.purpose}: give one of {', '.join(TYPES)}."
    if wanted.content_type not in TYPES[wanted.purpose]:
        return f"contentType is {wanted.content_type}: give one of {', '.join(sorted(TYPES[wanted.purpose]))}."
    if not 1 <= wanted.size <= MOST_BYTES:
        return f"bytes is {wanted.size}: it must be between 1 and {MOST_BYTES}."
    if wanted.how not in WAYS:
        return f"how is {wanted.how}: give one of {', '.join(WAYS)}."
    if wanted.crc64 is not None and not (wanted.crc64.isdecimal() and len(wanted.crc64) <= 20):
        return "crc64 must be unsigned decimal text, as the platform writes it."
    return None


def _differing(row: Any, head: ObjectHead) -> list[str]:
    pairs = {"bytes": (row.size, head.size), "contentType": (row.content_type, head.content_type)}
    if row.crc64 is not None:
        pairs["crc64"] = (row.crc64, head.crc64)
    return [name for name, (asked, found) in pairs.items() if asked != found]


def _filed(row: Any) -> Filed:
    return Filed(row.id, row.state, row.size, row.content_type, row.crc64, row.etag)
