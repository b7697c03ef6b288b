"""Coupons (券) in members' hands."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import strawberry

from gateway.resolvers import ids
from gateway.resolvers.benefits import CouponRecord
from gateway.schema.node import Node
from gateway.schema.scalars import Money


@strawberry.enum(description="State of a coupon (券状态).")
class CouponStateFilter(Enum):
    """Coupon state."""

    USABLE = strawberry.enum_value("USABLE", description="可用.")
    USED = strawberry.enum_value("USED", description="已核销.")
    EXPIRED = strawberry.enum_value("EXPIRED", description="已过期.")
    INVALID = strawberry.enum_value("INVALID", description="已失效或被删除.")


@strawberry.type(description="A merchant coupon (商家券) in the member's hands.")
class Coupon(Node):
    """商家券."""

    stock_id: str = strawberry.field(description="批次号.")
    code: str = strawberry.field(description="券码.")
    name: str = strawberry.field(description="Its name.")
    state: CouponStateFilter = strawberry.field(description="State.")
    discount: Money | None = strawberry.field(description="What it takes off; null when it is not an amount.")
    minimum: Money | None = strawberry.field(description="Least order amount (使用门槛).")
    starts_at: datetime | None = strawberry.field(description="Usable from.")
    expires_at: datetime | None = strawberry.field(description="Usable until.")

    @classmethod
    def of(cls, record: CouponRecord) -> Coupon:
        return cls(
            id=strawberry.ID(ids.encode("cp", f"{record.stock_id}:{record.code}", record.mchid)),
            stock_id=record.stock_id,
            code=record.code,
            name=record.name,
            state=CouponStateFilter[record.state],
            discount=Money.maybe(record.discount),
            minimum=Money.maybe(record.minimum),
            starts_at=record.starts_at,
            expires_at=record.expires_at,
        )
