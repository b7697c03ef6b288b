"""Coupons of a shop (小店优惠券), for headquarters, and those in a member's hands."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, Final

import strawberry

from adapters.mini_program_store import CouponKind, CouponOffer, CouponStatus, UserCoupon
from adapters.mini_program_store import StoreCoupon as CouponRecord
from gateway.resolvers import ids, orders, store_coupons
from gateway.resolvers.errors import UserError
from gateway.resolvers.paging import aware
from gateway.schema.acting import KEY_DESCRIPTION, ask, done_by
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.info import Info
from gateway.schema.orders import Order
from gateway.schema.problems import DomainProblem, ToolProblem
from gateway.schema.scalars import Long, Money
from gateway.transactions.actions import Performed
from gateway.transactions.effects import store_coupons as effects

WRITE = store_coupons.SCOPE


@strawberry.enum(description="What a coupon of a shop does (优惠券类型).")
class StoreCouponKind(Enum):
    """优惠券类型."""

    PRODUCT_CONDITIONAL_DISCOUNT = strawberry.enum_value(
        "PRODUCT_CONDITIONAL_DISCOUNT", description="商品条件折扣券: a share, from a sum or a number of pieces on."
    )
    PRODUCT_THRESHOLD_OFF = strawberry.enum_value(
        "PRODUCT_THRESHOLD_OFF", description="商品满减券: money off, from a sum or a number of pieces on."
    )
    PRODUCT_DISCOUNT = strawberry.enum_value("PRODUCT_DISCOUNT", description="商品统一折扣券: a share.")
    PRODUCT_OFF = strawberry.enum_value("PRODUCT_OFF", description="商品直减券: money off.")
    STORE_CONDITIONAL_DISCOUNT = strawberry.enum_value(
        "STORE_CONDITIONAL_DISCOUNT", description="店铺条件折扣券: a share, from a sum or a number of pieces on."
    )
    STORE_THRESHOLD_OFF = strawberry.enum_value(
        "STORE_THRESHOLD_OFF", description="店铺满减券: money off, from a sum or a number of pieces on."
    )
    STORE_DISCOUNT = strawberry.enum_value("STORE_DISCOUNT", description="店铺统一折扣券: a share.")
    STORE_OFF = strawberry.enum_value("STORE_OFF", description="店铺直减券: money off.")
    OTHER = strawberry.enum_value("OTHER", description="A kind that this gateway does not know; it cannot be written.")


@strawberry.enum(description="Where a coupon of a shop stands (优惠券状态).")
class StoreCouponStatus(Enum):
    """优惠券状态."""

    EDITING = strawberry.enum_value("EDITING", description="未生效: it can be changed, and nobody can take it.")
    ACTIVE = strawberry.enum_value("ACTIVE", description="已生效: shoppers can take it, and use what they took.")
    EXPIRED = strawberry.enum_value("EXPIRED", description="已过期.")
    VOID = strawberry.enum_value("VOID", description="已作废: taken back; nobody can take it any more.")
    DELETED = strawberry.enum_value("DELETED", description="已删除.")
    OTHER = strawberry.enum_value("OTHER", description="A state that this gateway does not know.")


@strawberry.enum(description="Where a coupon is to go (更新优惠券状态).")
class StoreCouponStep(Enum):
    """更新优惠券状态."""

    PUBLISH = strawberry.enum_value("PUBLISH", description="生效: shoppers can take it from takeFrom on.")
    TAKE_BACK = strawberry.enum_value("TAKE_BACK", description="作废: nobody can take it any more, for good.")
    DELETE = strawberry.enum_value("DELETE", description="删除: one that is not published.")


_STEPS: Final = {"PUBLISH": CouponStatus.ACTIVE, "TAKE_BACK": CouponStatus.VOID, "DELETE": CouponStatus.DELETED}


@strawberry.enum(description="Where a member's own coupon of a shop stands (用户优惠券状态).")
class StoreCouponHeldState(Enum):
    """用户优惠券状态."""

    VALID = strawberry.enum_value("VALID", description="生效中.")
    EXPIRED = strawberry.enum_value("EXPIRED", description="已过期.")
    USED = strawberry.enum_value("USED", description="已使用.")
    OTHER = strawberry.enum_value("OTHER", description="A state that this gateway does not know.")


@strawberry.type(description="What a coupon of a shop gives, and for what.")
class StoreCouponTerms:
    """优惠."""

    kind: StoreCouponKind = strawberry.field(description="What it does (类型).")
    name: str = strawberry.field(description="Its name (名称).")
    off: Money | None = strawberry.field(description="What it takes off (减免金额); null for a share.")
    pay_percent: float | None = strawberry.field(
        description="What is to be paid of a hundred (折扣): 85 for 八五折; null for money off."
    )
    from_amount: Money | None = strawberry.field(description="Least sum (满减门槛金额); null for none.")
    from_quantity: int | None = strawberry.field(description="Least number of pieces (门槛件数); null for none.")

    @classmethod
    def of(cls, record: CouponRecord) -> StoreCouponTerms:
        return cls(
            kind=StoreCouponKind[record.kind.name],
            name=record.name,
            off=Money.maybe(record.off or None),
            pay_percent=record.pay_percent or None,
            from_amount=Money.maybe(record.from_amount or None),
            from_quantity=record.from_quantity or None,
        )


@strawberry.type(description="A coupon of a shop (小店优惠券), which shoppers take there.")
class StoreCoupon:
    """小店优惠券."""

    id: strawberry.ID = strawberry.field(description="Its id; no node: it is the platform's, and read live.")
    account: str = strawberry.field(description="appid of the shop.")
    coupon_id: str = strawberry.field(description="The platform's number (优惠券 ID).")
    status: StoreCouponStatus = strawberry.field(description="Where it stands.")
    terms: StoreCouponTerms = strawberry.field(description="What it gives.")
    products: list[strawberry.ID] = strawberry.field(description="Products it is for; none: the whole shop.")
    take_from: datetime | None = strawberry.field(description="It can be taken from then on (领取开始).")
    take_to: datetime | None = strawberry.field(description="And until then (领取结束).")
    valid_from: datetime | None = strawberry.field(description="Usable from (有效期); null where validDays count.")
    valid_to: datetime | None = strawberry.field(description="Usable until; null where validDays count.")
    valid_days: int | None = strawberry.field(description="Days it is usable after it was taken (领取后几天内有效).")
    left: Long = strawberry.field(description="How many can still be taken (剩余).")
    taken: Long = strawberry.field(description="How many were taken (领取量).")
    used: Long = strawberry.field(description="How many were used (使用量).")

    @classmethod
    def of(cls, record: CouponRecord) -> StoreCoupon:
        return cls(
            id=strawberry.ID(ids.encode("sc", record.coupon_id, record.appid)),
            account=record.appid,
            coupon_id=record.coupon_id,
            status=StoreCouponStatus[record.status.name],
            terms=StoreCouponTerms.of(record),
            products=[strawberry.ID(ids.encode("pr", each, record.appid)) for each in record.product_ids],
            take_from=record.take_from,
            take_to=record.take_to,
            valid_from=record.valid_from,
            valid_to=record.valid_to,
            valid_days=record.valid_days,
            left=Long(record.left),
            taken=Long(record.taken),
            used=Long(record.used),
        )


async def _live(info: Info, key: tuple[str, str]) -> CouponRecord | None:
    found = await info.context.loaders.load(store_coupons.by_keys, key)
    if isinstance(found, BaseException):
        raise found
    return found


@strawberry.type(description="A coupon of a shop in a member's hands (用户优惠券).")
class StoreCouponHeld:
    """用户优惠券."""

    record: strawberry.Private[UserCoupon]
    number: str = strawberry.field(description="The platform's number of the member's own (用户优惠券 ID).")
    state: StoreCouponHeldState = strawberry.field(description="Where it stands.")
    taken_at: datetime | None = strawberry.field(description="When it was taken (领取时间).")
    valid_from: datetime | None = strawberry.field(description="Usable from.")
    valid_to: datetime | None = strawberry.field(description="Usable until.")
    used_at: datetime | None = strawberry.field(description="When it was used (使用时间).")
    saved: Money | None = strawberry.field(description="What it took off (优惠金额); null until it is used.")

    @strawberry.field(description="What it gives; one call per coupon of the shop.")
    async def terms(self, info: Info) -> StoreCouponTerms | None:
        found = await _live(info, (self.record.appid, self.record.coupon_id))
        return None if found is None else StoreCouponTerms.of(found)

    @strawberry.field(description="The order it was used for, as our rows have it.")
    async def order(self, info: Info) -> Order | None:
        if self.record.order_id is None:
            return None
        found = await info.context.loaders.load(orders.orders, f"STORE:{self.record.appid}:{self.record.order_id}")
        return None if found is None else Order.of(found)

    @classmethod
    def of(cls, record: UserCoupon) -> StoreCouponHeld:
        return cls(
            record=record,
            number=record.user_coupon_id,
            state=StoreCouponHeldState[record.status.name],
            taken_at=record.taken_at,
            valid_from=record.valid_from,
            valid_to=record.valid_to,
            used_at=record.used_at,
            saved=Money.maybe(record.discount or None) if record.used_at is not None else None,
        )


@strawberry.input(description="All that a coupon of a shop says (优惠券信息).")
class StoreCouponOfferInput:
    """优惠券信息."""

    kind: StoreCouponKind = strawberry.field(description="What it does (类型).")
    name: str = strawberry.field(description="Its name (名称), 1 to 10 characters.")
    total: Long = strawberry.field(description="How many there are (发放总量), 1 to 100,000,000.")
    per_person: int = strawberry.field(description="How many one shopper can take (每人限领), 1 to 100.", default=1)
    take_from: datetime = strawberry.field(description="It can be taken from then on, with offset.")
    take_to: datetime = strawberry.field(description="And until then, with offset.")
    valid_from: datetime | None = strawberry.field(description="Usable from, with offset.", default=None)
    valid_to: datetime | None = strawberry.field(description="Usable until, with offset.", default=None)
    valid_days: int | None = strawberry.field(
        description="Instead of these: days it is usable after it was taken, 1 to 3,650.", default=None
    )
    off: Long | None = strawberry.field(
        description="Fen, for kinds that take money off: 1 to 10,000,000.", default=None
    )
    pay_percent: float | None = strawberry.field(
        description="For kinds that take a share: what is to be paid of a hundred, 10 to 99.99; 85 for 八五折.",
        default=None,
    )
    from_amount: Long | None = strawberry.field(description="Least sum, fen (门槛金额).", default=None)
    from_quantity: int | None = strawberry.field(description="Least number of pieces (门槛件数).", default=None)
    products: list[strawberry.ID] = strawberry.field(
        description="1 to 100 products of the shop, for kinds that are for products.", default_factory=list
    )
    notes: str | None = strawberry.field(description="For staff (备注), 200 characters at most.", default=None)
    members_only: bool = strawberry.field(description="For members of the shop only (会员券).", default=False)

    def record(self, appid: str | None) -> CouponOffer:
        """As the adapter takes it. Raises UserError for a product that is none, and for one of another shop."""
        products = [ids.decode_as("pr", each) for each in self.products]
        if len({shop for shop, _ in products} | ({appid} if appid else set())) > 1:
            raise UserError("The products are of different shops, or of another one than the coupon.")
        return CouponOffer(
            kind=CouponKind[self.kind.name],
            name=self.name,
            total=self.total,
            per_person=self.per_person,
            take_from=aware(self.take_from, "takeFrom").astimezone(UTC),
            take_to=aware(self.take_to, "takeTo").astimezone(UTC),
            valid_from=None if self.valid_from is None else aware(self.valid_from, "validFrom").astimezone(UTC),
            valid_to=None if self.valid_to is None else aware(self.valid_to, "validTo").astimezone(UTC),
            valid_days=self.valid_days,
            off=self.off or 0,
            pay_percent=self.pay_percent or 0,
            from_amount=self.from_amount or 0,
            from_quantity=self.from_quantity or 0,
            product_ids=tuple(dict.fromkeys(number for _, number in products)),
            notes=self.notes or "",
            members_only=self.members_only,
        )


@strawberry.input(description="A coupon to write (创建优惠券).")
class StoreCouponCreateInput:
    """创建优惠券."""

    account: str | None = strawberry.field(
        description="appid of the shop; the products', else the first one of the settings.", default=None
    )
    offer: StoreCouponOfferInput = strawberry.field(description="What it says.")
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> effects.New:
        """As the action takes it. Raises UserError."""
        offer = self.offer.record(self.account)
        named = [ids.decode_as("pr", each)[0] for each in self.offer.products]
        return effects.New(self.account or next(iter(named), ""), offer)


@strawberry.input(description="What a coupon is to say instead, all of it (更新优惠券).")
class StoreCouponUpdateInput:
    """更新优惠券."""

    coupon: strawberry.ID = strawberry.field(description="One that is being edited.")
    offer: StoreCouponOfferInput = strawberry.field(description="What it says, all of it.")
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> effects.Other:
        """As the action takes it. Raises UserError."""
        appid, number = ids.decode_as("sc", self.coupon)
        return effects.Other(appid, number, self.offer.record(appid))


@strawberry.input(description="Where a coupon is to go (更新优惠券状态).")
class StoreCouponMoveInput:
    """更新优惠券状态."""

    coupon: strawberry.ID = strawberry.field(description="Which.")
    to: StoreCouponStep = strawberry.field(description="Published, taken back, or deleted.")
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> effects.Move:
        """As the action takes it. Raises UserError for an id that is none."""
        return effects.Move(*ids.decode_as("sc", self.coupon), _STEPS[self.to.name])


@strawberry.type(description="A coupon of a shop, after it was written or moved.")
class StoreCouponChanged:
    """优惠券已更新."""

    key: strawberry.Private[tuple[str, str]]
    transaction_id: strawberry.Private[str]
    transaction = done_by("The transaction that did it.")

    @strawberry.field(description="The coupon's id.")
    def id(self) -> strawberry.ID:
        return strawberry.ID(ids.encode("sc", self.key[1], self.key[0]))

    @strawberry.field(
        description="The coupon as the platform has it now, one call; null where it has none, and under @atomic."
    )
    async def coupon(self, info: Info) -> StoreCoupon | None:
        if info.context.atomic is not None:
            return None
        found = await _live(info, self.key)
        return None if found is None else StoreCoupon.of(found)


StoreCouponResult = Annotated[
    StoreCouponChanged | DomainProblem | ToolProblem,
    strawberry.union("StoreCouponResult", description="The coupon after it, or why nothing was done."),
]


def _changed(done: Performed[effects.Changed]) -> StoreCouponChanged:
    return StoreCouponChanged(key=(done.outcome.appid, done.outcome.coupon), transaction_id=done.transaction)


Account = Annotated[
    str | None, strawberry.argument(description="appid of a shop (微信小店); the first of the settings without one.")
]


@strawberry.type(description="Questions about coupons of shops.")
class StoreCouponQueries:
    """Coupons of shops."""

    @strawberry.field(
        description="Coupons of a shop (获取优惠券列表) of one state: live, in the platform's order, forward only; one"
        " call, and one per coupon. Needs the scope coupons:write."
    )
    async def store_coupons(
        self,
        info: Info,
        status: Annotated[
            StoreCouponStatus, strawberry.argument(description="Which: the platform has no list of all.")
        ] = StoreCouponStatus.ACTIVE,
        account: Account = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[StoreCoupon] | None:
        wanted = CouponStatus[status.name]
        page = await store_coupons.page(info.context, account, wanted, args(first, after, last, before))
        return connect(page, StoreCoupon.of)


@strawberry.type(description="Mutations about coupons of shops.")
class StoreCouponMutations:
    """Coupons of shops."""

    @strawberry.mutation(
        description="Write a coupon of a shop (创建优惠券); nobody can take it until it is published. Needs the scope"
        " coupons:write."
    )
    async def store_coupon_create(
        self,
        info: Info,
        input: Annotated[StoreCouponCreateInput, strawberry.argument(description="What.")],  # noqa: A002
    ) -> StoreCouponResult:
        info.context.principal.require(WRITE)
        done = await ask(info, effects.CREATE, input)
        return _changed(done) if isinstance(done, Performed) else done

    @strawberry.mutation(
        description="Replace what a coupon of a shop says that is not published yet (更新优惠券). Needs the scope"
        " coupons:write."
    )
    async def store_coupon_update(
        self,
        info: Info,
        input: Annotated[StoreCouponUpdateInput, strawberry.argument(description="Which, and what.")],  # noqa: A002
    ) -> StoreCouponResult:
        info.context.principal.require(WRITE)
        done = await ask(info, effects.UPDATE, input)
        return _changed(done) if isinstance(done, Performed) else done

    @strawberry.mutation(
        description="Publish a coupon of a shop, take it back, or delete it (更新优惠券状态). Needs the scope"
        " coupons:write."
    )
    async def store_coupon_move(
        self,
        info: Info,
        input: Annotated[StoreCouponMoveInput, strawberry.argument(description="Which, and where to.")],  # noqa: A002
    ) -> StoreCouponResult:
        info.context.principal.require(WRITE)
        done = await ask(info, effects.MOVE, input)
        return _changed(done) if isinstance(done, Performed) else done
