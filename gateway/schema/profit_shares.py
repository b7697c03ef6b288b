"""Parts of payments for other merchants (分账), as an order shows them."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import strawberry

from gateway.resolvers import ids
from gateway.resolvers.profit_shares import ReturnRecord, ShareRecord
from gateway.schema.scalars import Money


@strawberry.enum(description="What became of a part of a payment (分账结果).")
class ProfitShareState(Enum):
    """State."""

    REQUESTED = strawberry.enum_value("REQUESTED", description="微信支付 is being asked for it.")
    PENDING = strawberry.enum_value("PENDING", description="待分账: accepted, and not arrived.")
    SUCCESS = strawberry.enum_value("SUCCESS", description="分账成功: the merchant has it.")
    CLOSED = strawberry.enum_value("CLOSED", description="已关闭: it stayed with who was paid; reason says why.")


@strawberry.enum(description="What became of a return of a part (回退结果).")
class ProfitShareReturnState(Enum):
    """State."""

    REQUESTED = strawberry.enum_value("REQUESTED", description="微信支付 is being asked for it.")
    PROCESSING = strawberry.enum_value("PROCESSING", description="处理中: accepted, and not back.")
    SUCCESS = strawberry.enum_value("SUCCESS", description="回退成功: the money is back.")
    FAILED = strawberry.enum_value("FAILED", description="回退失败: reason says why; another return is a new one.")


@strawberry.type(description="A part of a payment, or some of it, that comes back from its merchant (分账回退).")
class ProfitShareReturn:
    """分账回退."""

    number: str = strawberry.field(description="商户回退单号, made of the transaction.")
    amount: Money = strawberry.field(description="How much.")
    state: ProfitShareReturnState = strawberry.field(description="Where it stands.")
    reason: str | None = strawberry.field(description="The platform's fail_reason of one that FAILED.")
    asked_at: datetime = strawberry.field(description="When it was asked for.")
    settled_at: datetime | None = strawberry.field(description="When the gateway learnt of its end.")
    transaction_id: strawberry.ID = strawberry.field(description="The id of the transaction that asked for it.")

    @classmethod
    def of(cls, record: ReturnRecord) -> ProfitShareReturn:
        return cls(
            number=record.number,
            amount=Money.of(record.amount),
            state=ProfitShareReturnState[record.state],
            reason=record.reason,
            asked_at=record.asked_at,
            settled_at=record.settled_at,
            transaction_id=strawberry.ID(ids.encode("tx", record.saga)),
        )


@strawberry.type(description="A part of an order's payment that goes on to another merchant (分账), or was unfrozen.")
class ProfitShare:
    """分账."""

    mchid: str = strawberry.field(description="The merchant (商户号) that was paid, and shares.")
    number: str = strawberry.field(
        description="商户分账单号, made of the transaction; the parts of one request have one."
    )
    receiver: str = strawberry.field(description="商户号 of who gets it; mchid's own where the rest was unfrozen.")
    unfrozen: bool = strawberry.field(
        description="Whether it is the rest that was unfrozen (解冻剩余资金), which is no part for anybody else."
    )
    amount: Money = strawberry.field(description="How much.")
    description: str = strawberry.field(description="分账描述: what the receiver's bill says.")
    state: ProfitShareState = strawberry.field(description="Where it stands, by what the platform told last.")
    reason: str | None = strawberry.field(
        description="The platform's fail_reason of one that is CLOSED, such as NO_RELATION (分账关系已解除)."
    )
    asked_at: datetime = strawberry.field(description="When it was asked for.")
    settled_at: datetime | None = strawberry.field(
        description="When it arrived or was closed, by the platform's clock."
    )
    transaction_id: strawberry.ID = strawberry.field(description="The id of the transaction that asked for it.")
    returns: list[ProfitShareReturn] = strawberry.field(description="What came back of it, oldest first (分账回退).")

    @classmethod
    def of(cls, record: ShareRecord) -> ProfitShare:
        return cls(
            mchid=record.mchid,
            number=record.number,
            receiver=record.receiver,
            unfrozen=record.kind == "REST",
            amount=Money.of(record.amount),
            description=record.description,
            state=ProfitShareState[record.state],
            reason=record.reason,
            asked_at=record.asked_at,
            settled_at=record.settled_at,
            transaction_id=strawberry.ID(ids.encode("tx", record.saga)),
            returns=[ProfitShareReturn.of(each) for each in record.returns],
        )
