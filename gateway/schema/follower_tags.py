"""The tags that an official account has (标签管理), for headquarters."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.resolvers import tags
from gateway.schema.acting import KEY_DESCRIPTION, act, done_by
from gateway.schema.info import Info
from gateway.schema.member_tags import TagOption, TagTool
from gateway.schema.problems import DomainProblem, ToolProblem
from gateway.transactions.actions import Action, Performed
from gateway.transactions.effects import follower_tag_book as book

_ACCOUNT = "appid; the first official account of the settings without one."


@strawberry.input(description="A tag to make or to delete.")
class FollowerTagInput:
    """Tag."""

    name: str = strawberry.field(description="Its name (标签名), 1 to 30 characters.")
    account: str | None = strawberry.field(description=_ACCOUNT, default=None)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)


@strawberry.input(description="A tag to rename.")
class FollowerTagRenameInput:
    """Tag."""

    name: str = strawberry.field(description="Its name (标签名) now.")
    new_name: str = strawberry.field(description="What it is to be called, 1 to 30 characters.")
    account: str | None = strawberry.field(description=_ACCOUNT, default=None)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)


@strawberry.type(description="The tag as it is now, or as it was when it was deleted.")
class FollowerTagChanged:
    """Changed."""

    transaction_id: strawberry.Private[str]
    tag: TagOption = strawberry.field(description="The tag.")

    transaction = done_by("The transaction that did it.")


FollowerTagResult = Annotated[
    FollowerTagChanged | DomainProblem | ToolProblem,
    strawberry.union("FollowerTagResult", description="What became of the tag, or why nothing did."),
]
_Tag = Annotated[FollowerTagInput, strawberry.argument(description="The tag.")]


@strawberry.type(description="Mutations about the tags that an official account has.")
class FollowerTagMutations:
    """Tags."""

    @strawberry.mutation(
        description="Make a tag of an official account (创建标签); it has 100 at most. Needs the scope members:write."
    )
    async def follower_tag_create(self, info: Info, input: _Tag) -> FollowerTagResult:  # noqa: A002
        return await _change(info, book.CREATE, book.Wanted("", input.account, input.name), input.idempotency_key)

    @strawberry.mutation(description="Rename a tag of an official account (编辑标签). Needs the scope members:write.")
    async def follower_tag_rename(
        self,
        info: Info,
        input: Annotated[FollowerTagRenameInput, strawberry.argument(description="Which, and to what.")],  # noqa: A002
    ) -> FollowerTagResult:
        asked = book.Wanted(input.name, input.account, input.new_name)
        return await _change(info, book.RENAME, asked, input.idempotency_key)

    @strawberry.mutation(
        description="Delete a tag of an official account (删除标签): followers lose it, and nobody can tell any more"
        " who had it. Needs the scope members:write."
    )
    async def follower_tag_delete(self, info: Info, input: _Tag) -> FollowerTagResult:  # noqa: A002
        return await _change(info, book.DELETE, book.Wanted(input.name, input.account), input.idempotency_key)


async def _change(
    info: Info, action: Action[book.Wanted, book.Kept], asked: book.Wanted, key: str | None
) -> FollowerTagChanged | DomainProblem | ToolProblem:
    info.context.principal.require(tags.MANAGE)
    done = await act(info, action, asked, key)
    if not isinstance(done, Performed):
        return done
    kept = done.outcome
    tag = TagOption(tool=TagTool.OFFICIAL_ACCOUNT, account=kept.appid, name=kept.name, group="")
    return FollowerTagChanged(transaction_id=done.transaction, tag=tag)
