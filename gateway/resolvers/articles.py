"""Articles of an official account (图文): published ones (已发布), and drafts (草稿箱), live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from adapters.base.errors import Invalid, NotFound
from adapters.official_account import Article, ArticleGroup, OfficialAccountAdapter
from gateway.context import Context
from gateway.database.tables.followers import publication
from gateway.resolvers.errors import UserError
from gateway.resolvers.paging import PageArgs, Slice, decode_cursor, encode_cursor, keyset, page_size

#: Who speaks to many, and needs what to say.
SCOPE = "messages:send"
#: Characters of a media_id or an article_id.
_NUMBER_LENGTH = 128


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


@dataclass(frozen=True, slots=True)
class PublicationRecord:
    """A publication; None where nothing was told, or, of what a transaction knows, it began in the console."""

    appid: str
    publish_id: str
    at: datetime
    saga: str | None
    draft: str | None
    title: str | None
    state: str
    article_id: str | None
    failed: tuple[int, ...]
    settled_at: datetime | None


async def group(ctx: Context, account: str | None, number: str, *, draft: bool) -> ArticleGroupRecord | None:
    """A draft by its media_id, or a publication by its article_id; one call. None where there is none (any more).

    Raises Forbidden, ToolNotConfigured and UserError.
    """
    ctx.principal.require(SCOPE)
    if not 1 <= len(number) <= _NUMBER_LENGTH:
        raise UserError(f"platformId has 1 to {_NUMBER_LENGTH} characters.")
    adapter = ctx.tool(OfficialAccountAdapter, account)
    try:
        found = await (adapter.draft(number) if draft else adapter.published_articles(number))
    except NotFound:
        return None
    except Invalid as error:
        if error.reason != "media_unknown":
            raise
        return None
    return ArticleGroupRecord(adapter.account, ArticleGroup(number, tuple(found), None))


async def publications(ctx: Context, account: str | None, args: PageArgs) -> Slice[PublicationRecord]:
    """The newest first; of one account, or of all. Raises Forbidden and ToolNotConfigured."""
    ctx.principal.require(SCOPE)
    ctx.services.tools.get(OfficialAccountAdapter, account)
    statement = select(publication)
    if account is not None:
        statement = statement.where(publication.c.appid == account)
    order = [(publication.c.at, True), (publication.c.appid, True), (publication.c.publish_id, True)]
    return await keyset(ctx, f"publications:{account}", statement, order, args, _publication)


async def publications_by_keys(ctx: Context, keys: Sequence[tuple[str, str]]) -> Sequence[PublicationRecord | None]:
    """Batch by (appid, the platform's number). One statement."""
    rows = await ctx.database.fetch(select(publication).where(publication.c.publish_id.in_({each for _, each in keys})))
    found = {(row.appid, row.publish_id): _publication(row) for row in rows}
    return [found.get(each) for each in keys]


async def of_publication(ctx: Context, record: PublicationRecord) -> Sequence[Article] | None:
    """The articles that came of it, asked of the platform: of the first publication of a request, each being a call."""
    if record.article_id is None or not ctx.may_read_live(("publication", record.appid, record.publish_id)):
        return None
    try:
        return await ctx.tool(OfficialAccountAdapter, record.appid).published_articles(record.article_id)
    except NotFound:
        return None


def _publication(row: Row[Any]) -> PublicationRecord:
    return PublicationRecord(
        row.appid,
        row.publish_id,
        row.at,
        row.saga,
        row.draft,
        row.title,
        row.state or "PUBLISHING",
        row.article_id,
        tuple(row.failed or ()),
        row.settled_at,
    )
