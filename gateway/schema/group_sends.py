"""Group sends (企业群发): asking guides to send a message to their customers, and what came of it."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated, Any

import strawberry

from gateway.resolvers import group_sends, handovers, ids, members, places
from gateway.resolvers.group_sends import Figures, RefusalRecord, SenderRecord, SendRecord, TargetRecord
from gateway.schema.acting import KEY_DESCRIPTION, ask, done_by, watched
from gateway.schema.checkout import Transaction
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.consents import ConsentPurpose
from gateway.schema.info import Info
from gateway.schema.member_tags import TagNameInput
from gateway.schema.members import Member
from gateway.schema.node import Node
from gateway.schema.places import Guide
from gateway.schema.problems import DomainProblem, ToolProblem
from gateway.schema.reach import ReachReason
from gateway.transactions.actions import Action, Performed
from gateway.transactions.effects import group_sends as effects
from gateway.transactions.effects.tagging import TagName


@strawberry.enum(description="Where a group send stands (群发状态). Nobody but a guide ever sends anything.")
class GroupSendState(Enum):
    """State."""

    ASKED = strawberry.enum_value("ASKED", description="待发送: guides were asked, and not all of them have confirmed.")
    CONFIRMED = strawberry.enum_value("CONFIRMED", description="已发送: every guide has confirmed.")
    CANCELLED = strawberry.enum_value("CANCELLED", description="已停止: what guides had sent by then stays sent.")
    LAPSED = strawberry.enum_value("LAPSED", description="Some guide has not confirmed within thirty days.")


@strawberry.enum(description="What became of one customer of a group send (送达状态).")
class GroupSendDeliveryState(Enum):
    """Delivery."""

    PENDING = strawberry.enum_value("PENDING", description="未发送: the guide has not confirmed, as far as is known.")
    SENT = strawberry.enum_value("SENT", description="已发送.")
    NO_FRIEND = strawberry.enum_value("NO_FRIEND", description="因客户不是好友导致发送失败.")
    CAPPED = strawberry.enum_value(
        "CAPPED", description="因客户已经收到其他群发消息导致发送失败: as many as they may receive."
    )
    OTHER = strawberry.enum_value("OTHER", description="Failed, for a reason that the platform added since.")
    UNREACHABLE = strawberry.enum_value("UNREACHABLE", description="无效或无法发送的客户: no guide was asked.")
    NOT_SENT = strawberry.enum_value("NOT_SENT", description="It was cancelled before the guide confirmed.")


async def _member(info: Info, who: str | None) -> Member | None:
    found = None if who is None else await members.one(info.context, who, live=False)
    return None if found is None else Member.of(info, found)


async def _guide(info: Info, corpid: str, userid: str | None) -> Guide | None:
    found = await info.context.loaders.load(places.guides, f"{corpid}:{userid}") if userid else None
    return None if found is None else Guide.of(info, found)


@strawberry.type(description="A guide who was asked to send.")
class GroupSendSender:
    """Sender."""

    record: strawberry.Private[SenderRecord]
    customers: int = strawberry.field(description="How many customers the guide was asked to send it to.")
    confirmed_at: datetime | None = strawberry.field(description="When the guide sent it; null: not yet.")

    @strawberry.field(description="The guide (导购); null for one whom the gateway does not know.")
    async def guide(self, info: Info) -> Guide | None:
        return await _guide(info, self.record.corpid, self.record.userid)

    @classmethod
    def of(cls, record: SenderRecord) -> GroupSendSender:
        return cls(record=record, customers=record.customers, confirmed_at=record.confirmed_at)


@strawberry.type(description="A customer of a group send.")
class GroupSendDelivery:
    """Delivery."""

    record: strawberry.Private[TargetRecord]
    state: GroupSendDeliveryState = strawberry.field(description="What became of it, by what the platform told last.")
    sent_at: datetime | None = strawberry.field(description="When the guide sent it; null: not sent.")

    @strawberry.field(description="The customer (会员); null once erased.")
    async def member(self, info: Info) -> Member | None:
        return await _member(info, await info.context.loaders.load(handovers.members_of, self.record.identity))

    @strawberry.field(description="The guide who was asked: whoever chatted with the customer last; null: not known.")
    async def guide(self, info: Info) -> Guide | None:
        return await _guide(info, self.record.corpid, self.record.userid)

    @classmethod
    def of(cls, record: TargetRecord) -> GroupSendDelivery:
        return cls(record=record, state=GroupSendDeliveryState[record.delivery], sent_at=record.sent_at)


@strawberry.type(description="A member who was left out of a group send, since they may not be sent it.")
class GroupSendLeftOut:
    """Left out."""

    record: strawberry.Private[RefusalRecord]
    reason: ReachReason = strawberry.field(description="Why, as Member.reach says it.")
    opens_at: datetime | None = strawberry.field(description="When the refusal is over by itself, where that is known.")

    @strawberry.field(description="The member (会员); null once erased.")
    async def member(self, info: Info) -> Member | None:
        return await _member(info, self.record.member)

    @classmethod
    def of(cls, record: RefusalRecord) -> GroupSendLeftOut:
        return cls(record=record, reason=ReachReason[record.reason], opens_at=record.opens_at)


@strawberry.type(description="How many of a group send stand where. Customers: targeted is the sum of those below it.")
class GroupSendCounts:
    """Counts."""

    targeted: int = strawberry.field(description="Customers whom the task is about.")
    pending: int = strawberry.field(description="Not sent yet.")
    sent: int = strawberry.field(description="Sent.")
    no_friend: int = strawberry.field(description="Not sent: no friends any more.")
    capped: int = strawberry.field(description="Not sent: the platform's limit per customer.")
    failed: int = strawberry.field(description="Not sent otherwise: OTHER, UNREACHABLE and NOT_SENT.")
    left_out: int = strawberry.field(description="Members who were left out before guides were asked.")
    guides_asked: int = strawberry.field(
        description="Guides who were asked; 0 until the platform tells, within an hour."
    )
    guides_confirmed: int = strawberry.field(description="Guides who sent it.")

    @classmethod
    def of(cls, figures: Figures) -> GroupSendCounts:
        by = figures.deliveries
        return cls(
            targeted=sum(by.values()),
            pending=by.get("PENDING", 0),
            sent=by.get("SENT", 0),
            no_friend=by.get("NO_FRIEND", 0),
            capped=by.get("CAPPED", 0),
            failed=sum(by.get(each, 0) for each in ("OTHER", "UNREACHABLE", "NOT_SENT")),
            left_out=figures.left_out,
            guides_asked=figures.guides,
            guides_confirmed=figures.confirmed,
        )


@strawberry.type(description="A task that asks guides to send a message to their customers (企业群发).")
class GroupSend(Node):
    """企业群发."""

    record: strawberry.Private[SendRecord]
    state: GroupSendState = strawberry.field(description="Where it stands, by what the platform told last.")
    account: str = strawberry.field(description="corpid.")
    text: str = strawberry.field(description="What customers are to read; empty where only attachments are sent.")
    purpose: ConsentPurpose = strawberry.field(description="What it is for.")
    asked_at: datetime = strawberry.field(description="When guides were asked.")
    settled_at: datetime | None = strawberry.field(description="When nothing more was to be told; null: not yet.")

    @strawberry.field(description="The guide who was named; null where the platform chose by who chatted last.")
    async def guide(self, info: Info) -> Guide | None:
        return await _guide(info, self.record.corpid, self.record.userid)

    @strawberry.field(description="How many customers and guides stand where.")
    async def counts(self, info: Info) -> GroupSendCounts:
        return GroupSendCounts.of(await info.context.loaders.load(group_sends.figures, self.record.id))

    @strawberry.field(description="The guides who were asked (群发成员), as the platform told them.")
    async def senders(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[GroupSendSender]:
        page = await group_sends.SENDERS.page(info.context, self.record.id, args(first, after, last, before))
        return connect(page, GroupSendSender.of)

    @strawberry.field(description="The customers, one by one (群发结果).")
    async def deliveries(
        self,
        info: Info,
        state: Annotated[GroupSendDeliveryState | None, strawberry.argument(description="Only these.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[GroupSendDelivery]:
        found = group_sends.DELIVERIES[None if state is None else state.name]
        page = await found.page(info.context, self.record.id, args(first, after, last, before))
        return connect(page, GroupSendDelivery.of)

    @strawberry.field(description="Members who were left out, and why: consent, age, caps, no guide.")
    async def left_out(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[GroupSendLeftOut]:
        page = await group_sends.LEFT_OUT.page(info.context, self.record.id, args(first, after, last, before))
        return connect(page, GroupSendLeftOut.of)

    @strawberry.field(description="The transaction that asked.")
    async def transaction(self, info: Info) -> Transaction | None:
        return await watched(info, self.record.saga)

    @classmethod
    def of(cls, record: SendRecord) -> GroupSend:
        return cls(
            id=strawberry.ID(ids.encode("gs", record.id)),
            record=record,
            state=GroupSendState[record.state],
            account=record.corpid,
            text=record.text,
            purpose=ConsentPurpose[record.purpose],
            asked_at=record.asked_at,
            settled_at=record.settled_at,
        )


@strawberry.input(description="A picture (图片): one of the two.")
class GroupSendPictureInput:
    """Picture."""

    media_id: str | None = strawberry.field(
        description="media_id of 临时素材, by mediaUpload, three days old at most.", default=None
    )
    url: str | None = strawberry.field(
        description="Address of a picture of the corp's, by picturePublish.", default=None
    )


@strawberry.input(description="A link (图文消息).")
class GroupSendLinkInput:
    """Link."""

    title: str = strawberry.field(description="128 bytes at most.")
    url: str = strawberry.field(description="What a tap opens.")
    picture_url: str | None = strawberry.field(description="Its picture.", default=None)
    description: str | None = strawberry.field(description="512 bytes at most.", default=None)


@strawberry.input(description="A card of a mini-program (小程序卡片).")
class GroupSendMiniProgramInput:
    """Card."""

    title: str = strawberry.field(description="64 bytes at most.")
    appid: str = strawberry.field(description="The mini-program, bound to the corp.")
    page: str = strawberry.field(description="Page with its query.")
    media_id: str = strawberry.field(description="media_id of its picture (临时素材), by mediaUpload.")


@strawberry.input(description="One attachment (附件).", one_of=True)
class GroupSendAttachmentInput:
    """Attachment."""

    picture: GroupSendPictureInput | None = strawberry.field(description="图片.", default=strawberry.UNSET)
    link: GroupSendLinkInput | None = strawberry.field(description="图文消息.", default=strawberry.UNSET)
    mini_program: GroupSendMiniProgramInput | None = strawberry.field(
        description="小程序卡片.", default=strawberry.UNSET
    )
    video: str | None = strawberry.field(description="视频: a media_id, by mediaUpload.", default=strawberry.UNSET)
    file: str | None = strawberry.field(description="文件: a media_id, by mediaUpload.", default=strawberry.UNSET)

    def record(self) -> effects.Piece:
        """As the action takes it."""
        if self.picture:
            return effects.Piece("PICTURE", media_id=self.picture.media_id or "", url=self.picture.url or "")
        if self.link:
            link = self.link
            return effects.Piece(
                "LINK",
                title=link.title,
                url=link.url,
                picture_url=link.picture_url or "",
                description=link.description or "",
            )
        if self.mini_program:
            card = self.mini_program
            return effects.Piece(
                "MINI_PROGRAM", title=card.title, appid=card.appid, page=card.page, media_id=card.media_id
            )
        return effects.Piece("VIDEO" if self.video else "FILE", media_id=self.video or self.file or "")


@strawberry.input(description="What guides are asked to send, and to whom: members, or all customers of a guide.")
class GroupSendCreateInput:
    """Create."""

    purpose: ConsentPurpose = strawberry.field(description="What it is for; each customer's consent is asked for it.")
    text: str = strawberry.field(description="4000 bytes at most; may be empty beside attachments.", default="")
    attachments: list[GroupSendAttachmentInput] = strawberry.field(description="At most 9.", default_factory=list)
    members: list[strawberry.ID] | None = strawberry.field(
        description="1 to 1000 members. Left out: all customers of the guide's, 10,000 at most.", default=None
    )
    guide: strawberry.ID | None = strawberry.field(
        description="The guide who is to send it; without one each customer's is who chatted with them last.",
        default=None,
    )
    tags: list[TagNameInput] | None = strawberry.field(
        description="Only customers of the guide's who carry all of these (企业标签).", default=None
    )
    account: str | None = strawberry.field(
        description="corpid; the guide's, else the first corp of the settings.", default=None
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> effects.Wanted:
        """As the action takes it. Raises UserError for an id that is none."""
        return effects.Wanted(
            text=self.text,
            attachments=tuple(each.record() for each in self.attachments),
            purpose=self.purpose.name,
            members=None if self.members is None else tuple(ids.decode_as("mb", each)[1] for each in self.members),
            guide=None if self.guide is None else ids.decode_as("gd", self.guide),
            tags=tuple(TagName(each.name, each.group or "") for each in self.tags or []),
            account=self.account or "",
        )


@strawberry.input(description="A group send that guides were asked for.")
class GroupSendInput:
    """Of a task."""

    group_send: strawberry.ID = strawberry.field(description="Which.")
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> effects.Named:
        """As the action takes it. Raises UserError for an id that is none."""
        return effects.Named(ids.decode_as("gs", self.group_send)[1])


async def _of(root: strawberry.Parent[Any], info: Info) -> GroupSend:
    found = await info.context.loaders.load(group_sends.by_ids, root.send_id)
    assert found is not None  # noqa: S101 — its row is of the commit that was answered
    return GroupSend.of(found)


@strawberry.type(description="Guides are asked, and nothing has been sent: each of them confirms, or does not.")
class GroupSendAsked:
    """Asked."""

    transaction_id: strawberry.Private[str]
    send_id: strawberry.Private[str]
    group_send = strawberry.field(resolver=_of, description="The task, with those who were left out of it.")
    transaction = done_by("The transaction that asked.")


@strawberry.type(description="Guides who have not sent cannot any more; what was sent stays.")
class GroupSendCancelled:
    """Cancelled."""

    transaction_id: strawberry.Private[str]
    send_id: strawberry.Private[str]
    group_send = strawberry.field(resolver=_of, description="The task; its results are read once more.")
    transaction = done_by("The transaction that cancelled it.")


@strawberry.type(description="The platform reminds the guides who have yet to send.")
class GroupSendReminded:
    """Reminded."""

    transaction_id: strawberry.Private[str]
    send_id: strawberry.Private[str]
    group_send = strawberry.field(resolver=_of, description="The task.")
    transaction = done_by("The transaction that reminded them.")


GroupSendCreateResult = Annotated[
    GroupSendAsked | DomainProblem | ToolProblem,
    strawberry.union("GroupSendCreateResult", description="What guides were asked for, or why nothing was."),
]
GroupSendCancelResult = Annotated[
    GroupSendCancelled | DomainProblem | ToolProblem,
    strawberry.union("GroupSendCancelResult", description="What was cancelled, or why nothing was."),
]
GroupSendRemindResult = Annotated[
    GroupSendReminded | DomainProblem | ToolProblem,
    strawberry.union("GroupSendRemindResult", description="Who was reminded, or why nobody was."),
]
_Task = Annotated[GroupSendInput, strawberry.argument(description="Which group send.")]


@strawberry.type(description="Questions about group sends.")
class GroupSendQueries:
    """Group sends."""

    @strawberry.field(
        description="Group sends (企业群发) that were asked for here, the newest first; read from the platform every"
        " hour. Needs the scope messages:send."
    )
    async def group_sends(
        self,
        info: Info,
        state: Annotated[GroupSendState | None, strawberry.argument(description="Only these.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[GroupSend] | None:
        page_args = args(first, after, last, before)
        page = await group_sends.page(info.context, None if state is None else state.name, page_args)
        return connect(page, GroupSend.of)


@strawberry.type(description="Mutations about group sends.")
class GroupSendMutations:
    """Group sends."""

    @strawberry.mutation(
        description="Ask guides to send a message to customers of theirs (创建企业群发). It sends nothing: every guide"
        " confirms in their own client. Members who may not be sent it are left out, and told. Needs the scope"
        " messages:send."
    )
    async def group_send_create(
        self,
        info: Info,
        input: Annotated[GroupSendCreateInput, strawberry.argument(description="What, and to whom.")],  # noqa: A002
    ) -> GroupSendCreateResult:
        info.context.principal.require(group_sends.SCOPE)
        done = await ask(info, effects.CREATE, input)
        if not isinstance(done, Performed):
            return done
        return GroupSendAsked(transaction_id=done.transaction, send_id=done.outcome.id)

    @strawberry.mutation(
        description="Stop a group send (停止企业群发): guides who have not sent cannot any more. Needs the scope"
        " messages:send."
    )
    async def group_send_cancel(self, info: Info, input: _Task) -> GroupSendCancelResult:  # noqa: A002
        done = await _named(info, effects.CANCEL, input)
        if not isinstance(done, Performed):
            return done
        return GroupSendCancelled(transaction_id=done.transaction, send_id=done.outcome.id)

    @strawberry.mutation(
        description="Remind the guides who have yet to send (提醒成员群发): three times in 24 hours, by the platform's"
        " limit. Needs the scope messages:send."
    )
    async def group_send_remind(self, info: Info, input: _Task) -> GroupSendRemindResult:  # noqa: A002
        done = await _named(info, effects.REMIND, input)
        if not isinstance(done, Performed):
            return done
        return GroupSendReminded(transaction_id=done.transaction, send_id=done.outcome.id)


async def _named(
    info: Info, action: Action[effects.Named, effects.Named], given: GroupSendInput
) -> Performed[effects.Named] | DomainProblem | ToolProblem:
    info.context.principal.require(group_sends.SCOPE)
    return await ask(info, action, given)
