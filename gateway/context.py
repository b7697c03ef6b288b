"""What one request has at hand."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from adapters.base.runtime import Clock
from adapters.base.spec import Adapter
from gateway.access.principal import Principal
from gateway.bulk.exporting import Exporting
from gateway.bulk.importing import Importing
from gateway.cache import Asked, Demands, EntityCache
from gateway.database.engine import Database
from gateway.events.feed import Feed
from gateway.events.projector import Projector
from gateway.events.sync.run import Sync
from gateway.jobs import Queue
from gateway.loaders import Loaders
from gateway.members.access_report import AccessReports
from gateway.members.erasure import Erasures
from gateway.members.gate import Gate
from gateway.members.graph import IdentityGraph
from gateway.runtime import CountingMeter, OpenTools
from gateway.runtime.redis import RedisState
from gateway.settings import Settings
from gateway.transactions.atomic import Atomic
from gateway.transactions.checkout import CheckoutService
from gateway.transactions.files import Files
from gateway.webhooks.outgoing import Outgoing

A = TypeVar("A", bound=Adapter)


class ResponsePath(Protocol):
    """As graphql-core has it."""

    def as_list(self) -> list[str | int]:
        """Keys and indices from the root."""
        ...


class HasPath(Protocol):
    """What a resolver is given as ``info``."""

    @property
    def path(self) -> ResponsePath:
        """Where in the answer the field stands."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of the running gateway, the same for every request."""

    settings: Settings
    database: Database
    clock: Clock
    tools: OpenTools
    meter: CountingMeter
    queue: Queue
    projector: Projector
    graph: IdentityGraph
    sync: Sync
    checkout: CheckoutService
    gate: Gate
    erasures: Erasures
    reports: AccessReports
    importing: Importing
    exporting: Exporting
    cache: EntityCache
    #: The state of Redis, OFF without one.
    redis: Callable[[], RedisState]
    feed: Feed
    webhooks: Outgoing
    files: Files


@dataclass(slots=True)
class Context:
    """One request: who asks, what it may use, and the loaders that live as long as it does."""

    services: Services
    principal: Principal
    request_id: str
    #: What the request wants of freshness; None for most, who want nothing.
    demands: Demands | None = None
    #: The event after which a subscription goes on, where the transport says it rather than the document.
    resume: str | None = None
    #: The transaction that the whole request is, under @atomic.
    atomic: Atomic | None = None
    _loaders: Loaders[Context] | None = field(init=False, default=None)
    _live: Hashable = field(init=False, default=None)

    @property
    def loaders(self) -> Loaders[Context]:
        """The loaders of this request, made on first use."""
        if self._loaders is None:
            self._loaders = Loaders(self)
        return self._loaders

    def release(self) -> None:
        """The answer is complete: let go of what was loaded.

        Loaders know their context, and the context them: left alone, everything that a request loaded stays until
        the garbage collector comes by, and brings it by more often. Whatever still runs may load anew.
        """
        self._loaders = None

    def may_read_live(self, who: Hashable) -> bool:
        """Whether the platforms may be asked about this member now: the first one of the document only.

        Sixty members by sixty aliases would otherwise be sixty calls to each platform. Under @atomic nobody: what is
        answered is what stands in the gateway's own book when the outcome is known.
        """
        if self.atomic is not None:
            return False
        if self._live is None:
            self._live = who
        return self._live == who

    def asked(self, info: HasPath) -> Asked | None:
        """The field that is being resolved, where the request minds freshness."""
        return None if self.demands is None else self.demands.at(info.path.as_list())

    @property
    def database(self) -> Database:
        """For reads; a mutation opens its own transaction."""
        return self.services.database

    @property
    def clock(self) -> Clock:
        """The gateway's clock."""
        return self.services.clock

    @property
    def settings(self) -> Settings:
        """The whole configuration."""
        return self.services.settings

    def tool(self, kind: type[A], account: str | None = None) -> A:
        """An adapter. Raises ToolNotConfigured, which costs the asking field only."""
        return self.services.tools.get(kind, account)

    def accounts(self, kind: type[A]) -> Sequence[A]:
        """Every account of a tool."""
        return self.services.tools.all(kind)
