"""Reach: on which channels a member can be spoken to."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from gateway.members import reach as rules
from gateway.members.reach import Endpoint
from gateway.resolvers import reach
from gateway.resolvers.errors import UserError
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem, invalid


@strawberry.enum(description="Channels on which a member can be reached.")
class ReachChannel(Enum):
    """Channel."""

    OFFICIAL_ACCOUNT = strawberry.enum_value(
        "OFFICIAL_ACCOUNT", description="公众号模板消息: a message to one follower."
    )
    MASS_MESSAGE = strawberry.enum_value(
        "MASS_MESSAGE", description="公众号群发: a service account reaches a follower four times a month at most."
    )
    CUSTOMER_SERVICE = strawberry.enum_value(
        "CUSTOMER_SERVICE", description="客服消息: an answer to a follower, for 48 hours after they wrote."
    )
    SUBSCRIBE_MESSAGE = strawberry.enum_value(
        "SUBSCRIBE_MESSAGE", description="订阅消息: one message per question that the shopper accepted."
    )
    ENTERPRISE_CHAT = strawberry.enum_value("ENTERPRISE_CHAT", description="企业微信客户群发: through a guide.")
    SMS = strawberry.enum_value("SMS", description="短信.")


@strawberry.enum(description="Why a channel may not be used now.")
class ReachReason(Enum):
    """Reason."""

    UNKNOWN_MEMBER = strawberry.enum_value("UNKNOWN_MEMBER", description="There is no such member.")
    ERASED = strawberry.enum_value("ERASED", description="The member's data was erased (注销).")
    NEVER_FOLLOWED = strawberry.enum_value("NEVER_FOLLOWED", description="No official account of the brand (从未关注).")
    UNFOLLOWED = strawberry.enum_value("UNFOLLOWED", description="Followed once, and no more (取消关注).")
    BLACKLISTED = strawberry.enum_value(
        "BLACKLISTED", description="On the account's blacklist (黑名单): the platform takes nothing to them."
    )
    NO_CONTACT = strawberry.enum_value("NO_CONTACT", description="No guide has them as 外部联系人.")
    CONTACT_DELETED = strawberry.enum_value("CONTACT_DELETED", description="One side deleted the contact (删除好友).")
    GUIDE_LEFT = strawberry.enum_value(
        "GUIDE_LEFT", description="Every guide who had them left, and nobody took over (待分配)."
    )
    NO_PHONE = strawberry.enum_value("NO_PHONE", description="No 手机号 is known.")
    NO_CONSENT = strawberry.enum_value("NO_CONSENT", description="The purpose was never allowed, or was withdrawn.")
    UNDER_AGE = strawberry.enum_value("UNDER_AGE", description="Under 14, and no guardian allowed it (未满十四周岁).")
    WINDOW_CLOSED = strawberry.enum_value(
        "WINDOW_CLOSED", description="They did not write in the last 48 hours (超过48小时)."
    )
    WINDOW_SPENT = strawberry.enum_value(
        "WINDOW_SPENT", description="All answers of the window are used; they must write again."
    )
    NO_GRANT = strawberry.enum_value("NO_GRANT", description="No accepted question is left (订阅次数为零).")
    PLATFORM_CAP = strawberry.enum_value(
        "PLATFORM_CAP", description="The platform takes no more for this customer for now (群发次数上限)."
    )
    FREQUENCY_CAP = strawberry.enum_value(
        "FREQUENCY_CAP", description="The brand's own number of marketing messages a month is reached (触达频控)."
    )
    QUIET_HOURS = strawberry.enum_value("QUIET_HOURS", description="The brand does not disturb now (免打扰时段).")


# Two lists would drift.
assert [each.name for each in ReachReason] == [each.name for each in rules.Reason]  # noqa: S101
assert [each.name for each in ReachChannel] == [each.name for each in rules.MESSAGES]  # noqa: S101


@strawberry.type(description="Whether a channel may be used for the member now (可触达).")
class Reach:
    """Reach."""

    channel: ReachChannel = strawberry.field(description="The channel.")
    reachable: bool = strawberry.field(description="Whether a message may be sent now.")
    reason: ReachReason | None = strawberry.field(description="Why not; null when reachable.")
    from_: datetime | None = strawberry.field(
        name="from", description="When an obstacle is over by itself; null when that is not known, or reachable."
    )
    until: datetime | None = strawberry.field(
        description="When the permission ends by itself, such as the 48 hours; null when it does not."
    )
    account: str | None = strawberry.field(description="By which appid or corpid; null without one.")
    template: str | None = strawberry.field(description="Template of a subscribe message (模板ID); else null.")
    remaining: int | None = strawberry.field(description="Messages left, where the platform counts; else null.")

    @classmethod
    def of(cls, way: Endpoint) -> Reach:
        return cls(
            channel=ReachChannel[way.channel.name],
            reachable=way.reachable,
            reason=None if way.reason is None else ReachReason[way.reason.name],
            from_=way.opens_at,
            until=way.until,
            account=way.account or None,
            template=way.template or None,
            remaining=way.remaining,
        )


@strawberry.enum(description="What wx.requestSubscribeMessage answered for a template.")
class SubscribeAnswer(Enum):
    """Answer."""

    ACCEPT = strawberry.enum_value("ACCEPT", description="accept: one more message may be sent.")
    REJECT = strawberry.enum_value("REJECT", description="reject: the shopper said no.")
    BAN = strawberry.enum_value("BAN", description="ban: the platform banned the template.")
    FILTER = strawberry.enum_value("FILTER", description="filter: the platform did not show it, as its title repeats.")


@strawberry.input(description="The shopper's answer about one template.")
class SubscribeAnswerInput:
    """Answer."""

    template: str = strawberry.field(description="模板ID, 64 characters at most.")
    answer: SubscribeAnswer = strawberry.field(description="What the mini-program was told.")


@strawberry.input(description="What the shopper answered to wx.requestSubscribeMessage.")
class SubscribeGrantRecordInput:
    """Answers."""

    answers: list[SubscribeAnswerInput] = strawberry.field(description="One per template, 20 at most.")
    idempotency_key: str | None = strawberry.field(
        description="One per question asked; required at run time. The same key again counts nothing.", default=None
    )


@strawberry.type(description="How many messages may still be sent by a template (订阅次数).")
class SubscribeGrant:
    """Grant."""

    template: str = strawberry.field(description="模板ID.")
    remaining: int = strawberry.field(description="Messages left.")


@strawberry.type(description="What is left of the templates that were answered.")
class SubscribeGrants:
    """Grants."""

    grants: list[SubscribeGrant] = strawberry.field(description="One per template, by its id.")


SubscribeGrantResult = Annotated[
    SubscribeGrants | DomainProblem,
    strawberry.union("SubscribeGrantResult", description="What is left now, or why nothing was recorded."),
]


@strawberry.type(description="Mutations about reach.")
class ReachMutations:
    """Reach."""

    @strawberry.mutation(
        description="Record which subscribe messages (订阅消息) the shopper of this session accepted."
        " Where the platform pushes the same answers as events, each counts once."
    )
    async def subscribe_grant_record(
        self,
        info: Info,
        input: Annotated[SubscribeGrantRecordInput, strawberry.argument(description="The answers.")],  # noqa: A002
    ) -> SubscribeGrantResult:
        answers = {each.template: each.answer is SubscribeAnswer.ACCEPT for each in input.answers}
        try:
            found = await reach.record_grants(info.context, answers, input.idempotency_key)
        except UserError as error:
            return invalid(error)
        return SubscribeGrants(grants=[SubscribeGrant(template=g.template, remaining=g.remaining) for g in found])
