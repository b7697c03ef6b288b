"""What a stage of the sync is: one stream of one account, read to its end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from gateway.events.projector import Projector
from gateway.runtime import OpenTools

#: How far back the first sync reads: the bills' own limit.
HISTORY = timedelta(days=90)


@dataclass(slots=True)
class Reading:
    """One run of a stage: what it may use, and how it tells its progress.

    ``since`` is the watermark of the last complete run, None at first. A stage sets ``watermark`` to the
    instant before which everything has been read.
    """

    projector: Projector
    tools: OpenTools
    adapter: Any
    since: datetime | None
    now: datetime
    tell: Callable[[int], Awaitable[None]]
    rows: int = 0
    watermark: datetime | None = field(default=None)

    async def wrote(self, rows: int) -> None:
        """Count rows and report."""
        self.rows += rows
        await self.tell(self.rows)


@dataclass(frozen=True, slots=True)
class Stage:
    """A stream: its tool, its name, who reads it, and whether an account has it at all.

    ``after`` names streams that must have been read before, as ``tool.stream``.
    """

    tool: str
    stream: str
    read: Callable[[Reading], Awaitable[None]]
    applies: Callable[[Any, str], bool] = lambda adapter, alias: True
    after: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """``tool.stream``."""
        return f"{self.tool}.{self.stream}"
