"""Tags of members (标签): what can be given, giving and taking away."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import strawberry

from gateway.resolvers import ids, places, tags, touch
from gateway.resolvers.errors import UserError
from gateway.schema.acting import KEY_DESCRIPTION, act, done_by
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.contacts import Contact
from gateway.schema.info import Info
from gateway.schema.places import Guide
from gateway.schema.problems import DomainProblem, ToolProblem, invalid
from gateway.transactions.actions import Action, Performed
from gateway.transactions.effects import member_tags
from gateway.transactions.effects.customers import Pair


@strawberry.enum(description="Whose tags are meant.")
class TagTool(Enum):
    """Tool."""

    ENTERPRISE_CHAT = strawberry.enum_value(
        "ENTERPRISE_CHAT", description="企业微信: the corp's tags (企业标签), which a guide's contact carries."
    )


@strawberry.type(description="A tag that members can be given (可用标签).")
class TagOption:
    """Tag."""

    tool: TagTool = strawberry.field(description="Which tool has it.")
    account: str = strawberry.field(description="Which account of the tool: a corpid.")
    name: str = strawberry.field(description="Its name (标签名).")
    group: str = strawberry.field(description="The name of its group (标签组); names are unique in one.")


@strawberry.input(description="A tag, by its name.")
class TagNameInput:
    """Tag."""

    name: str = strawberry.field(description="Its name, as the query tags has it.")
    group: str | None = strawberry.field(
        description="The name of its group (标签组); needed where several groups have a tag of this name.", default=None
    )


@strawberry.input(description="Tags to give to a member, or to take away.")
class MemberTagInput:
    """Tags."""

    member: strawberry.ID = strawberry.field(description="Whose contacts carry the tags.")
    tags: list[TagNameInput] = strawberry.field(description="1 to 30 tags.")
    tool: TagTool = strawberry.field(description="Whose tags are meant.", default=TagTool.ENTERPRISE_CHAT)
    account: str | None = strawberry.field(
        description="corpid; needed where guides of several corps have the member as a contact.", default=None
    )
    guide: strawberry.ID | None = strawberry.field(
        description="The guide (导购) whose contact is meant; every guide's of that corp when it is left out.",
        default=None,
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> member_tags.Wanted:
        """As the action takes it. Raises UserError for an id that is none."""
        return member_tags.Wanted(
            member=ids.decode_as("mb", self.member)[1],
            tags=tuple(member_tags.TagName(each.name, each.group or "") for each in self.tags),
            account=self.account,
            guide=None if self.guide is None else ids.decode_as("gd", self.guide),
        )


@strawberry.type(description="A contact that the platform did not change; the others were.")
class MemberTagRefusal:
    """Refusal."""

    pair: strawberry.Private[Pair]
    reason: str = strawberry.field(
        description="Why, as in docs/upstream-errors.md: no_relation, no_such_tag, too_many_tags."
    )

    @strawberry.field(description="The guide (导购) whose contact it is.")
    async def guide(self, info: Info) -> Guide | None:
        found = await info.context.loaders.load(places.guides, f"{self.pair.corpid}:{self.pair.userid}")
        return None if found is None else Guide.of(info, found)


@strawberry.type(description="What was tagged, or lost its tags.")
class MemberTagged:
    """Tagged."""

    transaction_id: strawberry.Private[str]
    pairs: strawberry.Private[tuple[Pair, ...]]
    refused: list[MemberTagRefusal] = strawberry.field(
        description="Contacts that the platform refused to change, when it changed others."
    )

    @strawberry.field(description="The contacts (外部联系人) that were to change and did, as they are now.")
    async def contacts(self, info: Info) -> list[Contact]:
        keys = [(f"{each.corpid}:{each.userid}", each.identity) for each in self.pairs]
        found = await info.context.loaders.load_many(touch.contacts_by_key, keys)
        return [Contact.of(info, each) for each in found if each is not None]

    transaction = done_by("The transaction that did it.")


MemberTagResult = Annotated[
    MemberTagged | DomainProblem | ToolProblem,
    strawberry.union("MemberTagResult", description="What changed, or why nothing did."),
]
_Tags = Annotated[MemberTagInput, strawberry.argument(description="Whose contacts, and which tags.")]


@strawberry.type(description="Questions about tags.")
class MemberTagQueries:
    """Tags."""

    @strawberry.field(
        description="Tags that members can be given (标签库), as the last sync or event had them. Needs the scope"
        " members:read."
    )
    async def tags(
        self,
        info: Info,
        tool: Annotated[TagTool, strawberry.argument(description="Whose tags.")] = TagTool.ENTERPRISE_CHAT,
        account: Annotated[str | None, strawberry.argument(description="corpid; all corps without one.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[TagOption] | None:
        page = await tags.page(info.context, account, args(first, after, last, before))
        return connect(page, lambda each: TagOption(tool=tool, account=each.corpid, name=each.name, group=each.group))


@strawberry.type(description="Mutations about tags.")
class MemberTagMutations:
    """Tags."""

    @strawberry.mutation(
        description="Give tags to a member (打标签): to the contact of one guide, or of each of them. Repeating it is"
        " harmless. Needs the scope contacts:write."
    )
    async def member_tag(self, info: Info, input: _Tags) -> MemberTagResult:  # noqa: A002
        return await _change(info, member_tags.TAG, input)

    @strawberry.mutation(
        description="Take tags away from a member (取消标签). Tags that are not there stay away. Needs the scope"
        " contacts:write."
    )
    async def member_untag(self, info: Info, input: _Tags) -> MemberTagResult:  # noqa: A002
        return await _change(info, member_tags.UNTAG, input)


async def _change(
    info: Info, action: Action[member_tags.Wanted, member_tags.Marked], given: MemberTagInput
) -> MemberTagged | DomainProblem | ToolProblem:
    info.context.principal.require(tags.WRITE)
    try:
        asked = given.record()
    except UserError as error:
        return invalid(error)
    done = await act(info, action, asked, given.idempotency_key)
    if not isinstance(done, Performed):
        return done
    return MemberTagged(
        transaction_id=done.transaction,
        pairs=done.outcome.done,
        refused=[MemberTagRefusal(pair=each.pair, reason=each.reason) for each in done.outcome.refused],
    )
