"""A member's standing: level (等级) and points (积分)."""

from __future__ import annotations

import strawberry

from gateway.schema.scalars import Long


@strawberry.type(description="会员等级.")
class MemberLevel:
    """Level."""

    name: str = strawberry.field(description="The brand's name for the level.")
    growth: Long = strawberry.field(description="Growth value (成长值).")
    next_at: Long | None = strawberry.field(description="Growth at which the next level begins; null at the top.")


@strawberry.type(description="积分.")
class MemberPoints:
    """Points."""

    balance: Long = strawberry.field(description="Points that can be spent.")
