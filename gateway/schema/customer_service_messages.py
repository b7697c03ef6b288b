"""Customer-service messages (客服消息) of an official account (公众号)."""

from __future__ import annotations

from typing import Annotated

import strawberry

from adapters.base.errors import UpstreamError
from gateway.resolvers import ids, typing_shown
from gateway.resolvers.errors import UserError
from gateway.runtime import ToolNotConfigured
from gateway.schema.acting import KEY_DESCRIPTION, ask, done_by, present
from gateway.schema.checkout import plain_problem
from gateway.schema.consents import ConsentPurpose
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem, ToolProblem, invalid
from gateway.transactions.actions import Performed
from gateway.transactions.effects import customer_service_messages
from gateway.transactions.problems import problem


@strawberry.input(description="A link with a title and a picture (图文外链).")
class CustomerServiceLinkInput:
    """Link."""

    title: str = strawberry.field(description="Its title.")
    url: str = strawberry.field(description="Web page behind a tap.")
    description: str = strawberry.field(description="A sentence below the title.", default="")
    picture: str | None = strawberry.field(description="Address of the picture beside it.", default=None)


@strawberry.input(description="A film (视频).")
class CustomerServiceVideoInput:
    """Film."""

    media_id: str = strawberry.field(description="media_id of the film, by mediaUpload.")
    thumb_media_id: str = strawberry.field(description="media_id of its picture, by mediaUpload of the kind THUMB.")
    title: str = strawberry.field(description="Its title.", default="")
    description: str = strawberry.field(description="A sentence below the title.", default="")


@strawberry.input(description="A card that opens a page of a mini-program (小程序卡片), which the account has linked.")
class CustomerServiceMiniProgramInput:
    """Card."""

    title: str = strawberry.field(description="Its title.")
    appid: str = strawberry.field(description="The mini-program.")
    page: str = strawberry.field(description="The page with its query.")
    thumb_media_id: str = strawberry.field(description="media_id of its picture, by mediaUpload of the kind THUMB.")


@strawberry.input(
    description="A customer-service message to one member: exactly one of text, link, picture, voice, video and"
    " miniProgram."
)
class CustomerServiceMessageSendInput:
    """Message."""

    member: strawberry.ID = strawberry.field(description="To whom.")
    purpose: ConsentPurpose = strawberry.field(description="What it is for; the member's consent is asked for it.")
    text: str | None = strawberry.field(description="What it says, 2,048 bytes in UTF-8 at most.", default=None)
    link: CustomerServiceLinkInput | None = strawberry.field(description="A link, instead of a text.", default=None)
    picture: str | None = strawberry.field(description="图片: its media_id, by mediaUpload.", default=None)
    voice: str | None = strawberry.field(description="语音: its media_id, by mediaUpload.", default=None)
    video: CustomerServiceVideoInput | None = strawberry.field(description="视频.", default=None)
    mini_program: CustomerServiceMiniProgramInput | None = strawberry.field(description="小程序卡片.", default=None)
    appid: str | None = strawberry.field(
        description="Which official account; by default the one whose window is open longest. Needed with what was"
        " uploaded, which only its own account can show.",
        default=None,
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> customer_service_messages.Wanted:
        """As the action takes it. Raises UserError for an id that is none, and for several things at once."""
        link, media = self.link, self._media()
        if len(media) > 1:
            raise UserError("Give one of picture, voice, video and miniProgram.")
        return customer_service_messages.Wanted(
            member=ids.decode_as("mb", self.member)[1],
            purpose=self.purpose.name,
            text=self.text,
            link=None
            if link is None
            else customer_service_messages.WantedLink(link.title, link.url, link.description, link.picture or ""),
            appid=self.appid or "",
            medium=media[0] if media else None,
        )

    def _media(self) -> list[customer_service_messages.WantedMedium]:
        wanted, found = customer_service_messages.WantedMedium, []
        if self.picture is not None:
            found.append(wanted("PICTURE", self.picture))
        if self.voice is not None:
            found.append(wanted("VOICE", self.voice))
        if self.video is not None:
            film = self.video
            found.append(wanted("VIDEO", film.media_id, film.thumb_media_id, film.title, film.description))
        if self.mini_program is not None:
            card = self.mini_program
            found.append(
                wanted("MINI_PROGRAM", thumb=card.thumb_media_id, title=card.title, appid=card.appid, page=card.page)
            )
        return found


@strawberry.type(description="Taken by the platform, which gives it no number and tells nothing more of it.")
class CustomerServiceMessageSent:
    """Sent."""

    transaction_id: strawberry.Private[str]
    appid: str = strawberry.field(description="The account that sent it.")

    transaction = done_by("The transaction that sent it.")


CustomerServiceMessageSendResult = Annotated[
    CustomerServiceMessageSent | DomainProblem | ToolProblem,
    strawberry.union("CustomerServiceMessageSendResult", description="What was sent, or why nothing was."),
]


@strawberry.input(description="Whom to show that an answer is being written.")
class CustomerServiceTypingInput:
    """Typing."""

    member: strawberry.ID = strawberry.field(description="Whom; they did something within the last 30 seconds.")
    typing: bool = strawberry.field(description="False takes it back.", default=True)
    appid: str | None = strawberry.field(
        description="Which official account; by default the one whose window is open longest.", default=None
    )


@strawberry.type(description="They see it for some seconds, or until an answer comes.")
class CustomerServiceTypingShown:
    """Shown."""

    appid: str = strawberry.field(description="The account that shows it.")


CustomerServiceTypingResult = Annotated[
    CustomerServiceTypingShown | DomainProblem | ToolProblem,
    strawberry.union("CustomerServiceTypingResult", description="That it is shown, or why it is not."),
]


@strawberry.type(description="Mutations about customer-service messages.")
class CustomerServiceMessageMutations:
    """Customer-service messages."""

    @strawberry.mutation(
        description="Answer a member who wrote, tapped, followed or scanned a while ago (发送客服消息): at most once,"
        " since the platform cannot be asked. Needs the scope messages:send."
    )
    async def customer_service_message_send(
        self,
        info: Info,
        input: Annotated[CustomerServiceMessageSendInput, strawberry.argument(description="The message.")],  # noqa: A002
    ) -> CustomerServiceMessageSendResult:
        info.context.principal.require("messages:send")
        done = await ask(info, customer_service_messages.SEND, input)
        if not isinstance(done, Performed):
            return done
        return CustomerServiceMessageSent(transaction_id=done.transaction, appid=done.outcome.account)

    @strawberry.mutation(
        description="Show a member that an answer is being written, or not any more (客服输入状态): whoever wrote,"
        " tapped or scanned within 30 seconds sees it. It is no message and takes no place of one; it has no key,"
        " since it is over by itself. Needs the scope messages:send."
    )
    async def customer_service_typing_show(
        self,
        info: Info,
        input: Annotated[CustomerServiceTypingInput, strawberry.argument(description="Whom.")],  # noqa: A002
    ) -> CustomerServiceTypingResult:
        info.context.principal.require(typing_shown.SCOPE)
        who = await present(info, input.member)
        if isinstance(who, DomainProblem):
            return who
        try:
            appid = await typing_shown.show(info.context, who, input.appid, typing=input.typing)
        except UserError as error:
            return invalid(error)
        except (UpstreamError, ToolNotConfigured) as error:
            return plain_problem(problem(error))
        return CustomerServiceTypingShown(appid=appid)
