"""Merchant coupons (商家券): given to members, written off and given back by tills."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from gateway.resolvers import benefits, ids
from gateway.resolvers.errors import UserError
from gateway.schema.acting import KEY_DESCRIPTION, act, done_by, present
from gateway.schema.consents import ConsentPurpose
from gateway.schema.coupons import Coupon
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem, ToolProblem, invalid
from gateway.transactions.actions import Performed
from gateway.transactions.effects import coupons
from gateway.transactions.records import CouponRef

WRITE = "coupons:write"
USE = "coupons:use"


@strawberry.input(description="A coupon for a member (发券).")
class CouponIssueInput:
    """发券."""

    member: strawberry.ID = strawberry.field(description="Whom it is for.")
    stock_id: str = strawberry.field(description="批次号.")
    mchid: str | None = strawberry.field(
        description="The merchant whose stock it is; the first one of the settings when it is left out.", default=None
    )
    purpose: ConsentPurpose = strawberry.field(
        description="What it is for; the member's consent is asked for it: SERVICE where it makes good what went"
        " wrong (补偿).",
        default=ConsentPurpose.MARKETING,
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)


@strawberry.input(description="A coupon at a till (核销, 退券).")
class CouponAtTillInput:
    """收银台."""

    coupon: strawberry.ID = strawberry.field(description="The coupon.")
    store: strawberry.ID | None = strawberry.field(description="Which store's till.", default=None)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> coupons.Till:
        """As the action takes it. Raises UserError for an id that is none."""
        mchid, native = ids.decode_as("cp", self.coupon)
        stock_id, _, code = native.partition(":")
        store = ids.decode_as("st", self.store)[1] if self.store else ""
        return coupons.Till(CouponRef(mchid, stock_id, code), store)


async def _coupon(info: Info, key: tuple[str, str, str]) -> Coupon | None:
    found = await info.context.loaders.load(benefits.coupons_by_key, key)
    return None if found is None else Coupon.of(found[1])


@strawberry.type(description="A coupon in the member's card pack (卡包).")
class CouponIssued:
    """已发券."""

    key: strawberry.Private[tuple[str, str, str]]
    transaction_id: strawberry.Private[str]

    @strawberry.field(description="The coupon; null while the platform has not told it.")
    async def coupon(self, info: Info) -> Coupon | None:
        return await _coupon(info, self.key) if self.key[2] else None

    transaction = done_by("The transaction that gave it.")


@strawberry.type(description="A coupon that was written off or given back.")
class CouponMoved:
    """已核销, 已退券."""

    key: strawberry.Private[tuple[str, str, str]]
    transaction_id: strawberry.Private[str]
    at: datetime = strawberry.field(description="When, by the platform's clock.")

    @strawberry.field(description="The coupon after it.")
    async def coupon(self, info: Info) -> Coupon | None:
        return await _coupon(info, self.key)

    transaction = done_by("The transaction that did it.")


CouponIssueResult = Annotated[
    CouponIssued | DomainProblem | ToolProblem,
    strawberry.union("CouponIssueResult", description="The coupon, or why there is none."),
]
CouponAtTillResult = Annotated[
    CouponMoved | DomainProblem | ToolProblem,
    strawberry.union("CouponAtTillResult", description="The coupon after it, or why it stayed as it was."),
]


@strawberry.type(description="Mutations about merchant coupons.")
class CouponMutations:
    """Coupons."""

    @strawberry.mutation(
        description="Give a member a merchant coupon (发放商家券). Needs the scope coupons:write, and the member's"
        " consent for its purpose. It tells the member nothing of the brand's: what you say of it is a message."
    )
    async def coupon_issue(
        self,
        info: Info,
        input: Annotated[CouponIssueInput, strawberry.argument(description="Which, to whom.")],  # noqa: A002
    ) -> CouponIssueResult:
        info.context.principal.require(WRITE)
        who = await present(info, input.member)
        if isinstance(who, DomainProblem):
            return who
        asked = coupons.Gift(who, input.mchid or "", input.stock_id, input.purpose.name)
        done = await act(info, coupons.ISSUE, asked, input.idempotency_key)
        if not isinstance(done, Performed):
            return done
        return CouponIssued(
            key=(done.outcome.mchid, input.stock_id, done.outcome.code), transaction_id=done.transaction
        )

    @strawberry.mutation(
        description="Write a coupon off for what a till sold (核销). Needs the scope coupons:use. Coupons of own orders"
        " are written off when these are paid."
    )
    async def coupon_use(
        self,
        info: Info,
        input: Annotated[CouponAtTillInput, strawberry.argument(description="Which.")],  # noqa: A002
    ) -> CouponAtTillResult:
        return await _at_till(info, input, coupons.USE)

    @strawberry.mutation(
        description="Give a used coupon back, when what it was used for came back to a till (退券). Needs the scope"
        " coupons:use. Coupons of own orders come back with the whole refund."
    )
    async def coupon_return(
        self,
        info: Info,
        input: Annotated[CouponAtTillInput, strawberry.argument(description="Which.")],  # noqa: A002
    ) -> CouponAtTillResult:
        return await _at_till(info, input, coupons.RETURN)


async def _at_till(info: Info, given: CouponAtTillInput, action: coupons.AtTill) -> CouponAtTillResult:
    info.context.principal.require(USE)
    try:
        asked = given.record()
    except UserError as error:
        return invalid(error)
    done = await act(info, action, asked, given.idempotency_key)
    if not isinstance(done, Performed):
        return done
    held = asked.coupon
    return CouponMoved(key=(held.mchid, held.stock_id, held.code), transaction_id=done.transaction, at=done.outcome.at)
