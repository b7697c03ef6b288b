"""The member in 企业微信: contacts and groups."""

from __future__ import annotations

from datetime import datetime

import strawberry

from gateway.resolvers import freshness, ids, places, touch
from gateway.resolvers.members import MemberRecord
from gateway.resolvers.touch import ContactRecord, GroupRecord
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.follows import Tag
from gateway.schema.info import Info
from gateway.schema.node import Node
from gateway.schema.places import Guide


@strawberry.type(description="The member as one guide's contact (外部联系人).")
class Contact:
    """外部联系人."""

    record: strawberry.Private[ContactRecord]
    remark: str | None = strawberry.field(description="The guide's note (备注); for guides and by pii:read.")
    added_at: datetime | None = strawberry.field(description="When they became contacts.")

    @strawberry.field(description="The guide (导购).")
    async def guide(self, info: Info) -> Guide | None:
        key = f"{self.record.corpid}:{self.record.userid}"
        found = await info.context.loaders.load(places.guides, key)
        return None if found is None else Guide.of(info, found)

    @strawberry.field(description="Tags that the guide set (企业标签).")
    async def tags(self, info: Info) -> list[Tag]:
        keys = [(self.record.corpid, tag_id) for tag_id in self.record.tag_ids]
        names = await info.context.loaders.load_many(touch.contact_tags, keys)
        return [Tag(name=name) for name in names if name is not None]

    @classmethod
    def of(cls, info: Info, record: ContactRecord) -> Contact:
        # A guide's note about a customer is for the brand's staff, not for the customer's own client.
        caller = info.context.principal
        staff = caller.member is None and (caller.audience == "guide" or caller.sees_personal_data)
        return cls(record=record, remark=record.remark if staff else None, added_at=record.added_at)


@strawberry.type(description="A customer group (客户群).")
class CustomerGroup(Node):
    """客户群."""

    record: strawberry.Private[GroupRecord]
    name: str = strawberry.field(description="Its name (群名).")
    member_count: int = strawberry.field(description="People in it (群人数).")
    created_at: datetime | None = strawberry.field(description="When it was made.")

    @strawberry.field(description="The guide who owns it (群主).")
    async def owner(self, info: Info) -> Guide | None:
        key = f"{self.record.corpid}:{self.record.owner}"
        found = await info.context.loaders.load(places.guides, key)
        return None if found is None else Guide.of(info, found)

    @classmethod
    def of(cls, record: GroupRecord) -> CustomerGroup:
        return cls(
            id=strawberry.ID(ids.encode("gp", record.chat_id, record.corpid)),
            record=record,
            name=record.name,
            member_count=record.member_count,
            created_at=record.created_at,
        )


@strawberry.type(description="The member in 企业微信.")
class Chat:
    """企业微信."""

    record: strawberry.Private[MemberRecord]

    @strawberry.field(description="Guides who have the member as a contact; live under one member.")
    async def contacts(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Contact] | None:
        page_args = args(first, after, last, before)
        page = await touch.contacts(info.context, self.record, page_args, info.context.asked(info))
        return connect(page, lambda record: Contact.of(info, record))

    @strawberry.field(description="Customer groups that the member is in.")
    async def groups(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[CustomerGroup] | None:
        if (asked := info.context.asked(info)) is not None:
            await freshness.projected(info.context, asked, freshness.GROUPS)
        page = await touch.groups(info.context, self.record, args(first, after, last, before))
        return connect(page, CustomerGroup.of)
