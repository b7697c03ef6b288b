"""Plays a scenario once for every instant at which its process can die, and lets another process recover."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from typing import Any, Protocol

from sandbox.journal import Effect
from tests.crashes.postbox import Postbox
from tests.crashes.processes import Ended, Zygote
from tests.gateway.transactions.settings_file import settings_file
from tests.gateway.transactions.shop import Shop

#: Seconds after which every lease is over, and so is the time of an unpaid order.
LATER = 35 * 60
#: How often somebody recovers, until nothing is left.
ROUNDS = 3


class Case(Protocol):
    """A scenario as the test sees it: one file, one class for each side.

    ``plays`` names the class that is played in the process that dies (``tests.crashes.playing.Scenario``).
    """

    plays: str
    #: Seconds that pass before somebody recovers.
    later: int

    async def prepare(self, shop: Shop, number: int) -> dict[str, Any]:
        """Make what this round needs; the values go to ``act``."""
        ...

    async def settle(self, shop: Shop, values: dict[str, Any]) -> None:
        """What people and banks still do, whether the process lives or not; before each recovery."""
        ...

    async def check(self, shop: Shop, values: dict[str, Any], effects: Sequence[Effect], *, died: bool) -> None:
        """The journal of the platforms and our own books agree."""
        ...


@dataclass(frozen=True, slots=True)
class Instant:
    """One instant at which a process can die."""

    label: str
    occurrence: int


class NeverReached(AssertionError):
    """A process was to die at an instant that did not come."""


class Matrix:
    """All instants of a scenario."""

    def __init__(self, shop: Shop, postbox: Postbox, zygote: Zygote, folder: Path, master: str) -> None:
        self._shop = shop
        self._postbox = postbox
        self._zygote = zygote
        self._folder = folder
        self._master = master
        self._rounds = 0

    async def run(self, case: Case) -> int:
        """Every instant; returns how many. Raises AssertionError with the instant's name."""
        # The first round makes what later ones find: data keys, tokens.
        await self._round(case, None)
        instants = await self._round(case, None)
        for instant in instants:
            try:
                await self._round(case, instant)
            except AssertionError as error:
                raise AssertionError(f"died {instant.label} ({instant.occurrence}): {error}") from error
        return len(instants)

    async def _round(self, case: Case, instant: Instant | None) -> Sequence[Instant]:
        self._rounds += 1
        shop = self._shop
        shop.sandbox.kit.faults.clear()
        # What earlier rounds put off is done here, not by the process that is to die.
        shop.pass_time(minutes=2)
        await shop.worker.drain()
        values = await case.prepare(shop, self._rounds)
        await shop.sandbox.kit.pusher.settle()
        self._postbox.empty()
        since, seen = shop.sandbox.kit.journal.next_sequence(), self._folder / f"seen-{self._rounds}"
        ended = await self._zygote.run(
            "tests.crashes.playing:play",
            scenario=case.plays,
            settings=str(self._settings()),
            control=shop.sandbox.control_url,
            postbox=self._postbox.url,
            values=values,
            die=None if instant is None else [instant.label, instant.occurrence],
            seen=str(seen),
        )
        self._expect(ended, instant)
        shop.sandbox.kit.faults.clear()
        if instant is not None:
            await self._recover(case, values)
        effects = [each for each in shop.sandbox.kit.journal.effects if each.sequence > since]
        await case.check(shop, values, effects, died=instant is not None)
        return [] if instant is not None else _instants(json.loads(seen.read_text()))

    @staticmethod
    def _expect(ended: Ended, instant: Instant | None) -> None:
        if instant is None:
            assert ended.code == 0, ended.output
        elif ended.signal != SIGKILL:
            raise NeverReached(f"the process did not die: {ended.code} {ended.output}")

    async def _recover(self, case: Case, values: dict[str, Any]) -> None:
        for _ in range(ROUNDS):
            self._shop.pass_time(seconds=case.later)
            await case.settle(self._shop, values)
            ended = await self._zygote.run("tests.crashes.playing:recover", settings=str(self._settings()))
            if ended.code == 0:
                return
        raise AssertionError(f"recovery ended with {ended.code}: {ended.output}")

    def _settings(self) -> Path:
        """The settings as a file, with the sandbox's clock as it is now."""
        return settings_file(self._folder / "gateway.toml", self._shop, self._master)


def _instants(labels: Sequence[str]) -> Sequence[Instant]:
    seen: Counter[str] = Counter()
    found = []
    for label in labels:
        found.append(Instant(label, seen[label]))
        seen[label] += 1
    return found
