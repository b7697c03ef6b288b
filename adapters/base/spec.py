"""The contract between the gateway and a tool."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import msgspec
from sqlalchemy import MetaData

from adapters.base.errors import FaultTable
from adapters.base.limits import CallLimits, Limits
from adapters.base.runtime import Runtime
from adapters.base.webhooks import EventKind, InboundEvent, Received, WebhookRequest


class AccountConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings that every account of every tool has. A tool's config adds its own required fields.

    Attributes:
        base_url: scheme and host of the platform, no trailing slash; the default is the real host.
        kind: what sort of account it is in the brand's words, such as ``service_account`` or ``store``.
        legal_entity: the company that signed with the platform.
        mode: only DIRECT; service-provider modes are refused at start.
        limits: calls that the platform grants this account, by endpoint, where they differ from the documented ones.
    """

    base_url: str
    kind: str = ""
    legal_entity: str = ""
    mode: str = "DIRECT"
    limits: Mapping[str, CallLimits] = msgspec.field(default_factory=dict)

    @property
    def external_id(self) -> str:
        """The platform's own id of the account: appid, mchid, corpid, bucket."""
        raise NotImplementedError


@runtime_checkable
class Adapter(Protocol):
    """What every adapter has; the rest is its own typed methods."""

    @property
    def account(self) -> str:
        """The platform's own id of the account."""
        ...

    async def ping(self) -> None:
        """One cheap call that proves credential and reachability; raises an UpstreamError."""
        ...


@runtime_checkable
class ReceivesWebhooks(Adapter, Protocol):
    """An adapter whose platform calls back."""

    async def receive(self, request: WebhookRequest) -> Received:
        """Verify, decrypt and parse; raises WebhookRefused. Makes no effect, calls no platform unless
        it must fetch a verification key."""
        ...

    def interpret(self, event: InboundEvent) -> Sequence[object]:
        """What the event means, as the tool's own records; empty for a kind that is known and unused.

        Pure: it runs in a job, perhaps days after the event came and in another process.
        """
        ...


C = TypeVar("C", bound=AccountConfig)
A = TypeVar("A", bound=Adapter)


@dataclass(frozen=True, slots=True)
class ToolSpec(Generic[C, A]):
    """One tool.

    Attributes:
        name: one of the seven names, the same everywhere.
        title: the platform's Chinese name.
        config: type of one account's settings.
        adapter: the class that ``open`` yields.
        open: opens one account; the adapter lives until the context ends.
        faults: the tool's whole error table.
        limits: how often an account may call, as the platform documents it.
        metadata: tables the tool keeps in the gateway's database, if any.
        exempt: contract checks that do not apply, check name → because.
        events: every kind of event that its platform documents.
    """

    name: str
    title: str
    config: type[C]
    adapter: type[A]
    open: Callable[[C, Runtime], AbstractAsyncContextManager[A]]
    faults: FaultTable
    limits: Limits = field(default_factory=dict)
    metadata: MetaData | None = None
    exempt: Mapping[str, str] = field(default_factory=dict)
    events: Sequence[EventKind] = ()


AnyToolSpec = ToolSpec[Any, Any]
