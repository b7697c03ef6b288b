"""The type of ``info`` in every resolver."""

from __future__ import annotations

from typing import TypeAlias

from strawberry.types import Info as StrawberryInfo

from gateway.context import Context

Info: TypeAlias = StrawberryInfo[Context, None]
