"""Contact ways (「联系我」): codes of guides, and the contacts they bring."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import strawberry

from gateway.resolvers import contact_ways, ids, places
from gateway.resolvers.contact_ways import WayRecord
from gateway.resolvers.errors import UserError
from gateway.schema.acting import KEY_DESCRIPTION, ask, done_by, watched
from gateway.schema.checkout import Transaction
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.info import Info
from gateway.schema.node import Node
from gateway.schema.places import Guide
from gateway.schema.problems import DomainProblem, ToolProblem
from gateway.transactions.actions import Performed
from gateway.transactions.effects import contact_ways as effects


@strawberry.type(description="How many contacts a way has brought: those that carry its state.")
class ContactWayContacts:
    """Brought."""

    added: int = strawberry.field(description="All of them; of one who came twice to a guide the last way counts.")
    kept: int = strawberry.field(description="Those that neither side has ended.")


@strawberry.type(description="A code that makes whoever scans it a contact of a guide (「联系我」).")
class ContactWay(Node):
    """联系我."""

    record: strawberry.Private[WayRecord]
    account: str = strawberry.field(description="corpid.")
    state: str = strawberry.field(description="The channel (state) that contacts carry whom it brings; its own.")
    remark: str = strawberry.field(description="For staff (备注).")
    qr_code: str | None = strawberry.field(
        description="Address of the picture (二维码); null for a button in a mini-program."
    )
    config_id: str = strawberry.field(description="The platform's name of it; the button in a mini-program needs it.")
    in_mini_program: bool = strawberry.field(description="A button in a mini-program instead of a QR code.")
    skip_verify: bool = strawberry.field(description="Whether guides need not accept (外部客户添加时无需验证).")
    exclusive: bool = strawberry.field(description="Whether a customer gets the same guide each time.")
    departments: list[int] = strawberry.field(description="Departments (部门) of which everybody is behind it.")
    created_at: datetime = strawberry.field(description="When it was made.")
    deleted_at: datetime | None = strawberry.field(description="Since when the code is dead; null: it works.")

    @strawberry.field(description="The guides (导购) who are behind it by name.")
    async def guides(self, info: Info) -> list[Guide]:
        keys = [f"{self.record.corpid}:{each}" for each in self.record.userids]
        found = await info.context.loaders.load_many(places.guides, keys)
        return [Guide.of(info, each) for each in found if each is not None]

    @strawberry.field(description="How many contacts it has brought.")
    async def contacts(self, info: Info) -> ContactWayContacts:
        key = (self.record.corpid, self.record.state)
        found = await info.context.loaders.load(contact_ways.brought, key)
        return ContactWayContacts(added=found.added, kept=found.kept)

    @strawberry.field(description="The transaction that made it.")
    async def transaction(self, info: Info) -> Transaction | None:
        return await watched(info, self.record.saga)

    @classmethod
    def of(cls, record: WayRecord) -> ContactWay:
        return cls(
            id=strawberry.ID(ids.encode("cw", record.id)),
            record=record,
            account=record.corpid,
            state=record.state,
            remark=record.remark,
            qr_code=record.qr_code or None,
            config_id=record.config_id,
            in_mini_program=record.in_mini_program,
            skip_verify=record.skip_verify,
            exclusive=record.exclusive,
            departments=list(record.departments),
            created_at=record.created_at,
            deleted_at=record.deleted_at,
        )


def _of_one_corp(guides: list[strawberry.ID], account: str) -> tuple[str, tuple[str, ...]]:
    """(corpid, userids). Raises UserError for an id that is none, and for guides of two corps."""
    decoded = [ids.decode_as("gd", each) for each in guides]
    corps = {corpid for corpid, _ in decoded} | ({account} if account else set())
    if len(corps) > 1:
        raise UserError("The guides are of different corps, or of another one than account; a way is of one.")
    return next(iter(corps), ""), tuple(dict.fromkeys(userid for _, userid in decoded))


@strawberry.input(description="A code to make.")
class ContactWayCreateInput:
    """Create."""

    guides: list[strawberry.ID] = strawberry.field(
        description="Up to 100 guides of one corp; one alone makes it 单人, and it stays so.", default_factory=list
    )
    departments: list[int] | None = strawberry.field(
        description="Departments (部门) of which everybody is behind it; 100 people at most in all.", default=None
    )
    state: str | None = strawberry.field(
        description="The channel that contacts carry, 30 characters at most, never used before; made up without it.",
        default=None,
    )
    remark: str | None = strawberry.field(description="For staff, 30 characters at most.", default=None)
    skip_verify: bool = strawberry.field(description="Guides need not accept.", default=True)
    exclusive: bool = strawberry.field(description="A customer gets the same guide each time.", default=False)
    in_mini_program: bool = strawberry.field(
        description="A button in a mini-program instead of a QR code.", default=False
    )
    account: str | None = strawberry.field(
        description="corpid; the guides', else the first corp of the settings.", default=None
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> effects.Wanted:
        """As the action takes it. Raises UserError."""
        corpid, userids = _of_one_corp(self.guides, self.account or "")
        behind = effects.Behind(
            userids, tuple(self.departments or ()), self.remark or "", self.skip_verify, self.exclusive
        )
        return effects.Wanted(corpid, behind, self.state or "", self.in_mini_program)


@strawberry.input(description="What is to change of a code; what is left out stays.")
class ContactWayUpdateInput:
    """Update."""

    contact_way: strawberry.ID = strawberry.field(description="Which.")
    guides: list[strawberry.ID] | None = strawberry.field(description="All guides behind it from now on.", default=None)
    departments: list[int] | None = strawberry.field(description="All departments behind it from now on.", default=None)
    remark: str | None = strawberry.field(description="For staff, 30 characters at most.", default=None)
    skip_verify: bool | None = strawberry.field(description="Guides need not accept.", default=None)
    exclusive: bool | None = strawberry.field(description="A customer gets the same guide each time.", default=None)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> effects.Change:
        """As the action takes it. Raises UserError."""
        return effects.Change(
            ids.decode_as("cw", self.contact_way)[1],
            None if self.guides is None else _of_one_corp(self.guides, "")[1],
            None if self.departments is None else tuple(self.departments),
            self.remark,
            self.skip_verify,
            self.exclusive,
        )


@strawberry.input(description="A code whose time is over.")
class ContactWayDeleteInput:
    """Delete."""

    contact_way: strawberry.ID = strawberry.field(description="Which.")
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> effects.Named:
        """As the action takes it. Raises UserError for an id that is none."""
        return effects.Named(ids.decode_as("cw", self.contact_way)[1])


async def _of(root: strawberry.Parent[Any], info: Info) -> ContactWay | None:
    found = await info.context.loaders.load(contact_ways.by_ids, root.way_id)
    return None if found is None else ContactWay.of(found)


@strawberry.type(description="A code as it stands now.")
class ContactWayChanged:
    """Changed."""

    transaction_id: strawberry.Private[str]
    way_id: strawberry.Private[str]
    contact_way = strawberry.field(resolver=_of, description="The code; null where its making was undone since.")
    transaction = done_by("The transaction that did it.")


ContactWayResult = Annotated[
    ContactWayChanged | DomainProblem | ToolProblem,
    strawberry.union("ContactWayResult", description="The code, or why nothing was done."),
]


@strawberry.type(description="Questions about contact ways.")
class ContactWayQueries:
    """Contact ways."""

    @strawberry.field(
        description="Contact ways (「联系我」) that were made here, the newest first. Needs the scope members:write."
    )
    async def contact_ways(
        self,
        info: Info,
        state: Annotated[str | None, strawberry.argument(description="Only the one of this state.")] = None,
        deleted: Annotated[bool, strawberry.argument(description="Those whose code is dead, too.")] = False,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[ContactWay] | None:
        page = await contact_ways.page(info.context, state, deleted=deleted, args=args(first, after, last, before))
        return connect(page, ContactWay.of)


@strawberry.type(description="Mutations about contact ways.")
class ContactWayMutations:
    """Contact ways."""

    @strawberry.mutation(
        description="Make a code of guides (配置「联系我」). Contacts whom it brings carry its state. Needs the scope"
        " members:write."
    )
    async def contact_way_create(
        self,
        info: Info,
        input: Annotated[ContactWayCreateInput, strawberry.argument(description="Whose code.")],  # noqa: A002
    ) -> ContactWayResult:
        info.context.principal.require(contact_ways.SCOPE)
        done = await ask(info, effects.CREATE, input)
        if not isinstance(done, Performed):
            return done
        return ContactWayChanged(transaction_id=done.transaction, way_id=done.outcome.id)

    @strawberry.mutation(
        description="Put other guides behind a code (更新「联系我」): the printed one stays. Needs the scope"
        " members:write."
    )
    async def contact_way_update(
        self,
        info: Info,
        input: Annotated[ContactWayUpdateInput, strawberry.argument(description="What changes.")],  # noqa: A002
    ) -> ContactWayResult:
        info.context.principal.require(contact_ways.SCOPE)
        done = await ask(info, effects.UPDATE, input)
        if not isinstance(done, Performed):
            return done
        return ContactWayChanged(transaction_id=done.transaction, way_id=done.outcome.id)

    @strawberry.mutation(
        description="Delete a code (删除「联系我」): the printed one is dead, for good. Needs the scope members:write."
    )
    async def contact_way_delete(
        self,
        info: Info,
        input: Annotated[ContactWayDeleteInput, strawberry.argument(description="Which.")],  # noqa: A002
    ) -> ContactWayResult:
        info.context.principal.require(contact_ways.SCOPE)
        done = await ask(info, effects.DELETE, input)
        if not isinstance(done, Performed):
            return done
        return ContactWayChanged(transaction_id=done.transaction, way_id=done.outcome.id)
