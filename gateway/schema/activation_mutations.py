"""What members and headquarters do in activations (主题活动): cards, ballots, places, rewards, and moves."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.resolvers import activations, ids, members
from gateway.resolvers.errors import UserError
from gateway.schema.acting import KEY_DESCRIPTION, MEMBER_UNKNOWN, act, ask, done_by
from gateway.schema.activations import (
    Drop,
    DropPlaceState,
    IpActivation,
    IpActivationState,
    IpCard,
    IpContest,
    IpParticipation,
    IpReward,
)
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem, ToolProblem, invalid
from gateway.transactions.actions import Performed
from gateway.transactions.effects import activations as moves
from gateway.transactions.effects import ip_entries, ip_rewards

_MEMBER = (
    "Who takes part; left out, the shopper of this session. Another needs the scope activations:write beside"
    " activations:enter."
)


@strawberry.input(one_of=True, description="What a card is drawn for: exactly one of these.")
class CardDrawForInput:
    """Entry."""

    order: strawberry.Maybe[strawberry.ID] = strawberry.field(
        description="An order of the member's that was paid on the activation's days: one card of it per order."
    )
    ref: strawberry.Maybe[str] = strawberry.field(
        description="Any other entry, such as the code of a scanned piece (一物一码), 1 to 128 characters, no personal"
        " id. Whoever names it has checked it: needs the scope activations:write."
    )


@strawberry.input(description="A card to be drawn.")
class CardDrawInput:
    """Draw."""

    activation: strawberry.ID = strawberry.field(description="Whose set.")
    for_: CardDrawForInput = strawberry.field(name="for", description="The entry, which draws once.")
    member: strawberry.ID | None = strawberry.field(description=_MEMBER, default=None)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)


@strawberry.input(description="A ballot to be cast (投票, 竞猜).")
class BallotCastInput:
    """Ballot."""

    contest: str = strawberry.field(description="The contest's code.")
    choice: str = strawberry.field(description="The option's id.")
    ref: str | None = strawberry.field(
        description="The entry that it is cast for, which casts once; left out, the request itself, within the"
        " contest's limits. Needs the scope activations:write.",
        default=None,
    )
    member: strawberry.ID | None = strawberry.field(description=_MEMBER, default=None)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)


@strawberry.input(description="A place in a limited edition (限定发售).")
class DropEnterInput:
    """Entry."""

    drop: str = strawberry.field(description="The limited edition's code.")
    member: strawberry.ID | None = strawberry.field(description=_MEMBER, default=None)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)


@strawberry.input(description="A reward to be claimed (领取奖励).")
class RewardClaimInput:
    """Claim."""

    reward: strawberry.ID = strawberry.field(description="The reward.")
    member: strawberry.ID | None = strawberry.field(description=_MEMBER, default=None)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)


@strawberry.input(description="An activation to be moved on.")
class ActivationMoveInput:
    """Move."""

    activation: strawberry.ID = strawberry.field(description="Which.")
    to: IpActivationState = strawberry.field(
        description="PLANNED → CLEARED → INSTALLED → LIVE → CLOSED → MEASURED; PLANNED → BLOCKED → CLEARED;"
        " LIVE → PULLED."
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> moves.Wanted:
        """As the action takes it. Raises UserError for an id that is none."""
        return moves.Wanted(ids.decode_as("ac", self.activation)[1], self.to.name.lower())


async def _reward(info: Info, member: str, reward: str) -> IpReward | None:
    found = await info.context.loaders.load(activations.rewards_of, member)
    return next((IpReward.of(each) for each in found if each.id == reward), None)


@strawberry.type(description="The card that an entry gave (抽到的卡片).")
class CardDrawn:
    """Drawn."""

    outcome: strawberry.Private[ip_entries.Drawn]
    transaction_id: strawberry.Private[str]
    card: IpCard | None = strawberry.field(description="The card; null once the catalogue has it no more.")
    complete: bool = strawberry.field(description="Whether the member's set is complete (集齐).")
    already: bool = strawberry.field(description="The entry had drawn before, and this was its card.")

    @strawberry.field(description="What the member has of the set now (集卡进度).")
    async def participation(self, info: Info) -> IpParticipation | None:
        found = await info.context.loaders.load(activations.participations, self.outcome.member)
        mine = (each for each in found if each.activation.code == self.outcome.activation)
        return next((IpParticipation.of(each) for each in mine), None)

    @strawberry.field(description="What the complete set earned; null without a prize, or once its budget is used up.")
    async def reward(self, info: Info) -> IpReward | None:
        return await _reward(info, self.outcome.member, self.outcome.reward) if self.outcome.reward else None

    transaction = done_by("The transaction that drew it.")


@strawberry.type(description="A ballot that counts.")
class BallotCast:
    """Cast."""

    outcome: strawberry.Private[ip_entries.Cast]
    transaction_id: strawberry.Private[str]
    choice: str = strawberry.field(description="The choice that counts: the entry's first one.")
    already: bool = strawberry.field(description="The entry had cast before, and this was its choice.")

    @strawberry.field(description="The contest, with its count.")
    async def contest(self, info: Info) -> IpContest | None:
        found = await info.context.loaders.load(activations.contests, self.outcome.contest)
        return None if found is None else IpContest.of(found)

    transaction = done_by("The transaction that cast it.")


@strawberry.type(description="A place that was taken in a limited edition.")
class DropEntered:
    """Entered."""

    outcome: strawberry.Private[ip_entries.Placed]
    transaction_id: strawberry.Private[str]
    state: DropPlaceState = strawberry.field(description="What it was worth when it was taken.")

    @strawberry.field(description="The limited edition after it.")
    async def drop(self, info: Info) -> Drop | None:
        found = await info.context.loaders.load(activations.drops, self.outcome.drop)
        return None if found is None else Drop.of(found)

    transaction = done_by("The transaction that took it.")


@strawberry.type(description="A reward that is the member's now.")
class RewardClaimed:
    """Claimed."""

    outcome: strawberry.Private[ip_rewards.Claimed]
    transaction_id: strawberry.Private[str]

    @strawberry.field(description="The reward as it stands now.")
    async def reward(self, info: Info) -> IpReward | None:
        return await _reward(info, self.outcome.member, self.outcome.reward)

    transaction = done_by("The transaction that claimed it.")


@strawberry.type(description="An activation that was moved on.")
class ActivationMoved:
    """Moved."""

    outcome: strawberry.Private[moves.Moved]
    transaction_id: strawberry.Private[str]
    source: IpActivationState = strawberry.field(name="from", description="The state before.")

    @strawberry.field(description="The activation as it stands now.")
    async def activation(self, info: Info) -> IpActivation | None:
        found = await info.context.loaders.load(activations.by_codes, self.outcome.activation)
        return None if found is None else IpActivation.of(found)

    transaction = done_by("The transaction that moved it.")


CardDrawResult = Annotated[
    CardDrawn | DomainProblem | ToolProblem,
    strawberry.union("CardDrawResult", description="The card, or why none was drawn."),
]
BallotCastResult = Annotated[
    BallotCast | DomainProblem | ToolProblem,
    strawberry.union("BallotCastResult", description="The ballot, or why none was cast."),
]
DropEnterResult = Annotated[
    DropEntered | DomainProblem | ToolProblem,
    strawberry.union("DropEnterResult", description="The place, or why there is none."),
]
RewardClaimResult = Annotated[
    RewardClaimed | DomainProblem | ToolProblem,
    strawberry.union("RewardClaimResult", description="The reward, or why it was not claimed."),
]
ActivationMoveResult = Annotated[
    ActivationMoved | DomainProblem | ToolProblem,
    strawberry.union("ActivationMoveResult", description="The activation, or why it stayed where it was."),
]
_NO_SESSION = DomainProblem(
    code="SESSION_REQUIRED",
    message="This needs a shopper's session, or a member: call sessionCreate and send its token.",
    retryable=False,
)


async def _entrant(info: Info, member: strawberry.ID | None) -> str | DomainProblem:
    """Our id of who takes part. Raises Forbidden and UserError."""
    caller = info.context.principal
    caller.require(activations.ENTER)
    if member is None:
        return caller.member or _NO_SESSION
    wanted = ids.decode_as("mb", member)[1]
    if wanted != caller.member:
        caller.require(activations.WRITE)
    record = await info.context.loaders.load(members.by_ids, wanted)
    return MEMBER_UNKNOWN if record is None else record.id


@strawberry.type(description="Mutations about activations.")
class ActivationMutations:
    """Activations."""

    @strawberry.mutation(
        description="Draw a card (集卡抽卡). An entry draws once, whoever asks and however often. Not for members under"
        " 14. Needs the scope activations:enter, which shoppers have."
    )
    async def card_draw(
        self,
        info: Info,
        input: Annotated[CardDrawInput, strawberry.argument(description="Whose, and for what.")],  # noqa: A002
    ) -> CardDrawResult:
        order, ref = input.for_.order, input.for_.ref
        if ref:
            info.context.principal.require(activations.WRITE)
        try:
            who = await _entrant(info, input.member)
            if isinstance(who, DomainProblem):
                return who
            asked = ip_entries.Draw(
                who,
                ids.decode_as("ac", input.activation)[1],
                ids.decode_as("or", order.value)[1] if order else "",
                ref.value if ref else "",
            )
        except UserError as error:
            return invalid(error)
        done = await act(info, ip_entries.DRAW, asked, input.idempotency_key)
        if not isinstance(done, Performed):
            return done
        drawn = done.outcome
        record = await info.context.loaders.load(activations.by_codes, drawn.activation)
        cards = [] if record is None else await IpActivation.of(record).cards()
        return CardDrawn(
            outcome=drawn,
            transaction_id=done.transaction,
            card=next((each for each in cards if each.id == drawn.card), None),
            complete=drawn.complete,
            already=drawn.already,
        )

    @strawberry.mutation(
        description="Vote, or answer a quiz (投票, 竞猜). Needs the scope activations:enter, which shoppers have."
    )
    async def ballot_cast(
        self,
        info: Info,
        input: Annotated[BallotCastInput, strawberry.argument(description="In which, for what.")],  # noqa: A002
    ) -> BallotCastResult:
        if input.ref is not None:
            info.context.principal.require(activations.WRITE)
        try:
            who = await _entrant(info, input.member)
        except UserError as error:
            return invalid(error)
        if isinstance(who, DomainProblem):
            return who
        asked = ip_entries.Ballot(who, input.contest, input.choice, input.ref or "")
        done = await act(info, ip_entries.CAST, asked, input.idempotency_key)
        if not isinstance(done, Performed):
            return done
        cast = done.outcome
        return BallotCast(outcome=cast, transaction_id=done.transaction, choice=cast.choice, already=cast.already)

    @strawberry.mutation(
        description="Take a place in a limited edition (限定发售), at once or in its raffle. A raffle is not for"
        " members under 14. Needs the scope activations:enter, which shoppers have."
    )
    async def drop_enter(
        self,
        info: Info,
        input: Annotated[DropEnterInput, strawberry.argument(description="In which.")],  # noqa: A002
    ) -> DropEnterResult:
        try:
            who = await _entrant(info, input.member)
        except UserError as error:
            return invalid(error)
        if isinstance(who, DomainProblem):
            return who
        done = await act(info, ip_entries.ENTER, ip_entries.Entry(who, input.drop), input.idempotency_key)
        if not isinstance(done, Performed):
            return done
        state = DropPlaceState[done.outcome.state.upper()]
        return DropEntered(outcome=done.outcome, transaction_id=done.transaction, state=state)

    @strawberry.mutation(
        description="Claim a reward (领取集卡奖励), once. Points are booked with it. Needs the scope"
        " activations:enter, which shoppers have."
    )
    async def reward_claim(
        self,
        info: Info,
        input: Annotated[RewardClaimInput, strawberry.argument(description="Which.")],  # noqa: A002
    ) -> RewardClaimResult:
        try:
            who = await _entrant(info, input.member)
            if isinstance(who, DomainProblem):
                return who
            asked = ip_rewards.Wanted(who, ids.decode_as("rw", input.reward)[1])
        except UserError as error:
            return invalid(error)
        done = await act(info, ip_rewards.CLAIM, asked, input.idempotency_key)
        if not isinstance(done, Performed):
            return done
        return RewardClaimed(outcome=done.outcome, transaction_id=done.transaction)

    @strawberry.mutation(
        description="Move an activation on (主题活动状态). CLEARED and LIVE want licences that cover every store, and"
        " works that share a store to be allowed to. Needs the scope activations:write."
    )
    async def activation_move(
        self,
        info: Info,
        input: Annotated[ActivationMoveInput, strawberry.argument(description="Which, where to.")],  # noqa: A002
    ) -> ActivationMoveResult:
        info.context.principal.require(activations.WRITE)
        done = await ask(info, moves.MOVE, input)
        if not isinstance(done, Performed):
            return done
        source = IpActivationState.of(done.outcome.source)
        return ActivationMoved(outcome=done.outcome, transaction_id=done.transaction, source=source)
