"""Official accounts (公众号, 服务号): followers, tags, messages to them, and what followers do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.base.http import Upstream
from adapters.base.runtime import Runtime
from adapters.base.spec import ToolSpec
from adapters.official_account.adapter import FOLLOWERS_PER_CALL, OfficialAccountAdapter
from adapters.official_account.client import OfficialAccountClient
from adapters.official_account.config import OfficialAccountConfig
from adapters.official_account.errors import FAULTS
from adapters.official_account.events import EVENT_KINDS
from adapters.official_account.limits import LIMITS
from adapters.official_account.records import (
    CustomerServiceMessage,
    DeliveryStatus,
    Follower,
    FollowerChanged,
    Interacted,
    Link,
    QrScanned,
    Tag,
    TemplateDelivered,
    TemplateMessage,
    TemplateSent,
)
from adapters.wechat.api import TokenApi
from adapters.wechat.tokens import stable_tokens


@asynccontextmanager
async def _open(config: OfficialAccountConfig, runtime: Runtime) -> AsyncIterator[OfficialAccountAdapter]:
    upstream = Upstream(runtime, "official_account", config.appid)
    tokens = stable_tokens(upstream, config.base_url, config.appid, config.secret, FAULTS)
    client = OfficialAccountClient(TokenApi(upstream, tokens, config.base_url, FAULTS))
    yield OfficialAccountAdapter(config, client, runtime.clock)


TOOL: ToolSpec[OfficialAccountConfig, OfficialAccountAdapter] = ToolSpec(
    name="official_account",
    title="公众号",
    config=OfficialAccountConfig,
    adapter=OfficialAccountAdapter,
    open=_open,
    faults=FAULTS,
    limits=LIMITS,
    events=EVENT_KINDS,
)

__all__ = [
    "FOLLOWERS_PER_CALL",
    "TOOL",
    "CustomerServiceMessage",
    "DeliveryStatus",
    "Follower",
    "FollowerChanged",
    "Interacted",
    "Link",
    "OfficialAccountAdapter",
    "OfficialAccountConfig",
    "QrScanned",
    "Tag",
    "TemplateDelivered",
    "TemplateMessage",
    "TemplateSent",
]
