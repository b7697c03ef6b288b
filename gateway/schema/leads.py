"""Sales leads (销售线索)."""

from __future__ import annotations

from datetime import datetime

import strawberry

from gateway.resolvers import ids, leads, masking, touch
from gateway.resolvers.leads import LeadRecord
from gateway.schema.ads import Ad
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.info import Info


@strawberry.type(description="A lead (销售线索): what somebody left in the form of an ad, to be called back.")
class Lead:
    """Lead."""

    record: strawberry.Private[LeadRecord]
    id: strawberry.ID = strawberry.field(description="Global id.")
    name: str | None = strawberry.field(description="Name as it was typed; masked without the scope pii:read.")
    phone: str | None = strawberry.field(
        description="手机号 as it was typed, which proves nothing; masked without the scope pii:read."
    )
    created_at: datetime = strawberry.field(description="When the platform stored it.")

    @strawberry.field(description="The ad that it was left at.")
    async def ad(self, info: Info) -> Ad | None:
        if self.record.adgroup_id is None:
            return None
        found = await info.context.loaders.load(touch.ads, (self.record.account_id, self.record.adgroup_id))
        return None if found is None else Ad.of(found)

    @classmethod
    def of(cls, record: LeadRecord, *, shown: bool) -> Lead:
        return cls(
            record=record,
            id=strawberry.ID(ids.encode("ld", record.lead_id, record.account_id)),
            name=masking.name(record.name, shown=shown),
            phone=masking.phone(record.phone, shown=shown),
            created_at=record.created_at,
        )


@strawberry.type(description="Fields about leads.")
class LeadQueries:
    """Leads."""

    @strawberry.field(
        description="All leads (销售线索), newest first; needs the scope members:read. An erasure takes those with"
        " a phone of the person."
    )
    async def leads(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Lead] | None:
        page = await leads.page(info.context, args(first, after, last, before))
        shown = info.context.principal.sees_personal_data
        return connect(page, lambda record: Lead.of(record, shown=shown))
