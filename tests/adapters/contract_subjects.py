"""Finds what the contract suite runs on, and opens it: one subject per tool and kind of account."""

from __future__ import annotations

import fnmatch
import importlib
import importlib.util
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from adapters.registry import TOOLS
from sandbox.server import Sandbox
from tests.adapters.contract_case import Batch, Case, Operation
from tests.conftest import MakeRuntime, account_config


@dataclass(frozen=True)
class Subject:
    """One case of one tool, as pytest shows it: ``payments-main``."""

    case: Case

    @property
    def tool(self) -> str:
        return self.case.spec.name

    def __str__(self) -> str:
        return f"{self.tool}-{self.case.alias}"


def cases_of(tool: str) -> tuple[Case, ...]:
    """``CASES`` of tests/adapters/<tool>/contract.py, or its single ``CASE``; empty when it has neither."""
    name = f"tests.adapters.{tool}.contract"
    try:
        if importlib.util.find_spec(name) is None:
            return ()
    except ModuleNotFoundError:
        return ()
    module = importlib.import_module(name)
    return tuple(getattr(module, "CASES", None) or ([module.CASE] if hasattr(module, "CASE") else ()))


SUBJECTS: tuple[Subject, ...] = tuple(Subject(case) for spec in TOOLS for case in cases_of(spec.name))


def operations() -> Iterator[tuple[str, Subject, Operation]]:
    """(id, subject, operation) of every operation."""
    for subject in SUBJECTS:
        for operation in subject.case.operations:
            yield f"{subject}-{operation.name}", subject, operation


def batches() -> Iterator[tuple[str, Subject, Batch]]:
    """(id, subject, batch) of every batch method."""
    for subject in SUBJECTS:
        for batch in subject.case.batches:
            yield f"{subject}-{batch.name}", subject, batch


@dataclass(frozen=True)
class Bench:
    """A subject's emulated platform, and adapters opened in front of it.

    It counts what came after the journal's entry ``since``, so that reads can share a platform.
    """

    subject: Subject
    sandbox: Sandbox
    make_runtime: MakeRuntime
    since: int = 0

    def again(self) -> Bench:
        """The same platform, some seconds later, counting from here on."""
        self.sandbox.kit.clock.advance(timedelta(seconds=5))
        return replace(self, since=self.sandbox.kit.journal.next_sequence())

    @property
    def settings(self) -> dict[str, Any]:
        """The account's settings as the sandbox prints them."""
        described = self.sandbox.describe()["platforms"][self.subject.tool]
        return dict(described["accounts"][self.subject.case.alias])

    @asynccontextmanager
    async def adapter(self, *, base_url: str | None = None, **overrides: Any) -> Any:
        """A fresh adapter: no token, no open breaker."""
        spec = self.subject.case.spec
        settings = self.settings if base_url is None else {**self.settings, "base_url": base_url}
        runtime = self.make_runtime(self.sandbox.kit.clock, **overrides)
        async with spec.open(account_config(spec, settings), runtime) as adapter:
            yield adapter

    @contextmanager
    def fault(self, kind: str, endpoint: str, value: float | str = 0, calls: tuple[int, ...] = ()) -> Iterator[None]:
        """The platform misbehaves inside."""
        faults = self.sandbox.kit.faults
        rule = faults.add(self.subject.tool, kind, endpoint=endpoint, value=value, calls=calls)  # type: ignore[arg-type] # a FaultKind
        try:
            yield
        finally:
            faults.rules.remove(rule)

    def calls(self, endpoint: str = "*") -> int:
        """Requests that the platform received at endpoints that match."""
        return sum(
            1
            for call in self.sandbox.kit.journal.calls
            if call.sequence > self.since
            and call.platform == self.subject.tool
            and fnmatch.fnmatchcase(call.endpoint, endpoint)
        )

    def effects(self, operation: Operation) -> int:
        """Effects of the operation's kind so far."""
        found = self.sandbox.kit.journal.of_kind(self.subject.tool, operation.effect_kind)
        return sum(1 for effect in found if effect.sequence > self.since)


StartBench = Callable[[Subject], Awaitable[Bench]]


@contextmanager
def debug_logs() -> Iterator[list[str]]:
    """Every log line of every logger at DEBUG, formatted with its traceback."""
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    root, keep = logging.getLogger(), Keep(logging.DEBUG)
    level = root.level
    root.addHandler(keep)
    root.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        root.removeHandler(keep)
        root.setLevel(level)
