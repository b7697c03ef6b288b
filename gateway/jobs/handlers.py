"""Which function runs which kind and version of job."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

from gateway.jobs.model import ParkJob
from gateway.jobs.running import RunningJob

Handler = Callable[[RunningJob], Awaitable[None]]


class Handlers:
    """A registry; the application makes one and gives it to its workers."""

    def __init__(self) -> None:
        self._handlers: dict[str, dict[int, Handler]] = {}
        self._given_up: dict[str, Handler] = {}

    def handler(self, kind: str, *, versions: Collection[int]) -> Callable[[Handler], Handler]:
        """Decorator: run jobs of this kind and these payload versions with the function."""

        def register(function: Handler) -> Handler:
            self.add(kind, function, versions=versions)
            return function

        return register

    def add(self, kind: str, function: Handler, *, versions: Collection[int], given_up: Handler | None = None) -> None:
        """The same as a call, for bound methods. A second handler for a kind and version is refused.

        ``given_up`` is awaited before a job is parked of which every attempt ended without a word: it killed its
        workers, so that ``function`` cannot tell anybody. It may be awaited more than once.
        """
        if given_up is not None:
            self._given_up[kind] = given_up
        known = self._handlers.setdefault(kind, {})
        for version in versions:
            if version in known:
                raise ValueError(f"job kind {kind!r} version {version} has a handler already")
            known[version] = function

    def find(self, kind: str, version: int) -> Handler:
        """The handler; raises ParkJob when there is none, so that the job stays visible."""
        known = self._handlers.get(kind)
        if known is None:
            raise ParkJob("UNKNOWN_KIND")
        if version not in known:
            raise ParkJob("UNKNOWN_VERSION")
        return known[version]

    async def give_up(self, job: RunningJob) -> None:
        """Have whoever is to know learn that this job is given up."""
        if job.kind in self._given_up:
            await self._given_up[job.kind](job)

    @property
    def kinds(self) -> Collection[str]:
        """Every kind with a handler."""
        return self._handlers.keys()
