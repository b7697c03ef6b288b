"""The ledger of files over the emulated bucket: grants, uploads by plain HTTP, commits, refusals, the sweep."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from sqlalchemy import LargeBinary, select, type_coerce, update

from adapters.cloud_storage import CloudStorageAdapter
from adapters.cloud_storage.crc64 import Crc64
from gateway.access.principal import Forbidden, Principal
from gateway.database.owned import UPLOADS
from gateway.database.tables.files import file_ledger, medium
from gateway.database.tables.jobs import job
from gateway.events.projector import Linked
from gateway.jobs import Handlers, Worker
from gateway.members.erasure import PAUSE, SOON, SWEEP, Erasures
from gateway.transactions.actions import Performed
from gateway.transactions.effects import media
from gateway.transactions.effects.files import DELETE, Deleted, Unwanted
from gateway.transactions.files import GRANT_SECONDS, MOST_BYTES, SWEEP_JOB, WAYS, Begun, Filed, Files, Swept, Wanted
from gateway.transactions.records import Problem
from sandbox import http1
from tests.adapters.cloud_storage.conftest import code_of, multipart
from tests.databases import *  # noqa: F403
from tests.gateway.members.families import merge, unmerge
from tests.gateway.transactions.conftest import OpenShop, opens
from tests.gateway.transactions.conftest import sqlite_url as sqlite_url
from tests.gateway.transactions.shop import Shop

__all__ = ["opens"]

CONTENT = b"%PDF-1.7 an invented invoice"


@pytest.fixture
async def shop(opens: OpenShop, database_url: str) -> Shop:
    return await opens(database_url, more=("cloud_storage",))


@pytest.fixture
def files(shop: Shop) -> Files:
    return Files(shop.database, shop.queue, shop.tools, "members", "assets")


def bucket(shop: Shop) -> CloudStorageAdapter:
    return shop.tools.named(CloudStorageAdapter, "members")


def wanted(shop: Shop, how: str = "PRESIGNED_PUT", **changes: Any) -> Wanted:
    asked = Wanted("INVOICE", shop.buyer.member or "", "application/pdf", len(CONTENT), how)
    return msgspec.structs.replace(asked, **changes)


async def begun(
    files: Files, shop: Shop, how: str = "PRESIGNED_PUT", key: str = "a-first-key", **changes: Any
) -> Begun:
    answer = await files.begin(shop.buyer, wanted(shop, how, **changes), key)
    assert isinstance(answer, Begun), answer
    return answer


async def send(granted: Begun, content: bytes = CONTENT) -> http1.Answer:
    """Upload by a form or a link, as a browser does."""
    if granted.grant.how == "POST_POLICY":
        content_type, body = multipart(granted.grant.fields, content)
        return await http1.request("POST", granted.grant.url, {"Content-Type": content_type}, body)
    headers = {name: value for name, value in granted.grant.headers.items() if name != "Content-Length"}
    return await http1.request("PUT", granted.grant.url, headers, content)


async def delete(shop: Shop, caller: Principal, file_id: str, key: str = "a-delete-key") -> Deleted | Problem:
    done = await shop.checkout.actions.perform(caller, DELETE, Unwanted(file_id), key)
    return done.outcome if isinstance(done, Performed) else done


async def states(shop: Shop) -> dict[str, str]:
    rows = await shop.database.fetch(select(file_ledger.c.id, file_ledger.c.state))
    return {row.id: row.state for row in rows}


async def left_in(shop: Shop, granted: Begun, bucket: str = "closed-1250000000") -> None:
    """The brand takes the bucket of a file out of its settings."""
    async with shop.database.write() as connection:
        await connection.execute(update(file_ledger).where(file_ledger.c.id == granted.id).values(bucket=bucket))


def code(answer: object) -> str:
    assert isinstance(answer, Problem), answer
    return answer.code


async def stored(shop: Shop) -> Sequence[str]:
    return [each.key for each in (await bucket(shop).objects("uploads/")).items]


@pytest.mark.parametrize("how", ["POST_POLICY", "PRESIGNED_PUT"])
async def test_an_upload_is_committed_once(files: Files, shop: Shop, how: str) -> None:
    check = Crc64()
    check.update(CONTENT)
    granted = await begun(files, shop, how)
    assert code(await files.commit(shop.buyer, granted.id)) == "FILE_NOT_UPLOADED"
    assert (await send(granted)).status == 200
    done = await files.commit(shop.buyer, granted.id)
    assert isinstance(done, Filed)
    assert (done.state, done.size, done.content_type) == ("COMMITTED", len(CONTENT), "application/pdf")
    assert check.matches(done.crc64 or "")
    assert await files.commit(shop.buyer, granted.id) == done
    assert await stored(shop) == [granted.key]


async def test_the_brands_own_is_no_members_and_handed_to_a_platform(opens: OpenShop, database_url: str) -> None:
    shop = await opens(database_url, more=("cloud_storage", "official_account"))
    files = Files(shop.database, shop.queue, shop.tools, "members", "assets")
    hq = Principal("hq", "hq", frozenset({"messages:send"}))
    asked = Wanted("MESSAGE_MEDIA", None, "image/jpeg", len(CONTENT), "PRESIGNED_PUT")
    with pytest.raises(Forbidden):
        await files.begin(shop.buyer, asked, "a-first-key")
    granted = await files.begin(hq, asked, "a-first-key")
    assert isinstance(granted, Begun)
    assert granted.bucket == shop.tools.named(CloudStorageAdapter, "assets").account
    assert (await send(granted)).status == 200
    for caller in (shop.buyer, Principal("staff", "hq", frozenset({"members:write"}))):
        assert code(await files.commit(caller, granted.id)) == "FILE_UNKNOWN"
        assert code(await delete(shop, caller, granted.id)) == "FILE_UNKNOWN"
    assert isinstance(await files.commit(hq, granted.id), Filed)
    [told] = await shop.facts("file.stored")
    assert (told.member, told.account, told.quantity) == (None, granted.bucket, len(CONTENT))
    done = []
    for n in range(2):
        shop.pass_time(days=3)
        image = media.Wanted(granted.id, "IMAGE", None)
        done.append(await shop.checkout.actions.perform(hq, media.ACCOUNT_UPLOAD, image, f"media-key-{n}"))
    uploaded = [each.outcome.media_id for each in done if isinstance(each, Performed)]
    assert len(set(uploaded)) == 2
    rows = await shop.database.fetch(select(medium.c.media_id))
    assert [row.media_id for row in rows] == uploaded[1:]
    assert await delete(shop, hq, granted.id) == Deleted(granted.id)


async def test_a_repetition_is_given_the_same_grant(files: Files, shop: Shop) -> None:
    for how in WAYS:
        first = await begun(files, shop, how, f"key-for-{how}")
        shop.pass_time(minutes=1)
        assert await begun(files, shop, how, f"key-for-{how}") == first
    other = await files.begin(shop.buyer, wanted(shop, size=5), "key-for-PRESIGNED_PUT")
    assert code(other) == "IDEMPOTENCY_MISMATCH"
    assert len(await shop.database.fetch(select(file_ledger))) == len(WAYS)


async def test_requests_at_once_make_one_file(files: Files, shop: Shop) -> None:
    answers = await asyncio.gather(*(files.begin(shop.buyer, wanted(shop), "the-same-key") for _ in range(3)))
    grants = [each for each in answers if isinstance(each, Begun)]
    assert grants
    assert all(each == grants[0] for each in grants)
    assert len(await shop.database.fetch(select(file_ledger))) == 1


async def test_a_grant_is_sealed_and_forgotten(files: Files, shop: Shop) -> None:
    granted = await begun(files, shop)
    cell = select(type_coerce(file_ledger.c.grant, LargeBinary).label("cell"))
    [row] = await shop.database.fetch(cell)
    assert b"q-signature" not in bytes(row.cell)
    assert "q-signature" not in repr(granted)
    await send(granted)
    await files.commit(shop.buyer, granted.id)
    [row] = await shop.database.fetch(cell)
    assert row.cell is None


@pytest.mark.parametrize(("changes", "fields"), [({"crc64": "1"}, ["crc64"]), ({"size": len(CONTENT) - 1}, ["size"])])
async def test_what_differs_is_refused(files: Files, shop: Shop, changes: dict[str, Any], fields: list[str]) -> None:
    granted = await begun(files, shop, **changes)
    # Past the grant, which would refuse another size.
    await bucket(shop).put(granted.key, CONTENT, "application/pdf")
    refused = await files.commit(shop.buyer, granted.id)
    assert code(refused) == "FILE_MISMATCH"
    assert isinstance(refused, Problem)
    assert refused.details["fields"] == fields
    assert [row.state for row in await shop.database.fetch(select(file_ledger))] == ["PENDING"]


@pytest.mark.parametrize("how", ["POST_POLICY", "PRESIGNED_PUT"])
async def test_the_platform_refuses_what_the_grant_does_not_say(files: Files, shop: Shop, how: str) -> None:
    granted = await begun(files, shop, how)
    assert (await send(granted, CONTENT + b"more")).status in {400, 403}
    grant = granted.grant
    fields = {**grant.fields, "key": granted.key + "x"} if grant.fields else {}
    elsewhere = msgspec.structs.replace(grant, url=grant.url.replace(granted.key, granted.key + "x"), fields=fields)
    assert (await send(msgspec.structs.replace(granted, grant=elsewhere))).status == 403
    shop.pass_time(seconds=GRANT_SECONDS + 1)
    assert code_of(await send(granted))[0] == 403
    assert await stored(shop) == []
    assert code(await files.begin(shop.buyer, wanted(shop, how), "a-first-key")) == "FILE_GRANT_EXPIRED"


async def test_the_sweep_deletes_what_nobody_committed(files: Files, shop: Shop) -> None:
    kept, left, early = [await begun(files, shop, key=f"key-number-{n}") for n in range(3)]
    for each in (kept, left, early):
        await send(each)
    await files.commit(shop.buyer, kept.id)
    # Deleted while the grant lives: it can be uploaded again, until the sweep.
    assert await delete(shop, shop.buyer, early.id) == Deleted(early.id)
    assert (await states(shop))[early.id] == "DELETED"
    assert (await send(early)).status == 200
    assert await files.sweep() == Swept(0, {})
    shop.pass_time(seconds=GRANT_SECONDS + 1)
    assert await files.sweep() == Swept(2, {})
    assert await files.sweep() == Swept(0, {})
    assert await stored(shop) == [kept.key]
    assert code(await files.commit(shop.buyer, left.id)) == "FILE_DELETED"


async def test_files_of_others_are_unknown(files: Files, shop: Shop) -> None:
    granted = await begun(files, shop)
    stranger = replace(shop.buyer, id="other", member="01AAAAAAAAAAAAAAAAAAAAAAAA")
    nobody = Principal("partner", "partner", frozenset())
    for caller in (stranger, nobody):
        with pytest.raises(Forbidden):
            await files.begin(caller, wanted(shop), "a-strange-key")
        assert code(await files.commit(caller, granted.id)) == "FILE_UNKNOWN"
        assert code(await delete(shop, caller, granted.id)) == "FILE_UNKNOWN"
    assert await states(shop) == {granted.id: "PENDING"}
    staff = Principal("hq", "hq", frozenset({"members:write"}))
    assert await delete(shop, staff, granted.id) == Deleted(granted.id)


@pytest.mark.parametrize(
    "changes",
    [
        {"size": 0},
        {"size": MOST_BYTES + 1},
        {"content_type": "text/html"},
        {"purpose": "OTHER"},
        {"how": "FTP"},
        {"crc64": "0x12"},
    ],
)
async def test_what_cannot_be_is_refused(files: Files, shop: Shop, changes: dict[str, Any]) -> None:
    assert code(await files.begin(shop.buyer, wanted(shop, **changes), "a-bad-request")) == "BAD_USER_INPUT"
    assert await shop.database.fetch(select(file_ledger)) == []


def locked_once(shop: Shop) -> None:
    """The platform will not let the next object go."""
    shop.sandbox.kit.faults.add("cloud_storage", "code", endpoint="DELETE *", value="ObjectLocked", calls=(1,))


def person(caller: Principal) -> Linked:
    return Linked(caller.session_identity or "", caller.member, caller.member)


async def listed(shop: Shop, caller: Principal) -> set[str]:
    """As reads find them."""
    rows = await shop.database.fetch(select(UPLOADS.c.id).where(UPLOADS.c.owner == caller.member))
    return {row.id for row in rows}


async def test_who_merged_reaches_what_they_had_and_takes_it_along_when_they_part(files: Files, shop: Shop) -> None:
    other = await shop.person(shop.sandbox.world.cast["expired_coupon"])
    before = await begun(files, shop)
    await merge(shop.database, person(shop.buyer), person(other))
    here, there = replace(shop.buyer, member=other.member), other
    # Under the id that is the session's now, by a client that still has the old one, and by one that names nobody.
    asked = [wanted(shop, member=other.member), wanted(shop), wanted(shop, member=None)]
    during = [await files.begin(here, each, f"key-of-number-{n}") for n, each in enumerate(asked)]
    theirs = await files.begin(there, wanted(shop, member=None), "a-key-of-theirs")
    made = [each for each in (before, *during, theirs) if isinstance(each, Begun)]
    assert len(made) == 5
    for each in made:
        await send(each)
        for caller in (here, there):
            assert isinstance(await files.commit(caller, each.id), Filed)

    assert await listed(shop, other) == {each.id for each in made}

    await unmerge(shop.database, person(shop.buyer))
    assert await listed(shop, shop.buyer) == {each.id for each in made[:-1]}
    assert await listed(shop, other) == {made[-1].id}
    for each in made[:-1]:
        assert isinstance(await files.commit(shop.buyer, each.id), Filed)
        assert code(await files.commit(other, each.id)) == "FILE_UNKNOWN"
    assert isinstance(await files.commit(other, made[-1].id), Filed)
    assert code(await delete(shop, shop.buyer, made[-1].id)) == "FILE_UNKNOWN"


async def test_a_bucket_that_fails_keeps_no_other_from_being_swept(files: Files, shop: Shop) -> None:
    first, second, third = [await begun(files, shop, key=f"key-number-{n}") for n in range(3)]
    for each in (first, second, third):
        await send(each)
    await left_in(shop, first)
    shop.pass_time(seconds=GRANT_SECONDS + 1)
    handlers = Handlers()
    files.register(handlers)
    async with shop.database.write() as connection:
        await shop.queue.put(connection, SWEEP_JOB, 1, {})
    worker = Worker(shop.queue, handlers, clock=shop.database.clock)
    await worker.drain()
    ran = select(job.c.progress_note).where(job.c.kind == SWEEP_JOB, job.c.progress_note.is_not(None))
    note = "2 files swept; closed-1250000000 failed: TOOL_NOT_CONFIGURED"
    assert [row.progress_note for row in await shop.database.fetch(ran)] == [note]
    assert await stored(shop) == [first.key]
    # The brand has it again.
    await left_in(shop, first, bucket(shop).account)
    assert await files.sweep() == Swept(1, {})
    assert await stored(shop) == []


async def test_an_object_that_the_platform_will_not_delete_holds_up_no_other(files: Files, shop: Shop) -> None:
    first, second = [await begun(files, shop, key=f"key-number-{n}") for n in range(2)]
    for each in (first, second):
        await send(each)
    shop.pass_time(seconds=GRANT_SECONDS + 1)
    locked_once(shop)
    assert await files.sweep() == Swept(1, {bucket(shop).account: "CONFLICT"})
    assert await stored(shop) == [first.key]
    assert await files.sweep() == Swept(1, {})


async def test_a_delete_that_the_platform_fails_is_ended_by_the_sweep(files: Files, shop: Shop) -> None:
    granted = await begun(files, shop)
    await send(granted)
    await files.commit(shop.buyer, granted.id)
    shop.pass_time(seconds=GRANT_SECONDS + 1)
    locked_once(shop)
    assert code(await delete(shop, shop.buyer, granted.id)) == "CONFLICT"
    assert await states(shop) == {granted.id: "DELETED"}
    assert await stored(shop) == [granted.key]
    assert await files.sweep() == Swept(1, {})
    assert await stored(shop) == []
    assert await delete(shop, shop.buyer, granted.id) == Deleted(granted.id)


async def test_a_commit_is_told_once(files: Files, shop: Shop) -> None:
    granted = await begun(files, shop)
    await send(granted)
    await asyncio.gather(*(files.commit(shop.buyer, granted.id) for _ in range(3)))
    [told] = await shop.facts("file.stored")
    assert (told.member, told.account, told.quantity) == (shop.buyer.member, granted.bucket, len(CONTENT))
    assert told.payload == {"file": granted.id}


async def test_an_erasure_reports_what_lies_in_a_bucket_that_is_not_configured(files: Files, shop: Shop) -> None:
    kept, lost = await begun(files, shop), await begun(files, shop, key="another-key")
    for each in (kept, lost):
        await send(each)
        await files.commit(shop.buyer, each.id)
    await left_in(shop, lost)
    shop.pass_time(seconds=GRANT_SECONDS + 1)
    handlers = Handlers()
    erasures = Erasures(shop.database, shop.queue, shop.tools, "no-such-alias", shop.settings.privacy)
    erasures.register(handlers)
    worker = Worker(shop.queue, handlers, clock=shop.database.clock)
    record = await erasures.request(shop.buyer.member or "", "hq")
    assert record is not None
    for wait in (PAUSE, SWEEP):
        shop.pass_time(seconds=wait.total_seconds() + 1)
        await worker.drain()
    finished = await erasures.get(record.id)
    assert finished is not None
    assert finished.state == "DONE"
    assert finished.report is not None
    assert finished.report["files"] == 1
    beyond = [each for each in finished.report["platforms"] if "closed-1250000000" in each["holds"]]
    assert [each["brand"] for each in beyond] == [f"delete in closed-1250000000: {lost.key}"]
    assert await stored(shop) == [lost.key]
    assert await shop.database.fetch(select(file_ledger)) == []


async def test_erasure_waits_for_the_grant_and_deletes_the_object(files: Files, shop: Shop) -> None:
    granted = await begun(files, shop)
    await send(granted)
    await files.commit(shop.buyer, granted.id)
    handlers = Handlers()
    erasures = Erasures(shop.database, shop.queue, shop.tools, "members", shop.settings.privacy)
    erasures.register(handlers)
    worker = Worker(shop.queue, handlers, clock=shop.database.clock)
    record = await erasures.request(shop.buyer.member or "", "hq")
    assert record is not None
    shop.pass_time(seconds=PAUSE.total_seconds() + 1)
    await worker.drain()
    waiting = await erasures.get(record.id)
    assert waiting is not None
    assert waiting.state == "WAITING"
    assert await stored(shop) == [granted.key]
    shop.pass_time(seconds=max(GRANT_SECONDS, SOON.total_seconds()) + 1)
    await worker.drain()
    shop.pass_time(seconds=SWEEP.total_seconds() + 1)
    await worker.drain()
    finished = await erasures.get(record.id)
    assert finished is not None
    assert finished.state == "DONE"
    assert finished.report is not None
    assert finished.report["files"] >= 1
    assert await stored(shop) == []
    assert await shop.database.fetch(select(file_ledger)) == []
