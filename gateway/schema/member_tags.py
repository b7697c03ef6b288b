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
from gateway.schema.follows import OfficialAccountFollow
from gateway.schema.info import Info
from gateway.schema.places import Guide
from gateway.schema.problems import DomainProblem, ToolProblem, invalid
from gateway.transactions.actions import Action, Performed
from gateway.transactions.effects import follower_tags, member_tags, tagging
from gateway.transactions.effects.customers import Pair


@strawberry.enum(description="Whose tags are meant.")
class TagTool(Enum):
    """Tool."""

    ENTERPRISE_CHAT = strawberry.enum_value(
        "ENTERPRISE_CHAT", description="企业微信: the corp's tags (企业标签), which a guide's contact carries."
    )
    OFFICIAL_ACCOUNT = strawberry.enum_value(
        "OFFICIAL_ACCOUNT", description="公众号: the account's tags (用户标签), which a follower carries, 20 at most."
    )


@strawberry.type(description="A tag that members can be given (可用标签).")
class TagOption:
    """Tag."""

    tool: TagTool = strawberry.field(description="Which tool has it.")
    account: str = strawberry.field(description="Which account of the tool: a corpid or an appid.")
    name: str = strawberry.field(description="Its name (标签名).")
    group: str = strawberry.field(
        description="The name of its group (标签组), in which names are unique; empty for tags of official accounts."
    )


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

    member: strawberry.ID = strawberry.field(description="Whose contacts carry the tags, or who as a follower does.")
    tags: list[TagNameInput] = strawberry.field(description="1 to 30 tags.")
    tool: TagTool = strawberry.field(description="Whose tags are meant.", default=TagTool.ENTERPRISE_CHAT)
    account: str | None = strawberry.field(
        description="corpid or appid; needed where guides of several corps have the member as a contact, or they follow"
        " several accounts.",
        default=None,
    )
    guide: strawberry.ID | None = strawberry.field(
        description="The guide (导购) whose contact is meant; every guide's of that corp when it is left out. Not for"
        " tags of an official account.",
        default=None,
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> tagging.Wanted:
        """As the action takes it. Raises UserError for an id that is none."""
        return tagging.Wanted(
            member=ids.decode_as("mb", self.member)[1],
            tags=tuple(tagging.TagName(each.name, each.group or "") for each in self.tags),
            account=self.account,
            guide=None if self.guide is None else ids.decode_as("gd", self.guide),
        )


@strawberry.type(description="What the platform did not change, when it changed other things.")
class MemberTagRefusal:
    """Refusal."""

    pair: strawberry.Private[Pair | None]
    tag: str | None = strawberry.field(description="The tag that it did not change; null where a contact changed not.")
    reason: str = strawberry.field(
        description="Why, as in docs/upstream-errors.md: no_relation, no_such_tag, too_many_tags, tag_unknown."
    )

    @strawberry.field(description="The guide (导购) whose contact it is; null for tags of an official account.")
    async def guide(self, info: Info) -> Guide | None:
        if self.pair is None:
            return None
        found = await info.context.loaders.load(places.guides, f"{self.pair.corpid}:{self.pair.userid}")
        return None if found is None else Guide.of(info, found)


@strawberry.type(description="What was tagged, or lost its tags.")
class MemberTagged:
    """Tagged."""

    transaction_id: strawberry.Private[str]
    member: strawberry.Private[str]
    pairs: strawberry.Private[tuple[Pair, ...]]
    appid: strawberry.Private[str | None]
    refused: list[MemberTagRefusal] = strawberry.field(
        description="Contacts or tags that the platform refused to change, when it changed others."
    )

    @strawberry.field(description="The contacts (外部联系人) that were to change and did, as they are now.")
    async def contacts(self, info: Info) -> list[Contact]:
        keys = [(f"{each.corpid}:{each.userid}", each.identity) for each in self.pairs]
        found = await info.context.loaders.load_many(touch.contacts_by_key, keys)
        return [Contact.of(info, each) for each in found if each is not None]

    @strawberry.field(description="The follower (粉丝) whose tags of an official account changed, as they are now.")
    async def follower(self, info: Info) -> OfficialAccountFollow | None:
        if self.appid is None:
            return None
        found = await info.context.loaders.load(touch.follows, self.member)
        return next((OfficialAccountFollow.of(each) for each in found if each.appid == self.appid), None)

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
        account: Annotated[
            str | None, strawberry.argument(description="corpid or appid; all of the tool's accounts without one.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[TagOption] | None:
        read = tags.of_contacts if tool is TagTool.ENTERPRISE_CHAT else tags.of_followers
        page = await read(info.context, account, args(first, after, last, before))
        return connect(page, lambda each: TagOption(tool=tool, account=each.account, name=each.name, group=each.group))


@strawberry.type(description="Mutations about tags.")
class MemberTagMutations:
    """Tags."""

    @strawberry.mutation(
        description="Give tags to a member (打标签): to the contact of one guide, or of each of them, or to the"
        " follower of an official account. Repeating it is harmless. Needs the scope contacts:write."
    )
    async def member_tag(self, info: Info, input: _Tags) -> MemberTagResult:  # noqa: A002
        return await _change(info, input, adding=True)

    @strawberry.mutation(
        description="Take tags away from a member (取消标签). Tags that are not there stay away. Needs the scope"
        " contacts:write."
    )
    async def member_untag(self, info: Info, input: _Tags) -> MemberTagResult:  # noqa: A002
        return await _change(info, input, adding=False)


async def _change(info: Info, given: MemberTagInput, *, adding: bool) -> MemberTagged | DomainProblem | ToolProblem:
    info.context.principal.require(tags.WRITE)
    try:
        asked = given.record()
    except UserError as error:
        return invalid(error)
    if given.tool is TagTool.OFFICIAL_ACCOUNT:
        return await _follower(info, follower_tags.TAG if adding else follower_tags.UNTAG, asked, given)
    return await _contacts(info, member_tags.TAG if adding else member_tags.UNTAG, asked, given)


async def _contacts(
    info: Info, action: Action[tagging.Wanted, member_tags.Marked], asked: tagging.Wanted, given: MemberTagInput
) -> MemberTagged | DomainProblem | ToolProblem:
    done = await act(info, action, asked, given.idempotency_key)
    if not isinstance(done, Performed):
        return done
    refused = [MemberTagRefusal(pair=each.pair, tag=None, reason=each.reason) for each in done.outcome.refused]
    return MemberTagged(
        transaction_id=done.transaction, member=asked.member, pairs=done.outcome.done, appid=None, refused=refused
    )


async def _follower(
    info: Info, action: Action[tagging.Wanted, follower_tags.Marked], asked: tagging.Wanted, given: MemberTagInput
) -> MemberTagged | DomainProblem | ToolProblem:
    done = await act(info, action, asked, given.idempotency_key)
    if not isinstance(done, Performed):
        return done
    refused = [MemberTagRefusal(pair=None, tag=each.tag, reason=each.reason) for each in done.outcome.refused]
    return MemberTagged(
        transaction_id=done.transaction, member=asked.member, pairs=(), appid=done.outcome.appid, refused=refused
    )
