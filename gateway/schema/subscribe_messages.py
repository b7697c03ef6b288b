"""Subscribe messages (订阅消息) of a mini-program (小程序)."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.resolvers import ids
from gateway.schema.acting import KEY_DESCRIPTION, ask, done_by
from gateway.schema.consents import ConsentPurpose
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem, ToolProblem
from gateway.schema.template_messages import TemplateFieldInput
from gateway.transactions.actions import Performed
from gateway.transactions.effects import subscribe_messages


@strawberry.input(description="A subscribe message to one member, who accepted the template's question.")
class SubscribeMessageSendInput:
    """Message."""

    member: strawberry.ID = strawberry.field(description="To whom.")
    template: str = strawberry.field(description="模板ID of the mini-program, 64 characters at most.")
    fields: list[TemplateFieldInput] = strawberry.field(description="The template's fields.")
    purpose: ConsentPurpose = strawberry.field(description="What it is for; the member's consent is asked for it.")
    appid: str | None = strawberry.field(
        description="Which mini-program; by default one in which the member accepted it.", default=None
    )
    page: str | None = strawberry.field(
        description="Page behind a tap with its query, such as pages/order?id=1.", default=None
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> subscribe_messages.Wanted:
        """As the action takes it. Raises UserError for an id that is none."""
        return subscribe_messages.Wanted(
            member=ids.decode_as("mb", self.member)[1],
            template=self.template,
            data={each.name: each.value for each in self.fields},
            purpose=self.purpose.name,
            appid=self.appid or "",
            page=self.page or "",
        )


@strawberry.type(description="Taken by the platform; one grant of the member's is spent.")
class SubscribeMessageSent:
    """Sent."""

    transaction_id: strawberry.Private[str]
    appid: str = strawberry.field(description="The mini-program that sent it.")

    transaction = done_by("The transaction that sent it.")


SubscribeMessageSendResult = Annotated[
    SubscribeMessageSent | DomainProblem | ToolProblem,
    strawberry.union("SubscribeMessageSendResult", description="What was sent, or why nothing was."),
]


@strawberry.type(description="Mutations about subscribe messages.")
class SubscribeMessageMutations:
    """Subscribe messages."""

    @strawberry.mutation(
        description="Send a subscribe message (发送订阅消息) of a mini-program: at most once, since the platform"
        " cannot be asked. It spends one grant. Needs the scope messages:send."
    )
    async def subscribe_message_send(
        self,
        info: Info,
        input: Annotated[SubscribeMessageSendInput, strawberry.argument(description="The message.")],  # noqa: A002
    ) -> SubscribeMessageSendResult:
        info.context.principal.require("messages:send")
        done = await ask(info, subscribe_messages.SEND, input)
        if not isinstance(done, Performed):
            return done
        return SubscribeMessageSent(transaction_id=done.transaction, appid=done.outcome.account)
