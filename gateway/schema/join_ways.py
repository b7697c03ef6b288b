"""Join ways (加入群聊): codes of customer groups, and who came in by them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import strawberry

from gateway.resolvers import ids, join_ways, touch
from gateway.resolvers.errors import UserError
from gateway.resolvers.join_ways import JoinWayRecord
from gateway.schema.acting import KEY_DESCRIPTION, ask, done_by, watched
from gateway.schema.checkout import Transaction
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.contacts import CustomerGroup
from gateway.schema.info import Info
from gateway.schema.node import Node
from gateway.schema.problems import DomainProblem, ToolProblem
from gateway.transactions.actions import Performed
from gateway.transactions.effects import join_ways as effects


@strawberry.type(description="A code that brings whoever scans it into a customer group (客户群进群方式).")
class JoinWay(Node):
    """加入群聊."""

    record: strawberry.Private[JoinWayRecord]
    account: str = strawberry.field(description="corpid.")
    state: str = strawberry.field(description="The channel (state) that those carry who join by it; its own.")
    remark: str = strawberry.field(description="For staff (备注).")
    qr_code: str | None = strawberry.field(
        description="Address of the picture (二维码); null where the platform has not told it, until joinWayUpdate."
    )
    config_id: str = strawberry.field(description="The platform's name of it; the button in a mini-program needs it.")
    in_mini_program: bool = strawberry.field(description="A button in a mini-program instead of a QR code.")
    following_name: str | None = strawberry.field(
        description="What a new group is called that follows a full one (自动新建群名); null: none follows."
    )
    following_number: int = strawberry.field(description="The number of the next such group (群起始序号).")
    created_at: datetime = strawberry.field(description="When it was made.")
    deleted_at: datetime | None = strawberry.field(description="Since when the code is dead; null: it works.")

    @strawberry.field(description="The groups (客户群) behind it, filled one after the other.")
    async def groups(self, info: Info) -> list[CustomerGroup]:
        keys = [(self.record.corpid, each) for each in self.record.chat_ids]
        found = await info.context.loaders.load_many(touch.groups_by_key, keys)
        return [CustomerGroup.of(each) for each in found if each is not None]

    @strawberry.field(description="How many customers are in groups now who came in by it (入群人数).")
    async def members(self, info: Info) -> int:
        return await info.context.loaders.load(join_ways.brought, (self.record.corpid, self.record.state))

    @strawberry.field(description="The transaction that made it.")
    async def transaction(self, info: Info) -> Transaction | None:
        return await watched(info, self.record.saga)

    @classmethod
    def of(cls, record: JoinWayRecord) -> JoinWay:
        return cls(
            id=strawberry.ID(ids.encode("jw", record.id)),
            record=record,
            account=record.corpid,
            state=record.state,
            remark=record.remark,
            qr_code=record.qr_code or None,
            config_id=record.config_id,
            in_mini_program=record.in_mini_program,
            following_name=record.room_name or None,
            following_number=record.room_number,
            created_at=record.created_at,
            deleted_at=record.deleted_at,
        )


def _of_one_corp(groups: list[strawberry.ID]) -> tuple[str, tuple[str, ...]]:
    """(corpid, chat_ids). Raises UserError for an id that is none, and for groups of two corps or none."""
    decoded = [ids.decode_as("gp", each) for each in groups]
    corps = {corpid for corpid, _ in decoded}
    if len(corps) != 1:
        raise UserError("Name 1 to 5 groups of one corp.")
    return corps.pop(), tuple(dict.fromkeys(chat_id for _, chat_id in decoded))


@strawberry.input(description="A code to make.")
class JoinWayCreateInput:
    """Create."""

    groups: list[strawberry.ID] = strawberry.field(
        description="1 to 5 customer groups of one corp, filled one after the other."
    )
    state: str | None = strawberry.field(
        description="The channel that those carry who join, 30 characters at most, never used before; made up without"
        " it.",
        default=None,
    )
    remark: str | None = strawberry.field(description="For staff, 30 characters at most.", default=None)
    following_name: str | None = strawberry.field(
        description="With it a full group is followed by a new one of this name and the next number, 40 characters at"
        " most.",
        default=None,
    )
    following_number: int = strawberry.field(description="The first such number.", default=1)
    in_mini_program: bool = strawberry.field(
        description="A button in a mini-program instead of a QR code.", default=False
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> effects.Wanted:
        """As the action takes it. Raises UserError."""
        corpid, chat_ids = _of_one_corp(self.groups)
        behind = effects.Behind(chat_ids, self.remark or "", self.following_name or "", self.following_number)
        return effects.Wanted(corpid, behind, self.state or "", self.in_mini_program)


@strawberry.input(description="What is to change of a code; what is left out stays.")
class JoinWayUpdateInput:
    """Update."""

    join_way: strawberry.ID = strawberry.field(description="Which.")
    groups: list[strawberry.ID] | None = strawberry.field(
        description="All groups behind it from now on, of the same corp.", default=None
    )
    remark: str | None = strawberry.field(description="For staff, 30 characters at most.", default=None)
    following_name: str | None = strawberry.field(
        description="What a group is called that follows a full one; empty: none follows.", default=None
    )
    following_number: int | None = strawberry.field(description="The number of the next such group.", default=None)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> effects.Change:
        """As the action takes it. Raises UserError."""
        return effects.Change(
            ids.decode_as("jw", self.join_way)[1],
            None if self.groups is None else _of_one_corp(self.groups)[1],
            self.remark,
            self.following_name,
            self.following_number,
        )


@strawberry.input(description="A code whose time is over.")
class JoinWayDeleteInput:
    """Delete."""

    join_way: strawberry.ID = strawberry.field(description="Which.")
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> effects.Named:
        """As the action takes it. Raises UserError for an id that is none."""
        return effects.Named(ids.decode_as("jw", self.join_way)[1])


async def _of(root: strawberry.Parent[Any], info: Info) -> JoinWay | None:
    found = await info.context.loaders.load(join_ways.by_ids, root.way_id)
    return None if found is None else JoinWay.of(found)


@strawberry.type(description="A code as it stands now.")
class JoinWayChanged:
    """Changed."""

    transaction_id: strawberry.Private[str]
    way_id: strawberry.Private[str]
    join_way = strawberry.field(resolver=_of, description="The code; null where its making was undone since.")
    transaction = done_by("The transaction that did it.")


JoinWayResult = Annotated[
    JoinWayChanged | DomainProblem | ToolProblem,
    strawberry.union("JoinWayResult", description="The code, or why nothing was done."),
]


@strawberry.type(description="Questions about join ways.")
class JoinWayQueries:
    """Join ways."""

    @strawberry.field(
        description="Join ways (客户群进群方式) that were made here, the newest first. Needs the scope members:write."
    )
    async def join_ways(
        self,
        info: Info,
        state: Annotated[str | None, strawberry.argument(description="Only the one of this state.")] = None,
        deleted: Annotated[bool, strawberry.argument(description="Those whose code is dead, too.")] = False,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[JoinWay] | None:
        page = await join_ways.page(info.context, state, deleted=deleted, args=args(first, after, last, before))
        return connect(page, JoinWay.of)


@strawberry.type(description="Mutations about join ways.")
class JoinWayMutations:
    """Join ways."""

    @strawberry.mutation(
        description="Make a code of customer groups (配置客户群进群方式). Those who join by it carry its state. Needs"
        " the scope members:write."
    )
    async def join_way_create(
        self,
        info: Info,
        input: Annotated[JoinWayCreateInput, strawberry.argument(description="Which groups.")],  # noqa: A002
    ) -> JoinWayResult:
        info.context.principal.require(join_ways.SCOPE)
        done = await ask(info, effects.CREATE, input)
        if not isinstance(done, Performed):
            return done
        return JoinWayChanged(transaction_id=done.transaction, way_id=done.outcome.id)

    @strawberry.mutation(
        description="Put other groups behind a code (更新客户群进群方式配置): the printed one stays. Needs the scope"
        " members:write."
    )
    async def join_way_update(
        self,
        info: Info,
        input: Annotated[JoinWayUpdateInput, strawberry.argument(description="What changes.")],  # noqa: A002
    ) -> JoinWayResult:
        info.context.principal.require(join_ways.SCOPE)
        done = await ask(info, effects.UPDATE, input)
        if not isinstance(done, Performed):
            return done
        return JoinWayChanged(transaction_id=done.transaction, way_id=done.outcome.id)

    @strawberry.mutation(
        description="Delete a code (删除客户群进群方式配置): the printed one is dead, for good. Needs the scope"
        " members:write."
    )
    async def join_way_delete(
        self,
        info: Info,
        input: Annotated[JoinWayDeleteInput, strawberry.argument(description="Which.")],  # noqa: A002
    ) -> JoinWayResult:
        info.context.principal.require(join_ways.SCOPE)
        done = await ask(info, effects.DELETE, input)
        if not isinstance(done, Performed):
            return done
        return JoinWayChanged(transaction_id=done.transaction, way_id=done.outcome.id)
