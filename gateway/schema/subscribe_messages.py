"""Subscribe messages of a mini-program (小程序订阅消息), and of an official account (公众号订阅通知)."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import strawberry

from gateway.resolvers import ids
from gateway.resolvers.errors import UserError
from gateway.schema.acting import KEY_DESCRIPTION, ask, done_by
from gateway.schema.consents import ConsentPurpose
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem, ToolProblem
from gateway.schema.template_messages import MiniProgramPageInput, TemplateFieldInput
from gateway.transactions.actions import Performed
from gateway.transactions.effects import account_subscribe_messages, subscribe_messages


@strawberry.enum(description="Whose subscribe messages are meant.")
class SubscribeTool(Enum):
    """Tool."""

    MINI_PROGRAM = strawberry.enum_value("MINI_PROGRAM", description="小程序订阅消息.")
    OFFICIAL_ACCOUNT = strawberry.enum_value("OFFICIAL_ACCOUNT", description="公众号订阅通知.")


@strawberry.input(description="A subscribe message to one member, who accepted the template's question.")
class SubscribeMessageSendInput:
    """Message."""

    member: strawberry.ID = strawberry.field(description="To whom.")
    template: str = strawberry.field(description="模板ID, 64 characters at most; subscribeTemplates lists them.")
    fields: list[TemplateFieldInput] = strawberry.field(description="The template's fields.")
    purpose: ConsentPurpose = strawberry.field(description="What it is for; the member's consent is asked for it.")
    tool: SubscribeTool = strawberry.field(description="Whose message it is.", default=SubscribeTool.MINI_PROGRAM)
    appid: str | None = strawberry.field(
        description="Which mini-program, by default one in which the member accepted it; or which official account, by"
        " default the first one of the settings.",
        default=None,
    )
    page: str | None = strawberry.field(
        description="Page of the mini-program behind a tap with its query, such as pages/order?id=1; of an official"
        " account's message a web page.",
        default=None,
    )
    mini_program: MiniProgramPageInput | None = strawberry.field(
        description="Mini-program behind a tap, of an official account's message only.", default=None
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> subscribe_messages.Wanted:
        """As the action takes it. Raises UserError for an id that is none."""
        if self.mini_program is not None:
            raise UserError("miniProgram is for messages of an official account; use page.")
        return subscribe_messages.Wanted(
            member=ids.decode_as("mb", self.member)[1],
            template=self.template,
            data={each.name: each.value for each in self.fields},
            purpose=self.purpose.name,
            appid=self.appid or "",
            page=self.page or "",
        )


class OfOfficialAccount:
    """The same input, as the official account's action takes it."""

    def __init__(self, given: SubscribeMessageSendInput) -> None:
        self._given = given
        self.idempotency_key = given.idempotency_key

    def record(self) -> account_subscribe_messages.Wanted:
        """Raises UserError for an id that is none."""
        given, jump = self._given, self._given.mini_program
        return account_subscribe_messages.Wanted(
            member=ids.decode_as("mb", given.member)[1],
            template=given.template,
            data={each.name: each.value for each in given.fields},
            purpose=given.purpose.name,
            appid=given.appid or "",
            page=given.page or "",
            mini_program_appid=jump.appid if jump else "",
            mini_program_path=jump.path if jump else "",
        )


@strawberry.type(description="Taken by the platform; one grant of the member's is spent.")
class SubscribeMessageSent:
    """Sent."""

    transaction_id: strawberry.Private[str]
    appid: str = strawberry.field(description="The mini-program or the official account that sent it.")

    transaction = done_by("The transaction that sent it.")


SubscribeMessageSendResult = Annotated[
    SubscribeMessageSent | DomainProblem | ToolProblem,
    strawberry.union("SubscribeMessageSendResult", description="What was sent, or why nothing was."),
]


@strawberry.type(description="Mutations about subscribe messages.")
class SubscribeMessageMutations:
    """Subscribe messages."""

    @strawberry.mutation(
        description="Send a subscribe message of a mini-program (发送订阅消息) or an official account (发送订阅通知):"
        " at most once, since the platform cannot be asked. It spends one grant. Needs the scope messages:send."
    )
    async def subscribe_message_send(
        self,
        info: Info,
        input: Annotated[SubscribeMessageSendInput, strawberry.argument(description="The message.")],  # noqa: A002
    ) -> SubscribeMessageSendResult:
        info.context.principal.require("messages:send")
        if input.tool is SubscribeTool.OFFICIAL_ACCOUNT:
            done = await ask(info, account_subscribe_messages.SEND, OfOfficialAccount(input))
        else:
            done = await ask(info, subscribe_messages.SEND, input)
        if not isinstance(done, Performed):
            return done
        return SubscribeMessageSent(transaction_id=done.transaction, appid=done.outcome.account)
