"""Articles of an official account (图文): published ones (已发布), and drafts (草稿箱), live."""

from __future__ import annotations

from dataclasses import dataclass

from adapters.official_account import ArticleGroup, OfficialAccountAdapter
from gateway.context import Context
from gateway.resolvers.errors import UserError
from gateway.resolvers.paging import PageArgs, Slice, decode_cursor, encode_cursor, page_size

#: Who speaks to many, and needs what to say.
SCOPE = "messages:send"


@dataclass(frozen=True, slots=True)
class ArticleGroupRecord:
    """Articles that are kept together."""

    appid: str
    group: ArticleGroup


async def page(ctx: Context, account: str | None, args: PageArgs, *, drafts: bool) -> Slice[ArticleGroupRecord]:
    """The platform's list of one account, forward only: one call per twenty, of which it allows few a day.

    A cursor is a place in the list: what is published meanwhile moves it. Raises Forbidden and ToolNotConfigured.
    """
    ctx.principal.require(SCOPE)
    if args.last is not None or args.before is not None:
        raise UserError("This list of a platform goes forward only: page with first and after.")
    adapter, size = ctx.tool(OfficialAccountAdapter, account), page_size(ctx, args)
    scope = f"articles:{adapter.account}:{drafts}"
    start = 0 if args.after is None else int(decode_cursor(ctx, scope, args.after, 1)[0])
    groups: list[ArticleGroup] = []
    cursor: str | None = str(start)
    while cursor is not None and len(groups) < size:
        answer = await (adapter.drafts if drafts else adapter.published)(cursor)
        groups += answer.items
        cursor = answer.next_cursor
    more = len(groups) > size or cursor is not None
    cursors = [encode_cursor(ctx, scope, [start + place]) for place in range(1, len(groups) + 1)]
    records = [ArticleGroupRecord(adapter.account, each) for each in groups[:size]]
    return Slice(records, cursors[:size], has_next=more, has_previous=start > 0)
