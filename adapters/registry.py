"""The one place where a tool is registered."""

from __future__ import annotations

from adapters.base.spec import AnyToolSpec

TOOLS: tuple[AnyToolSpec, ...] = ()
