"""What a tool tells the contract suite about itself: one CASE per tool, in <tool>/contract.py."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from adapters.base.spec import AnyToolSpec
from sandbox.server import Sandbox


@dataclass(frozen=True)
class Operation:
    """One adapter method that makes at least one upstream call.

    ``run`` must be repeatable on a fresh sandbox; ``endpoint`` is the journal's name of the call that
    matters (``"POST /cgi-bin/…"``, wildcards allowed), ``effects`` how many effects of ``effect_kind``
    one success leaves in the sandbox's journal (0 for reads).
    """

    name: str
    repeat: Literal["read", "idempotent", "once"]
    run: Callable[[Any, Sandbox], Awaitable[object]]
    endpoint: str
    effect_kind: str = ""
    effects: int = 0


@dataclass(frozen=True)
class Batch:
    """One batch method: same order, same length, a miss is a NotFound value.

    ``known`` gives ids that exist in the sandbox, ``missing`` one that does not; ``limit`` is the
    platform's own number of ids per call (0: the platform has no batch read, one call each), and
    ``endpoint`` is counted in the journal: ceil(n / limit) calls for n ids.
    """

    name: str
    run: Callable[[Any, Sequence[str]], Awaitable[Sequence[object]]]
    known: Callable[[Sandbox], Sequence[str]]
    missing: str
    limit: int
    endpoint: str


@dataclass(frozen=True)
class Case:
    """A tool's entry in the contract suite. ``alias`` picks the account to open.

    ``refused_token``: makes the sandbox refuse the current access token (None where there is none).
    """

    spec: AnyToolSpec
    alias: str
    operations: Sequence[Operation]
    batches: Sequence[Batch] = ()
    secrets: Callable[[Mapping[str, Any]], Sequence[str]] = field(default=lambda settings: [])
    refused_token: Callable[[Sandbox], Awaitable[None]] | None = None
