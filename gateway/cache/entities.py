"""Reads of platforms through the cache: young enough, asked once however many want them, older only where allowed."""

from __future__ import annotations

import asyncio
import contextvars
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final, Generic, TypeVar

import msgspec

from adapters.base.deadline import remaining
from adapters.base.errors import Malformed, QuotaExhausted, RateLimited, Unavailable, UpstreamError
from adapters.base.runtime import Clock
from gateway.cache.freshness import ANY, Source, Wish
from gateway.cache.store import Generation, Store, StoreDown
from gateway.database.errors import SealError
from gateway.database.keyring import Erased, Keyring

T = TypeVar("T")
V = TypeVar("V", covariant=True)

#: Failures that say nothing about the thing that was asked for: an older answer may stand in for the platform's.
OUTAGES: Final = (Unavailable, RateLimited, QuotaExhausted, Malformed)
#: A process that dies while it asks for others holds them up for so long.
CLAIM_SECONDS: Final = 5.0
#: Longest wait for the answer that another process is asking for.
PATIENCE_SECONDS: Final = 3.0
_POLL_SECONDS: Final = 0.02
#: Purges that could not be told yet; beyond it everything is purged instead.
_PENDING: Final = 10_000
#: A tag that every entry has.
_ALL: Final = "all"


@dataclass(frozen=True)
class Read(Generic[T]):
    """One kind of read that may be kept.

    Attributes:
        name: ``tool.endpoint``.
        version: another one after every change of what ``kind`` holds.
        kind: the type of the answer, which msgspec can write and read.
        lifetime: how old an answer may become where nobody says otherwise.
    """

    name: str
    version: int
    kind: Any
    lifetime: timedelta

    @cached_property
    def decoder(self) -> msgspec.msgpack.Decoder[T]:
        """Reads a kept answer."""
        return msgspec.msgpack.Decoder(self.kind)


@dataclass(frozen=True, slots=True)
class Key:
    """Which answer of a read.

    Attributes:
        account: the platform's own id of the account.
        subject: the member whose data key seals the answer; erasing them destroys it.
        view: what the caller may see: an answer that one caller was given is never another one's.
        arguments: what the platform is asked for.
        tags: what may purge it. They must be known before the platform is asked.
    """

    account: str
    subject: str
    view: str
    arguments: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer(Generic[V]):
    """A value, where it came from, and the instant at which the platform began to be asked for it."""

    value: V
    source: Source
    as_of: datetime


class _Kept(msgspec.Struct, array_like=True):
    """What is sealed. The key is in it, so that whoever can write to the store cannot pass one entry off as another."""

    key: str
    asked_at: float
    generations: tuple[bytes, ...]
    value: msgspec.Raw


class _Flight(Generic[T]):
    __slots__ = ("asked_at", "task")

    def __init__(self, asked_at: datetime, task: asyncio.Task[Answer[T]]) -> None:
        self.asked_at = asked_at
        self.task = task


@dataclass(frozen=True, slots=True)
class _Question(Generic[T]):
    """A read that the store did not answer: under which generations an answer is kept (none without a store), and how
    old another one may be."""

    read: Read[T]
    key: Key
    name: str
    tags: tuple[str, ...]
    generations: tuple[Generation, ...] | None
    ask: Callable[[], Awaitable[T]]
    limit: timedelta


class EntityCache:
    """See the module. ``store`` None keeps nothing: every read is live.

    Raises what the platform's adapter raises, and nothing of its own: without its store, reads go on.
    """

    def __init__(self, store: Store | None, keyring: Keyring, clock: Clock, *, stale_seconds: float = 3600.0) -> None:
        #: How many answers came from where.
        self.sources: Counter[Source] = Counter()
        self._store = store
        self._keyring = keyring
        self._clock = clock
        #: For how long after its lifetime an answer is kept for ``@staleOk``.
        self._stale_seconds = stale_seconds
        #: Tags whose purge the store has not confirmed, each with the number of its last purge.
        self._pending: dict[str, int] = {}
        self._purges = 0
        self._telling = asyncio.Lock()
        self._flights: dict[tuple[object, ...], _Flight[Any]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    async def close(self) -> None:
        """End what still asks, and tell purges a last time."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.flush()

    async def read(self, read: Read[T], key: Key, ask: Callable[[], Awaitable[T]], wish: Wish = ANY) -> Answer[T]:
        """The answer to ``ask``, which makes the platform calls and nothing else.

        It is no older than ``wish.max_age``, nor than the read's lifetime, unless the platform fails and
        ``wish.stale_ok`` lets an older answer stand in. Raises UpstreamError.
        """
        answer = await self._read(read, key, ask, wish)
        self.sources[answer.source] += 1
        return answer

    async def _read(self, read: Read[T], key: Key, ask: Callable[[], Awaitable[T]], wish: Wish) -> Answer[T]:
        if self._store is None:
            asked_at = self._clock.now()
            return Answer(await ask(), Source.LIVE, asked_at)
        begun = self._clock.now()
        limit = read.lifetime if wish.max_age is None else min(read.lifetime, timedelta(seconds=wish.max_age))
        name = self._name(read, key)
        tags = self._tags(key)
        kept, generations = await self._look(read, name, tags)
        if kept is not None and begun - kept.as_of <= limit:
            return kept
        try:
            return await self._asked(_Question(read, key, name, tags, generations, ask, limit), begun)
        except OUTAGES:
            if wish.stale_ok is None:
                raise
            # Once more: it may have been purged meanwhile, or another process may have got an answer.
            kept, _ = await self._look(read, name, tags)
            stood_in = None if kept is None else self._standing_in(read, kept, wish)
            if stood_in is None:
                raise
            return stood_in

    def _standing_in(self, read: Read[T], kept: Answer[T], wish: Wish) -> Answer[T] | None:
        age = self._clock.now() - kept.as_of
        if wish.max_age is not None and age > timedelta(seconds=wish.max_age):
            return None
        if age <= read.lifetime:
            return kept
        allowed = read.lifetime + timedelta(seconds=wish.stale_ok or 0)
        return Answer(kept.value, Source.STALE, kept.as_of) if age <= allowed else None

    def purge(self, tags: Iterable[str]) -> None:
        """Whatever has one of these tags counts no more. Reads of this process see it at once, others with ``flush``.

        It is told in the background, and again and again while the store does not answer.
        """
        if self._store is None:
            return
        self._purges += 1
        self._pending.update((self._hash("tag", tag), self._purges) for tag in tags)
        if len(self._pending) > _PENDING:
            self._pending = {self._hash("tag", _ALL): self._purges}
        if self._pending:
            self._start(self.flush())

    async def flush(self) -> bool:
        """Tell the store what was purged; False when it does not answer, and is to be told later."""
        if self._store is None:
            return True
        async with self._telling:
            while self._pending:
                telling = dict(self._pending)
                try:
                    await self._store.purge(list(telling))
                except StoreDown:
                    return False
                # What was purged again while it was being told is told again: the store may have been first.
                for tag, number in telling.items():
                    if self._pending.get(tag) == number:
                        del self._pending[tag]
        return True

    async def _look(
        self, read: Read[T], name: str, tags: tuple[str, ...]
    ) -> tuple[Answer[T] | None, tuple[Generation, ...] | None]:
        """What is kept and counts, and the generations to keep another answer under; None without a store."""
        assert self._store is not None  # noqa: S101 — the caller looked
        if self._pending and not await self.flush():
            return None, None
        try:
            sealed, generations = await self._store.look(name, tags)
        except StoreDown:
            return None, None
        return (None if sealed is None else self._opened(read, name, sealed, generations)), generations

    async def _asked(self, question: _Question[T], begun: datetime) -> Answer[T]:
        read, limit = question.read, question.limit
        if question.generations is None:
            # Without the store nobody knows what others have purged since a flight began: everybody asks.
            return await _shared(self._start(self._fly(question)), read)
        # What was asked for before a purge is not given to whoever comes after it: that is another flight.
        place = (question.name, question.generations)
        flight: _Flight[T] | None = self._flights.get(place)
        if flight is not None and begun - flight.asked_at <= limit:
            try:
                answer = await _shared(flight.task, read)
            except UpstreamError as error:
                # The time that was up was another request's, not ours.
                if error.reason not in {"deadline", "no_slot", "cancelled"} or remaining(1.0) <= 0:
                    raise
            else:
                if self._clock.now() - answer.as_of <= limit or answer.as_of >= begun:
                    return answer if answer.as_of >= begun else Answer(answer.value, Source.CACHE, answer.as_of)
        task = self._start(self._fly(question))
        mine = _Flight(begun, task)
        self._flights[place] = mine
        task.add_done_callback(lambda _: self._landed(place, mine))
        return await _shared(task, read)

    def _landed(self, place: tuple[object, ...], flight: _Flight[Any]) -> None:
        if self._flights.get(place) is flight:
            del self._flights[place]

    async def _fly(self, question: _Question[T]) -> Answer[T]:
        receipt: str | None = None
        if question.generations is not None and question.limit > timedelta(0):
            receipt, found = await self._claim(question)
            if found is not None:
                return found
        try:
            asked_at = self._clock.now()
            value = await question.ask()
            if question.generations is not None:
                await self._keep(question, question.generations, asked_at, value)
            return Answer(value, Source.LIVE, asked_at)
        finally:
            if receipt is not None:
                await self._release(question.name, receipt)

    async def _claim(self, question: _Question[T]) -> tuple[str | None, Answer[T] | None]:
        """The right to ask, or the answer that whoever had it has got; neither when that takes too long."""
        assert self._store is not None  # noqa: S101 — there are generations, so there is a store
        waits = 0.0
        patience = min(PATIENCE_SECONDS, remaining(2 * PATIENCE_SECONDS) / 2)
        while True:
            try:
                receipt = await self._store.claim(question.name, CLAIM_SECONDS)
            except StoreDown:
                return None, None
            if receipt is not None and not waits:
                return receipt, None
            kept, _ = await self._look(question.read, question.name, question.tags)
            if kept is not None and self._clock.now() - kept.as_of <= question.limit:
                if receipt is not None:
                    await self._release(question.name, receipt)
                return None, kept
            if receipt is not None or waits >= patience:
                return receipt, None
            await asyncio.sleep(_POLL_SECONDS)
            waits += _POLL_SECONDS

    async def _release(self, name: str, receipt: str) -> None:
        assert self._store is not None  # noqa: S101 — it gave the receipt
        try:
            await self._store.release(name, receipt)
        except StoreDown:
            return

    async def _keep(
        self, question: _Question[T], generations: tuple[Generation, ...], asked_at: datetime, value: T
    ) -> None:
        assert self._store is not None  # noqa: S101 — there are generations, so there is a store
        raw = msgspec.Raw(msgspec.msgpack.encode(value))
        plain = msgspec.msgpack.encode(_Kept(question.name, asked_at.timestamp(), generations, raw))
        try:
            sealed = bytes(self._keyring.seal_bytes(plain, subject=question.key.subject))
            await self._store.keep(question.name, sealed, question.read.lifetime.total_seconds() + self._stale_seconds)
        except (SealError, StoreDown):
            # Somebody erased meanwhile leaves nothing behind; a store that is away costs the next reader a call.
            return

    def _opened(self, read: Read[T], name: str, sealed: bytes, generations: tuple[Generation, ...]) -> Answer[T] | None:
        try:
            plain = self._keyring.unseal(sealed)
            if isinstance(plain, Erased):
                return None
            kept = msgspec.msgpack.decode(plain, type=_Kept)
            if kept.key != name or kept.generations != generations:
                return None
            value = read.decoder.decode(kept.value)
        except (SealError, msgspec.MsgspecError):
            return None
        return Answer(value, Source.CACHE, datetime.fromtimestamp(kept.asked_at, UTC))

    def _start(self, work: Any) -> asyncio.Task[Any]:
        """A task of its own, which outlives the request that began it but keeps its deadline."""
        task = asyncio.get_running_loop().create_task(work, context=contextvars.copy_context())
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            # Looked at, so that an answer for which nobody waits any more does not end as a warning.
            task.exception()

    def _name(self, read: Read[T], key: Key) -> str:
        parts = (read.name, str(read.version), key.account, key.subject, key.view, *key.arguments)
        return self._hash("entry", "\0".join(parts))

    def _tags(self, key: Key) -> tuple[str, ...]:
        return tuple([self._hash("tag", tag) for tag in (_ALL, *key.tags)])

    def _hash(self, kind: str, text: str) -> str:
        # Tags and keys hold openids; nobody who reads the store learns them.
        return self._keyring.hash(text, f"cache {kind}").hex()


async def _shared(task: asyncio.Task[Answer[T]], read: Read[T]) -> Answer[T]:
    """Wait for a task that others wait for too, no longer than the request's own time."""
    done, _ = await asyncio.wait({task}, timeout=max(0.0, remaining(_LONGEST)))
    if done and not task.cancelled():
        return task.result()
    reason, message = ("cancelled", _CLOSED) if done else ("deadline", _LATE)
    tool, _, endpoint = read.name.partition(".")
    raise Unavailable(tool, reason, message, endpoint=endpoint)


_LONGEST: Final = 3600.0
_LATE: Final = "The platform's answer did not come within the time of this request; repeat later."
_CLOSED: Final = "The gateway is being stopped; repeat the request."
