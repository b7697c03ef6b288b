"""Where a process can be killed: before and after each commit, and before and after each effect at a platform."""

from __future__ import annotations

import os
import re
import signal
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import event

from adapters.base.transport import Request, Response, Transport
from gateway.database import Database
from gateway.database.driver import DRIVER, AsyncpgDriver, Driver, SqliteDriver

_WRITTEN = re.compile(
    r"\s*(?:WITH .*?\)\s*)?(?:INSERT(?: OR \w+)? INTO|UPDATE|DELETE FROM)\s+\"?(\w+)", re.IGNORECASE | re.DOTALL
)
#: A request of another method reads.
_READS = frozenset({"GET", "HEAD"})
#: POSTs that only read.
_READING_PATHS = ("/getuserphonenumber", "/list/get", "/product/get", "/order/get", "/stock/get")


class Deaths:
    """Counts instants in the order in which they come, and ends the process at one of them, without a word.

    ``labels`` says what each instant is. An instant is named by its label and how often that came before, so that
    what happens beside (a token that is fetched anew) does not shift the others.
    """

    def __init__(self, at: tuple[str, int] | None) -> None:
        self.labels: list[str] = []
        self._at = at
        self._armed = False

    def arm(self) -> None:
        """Count from now on."""
        self._armed = True

    def reach(self, label: str) -> None:
        """An instant has come."""
        if not self._armed:
            return
        if self._at == (label, self.labels.count(label)):
            os.kill(os.getpid(), signal.SIGKILL)
        self.labels.append(label)


class DeadlyTransport:
    """A transport around which the process may die."""

    def __init__(self, inner: Transport, deaths: Deaths) -> None:
        self._inner = inner
        self._deaths = deaths

    async def send(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109 — as in Transport
        path = request.url.split("?")[0].split("/", 3)[-1]
        if request.method in _READS or path.endswith(_READING_PATHS):
            return await self._inner.send(request, timeout)
        name = re.sub(r"[A-Z]{2}[0-9A-Z]{26}", "{number}", f"{request.method} /{path}")
        self._deaths.reach(f"before {name}")
        answer = await self._inner.send(request, timeout)
        self._deaths.reach(f"after {name}")
        return answer


def watch_commits(database: Database, deaths: Deaths) -> None:
    """Let the process die around the commits of every transaction of this database that writes."""
    if not _deaths:
        for kind in (SqliteDriver, AsyncpgDriver):
            _watch(kind)
    _deaths[database] = deaths
    for engine in database._backend.engines:
        event.listen(engine, "before_cursor_execute", _executed)


#: Who dies around the commits of which database. Kept for good: a process that died must not commit afterwards.
_deaths: dict[Database, Deaths] = {}
#: The tables that each connection's transaction has written so far.
_written: WeakKeyDictionary[Driver, list[str]] = WeakKeyDictionary()


def _note(driver: Driver, text: str) -> None:
    found = _WRITTEN.match(text)
    if found is not None:
        tables = _written.setdefault(driver, [])
        if found[1] not in tables:
            tables.append(found[1])


def _executed(connection: Any, _cursor: Any, text: str, *_: Any) -> None:
    """What goes through SQLAlchemy does not come by the driver's methods."""
    if DRIVER in connection.info:
        _note(connection.info[DRIVER], text)


def _watch(kind: Any) -> None:
    """Have a kind of driver pass by the deaths of the database that its connection belongs to."""
    fetch, run, commit, rollback = kind.fetch, kind.run, kind.commit, kind.rollback

    async def fetching(driver: Driver, text: str, values: Any) -> Any:
        _note(driver, text)
        return await fetch(driver, text, values)

    async def running(driver: Driver, text: str, values: Any) -> Any:
        _note(driver, text)
        return await run(driver, text, values)

    async def committing(driver: Driver) -> None:
        label = f"the commit of {', '.join(_written.pop(driver, [])) or 'nothing'}"
        deaths = _deaths.get(driver._sent.__self__)  # type: ignore[attr-defined] # Database's own method
        if deaths is None:
            await commit(driver)
            return
        deaths.reach(f"before {label}")
        await commit(driver)
        deaths.reach(f"after {label}")

    async def rolling_back(driver: Driver) -> None:
        _written.pop(driver, None)
        await rollback(driver)

    kind.fetch, kind.run, kind.commit, kind.rollback = fetching, running, committing, rolling_back
