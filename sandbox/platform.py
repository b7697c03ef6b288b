"""What a platform's emulation gets from the sandbox, and what it must offer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sandbox.clock import SandboxClock
from sandbox.faults import App, Faults
from sandbox.journal import Journal
from sandbox.keys import KeyRing
from sandbox.pusher import Pusher


@dataclass(frozen=True, slots=True)
class Kit:
    """The sandbox's own parts, shared by all platforms."""

    clock: SandboxClock
    journal: Journal
    faults: Faults
    pusher: Pusher
    keys: KeyRing

    def effect(self, platform: str, kind: str, key: str, **data: Any) -> None:
        """Journal a change of a platform's state."""
        self.journal.effect(self.clock.now(), platform, kind, key, data)


Action = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]


class Platform(Protocol):
    """One emulated platform: ``adapters.<tool>.sandbox`` exports it as ``Sandbox``.

    It is made as ``Sandbox(world, kit)``.
    """

    #: The tool's name.
    name: str
    #: The platform itself: an ASGI application that speaks its wire protocol.
    app: App

    def describe(self, base_url: str) -> Mapping[str, Any]:
        """JSON for the first line of ``retail-gateway sandbox --json``:

        ``{"accounts": {alias: {…settings of the tool's config, base_url included…}},
        "known": {…a few ids that exist…}}``
        """
        ...

    def actions(self) -> Mapping[str, Action]:
        """What people can do to this platform from outside: ``{"pay": …, "follow": …}``.

        Reached as ``POST /control/platforms/{name}/{action}`` with a JSON object. An action raises
        ValueError with a sentence for a bad request.
        """
        ...
