"""Red packets (红包): money that members are offered."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import strawberry

from gateway.resolvers import ids, red_packets
from gateway.resolvers.red_packets import RedPacketRecord
from gateway.schema.info import Info
from gateway.schema.node import Node
from gateway.schema.scalars import Money


@strawberry.enum(description="Where a red packet stands (转账单据状态). Nobody has the money before SUCCESS.")
class RedPacketState(Enum):
    """State."""

    REQUESTED = strawberry.enum_value("REQUESTED", description="微信支付 is being asked for it.")
    CHECKING = strawberry.enum_value("CHECKING", description="ACCEPTED, PROCESSING: 微信支付 is checking.")
    WAIT_USER_CONFIRM = strawberry.enum_value(
        "WAIT_USER_CONFIRM", description="待收款用户确认: the shopper may confirm, until expiresAt."
    )
    TRANSFERRING = strawberry.enum_value("TRANSFERRING", description="转账中: the shopper has confirmed.")
    CANCELLING = strawberry.enum_value("CANCELLING", description="撤销中: it was taken back; the money returns.")
    SUCCESS = strawberry.enum_value("SUCCESS", description="转账成功: the shopper has the money.")
    FAILED = strawberry.enum_value("FAILED", description="转账失败: reason says why; the money returned.")
    CANCELLED = strawberry.enum_value("CANCELLED", description="已撤销: the money returned.")
    EXPIRED = strawberry.enum_value("EXPIRED", description="超时关闭: nobody confirmed within 24 hours.")


@strawberry.type(description="Money that a member is offered, and has once they confirmed it (红包, by 商家转账).")
class RedPacket(Node):
    """红包."""

    record: strawberry.Private[RedPacketRecord]
    state: RedPacketState = strawberry.field(description="Where it stands, by what the platform told last.")
    reason: str | None = strawberry.field(
        description="The platform's fail_reason of one that FAILED, such as ACCOUNT_FROZEN (收款方账户异常)."
    )
    amount: Money = strawberry.field(description="How much.")
    name: str = strawberry.field(description="活动名称, else what the shopper reads.")
    scene: str = strawberry.field(description="转账场景ID: 1000 is 现金营销.")
    number: str = strawberry.field(description="商户单号 (out_bill_no), made of the transaction.")
    platform_number: str | None = strawberry.field(description="微信转账单号; null until 微信支付 has taken it on.")
    mch_id: str = strawberry.field(description="商户号: mchId of wx.requestMerchantTransfer.")
    app_id: str = strawberry.field(description="The mini-program or account: appId of wx.requestMerchantTransfer.")
    asked_at: datetime = strawberry.field(description="When it was asked for.")
    expires_at: datetime | None = strawberry.field(description="Until when the shopper may confirm (24 hours).")
    settled_at: datetime | None = strawberry.field(description="When it was decided, by the platform's clock.")
    member_id: strawberry.ID | None = strawberry.field(description="The member's id (会员); null once erased.")
    transaction_id: strawberry.ID = strawberry.field(description="The id of the transaction that offered it.")

    @strawberry.field(
        description="package of wx.requestMerchantTransfer, which opens the confirming page on the shopper's phone:"
        " in the shopper's own session, or by the scope rewards:write; null unless it is WAIT_USER_CONFIRM."
    )
    def package(self, info: Info) -> str | None:
        return self.record.package if red_packets.may_confirm(info.context, self.record) else None

    @classmethod
    def of(cls, record: RedPacketRecord) -> RedPacket:
        return cls(
            id=strawberry.ID(ids.encode("rk", record.number, record.mchid)),
            record=record,
            state=RedPacketState[record.state],
            reason=record.reason,
            amount=Money.of(record.amount),
            name=record.name,
            scene=record.scene,
            number=record.number,
            platform_number=record.platform_number,
            mch_id=record.mchid,
            app_id=record.appid,
            asked_at=record.asked_at,
            expires_at=record.expires_at,
            settled_at=record.settled_at,
            member_id=None if record.member is None else strawberry.ID(ids.encode("mb", record.member)),
            transaction_id=strawberry.ID(ids.encode("tx", record.saga)),
        )
