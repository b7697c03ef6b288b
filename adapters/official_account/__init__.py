"""Official accounts (公众号, 服务号): followers, tags, messages to them, and what followers do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.base.runtime import Runtime
from adapters.base.spec import ToolSpec
from adapters.official_account.adapter import OfficialAccountAdapter
from adapters.official_account.config import OfficialAccountConfig
from adapters.official_account.content import MEDIA_LIMIT_BYTES, MEDIA_LIVES
from adapters.official_account.errors import FAULTS
from adapters.official_account.events import EVENT_KINDS
from adapters.official_account.figures import (
    ArticleDay,
    ArticleUntil,
    Attention,
    ContentDay,
    ContentUntil,
    FollowerDay,
    FollowerTotal,
    MessageDay,
    PageConfig,
    ReadingDay,
    Reads,
    SharingDay,
    WebLogin,
    WebUser,
)
from adapters.official_account.limits import LIMITS
from adapters.official_account.people import BLACKLISTED_PER_CALL, FOLLOWERS_PER_CALL, TAGGED_PER_CALL
from adapters.official_account.records import (
    Article,
    ArticleGroup,
    ArticlesPublished,
    Choices,
    CustomerServiceMessage,
    DeliveryStatus,
    Draft,
    Follower,
    FollowerChanged,
    Interacted,
    Link,
    MassDelivered,
    MassJob,
    MassStatus,
    Media,
    MenuEntry,
    MiniProgramPage,
    Picture,
    Pictures,
    Publication,
    PublishedArticle,
    PublishStatus,
    QrScanned,
    SceneCode,
    SubscribeMessage,
    SubscribeTemplate,
    Tag,
    Template,
    TemplateDelivered,
    TemplateMessage,
    TemplateSent,
    Video,
    Voice,
)


@asynccontextmanager
async def _open(config: OfficialAccountConfig, runtime: Runtime) -> AsyncIterator[OfficialAccountAdapter]:
    yield OfficialAccountAdapter(config, runtime)


_NOT_OURS = "The call carries a person's token, and no access token that could be renewed."

TOOL: ToolSpec[OfficialAccountConfig, OfficialAccountAdapter] = ToolSpec(
    name="official_account",
    title="公众号",
    config=OfficialAccountConfig,
    adapter=OfficialAccountAdapter,
    open=_open,
    faults=FAULTS,
    limits=LIMITS,
    events=EVENT_KINDS,
    exempt={
        "refused_token:web_login": _NOT_OURS,
        "refused_token:web_refresh": _NOT_OURS,
        "refused_token:web_user": _NOT_OURS,
        "refused_token:web_check": _NOT_OURS,
        "garbage:media": "A file may hold anything.",
        "truncate:media": "A file may be of any length.",
    },
)

__all__ = [
    "BLACKLISTED_PER_CALL",
    "FOLLOWERS_PER_CALL",
    "MEDIA_LIMIT_BYTES",
    "MEDIA_LIVES",
    "TAGGED_PER_CALL",
    "TOOL",
    "Article",
    "ArticleDay",
    "ArticleGroup",
    "ArticleUntil",
    "ArticlesPublished",
    "Attention",
    "Choices",
    "ContentDay",
    "ContentUntil",
    "CustomerServiceMessage",
    "DeliveryStatus",
    "Draft",
    "Follower",
    "FollowerChanged",
    "FollowerDay",
    "FollowerTotal",
    "Interacted",
    "Link",
    "MassDelivered",
    "MassJob",
    "MassStatus",
    "Media",
    "MenuEntry",
    "MessageDay",
    "MiniProgramPage",
    "OfficialAccountAdapter",
    "OfficialAccountConfig",
    "PageConfig",
    "Picture",
    "Pictures",
    "Publication",
    "PublishStatus",
    "PublishedArticle",
    "QrScanned",
    "ReadingDay",
    "Reads",
    "SceneCode",
    "SharingDay",
    "SubscribeMessage",
    "SubscribeTemplate",
    "Tag",
    "Template",
    "TemplateDelivered",
    "TemplateMessage",
    "TemplateSent",
    "Video",
    "Voice",
    "WebLogin",
    "WebUser",
]
