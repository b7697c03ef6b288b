"""The brand's pages inside WeChat: a signature for the JS-SDK (JS-SDK 签名), and the way to the login (网页授权)."""

from __future__ import annotations

from enum import StrEnum

from adapters.official_account import OfficialAccountAdapter, PageConfig
from gateway.context import Context

#: Who has pages for shoppers.
SCOPE = "checkout"


class LoginScope(StrEnum):
    """What a login asks for."""

    BASE = "snsapi_base"
    USER_INFO = "snsapi_userinfo"


async def config(ctx: Context, url: str, account: str | None) -> PageConfig:
    """Raises Forbidden, ToolNotConfigured, and Invalid for a page that is not on a trusted host."""
    ctx.principal.require(SCOPE)
    return await ctx.tool(OfficialAccountAdapter, account).page_config(url)


def login_url(ctx: Context, redirect: str, state: str, scope: LoginScope, account: str | None) -> str:
    """Where a browser goes. Raises as ``config`` does, and Invalid for a state that is none; no call."""
    ctx.principal.require(SCOPE)
    adapter = ctx.tool(OfficialAccountAdapter, account)
    return adapter.authorize_url(redirect, state, "snsapi_base" if scope is LoginScope.BASE else "snsapi_userinfo")
