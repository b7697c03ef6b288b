"""Files in object storage: scoped, short grants to upload, and the ledger of what became of them.

    begun = await files.begin(principal, wanted, idempotency_key)   # a grant; the client uploads to the platform
    done = await files.commit(principal, begun.id)                  # compared with what the platform holds
    done = await actions.perform(principal, effects.files.DELETE, …)

Bytes never pass through here. A row is PENDING until it is committed; when its grant ends before that, the sweep
deletes what was uploaded. The ledger says DELETED before the object goes, so that none is promised that is not there.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import and_, select, update

from adapters.base.errors import Conflict, Invalid, NotFound, Rejected, UpstreamError
from adapters.cloud_storage import CloudStorageAdapter
from adapters.cloud_storage.records import ObjectHead, Permission
from gateway.access.principal import Principal
from gateway.database.engine import Database
from gateway.database.facts import Fact, append_facts
from gateway.database.statements import insert_new
from gateway.database.tables.files import file_ledger
from gateway.database.tables.members import identity
from gateway.database.ulid import Ulids
from gateway.jobs import Handlers, Queue, Recurring, RunningJob
from gateway.members.family import present_id
from gateway.runtime import OpenTools, ToolNotConfigured
from gateway.transactions import media_kinds
from gateway.transactions.actions import scope_of
from gateway.transactions.file_rows import MESSAGE_MEDIA, MESSAGES_SCOPE, SCOPE, find, is_self, remove, theirs
from gateway.transactions.idempotency import Claim, Idempotency, canonical
from gateway.transactions.problems import in_flight, problem
from gateway.transactions.records import Problem
from gateway.transactions.steps import StepRefused

_log = logging.getLogger(__name__)
MUTATION: Final = "fileUploadBegin"
SWEEP_JOB: Final = "files.sweep"
#: How long a grant lives: the least that STS gives to a temporary key.
GRANT_SECONDS: Final = 900
#: Our own limit of one file.
MOST_BYTES: Final = 100 * 1024**2
#: Files per statement of the sweep.
SLICE: Final = 100
#: What may be uploaded for which purpose; all but the brand's own are about a member.
TYPES: Final[Mapping[str, frozenset[str]]] = {
    "INVOICE": frozenset({"application/pdf", "image/jpeg", "image/png"}),
    "PICTURE": frozenset({"image/jpeg", "image/png", "image/webp"}),
    MESSAGE_MEDIA: frozenset(media_kinds.MOST_BYTES),
}
#: Refusals that say nothing of the bucket's other objects.
_OF_ONE_OBJECT: Final = (Conflict, Invalid, Rejected)
WAYS: Final = ("POST_POLICY", "PRESIGNED_PUT", "TEMPORARY_KEY")


class Wanted(msgspec.Struct, frozen=True):
    """What the client wants to upload. ``size`` is bytes, ``crc64`` unsigned decimal text.

    ``member`` None: the shopper of the session; the brand's own is no member's.
    """

    purpose: str
    member: str | None
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


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did: files, and the buckets of which something failed with the code."""

    files: int
    failed: Mapping[str, str]


class Files:
    """The ledger. Safe with any number of processes."""

    def __init__(self, database: Database, queue: Queue, tools: OpenTools, members: str, brand: str) -> None:
        """``members`` and ``brand`` are aliases of the buckets of members' files and of the brand's own."""
        self._database = database
        self._tools = tools
        self._members = members
        self._brand = brand
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

        Problems: BAD_USER_INPUT, SESSION_REQUIRED, MEMBER_UNKNOWN, IDEMPOTENCY_MISMATCH, FILE_GRANT_EXPIRED and the
        platform's own. Raises Forbidden without the scope members:write, unless it is the shopper's own file; of the
        brand's own without messages:send.
        """
        whose = wanted.member or principal.member
        if wanted.purpose == MESSAGE_MEDIA:
            principal.require(MESSAGES_SCOPE)
            whose = None
        elif whose is None:
            return Problem("SESSION_REQUIRED", "Send a shopper's session, or name the member.")
        elif not await is_self(self._database.fetch, principal, whose):
            principal.require(SCOPE)
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
            return await self._new(principal, wanted, whose, claim)
        except (UpstreamError, ToolNotConfigured) as error:
            return problem(error)

    async def _new(self, principal: Principal, wanted: Wanted, whose: str | None, claim: Claim) -> Begun | Problem:
        """``whose`` None: the brand's own."""
        bucket = self._tools.named(CloudStorageAdapter, self._brand if whose is None else self._members)
        owner = None if whose is None else await self._owner(principal, whose)
        if owner is None and whose is not None:
            return Problem("MEMBER_UNKNOWN", "There is no such member.")
        now, file_id = self._clock.now(), self._ulids.next()
        row = {
            "id": file_id,
            "bucket": bucket.account,
            "key": f"uploads/{wanted.purpose.lower()}/{file_id}",
            "purpose": wanted.purpose,
            "member": owner,
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

    async def _owner(self, principal: Principal, whose: str) -> str | None:
        """The id that the file is kept under; None for nobody.

        A shopper's is the home of the identity that is logged in: it leads to whoever they are merged with, and
        back to them should that be undone.
        """
        present = await present_id(self._database.fetch, whose)
        if present is None or principal.session_identity is None or principal.member != present:
            return present
        row = await self._database.one(select(identity.c.home).where(identity.c.id == principal.session_identity))
        return present if row is None else row.home or present

    async def _granted(self, file_id: str) -> Begun | Problem:
        """The file's one grant, made now if its process died, or its platform failed, before it was."""
        row = await find(self._database, file_id)
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
            row = await find(self._database, file_id)
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
            # The field that the form leaves to its sender: there is one type that the ledger takes.
            fields = {**form.fields, "Content-Type": row.content_type}
            return Grant(row.how, form.url, fields), form.expires_at
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
        try:
            row = await theirs(self._database, principal, file_id)
        except StepRefused as refused:
            return problem(refused)
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
                now = self._clock.now()
                moved = await connection.execute(
                    update(file_ledger)
                    .where(file_ledger.c.id == file_id, file_ledger.c.state == "PENDING")
                    .values(state="COMMITTED", etag=head.etag, crc64=head.crc64, committed_at=now, grant=None)
                )
                if moved.rowcount == 1:
                    await append_facts(connection, [_stored(row, now)])
            row = await find(self._database, file_id)
        if row is None or row.state == "DELETED":
            return Problem("FILE_DELETED", "The file was deleted, or its grant ended before it was committed.")
        return _filed(row)

    async def sweep(self) -> Swept:
        """Delete what was never committed, and what a grant brought back after its deletion.

        What fails is left for the next time: one object, or all of a bucket that does not answer. Neither keeps
        anything else from being swept.
        """
        swept, after = 0, ""
        failed, silent = dict[str, str](), set[str]()
        over = and_(
            file_ledger.c.swept_at.is_(None),
            file_ledger.c.state.in_(("PENDING", "DELETED")),
            file_ledger.c.expires_at <= self._clock.now(),
        )
        while True:
            page = select(file_ledger).where(over, file_ledger.c.id > after, file_ledger.c.bucket.not_in(silent))
            rows = await self._database.fetch(page.order_by(file_ledger.c.id).limit(SLICE))
            for row in rows:
                if row.bucket in silent:
                    continue
                try:
                    # What was committed meanwhile stays.
                    swept += await remove(self._database, self._tools, row, only=row.state)
                except (UpstreamError, ToolNotConfigured) as error:
                    failed[row.bucket] = error.code if isinstance(error, ToolNotConfigured) else error.kind
                    if not isinstance(error, _OF_ONE_OBJECT):
                        silent.add(row.bucket)
            if len(rows) < SLICE:
                return Swept(swept, failed)
            after = rows[-1].id

    async def _sweep_job(self, job: RunningJob) -> None:
        done = await self.sweep()
        for bucket, code in done.failed.items():
            _log.warning("files.sweep left bucket %s for the next time: %s", bucket, code)
        left = "".join(f"; {bucket} failed: {code}" for bucket, code in sorted(done.failed.items()))
        await job.progress(1, 1, f"{done.files} files swept{left}")


def _refusal(wanted: Wanted) -> str | None:
    """What is wrong with the request, in a sentence."""
    if wanted.purpose not in TYPES:
        return f"purpose is {wanted.purpose}: give one of {', '.join(TYPES)}."
    if wanted.content_type not in TYPES[wanted.purpose]:
        # The text is not repeated: anything may have been typed.
        return f"contentType does not fit the purpose: give one of {', '.join(sorted(TYPES[wanted.purpose]))}."
    least, most = 1, MOST_BYTES
    if wanted.purpose == MESSAGE_MEDIA:
        if wanted.member is not None:
            return "member is given: media of messages are the brand's own, and no member's."
        least, most = media_kinds.LEAST_BYTES, media_kinds.MOST_BYTES[wanted.content_type]
    if not least <= wanted.size <= most:
        return f"size is {wanted.size}: it must be between {least} and {most}."
    if wanted.how not in WAYS:
        return f"how is {wanted.how}: give one of {', '.join(WAYS)}."
    if wanted.crc64 is not None and not (wanted.crc64.isdecimal() and len(wanted.crc64) <= 20):
        return "crc64 must be unsigned decimal text, as the platform writes it."
    return None


def _differing(row: Any, head: ObjectHead) -> list[str]:
    pairs = {"size": (row.size, head.size), "contentType": (row.content_type, head.content_type)}
    if row.crc64 is not None:
        pairs["crc64"] = (row.crc64, head.crc64)
    return [name for name, (asked, found) in pairs.items() if asked != found]


def _stored(row: Any, now: datetime) -> Fact:
    return Fact(
        kind="file.stored",
        occurred_at=now,
        source="own",
        source_key=row.id,
        account=row.bucket,
        tool="cloud_storage",
        member=row.member,
        quantity=row.size,
        payload={"file": row.id},
    )


def _filed(row: Any) -> Filed:
    return Filed(row.id, row.state, row.size, row.content_type, row.crc64, row.etag)
