"""Welcomes of customer groups (入群欢迎语素材), for headquarters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Annotated, Any

import strawberry

from gateway.resolvers import group_welcomes, ids
from gateway.resolvers.group_welcomes import GroupWelcomeRecord
from gateway.schema.acting import KEY_DESCRIPTION, ask, done_by, watched
from gateway.schema.checkout import Transaction
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.group_sends import GroupSendAttachmentInput
from gateway.schema.info import Info
from gateway.schema.node import Node
from gateway.schema.problems import DomainProblem, ToolProblem
from gateway.transactions.actions import Performed
from gateway.transactions.effects import group_welcomes as effects


@strawberry.enum(description="What a welcome shows beside its text.")
class GroupWelcomeAttachmentKind(Enum):
    """Kind."""

    PICTURE = strawberry.enum_value("PICTURE", description="图片.")
    LINK = strawberry.enum_value("LINK", description="图文消息.")
    MINI_PROGRAM = strawberry.enum_value("MINI_PROGRAM", description="小程序卡片.")


@strawberry.type(description="What a welcome shows beside its text; what its kind does not have is null.")
class GroupWelcomeAttachment:
    """Attachment."""

    kind: GroupWelcomeAttachmentKind = strawberry.field(description="Which kind.")
    title: str | None = strawberry.field(description="Of a link or a mini-program.")
    url: str | None = strawberry.field(description="What a link opens, or the picture's own address.")
    picture_url: str | None = strawberry.field(description="A link's picture.")
    description: str | None = strawberry.field(description="Of a link.")
    appid: str | None = strawberry.field(description="The mini-program.")
    page: str | None = strawberry.field(description="The mini-program's page with its query.")

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> GroupWelcomeAttachment:
        names = ("title", "url", "picture_url", "description", "appid", "page")
        return cls(kind=GroupWelcomeAttachmentKind[fields["kind"]], **{each: fields[each] or None for each in names})


@strawberry.type(description="A text for whoever joins a customer group (入群欢迎语素材); owners of groups choose one.")
class GroupWelcome(Node):
    """入群欢迎语."""

    record: strawberry.Private[GroupWelcomeRecord]
    account: str = strawberry.field(description="corpid.")
    text: str = strawberry.field(description="Its text; empty where the attachment is all.")
    attachment: GroupWelcomeAttachment | None = strawberry.field(description="What it shows beside the text (附件).")
    created_at: datetime = strawberry.field(description="When it was made.")
    deleted_at: datetime | None = strawberry.field(description="Since when no group greets with it; null: it is there.")

    @strawberry.field(description="The transaction that made it.")
    async def transaction(self, info: Info) -> Transaction | None:
        return await watched(info, self.record.saga)

    @classmethod
    def of(cls, record: GroupWelcomeRecord) -> GroupWelcome:
        return cls(
            id=strawberry.ID(ids.encode("gw", record.id)),
            record=record,
            account=record.corpid,
            text=record.text,
            attachment=None if record.attachment is None else GroupWelcomeAttachment.of(record.attachment),
            created_at=record.created_at,
            deleted_at=record.deleted_at,
        )


@strawberry.input(description="A welcome to make: a text, an attachment, or both.")
class GroupWelcomeCreateInput:
    """Create."""

    text: str = strawberry.field(description="3000 bytes at most.", default="")
    attachment: GroupSendAttachmentInput | None = strawberry.field(
        description="A picture, a link or a mini-program; no video and no file.", default=None
    )
    notify: bool = strawberry.field(description="Whether owners of groups are told of it (通知群主).", default=False)
    account: str | None = strawberry.field(
        description="corpid; the first corp of the settings without one.", default=None
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> effects.Wanted:
        """As the action takes it."""
        piece = None if self.attachment is None else self.attachment.record()
        return effects.Wanted(self.account, effects.Content(self.text, piece), self.notify)


@strawberry.input(description="What is to change of a welcome; what is left out stays.")
class GroupWelcomeUpdateInput:
    """Update."""

    group_welcome: strawberry.ID = strawberry.field(description="Which.")
    text: str | None = strawberry.field(description="3000 bytes at most.", default=None)
    attachment: GroupSendAttachmentInput | None = strawberry.field(
        description="Another attachment; null takes it away.", default=strawberry.UNSET
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> effects.Change:
        """As the action takes it. Raises UserError for an id that is none."""
        keep = self.attachment is strawberry.UNSET
        piece = self.attachment.record() if self.attachment else None
        return effects.Change(ids.decode_as("gw", self.group_welcome)[1], self.text, piece, keep)


@strawberry.input(description="A welcome whose time is over.")
class GroupWelcomeDeleteInput:
    """Delete."""

    group_welcome: strawberry.ID = strawberry.field(description="Which.")
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> effects.Named:
        """As the action takes it. Raises UserError for an id that is none."""
        return effects.Named(ids.decode_as("gw", self.group_welcome)[1])


async def _of(root: strawberry.Parent[Any], info: Info) -> GroupWelcome | None:
    found = await info.context.loaders.load(group_welcomes.by_ids, root.welcome_id)
    return None if found is None else GroupWelcome.of(found)


@strawberry.type(description="A welcome as it stands now.")
class GroupWelcomeChanged:
    """Changed."""

    transaction_id: strawberry.Private[str]
    welcome_id: strawberry.Private[str]
    group_welcome = strawberry.field(resolver=_of, description="The welcome.")
    transaction = done_by("The transaction that did it.")


GroupWelcomeResult = Annotated[
    GroupWelcomeChanged | DomainProblem | ToolProblem,
    strawberry.union("GroupWelcomeResult", description="The welcome, or why nothing was done."),
]


@strawberry.type(description="Questions about welcomes of groups.")
class GroupWelcomeQueries:
    """Welcomes."""

    @strawberry.field(
        description="Welcomes of customer groups (入群欢迎语素材) that were made here, the newest first. Needs the"
        " scope members:write."
    )
    async def group_welcomes(
        self,
        info: Info,
        deleted: Annotated[bool, strawberry.argument(description="Those that are gone, too.")] = False,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[GroupWelcome] | None:
        page = await group_welcomes.page(info.context, deleted=deleted, args=args(first, after, last, before))
        return connect(page, GroupWelcome.of)


@strawberry.type(description="Mutations about welcomes of groups.")
class GroupWelcomeMutations:
    """Welcomes."""

    @strawberry.mutation(
        description="Make a welcome that owners of groups may choose (添加入群欢迎语素材): at most once, since the"
        " platform cannot be asked; a corp has 100. Needs the scope members:write."
    )
    async def group_welcome_create(
        self,
        info: Info,
        input: Annotated[GroupWelcomeCreateInput, strawberry.argument(description="What it shows.")],  # noqa: A002
    ) -> GroupWelcomeResult:
        info.context.principal.require(group_welcomes.SCOPE)
        done = await ask(info, effects.CREATE, input)
        if not isinstance(done, Performed):
            return done
        return GroupWelcomeChanged(transaction_id=done.transaction, welcome_id=done.outcome.id)

    @strawberry.mutation(
        description="Change a welcome (编辑入群欢迎语素材): groups that chose it greet with it from now on. Needs the"
        " scope members:write."
    )
    async def group_welcome_update(
        self,
        info: Info,
        input: Annotated[GroupWelcomeUpdateInput, strawberry.argument(description="What changes.")],  # noqa: A002
    ) -> GroupWelcomeResult:
        info.context.principal.require(group_welcomes.SCOPE)
        done = await ask(info, effects.UPDATE, input)
        if not isinstance(done, Performed):
            return done
        return GroupWelcomeChanged(transaction_id=done.transaction, welcome_id=done.outcome.id)

    @strawberry.mutation(
        description="Delete a welcome (删除入群欢迎语素材): groups that chose it greet no more. Needs the scope"
        " members:write."
    )
    async def group_welcome_delete(
        self,
        info: Info,
        input: Annotated[GroupWelcomeDeleteInput, strawberry.argument(description="Which.")],  # noqa: A002
    ) -> GroupWelcomeResult:
        info.context.principal.require(group_welcomes.SCOPE)
        done = await ask(info, effects.DELETE, input)
        if not isinstance(done, Performed):
            return done
        return GroupWelcomeChanged(transaction_id=done.transaction, welcome_id=done.outcome.id)
