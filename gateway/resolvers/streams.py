"""What subscriptions follow: which facts, whose, and who may."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from gateway.access.principal import Principal
from gateway.context import Context
from gateway.database.fact_kinds import TOLD
from gateway.events.crowd import Who
from gateway.events.feed import Follower
from gateway.events.horizon import LoggedFact
from gateway.resolvers.errors import SessionRequired, UserError
from gateway.resolvers.members import by_ids
from gateway.transactions.states import SagaState

T = TypeVar("T")

ORDERS: Final = frozenset(
    {"order.created", "order.paid", "order.shipped", "order.picked_up", "order.completed", "order.closed", "pos.ticket"}
)
PAYMENTS: Final = frozenset(
    {"payment.captured", "payment.late", "payment.mismatch", "refund.requested", "refund.succeeded"}
)
AFTER_SALES: Final = frozenset({"after_sale.changed", "after_sale.completed"})
#: What a person says of one (transaction.retried, transaction.resolved) moves it in the same commit.
TRANSACTIONS: Final = frozenset(
    {*(f"transaction.{state.lower()}" for state in SagaState), "transaction.step", "transaction.progress"}
)
CONTACTS: Final = frozenset(
    {
        "contact.added",
        "contact.deleted_by_customer",
        "contact.deleted_by_guide",
        "contact.deleted_by_transfer",
        "contact.tagged",
        "contact.untagged",
        "guide.assigned",
    }
)
VISITS: Final = frozenset({"mini_program.authorised", "mini_program.visit", "qr.scan"})
REFUNDS: Final = frozenset({"after_sale.completed", "refund.succeeded"})
COUNTED: Final = frozenset({"order.paid", "member.created"}) | VISITS | REFUNDS
#: Every kind that some subscription tells: what a process reads of the log.
STREAMED: Final = frozenset(TOLD) | PAYMENTS | TRANSACTIONS

#: Who sees events of others; shoppers see their own without it.
SCOPE: Final = "members:read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What one subscription asks for, by our native ids; all that is given must hold. ``after`` is an event's id."""

    kinds: frozenset[str]
    member: str | None = None
    order: str | None = None
    store: str | None = None
    guide: str | None = None
    after: str | None = None
    #: Anything beyond these.
    also: Callable[[LoggedFact], bool] | None = None


class Stream(Generic[T]):
    """Events of one subscription, made by ``opened``. An async iterator that must be closed."""

    def __init__(self, make: Callable[[LoggedFact], T | None], own: Who | None, scope: str) -> None:
        self._make = make
        self._own = own
        self._scope = scope
        self._stack = AsyncExitStack()
        self._first: deque[T] = deque()
        self._follower: Follower | None = None

    def check(self, principal: Principal) -> None:
        """Whether this caller, as they are now, may still be told. Raises Forbidden."""
        if self._own is None or principal.member is None or principal.member != self._own.member:
            principal.require(self._scope)

    def __aiter__(self) -> Stream[T]:
        return self

    async def __anext__(self) -> T:
        assert self._follower is not None  # noqa: S101 — opened() sets it
        while True:
            if self._first:
                return self._first.popleft()
            made = self._make(await self._follower.next())
            if made is not None:
                return made

    async def aclose(self) -> None:
        """Leave nothing behind."""
        await self._stack.aclose()


async def opened(
    ctx: Context,
    asked: Asked,
    make: Callable[[LoggedFact], T | None],
    *,
    scope: str = SCOPE,
    personal: bool = True,
    first: Callable[[Follower], Awaitable[Iterable[T]]] | None = None,
) -> Stream[T]:
    """The stream, following the log from now on, or after ``asked.after``. ``first`` gives what comes before.

    Shoppers follow themselves, where it is ``personal``; whoever has ``scope`` follows anybody. Raises Forbidden,
    SessionRequired, and the refusals of the feed.
    """
    if not personal:
        ctx.principal.require(scope)
    who, own = await _who(ctx, asked, scope)
    wants = _wants(asked, who)
    stream = Stream(make, who if own else None, scope)
    feed, stack = ctx.services.feed, stream._stack  # noqa: SLF001 — filled here, closed there
    try:
        if who is not None:
            feed.crowd.add(who)
            stack.callback(feed.crowd.remove, who)
        follower = await stack.enter_async_context(feed.follow(asked.kinds, wants, ctx.resume or asked.after))
        stream._follower = follower  # noqa: SLF001
        if first is not None:
            stream._first.extend(await first(follower))  # noqa: SLF001
    except BaseException:
        await stack.aclose()
        raise
    return stream


async def _who(ctx: Context, asked: Asked, scope: str) -> tuple[Who | None, bool]:
    """Whom it is about, and whether that is the caller's own self."""
    caller = ctx.principal
    wanted = asked.member
    if wanted is not None:
        [record] = await by_ids(ctx, [wanted])
        wanted = wanted if record is None else record.id
    if scope in caller.scopes:
        return (None if wanted is None else Who(wanted)), False
    if caller.session_identity is None:
        if caller.audience == "frontend":
            raise SessionRequired("This needs a shopper's session: call sessionCreate and send its token.")
        caller.require(scope)
    if wanted is not None and wanted != caller.member:
        caller.require(scope)
    return Who(caller.member, caller.session_identity), True


def _wants(asked: Asked, who: Who | None) -> Callable[[LoggedFact], bool]:
    order, store, guide, also = asked.order, asked.store, asked.guide, asked.also

    def wants(fact: LoggedFact) -> bool:
        if who is not None and (fact.member is None or fact.member != who.member):
            return False
        if order is not None and fact.order_ref != order:
            return False
        if store is not None and fact.store != store:
            return False
        if guide is not None and fact.guide != guide:
            return False
        return also is None or also(fact)

    return wants


def told_kinds(kinds: Sequence[str] | None, families: Sequence[str] | None) -> frozenset[str]:
    """The timeline's kinds of these names and families. Raises UserError for a kind that does not exist."""
    for kind in kinds or ():
        if kind not in TOLD:
            raise UserError(f"The timeline has no kind {kind[:40]!r}; docs/lists.md lists them.")
    return frozenset(
        name
        for name, kind in TOLD.items()
        if (kinds is None or name in kinds) and (families is None or kind.family in families)
    )
