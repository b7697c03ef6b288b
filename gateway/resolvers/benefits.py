"""What a member holds: coupons and files; and licensed works."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Row, func, select

from adapters.cloud_storage import LIST_LIMIT, CloudStorageAdapter
from adapters.ip_content import IpContentAdapter, Property
from adapters.payments import COUPONS_PER_CALL, Coupon, CouponState, PaymentsAdapter
from gateway.cache import Answer, Asked, Key, Read, Wish, tags
from gateway.context import Context
from gateway.database.tables.members import identity
from gateway.database.tables.projections import coupon, stored_file
from gateway.events.projections.cloud_storage import member_prefix
from gateway.resolvers import freshness
from gateway.resolvers.keys import prime
from gateway.resolvers.members import MemberRecord, identities
from gateway.resolvers.paging import OwnedList, PageArgs, Slice, in_memory


@dataclass(frozen=True, slots=True)
class CouponRecord:
    """A 商家券 in the member's hands; money in fen."""

    mchid: str
    stock_id: str
    code: str
    name: str
    state: str
    discount: int | None
    minimum: int | None
    starts_at: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class FileRecord:
    """An object that belongs to a member; ``name`` is the key without the member's own folder."""

    bucket: str
    key: str
    name: str
    size: int
    modified_at: datetime


#: Money hangs on it: short. Checkout reads coupons past the cache.
USER_COUPONS: Read[list[CouponRecord]] = Read("payments.user_coupons", 1, list[CouponRecord], timedelta(seconds=30))
#: Whoever has just uploaded something wants to see it, and no event tells.
FOLDER: Read[list[FileRecord]] = Read("cloud_storage.list_objects", 1, list[FileRecord], timedelta(seconds=30))


async def coupons(
    ctx: Context, member: MemberRecord, state: str | None, args: PageArgs, asked: Asked | None = None
) -> Slice[CouponRecord]:
    """Live for the one member of a request (one call per merchant account), else projected."""
    ctx.tool(PaymentsAdapter)

    async def project() -> Sequence[CouponRecord]:
        return [c for c in await ctx.loaders.load(_projected_coupons, member.id) if state in {None, c.state}]

    def live(wish: Wish) -> Awaitable[Answer[Sequence[CouponRecord]]]:
        return ctx.loaders.load(_live_coupons, (member.id, state, wish))

    if member.live:
        found = await freshness.live_or_projected(
            ctx, asked, freshness.COUPONS, live=live, project=project, lifetime=USER_COUPONS.lifetime
        )
    else:
        if asked is not None:
            await freshness.projected(ctx, asked, freshness.COUPONS)
        found = await project()
    return in_memory(ctx, f"member.coupons:{member.id}:{state}", found, args)


async def _live_coupons(
    ctx: Context, keys: Sequence[tuple[str, str | None, Wish]]
) -> Sequence[Answer[Sequence[CouponRecord]]]:
    return [await _ask_coupons(ctx, *key) for key in keys]


async def _ask_coupons(ctx: Context, member_id: str, state: str | None, wish: Wish) -> Answer[Sequence[CouponRecord]]:
    mine = await ctx.loaders.load(identities, member_id)
    openids = {each.issuer: each.value for each in mine if each.kind == "OPENID"}
    answers = []
    for adapter in ctx.accounts(PaymentsAdapter):
        appid = next((each for each in adapter.appids if each in openids), None)
        if appid is not None:
            openid = openids[appid]
            key = Key(
                account=adapter.account,
                subject=member_id,
                view=freshness.view(ctx, member_id),
                arguments=(appid, openid, state or ""),
                tags=(tags.member(member_id), tags.account(adapter.account), tags.person(adapter.account, openid)),
            )
            ask = partial(_all_coupons, adapter, openid, appid, state)
            answers.append(await ctx.services.cache.read(USER_COUPONS, key, ask, wish))
    records = sorted((record for each in answers for record in each.value), key=_soonest)
    return freshness.together(answers, records, ctx.clock.now())


async def _all_coupons(adapter: PaymentsAdapter, openid: str, appid: str, state: str | None) -> list[CouponRecord]:
    """One call, and more only for those few who hold more than a page of the platform."""
    wanted = None if state is None else CouponState[state]
    records: list[CouponRecord] = []
    while True:
        page = await adapter.coupons(openid, appid, state=wanted, offset=len(records), limit=COUPONS_PER_CALL)
        records += [_of(each) for each in page.items]
        if not page.items or len(records) >= page.total:
            return records


async def _projected_coupons(ctx: Context, member_ids: Sequence[str]) -> Sequence[Sequence[CouponRecord]]:
    rows = await ctx.database.fetch(
        select(coupon, identity.c.member)
        .join(identity, identity.c.id == coupon.c.identity)
        .where(identity.c.member.in_(member_ids))
    )
    grouped: dict[str, list[CouponRecord]] = defaultdict(list)
    for row in rows:
        grouped[row.member].append(_projected(row))
    return [sorted(grouped[each], key=_soonest) for each in member_ids]


async def coupons_by_key(
    ctx: Context, keys: Sequence[tuple[str, str, str]]
) -> Sequence[tuple[str, CouponRecord] | None]:
    """Batch by (mchid, stock id, code): the projected coupon with its member."""
    rows = await ctx.database.fetch(
        select(coupon, identity.c.member)
        .join(identity, identity.c.id == coupon.c.identity)
        .where(coupon.c.code.in_({code for _, _, code in keys}))
    )
    found = {(row.mchid, row.stock_id, row.code): (row.member, _projected(row)) for row in rows}
    return [found.get(each) for each in keys]


def _projected(row: Row[Any]) -> CouponRecord:
    return CouponRecord(
        row.mchid,
        row.stock_id,
        row.code,
        row.name,
        row.state,
        row.discount,
        row.minimum,
        row.starts_at,
        row.expires_at,
    )


def _of(each: Coupon) -> CouponRecord:
    return CouponRecord(
        each.mchid,
        each.stock_id,
        each.code,
        each.name,
        each.state.name,
        each.discount,
        each.minimum,
        each.starts_at,
        each.expires_at,
    )


def _soonest(each: CouponRecord) -> tuple[bool, float, str]:
    usable = each.state == CouponState.USABLE.name
    ends = each.expires_at.timestamp() if each.expires_at else float("inf")
    return (not usable, ends, each.code)


_REF = re.compile("[0-9a-f]{64}")


def _file(row: Row[Any]) -> FileRecord:
    return FileRecord(row.bucket, row.key, _name(row.key), row.size, row.modified_at)


def _name(key: str) -> str:
    return key.split("/", 2)[-1]


MEMBER_FILES = OwnedList(
    "member.files",
    select(stored_file).join(identity, identity.c.id == stored_file.c.identity),
    identity.c.member,
    [(stored_file.c.modified_at, True), (stored_file.c.key_hash, True)],
    _file,
    before=prime,
)


async def files(ctx: Context, member: MemberRecord, args: PageArgs, asked: Asked | None = None) -> Slice[FileRecord]:
    """Live for the one member of a request (one list call), else projected; newest first."""
    ctx.tool(CloudStorageAdapter)

    def project() -> Awaitable[Slice[FileRecord]]:
        return MEMBER_FILES.page(ctx, member.id, args)

    async def live(wish: Wish) -> Answer[Slice[FileRecord]]:
        answer = await ctx.loaders.load(_live_files, (member.id, wish))
        page = in_memory(ctx, f"member.files:{member.id}", answer.value, args)
        return Answer(page, answer.source, answer.as_of)

    if member.live:
        return await freshness.live_or_projected(
            ctx, asked, freshness.FILES, live=live, project=project, lifetime=FOLDER.lifetime
        )
    if asked is not None:
        await freshness.projected(ctx, asked, freshness.FILES)
    return await project()


async def _live_files(ctx: Context, keys: Sequence[tuple[str, Wish]]) -> Sequence[Answer[Sequence[FileRecord]]]:
    return [await _ask_files(ctx, *key) for key in keys]


async def _ask_files(ctx: Context, member_id: str, wish: Wish) -> Answer[Sequence[FileRecord]]:
    mine = await ctx.loaders.load(identities, member_id)
    unionid = next((each.value for each in mine if each.kind == "UNIONID"), None)
    if unionid is None:
        return freshness.together([], [], ctx.clock.now())
    adapter = ctx.services.tools.named(CloudStorageAdapter, ctx.settings.member_files)
    key = Key(
        account=adapter.account,
        subject=member_id,
        view=freshness.view(ctx, member_id),
        arguments=(unionid,),
        tags=(tags.member(member_id), tags.account(adapter.account), tags.person(adapter.account, unionid)),
    )
    return await ctx.services.cache.read(FOLDER, key, partial(_all_files, adapter, unionid), wish)


async def _all_files(adapter: CloudStorageAdapter, unionid: str) -> list[FileRecord]:
    found: list[FileRecord] = []
    cursor: str | None = None
    while True:
        page = await adapter.objects(member_prefix(unionid), cursor, LIST_LIMIT)
        found += [FileRecord(o.bucket, o.key, _name(o.key), o.size, o.modified_at) for o in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    return sorted(found, key=lambda each: (each.modified_at, each.key), reverse=True)


def file_ref(ctx: Context, record: FileRecord) -> str:
    """What names the file in its id: not its key, which holds the owner's unionid in clear."""
    return ctx.database.keyring.hash(record.key, "file").hex()


async def files_by_ref(ctx: Context, keys: Sequence[tuple[str, str]]) -> Sequence[tuple[str, FileRecord] | None]:
    """Batch by (bucket, ``file_ref``): the projected file with its member."""
    hashes = {bytes.fromhex(ref) for _, ref in keys if _REF.fullmatch(ref)}
    owned = select(identity.c.member).join(stored_file, stored_file.c.identity == identity.c.id)
    owners = await ctx.database.fetch(owned.where(stored_file.c.key_hash.in_(hashes)))
    await prime(ctx, sorted({row.member for row in owners}))
    rows = await ctx.database.fetch(
        select(stored_file, identity.c.member)
        .join(identity, identity.c.id == stored_file.c.identity)
        .where(stored_file.c.key_hash.in_(hashes))
    )
    found = {(row.bucket, row.key_hash.hex()): (row.member, _file(row)) for row in rows}
    return [found.get(each) for each in keys]


async def files_stored(
    ctx: Context, keys: Sequence[tuple[str, str, datetime]]
) -> Sequence[tuple[str, FileRecord] | None]:
    """Batch by (bucket, identity, instant of storing): the projected file with its member."""
    identities_ = sorted({identity_id for _, identity_id, _ in keys})
    owners = {
        row.id: row.member
        for row in await ctx.database.fetch(
            select(identity.c.id, identity.c.member).where(identity.c.id.in_(identities_))
        )
    }
    await prime(ctx, sorted(set(owners.values())))
    rows = await ctx.database.fetch(
        select(stored_file).where(
            stored_file.c.identity.in_(identities_), stored_file.c.modified_at.in_({at for _, _, at in keys})
        )
    )
    found = {(row.bucket, row.identity, row.modified_at): (owners[row.identity], _file(row)) for row in rows}
    return [found.get(each) for each in keys]


async def stock_names(ctx: Context, keys: Sequence[tuple[str, str]]) -> Sequence[str | None]:
    """Batch by (mchid, stock id): the name of a coupon stock, as its coupons show it."""
    rows = await ctx.database.fetch(
        select(coupon.c.mchid, coupon.c.stock_id, func.max(coupon.c.name).label("name"))
        .where(coupon.c.mchid.in_({mchid for mchid, _ in keys}), coupon.c.stock_id.in_({stock for _, stock in keys}))
        .group_by(coupon.c.mchid, coupon.c.stock_id)
    )
    found = {(row.mchid, row.stock_id): row.name for row in rows}
    return [found.get(each) for each in keys]


def file_url(ctx: Context, record: FileRecord, expires_in: int) -> str:
    """A download link that is signed here, without a call, and lives ``expires_in`` seconds."""
    adapter = ctx.tool(CloudStorageAdapter, record.bucket)
    return adapter.presigned_get(record.key, expires_in=expires_in)


async def properties(ctx: Context, slugs: Sequence[str]) -> Sequence[Property | None]:
    """Batch: licensed works by slug."""
    adapter = ctx.tool(IpContentAdapter)
    found = await adapter.properties(list(slugs))
    return [each if isinstance(each, Property) else None for each in found]
