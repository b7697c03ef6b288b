"""Template messages (模板消息) of an official account (公众号)."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.resolvers import ids
from gateway.schema.acting import KEY_DESCRIPTION, ask, done_by
from gateway.schema.consents import ConsentPurpose
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem, ToolProblem
from gateway.transactions.actions import Performed
from gateway.transactions.effects import template_messages


@strawberry.input(description="One field of a template, such as thing1 (关键词).")
class TemplateFieldInput:
    """Field."""

    name: str = strawberry.field(description="Its name in the template: thing1, amount2, time3.")
    value: str = strawberry.field(description="What it says; the platform limits the length by kind of field.")


@strawberry.input(description="The page of a mini-program (小程序) that a tap opens.")
class MiniProgramPageInput:
    """Page."""

    appid: str = strawberry.field(description="AppID of the mini-program, bound to the official account.")
    path: str = strawberry.field(description="Page with its query, such as pages/order?id=1.", default="")


@strawberry.input(description="A template message to one member.")
class TemplateMessageSendInput:
    """Message."""

    member: strawberry.ID = strawberry.field(description="To whom.")
    template: str = strawberry.field(description="模板ID of the account.")
    fields: list[TemplateFieldInput] = strawberry.field(description="The template's fields.")
    purpose: ConsentPurpose = strawberry.field(description="What it is for; the member's consent is asked for it.")
    appid: str | None = strawberry.field(
        description="Which official account; by default one that the member follows.", default=None
    )
    url: str | None = strawberry.field(description="Web page behind a tap.", default=None)
    mini_program: MiniProgramPageInput | None = strawberry.field(
        description="Mini-program behind a tap; it wins over url.", default=None
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> template_messages.Wanted:
        """As the action takes it. Raises UserError for an id that is none."""
        page = self.mini_program
        return template_messages.Wanted(
            member=ids.decode_as("mb", self.member)[1],
            template=self.template,
            data={each.name: each.value for each in self.fields},
            purpose=self.purpose.name,
            appid=self.appid or "",
            url=self.url or "",
            mini_program_appid=page.appid if page else "",
            mini_program_path=page.path if page else "",
        )


@strawberry.type(description="Accepted by the platform; whether it arrived is told in the member's timeline.")
class TemplateMessageSent:
    """Sent."""

    transaction_id: strawberry.Private[str]
    appid: str = strawberry.field(description="The account that sent it.")
    message_id: str = strawberry.field(description="The platform's msgid.")

    transaction = done_by("The transaction that sent it.")


TemplateMessageSendResult = Annotated[
    TemplateMessageSent | DomainProblem | ToolProblem,
    strawberry.union("TemplateMessageSendResult", description="What was sent, or why nothing was."),
]


@strawberry.type(description="Mutations about template messages.")
class TemplateMessageMutations:
    """Template messages."""

    @strawberry.mutation(
        description="Send a template message (发送模板消息) of an official account. Needs the scope messages:send."
    )
    async def template_message_send(
        self,
        info: Info,
        input: Annotated[TemplateMessageSendInput, strawberry.argument(description="The message.")],  # noqa: A002
    ) -> TemplateMessageSendResult:
        info.context.principal.require("messages:send")
        done = await ask(info, template_messages.SEND, input)
        if not isinstance(done, Performed):
            return done
        return TemplateMessageSent(
            transaction_id=done.transaction, appid=done.outcome.account, message_id=done.outcome.message_id
        )
