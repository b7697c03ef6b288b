"""The only way into a projection: link the people, write the rows, append the facts, in one transaction."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Table
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.base.runtime import Clock
from gateway.database.commit import after_commit
from gateway.database.engine import Database
from gateway.database.facts import Fact, Source, append_facts
from gateway.database.keyring import Sealed
from gateway.database.rows import AnyRow
from gateway.database.statements import upsert
from gateway.events.kinds import PHONE_ISSUER, Strength


@dataclass(frozen=True, slots=True)
class Handle:
    """One name that a platform has for a shopper.

    ``kind`` is one of ``gateway.events.kinds``; ``issuer`` an appid, an Open Platform account or a corpid.
    ``strength`` is what this source proves by it, where that is less (or more) than the kind usually does: a phone
    typed at a till is WEAK, the openid of a snapshot page NEVER.
    """

    kind: str
    issuer: str
    value: str = field(repr=False)
    strength: Strength | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Handles that a platform showed together: one shopper, seen under each of them.

    The first handle is the one that rows refer to, and that each other one is linked with, as strongly as the weaker
    of the two. ``seen_at`` is when the platform began to know them together. What it says of the person is kept per
    source, as of ``said_at`` (now, unless given): ``verified`` means that WeChat or a text message proved the phone.
    ``birthday`` is an ISO date, ``gender`` MALE or FEMALE. ``via`` is how it came in.
    """

    handles: tuple[Handle, ...]
    source: str
    seen_at: datetime
    name: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    gender: str = field(default="", repr=False)
    birthday: str = field(default="", repr=False)
    city: str = field(default="", repr=False)
    verified: bool = False
    said_at: datetime | None = None
    via: Source = "poll"


@dataclass(frozen=True, slots=True)
class Linked:
    """Where an Evidence led: our identity id of its first handle, and the member.

    ``home`` is the member under whose data key everything is sealed that hangs on the identity. Both are None for a
    name that was only claimed: it leads to nobody until something proves whose it is.
    """

    identity: str
    member: str | None
    home: str | None


class KeysShort(Exception):
    """Linking needs data keys that are not made yet: prepare again. It happens when somebody is split off."""


class Linking(Protocol):
    """Evidence, ready to be linked inside a transaction."""

    async def link(self, connection: AsyncConnection) -> Sequence[Linked]:
        """One Linked per Evidence, in order. Creates members and merges them where the rules say so.

        Raises KeysShort; then the transaction is rolled back and begun again after ``more_keys``.
        """
        ...

    async def more_keys(self) -> None:
        """Make more data keys, outside of any transaction."""
        ...


class People(Protocol):
    """The identity graph, as the projections see it; ``gateway.members`` plugs itself in here."""

    async def prepare(self, evidence: Sequence[Evidence]) -> Linking:
        """Make the data keys that new members will need, before the transaction begins."""
        ...


def whole_second(at: datetime) -> datetime:
    """The end of an event's second: platforms tell no finer, and an event must not seem older than an
    answer that was read earlier in the same second."""
    return at.replace(microsecond=999_999)


class Batch:
    """One transaction of a projector."""

    def __init__(
        self,
        connection: AsyncConnection,
        linked: Sequence[Linked],
        database: Database,
        as_of: datetime,
        now: datetime,
    ) -> None:
        self.connection = connection
        self.linked = linked
        self.as_of = as_of
        #: When the transaction had begun: on SQLite no later transaction has an earlier one.
        self.now = now
        self.facts: list[Fact] = []
        self._keyring = database.keyring

    def seal(self, text: str | None, owner: Linked) -> Sealed | None:
        """Personal text under the data key of the owner's home; None stays None."""
        return None if text is None else self._keyring.seal(text, subject=owner.home)

    async def watch(self, table: Table, *where: ColumnElement[bool]) -> None:
        """Say which rows are about to be written past ``upsert``, for those who compare before and after."""

    def unlisted(self, table: Table, rows: Sequence[AnyRow]) -> Sequence[AnyRow]:
        """Of rows that a whole reading has not touched, those that it has not shown: here all of them."""
        del table
        return rows

    async def upsert(self, table: Table, rows: Sequence[Mapping[str, Any]], *, insert_only: Sequence[str] = ()) -> int:
        """Write rows by primary key; a row read earlier never overwrites one read later.

        A row may say by ``as_of`` itself when it was true.
        """
        keys = [column.name for column in table.primary_key]
        stamped = [{"as_of": self.as_of, **row} for row in rows]
        return await upsert(self.connection, table, stamped, keys=keys, unless_newer="as_of", insert_only=insert_only)


class Projector:
    """Opens batches. ``listeners`` are told the facts of each committed batch, for those who wait."""

    def __init__(self, database: Database, people: People, clock: Clock, open_platform: str) -> None:
        self.database = database
        self.clock = clock
        #: Issuer of every unionid: the brand's Open Platform account.
        self.open_platform = open_platform
        self.listeners: list[Callable[[Sequence[Fact]], None]] = []
        #: The instant that rows are true for, where it is not that of their writing.
        self.as_of: datetime | None = None
        self._people = people

    def asking(self) -> Projector:
        """The same, for rows that a platform is asked for now.

        They carry this instant and not that of the writing: an answer that was overtaken by a newer one
        must not overwrite it.
        """
        view = copy.copy(self)
        view.as_of = self.clock.now()
        return view

    @asynccontextmanager
    async def batch(self, evidence: Sequence[Evidence] = (), *, as_of: datetime | None = None) -> AsyncIterator[Batch]:
        """A write transaction in which the evidence is linked; its facts are appended at the end.

        ``as_of`` is the instant that the rows are true for: by default when the platform was asked (see
        ``asking``), or now.
        """
        linking = await self._people.prepare(evidence) if evidence else None
        async with AsyncExitStack() as stack:
            connection, linked = await self._begin(stack, linking)
            now = self.clock.now()
            batch = Batch(connection, linked, self.database, as_of or self.as_of or now, now)
            yield batch
            if batch.facts and await append_facts(connection, batch.facts, clock=self.clock):
                after_commit(connection, lambda: self._tell(batch.facts))

    async def _begin(self, stack: AsyncExitStack, linking: Linking | None) -> tuple[AsyncConnection, Sequence[Linked]]:
        """An open transaction, the evidence linked in it. ``stack`` closes it."""
        while True:
            try:
                async with AsyncExitStack() as attempt:
                    connection = await attempt.enter_async_context(self.database.write())
                    linked = await linking.link(connection) if linking is not None else ()
                    stack.push_async_exit(attempt.pop_all())
                    return connection, linked
            except KeysShort:
                assert linking is not None  # noqa: S101 — only linking raises it
                await linking.more_keys()

    def _tell(self, facts: Sequence[Fact]) -> None:
        for listener in self.listeners:
            listener(facts)

    def handles(
        self, *, appid: str, openid: str, unionid: str | None, strength: Strength | None = None
    ) -> tuple[Handle, ...]:
        """An openid, and the unionid if the platform gave one."""
        first = Handle("OPENID", appid, openid, strength)
        return (first, Handle("UNIONID", self.open_platform, unionid)) if unionid else (first,)


def phone_handle(number: str, strength: Strength | None = None) -> Handle:
    """A phone number: CONDITIONAL when WeChat or a text message proved it, else say WEAK."""
    return Handle("PHONE", PHONE_ISSUER, number, strength)


__all__ = [
    "Batch",
    "Evidence",
    "Handle",
    "KeysShort",
    "Linked",
    "Linking",
    "People",
    "Projector",
    "Source",
    "phone_handle",
    "whole_second",
]
