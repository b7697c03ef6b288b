"""Logins of guides, in the sidebar of a chat (聊天工具栏) and in the brand's mini-program inside 企业微信."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from adapters.base.errors import UpstreamError
from gateway.resolvers import guide_sessions, places
from gateway.resolvers.errors import UserError
from gateway.resolvers.guide_sessions import Door
from gateway.runtime import ToolNotConfigured
from gateway.schema.checkout import plain_problem
from gateway.schema.info import Info
from gateway.schema.places import Guide
from gateway.schema.problems import DomainProblem, ToolProblem, invalid, tool_problem
from gateway.transactions.problems import problem


@strawberry.enum(description="Where a guide logs in.")
class GuideLoginDoor(Enum):
    """Door."""

    PAGE = strawberry.enum_value(
        "PAGE",
        description="A web page inside 企业微信, such as the sidebar of a chat: code of the redirect (网页授权).",
    )
    MINI_PROGRAM = strawberry.enum_value(
        "MINI_PROGRAM", description="The brand's mini-program inside 企业微信: code of wx.qy.login."
    )


@strawberry.input(description="A guide's login (导购登录).")
class GuideSessionCreateInput:
    """Login."""

    code: str = strawberry.field(description="What the platform gave the page; used once, lives five minutes.")
    door: GuideLoginDoor = strawberry.field(description="Where it is of.", default=GuideLoginDoor.PAGE)
    account: str | None = strawberry.field(
        description="corpid; the first corp of the settings without one.", default=None
    )


@strawberry.type(description="A guide's session: send the token as Authorization: Bearer, with the same kind of key.")
class GuideSession:
    """Session."""

    key: strawberry.Private[str]
    token: str = strawberry.field(description="Shown once; the gateway keeps only its keyed hash.")
    expires_at: datetime = strawberry.field(description="When it ends.")

    @strawberry.field(description="The guide (导购).")
    async def guide(self, info: Info) -> Guide | None:
        found = await info.context.loaders.load(places.guides, self.key)
        return None if found is None else Guide.of(info, found)


GuideSessionResult = Annotated[
    GuideSession | DomainProblem | ToolProblem,
    strawberry.union("GuideSessionResult", description="A session, or why there is none."),
]


@strawberry.type(description="Questions about who is logged in.")
class GuideSessionQueries:
    """Sessions."""

    @strawberry.field(description="The guide (导购) whose session comes with the request; null without one.")
    async def current_guide(self, info: Info) -> Guide | None:
        found = await guide_sessions.current(info.context)
        return None if found is None else Guide.of(info, found)


@strawberry.type(description="Mutations about sessions of guides.")
class GuideSessionMutations:
    """Sessions."""

    @strawberry.mutation(
        description="Log a guide in by the code that 企业微信 gave a page (获取访问用户身份), or the brand's"
        " mini-program in it (小程序登录). With the token, tags and notes are those of the guide's own contacts. Needs"
        " the scope sidebar."
    )
    async def guide_session_create(
        self,
        info: Info,
        input: Annotated[GuideSessionCreateInput, strawberry.argument(description="The login.")],  # noqa: A002
    ) -> GuideSessionResult:
        try:
            record = await guide_sessions.create(info.context, Door[input.door.name], input.code, input.account)
        except UpstreamError as error:
            return tool_problem(error)
        except ToolNotConfigured as error:
            return plain_problem(problem(error))
        except UserError as error:
            return invalid(error)
        return GuideSession(key=record.guide, token=record.token, expires_at=record.expires_at)
