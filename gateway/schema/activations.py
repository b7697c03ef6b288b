"""Activations of licensed works (主题活动): what runs in the stores, and what members have of it."""

from __future__ import annotations

from datetime import date as date_type
from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from adapters.ip_content import Activation as ActivationRecord
from adapters.ip_content import Contest as ContestRecord
from adapters.ip_content import Drop as DropRecord
from adapters.ip_content import DropPlace as PlaceRecord
from adapters.ip_content import LiftStudy
from adapters.ip_content import Participation as ParticipationRecord
from adapters.ip_content import Prize as PrizeRecord
from adapters.ip_content import Reward as RewardRecord
from gateway.resolvers import activations, freshness, ids, lift, places
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.info import Info
from gateway.schema.node import Node
from gateway.schema.places import IpProperty, Store
from gateway.schema.scalars import Long


@strawberry.enum(description="Where an activation stands (主题活动状态).")
class IpActivationState(Enum):
    """State."""

    PLANNED = strawberry.enum_value("PLANNED", description="筹备: nobody has looked at the licences yet.")
    BLOCKED = strawberry.enum_value("BLOCKED", description="受阻: the licences do not permit it.")
    CLEARED = strawberry.enum_value("CLEARED", description="已清权: the licences permit it.")
    INSTALLED = strawberry.enum_value("INSTALLED", description="已布场: the stores are ready.")
    LIVE = strawberry.enum_value("LIVE", description="进行中: shoppers see it.")
    CLOSED = strawberry.enum_value("CLOSED", description="已结束.")
    MEASURED = strawberry.enum_value("MEASURED", description="已复盘: its lift is known.")
    PULLED = strawberry.enum_value("PULLED", description="已下架: taken down before its end.")
    OTHER = strawberry.enum_value("OTHER", description="Another one, which the licensing department has invented.")

    @classmethod
    def of(cls, state: str) -> IpActivationState:
        return cls.__members__.get(state.upper(), cls.OTHER)


@strawberry.enum(description="What a complete card set earns.")
class IpPrizeKind(Enum):
    """Kind."""

    POINTS = strawberry.enum_value("POINTS", description="积分: booked when the reward is claimed.")
    COUPON = strawberry.enum_value("COUPON", description="优惠券: issued by whoever follows reward.claimed.")
    RED_PACKET = strawberry.enum_value("RED_PACKET", description="红包: paid by whoever follows reward.claimed.")
    GOODS = strawberry.enum_value("GOODS", description="实物: handed out in a store.")


@strawberry.type(description="A collectable card (卡片), with its published odds.")
class IpCard:
    """Card."""

    id: str = strawberry.field(description="Stable within its set.")
    name: str = strawberry.field(description="Its name.")
    odds: float = strawberry.field(
        description="概率: of a draw while every card is left, 0 to 1. After guaranteeAfter draws without a new card"
        " the next one is new (保底)."
    )


@strawberry.type(description="What a complete set earns (集卡奖励), once per member and while its budget lasts.")
class IpPrize:
    """Prize."""

    kind: IpPrizeKind = strawberry.field(description="What it is.")
    name: str = strawberry.field(description="Its name.")
    amount: Long = strawberry.field(description="Points, or fen (分) of a coupon or red packet; 0 for goods.")
    claim_days: int = strawberry.field(description="Days for claiming it.")

    @classmethod
    def maybe(cls, record: PrizeRecord | None) -> IpPrize | None:
        if record is None:
            return None
        return cls(
            kind=IpPrizeKind[record.kind.upper()],
            name=record.name,
            amount=Long(record.amount),
            claim_days=record.claim_days,
        )


@strawberry.enum(description="Vote or quiz.")
class IpContestKind(Enum):
    """Kind."""

    VOTE = strawberry.enum_value("VOTE", description="投票.")
    QUIZ = strawberry.enum_value("QUIZ", description="竞猜: one choice turns out to be right.")


@strawberry.type(description="A choice of a contest, and how many chose it.")
class IpContestOption:
    """Option."""

    id: str = strawberry.field(description="choice of ballotCast.")
    name: str = strawberry.field(description="Its name.")
    votes: Long = strawberry.field(description="Ballots for it (票数) until now.")


@strawberry.type(description="The count of a contest (计票).")
class IpContestTally:
    """Tally."""

    options: list[IpContestOption] = strawberry.field(description="Every choice, in the contest's order.")
    closed: bool = strawberry.field(description="Whether it has ended: then it does not change any more.")
    proof: str | None = strawberry.field(
        description="SHA-256 of all ballots, hexadecimal, once closed: a count that was changed later has another."
    )
    correct: str | None = strawberry.field(description="A quiz's right choice, once closed and settled.")


@strawberry.type(description="A vote or a quiz of an activation (投票, 竞猜).")
class IpContest:
    """Contest."""

    record: strawberry.Private[ContestRecord]
    code: str = strawberry.field(description="contest of ballotCast.")
    kind: IpContestKind = strawberry.field(description="Which.")
    name: str = strawberry.field(description="Its name.")
    opens_at: datetime = strawberry.field(description="From when ballots are taken.")
    closes_at: datetime = strawberry.field(description="Until when; not included.")
    per_member: int | None = strawberry.field(description="Ballots of one member; null without limit.")
    per_day: int | None = strawberry.field(description="Of one member on one day (Beijing); null without limit.")

    @strawberry.field(description="The count.")
    async def tally(self, info: Info) -> IpContestTally | None:
        found = await info.context.loaders.load(activations.tallies, self.record.code)
        if found is None:
            return None
        return IpContestTally(
            options=[
                IpContestOption(id=each, name=name, votes=Long(found.counts.get(each, 0)))
                for each, name in self.record.options
            ],
            closed=found.closed,
            proof=found.proof,
            correct=found.correct,
        )

    @classmethod
    def of(cls, record: ContestRecord) -> IpContest:
        return cls(
            record=record,
            code=record.code,
            kind=IpContestKind[record.kind.upper()],
            name=record.name,
            opens_at=record.opens_at,
            closes_at=record.closes_at,
            per_member=record.per_member,
            per_day=record.per_day,
        )


@strawberry.enum(description="How places of a limited edition are given.")
class DropQueue(Enum):
    """Queue."""

    FCFS = strawberry.enum_value("FCFS", description="先到先得: at once, while there are any.")
    RAFFLE = strawberry.enum_value("RAFFLE", description="抽签: drawn after it has closed.")


@strawberry.type(description="A limited edition on sale (限定发售). A place in it is the right to buy one piece.")
class Drop:
    """Drop."""

    code: str = strawberry.field(description="drop of dropEnter.")
    name: str = strawberry.field(description="Its name.")
    gtin: str = strawberry.field(description="GS1 GTIN-14 of the licensed product (授权商品).")
    queue: DropQueue = strawberry.field(description="How places are given.")
    opens_at: datetime = strawberry.field(description="From when one may enter.")
    closes_at: datetime = strawberry.field(description="Until when; not included.")
    per_member: int = strawberry.field(description="Places of one member.")
    stock_total: Long = strawberry.field(description="Places there are (限量).")
    stock_left: Long = strawberry.field(description="Places that nobody has now; of a raffle all, until it is drawn.")
    needs_phone: bool = strawberry.field(description="Whether only members with a checked phone may enter.")
    member_days: int = strawberry.field(description="Days that somebody must have been a member.")
    drawn_at: datetime | None = strawberry.field(description="When a raffle was drawn.")

    @classmethod
    def of(cls, record: DropRecord) -> Drop:
        return cls(
            code=record.code,
            name=record.name,
            gtin=record.gtin,
            queue=DropQueue[record.queue_mode.upper()],
            opens_at=record.opens_at,
            closes_at=record.closes_at,
            per_member=record.per_member,
            stock_total=Long(record.stock_total),
            stock_left=Long(record.stock_left),
            needs_phone=record.needs_phone,
            member_days=record.member_days,
            drawn_at=record.drawn_at,
        )


@strawberry.enum(description="What a lift is of.")
class IpLiftMetric(Enum):
    """Metric."""

    GMV = strawberry.enum_value("GMV", description="支付GMV of the stores, in fen a day.")
    ORDERS = strawberry.enum_value("ORDERS", description="支付订单数 of the stores a day.")
    DERIVATIVE_SALES = strawberry.enum_value(
        "DERIVATIVE_SALES", description="衍生品销售额: paid for goods of the work in the stores, in fen a day."
    )
    NEW_MEMBERS = strawberry.enum_value("NEW_MEMBERS", description="新增会员 of the stores a day.")


@strawberry.type(description="How much more there was (活动提升). +10000 basis points is twice as much, not one more.")
class IpLift:
    """Lift."""

    metric: IpLiftMetric = strawberry.field(description="What was counted.")
    raw_bps: Long = strawberry.field(
        description="Mean of the activation's days over the mean of the days before, less one, in basis points"
        " (万分比)."
    )
    adjusted_bps: Long | None = strawberry.field(
        description="The same over that of the control stores (双重差分, as a ratio); null without any."
    )
    baseline_days: int = strawberry.field(
        description="Days before that counted: the same weekdays of four weeks, without the last three."
    )
    treatment_days: int = strawberry.field(description="Days of the activation that counted.")

    @classmethod
    def of(cls, metric: IpLiftMetric, record: LiftStudy) -> IpLift:
        return cls(
            metric=metric,
            raw_bps=Long(record.raw_bps),
            adjusted_bps=None if record.adjusted_bps is None else Long(record.adjusted_bps),
            baseline_days=record.baseline_days,
            treatment_days=record.treatment_days,
        )


@strawberry.type(description="A property brought to life in stores (IP联名活动).")
class IpActivation(Node):
    """IP activation."""

    record: strawberry.Private[ActivationRecord]
    code: str = strawberry.field(description="The activation's code.")
    name: str = strawberry.field(description="Its name.")
    state: IpActivationState = strawberry.field(description="Where it stands.")
    starts_on: date_type = strawberry.field(description="Its first day (Asia/Shanghai).")
    ends_on: date_type = strawberry.field(description="The first day after it.")
    property: IpProperty = strawberry.field(description="The licensed work.")
    daily_cap: int | None = strawberry.field(description="Cards that a member draws on one day (Beijing), at most.")
    guarantee_after: int | None = strawberry.field(
        description="Draws in a row without a new card after which the next one is new (保底); null for none."
    )
    prize: IpPrize | None = strawberry.field(description="What the complete set earns; null for nothing.")

    @strawberry.field(description="Its card set (卡组), in the set's order; empty without one.")
    async def cards(self) -> list[IpCard]:
        total = sum(each.weight for each in self.record.cards)
        return [IpCard(id=each.id, name=each.name, odds=each.weight / total) for each in self.record.cards]

    @strawberry.field(
        description="How much more there was than before (活动提升), by the facts of its stores until yesterday. Needs"
        " the scope statistics:read."
    )
    async def lift(
        self,
        info: Info,
        metric: Annotated[IpLiftMetric, strawberry.argument(description="What is counted.")],
        control: Annotated[
            list[strawberry.ID] | None,
            strawberry.argument(description="1 to 20 stores without it, whose own growth is taken out (对照门店)."),
        ] = None,
        exclusions: Annotated[
            list[date_type] | None,
            strawberry.argument(description="Days that count on neither side, such as holidays; at most 100."),
        ] = None,
    ) -> IpLift | None:
        stores = None if control is None else tuple(ids.decode_as("st", each)[1] for each in control)
        asked = lift.Asked(self.record, metric.name, stores, tuple(exclusions or ()))
        return IpLift.of(metric, await lift.study_of(info.context, asked))

    @strawberry.field(description="The stores that take part.")
    async def stores(self, info: Info) -> list[Store]:
        found = await info.context.loaders.load_many(places.stores, list(self.record.store_codes))
        return [Store.of(each) for each in found if each is not None]

    @strawberry.field(description="Its votes and quizzes (投票, 竞猜), those that open first first.")
    async def contests(self, info: Info) -> list[IpContest]:
        found = await info.context.loaders.load(activations.contests_of, self.record.code)
        return [IpContest.of(each) for each in found]

    @strawberry.field(description="Its limited editions (限定发售), those that open first first.")
    async def drops(self, info: Info) -> list[Drop]:
        found = await info.context.loaders.load(activations.drops_of, self.record.code)
        return [Drop.of(each) for each in found]

    @classmethod
    def of(cls, record: ActivationRecord) -> IpActivation:
        return cls(
            id=strawberry.ID(ids.encode("ac", record.code)),
            record=record,
            code=record.code,
            name=record.name,
            state=IpActivationState.of(record.state),
            starts_on=record.starts,
            ends_on=record.ends,
            property=IpProperty.of(record.property),
            daily_cap=record.daily_cap,
            guarantee_after=record.guarantee_after,
            prize=IpPrize.maybe(record.prize),
        )


@strawberry.type(description="What a member collected in an activation (集卡).")
class IpParticipation:
    """集卡进度."""

    activation: IpActivation = strawberry.field(description="The activation.")
    collected: int = strawberry.field(description="Distinct cards collected.")
    total: int = strawberry.field(description="Cards in the set.")
    cards: list[str] = strawberry.field(description="Names of the collected cards.")
    completed: bool = strawberry.field(description="Whether the set is complete.")

    @classmethod
    def of(cls, record: ParticipationRecord) -> IpParticipation:
        return cls(
            activation=IpActivation.of(record.activation),
            collected=record.collected,
            total=record.total,
            cards=[each.name for each in record.activation.cards if each.id in record.cards],
            completed=record.completed,
        )


@strawberry.enum(description="Where a reward stands.")
class IpRewardState(Enum):
    """State."""

    RESERVED = strawberry.enum_value("RESERVED", description="待领取: until expiresAt.")
    CLAIMED = strawberry.enum_value("CLAIMED", description="已领取.")
    EXPIRED = strawberry.enum_value("EXPIRED", description="已过期.")


@strawberry.type(description="A reward of a complete card set (集卡奖励).")
class IpReward:
    """Reward."""

    record: strawberry.Private[RewardRecord]
    id: strawberry.ID = strawberry.field(description="reward of rewardClaim.")
    kind: IpPrizeKind = strawberry.field(description="What it is.")
    name: str = strawberry.field(description="Its name.")
    amount: Long = strawberry.field(description="Points, or fen (分) of a coupon or red packet; 0 for goods.")
    state: IpRewardState = strawberry.field(description="Where it stands.")
    reserved_at: datetime = strawberry.field(description="When the set was completed.")
    expires_at: datetime = strawberry.field(description="When it expires, unless it is claimed before.")
    claimed_at: datetime | None = strawberry.field(description="When it was claimed.")

    @strawberry.field(description="The activation; null once the catalogue has it no more.")
    async def activation(self, info: Info) -> IpActivation | None:
        found = await info.context.loaders.load(activations.by_codes, self.record.activation)
        return None if found is None else IpActivation.of(found)

    @classmethod
    def of(cls, record: RewardRecord) -> IpReward:
        return cls(
            record=record,
            id=strawberry.ID(ids.encode("rw", record.id)),
            kind=IpPrizeKind[record.kind.upper()],
            name=record.name,
            amount=Long(record.amount),
            state=IpRewardState[record.state.upper()],
            reserved_at=record.reserved_at,
            expires_at=record.expires_at,
            claimed_at=record.claimed_at,
        )


@strawberry.enum(description="What a member has in a limited edition.")
class DropPlaceState(Enum):
    """State."""

    ENTERED = strawberry.enum_value("ENTERED", description="待抽签: the raffle is to be drawn.")
    WON = strawberry.enum_value("WON", description="可购买: one piece may be bought.")
    LOST = strawberry.enum_value("LOST", description="未中签.")
    WITHDRAWN = strawberry.enum_value("WITHDRAWN", description="已退回: given back with its transaction.")


@strawberry.type(description="A member's place in a limited edition (限定购买资格).")
class DropPlace:
    """Place."""

    record: strawberry.Private[PlaceRecord]
    state: DropPlaceState = strawberry.field(description="What it is worth.")
    entered_at: datetime = strawberry.field(description="When the member entered.")

    @strawberry.field(description="The limited edition; null once the catalogue has it no more.")
    async def drop(self, info: Info) -> Drop | None:
        found = await info.context.loaders.load(activations.drops, self.record.drop)
        return None if found is None else Drop.of(found)

    @classmethod
    def of(cls, record: PlaceRecord) -> DropPlace:
        return cls(record=record, state=DropPlaceState[record.state.upper()], entered_at=record.entered_at)


@strawberry.type(description="Questions about activations.")
class ActivationQueries:
    """Activations."""

    @strawberry.field(
        description="Works that the brand licenses (IP 作品), by their short name. For everybody who has the scope"
        " catalogue."
    )
    async def ip_properties(
        self,
        info: Info,
        kind: Annotated[
            str | None, strawberry.argument(description="Only of this kind: comic, game, film, tv_series …")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[IpProperty] | None:
        page = await activations.properties(info.context, kind, args(first, after, last, before))
        return connect(page, IpProperty.of)

    @strawberry.field(
        description="Activations of licensed works (主题活动), by their first day; closed ones too. Needs the scope"
        " catalogue, which every audience has."
    )
    async def ip_activations(
        self,
        info: Info,
        store: Annotated[strawberry.ID | None, strawberry.argument(description="Only in this store.")] = None,
        property: Annotated[  # noqa: A002
            strawberry.ID | None, strawberry.argument(description="Only of this work.")
        ] = None,
        state: Annotated[IpActivationState | None, strawberry.argument(description="Only in this state.")] = None,
        on: Annotated[date_type | None, strawberry.argument(description="Only those that run on this day.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[IpActivation] | None:
        if (asked := info.context.asked(info)) is not None:
            await freshness.projected(info.context, asked, freshness.CATALOGUE)
        page = await activations.page(
            info.context,
            None if store is None else ids.decode_as("st", store)[1],
            None if property is None else ids.decode_as("ip", property)[1],
            None if state is None else state.name.lower(),
            on,
            args(first, after, last, before),
        )
        return connect(page, IpActivation.of)
