"""Employees of departments (部门成员), for headquarters."""

from __future__ import annotations

from typing import Annotated

import strawberry

from adapters.enterprise_chat import Employee as EmployeeRecord
from gateway.resolvers import employees, ids, places
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.info import Info
from gateway.schema.places import Department, Guide


@strawberry.type(description="Somebody who works in the corp (成员), whether a guide or not.")
class Employee:
    """成员."""

    record: strawberry.Private[EmployeeRecord]
    guide_id: strawberry.ID = strawberry.field(description="The id that they have as a guide, or would have.")
    userid: str = strawberry.field(description="userid in the corp.")
    name: str = strawberry.field(description="Name (姓名).")
    position: str | None = strawberry.field(description="Position (职务).")
    active: bool = strawberry.field(description="Whether they have activated their account (已激活).")

    @strawberry.field(description="The departments (部门) that they are in.")
    async def departments(self, info: Info) -> list[Department]:
        keys = [(self.record.corpid, each) for each in self.record.departments]
        found = await info.context.loaders.load_many(places.departments, keys)
        return [Department.of(each) for each in found if each is not None]

    @strawberry.field(description="The guide (导购) who they are; null for one who has no customers (客户联系) yet.")
    async def guide(self, info: Info) -> Guide | None:
        found = await info.context.loaders.load(places.guides, f"{self.record.corpid}:{self.record.userid}")
        return None if found is None else Guide.of(info, found)

    @classmethod
    def of(cls, record: EmployeeRecord) -> Employee:
        return cls(
            record=record,
            guide_id=strawberry.ID(ids.encode("gd", record.userid, record.corpid)),
            userid=record.userid,
            name=record.name,
            position=record.position or None,
            active=record.active,
        )


@strawberry.type(description="Questions about employees.")
class EmployeeQueries:
    """Employees."""

    @strawberry.field(
        description="Employees of one department (部门成员), without those below it; null for no such department. Live,"
        " one call. Needs the scope members:write."
    )
    async def employees(
        self,
        info: Info,
        department: Annotated[int, strawberry.argument(description="部门ID: number of a department.")],
        account: Annotated[
            str | None, strawberry.argument(description="corpid; the first corp of the settings without one.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Employee] | None:
        page = await employees.page(info.context, department, account, args(first, after, last, before))
        return None if page is None else connect(page, Employee.of)
