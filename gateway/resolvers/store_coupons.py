"""Coupons of a shop (小店优惠券), and those in a member's hands: asked of the platform, of which we keep no rows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final, TypeVar

from adapters.base.errors import NotFound
from adapters.base.page import Page
from adapters.mini_program_store import (
    CouponStatus,
    MiniProgramStoreAdapter,
    StoreCoupon,
    UserCoupon,
    UserCouponRef,
)
from gateway.context import Context
from gateway.resolvers import wechat_apps
from gateway.resolvers.live_pages import forward
from gateway.resolvers.members import MemberRecord, identities
from gateway.resolvers.paging import PageArgs, Slice

T = TypeVar("T")
#: Who writes coupons, and sees how many are left.
SCOPE: Final = "coupons:write"


async def page(ctx: Context, account: str | None, status: CouponStatus, args: PageArgs) -> Slice[StoreCoupon]:
    """Coupons of one state, in the platform's order, forward only: one call per two hundred, and one per coupon.

    Raises Forbidden, ToolNotConfigured and UserError.
    """
    ctx.principal.require(SCOPE)
    adapter = wechat_apps.shop(ctx, account)

    async def read(cursor: str | None) -> Page[str]:
        return await adapter.coupon_ids(status, cursor)

    found = await forward(ctx, f"storeCoupons:{adapter.account}:{status}", args, read)
    return _present(found, await adapter.coupons(found.items))


async def by_keys(ctx: Context, keys: Sequence[tuple[str, str]]) -> Sequence[StoreCoupon | BaseException | None]:
    """Batch by (appid, coupon id), live: one call per coupon. One that cannot be read costs its own place."""

    async def one(appid: str, number: str) -> StoreCoupon | None:
        [found] = await ctx.tool(MiniProgramStoreAdapter, appid).coupons([number])
        return None if isinstance(found, NotFound) else found

    return await asyncio.gather(*(one(*each) for each in keys), return_exceptions=True)


async def held(ctx: Context, member: MemberRecord, account: str | None, args: PageArgs) -> Slice[UserCoupon] | None:
    """What a member has of one shop, forward only: one call per two hundred, and one per coupon.

    None for others than the one member of a request whose platforms may be asked. Raises ToolNotConfigured, UserError.
    """
    adapter = wechat_apps.shop(ctx, account)
    if not member.live:
        return None
    mine = await ctx.loaders.load(identities, member.id)
    openid = next((each.value for each in mine if (each.kind, each.issuer) == ("OPENID", adapter.account)), None)

    async def read(cursor: str | None) -> Page[UserCouponRef]:
        return Page([], None) if openid is None else await adapter.user_coupon_ids(openid, cursor)

    async def one(ref: UserCouponRef) -> UserCoupon | NotFound:
        try:
            return await adapter.user_coupon(openid or "", ref.user_coupon_id)
        except NotFound as gone:
            return gone

    found = await forward(ctx, f"member.storeCoupons:{member.id}:{adapter.account}", args, read)
    return _present(found, await asyncio.gather(*(one(each) for each in found.items)))


def _present(page: Slice[Any], answers: Sequence[T | NotFound]) -> Slice[T]:
    """The page without what went away between the two calls."""
    pairs = [
        (each, cursor) for each, cursor in zip(answers, page.cursors, strict=True) if not isinstance(each, NotFound)
    ]
    return Slice([each for each, _ in pairs], [cursor for _, cursor in pairs], page.has_next, page.has_previous)
