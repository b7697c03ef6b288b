"""What every part of the adapter stands on: one appid, and the checks that need no platform."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from adapters.base.errors import Invalid, Malformed, NotFound
from adapters.base.http import Upstream
from adapters.base.page import Page
from adapters.base.runtime import Runtime
from adapters.mini_program_store.client import access
from adapters.mini_program_store.config import MiniProgramStoreConfig
from adapters.mini_program_store.models.numbers import Id
from adapters.mini_program_store.reading import TOOL


class Account:
    """One appid: a mini-program (小程序) or a store (微信小店)."""

    def __init__(self, config: MiniProgramStoreConfig, runtime: Runtime) -> None:
        self._config = config
        self._clock = runtime.clock
        self._upstream = Upstream(runtime, TOOL, config.appid)
        self._api = access(self._upstream, config)

    @property
    def account(self) -> str:
        """The appid."""
        return self._config.appid

    @property
    def kind(self) -> str:
        """``mini_program`` or ``store``."""
        return self._config.kind

    def _must_be(self, kind: Literal["mini_program", "store"]) -> None:
        if self._config.kind != kind:
            raise self._invalid("account_kind", f"This account is a {self._config.kind}; the call needs a {kind}.")

    def _invalid(self, reason: str, message: str) -> Invalid:
        return Invalid(TOOL, reason, message, account=self.account)

    def _missing(self, answer: object, what: str, number: str) -> NotFound:
        if isinstance(answer, NotFound):
            return answer
        return NotFound(TOOL, "missing", f"The store has no {what} {number}.", account=self.account)

    def _page(self, ids: Sequence[Id], has_more: bool, next_key: str) -> Page[str]:
        return Page([str(number) for number in ids], self._next(has_more, next_key))

    def _next(self, has_more: bool, next_key: str) -> str | None:
        """The platform's cursor; raises Malformed where it says that more follows but not where."""
        if has_more and not next_key:
            raise Malformed(
                TOOL,
                "cursor_missing",
                "The platform says that more follows but not where; going on would begin again.",
                account=self.account,
            )
        return next_key if has_more else None

    def _numbered(self, cursor: str | None) -> tuple[int, str]:
        """A cursor of ours, ``12:platform's own``: the number that it counts, and the rest. (0, "") begins."""
        if cursor is None:
            return 0, ""
        count, _, rest = cursor.partition(":")
        if not (count.isascii() and count.isdecimal() and len(count) < 10 and rest):
            raise self._invalid("cursor", "The cursor is not one that this list gave out; begin at the first page.")
        return int(count), rest

    def _window(self, begin: datetime, end: datetime, most: timedelta) -> tuple[int, int]:
        if begin.tzinfo is None or end.tzinfo is None:
            raise self._invalid("window", "Both ends of the window need a UTC offset.")
        if not timedelta(0) <= end - begin <= most:
            hours = int(most.total_seconds() // 3600)
            raise self._invalid(
                "window_too_wide", f"The window spans {end - begin}; the platform allows 0 to {hours} hours."
            )
        first = int(begin.timestamp())
        # Cutting both ends to seconds can make the window a second longer than it is.
        return first, min(int(end.timestamp()), first + int(most.total_seconds()))
