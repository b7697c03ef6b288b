"""App messages (应用消息) of enterprise chat (企业微信) to guides."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.resolvers import ids
from gateway.resolvers.errors import UserError
from gateway.schema.acting import KEY_DESCRIPTION, act, ask, done_by
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem, ToolProblem, invalid
from gateway.transactions.actions import Performed
from gateway.transactions.effects import app_messages


@strawberry.input(description="A button of a card.")
class AppMessageButtonInput:
    """Button."""

    text: str = strawberry.field(description="What it says, 1 to 10 characters.")
    url: str = strawberry.field(description="Web page that it opens.")


@strawberry.input(description="A card to guides of one corp, in the app's conversation with them.")
class AppMessageSendInput:
    """Message."""

    guides: list[strawberry.ID] = strawberry.field(description="To whom: 1 to 100 guides of one corp.")
    title: str = strawberry.field(description="Its title, 1 to 128 characters.")
    text: str = strawberry.field(description="What it says, 1 to 512 characters.")
    url: str = strawberry.field(description="Web page behind a tap.")
    buttons: list[AppMessageButtonInput] = strawberry.field(
        description="Buttons under it (按钮交互型), 6 at most; appMessageAnswer says something else on them later.",
        default_factory=list,
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> app_messages.Wanted:
        """As the action takes it. Raises UserError for an id that is none, and for guides of several corps."""
        found = [ids.decode_as("gd", each) for each in self.guides]
        corps = {corpid for corpid, _ in found}
        if len(corps) != 1:
            raise UserError(f"guides are of {len(corps)} corps: a message goes to guides of exactly one.")
        userids = tuple(dict.fromkeys(userid for _, userid in found))
        buttons = tuple(app_messages.Button(each.text, each.url) for each in self.buttons)
        return app_messages.Wanted(corps.pop(), userids, self.title, self.text, self.url, buttons)


_ACCOUNT = "corpid; the first corp of the settings without one."


@strawberry.input(description="A message to take back.")
class AppMessageRecallInput:
    """Recall."""

    message_id: str = strawberry.field(description="messageId of appMessageSend.")
    account: str | None = strawberry.field(description=_ACCOUNT, default=None)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> app_messages.Named:
        """As the action takes it."""
        return app_messages.Named(self.account, self.message_id)


@strawberry.input(description="What the buttons of a card are to say.")
class AppMessageAnswerInput:
    """Answer."""

    message_id: str = strawberry.field(description="messageId of appMessageSend, which was given buttons.")
    text: str = strawberry.field(description="What they say from now on, such as 已完成; 1 to 10 characters.")
    guides: list[strawberry.ID] = strawberry.field(
        description="To whom; all who were sent the card where none is named.", default_factory=list
    )
    account: str | None = strawberry.field(description=_ACCOUNT, default=None)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> app_messages.Answer:
        """As the action takes it. Raises UserError for an id that is none."""
        userids = tuple(dict.fromkeys(ids.decode_as("gd", each)[1] for each in self.guides))
        return app_messages.Answer(self.account, self.message_id, self.text, userids)


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


@strawberry.type(description="A message that was taken back, or whose buttons say something else.")
class AppMessageChanged:
    """Changed."""

    corpid: strawberry.Private[str]
    missed: strawberry.Private[tuple[str, ...]]
    transaction_id: strawberry.Private[str]
    message_id: str = strawberry.field(description="The platform's msgid.")

    @strawberry.field(description="Guides for whom it was not done (不在应用可见范围).")
    def unreached(self) -> list[strawberry.ID]:
        return [strawberry.ID(ids.encode("gd", each, self.corpid)) for each in self.missed]

    transaction = done_by("The transaction that did it.")


AppMessageResult = Annotated[
    AppMessageChanged | DomainProblem | ToolProblem,
    strawberry.union("AppMessageResult", description="What was done to the message, or why nothing was."),
]
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

    @strawberry.mutation(
        description="Take a message to guides back (撤回应用消息), within 24 hours. Needs the scope messages:send."
    )
    async def app_message_recall(
        self,
        info: Info,
        input: Annotated[AppMessageRecallInput, strawberry.argument(description="Which.")],  # noqa: A002
    ) -> AppMessageResult:
        info.context.principal.require("messages:send")
        return _changed(await ask(info, app_messages.RECALL, input))

    @strawberry.mutation(
        description="Say something else on the buttons of a card (更新模版卡片消息), and grey them: once, within 72"
        " hours. Needs the scope messages:send."
    )
    async def app_message_answer(
        self,
        info: Info,
        input: Annotated[AppMessageAnswerInput, strawberry.argument(description="Which, and what.")],  # noqa: A002
    ) -> AppMessageResult:
        info.context.principal.require("messages:send")
        return _changed(await ask(info, app_messages.ANSWER, input))


def _changed(
    done: Performed[app_messages.Changed] | DomainProblem | ToolProblem,
) -> AppMessageChanged | DomainProblem | ToolProblem:
    if not isinstance(done, Performed):
        return done
    outcome = done.outcome
    return AppMessageChanged(
        corpid=outcome.corpid,
        missed=outcome.unreached,
        transaction_id=done.transaction,
        message_id=outcome.message_id,
    )
