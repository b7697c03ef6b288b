"""The gateway itself: its tools, sessions, and how far its data has been read."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from adapters.base.errors import UpstreamError
from gateway.resolvers import health, members, sessions
from gateway.resolvers.errors import UserError
from gateway.resolvers.health import ToolHealth
from gateway.runtime import QuotaState
from gateway.schema.info import Info
from gateway.schema.members import Member
from gateway.schema.problems import DomainProblem, ToolProblem, invalid, tool_problem
from gateway.schema.scalars import Long


@strawberry.type(description="How far one stream of a tool's data has been read.")
class Stream:
    """Sync stream."""

    name: str = strawberry.field(description="Such as orders, followers, bills.")
    state: str = strawberry.field(description="DONE, WAITING (for the platform's quota) or FAILED.")
    rows: Long = strawberry.field(description="Rows written by the last run.")
    updated_at: datetime = strawberry.field(description="When it was last read.")


@strawberry.type(description="One account of one of the seven tools.")
class Tool:
    """Tool."""

    name: str = strawberry.field(description="One of the seven tool names.")
    title: str = strawberry.field(description="The platform's Chinese name.")
    account: str | None = strawberry.field(description="The platform's own account id: appid, mchid, corpid, bucket.")
    state: str = strawberry.field(description="OK, NOT_CONFIGURED, or an error kind.")
    message: str | None = strawberry.field(description="What is wrong and what to do.")
    streams: list[Stream] = strawberry.field(description="How far its data has been read.")

    @classmethod
    def of(cls, record: ToolHealth) -> Tool:
        return cls(
            name=record.tool,
            title=record.title,
            account=record.account,
            state=record.state,
            message=record.message,
            streams=[
                Stream(name=s.stream, state=s.state, rows=Long(s.rows), updated_at=s.updated_at) for s in record.streams
            ],
        )


@strawberry.enum(description="The time over which a platform counts calls; days and months begin in Beijing.")
class QuotaWindow(Enum):
    """Window."""

    MINUTE = strawberry.enum_value("MINUTE", description="每分钟.")
    HOUR = strawberry.enum_value("HOUR", description="每小时.")
    DAY = strawberry.enum_value("DAY", description="每日.")
    MONTH = strawberry.enum_value("MONTH", description="每月.")


@strawberry.type(description="How often an account may still call an endpoint of its platform (接口调用频次).")
class Quota:
    """Allowance."""

    tool: str = strawberry.field(description="One of the seven tool names.")
    account: str = strawberry.field(description="The platform's own account id.")
    endpoint: str = strawberry.field(description="The gateway's name of the endpoint.")
    window: QuotaWindow = strawberry.field(description="Over what calls are counted.")
    limit: Long = strawberry.field(description="Calls that the platform allows, as documented or set for the account.")
    left: Long = strawberry.field(
        description="Calls left, over all processes of the gateway; 0 while the platform itself refuses."
    )
    resets_at: datetime = strawberry.field(description="When they are counted anew.")
    spent_until: datetime | None = strawberry.field(
        description="Until when the platform refuses, where it said that nothing is left."
    )

    @classmethod
    def of(cls, state: QuotaState) -> Quota:
        return cls(
            tool=state.tool,
            account=state.account,
            endpoint=state.endpoint,
            window=QuotaWindow[state.window],
            limit=Long(state.limit),
            left=Long(state.left),
            resets_at=state.resets_at,
            spent_until=state.spent_until,
        )


@strawberry.input(description="A login in a mini-program (小程序), or on a page of an official account (网页授权).")
class SessionCreateInput:
    """Login."""

    app: str = strawberry.field(description="appid of the mini-program or official account.")
    code: str = strawberry.field(
        description="What wx.login returned, or the page's address has as code; used once, lives five minutes."
    )


@strawberry.type(description="A shopper's session: send the token as Authorization: Bearer.")
class Session:
    """Session."""

    member_id: strawberry.Private[str]
    token: str = strawberry.field(description="Shown once; the gateway keeps only its keyed hash.")
    expires_at: datetime = strawberry.field(description="When it ends.")
    is_new: bool = strawberry.field(description="Whether the shopper was not known before.")

    @strawberry.field(description="The shopper.")
    async def member(self, info: Info) -> Member | None:
        record = await members.one(info.context, self.member_id, live=False)
        return None if record is None else Member.of(info, record)


SessionResult = Annotated[
    Session | DomainProblem | ToolProblem,
    strawberry.union("SessionResult", description="A session, or why there is none."),
]


@strawberry.type(description="Fields about the gateway itself.")
class SystemQueries:
    """Health."""

    @strawberry.field(description="The seven tools, per account: reachable or why not. Needs the scope operations.")
    async def tools(self, info: Info) -> list[Tool] | None:
        info.context.principal.require("operations")
        return [Tool.of(each) for each in await health.tools(info.context.services)]

    @strawberry.field(
        description="What is left of the platforms' allowances: of those declared for an endpoint, and those ever used."
        " Needs the scope operations."
    )
    async def quotas(self, info: Info) -> list[Quota] | None:
        info.context.principal.require("operations")
        return [Quota.of(each) for each in await info.context.services.tools.quotas.states()]


@strawberry.type(description="Mutations about sessions.")
class SessionMutations:
    """Sessions."""

    @strawberry.mutation(
        description="Log a shopper in by wx.login's code, or by the code of a page inside WeChat (网页授权). Needs"
        " the scope checkout."
    )
    async def session_create(
        self,
        info: Info,
        input: Annotated[SessionCreateInput, strawberry.argument(description="The login.")],  # noqa: A002
    ) -> SessionResult:
        try:
            record = await sessions.create(info.context, input.app, input.code)
        except UpstreamError as error:
            return tool_problem(error)
        except UserError as error:
            return invalid(error)
        return Session(member_id=record.member, token=record.token, expires_at=record.expires_at, is_new=record.is_new)
