"""Cash coupons (代金券): those that the gateway gave, by our rows; and all of one member's, by the platform."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, select

from adapters.payments import CASH_COUPONS_PER_CALL, CashCoupon, PaymentsAdapter
from gateway.context import Context
from gateway.database.tables.members import identity
from gateway.database.tables.projections import cash_coupon
from gateway.resolvers.members import MemberRecord, identities
from gateway.resolvers.paging import OwnedList, PageArgs, Slice, in_memory


@dataclass(frozen=True, slots=True)
class CashCouponRecord:
    """One; money in fen. ``name`` and what follows from the stock are None where the platform could not be asked."""

    mchid: str
    coupon_id: str
    stock_id: str
    name: str | None
    value: int | None
    minimum: int | None
    given_at: datetime
    starts_at: datetime | None
    expires_at: datetime | None
    used_at: datetime | None


_ROWS: Final = select(cash_coupon, identity.c.member).join(identity, identity.c.id == cash_coupon.c.identity)


def _record(row: Row[Any]) -> CashCouponRecord:
    return CashCouponRecord(
        row.mchid,
        row.coupon_id,
        row.stock_id,
        row.name,
        row.value,
        row.minimum,
        row.given_at,
        row.starts_at,
        row.expires_at,
        row.used_at,
    )


MEMBER_CASH_COUPONS: Final = OwnedList(
    "member.cashCoupons",
    _ROWS,
    identity.c.member,
    [(cash_coupon.c.given_at, True), (cash_coupon.c.coupon_id, True)],
    _record,
)


async def page(ctx: Context, member: MemberRecord, args: PageArgs, *, live: bool) -> Slice[CashCouponRecord]:
    """The newest first. ``live`` asks each merchant, for the one member of a request; of many our rows tell."""
    if not (live and member.live):
        return await MEMBER_CASH_COUPONS.page(ctx, member.id, args)
    ctx.tool(PaymentsAdapter)
    found = await ctx.loaders.load(_held, member.id)
    return in_memory(ctx, f"member.cashCoupons:{member.id}:live", found, args)


async def _held(ctx: Context, member_ids: Sequence[str]) -> Sequence[Sequence[CashCouponRecord]]:
    """Batch by member: what the platform lists, one call per merchant in whose apps they are known, and twenty."""
    return await asyncio.gather(*(_of_member(ctx, each) for each in member_ids))


async def _of_member(ctx: Context, member_id: str) -> Sequence[CashCouponRecord]:
    mine = await ctx.loaders.load(identities, member_id)
    openids = {each.issuer: each.value for each in mine if each.kind == "OPENID"}
    asked = []
    for adapter in ctx.accounts(PaymentsAdapter):
        appid = next((each for each in adapter.appids if each in openids), None)
        if appid is not None:
            asked.append(_listed(adapter, openids[appid], appid))
    found = [each for some in await asyncio.gather(*asked) for each in some]
    return sorted(found, key=lambda each: (each.given_at, each.coupon_id), reverse=True)


async def _listed(adapter: PaymentsAdapter, openid: str, appid: str) -> Sequence[CashCouponRecord]:
    records: list[CashCouponRecord] = []
    while True:
        answer = await adapter.cash_coupons(openid, appid, offset=len(records), limit=CASH_COUPONS_PER_CALL)
        records += [_told(each) for each in answer.items]
        if not answer.items or len(records) >= answer.total:
            return records


def _told(each: CashCoupon) -> CashCouponRecord:
    return CashCouponRecord(
        each.mchid,
        each.coupon_id,
        each.stock_id,
        each.name,
        each.value,
        each.minimum,
        each.received_at,
        each.starts_at,
        each.expires_at,
        each.used_at,
    )


async def by_keys(ctx: Context, keys: Sequence[tuple[str, str]]) -> Sequence[CashCouponRecord | None]:
    """Batch by (mchid, coupon id). One statement."""
    rows = await ctx.database.fetch(_ROWS.where(cash_coupon.c.coupon_id.in_([number for _, number in keys])))
    found = {(row.mchid, row.coupon_id): _record(row) for row in rows}
    return [found.get(each) for each in keys]
