"""What guides note about their customers (客户备注)."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.resolvers import ids, touch
from gateway.schema.acting import KEY_DESCRIPTION, ask, done_by
from gateway.schema.contacts import Contact
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem, ToolProblem
from gateway.transactions.actions import Performed
from gateway.transactions.effects import contact_remarks as effects
from gateway.transactions.effects.customers import Pair


@strawberry.input(description="What a guide notes about a customer; what is left out stays, an empty text goes.")
class ContactRemarkInput:
    """Remark."""

    member: strawberry.ID = strawberry.field(description="Who it is about.")
    guide: strawberry.ID = strawberry.field(
        description="The guide (导购) whose contact it is: each has a note of their own."
    )
    remark: str | None = strawberry.field(
        description="What the guide calls them (备注), 20 characters at most.", default=None
    )
    description: str | None = strawberry.field(
        description="What there is to know (描述), 150 characters at most.", default=None
    )
    company: str | None = strawberry.field(description="Their company (备注企业), 20 characters at most.", default=None)
    phones: list[str] | None = strawberry.field(
        description="All their phones from now on (备注手机号), 5 at most; hints, which join nobody.", default=None
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> effects.Wanted:
        """As the action takes it. Raises UserError for an id that is none."""
        corpid, userid = ids.decode_as("gd", self.guide)
        phones = None if self.phones is None else tuple(self.phones)
        note = effects.Note(self.remark, self.description, self.company, phones)
        return effects.Wanted(ids.decode_as("mb", self.member)[1], corpid, userid, note)


@strawberry.type(description="Noted.")
class ContactRemarked:
    """Noted."""

    transaction_id: strawberry.Private[str]
    pair: strawberry.Private[Pair]

    @strawberry.field(description="The contact (外部联系人) as it is now; null where it ended meanwhile.")
    async def contact(self, info: Info) -> Contact | None:
        key = (f"{self.pair.corpid}:{self.pair.userid}", self.pair.identity)
        found = await info.context.loaders.load(touch.contacts_by_key, key)
        return None if found is None else Contact.of(info, found)

    transaction = done_by("The transaction that did it.")


ContactRemarkResult = Annotated[
    ContactRemarked | DomainProblem | ToolProblem,
    strawberry.union("ContactRemarkResult", description="The contact, or why nothing was noted."),
]


@strawberry.type(description="Mutations about what guides note.")
class ContactRemarkMutations:
    """Remarks."""

    @strawberry.mutation(
        description="Change what a guide noted about a customer (修改客户备注信息). Needs the scope contacts:write."
    )
    async def contact_remark(
        self,
        info: Info,
        input: Annotated[ContactRemarkInput, strawberry.argument(description="About whom, and what.")],  # noqa: A002
    ) -> ContactRemarkResult:
        info.context.principal.require("contacts:write")
        done = await ask(info, effects.WRITE, input)
        if not isinstance(done, Performed):
            return done
        return ContactRemarked(transaction_id=done.transaction, pair=done.outcome.pair)
