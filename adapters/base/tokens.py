"""Access tokens: fetched once however many ask, renewed once when the platform refuses one, never looped."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Protocol, TypeVar

from adapters.base.errors import UpstreamError
from adapters.base.runtime import Runtime, Token

T = TypeVar("T")


class Fetch(Protocol):
    """Asks the platform for a token. ``refused`` is the token it would not take, None on a first fetch."""

    async def __call__(self, refused: str | None) -> tuple[str, float]:
        """The token and the seconds it lives."""
        ...


class AccessTokens:
    """The current access token of one credential."""

    def __init__(self, runtime: Runtime, key: str, fetch: Fetch) -> None:
        self._runtime = runtime
        self._key = key
        self._fetch = fetch

    async def get(self) -> str:
        """The token to use now."""
        token = await self._current()
        if token is not None:
            return token.value
        async with self._runtime.token_store.lock(self._key):
            token = await self._current()
            return token.value if token is not None else await self._renew(None)

    async def renew(self, refused: str) -> str:
        """A token other than ``refused``; one platform call however many callers were refused."""
        async with self._runtime.token_store.lock(self._key):
            token = await self._current()
            if token is not None and token.value != refused:
                return token.value
            return await self._renew(refused)

    async def _current(self) -> Token | None:
        token = await self._runtime.token_store.get(self._key)
        return token if token is not None and token.expires_at > self._runtime.clock.now() else None

    async def _renew(self, refused: str | None) -> str:
        value, seconds = await self._fetch(refused)
        # Five minutes early, or half its life: the platforms keep the old token alive about that long.
        life = seconds - min(300.0, seconds / 2)
        await self._runtime.token_store.put(
            self._key, Token(value, self._runtime.clock.now() + timedelta(seconds=life))
        )
        return value


async def with_token(tokens: AccessTokens, call: Callable[[str], Awaitable[T]]) -> T:
    """Run ``call(token)``; if the platform refuses the token, renew it and run once more, then give up.

    Safe for writes: a platform that refuses the token has done nothing.
    """
    token = await tokens.get()
    try:
        return await call(token)
    except UpstreamError as error:
        if not error.renew_token:
            raise
    return await call(await tokens.renew(token))
