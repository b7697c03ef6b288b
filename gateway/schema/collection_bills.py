"""Money that customers paid guides in chats (对外收款)."""

from __future__ import annotations

from datetime import date as date_type
from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from gateway.resolvers import collection_bills, ids, members, places
from gateway.resolvers.collection_bills import BillRecord
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.info import Info
from gateway.schema.members import Member
from gateway.schema.places import Guide
from gateway.schema.scalars import Money


@strawberry.enum(description="What a row of the bills tells (交易类型).")
class CollectionBillKind(Enum):
    """Kind."""

    PAYMENT = strawberry.enum_value("PAYMENT", description="收款记录: a customer paid.")
    REFUND = strawberry.enum_value("REFUND", description="退款记录: money went back.")


@strawberry.enum(description="How a customer paid a guide (收款方式).")
class CollectionWay(Enum):
    """Way."""

    CHAT = strawberry.enum_value("CHAT", description="在聊天中收款.")
    PAY_CODE = strawberry.enum_value("PAY_CODE", description="收款码收款.")
    LIVE_ROOM = strawberry.enum_value("LIVE_ROOM", description="在直播间收款.")
    PRODUCT_ALBUM = strawberry.enum_value("PRODUCT_ALBUM", description="用产品图册收款.")
    TRANSFER = strawberry.enum_value("TRANSFER", description="转账.")
    MINI_PROGRAM = strawberry.enum_value("MINI_PROGRAM", description="小程序.")
    OTHER = strawberry.enum_value("OTHER", description="Another one, which the platform added since.")


_WAYS = {
    0: CollectionWay.CHAT,
    1: CollectionWay.PAY_CODE,
    2: CollectionWay.LIVE_ROOM,
    3: CollectionWay.PRODUCT_ALBUM,
    14: CollectionWay.TRANSFER,
    15: CollectionWay.MINI_PROGRAM,
}


@strawberry.type(description="A refund of a payment (退款单).")
class CollectionRefund:
    """Refund."""

    out_refund_no: str = strawberry.field(description="商户退款单号.")
    amount: Money = strawberry.field(description="What goes back, in fen.")
    paid_back: bool = strawberry.field(description="Whether the money is there (退款成功).")


@strawberry.type(description="A payment to a guide, or a refund of one (对外收款记录).")
class CollectionBill:
    """Bill."""

    record: strawberry.Private[BillRecord]
    kind: CollectionBillKind = strawberry.field(description="A payment or a refund; a refund is a row of its own.")
    way: CollectionWay = strawberry.field(description="How it was paid.")
    at: datetime = strawberry.field(description="When it was paid, or went back.")
    amount: Money = strawberry.field(description="What was paid, or went back, in fen.")
    refunded: Money = strawberry.field(description="Of a payment: what has gone back of it until now, in fen.")
    refunds: list[CollectionRefund] = strawberry.field(description="Of a payment: its refunds.")
    transaction_id: str = strawberry.field(description="微信支付订单号: the same in the merchant's own bills.")
    out_trade_no: str = strawberry.field(description="商户单号: the platform's, and none of the gateway's orders.")
    mchid: str = strawberry.field(description="The merchant (商户号) that has the money.")
    remark: str | None = strawberry.field(
        description="What the guide wrote (收款备注), in which a customer may be named; null without pii:read."
    )

    @strawberry.field(description="The guide who collected it (收款成员).")
    async def guide(self, info: Info) -> Guide | None:
        bill = self.record.bill
        found = await info.context.loaders.load(places.guides, f"{bill.corpid}:{bill.userid}")
        return None if found is None else Guide.of(info, found)

    @strawberry.field(
        description="The member (会员) who paid; null for a stranger, or somebody the gateway does not know."
    )
    async def member(self, info: Info) -> Member | None:
        if self.record.member is None:
            return None
        found = await members.one(info.context, self.record.member, live=False)
        return None if found is None else Member.of(info, found)

    @classmethod
    def of(cls, info: Info, record: BillRecord) -> CollectionBill:
        bill = record.bill
        return cls(
            record=record,
            kind=CollectionBillKind[bill.kind.name],
            way=_WAYS.get(bill.payment_type, CollectionWay.OTHER),
            at=bill.at,
            amount=Money.of(bill.amount),
            refunded=Money.of(bill.refunded),
            refunds=[
                CollectionRefund(
                    out_refund_no=each.out_refund_no, amount=Money.of(each.amount), paid_back=each.paid_back
                )
                for each in bill.refunds
            ],
            transaction_id=bill.transaction_id,
            out_trade_no=bill.out_trade_no,
            mchid=bill.mchid,
            remark=bill.remark if info.context.principal.sees_personal_data else None,
        )


@strawberry.type(description="Questions about money collected in chats.")
class CollectionBillQueries:
    """Bills."""

    @strawberry.field(
        description="Payments to guides and their refunds (对外收款记录): live, forward only, one call per"
        " thousand. Needs the scope statistics:read. At most 31 days at once."
    )
    async def collection_bills(
        self,
        info: Info,
        start: Annotated[
            date_type, strawberry.argument(name="from", description="The first business date (Asia/Shanghai).")
        ],
        until: Annotated[date_type, strawberry.argument(description="The business date after the last one.")],
        guide: Annotated[strawberry.ID | None, strawberry.argument(description="Only to this guide (导购).")] = None,
        account: Annotated[
            str | None,
            strawberry.argument(description="corpid; the guide's, else the first corp of the settings."),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[CollectionBill] | None:
        payee = None if guide is None else ids.decode_as("gd", guide)
        page_args = args(first, after, last, before)
        page = await collection_bills.bills(info.context, account, payee, start, until, page_args)
        return connect(page, lambda each: CollectionBill.of(info, each))
