"""How fast mass messages (群发) of an official account go."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.resolvers import mass_messages
from gateway.schema.acting import KEY_DESCRIPTION, ask, done_by
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem, ToolProblem
from gateway.schema.scalars import Long
from gateway.transactions.actions import Performed
from gateway.transactions.effects import sending_speeds

_ACCOUNT = "appid; the first official account of the settings without one."


@strawberry.type(description="How fast the platform sends mass messages of an account (群发速度).")
class MassMessageSpeed:
    """Speed."""

    account: str = strawberry.field(description="appid.")
    speed: int = strawberry.field(description="0, the fastest, to 4 (speed).")
    per_minute: Long | None = strawberry.field(
        description="Followers a minute by the platform's own table (realspeed); null of a speed that is new."
    )

    @classmethod
    def of(cls, account: str, speed: int) -> MassMessageSpeed:
        per_minute = sending_speeds.PER_MINUTE.get(speed)
        return cls(account=account, speed=speed, per_minute=None if per_minute is None else Long(per_minute))


@strawberry.input(description="A speed to set.")
class MassMessageSpeedSetInput:
    """Speed."""

    speed: int = strawberry.field(description="0, the fastest, to 4.")
    account: str | None = strawberry.field(description=_ACCOUNT, default=None)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> sending_speeds.Wanted:
        """As the action takes it."""
        return sending_speeds.Wanted(self.speed, self.account)


@strawberry.type(description="The speed is set.")
class MassMessageSpeedChanged:
    """Changed."""

    transaction_id: strawberry.Private[str]
    speed: MassMessageSpeed = strawberry.field(description="The speed now.")

    transaction = done_by("The transaction that set it.")


MassMessageSpeedSetResult = Annotated[
    MassMessageSpeedChanged | DomainProblem | ToolProblem,
    strawberry.union("MassMessageSpeedSetResult", description="The speed, or why it is not set."),
]


@strawberry.type(description="Questions about the speed of mass messages.")
class SendingSpeedQueries:
    """Speed."""

    @strawberry.field(
        description="How fast mass messages of an official account go (获取群发速度): live, one call. Needs the scope"
        " messages:send."
    )
    async def mass_message_speed(
        self, info: Info, account: Annotated[str | None, strawberry.argument(description=_ACCOUNT)] = None
    ) -> MassMessageSpeed | None:
        return MassMessageSpeed.of(*await mass_messages.speed(info.context, account))


@strawberry.type(description="Mutations about the speed of mass messages.")
class SendingSpeedMutations:
    """Speed."""

    @strawberry.mutation(
        description="Set how fast mass messages of an official account go (设置群发速度), so that a page behind one is"
        " not overrun. Needs the scope messages:send."
    )
    async def mass_message_speed_set(
        self,
        info: Info,
        input: Annotated[MassMessageSpeedSetInput, strawberry.argument(description="The speed.")],  # noqa: A002
    ) -> MassMessageSpeedSetResult:
        info.context.principal.require(mass_messages.SCOPE)
        done = await ask(info, sending_speeds.SET, input)
        if not isinstance(done, Performed):
            return done
        speed = MassMessageSpeed.of(done.outcome.appid, done.outcome.speed)
        return MassMessageSpeedChanged(transaction_id=done.transaction, speed=speed)
