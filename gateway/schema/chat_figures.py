"""Figures of 企业微信: 联系客户统计 and 群聊数据统计."""

from __future__ import annotations

from datetime import date as date_type
from typing import Annotated

import strawberry

from adapters.enterprise_chat.records.figures import BehaviourDay, GroupFigures
from gateway.database.clock import BUSINESS_ZONE
from gateway.resolvers import chat_figures, ids, places
from gateway.resolvers.chat_figures import Span
from gateway.schema.info import Info
from gateway.schema.places import Guide
from gateway.schema.scalars import Long


@strawberry.type(
    description="What the guides did in chats with customers on one day, all of them together (联系客户统计)."
)
class ChatBehaviour:
    """Behaviour."""

    date: date_type = strawberry.field(description="Business date (Asia/Shanghai).")
    chats: Long = strawberry.field(description="Chats with messages of a guide's (聊天总数).")
    messages: Long = strawberry.field(description="Messages that guides sent (发送消息数).")
    reply_percentage: float | None = strawberry.field(
        description="Of chats that customers began, those answered, 0 to 100 (已回复聊天占比); null without any."
    )
    reply_minutes: float | None = strawberry.field(
        description="Minutes until the first answer, on average (平均首次回复时长); null without chats."
    )
    lost: Long = strawberry.field(description="Customers who deleted or blocked a guide (删除/拉黑成员的客户数).")
    applied: Long = strawberry.field(description="Requests that guides sent (发起申请数).")
    added: Long = strawberry.field(description="New customers (新增客户数).")

    @classmethod
    def of(cls, record: BehaviourDay) -> ChatBehaviour:
        return cls(
            date=record.day.astimezone(BUSINESS_ZONE).date(),
            chats=Long(record.chats),
            messages=Long(record.messages),
            reply_percentage=record.reply_percentage,
            reply_minutes=record.reply_minutes,
            lost=Long(record.lost),
            applied=Long(record.applied),
            added=Long(record.added),
        )


@strawberry.type(description="What happened in customer groups (群聊数据统计).")
class GroupActivity:
    """Figures."""

    new_groups: Long = strawberry.field(description="New groups (新增客户群数量).")
    groups: Long = strawberry.field(description="Groups at the end (截至当天客户群总数量).")
    active_groups: Long = strawberry.field(description="Groups with messages (有发过消息的客户群数量).")
    new_members: Long = strawberry.field(description="People who joined (客户群新增群人数).")
    members: Long = strawberry.field(description="People at the end (截至当天客户群总人数).")
    active_members: Long = strawberry.field(description="People who wrote (有发过消息的群成员数).")
    messages: Long = strawberry.field(description="Messages (客户群消息总数).")

    @classmethod
    def of(cls, record: GroupFigures) -> GroupActivity:
        return cls(
            new_groups=Long(record.new_groups),
            groups=Long(record.groups),
            active_groups=Long(record.active_groups),
            new_members=Long(record.new_members),
            members=Long(record.members),
            active_members=Long(record.active_members),
            messages=Long(record.messages),
        )


@strawberry.type(description="One day of the guides' groups, together.")
class GroupDay:
    """Day."""

    date: date_type = strawberry.field(description="Business date (Asia/Shanghai).")
    activity: GroupActivity = strawberry.field(description="What happened.")


@strawberry.type(description="One guide's groups, over all the days.")
class GroupOwner:
    """Owner."""

    key: strawberry.Private[str]
    activity: GroupActivity = strawberry.field(description="What happened.")

    @strawberry.field(description="The guide who owns them (群主).")
    async def guide(self, info: Info) -> Guide | None:
        found = await info.context.loaders.load(places.guides, self.key)
        return None if found is None else Guide.of(info, found)


@strawberry.type(description="Figures of some guides over some days, asked of the platform now.")
class ChatStatistics:
    """Statistics."""

    span: strawberry.Private[Span]

    @strawberry.field(
        description="Day by day, **summed over the guides**: ask for each alone to compare them. One call; at most 30."
    )
    async def behaviour(self, info: Info) -> list[ChatBehaviour] | None:
        return [ChatBehaviour.of(each) for each in await chat_figures.behaviour(info.context, self.span)]

    @strawberry.field(description="Groups day by day, summed over the guides. One call; at most 30.")
    async def groups_by_day(self, info: Info) -> list[GroupDay] | None:
        found = await chat_figures.groups_by_day(info.context, self.span)
        return [
            GroupDay(date=at.astimezone(BUSINESS_ZONE).date(), activity=GroupActivity.of(each)) for at, each in found
        ]

    @strawberry.field(description="Groups guide by guide, those with the most first. One call; at most 100.")
    async def groups_by_owner(self, info: Info) -> list[GroupOwner] | None:
        found = await chat_figures.groups_by_owner(info.context, self.span)
        return [
            GroupOwner(key=f"{self.span.corpid}:{userid}", activity=GroupActivity.of(each)) for userid, each in found
        ]


@strawberry.type(description="Questions about chats.")
class ChatFigureQueries:
    """Figures."""

    @strawberry.field(
        description="Figures of guides' chats and customer groups (联系客户统计, 群聊数据统计), live. Needs the scope"
        " statistics:read. At most 30 days, of the last 180, up to yesterday."
    )
    async def chat_statistics(
        self,
        info: Info,
        guides: Annotated[list[strawberry.ID], strawberry.argument(description="1 to 100 guides of one corp.")],
        start: Annotated[
            date_type, strawberry.argument(name="from", description="The first business date (Asia/Shanghai).")
        ],
        until: Annotated[
            date_type, strawberry.argument(description="The business date after the last one: today at the latest.")
        ],
    ) -> ChatStatistics | None:
        asked = [ids.decode_as("gd", each) for each in guides]
        return ChatStatistics(span=chat_figures.span(info.context, asked, start, until))
