"""What every part of the adapter stands on: one appid, and the checks that need no platform."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from adapters.base.errors import Invalid, Malformed
from adapters.base.http import Upstream
from adapters.base.runtime import Runtime
from adapters.official_account.client import access
from adapters.official_account.config import OfficialAccountConfig

T = TypeVar("T")

TOOL: Final = "official_account"


class Account:
    """One official account (公众号, 服务号)."""

    def __init__(self, config: OfficialAccountConfig, runtime: Runtime) -> None:
        self._config = config
        self._clock = runtime.clock
        self._upstream = Upstream(runtime, TOOL, config.appid)
        self._api = access(self._upstream, config)

    @property
    def account(self) -> str:
        """The appid."""
        return self._config.appid

    def _invalid(self, reason: str, message: str) -> Invalid:
        return Invalid(TOOL, reason, message, account=self.account)

    def _at_most(self, items: Sequence[object], most: int, what: str) -> None:
        if not 1 <= len(items) <= most:
            raise self._invalid(
                "list_size", f"There are {len(items)} {what}; the platform takes 1 to {most} at a time."
            )

    def _moment(self, seconds: int) -> datetime | None:
        """Epoch seconds; None for 0. Raises Malformed for a time that no calendar has."""
        try:
            return datetime.fromtimestamp(seconds, UTC) if seconds else None
        except (ValueError, OverflowError, OSError):
            raise Malformed(
                TOOL, "time", "The platform gave a time that no calendar has.", account=self.account
            ) from None


async def together(work: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Results in order; the first failure ends the others and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in work]
    except BaseExceptionGroup as failed:
        first = failed.exceptions[0]
    else:
        return [task.result() for task in tasks]
    raise first
