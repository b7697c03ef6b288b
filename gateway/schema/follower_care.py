"""What staff note about followers (备注), and the blacklist (黑名单) of an official account (公众号)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from gateway.resolvers import blacklists, ids, members, tags, touch
from gateway.resolvers.blacklists import BlockedRecord
from gateway.schema.acting import KEY_DESCRIPTION, ask, done_by
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.follows import OfficialAccountFollow
from gateway.schema.info import Info
from gateway.schema.members import Member
from gateway.schema.problems import DomainProblem, ToolProblem
from gateway.transactions.actions import Action, Performed
from gateway.transactions.effects import follower_blocks, follower_remarks


@strawberry.type(description="Somebody on the blacklist (黑名单) of an official account.")
class BlockedFollower:
    """Blocked."""

    record: strawberry.Private[BlockedRecord]
    account: str = strawberry.field(description="appid.")
    blocked_at: datetime = strawberry.field(
        description="When the gateway put them there, or first saw them there, if somebody did it in the console."
    )

    @strawberry.field(description="Who it is (会员); null once erased.")
    async def member(self, info: Info) -> Member | None:
        who = self.record.member
        found = None if who is None else await members.one(info.context, who, live=False)
        return None if found is None else Member.of(info, found)

    @classmethod
    def of(cls, record: BlockedRecord) -> BlockedFollower:
        return cls(record=record, account=record.appid, blocked_at=record.blocked_at)


@strawberry.input(description="Followers to put on the blacklist of an official account, or to take off it.")
class FollowersBlockInput:
    """Followers."""

    members: list[strawberry.ID] = strawberry.field(
        description="1 to 20 members who follow the account, or followed it once."
    )
    account: str | None = strawberry.field(
        description="appid; the first official account of the settings without one.", default=None
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> follower_blocks.Wanted:
        """As the action takes it. Raises UserError for an id that is none."""
        return follower_blocks.Wanted(tuple(ids.decode_as("mb", each)[1] for each in self.members), self.account)


@strawberry.type(description="The blacklist has them now, or has them no more.")
class FollowersBlocked:
    """Blocked."""

    transaction_id: strawberry.Private[str]
    who: strawberry.Private[tuple[str, ...]]
    account: str = strawberry.field(description="appid.")
    changed: int = strawberry.field(description="For how many of them it is new, by what the gateway knew.")

    @strawberry.field(description="Whom it is about (会员), in the order in which they were given.")
    async def members(self, info: Info) -> list[Member]:
        found = await info.context.loaders.load_many(members.by_ids, self.who)
        return [Member.of(info, each) for each in found if each is not None]

    transaction = done_by("The transaction that did it.")


FollowersBlockResult = Annotated[
    FollowersBlocked | DomainProblem | ToolProblem,
    strawberry.union("FollowersBlockResult", description="What became of the blacklist, or why nothing did."),
]
_Followers = Annotated[FollowersBlockInput, strawberry.argument(description="Whom.")]


@strawberry.input(description="A note about a follower of an official account.")
class FollowerRemarkInput:
    """Note."""

    member: strawberry.ID = strawberry.field(description="Whom it is about.")
    text: str = strawberry.field(description="备注名, 30 characters at most; empty takes it off.")
    account: str | None = strawberry.field(
        description="appid; needed where the member follows several accounts.", default=None
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> follower_remarks.Wanted:
        """As the action takes it. Raises UserError for an id that is none."""
        return follower_remarks.Wanted(ids.decode_as("mb", self.member)[1], self.text, self.account)


@strawberry.type(description="The note stands.")
class FollowerRemarked:
    """Noted."""

    transaction_id: strawberry.Private[str]
    member: strawberry.Private[str]
    appid: strawberry.Private[str]

    @strawberry.field(description="The follower (粉丝) as they are now.")
    async def follower(self, info: Info) -> OfficialAccountFollow | None:
        found = await info.context.loaders.load(touch.follows, self.member)
        return next((OfficialAccountFollow.of(each) for each in found if each.appid == self.appid), None)

    transaction = done_by("The transaction that did it.")


FollowerRemarkResult = Annotated[
    FollowerRemarked | DomainProblem | ToolProblem,
    strawberry.union("FollowerRemarkResult", description="The note, or why there is none."),
]


@strawberry.type(description="Questions about the blacklist of official accounts.")
class FollowerCareQueries:
    """Blacklist."""

    @strawberry.field(
        description="Members on the blacklist of an official account (黑名单列表), the newest first: what the gateway"
        " did, and what the last sync saw. Needs the scope members:write."
    )
    async def blocked_followers(
        self,
        info: Info,
        account: Annotated[
            str | None, strawberry.argument(description="appid; all official accounts without one.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[BlockedFollower] | None:
        page = await blacklists.page(info.context, account, args(first, after, last, before))
        return connect(page, BlockedFollower.of)


@strawberry.type(description="Mutations about followers of official accounts.")
class FollowerCareMutations:
    """Followers."""

    @strawberry.mutation(
        description="Put 1 to 20 followers on the blacklist of an official account (拉黑用户): nothing can be sent to"
        " them by it any more, and it hears nothing of them. Needs the scope members:write."
    )
    async def followers_block(self, info: Info, input: _Followers) -> FollowersBlockResult:  # noqa: A002
        return await _change(info, follower_blocks.BLOCK, input)

    @strawberry.mutation(
        description="Take 1 to 20 followers off the blacklist of an official account (取消拉黑用户). Needs the scope"
        " members:write."
    )
    async def followers_unblock(self, info: Info, input: _Followers) -> FollowersBlockResult:  # noqa: A002
        return await _change(info, follower_blocks.UNBLOCK, input)

    @strawberry.mutation(
        description="Note something about a follower of an official account (设置用户备注名), for the brand's staff."
        " Needs the scope contacts:write."
    )
    async def follower_remark(
        self,
        info: Info,
        input: Annotated[FollowerRemarkInput, strawberry.argument(description="Whom, and what.")],  # noqa: A002
    ) -> FollowerRemarkResult:
        info.context.principal.require(tags.WRITE)
        done = await ask(info, follower_remarks.REMARK, input)
        if not isinstance(done, Performed):
            return done
        member = input.record().member
        return FollowerRemarked(transaction_id=done.transaction, member=member, appid=done.outcome.appid)


async def _change(
    info: Info, action: Action[follower_blocks.Wanted, follower_blocks.Changed], given: FollowersBlockInput
) -> FollowersBlocked | DomainProblem | ToolProblem:
    info.context.principal.require(blacklists.SCOPE)
    done = await ask(info, action, given)
    if not isinstance(done, Performed):
        return done
    outcome = done.outcome
    return FollowersBlocked(
        transaction_id=done.transaction, who=outcome.members, account=outcome.appid, changed=outcome.changed
    )
