"""A shop (微信小店) and its money with the platform: 店铺信息, 订单流水, 提现."""

from __future__ import annotations

from datetime import date as date_type
from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from adapters.mini_program_store import OrderSettlement, Withdrawal
from gateway.resolvers import orders, shop_money
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.info import Info
from gateway.schema.lives import Account
from gateway.schema.orders import Order
from gateway.schema.scalars import Money


@strawberry.type(description="A shop (微信小店), as its platform has it (店铺基本信息).")
class ShopInfo:
    """Shop."""

    account: str = strawberry.field(description="appid.")
    gh_id: str = strawberry.field(description="原始 ID, such as gh_….")
    name: str = strawberry.field(description="店铺名称.")
    logo_url: str = strawberry.field(description="店铺头像.")
    state: str = strawberry.field(
        description="The platform's own word (店铺状态): opening, open_finished, closing or close_finished."
    )
    opened_at: datetime | None = strawberry.field(description="开店时间.")


@strawberry.enum(description="Whether the platform has settled an order (结算状态).")
class SettlementState(Enum):
    """State."""

    PENDING = strawberry.enum_value("PENDING", description="未结算: amounts are estimates.")
    PARTLY = strawberry.enum_value("PARTLY", description="部分结算.")
    SETTLED = strawberry.enum_value("SETTLED", description="已结算.")
    NOTHING = strawberry.enum_value("NOTHING", description="无需结算, such as for an order that was refunded.")
    OTHER = strawberry.enum_value("OTHER", description="Another state.")


@strawberry.type(
    description="What an order brings a shop (订单流水). Amounts are fen, and estimates until it is SETTLED."
)
class ShopSettlement:
    """Settlement."""

    record: strawberry.Private[OrderSettlement]
    platform_id: str = strawberry.field(description="The platform's number of the order (订单号).")
    state: SettlementState = strawberry.field(description="结算状态.")
    paid: Money = strawberry.field(description="用户支付金额.")
    refunded: Money = strawberry.field(description="退款金额.")
    settled: Money = strawberry.field(description="商家结算金额: what the shop gets.")
    commission: Money = strawberry.field(description="技术服务费 and 达人佣金: what the platform and promoters get.")
    settled_at: datetime | None = strawberry.field(description="结算时间; null before.")

    @strawberry.field(description="The order; null where its sync has not brought it.")
    async def order(self, info: Info) -> Order | None:
        found = await info.context.loaders.load(orders.orders, f"STORE:{self.record.appid}:{self.record.order_id}")
        return None if found is None else Order.of(found)

    @classmethod
    def of(cls, record: OrderSettlement) -> ShopSettlement:
        return cls(
            record=record,
            platform_id=record.order_id,
            state=SettlementState[record.state.name],
            paid=Money.of(record.paid),
            refunded=Money.of(record.refunded),
            settled=Money.of(record.settled),
            commission=Money.of(record.commission),
            settled_at=record.settled_at,
        )


@strawberry.type(description="Money that a shop had sent to its bank (提现).")
class ShopWithdrawal:
    """Withdrawal."""

    platform_id: str = strawberry.field(description="提现单号.")
    amount: Money = strawberry.field(description="提现金额, in fen.")
    state: str = strawberry.field(
        description="The platform's own word (提现状态): INIT, CREATE_SUCCESS, SUCCESS, FAIL, REFUND or CLOSE."
    )
    reason: str = strawberry.field(description="Why it failed (失败原因); empty otherwise.")
    created_at: datetime | None = strawberry.field(description="When it was asked for.")
    updated_at: datetime | None = strawberry.field(description="When it last changed.")

    @classmethod
    def of(cls, record: Withdrawal) -> ShopWithdrawal:
        return cls(
            platform_id=record.withdrawal_id,
            amount=Money.of(record.amount),
            state=record.state,
            reason=record.reason,
            created_at=record.created_at,
            updated_at=record.updated_at,
        )


@strawberry.type(description="Questions about shops and their money.")
class ShopMoneyQueries:
    """Money."""

    @strawberry.field(
        description="A shop (微信小店) as its platform has it (店铺基本信息), asked now. One call. Needs the scope"
        " statistics:read."
    )
    async def shop_info(self, info: Info, account: Account = None) -> ShopInfo | None:
        found = await shop_money.info(info.context, account)
        return ShopInfo(
            account=found.appid,
            gh_id=found.gh_id,
            name=found.name,
            logo_url=found.logo,
            state=found.status,
            opened_at=found.opened_at,
        )

    @strawberry.field(
        description="What the orders of some days bring a shop (订单流水列表): live, in the platform's order, forward"
        " only, a call per fifty. At most 31 days. Needs the scope statistics:read."
    )
    async def shop_settlements(
        self,
        info: Info,
        start: Annotated[
            date_type,
            strawberry.argument(name="from", description="The first business date (Asia/Shanghai) of orders."),
        ],
        until: Annotated[date_type, strawberry.argument(description="The business date after the last one.")],
        account: Account = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[ShopSettlement] | None:
        given = args(first, after, last, before)
        page = await shop_money.settlements(info.context, account, start, until, given)
        return connect(page, ShopSettlement.of)

    @strawberry.field(
        description="Money that a shop had sent to its bank (提现记录列表): live, in the platform's order, forward"
        " only; a call per twenty and one for each, so that a page has 20 at most. Needs the scope statistics:read."
    )
    async def shop_withdrawals(
        self,
        info: Info,
        account: Account = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[ShopWithdrawal] | None:
        page = await shop_money.withdrawals(info.context, account, args(first, after, last, before))
        return connect(page, ShopWithdrawal.of)
