"""Mass messages (群发) of an official account (公众号)."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from adapters.official_account import MassStatus
from gateway.resolvers import ids, mass_messages
from gateway.resolvers.errors import UserError
from gateway.resolvers.mass_messages import MassMessageRecord
from gateway.schema.acting import KEY_DESCRIPTION, act, ask, done_by, watched
from gateway.schema.checkout import Transaction
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.consents import ConsentPurpose
from gateway.schema.info import Info
from gateway.schema.node import Node
from gateway.schema.problems import DomainProblem, ToolProblem, invalid
from gateway.schema.reach import ReachReason
from gateway.schema.scalars import Long
from gateway.transactions.actions import Performed
from gateway.transactions.effects import mass_messages as effects

_ACCOUNT = "appid; the first official account of the settings without one."


@strawberry.enum(description="What a mass message holds (消息类型).")
class MassMessageKind(Enum):
    """Kinds of gateway.transactions.effects.mass_messages."""

    TEXT = strawberry.enum_value("TEXT", description="文本.")
    ARTICLES = strawberry.enum_value("ARTICLES", description="图文消息: the articles of a draft (草稿).")
    PICTURES = strawberry.enum_value("PICTURES", description="图片.")
    VOICE = strawberry.enum_value("VOICE", description="语音.")
    VIDEO = strawberry.enum_value("VIDEO", description="视频.")


def _count(number: int | None) -> Long | None:
    return None if number is None else Long(number)


@strawberry.enum(description="How a mass message is doing (群发状态).")
class MassMessageState(Enum):
    """State."""

    SENDING = strawberry.enum_value("SENDING", description="发送中: taken; an administrator may have to confirm it.")
    SENT = strawberry.enum_value("SENT", description="发送成功.")
    FAILED = strawberry.enum_value("FAILED", description="发送失败: reason says why, where the platform does.")
    DELETED = strawberry.enum_value("DELETED", description="已删除: taken back.")
    OTHER = strawberry.enum_value("OTHER", description="A word of the platform's that is new.")


assert {each.name for each in MassMessageState} == {each.name for each in MassStatus}  # noqa: S101


@strawberry.input(description="A tag of the account, whose followers are meant.")
class MassMessageTagInput:
    """Tag."""

    name: str = strawberry.field(description="Its name, as the query tags has it.")


@strawberry.input(description="Pictures that were uploaded (图片).")
class MassMessagePicturesInput:
    """Pictures."""

    media_ids: list[str] = strawberry.field(description="media_id of each, by mediaUpload.")
    line: str = strawberry.field(description="A line about them.", default="")


@strawberry.input(description="A film that was uploaded (视频).")
class MassMessageVideoInput:
    """Video."""

    media_id: str = strawberry.field(description="media_id, by mediaUpload.")
    title: str = strawberry.field(description="Its title.", default="")
    description: str = strawberry.field(description="A sentence about it.", default="")


@strawberry.input(description="What is sent: exactly one of them.")
class MassMessageContentInput:
    """Content."""

    text: str | None = strawberry.field(description="文本.", default=None)
    draft: str | None = strawberry.field(description="图文消息: media_id of a draft (草稿).", default=None)
    pictures: MassMessagePicturesInput | None = strawberry.field(description="图片.", default=None)
    voice: str | None = strawberry.field(description="语音: media_id, by mediaUpload.", default=None)
    video: MassMessageVideoInput | None = strawberry.field(description="视频.", default=None)

    def record(self) -> effects.Content:
        """As the actions take it. Raises UserError for none, or several."""
        found = []
        if self.text:
            found.append(effects.Content("TEXT", self.text))
        if self.draft:
            found.append(effects.Content("ARTICLES", media_ids=(self.draft,)))
        if self.pictures is not None and self.pictures.media_ids:
            found.append(effects.Content("PICTURES", self.pictures.line, tuple(self.pictures.media_ids)))
        if self.voice:
            found.append(effects.Content("VOICE", media_ids=(self.voice,)))
        if self.video is not None:
            film = self.video
            found.append(effects.Content("VIDEO", "", (film.media_id,), film.title, film.description))
        if len(found) != 1:
            raise UserError("content must have exactly one of text, draft, pictures, voice and video.")
        return found[0]


@strawberry.input(description="A mass message: to the followers of a tag, or to members.")
class MassMessageSendInput:
    """Message."""

    content: MassMessageContentInput = strawberry.field(description="What is sent.")
    purpose: ConsentPurpose = strawberry.field(description="What it is for; everybody's consent is asked for it.")
    tag: MassMessageTagInput | None = strawberry.field(description="To its followers (标签下粉丝).", default=None)
    members: list[strawberry.ID] | None = strawberry.field(description="To these, 2 to 10,000.", default=None)
    account: str | None = strawberry.field(description=_ACCOUNT, default=None)
    reprint: bool = strawberry.field(
        description="Whether articles go out too where the platform takes them for somebody else's (转载).",
        default=False,
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> effects.Wanted:
        """As the action takes it. Raises UserError."""
        members = None if self.members is None else tuple(ids.decode_as("mb", each)[1] for each in self.members)
        tag = None if self.tag is None else self.tag.name
        return effects.Wanted(self.content.record(), self.purpose.name, self.account, tag, members, self.reprint)


@strawberry.input(description="A mass message that one follower looks at first.")
class MassMessagePreviewInput:
    """Preview."""

    content: MassMessageContentInput = strawberry.field(description="What is shown.")
    member: strawberry.ID = strawberry.field(description="A follower who works at the brand.")
    account: str | None = strawberry.field(description=_ACCOUNT, default=None)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> effects.WantedPreview:
        """As the action takes it. Raises UserError for an id that is none."""
        member = ids.decode_as("mb", self.member)[1]
        return effects.WantedPreview(self.content.record(), member, self.account)


@strawberry.input(description="A mass message to take back.")
class MassMessageDeleteInput:
    """Take back."""

    message: strawberry.ID = strawberry.field(description="Its id.")
    article: int = strawberry.field(description="Only this article, counted from 1; 0 is all of it.", default=0)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)


@strawberry.type(description="A mass message (群发), of the gateway's or from the platform's console.")
class MassMessage(Node):
    """Message."""

    record: strawberry.Private[MassMessageRecord]
    id: strawberry.ID = strawberry.field(description="Its id.")
    account: str = strawberry.field(description="appid.")
    message_id: str = strawberry.field(description="The platform's msg_id.")
    data_id: str | None = strawberry.field(
        description="msg_data_id: with _ and an article's place from 1 it names the article in articleStatistics."
    )
    kind: MassMessageKind | None = strawberry.field(description="What it holds; null of one from the console.")
    purpose: ConsentPurpose | None = strawberry.field(description="What it was for; null of one from the console.")
    tag: str | None = strawberry.field(description="The tag that it went to, by its name then.")
    state: MassMessageState = strawberry.field(description="How it is doing, by what the platform told last.")
    reason: str | None = strawberry.field(
        description="Why the platform stopped it, in its own code such as err(20001); null where it does not say."
    )
    reached: Long | None = strawberry.field(description="Followers whom the gate allowed and the platform was given.")
    total: Long | None = strawberry.field(description="Followers who were meant, by the platform (TotalCount).")
    filtered: Long | None = strawberry.field(description="Of these, who may and wants to get it (FilterCount).")
    sent: Long | None = strawberry.field(description="Of the filtered, who got it (SentCount).")
    failed: Long | None = strawberry.field(description="Of the filtered, who did not (ErrorCount).")
    at: datetime = strawberry.field(description="When the platform took it; of one from the console, when it ended.")
    finished_at: datetime | None = strawberry.field(description="When it ended.")
    taken_back_at: datetime | None = strawberry.field(description="When it was taken back.")

    @strawberry.field(
        description="How it is doing, asked of the platform now: of the first message of a document, since each is a"
        " call; null of the others."
    )
    async def state_now(self, info: Info) -> MassMessageState | None:
        found = await mass_messages.state_now(info.context, self.record)
        return None if found is None else MassMessageState[found]

    @strawberry.field(description="The transaction that sent it; null of one from the console.")
    async def transaction(self, info: Info) -> Transaction | None:
        return None if self.record.saga is None else await watched(info, self.record.saga)

    @classmethod
    def of(cls, record: MassMessageRecord) -> MassMessage:
        return cls(
            record=record,
            id=strawberry.ID(ids.encode("mm", record.message_id, record.appid)),
            account=record.appid,
            message_id=record.message_id,
            data_id=record.data_id,
            kind=None if record.content is None else MassMessageKind[record.content],
            purpose=None if record.purpose is None else ConsentPurpose[record.purpose],
            tag=record.tag,
            state=MassMessageState[record.state],
            reason=record.reason,
            reached=_count(record.reached),
            total=_count(record.total),
            filtered=_count(record.filtered),
            sent=_count(record.sent),
            failed=_count(record.failed),
            at=record.at,
            finished_at=record.finished_at,
            taken_back_at=record.taken_back_at,
        )


@strawberry.type(description="Members whom a mass message was not sent.")
class MassMessageWithheld:
    """Withheld."""

    reason: ReachReason = strawberry.field(description="Why; UNKNOWN_MEMBER: followers whom nobody knows here.")
    members: Long = strawberry.field(description="How many.")


async def _message(info: Info, appid: str, message_id: str) -> MassMessage | None:
    found = await info.context.loaders.load(mass_messages.by_keys, (appid, message_id))
    return None if found is None else MassMessage.of(found)


@strawberry.type(description="Taken by the platform; how it went is told by the message, when it is known.")
class MassMessageSent:
    """Sent."""

    transaction_id: strawberry.Private[str]
    key: strawberry.Private[tuple[str, str]]
    reached: Long = strawberry.field(description="Followers whom the gate allowed and the platform was given.")
    withheld: list[MassMessageWithheld] = strawberry.field(description="Who did not get it, by reason.")

    @strawberry.field(description="The message, as it is now.")
    async def mass_message(self, info: Info) -> MassMessage | None:
        return await _message(info, *self.key)

    transaction = done_by("The transaction that sent it.")


@strawberry.type(description="Shown to the follower.")
class MassMessagePreviewed:
    """Previewed."""

    transaction_id: strawberry.Private[str]
    account: str = strawberry.field(description="appid of the account that showed it.")

    transaction = done_by("The transaction that did it.")


@strawberry.type(description="Taken back: its page is gone; what arrived stays with its title.")
class MassMessageDeleted:
    """Taken back."""

    transaction_id: strawberry.Private[str]
    key: strawberry.Private[tuple[str, str]]

    @strawberry.field(description="The message, as it is now.")
    async def mass_message(self, info: Info) -> MassMessage | None:
        return await _message(info, *self.key)

    transaction = done_by("The transaction that did it.")


MassMessageSendResult = Annotated[
    MassMessageSent | DomainProblem | ToolProblem,
    strawberry.union("MassMessageSendResult", description="What was sent, or why nothing was."),
]
MassMessagePreviewResult = Annotated[
    MassMessagePreviewed | DomainProblem | ToolProblem,
    strawberry.union("MassMessagePreviewResult", description="What was shown, or why nothing was."),
]
MassMessageDeleteResult = Annotated[
    MassMessageDeleted | DomainProblem | ToolProblem,
    strawberry.union("MassMessageDeleteResult", description="What was taken back, or why nothing was."),
]


@strawberry.type(description="Questions about mass messages.")
class MassMessageQueries:
    """Mass messages."""

    @strawberry.field(
        description="Mass messages (群发记录), the newest first: the gateway's, and those from the platform's console"
        " as its events tell. Needs the scope messages:send."
    )
    async def mass_messages(
        self,
        info: Info,
        account: Annotated[
            str | None, strawberry.argument(description="appid; all official accounts without one.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[MassMessage] | None:
        page = await mass_messages.page(info.context, account, args(first, after, last, before))
        return connect(page, MassMessage.of)


@strawberry.type(description="Mutations about mass messages.")
class MassMessageMutations:
    """Mass messages."""

    @strawberry.mutation(
        description="Send a mass message (群发) of a service account (服务号): to everybody of the audience whom the"
        " gate allows; a follower gets four a month at most. Needs the scope messages:send."
    )
    async def mass_message_send(
        self,
        info: Info,
        input: Annotated[MassMessageSendInput, strawberry.argument(description="The message.")],  # noqa: A002
    ) -> MassMessageSendResult:
        info.context.principal.require(mass_messages.SCOPE)
        done = await ask(info, effects.SEND, input)
        if not isinstance(done, Performed):
            return done
        sent = done.outcome
        return MassMessageSent(
            transaction_id=done.transaction,
            key=(sent.appid, sent.message_id),
            reached=Long(sent.reached),
            withheld=[
                MassMessageWithheld(reason=ReachReason[each.reason], members=Long(each.members))
                for each in sent.withheld
            ],
        )

    @strawberry.mutation(
        description="Show a mass message to one follower who works at the brand (群发预览): at most once, 100 a day,"
        " and not counted against their month. Needs the scope messages:send."
    )
    async def mass_message_preview(
        self,
        info: Info,
        input: Annotated[MassMessagePreviewInput, strawberry.argument(description="To whom, and what.")],  # noqa: A002
    ) -> MassMessagePreviewResult:
        info.context.principal.require(mass_messages.SCOPE)
        done = await ask(info, effects.PREVIEW, input)
        if not isinstance(done, Performed):
            return done
        return MassMessagePreviewed(transaction_id=done.transaction, account=done.outcome.appid)

    @strawberry.mutation(
        description="Take back a mass message of articles or a film (删除群发): its page is gone for everybody, what"
        " arrived stays with its title. Needs the scope messages:send."
    )
    async def mass_message_delete(
        self,
        info: Info,
        input: Annotated[MassMessageDeleteInput, strawberry.argument(description="Which message.")],  # noqa: A002
    ) -> MassMessageDeleteResult:
        info.context.principal.require(mass_messages.SCOPE)
        try:
            appid, message_id = ids.decode_as("mm", input.message)
        except UserError as error:
            return invalid(error)
        done = await act(
            info, effects.TAKE_BACK, effects.TakeBack(appid, message_id, input.article), input.idempotency_key
        )
        if not isinstance(done, Performed):
            return done
        return MassMessageDeleted(transaction_id=done.transaction, key=(appid, message_id))
