"""Customer groups (客户群), and giving them to another owner."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.resolvers import customer_groups, ids, touch
from gateway.resolvers.errors import UserError
from gateway.schema.acting import KEY_DESCRIPTION, ask, done_by
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.contacts import CustomerGroup
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem, ToolProblem
from gateway.transactions.actions import Performed
from gateway.transactions.effects import group_handovers as effects


@strawberry.input(description="Customer groups to give to another owner.")
class CustomerGroupHandoverInput:
    """Handover."""

    groups: list[strawberry.ID] = strawberry.field(
        description="1 to 100 groups of one corp, whose owners all work there or have all left."
    )
    to: strawberry.ID = strawberry.field(description="The guide (导购) of the same corp who is to own them.")
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> effects.Wanted:
        """As the action takes it. Raises UserError for an id that is none, and for those of two corps."""
        corpid, new = ids.decode_as("gd", self.to)
        decoded = [ids.decode_as("gp", each) for each in self.groups]
        if any(corp != corpid for corp, _ in decoded):
            raise UserError("The groups and the guide are of different corps; groups stay in theirs.")
        return effects.Wanted(corpid, tuple(dict.fromkeys(chat_id for _, chat_id in decoded)), new)


@strawberry.type(description="What became of one group.")
class CustomerGroupHandover:
    """Handover."""

    corpid: strawberry.Private[str]
    chat_id: strawberry.Private[str]
    reason: str | None = strawberry.field(
        description="Why it was not given, as in docs/upstream-errors.md: handed_over_twice (90天内已接替两次),"
        " takeover_full, owner_resigned, owner_not_resigned and others; null: the guide owns it now."
    )

    @strawberry.field(description="The group (客户群) as it is now.")
    async def group(self, info: Info) -> CustomerGroup | None:
        found = await info.context.loaders.load(touch.groups_by_key, (self.corpid, self.chat_id))
        return None if found is None else CustomerGroup.of(found)


@strawberry.type(description="What the platform did, group by group.")
class CustomerGroupsHandedOver:
    """Handed over."""

    transaction_id: strawberry.Private[str]
    groups: list[CustomerGroupHandover] = strawberry.field(description="The groups, in the order asked.")

    transaction = done_by("The transaction that did it.")


CustomerGroupHandoverResult = Annotated[
    CustomerGroupsHandedOver | DomainProblem | ToolProblem,
    strawberry.union("CustomerGroupHandoverResult", description="What was given, or why nothing was."),
]


@strawberry.type(description="Questions about customer groups.")
class CustomerGroupQueries:
    """Groups."""

    @strawberry.field(
        description="Customer groups (客户群), as the last event or sync had them. Needs the scope members:read."
    )
    async def customer_groups(
        self,
        info: Info,
        owner: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only those that this guide owns (群主).")
        ] = None,
        account: Annotated[str | None, strawberry.argument(description="corpid; all corps without one.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[CustomerGroup] | None:
        whose = None if owner is None else ids.decode_as("gd", owner)
        page = await customer_groups.page(info.context, account, whose, args(first, after, last, before))
        return connect(page, CustomerGroup.of)

    @strawberry.field(
        description="The customer group in which a mini-program was opened (客户群opengid转换); null for a group that"
        " is none of the corp's. One call. Needs the scope members:read."
    )
    async def customer_group(
        self,
        info: Info,
        opengid: Annotated[
            str, strawberry.argument(description="What wx.getGroupEnterInfo told, decrypted with the session's key.")
        ],
        account: Annotated[
            str | None, strawberry.argument(description="corpid; the first corp of the settings without one.")
        ] = None,
    ) -> CustomerGroup | None:
        found = await customer_groups.opened_in(info.context, opengid, account)
        return None if found is None else CustomerGroup.of(found)


@strawberry.type(description="Mutations about customer groups.")
class CustomerGroupMutations:
    """Groups."""

    @strawberry.mutation(
        description="Give customer groups to another owner (客户群继承): of guides who stay (在职继承), or of guides"
        " who left (离职继承). At once; a group moves at most twice in 90 days. Needs the scope members:write."
    )
    async def customer_group_handover(
        self,
        info: Info,
        input: Annotated[CustomerGroupHandoverInput, strawberry.argument(description="Which, and to whom.")],  # noqa: A002
    ) -> CustomerGroupHandoverResult:
        info.context.principal.require(customer_groups.WRITE)
        done = await ask(info, effects.HAND_OVER, input)
        if not isinstance(done, Performed):
            return done
        rows = [
            CustomerGroupHandover(corpid=done.outcome.corpid, chat_id=each.chat_id, reason=each.reason or None)
            for each in done.outcome.rows
        ]
        return CustomerGroupsHandedOver(transaction_id=done.transaction, groups=rows)
