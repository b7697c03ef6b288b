"""The one place where a tool is registered."""

from __future__ import annotations

from adapters import ip_content, official_account
from adapters.base.spec import AnyToolSpec

TOOLS: tuple[AnyToolSpec, ...] = (
    official_account.TOOL,
    ip_content.TOOL,
)
