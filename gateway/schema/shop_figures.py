"""Figures of a shop (微信小店): 电商概览, 带货直播, 账户余额."""

from __future__ import annotations

from datetime import date as date_type
from datetime import datetime
from typing import Annotated

import strawberry

from adapters.mini_program_store import StoreDay, StoreLive
from gateway.resolvers import shop_figures
from gateway.resolvers.shop_figures import ShopSpan
from gateway.schema.info import Info
from gateway.schema.lives import LIVE, Account
from gateway.schema.scalars import Long, Money


@strawberry.type(description="What a shop sold on one day (电商概览).")
class ShopDay:
    """Day."""

    date: date_type = strawberry.field(description="Business date (Asia/Shanghai).")
    paid: Money = strawberry.field(description="成交金额, in fen.")
    live_paid: Money = strawberry.field(description="直播成交金额, in fen: the part that was sold in live sessions.")
    video_paid: Money = strawberry.field(description="短视频成交金额, in fen: the part that was sold by short videos.")
    refunded: Money = strawberry.field(description="退款金额, in fen.")
    orders: Long = strawberry.field(description="成交订单数.")
    buyers: Long = strawberry.field(description="成交人数.")
    product_visitors: Long = strawberry.field(description="商品点击人数.")

    @classmethod
    def of(cls, record: StoreDay) -> ShopDay:
        return cls(
            date=record.day,
            paid=Money.of(record.paid),
            live_paid=Money.of(record.live_paid),
            video_paid=Money.of(record.video_paid),
            refunded=Money.of(record.refunded),
            orders=Long(record.orders),
            buyers=Long(record.buyers),
            product_visitors=Long(record.product_visitors),
        )


@strawberry.type(description="A live session that sold a shop's goods (带货直播).")
class ShopLive:
    """Live."""

    live_id: str = strawberry.field(description=LIVE)
    title: str = strawberry.field(description="直播标题.")
    started_at: datetime | None = strawberry.field(description="开播时间.")
    seconds: Long = strawberry.field(description="直播时长, in seconds.")

    @classmethod
    def of(cls, record: StoreLive) -> ShopLive:
        return cls(
            live_id=record.live_id,
            title=record.title,
            started_at=record.started_at,
            seconds=Long(record.seconds),
        )


@strawberry.type(description="Figures of a shop over some days, asked of the platform now.")
class ShopStatistics:
    """Statistics."""

    span: strawberry.Private[ShopSpan]

    @strawberry.field(description="Day by day (电商概览). One call per day.")
    async def days(self, info: Info) -> list[ShopDay] | None:
        return [ShopDay.of(each) for each in await shop_figures.days(info.context, self.span)]

    @strawberry.field(
        description="Sessions of the shop's 视频号 that sold its goods (带货直播). One call per day, and one."
    )
    async def lives(self, info: Info) -> list[ShopLive] | None:
        return [ShopLive.of(each) for each in await shop_figures.lives(info.context, self.span)]


@strawberry.type(description="What a shop has with the platform now (账户余额).")
class ShopBalance:
    """Balance."""

    available: Money = strawberry.field(description="可提现余额, in fen: can be withdrawn.")
    pending: Money = strawberry.field(description="待结算余额, in fen: not settled yet.")
    sub_mchid: str = strawberry.field(description="二级商户号: the merchant that holds it.")


@strawberry.type(description="Questions about figures of shops.")
class ShopFigureQueries:
    """Figures."""

    @strawberry.field(
        description="Figures of a shop (微信小店), live: at most 31 days, of which today may be the last. Needs the"
        " scope statistics:read."
    )
    async def shop_statistics(
        self,
        info: Info,
        start: Annotated[
            date_type, strawberry.argument(name="from", description="The first business date (Asia/Shanghai).")
        ],
        until: Annotated[
            date_type, strawberry.argument(description="The business date after the last one: tomorrow at the latest.")
        ],
        account: Account = None,
    ) -> ShopStatistics | None:
        return ShopStatistics(span=shop_figures.span(info.context, account, start, until))

    @strawberry.field(
        description="What a shop has with the platform (账户余额), asked now. One call. Needs the scope"
        " statistics:read."
    )
    async def shop_balance(self, info: Info, account: Account = None) -> ShopBalance | None:
        found = await shop_figures.balance(info.context, account)
        return ShopBalance(
            available=Money.of(found.available), pending=Money.of(found.pending), sub_mchid=found.sub_mchid
        )
