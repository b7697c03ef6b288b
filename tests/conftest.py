"""Fixtures that every test may use: the emulated platforms, and a runtime for one adapter."""

from __future__ import annotations

import functools
import gc
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from adapters.base.runtime import Runtime
from adapters.base.secrets import Secret
from adapters.base.spec import AnyToolSpec
from adapters.base.transport import HttpTransport
from adapters.payments import signing
from gateway.runtime import CountingMeter, MemoryTokenStore, Quotas
from sandbox.clock import SandboxClock
from sandbox.keys import KeyRing
from sandbox.server import Sandbox, running

#: The evening of the story, Beijing time. The sandbox's clock starts here in every test.
EVENING = datetime(2026, 11, 11, 20, 57, tzinfo=timezone(timedelta(hours=8)))

#: Families of tests that run for minutes: ``make test`` leaves them out, ``make test-long`` runs them.
LONG_FAMILIES = {"cache_truth", "crash_matrix", "differential", "event_storm", "fault_matrix", "identity", "model"}


#: Folders whose tests are long on PostgreSQL, and not on SQLite: what they do there goes the ways of
#: ``gateway/transactions``, ``gateway/jobs`` and ``gateway/database``, whose own tests run on both each time.
LONG_ON_POSTGRESQL = ("actions", "bulk", "files", "webhooks_out")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is long, before pytest selects by marker."""
    for item in items:
        marks = {mark.name for mark in item.iter_markers()}
        if marks & LONG_FAMILIES or ("postgresql" in marks and item.path.parent.name in LONG_ON_POSTGRESQL):
            item.add_marker(pytest.mark.long)


def _stays() -> None:
    """The garbage collector need not visit again what there is now."""
    gc.collect()
    gc.freeze()


def pytest_collection_finish() -> None:
    """Thousands of tests and all that they import stay to the end."""
    _stays()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """pytest looks through everything five times more, for exceptions that nobody was told of."""
    _stays()


@pytest.fixture(scope="session", autouse=True)
def _check_keys_once() -> Iterator[None]:
    """Checking that an RSA key is one takes 80 ms, and a thousand tests open the same few."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signing, "_private_key", functools.cache(signing._private_key))
        yield


StartSandbox = Callable[..., Awaitable[Sandbox]]
_KEYS = KeyRing()


@pytest.fixture
async def start_sandbox() -> AsyncIterator[StartSandbox]:
    """``await start_sandbox("payments", …)`` serves those platforms over loopback until the test ends."""
    async with AsyncExitStack() as stack:

        async def start(*names: str, **options: Any) -> Sandbox:
            options.setdefault("now", EVENING)
            options.setdefault("keys", _KEYS)
            return await stack.enter_async_context(running(names, **options))

        yield start


class MemorySecretStore:
    """A SecretStore without a disk, for adapter tests."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str, str], Mapping[str, str]] = {}

    async def get(self, tool: str, account: str, name: str) -> Mapping[str, str] | None:
        return self.values.get((tool, account, name))

    @asynccontextmanager
    async def rotate(self, tool: str, account: str, name: str) -> AsyncIterator[_Rotation]:
        yield _Rotation(self, (tool, account, name))


class _Rotation:
    def __init__(self, store: MemorySecretStore, key: tuple[str, str, str]) -> None:
        self._store, self._key = store, key

    @property
    def value(self) -> Mapping[str, str] | None:
        return self._store.values.get(self._key)

    async def put(self, value: Mapping[str, str]) -> None:
        self._store.values[self._key] = dict(value)


class NoSql:
    """Stands where a tool without tables needs no database."""

    async def fetch(self, statement: object, params: object = None) -> list[Any]:
        raise AssertionError("this tool keeps no tables")

    def write(self) -> AbstractAsyncContextManager[Any]:
        raise AssertionError("this tool keeps no tables")


async def _no_sleep(seconds: float) -> None:
    del seconds


MakeRuntime = Callable[..., Runtime]


@pytest.fixture
async def make_runtime() -> AsyncIterator[MakeRuntime]:
    """``make_runtime(clock, **overrides)``: a Runtime on real HTTP that does not wait between retries."""
    async with HttpTransport() as transport:

        def make(clock: SandboxClock | None = None, **overrides: Any) -> Runtime:
            used = clock or SandboxClock(EVENING)
            parts: dict[str, Any] = {
                "transport": transport,
                "clock": used,
                "sleep": _no_sleep,
                "token_store": MemoryTokenStore(),
                "secret_store": MemorySecretStore(),
                "quota": Quotas(used),
                "meter": CountingMeter(),
                "sql": NoSql(),
                "pseudonym": lambda text: hashlib.sha256(b"test" + text.encode()).hexdigest(),
            }
            return Runtime(**{**parts, **overrides})

        yield make


OpenTool = Callable[..., Awaitable[Any]]


def account_config(spec: AnyToolSpec, settings: Mapping[str, Any]) -> Any:
    """A tool's config from plain settings, as the gateway's settings do it."""
    return msgspec.convert(dict(settings), spec.config, dec_hook=_decode_secret)


def _decode_secret(kind: type, value: object) -> object:
    if kind is Secret:
        return Secret(str(value))
    raise NotImplementedError(kind)


@pytest.fixture
async def open_tool(make_runtime: MakeRuntime) -> AsyncIterator[OpenTool]:
    """``adapter = await open_tool(TOOL, sandbox, "main", **runtime_overrides)``."""
    async with AsyncExitStack() as stack:

        async def open_account(spec: AnyToolSpec, sandbox: Sandbox, alias: str, **overrides: Any) -> Any:
            settings = sandbox.describe()["platforms"][spec.name]["accounts"][alias]
            runtime = make_runtime(sandbox.kit.clock, **overrides)
            return await stack.enter_async_context(spec.open(account_config(spec, settings), runtime))

        yield open_account


@pytest.fixture
def now() -> datetime:
    """The instant at which the sandbox's clock starts, UTC."""
    return EVENING.astimezone(UTC)
