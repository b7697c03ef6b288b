"""A platform with one answer per thing, a clock, and keys in memory: what the cache is tested with."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from adapters.base.errors import Unavailable
from gateway.cache import Key, Read, Store, StoreDown
from gateway.database.keyring import Keyring, WrappedKey
from tests.databases import MASTER, ManualClock

LIFETIME = timedelta(seconds=60)
READ: Read[list[str]] = Read("testing.things", 1, list[str], LIFETIME)


class MemoryKeys:
    """A KeyStore without a database."""

    def __init__(self) -> None:
        self._rows: dict[bytes, WrappedKey] = {}

    def by_id(self, key_id: bytes) -> WrappedKey | None:
        return self._rows.get(key_id)

    def by_subjects(self, subjects: Sequence[str]) -> Sequence[WrappedKey]:
        return [row for row in self._rows.values() if row.subject in subjects]

    async def shared(self) -> WrappedKey | None:
        return next((row for row in self._rows.values() if row.subject is None), None)

    async def add(self, keys: Sequence[WrappedKey]) -> None:
        self._rows.update({each.id: each for each in keys})

    async def destroy(self, subject: str) -> bool:
        found = self.by_subjects([subject])
        for row in found:
            self._rows[row.id] = WrappedKey(row.id, row.subject, None, row.master_id)
        return bool(found)


async def keyring_for(*subjects: str, keys: MemoryKeys | None = None) -> Keyring:
    """A keyring that knows these members."""
    keyring = Keyring(MASTER)
    await keyring.attach(keys or MemoryKeys())
    await keyring.ensure(*subjects)
    return keyring


def key(member: str, thing: str, view: str = "hq") -> Key:
    """The answer about a member's thing, as one kind of caller sees it."""
    return Key(
        account="wx1",
        subject=member,
        view=view,
        arguments=(thing,),
        tags=(f"member:{member}", f"thing:{member}:{thing}"),
    )


class Ticking(ManualClock):
    """No two instants are the same."""

    def now(self) -> datetime:
        self.advance(milliseconds=1)
        return super().now()


@dataclass
class Version:
    """What a thing was at the platform, from when until when."""

    number: int
    begins: datetime
    ends: datetime | None = None


@dataclass
class Platform:
    """The truth, with its past. A call gives what holds when it is answered, not when it was made."""

    clock: ManualClock
    down: bool = False
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    past: dict[tuple[str, str], list[Version]] = field(default_factory=lambda: defaultdict(list))
    #: Set while calls are to wait before they are answered.
    gate: asyncio.Event | None = None

    def change(self, member: str, thing: str) -> Version:
        """Something else holds from now on."""
        versions, now = self.past[(member, thing)], self.clock.now()
        if versions:
            versions[-1].ends = now
        versions.append(Version(len(versions), now))
        return versions[-1]

    async def ask(self, member: str, thing: str, view: str = "hq") -> list[str]:
        """One call: the read happens at once, its answer may be held up on the way."""
        self.calls[(member, thing)] += 1
        if self.down:
            raise Unavailable("testing", "not_sent", "The platform is down.")
        answer = [member, thing, view, str(self.past[(member, thing)][-1].number)]
        if self.gate is not None:
            await self.gate.wait()
        return answer


class Cut:
    """A store that its process cannot reach while ``away``."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.away = False

    async def look(self, key: str, tags: Sequence[str]) -> tuple[bytes | None, tuple[bytes, ...]]:
        return await self._reached().look(key, tags)

    async def keep(self, key: str, entry: bytes, seconds: float) -> None:
        await self._reached().keep(key, entry, seconds)

    async def purge(self, tags: Sequence[str]) -> None:
        await self._reached().purge(tags)

    async def claim(self, key: str, seconds: float) -> str | None:
        return await self._reached().claim(key, seconds)

    async def release(self, key: str, receipt: str) -> None:
        await self._reached().release(key, receipt)

    def _reached(self) -> Store:
        if self.away:
            raise StoreDown
        return self._store
