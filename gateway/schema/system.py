"""The gateway itself: its tools, sessions, and how far its data has been read."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from adapters.base.errors import UpstreamError
from gateway.resolvers import health, members, sessions
from gateway.resolvers.errors import UserError
from gateway.resolvers.health import ToolHealth
from gateway.schema.info import Info
from gateway.schema.members import Member
from gateway.schema.problems import DomainProblem, ToolProblem, tool_problem
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


@strawberry.input(description="A mini-program's login.")
class SessionCreateInput:
    """Login."""

    app: str = strawberry.field(description="appid of the mini-program.")
    code: str = strawberry.field(description="What wx.login returned; used once, lives five minutes.")


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


@strawberry.type(description="Mutations about sessions.")
class SessionMutations:
    """Sessions."""

    @strawberry.mutation(description="Log a shopper in by wx.login's code.")
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
            return DomainProblem(code=error.code, message=str(error), retryable=False)
        return Session(member_id=record.member, token=record.token, expires_at=record.expires_at, is_new=record.is_new)
