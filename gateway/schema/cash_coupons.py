"""Cash coupons (代金券): given to members, and taken off by 微信支付 when they pay."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from gateway.resolvers import cash_coupons as resolvers
from gateway.resolvers.cash_coupons import CashCouponRecord
from gateway.schema.acting import KEY_DESCRIPTION, act, done_by, present
from gateway.schema.consents import ConsentPurpose
from gateway.schema.coupons import CouponStateFilter
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem, ToolProblem
from gateway.schema.scalars import Money
from gateway.transactions.actions import Performed
from gateway.transactions.effects import cash_coupons

WRITE = "coupons:write"
_UNKNOWN = "null where the platform could not be asked when it was given"


@strawberry.type(description="A cash coupon (代金券); 微信支付 takes it off what its owner pays.")
class CashCoupon:
    """代金券."""

    mchid: str = strawberry.field(description="The merchant whose stock it is of.")
    coupon_id: str = strawberry.field(description="代金券id, by the platform.")
    stock_id: str = strawberry.field(description="批次号.")
    name: str | None = strawberry.field(description=f"Its name; {_UNKNOWN}.")
    discount: Money | None = strawberry.field(
        description=f"What it takes off; null when it is not an amount, and {_UNKNOWN}."
    )
    minimum: Money | None = strawberry.field(description="Least amount of a payment that takes it (使用门槛).")
    given_at: datetime = strawberry.field(description="When it was given (领券时间).")
    starts_at: datetime | None = strawberry.field(description=f"Usable from; {_UNKNOWN}.")
    expires_at: datetime | None = strawberry.field(description=f"Usable until; {_UNKNOWN}.")
    used_at: datetime | None = strawberry.field(description="When a payment took it, as 微信支付 told (代金券核销).")

    @strawberry.field(description="Used, over, or still usable; never INVALID: nothing takes one back.")
    def state(self, info: Info) -> CouponStateFilter:
        if self.used_at is not None:
            return CouponStateFilter.USED
        over = self.expires_at is not None and self.expires_at <= info.context.clock.now()
        return CouponStateFilter.EXPIRED if over else CouponStateFilter.USABLE

    @classmethod
    def of(cls, record: CashCouponRecord) -> CashCoupon:
        return cls(
            mchid=record.mchid,
            coupon_id=record.coupon_id,
            stock_id=record.stock_id,
            name=record.name,
            discount=Money.maybe(record.value),
            minimum=Money.maybe(record.minimum),
            given_at=record.given_at,
            starts_at=record.starts_at,
            expires_at=record.expires_at,
            used_at=record.used_at,
        )


@strawberry.input(description="A cash coupon for a member (发放代金券).")
class CashCouponSendInput:
    """发放代金券."""

    member: strawberry.ID = strawberry.field(description="Whom it is for.")
    stock_id: str = strawberry.field(description="批次号, of a stock that runs and that the merchant made itself.")
    mchid: str | None = strawberry.field(
        description="The merchant whose stock it is; the first one of the settings when it is left out.", default=None
    )
    purpose: ConsentPurpose = strawberry.field(
        description="What it is for; the member's consent is asked for it: SERVICE where it makes good what went"
        " wrong (补偿).",
        default=ConsentPurpose.MARKETING,
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)


@strawberry.type(description="A cash coupon in the member's hands.")
class CashCouponSent:
    """已发放代金券."""

    key: strawberry.Private[tuple[str, str]]
    transaction_id: strawberry.Private[str]
    transaction = done_by("The transaction that gave it.")

    @strawberry.field(description="The coupon; null once the member was erased.")
    async def cash_coupon(self, info: Info) -> CashCoupon | None:
        found = await info.context.loaders.load(resolvers.by_keys, self.key)
        return None if found is None else CashCoupon.of(found)


CashCouponSendResult = Annotated[
    CashCouponSent | DomainProblem | ToolProblem,
    strawberry.union("CashCouponSendResult", description="The coupon, or why there is none."),
]


@strawberry.type(description="Mutations about cash coupons.")
class CashCouponMutations:
    """Cash coupons."""

    @strawberry.mutation(
        description="Give a member a cash coupon (发放代金券); it cannot be taken back. Needs the scope coupons:write,"
        " and the member's consent for its purpose. What you say of it is a message of its own."
    )
    async def cash_coupon_send(
        self,
        info: Info,
        input: Annotated[CashCouponSendInput, strawberry.argument(description="Which, to whom.")],  # noqa: A002
    ) -> CashCouponSendResult:
        info.context.principal.require(WRITE)
        who = await present(info, input.member)
        if isinstance(who, DomainProblem):
            return who
        asked = cash_coupons.Gift(who, input.mchid or "", input.stock_id, input.purpose.name)
        done = await act(info, cash_coupons.SEND, asked, input.idempotency_key)
        if not isinstance(done, Performed):
            return done
        return CashCouponSent(key=(done.outcome.mchid, done.outcome.coupon), transaction_id=done.transaction)
