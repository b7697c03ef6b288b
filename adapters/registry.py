"""The one place where a tool is registered."""

from __future__ import annotations

from adapters import (
    cloud_storage,
    enterprise_chat,
    ip_content,
    mini_program_store,
    official_account,
    payments,
    social_ads,
)
from adapters.base.spec import AnyToolSpec

TOOLS: tuple[AnyToolSpec, ...] = (
    official_account.TOOL,
    payments.TOOL,
    mini_program_store.TOOL,
    social_ads.TOOL,
    cloud_storage.TOOL,
    ip_content.TOOL,
    enterprise_chat.TOOL,
)
