"""客服输入状态: a follower sees that an answer is being written, for some seconds."""

from __future__ import annotations

from adapters.official_account import OfficialAccountAdapter
from gateway.context import Context
from gateway.members.consent import Purpose
from gateway.members.reach import Channel, circumstances, endpoints
from gateway.resolvers.errors import UserError
from gateway.transactions.effects.people import platform_names

#: Who writes to members.
SCOPE = "messages:send"


class NotReachable(UserError):
    """The member may not be sent this now."""

    code = "NOT_REACHABLE"


async def show(ctx: Context, member: str, account: str | None, *, typing: bool) -> str:
    """Show it, or take it back, and answer the appid; one call.

    It is no message, so that no place is taken under the caps; but only to one to whom a customer-service message may
    go now. Raises Forbidden, NotReachable, ToolNotConfigured and UpstreamError.
    """
    ctx.principal.require(SCOPE)
    if account is not None:
        ctx.tool(OfficialAccountAdapter, account)
    now = ctx.clock.now()
    known = (await circumstances(ctx.database.fetch, ctx.database.keyring, [member], now)).get(member)
    if known is None:
        raise NotReachable("There is no such member.")
    ways = endpoints(known, Purpose.SERVICE, Channel.CUSTOMER_SERVICE, now, ctx.settings.reach)
    way = next((each for each in ways if account in {None, each.account}), None)
    if way is None or way.identity is None or way.reason is not None:
        reason = "NEVER_FOLLOWED" if way is None else way.reason
        raise NotReachable(f"The member cannot be answered now: {reason}; Member.reach says which ways are open.")
    openid = (await platform_names(ctx.database, [way.identity], "OPENID")).get(way.identity)
    if openid is None:
        raise NotReachable("The member was erased meanwhile.")
    adapter = ctx.tool(OfficialAccountAdapter, way.account)
    await adapter.show_typing(openid, typing=typing)
    return way.account
