"""Customers given to another guide (客户继承)."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from gateway.resolvers import handovers, ids, members, places
from gateway.resolvers.errors import UserError
from gateway.resolvers.handovers import HandoverRecord, UnassignedRecord
from gateway.schema.acting import KEY_DESCRIPTION, ask, done_by, watched
from gateway.schema.checkout import Transaction
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.info import Info
from gateway.schema.members import Member
from gateway.schema.places import Guide
from gateway.schema.problems import DomainProblem, ToolProblem
from gateway.transactions.actions import Performed
from gateway.transactions.effects import handovers as effects


@strawberry.enum(description="Where a handover stands (接替状态).")
class CustomerHandoverState(Enum):
    """State."""

    WAITING = strawberry.enum_value("WAITING", description="等待接替: the customer may refuse for 24 hours.")
    DONE = strawberry.enum_value("DONE", description="接替完毕: the new guide has the customer.")
    REFUSED = strawberry.enum_value("REFUSED", description="客户拒绝: the customer stays.")
    FULL = strawberry.enum_value("FULL", description="接替成员客户达到上限: the new guide has too many customers.")
    REJECTED = strawberry.enum_value("REJECTED", description="The platform did not begin it; reason says why.")
    UNKNOWN = strawberry.enum_value("UNKNOWN", description="The platform has not told within seven days.")


async def _guide(info: Info, corpid: str, userid: str) -> Guide | None:
    found = await info.context.loaders.load(places.guides, f"{corpid}:{userid}")
    return None if found is None else Guide.of(info, found)


@strawberry.type(description="One customer on the way from one guide to another.")
class CustomerHandover:
    """Handover."""

    record: strawberry.Private[HandoverRecord]
    state: CustomerHandoverState = strawberry.field(description="Where it stands, by what the platform told last.")
    reason: str | None = strawberry.field(
        description="Why it was REJECTED, as in docs/upstream-errors.md: handed_over_twice (90天内已接替两次),"
        " handover_under_way, no_such_contact and others."
    )
    asked_at: datetime = strawberry.field(description="When it was begun.")
    takes_over_at: datetime | None = strawberry.field(
        description="When the new guide has the customer, or is to have them (接替时间); null where never."
    )
    settled_at: datetime | None = strawberry.field(description="When the gateway learnt of its end.")

    @strawberry.field(description="The customer (会员); null once erased.")
    async def member(self, info: Info) -> Member | None:
        who = await info.context.loaders.load(handovers.members_of, self.record.identity)
        found = None if who is None else await members.one(info.context, who, live=False)
        return None if found is None else Member.of(info, found)

    @strawberry.field(name="from", description="The former guide (原跟进成员).")
    async def old(self, info: Info) -> Guide | None:
        return await _guide(info, self.record.corpid, self.record.old)

    @strawberry.field(description="The new guide (接替成员).")
    async def to(self, info: Info) -> Guide | None:
        return await _guide(info, self.record.corpid, self.record.new)

    @strawberry.field(description="The transaction that began it.")
    async def transaction(self, info: Info) -> Transaction | None:
        return await watched(info, self.record.saga)

    @classmethod
    def of(cls, record: HandoverRecord) -> CustomerHandover:
        return cls(
            record=record,
            state=CustomerHandoverState[record.state],
            reason=record.reason,
            asked_at=record.asked_at,
            takes_over_at=record.takes_over_at,
            settled_at=record.settled_at,
        )


@strawberry.type(description="A customer whom a guide who left has left behind (待分配客户).")
class UnassignedCustomer:
    """Unassigned."""

    record: strawberry.Private[UnassignedRecord]
    guide_id: strawberry.ID = strawberry.field(description="The guide's id: from of customerHandover.")
    left_at: datetime = strawberry.field(description="When the guide left (离职时间).")

    @classmethod
    def of(cls, record: UnassignedRecord) -> UnassignedCustomer:
        guide_id = strawberry.ID(ids.encode("gd", record.userid, record.corpid))
        return cls(record=record, guide_id=guide_id, left_at=record.left_at)

    @strawberry.field(description="The guide who left; null for one whom the gateway never knew.")
    async def guide(self, info: Info) -> Guide | None:
        return await _guide(info, self.record.corpid, self.record.userid)

    @strawberry.field(description="The member (会员); null for somebody whom the gateway does not know yet.")
    async def member(self, info: Info) -> Member | None:
        if self.record.member is None:
            return None
        found = await members.one(info.context, self.record.member, live=False)
        return None if found is None else Member.of(info, found)


@strawberry.input(description="Customers to give from one guide to another.")
class CustomerHandoverInput:
    """Handover."""

    from_: strawberry.ID = strawberry.field(name="from", description="The guide who has them, or had them and left.")
    to: strawberry.ID = strawberry.field(description="The guide of the same corp who is to have them.")
    members: list[strawberry.ID] | None = strawberry.field(
        description="1 to 100 members. Left out, where the guide has left: the next hundred of those who wait.",
        default=None,
    )
    message: str | None = strawberry.field(
        description="What the customers read, 200 characters at most; the platform's own words without it. Not where"
        " the guide has left.",
        default=None,
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> effects.Wanted:
        """As the action takes it. Raises UserError for an id that is none, and for guides of two corps."""
        corpid, old = ids.decode_as("gd", self.from_)
        other, new = ids.decode_as("gd", self.to)
        if corpid != other:
            raise UserError("from and to are guides of different corps; customers stay in theirs.")
        chosen = None if self.members is None else tuple(ids.decode_as("mb", each)[1] for each in self.members)
        return effects.Wanted(corpid, old, new, chosen, self.message or "")


@strawberry.type(description="What the platform began, customer by customer; nobody has moved yet.")
class CustomersHandedOver:
    """Handed over."""

    transaction_id: strawberry.Private[str]

    @strawberry.field(description="The customers, at most 100, as they stand now: those refused at once too.")
    async def customers(self, info: Info) -> list[CustomerHandover]:
        found = await info.context.loaders.load(handovers.of_transactions, self.transaction_id)
        return [CustomerHandover.of(each) for each in found]

    transaction = done_by("The transaction that did it.")


CustomerHandoverResult = Annotated[
    CustomersHandedOver | DomainProblem | ToolProblem,
    strawberry.union("CustomerHandoverResult", description="What was begun, or why nothing was."),
]


@strawberry.type(description="Questions about handovers.")
class HandoverQueries:
    """Handovers."""

    @strawberry.field(description="Handovers (客户继承), the newest first. Needs the scope members:write.")
    async def customer_handovers(
        self,
        info: Info,
        state: Annotated[CustomerHandoverState | None, strawberry.argument(description="Only these.")] = None,
        guide: Annotated[strawberry.ID | None, strawberry.argument(description="Only from this guide.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[CustomerHandover] | None:
        old = None if guide is None else ids.decode_as("gd", guide)
        page_args = args(first, after, last, before)
        page = await handovers.page(info.context, None if state is None else state.name, old, page_args)
        return connect(page, CustomerHandover.of)

    @strawberry.field(
        description="Customers whom guides who left have left behind (待分配客户): live, forward only, one call per"
        " thousand. Needs the scope members:write."
    )
    async def unassigned_customers(
        self,
        info: Info,
        account: Annotated[
            str | None, strawberry.argument(description="corpid; the first corp of the settings without one.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[UnassignedCustomer] | None:
        page = await handovers.unassigned(info.context, account, args(first, after, last, before))
        return connect(page, UnassignedCustomer.of)


@strawberry.type(description="Mutations about handovers.")
class HandoverMutations:
    """Handovers."""

    @strawberry.mutation(
        description="Give customers of a guide to another (在职继承), or those of one who left (离职继承). Each may"
        " refuse for 24 hours; a customer moves at most twice in 90 days. Needs the scope members:write."
    )
    async def customer_handover(
        self,
        info: Info,
        input: Annotated[CustomerHandoverInput, strawberry.argument(description="From whom to whom.")],  # noqa: A002
    ) -> CustomerHandoverResult:
        info.context.principal.require(handovers.WRITE)
        done = await ask(info, effects.HAND_OVER, input)
        return CustomersHandedOver(transaction_id=done.transaction) if isinstance(done, Performed) else done
