"""Articles of an official account (公众号图文)."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from adapters.official_account.records import Article as ArticleRecord
from gateway.resolvers import articles
from gateway.resolvers.articles import ArticleGroupRecord
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.info import Info


@strawberry.enum(description="Which articles are meant.")
class ArticleState(Enum):
    """State."""

    PUBLISHED = strawberry.enum_value(
        "PUBLISHED", description="已发布, without a notification: the platform lists none of mass messages."
    )
    DRAFT = strawberry.enum_value("DRAFT", description="草稿: what massMessageSend takes as draft.")


@strawberry.type(description="An article (图文).")
class Article:
    """Article."""

    title: str = strawberry.field(description="标题.")
    author: str = strawberry.field(description="作者; empty without.")
    digest: str = strawberry.field(description="摘要; empty without.")
    url: str = strawberry.field(description="Its address; empty of a draft that was never shown.")
    deleted: bool = strawberry.field(description="Whether its owner deleted it (已删除).")

    @classmethod
    def of(cls, record: ArticleRecord) -> Article:
        return cls(
            title=record.title, author=record.author, digest=record.digest, url=record.url, deleted=record.deleted
        )


@strawberry.type(description="Articles that are kept together: a publication, or a draft (草稿).")
class ArticleGroup:
    """Group."""

    account: str = strawberry.field(description="appid.")
    platform_id: str = strawberry.field(description="article_id of a publication, media_id of a draft.")
    updated_at: datetime | None = strawberry.field(description="When it changed last.")
    articles: list[Article] = strawberry.field(description="Its articles, in their order; 8 at most.")

    @classmethod
    def of(cls, record: ArticleGroupRecord) -> ArticleGroup:
        group = record.group
        return cls(
            account=record.appid,
            platform_id=group.id,
            updated_at=group.updated_at,
            articles=[Article.of(each) for each in group.articles],
        )


@strawberry.type(description="Questions about articles.")
class ArticleQueries:
    """Articles."""

    @strawberry.field(
        description="Articles of an official account (已发布文章, 草稿), the newest first: live, forward only, one"
        " call per twenty; of published ones the platform allows 100 such calls a day. Needs the scope messages:send."
    )
    async def articles(
        self,
        info: Info,
        state: Annotated[ArticleState, strawberry.argument(description="Which.")] = ArticleState.PUBLISHED,
        account: Annotated[
            str | None,
            strawberry.argument(description="appid; the first official account of the settings without one."),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[ArticleGroup] | None:
        page_args = args(first, after, last, before)
        page = await articles.page(info.context, account, page_args, drafts=state is ArticleState.DRAFT)
        return connect(page, ArticleGroup.of)
