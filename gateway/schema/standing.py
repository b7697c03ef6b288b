"""A member's standing: level (等级), points (积分) and totals (消费统计)."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from gateway.members.totals import Totals
from gateway.resolvers import ids, standing
from gateway.resolvers.errors import UserError
from gateway.resolvers.standing import EntryRecord, LevelRecord
from gateway.schema.acting import KEY_DESCRIPTION, act
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem, invalid
from gateway.schema.scalars import Long, Money
from gateway.transactions.actions import Performed
from gateway.transactions.effects import points


@strawberry.type(description="会员等级.")
class MemberLevel:
    """Level."""

    name: str = strawberry.field(description="The brand's name for the level.")
    growth: Long = strawberry.field(description="Growth value (成长值).")
    next_at: Long | None = strawberry.field(description="Growth at which the next level begins; null at the top.")

    @classmethod
    def maybe(cls, record: LevelRecord | None) -> MemberLevel | None:
        """From a record, or None."""
        if record is None:
            return None
        next_at = None if record.next_at is None else Long(record.next_at)
        return cls(name=record.name, growth=Long(record.growth), next_at=next_at)


@strawberry.enum(description="Why points came or went.")
class PointsEntryKind(Enum):
    """Kind."""

    EARN = strawberry.enum_value("EARN", description="Earned (获得).")
    BURN = strawberry.enum_value("BURN", description="Spent (消耗).")
    EXPIRE = strawberry.enum_value("EXPIRE", description="Lapsed (过期).")
    ADJUST = strawberry.enum_value("ADJUST", description="Adjusted by headquarters (调整).")
    REVERSAL = strawberry.enum_value("REVERSAL", description="An earlier entry taken back, such as by a refund (冲正).")
    CARD = strawberry.enum_value(
        "CARD", description="The balance of a platform's card (会员卡) moved; the platform does not say why."
    )


@strawberry.type(description="An entry of a member's points (积分明细).")
class PointsEntry:
    """Points entry."""

    kind: PointsEntryKind = strawberry.field(description="Why.")
    points: Long = strawberry.field(description="How many came, or went where it is below zero.")
    reason: str = strawberry.field(description="The reason that was given; card for a platform's card.")
    at: datetime = strawberry.field(description="When it happened; for a card, when the platform was asked.")
    valid_until: datetime | None = strawberry.field(description="When what is left of it lapses; null never.")

    @classmethod
    def of(cls, record: EntryRecord) -> PointsEntry:
        return cls(
            kind=PointsEntryKind[record.kind],
            points=Long(record.points),
            reason=record.reason,
            at=record.at,
            valid_until=record.valid_until,
        )


@strawberry.type(description="Points that lapse at an instant.")
class ExpiringPoints:
    """Expiring points."""

    amount: Long = strawberry.field(description="How many, unless they are spent before.")
    at: datetime = strawberry.field(description="When.")


@strawberry.type(description="积分.")
class MemberPoints:
    """Points."""

    member: strawberry.Private[str]
    balance: Long = strawberry.field(
        description="Points that can be spent, of all cards and merged members together. Below zero they are owed."
    )

    @strawberry.field(description="Points that lapse soon (即将过期), the earliest first; spending takes these first.")
    async def expiring(
        self,
        info: Info,
        within: Annotated[int, strawberry.argument(description="Days from now, 1 to 3660.")] = 30,
    ) -> list[ExpiringPoints] | None:
        found = await standing.expiring(info.context, self.member, within)
        return [ExpiringPoints(amount=Long(amount), at=at) for at, amount in found]

    @strawberry.field(description="What came and went (积分明细), newest first.")
    async def entries(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[PointsEntry] | None:
        page = await standing.MEMBER_ENTRIES.page(info.context, self.member, args(first, after, last, before))
        return connect(page, PointsEntry.of)


@strawberry.type(description="When a member was last seen at a tool.")
class LastSeen:
    """Last seen."""

    tool: str | None = strawberry.field(description="Which of the seven tools; null for our own.")
    at: datetime = strawberry.field(description="When.")


@strawberry.type(
    description="What a member's facts add up to (消费统计). Orders count when they are paid, of every source."
)
class MemberTotals:
    """Totals."""

    orders: Long = strawberry.field(description="Paid orders (订单数), of all time.")
    spend: Money = strawberry.field(description="What they came to (消费额); later refunds stay in.")
    refunds: Long = strawberry.field(description="Refunds that were paid out (退款笔数), of all time.")
    refunded: Money = strawberry.field(description="What they came to (退款额).")
    average_order: Money | None = strawberry.field(
        description="spend ÷ orders (客单价), rounded down to fen; null without an order."
    )
    first_order_at: datetime | None = strawberry.field(description="When the first order was paid.")
    last_order_at: datetime | None = strawberry.field(description="When the last order was paid.")
    last_seen: list[LastSeen] = strawberry.field(description="When the member was last seen per tool, latest first.")
    recency_days: int | None = strawberry.field(
        description="R: business days (Asia/Shanghai) since the day of the last order; null without one."
    )
    frequency: Long = strawberry.field(description="F: paid orders of the window.")
    monetary: Money = strawberry.field(description="M: spend less refunds of the window, each in its own month.")

    @classmethod
    def of(cls, record: Totals, now: datetime) -> MemberTotals:
        return cls(
            orders=Long(record.orders),
            spend=Money.of(record.spend),
            refunds=Long(record.refunds),
            refunded=Money.of(record.refunded),
            average_order=Money.of(record.spend // record.orders) if record.orders > 0 else None,
            first_order_at=record.first_order_at,
            last_order_at=record.last_order_at,
            last_seen=[LastSeen(tool=tool or None, at=at) for tool, at in record.seen],
            recency_days=record.recency_days(now),
            frequency=Long(record.frequency),
            monetary=Money.of(record.monetary),
        )


@strawberry.input(description="Points to give to a member, or to take.")
class PointsAdjustInput:
    """Points adjustment."""

    member: strawberry.ID = strawberry.field(description="The member.")
    points: Long = strawberry.field(description="How many come, or go where it is below zero; 100,000,000 at most.")
    reason: str = strawberry.field(
        description="Why, in 1 to 100 characters without personal data; the shopper sees it in their entries."
    )
    valid_until: datetime | None = strawberry.field(
        description="When what is left of points that come lapses; never by default.", default=None
    )
    idempotency_key: str | None = strawberry.field(
        description=f"{KEY_DESCRIPTION} The ledger never books a key twice.", default=None
    )

    def record(self) -> standing.Adjustment:
        """As a plain record. Raises UserError for a bad id."""
        return standing.Adjustment(
            member=ids.decode_as("mb", self.member)[1],
            points=int(self.points),
            reason=self.reason,
            valid_until=self.valid_until,
            key=self.idempotency_key or "",
        )


@strawberry.type(description="An adjustment as it is booked.")
class PointsAdjusted:
    """Adjusted points."""

    entry_id: strawberry.Private[str]
    member: strawberry.Private[str]

    @strawberry.field(description="The entry.")
    async def entry(self, info: Info) -> PointsEntry:
        return PointsEntry.of(await standing.entry(info.context, self.entry_id))

    @strawberry.field(description="The member's points now.")
    async def points(self, info: Info) -> MemberPoints:
        found = await info.context.loaders.load(standing.points, self.member)
        return MemberPoints(member=self.member, balance=Long(found or 0))


PointsAdjustResult = Annotated[
    PointsAdjusted | DomainProblem,
    strawberry.union("PointsAdjustResult", description="The adjustment as booked, or why it was not."),
]


@strawberry.type(description="Mutations about points.")
class PointsMutations:
    """Points."""

    @strawberry.mutation(
        description="Give a member points or take some (积分调整), never below zero. Needs the scope points:write."
    )
    async def points_adjust(
        self,
        info: Info,
        input: Annotated[PointsAdjustInput, strawberry.argument(description="The adjustment.")],  # noqa: A002
    ) -> PointsAdjustResult:
        info.context.principal.require("points:write")
        try:
            asked = await standing.adjustment(info.context, input.record())
        except UserError as error:
            return invalid(error)
        done = await act(info, points.ADJUST, asked, input.idempotency_key)
        if isinstance(done, Performed):
            return PointsAdjusted(entry_id=done.outcome.entry, member=done.outcome.member)
        assert isinstance(done, DomainProblem)  # noqa: S101 — no platform has a part in it
        return done
