"""Who callers are now: what stays open asks before everything that it tells.

All who ask in one turn of the event loop are answered by one statement.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from adapters.base.runtime import Clock
from gateway.access.principal import Authenticator, Credentials, NotAuthenticated, Principal


class Again:
    """Asks the authenticator of this moment: keys and sessions may be gone, people may have merged."""

    def __init__(self, auth: Callable[[], Authenticator], clock: Clock) -> None:
        self._auth = auth
        self._clock = clock
        self._asked: dict[Credentials, asyncio.Future[Principal | NotAuthenticated]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def principal(self, shown: Credentials) -> Principal:
        """The caller behind these credentials. Raises NotAuthenticated."""
        future = self._asked.get(shown)
        if future is None:
            loop = asyncio.get_running_loop()
            future = self._asked[shown] = loop.create_future()
            if len(self._asked) == 1:
                task = loop.create_task(self._answer())
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        # One who leaves must not take the answer from the others.
        found = await asyncio.shield(future)
        if isinstance(found, NotAuthenticated):
            raise NotAuthenticated(found.code, str(found))
        return found

    async def _answer(self) -> None:
        # Whoever was woken by the same event asks in this turn.
        await asyncio.sleep(0)
        asked, self._asked = self._asked, {}
        try:
            found = await self._auth().principals(list(asked), self._clock.now())
        except Exception as error:
            for future in asked.values():
                future.set_exception(error)
                # Nobody may be left to hear it.
                future.exception()
            return
        for future, each in zip(asked.values(), found, strict=True):
            future.set_result(each)
