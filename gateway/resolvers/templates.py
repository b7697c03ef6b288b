"""Templates (模板) of messages, live: they are few, and each list is one call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.official_account import OfficialAccountAdapter, Template
from gateway.context import Context
from gateway.resolvers import wechat_apps

#: Who speaks to members.
SCOPE = "messages:send"


@dataclass(frozen=True, slots=True)
class SubscribeTemplateRecord:
    """A template of subscribe messages; ``long_term``: any number of messages per consent."""

    account: str
    template: str
    title: str
    content: str
    example: str
    long_term: bool


def account(ctx: Context, wanted: str | None) -> str:
    """The appid. Raises Forbidden and ToolNotConfigured."""
    ctx.principal.require(SCOPE)
    return ctx.tool(OfficialAccountAdapter, wanted).account


async def templates(ctx: Context, appid: str) -> Sequence[Template]:
    """The templates of an official account."""
    return await ctx.tool(OfficialAccountAdapter, appid).templates()


async def industries(ctx: Context, appid: str) -> Sequence[tuple[str, str]]:
    """Its industries, as (class, class below)."""
    return await ctx.tool(OfficialAccountAdapter, appid).industries()


async def subscribe_templates(ctx: Context, tool: str, wanted: str | None) -> Sequence[SubscribeTemplateRecord]:
    """The templates of subscribe messages of one account, ``tool`` OFFICIAL_ACCOUNT or MINI_PROGRAM.

    Raises Forbidden, ToolNotConfigured and UserError.
    """
    ctx.principal.require(SCOPE)
    if tool == "OFFICIAL_ACCOUNT":
        account_ = ctx.tool(OfficialAccountAdapter, wanted)
        return [
            SubscribeTemplateRecord(
                account_.account, each.template_id, each.title, each.content, each.example, each.long_term
            )
            for each in await account_.subscribe_templates()
        ]
    program = wechat_apps.mini_program(ctx, wanted)
    return [
        SubscribeTemplateRecord(program.account, each.template, each.title, each.content, each.example, each.long_term)
        for each in await program.subscribe_templates()
    ]
