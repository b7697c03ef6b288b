"""The member as a follower of official accounts (公众号)."""

from __future__ import annotations

from datetime import datetime

import strawberry

from gateway.resolvers import touch
from gateway.resolvers.touch import FollowRecord
from gateway.schema.info import Info


@strawberry.type(description="A tag (标签).")
class Tag:
    """Tag."""

    name: str = strawberry.field(description="Its name.")


@strawberry.type(description="The member as a follower of an official account (公众号关注者).")
class OfficialAccountFollow:
    """Follower."""

    record: strawberry.Private[FollowRecord]
    appid: str = strawberry.field(description="appid of the account.")
    subscribed: bool = strawberry.field(description="Whether they follow now (关注).")
    subscribed_at: datetime | None = strawberry.field(description="When they followed last.")
    scene: str = strawberry.field(description="How they came (关注渠道), such as ADD_SCENE_QR_CODE.")

    @strawberry.field(description="Tags of this account (用户标签).")
    async def tags(self, info: Info) -> list[Tag]:
        keys = [(self.record.appid, tag_id) for tag_id in self.record.tag_ids]
        names = await info.context.loaders.load_many(touch.follower_tags, keys)
        return [Tag(name=name) for name in names if name is not None]

    @strawberry.field(description="What staff noted about them (备注名); for guides and by pii:read.")
    async def remark(self, info: Info) -> str | None:
        # A note about a customer is for the brand's staff, not for the customer's own client.
        caller = info.context.principal
        if caller.member is not None or not (caller.audience == "guide" or caller.sees_personal_data):
            return None
        return await info.context.loaders.load(touch.follower_remarks, self.record)

    @strawberry.field(
        description="When they were put on the account's blacklist (黑名单), as far as the gateway heard; null: they"
        " are not on it, or the caller is a shopper."
    )
    async def blocked_at(self, info: Info) -> datetime | None:
        return self.record.blocked_at if info.context.principal.member is None else None

    @classmethod
    def of(cls, record: FollowRecord) -> OfficialAccountFollow:
        return cls(
            record=record,
            appid=record.appid,
            subscribed=record.subscribed,
            subscribed_at=record.subscribed_at,
            scene=record.scene,
        )
