"""Every stream that is read, in the order in which the streams need one another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import select

from adapters.base.errors import NotFound
from adapters.cloud_storage import CloudStorageAdapter
from adapters.enterprise_chat import EnterpriseChatAdapter
from adapters.ip_content import IpContentAdapter
from adapters.mini_program_store import AFTER_SALE_WINDOW, ORDER_WINDOW, MiniProgramStoreAdapter
from adapters.official_account import OfficialAccountAdapter
from adapters.payments import COUPONS_PER_CALL, PaymentsAdapter
from adapters.social_ads import SocialAdsAdapter
from gateway.database.clock import BUSINESS_ZONE
from gateway.database.tables.members import identity
from gateway.events.projections import (
    cloud_storage,
    enterprise_chat,
    mini_program_store,
    official_account,
    payments,
    places,
    social_ads,
)
from gateway.events.sync.stage import HISTORY, Reading, Stage

T = TypeVar("T")
R = TypeVar("R")

#: Parts of one stream that are read at the same time.
AT_ONCE = 6
#: Ids per round: a round is one transaction.
ROUND = 100


def found(items: Sequence[T | NotFound]) -> list[T]:
    """The items that the platform knows."""
    return [item for item in items if not isinstance(item, NotFound)]


async def _oa_tags(reading: Reading) -> None:
    adapter: OfficialAccountAdapter = reading.adapter
    seen = reading.projector.asking()
    await reading.wrote(await official_account.tags(seen, adapter.account, await adapter.tags()))


async def _oa_followers(reading: Reading) -> None:
    adapter: OfficialAccountAdapter = reading.adapter
    begun = reading.projector.asking()
    cursor: str | None = None
    while True:
        page = await adapter.follower_ids(cursor)
        for start in range(0, len(page.items), ROUND):
            seen = reading.projector.asking()
            records = found(await adapter.followers(page.items[start : start + ROUND]))
            await reading.wrote(await official_account.followers(seen, records))
        cursor = page.next_cursor
        if cursor is None:
            break
    await official_account.absent(begun, adapter.account)


async def _oa_blacklist(reading: Reading) -> None:
    """One call per 10,000, and one where nobody is on it. It marks rows of followers, so that these come first."""
    adapter: OfficialAccountAdapter = reading.adapter
    seen = reading.projector.asking()
    openids: list[str] = []
    cursor: str | None = None
    while True:
        page = await adapter.blacklist(cursor)
        openids += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    await official_account.blacklist(seen, adapter.account, openids)
    await reading.wrote(len(openids))


async def _bills(reading: Reading) -> None:
    """Trade bills: yesterday's from 10:00, three months back at most.

    Read a few at a time and written day by day: a refund's day comes after its payment's.
    """
    adapter: PaymentsAdapter = reading.adapter
    local = reading.now.astimezone(BUSINESS_ZONE)
    last = local.date() - timedelta(days=1 if local.hour >= 10 else 2)
    first = (reading.since or reading.now - HISTORY).astimezone(BUSINESS_ZONE).date()
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    for start in range(0, len(days), AT_ONCE):
        for rows in await _each(days[start : start + AT_ONCE], adapter.trade_bill):
            if rows:
                await reading.wrote(await payments.bill(reading.projector, rows))
    reading.watermark = datetime.combine(last, datetime.min.time(), BUSINESS_ZONE)


async def _coupons(reading: Reading) -> None:
    """Merchant coupons of every shopper whose openid in one of the merchant's apps is known."""
    adapter: PaymentsAdapter = reading.adapter
    rows = await reading.projector.database.fetch(
        select(identity.c.issuer, identity.c.value).where(
            identity.c.kind == "OPENID", identity.c.issuer.in_(adapter.appids)
        )
    )

    async def read(row: Any) -> None:
        offset = 0
        while True:
            seen = reading.projector.asking()
            page = await adapter.coupons(row.value, row.issuer, offset=offset, limit=COUPONS_PER_CALL)
            if page.items:
                await reading.wrote(await payments.coupons(seen, page.items))
            offset += COUPONS_PER_CALL
            if offset >= page.total:
                return

    # An erased shopper's openid reads as nothing, and nobody may be asked about it.
    await _each([row for row in rows if row.value], read)


async def _products(reading: Reading) -> None:
    adapter: MiniProgramStoreAdapter = reading.adapter
    cursor: str | None = None
    while True:
        page = await adapter.product_ids(cursor)
        seen = reading.projector.asking()
        records = found(await adapter.products(page.items))
        await reading.wrote(await mini_program_store.products(seen, records))
        await places.skus(seen, records)
        cursor = page.next_cursor
        if cursor is None:
            return


async def _cards(reading: Reading) -> None:
    adapter: MiniProgramStoreAdapter = reading.adapter
    cursor: str | None = None
    while True:
        seen = reading.projector.asking()
        page = await adapter.vip_members(cursor, with_scores=True, with_phones=True)
        await reading.wrote(await mini_program_store.cards(seen, page.items))
        cursor = page.next_cursor
        if cursor is None:
            return


async def _orders(reading: Reading) -> None:
    adapter: MiniProgramStoreAdapter = reading.adapter
    for begin, end in _windows(reading, ORDER_WINDOW):
        cursor: str | None = None
        while True:
            page = await adapter.order_ids(updated_from=begin, updated_to=end, cursor=cursor)
            seen = reading.projector.asking()
            records = found(await adapter.orders(page.items))
            await reading.wrote(await mini_program_store.orders(seen, records))
            cursor = page.next_cursor
            if cursor is None:
                break
    reading.watermark = reading.now


async def _after_sales(reading: Reading) -> None:
    adapter: MiniProgramStoreAdapter = reading.adapter

    async def read(window: tuple[datetime, datetime]) -> None:
        cursor: str | None = None
        while True:
            page = await adapter.after_sale_ids(*window, cursor)
            seen = reading.projector.asking()
            records = found(await adapter.after_sales(page.items))
            if records:
                await reading.wrote(await mini_program_store.after_sales(seen, records))
            cursor = page.next_cursor
            if cursor is None:
                return

    await _each(_windows(reading, AFTER_SALE_WINDOW), read)
    reading.watermark = reading.now


async def _adgroups(reading: Reading) -> None:
    adapter: SocialAdsAdapter = reading.adapter
    campaigns = await places.campaign_names(reading.projector)
    cursor: str | None = None
    while True:
        seen = reading.projector.asking()
        page = await adapter.adgroups(cursor)
        await reading.wrote(await social_ads.adgroups(seen, page.items, campaigns))
        cursor = page.next_cursor
        if cursor is None:
            return


async def _ad_reports(reading: Reading) -> None:
    """Daily figures are restated for some days, so the last week is read again each time."""
    adapter: SocialAdsAdapter = reading.adapter
    today = reading.now.astimezone(BUSINESS_ZONE).date()
    since = reading.since or reading.now - timedelta(days=30)
    start = min(since.astimezone(BUSINESS_ZONE).date(), today - timedelta(days=7))
    cursor: str | None = None
    while True:
        seen = reading.projector.asking()
        page = await adapter.daily_reports(start, today, cursor)
        await reading.wrote(await social_ads.reports(seen, page.items))
        cursor = page.next_cursor
        if cursor is None:
            break
    reading.watermark = reading.now


async def _leads(reading: Reading) -> None:
    adapter: SocialAdsAdapter = reading.adapter
    cursor: str | None = None
    while True:
        seen = reading.projector.asking()
        page = await adapter.leads(reading.since or reading.now - HISTORY, reading.now, cursor)
        await reading.wrote(await social_ads.leads(seen, page.items))
        cursor = page.next_cursor
        if cursor is None:
            break
    reading.watermark = reading.now


async def _files(reading: Reading) -> None:
    adapter: CloudStorageAdapter = reading.adapter
    cursor: str | None = None
    while True:
        seen = reading.projector.asking()
        page = await adapter.objects(cloud_storage.PREFIX, cursor, 1000)
        await reading.wrote(await cloud_storage.files(seen, page.items))
        cursor = page.next_cursor
        if cursor is None:
            return


async def _catalogue(reading: Reading) -> None:
    adapter: IpContentAdapter = reading.adapter
    result = await adapter.import_catalogue()
    await reading.wrote(result.properties + result.licences + result.activations + result.draws)


async def _staff(reading: Reading) -> None:
    """Employees who serve customers are the guides; their department tells the store."""
    adapter: EnterpriseChatAdapter = reading.adapter
    userids = await adapter.guide_ids()
    employees = found(await adapter.employees(userids))
    await reading.wrote(await places.guides(reading.projector, adapter.account, employees))
    missing = sorted(set(await places.working_guides(reading.projector, adapter.account)) - set(userids))
    unknown = [u for u, e in zip(missing, await adapter.employees(missing), strict=True) if isinstance(e, NotFound)]
    if unknown:
        await places.guides_left(reading.projector, adapter.account, unknown, reading.now, "poll")


async def _contact_tags(reading: Reading) -> None:
    adapter: EnterpriseChatAdapter = reading.adapter
    seen = reading.projector.asking()
    await reading.wrote(await enterprise_chat.tags(seen, adapter.account, await adapter.corp_tags()))


async def _departments(reading: Reading) -> None:
    adapter: EnterpriseChatAdapter = reading.adapter
    seen = reading.projector.asking()
    await reading.wrote(await enterprise_chat.departments(seen, adapter.account, await adapter.departments()))


async def _contacts(reading: Reading) -> None:
    """Guide by guide: a self-built app cannot ask for a customer by unionid."""
    adapter: EnterpriseChatAdapter = reading.adapter
    begun = reading.projector.asking()
    userids = list(await adapter.guide_ids())
    for start in range(0, len(userids), ROUND):
        cursor: str | None = None
        while True:
            seen = reading.projector.asking()
            page = await adapter.contacts_of(userids[start : start + ROUND], cursor)
            await reading.wrote(await enterprise_chat.contacts(seen, page.items))
            cursor = page.next_cursor
            if cursor is None:
                break
    await enterprise_chat.absent(begun, adapter.account, userids)


async def _groups(reading: Reading) -> None:
    adapter: EnterpriseChatAdapter = reading.adapter
    cursor: str | None = None
    while True:
        page = await adapter.group_ids(cursor)
        seen = reading.projector.asking()
        records = found(await adapter.groups(page.items))
        await reading.wrote(await enterprise_chat.groups(seen, records))
        cursor = page.next_cursor
        if cursor is None:
            return


def _windows(reading: Reading, longest: timedelta) -> list[tuple[datetime, datetime]]:
    """Half-open windows of the platform's longest, from the watermark (an hour of overlap) to now."""
    begin = (reading.since - timedelta(hours=1)) if reading.since else reading.now - HISTORY
    windows: list[tuple[datetime, datetime]] = []
    while begin < reading.now:
        end = min(begin + longest, reading.now)
        windows.append((begin, end))
        begin = end
    return windows


async def _each(items: Sequence[T], read: Callable[[T], Awaitable[R]]) -> list[R]:
    """Read independent parts of a stream, a few at a time, in order; the first failure ends the others."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(item: T) -> R:
        async with slots:
            return await read(item)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(item)) for item in items]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


def _is_store(adapter: Any, alias: str) -> bool:
    del alias
    return bool(adapter.kind == "store")


def _holds_members(adapter: Any, alias: str) -> bool:
    del adapter
    return alias == "members"


STAGES: tuple[Stage, ...] = (
    Stage("enterprise_chat", "staff", _staff),
    Stage("enterprise_chat", "tags", _contact_tags),
    Stage("enterprise_chat", "departments", _departments),
    Stage("official_account", "tags", _oa_tags),
    Stage("official_account", "followers", _oa_followers),
    Stage("official_account", "blacklist", _oa_blacklist, after=("official_account.followers",)),
    Stage("mini_program_store", "products", _products, _is_store),
    Stage("mini_program_store", "cards", _cards, _is_store),
    Stage("mini_program_store", "orders", _orders, _is_store),
    Stage("mini_program_store", "after_sales", _after_sales, _is_store, after=("mini_program_store.orders",)),
    Stage("enterprise_chat", "contacts", _contacts, after=("enterprise_chat.staff",)),
    Stage("enterprise_chat", "groups", _groups, after=("enterprise_chat.contacts",)),
    Stage("payments", "bills", _bills),
    Stage("payments", "coupons", _coupons, after=("payments.bills", "mini_program_store.orders")),
    Stage("social_ads", "adgroups", _adgroups),
    Stage("social_ads", "reports", _ad_reports),
    Stage("social_ads", "leads", _leads),
    Stage("cloud_storage", "files", _files, _holds_members),
    Stage("ip_content", "catalogue", _catalogue),
)
