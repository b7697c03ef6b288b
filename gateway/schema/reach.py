"""Reach: on which channels a member can be spoken to."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import strawberry


@strawberry.enum(description="Channels on which a member can be reached.")
class ReachChannel(Enum):
    """Channel."""

    OFFICIAL_ACCOUNT = strawberry.enum_value("OFFICIAL_ACCOUNT", description="公众号消息.")
    ENTERPRISE_CHAT = strawberry.enum_value("ENTERPRISE_CHAT", description="企业微信好友.")
    SMS = strawberry.enum_value("SMS", description="短信.")


@strawberry.type(description="Whether a channel may be used for the member now (可触达).")
class Reach:
    """Reach."""

    channel: ReachChannel = strawberry.field(description="The channel.")
    reachable: bool = strawberry.field(description="Whether a message may be sent now.")
    reason: str | None = strawberry.field(
        description="Why not: NEVER_FOLLOWED, UNFOLLOWED, NO_CONTACT, CONTACT_DELETED, NO_CONSENT."
    )
    until: datetime | None = strawberry.field(description="When the permission ends; null when it does not.")
