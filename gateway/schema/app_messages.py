"""App messages (应用消息) of enterprise chat (企业微信) to guides."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.resolvers import ids
from gateway.resolvers.errors import UserError
from gateway.schema.acting import KEY_DESCRIPTION, act, done_by
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem, ToolProblem, invalid
from gateway.transactions.actions import Performed
from gateway.transactions.effects import app_messages


@strawberry.input(description="A card to guides of one corp, in the app's conversation with them.")
class AppMessageSendInput:
    """Message."""

    guides: list[strawberry.ID] = strawberry.field(description="To whom: 1 to 100 guides of one corp.")
    title: str = strawberry.field(description="Its title, 1 to 128 characters.")
    text: str = strawberry.field(description="What it says, 1 to 512 characters.")
    url: str = strawberry.field(description="Web page behind a tap.")
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> app_messages.Wanted:
        """As the action takes it. Raises UserError for an id that is none, and for guides of several corps."""
        found = [ids.decode_as("gd", each) for each in self.guides]
        corps = {corpid for corpid, _ in found}
        if len(corps) != 1:
            raise UserError(f"guides are of {len(corps)} corps: a message goes to guides of exactly one.")
        userids = tuple(dict.fromkeys(userid for _, userid in found))
        return app_messages.Wanted(corps.pop(), userids, self.title, self.text, self.url)


@strawberry.type(description="Taken by the platform; whether a guide read it is not told.")
class AppMessageSent:
    """Sent."""

    corpid: strawberry.Private[str]
    missed: strawberry.Private[tuple[str, ...]]
    transaction_id: strawberry.Private[str]
    message_id: str = strawberry.field(description="The platform's msgid.")

    @strawberry.field(description="Guides whom the app cannot reach (不在应用可见范围); the others are reached.")
    def unreached(self) -> list[strawberry.ID]:
        return [strawberry.ID(ids.encode("gd", each, self.corpid)) for each in self.missed]

    transaction = done_by("The transaction that sent it.")


AppMessageSendResult = Annotated[
    AppMessageSent | DomainProblem | ToolProblem,
    strawberry.union("AppMessageSendResult", description="What was sent, or why nothing was."),
]


@strawberry.type(description="Mutations about app messages.")
class AppMessageMutations:
    """App messages."""

    @strawberry.mutation(description="Send guides a card (发送应用消息). Needs the scope messages:send.")
    async def app_message_send(
        self,
        info: Info,
        input: Annotated[AppMessageSendInput, strawberry.argument(description="The message.")],  # noqa: A002
    ) -> AppMessageSendResult:
        info.context.principal.require("messages:send")
        try:
            asked = input.record()
        except UserError as error:
            return invalid(error)
        done = await act(info, app_messages.SEND, asked, input.idempotency_key)
        if not isinstance(done, Performed):
            return done
        return AppMessageSent(
            corpid=asked.corpid,
            missed=done.outcome.unreached,
            transaction_id=done.transaction,
            message_id=done.outcome.message_id,
        )
