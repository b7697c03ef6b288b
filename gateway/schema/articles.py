"""Articles of an official account (公众号图文)."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from adapters.official_account import PublishStatus
from adapters.official_account.records import Article as ArticleRecord
from gateway.resolvers import articles
from gateway.resolvers.articles import ArticleGroupRecord, PublicationRecord
from gateway.schema.acting import KEY_DESCRIPTION, ask, done_by, watched
from gateway.schema.checkout import Transaction
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem, ToolProblem
from gateway.transactions.actions import Performed
from gateway.transactions.effects import publications as effects

_ACCOUNT = "appid; the first official account of the settings without one."


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


@strawberry.enum(description="How a publication went (发布状态).")
class PublicationState(Enum):
    """State."""

    PUBLISHED = strawberry.enum_value("PUBLISHED", description="发布成功.")
    PUBLISHING = strawberry.enum_value("PUBLISHING", description="发布中: the platform has not told yet.")
    NOT_ORIGINAL = strawberry.enum_value("NOT_ORIGINAL", description="原创失败.")
    FAILED = strawberry.enum_value("FAILED", description="常规失败.")
    REJECTED = strawberry.enum_value("REJECTED", description="平台审核不通过.")
    DELETED = strawberry.enum_value("DELETED", description="成功后用户删除所有文章.")
    BANNED = strawberry.enum_value("BANNED", description="成功后系统封禁所有文章.")
    OTHER = strawberry.enum_value("OTHER", description="The platform does not know it, or has a word that is new.")


assert {each.name for each in PublicationState} == {each.name for each in PublishStatus}  # noqa: S101


@strawberry.type(description="A draft that was published without a notification (发布), or is about to be.")
class Publication:
    """Publication."""

    record: strawberry.Private[PublicationRecord]
    account: str = strawberry.field(description="appid.")
    publish_id: str = strawberry.field(description="The platform's number of the job (publish_id).")
    title: str | None = strawberry.field(description="Of its first article; null of one from the console.")
    draft: str | None = strawberry.field(
        description="media_id of the draft, which is there no more; null of one from the console."
    )
    state: PublicationState = strawberry.field(description="How it went, by what the platform told.")
    article_id: str | None = strawberry.field(description="What the platform calls the articles; null until then.")
    failed: list[int] = strawberry.field(description="Places, from 1, of articles that did not pass.")
    at: datetime = strawberry.field(description="When the platform took it; of one from the console, when it ended.")
    settled_at: datetime | None = strawberry.field(description="When the platform told how it went.")

    @strawberry.field(
        description="Its articles, asked of the platform now: of the first publication of a document, since each is a"
        " call; null of the others."
    )
    async def articles(self, info: Info) -> list[Article] | None:
        found = await articles.of_publication(info.context, self.record)
        return None if found is None else [Article.of(each) for each in found]

    @strawberry.field(description="The transaction that began it; null of one from the console.")
    async def transaction(self, info: Info) -> Transaction | None:
        return None if self.record.saga is None else await watched(info, self.record.saga)

    @classmethod
    def of(cls, record: PublicationRecord) -> Publication:
        return cls(
            record=record,
            account=record.appid,
            publish_id=record.publish_id,
            title=record.title,
            draft=record.draft,
            state=PublicationState[record.state],
            article_id=record.article_id,
            failed=list(record.failed),
            at=record.at,
            settled_at=record.settled_at,
        )


@strawberry.input(description="A draft to publish.")
class ArticlePublishInput:
    """Draft."""

    draft: str = strawberry.field(description="media_id of a draft (草稿), as the query articles has it.")
    account: str | None = strawberry.field(description=_ACCOUNT, default=None)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> effects.Wanted:
        """As the action takes it."""
        return effects.Wanted(self.draft, self.account)


@strawberry.type(description="The platform took the draft; it tells later how it went.")
class ArticlePublished:
    """Taken."""

    transaction_id: strawberry.Private[str]
    key: strawberry.Private[tuple[str, str]]
    account: str = strawberry.field(description="appid.")

    @strawberry.field(
        description="The publication; null where the platform's answer was lost, so that its number is not known: the"
        " query articles shows what came of it."
    )
    async def publication(self, info: Info) -> Publication | None:
        if not self.key[1]:
            return None
        found = await info.context.loaders.load(articles.publications_by_keys, self.key)
        return None if found is None else Publication.of(found)

    transaction = done_by("The transaction that began it.")


ArticlePublishResult = Annotated[
    ArticlePublished | DomainProblem | ToolProblem,
    strawberry.union("ArticlePublishResult", description="What was taken, or why nothing was."),
]


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

    @strawberry.field(
        description="Articles that are kept together, by their number: a draft (获取草稿详情) or a publication"
        " (获取已发布图文信息); null when there is none. Live, one call, of which the platform allows few a day. Needs"
        " the scope messages:send."
    )
    async def article_group(
        self,
        info: Info,
        platform_id: Annotated[
            str, strawberry.argument(description="article_id of a publication, or media_id of a draft.")
        ],
        state: Annotated[ArticleState, strawberry.argument(description="Which.")] = ArticleState.PUBLISHED,
        account: Annotated[str | None, strawberry.argument(description=_ACCOUNT)] = None,
    ) -> ArticleGroup | None:
        draft = state is ArticleState.DRAFT
        found = await articles.group(info.context, account, platform_id, draft=draft)
        return None if found is None else ArticleGroup.of(found)

    @strawberry.field(
        description="Drafts that were published without a notification (发布记录), the newest first: what the gateway"
        " began, and what the platform's events told of others. Needs the scope messages:send."
    )
    async def publications(
        self,
        info: Info,
        account: Annotated[
            str | None, strawberry.argument(description="appid; all official accounts without one.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Publication] | None:
        page = await articles.publications(info.context, account, args(first, after, last, before))
        return connect(page, Publication.of)


@strawberry.type(description="Mutations about articles.")
class ArticleMutations:
    """Articles."""

    @strawberry.mutation(
        description="Publish a draft without a notification (发布草稿): its page is open to everybody, and the draft is"
        " there no more. Taking it down is the console's. Needs the scope messages:send."
    )
    async def article_publish(
        self,
        info: Info,
        input: Annotated[ArticlePublishInput, strawberry.argument(description="The draft.")],  # noqa: A002
    ) -> ArticlePublishResult:
        info.context.principal.require(articles.SCOPE)
        done = await ask(info, effects.PUBLISH, input)
        if not isinstance(done, Performed):
            return done
        key = (done.outcome.appid, done.outcome.publish_id)
        return ArticlePublished(transaction_id=done.transaction, key=key, account=done.outcome.appid)
