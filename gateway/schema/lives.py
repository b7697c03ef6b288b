"""Live sessions of a Channels account: 视频号直播."""

from __future__ import annotations

from datetime import date as date_type
from datetime import datetime
from typing import Annotated

import strawberry

from adapters.mini_program_store import LiveNotice as NoticeRecord
from adapters.mini_program_store import LiveNow as NowRecord
from adapters.mini_program_store import LiveSession as SessionRecord
from gateway.resolvers import lives
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.info import Info
from gateway.schema.scalars import Long

Account = Annotated[
    str | None, strawberry.argument(description="appid of a shop (微信小店); the first of the settings without one.")
]
LIVE = "The platform's name of the session (export_id), which the shop's orders carry too."


@strawberry.type(description="How a live session went (视频号直播数据).")
class LiveSession:
    """Session."""

    live_id: str = strawberry.field(description=LIVE)
    started_at: datetime | None = strawberry.field(description="开播时间.")
    seconds: Long = strawberry.field(description="直播时长, in seconds.")
    viewers: Long = strawberry.field(description="观众总数.")
    most_at_once: Long = strawberry.field(description="最高同时在线人数.")
    seconds_per_viewer: Long = strawberry.field(description="人均观看时长, in seconds.")
    likes: Long = strawberry.field(description="点赞次数.")
    comments: Long = strawberry.field(description="评论次数.")
    shares: Long = strawberry.field(description="转发次数.")
    new_followers: Long = strawberry.field(description="新增关注.")

    @classmethod
    def of(cls, record: SessionRecord) -> LiveSession:
        return cls(
            live_id=record.live_id,
            started_at=record.started_at,
            seconds=Long(record.seconds),
            viewers=Long(record.viewers),
            most_at_once=Long(record.most_at_once),
            seconds_per_viewer=Long(record.seconds_per_viewer),
            likes=Long(record.likes),
            comments=Long(record.comments),
            shares=Long(record.shares),
            new_followers=Long(record.new_followers),
        )


@strawberry.type(description="A live session that is on air (正在直播).")
class LiveOnAir:
    """On air."""

    live_id: str = strawberry.field(description=LIVE)
    title: str = strawberry.field(description="直播描述.")
    cover_url: str = strawberry.field(description="封面.")
    channel: str = strawberry.field(description="The name of the Channels account (视频号昵称).")

    @classmethod
    def of(cls, record: NowRecord) -> LiveOnAir:
        return cls(live_id=record.live_id, title=record.title, cover_url=record.cover, channel=record.channel)


@strawberry.type(description="A live session that was announced (直播预告).")
class LiveNotice:
    """Notice."""

    platform_id: str = strawberry.field(description="The platform's name of the notice (notice_id).")
    title: str = strawberry.field(description="预告描述.")
    channel: str = strawberry.field(description="The name of the Channels account (视频号昵称).")
    starts_at: datetime | None = strawberry.field(description="When it is to begin (开播时间).")
    state: str = strawberry.field(description="The platform's own word of its state (预告状态).")

    @classmethod
    def of(cls, record: NoticeRecord) -> LiveNotice:
        return cls(
            platform_id=record.notice_id,
            title=record.title,
            channel=record.channel,
            starts_at=record.starts_at,
            state=record.state,
        )


@strawberry.type(description="The Channels account (视频号) that is bound to a shop.")
class LiveChannel:
    """Channel."""

    platform_id: str = strawberry.field(description="视频号 ID, such as sph….")
    name: str = strawberry.field(description="昵称.")
    followers: Long = strawberry.field(description="粉丝数.")


@strawberry.type(description="Questions about live sessions.")
class LiveQueries:
    """Lives."""

    @strawberry.field(
        description="Live sessions that began on these days, and how they went (视频号直播数据): live, in the"
        " platform's order, forward only, one call per page of its own. At most 92 days. Needs the"
        " scope statistics:read."
    )
    async def live_sessions(
        self,
        info: Info,
        start: Annotated[
            date_type, strawberry.argument(name="from", description="The first business date (Asia/Shanghai).")
        ],
        until: Annotated[date_type, strawberry.argument(description="The business date after the last one.")],
        account: Account = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[LiveSession] | None:
        page = await lives.sessions(info.context, account, start, until, args(first, after, last, before))
        return connect(page, LiveSession.of)

    @strawberry.field(
        description="Live sessions on air (正在直播), asked of the platform now. One call. Needs the scope"
        " statistics:read."
    )
    async def live_now(self, info: Info, account: Account = None) -> list[LiveOnAir] | None:
        return [LiveOnAir.of(each) for each in await lives.now(info.context, account)]

    @strawberry.field(
        description="Live sessions that were announced (直播预告), asked of the platform now. One call. Needs the scope"
        " statistics:read."
    )
    async def live_notices(self, info: Info, account: Account = None) -> list[LiveNotice] | None:
        return [LiveNotice.of(each) for each in await lives.notices(info.context, account)]

    @strawberry.field(
        description="The Channels account (视频号) that is bound to a shop, asked of the platform now. One call. Needs"
        " the scope statistics:read."
    )
    async def live_channel(self, info: Info, account: Account = None) -> LiveChannel | None:
        found = await lives.channel(info.context, account)
        return LiveChannel(platform_id=found.finder_id, name=found.name, followers=Long(found.fans))
