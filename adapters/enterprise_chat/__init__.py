"""Enterprise chat (企业微信 WeCom): employees, their customers, customer groups and app messages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.base.http import Upstream
from adapters.base.runtime import Runtime
from adapters.base.spec import ToolSpec
from adapters.enterprise_chat.adapter import (
    CONCURRENCY,
    LINK_DESCRIPTION_LIMIT_BYTES,
    LINK_TITLE_LIMIT_BYTES,
    MEDIA_LIMIT_BYTES,
    MEDIA_LIVES,
    MINI_PROGRAM_TITLE_LIMIT_BYTES,
    NAME,
    RECIPIENT_LIMIT,
    WELCOME_TEXT_LIMIT_BYTES,
    EnterpriseChatAdapter,
)
from adapters.enterprise_chat.client import BATCH_LIMIT, DUPLICATE_WINDOW, PAGE_LIMIT
from adapters.enterprise_chat.config import EnterpriseChatConfig
from adapters.enterprise_chat.errors import FAULTS
from adapters.enterprise_chat.events import EVENT_KINDS
from adapters.enterprise_chat.limits import LIMITS
from adapters.enterprise_chat.records import (
    AppMessage,
    AppMessageKind,
    AppMessageSent,
    Contact,
    ContactAdded,
    ContactEdited,
    ContactRemoved,
    CorpTag,
    CorpTagsChanged,
    Department,
    Employee,
    EmployeeChange,
    EmployeeChanged,
    Group,
    GroupChange,
    GroupChanged,
    GroupMember,
    HandoverFailed,
    JoinScene,
    MemberKind,
    RemovedBy,
    Unassigned,
    Welcome,
    WelcomeCard,
    WelcomeLink,
)
from adapters.enterprise_chat.webhooks import WELCOME_CODE_LIVES


@asynccontextmanager
async def _open(config: EnterpriseChatConfig, runtime: Runtime) -> AsyncIterator[EnterpriseChatAdapter]:
    yield EnterpriseChatAdapter(config, Upstream(runtime, NAME, config.corpid, concurrency=CONCURRENCY))


TOOL: ToolSpec[EnterpriseChatConfig, EnterpriseChatAdapter] = ToolSpec(
    name=NAME,
    title="企业微信",
    config=EnterpriseChatConfig,
    adapter=EnterpriseChatAdapter,
    open=_open,
    faults=FAULTS,
    limits=LIMITS,
    events=EVENT_KINDS,
)

__all__ = [
    "BATCH_LIMIT",
    "DUPLICATE_WINDOW",
    "LINK_DESCRIPTION_LIMIT_BYTES",
    "LINK_TITLE_LIMIT_BYTES",
    "MEDIA_LIMIT_BYTES",
    "MEDIA_LIVES",
    "MINI_PROGRAM_TITLE_LIMIT_BYTES",
    "PAGE_LIMIT",
    "RECIPIENT_LIMIT",
    "TOOL",
    "WELCOME_CODE_LIVES",
    "WELCOME_TEXT_LIMIT_BYTES",
    "AppMessage",
    "AppMessageKind",
    "AppMessageSent",
    "Contact",
    "ContactAdded",
    "ContactEdited",
    "ContactRemoved",
    "CorpTag",
    "CorpTagsChanged",
    "Department",
    "Employee",
    "EmployeeChange",
    "EmployeeChanged",
    "EnterpriseChatAdapter",
    "EnterpriseChatConfig",
    "Group",
    "GroupChange",
    "GroupChanged",
    "GroupMember",
    "HandoverFailed",
    "JoinScene",
    "MemberKind",
    "RemovedBy",
    "Unassigned",
    "Welcome",
    "WelcomeCard",
    "WelcomeLink",
]
