"""The tags that a corp has for its customers (企业客户标签), for headquarters."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.resolvers import tags
from gateway.schema.acting import KEY_DESCRIPTION, act, done_by
from gateway.schema.info import Info
from gateway.schema.member_tags import TagOption, TagTool
from gateway.schema.problems import DomainProblem, ToolProblem
from gateway.transactions.actions import Action, Performed
from gateway.transactions.effects import corp_tags as effects

_ACCOUNT = "corpid; the first corp of the settings without one."


@strawberry.input(description="Tags of one group to make.")
class CorpTagCreateInput:
    """Create."""

    group: str = strawberry.field(
        description="The name of their group (标签组), 1 to 30 characters; it is made if there is none."
    )
    names: list[str] = strawberry.field(description="1 to 30 names (标签名), 1 to 30 characters each.")
    account: str | None = strawberry.field(description=_ACCOUNT, default=None)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)


@strawberry.input(description="A tag to rename.")
class CorpTagRenameInput:
    """Rename."""

    name: str = strawberry.field(description="Its name (标签名) now.")
    new_name: str = strawberry.field(description="What it is to be called, 1 to 30 characters.")
    group: str | None = strawberry.field(
        description="The name of its group (标签组); needed where several groups have a tag of this name.", default=None
    )
    account: str | None = strawberry.field(description=_ACCOUNT, default=None)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)


@strawberry.input(description="Tags to delete.")
class CorpTagDeleteInput:
    """Delete."""

    names: list[str] = strawberry.field(description="1 to 30 names (标签名).")
    group: str | None = strawberry.field(
        description="The name of their group (标签组); needed where several groups have a tag of such a name.",
        default=None,
    )
    account: str | None = strawberry.field(description=_ACCOUNT, default=None)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)


@strawberry.type(description="Tags of a corp as they are now, or as they were when they were deleted.")
class CorpTagsChanged:
    """Changed."""

    transaction_id: strawberry.Private[str]
    tags: list[TagOption] = strawberry.field(description="The tags.")

    transaction = done_by("The transaction that did it.")


CorpTagResult = Annotated[
    CorpTagsChanged | DomainProblem | ToolProblem,
    strawberry.union("CorpTagResult", description="What became of the tags, or why nothing did."),
]


@strawberry.type(description="Mutations about the tags that a corp has.")
class CorpTagMutations:
    """Tags."""

    @strawberry.mutation(
        description="Make tags for customers of a corp (添加企业客户标签); it has 10,000 at most. Needs the scope"
        " members:write."
    )
    async def corp_tag_create(
        self,
        info: Info,
        input: Annotated[CorpTagCreateInput, strawberry.argument(description="Which, and in which group.")],  # noqa: A002
    ) -> CorpTagResult:
        asked = effects.Wanted(input.account, input.group, tuple(input.names))
        return await _change(info, effects.CREATE, asked, input.idempotency_key)

    @strawberry.mutation(
        description="Rename a tag of a corp (编辑企业客户标签): customers keep it. Only tags that this app made can be"
        " renamed. Needs the scope members:write."
    )
    async def corp_tag_rename(
        self,
        info: Info,
        input: Annotated[CorpTagRenameInput, strawberry.argument(description="Which, and to what.")],  # noqa: A002
    ) -> CorpTagResult:
        asked = effects.Wanted(input.account, input.group or "", (input.name,), input.new_name)
        return await _change(info, effects.RENAME, asked, input.idempotency_key)

    @strawberry.mutation(
        description="Delete tags of a corp (删除企业客户标签): customers lose them, and nobody can tell any more who"
        " had them. Only tags that this app made can be deleted. Needs the scope members:write."
    )
    async def corp_tag_delete(
        self,
        info: Info,
        input: Annotated[CorpTagDeleteInput, strawberry.argument(description="Which.")],  # noqa: A002
    ) -> CorpTagResult:
        asked = effects.Wanted(input.account, input.group or "", tuple(input.names))
        return await _change(info, effects.DELETE, asked, input.idempotency_key)


async def _change(
    info: Info, action: Action[effects.Wanted, effects.Kept], asked: effects.Wanted, key: str | None
) -> CorpTagsChanged | DomainProblem | ToolProblem:
    info.context.principal.require(tags.MANAGE)
    done = await act(info, action, asked, key)
    if not isinstance(done, Performed):
        return done
    kept = done.outcome
    changed = [
        TagOption(tool=TagTool.ENTERPRISE_CHAT, account=kept.corpid, name=each.name, group=each.group)
        for each in kept.tags
    ]
    return CorpTagsChanged(transaction_id=done.transaction, tags=changed)
