"""Every configured account of every tool, open."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from sqlalchemy import Executable
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.base.limits import EVERY, Limits
from adapters.base.runtime import Call, Clock, Meter, Runtime
from adapters.base.spec import AccountConfig, Adapter
from adapters.base.transport import HttpTransport, Transport
from adapters.registry import TOOLS
from gateway.database.engine import Database
from gateway.runtime.counts import counts_of
from gateway.runtime.quotas import Account, Quotas
from gateway.runtime.redis import RedisLink
from gateway.runtime.redis_tokens import RedisTokenStore
from gateway.runtime.secrets import SqlSecretStore
from gateway.runtime.stores import MemoryTokenStore
from gateway.settings import Accounts, Settings, accounts

A = TypeVar("A", bound=Adapter)


class ToolNotConfigured(Exception):
    """The brand does not run this tool, or not this account of it."""

    def __init__(self, tool: str, account: str | None = None) -> None:
        what = f"the account {account} of {tool}" if account else tool
        super().__init__(f"This brand has not configured {what}; add it under tools.{tool}.accounts.")
        self.tool = tool
        self.code = "TOOL_NOT_CONFIGURED"


class OpenTools:
    """Adapters by tool and account. Aliases are for settings and webhook paths; rows and ids use the
    platform's own account ids."""

    def __init__(
        self, opened: Mapping[tuple[str, str], Adapter], configs: Mapping[str, Accounts], quotas: Quotas
    ) -> None:
        #: What is left of the platforms' allowances.
        self.quotas = quotas
        self._by_alias = dict(opened)
        self._configs = configs
        self._by_type: dict[type, list[Any]] = {}
        for adapter in opened.values():
            self._by_type.setdefault(type(adapter), []).append(adapter)

    def all(self, kind: type[A]) -> Sequence[A]:
        """Every account of a tool, in the settings' order; empty when the brand does not run it."""
        return self._by_type.get(kind, [])

    def get(self, kind: type[A], account: str | None = None) -> A:
        """The account with the platform's own id, or the first one. Raises ToolNotConfigured."""
        for adapter in self.all(kind):
            if account is None or adapter.account == account:
                return adapter
        raise ToolNotConfigured(tool_name(kind), account)

    def by_alias(self, tool: str, alias: str) -> Adapter | None:
        """The account behind a webhook path."""
        return self._by_alias.get((tool, alias))

    def named(self, kind: type[A], alias: str) -> A:
        """The account that the settings name. Raises ToolNotConfigured."""
        adapter = self._by_alias.get((tool_name(kind), alias))
        if not isinstance(adapter, kind):
            raise ToolNotConfigured(tool_name(kind), alias)
        return adapter

    def config(self, tool: str, alias: str) -> AccountConfig:
        """An account's settings."""
        return self._configs[tool].accounts[alias]

    def items(self) -> Sequence[tuple[str, str, Adapter]]:
        """(tool, alias, adapter) of everything that is open."""
        return [(tool, alias, adapter) for (tool, alias), adapter in self._by_alias.items()]


class MeteredSql:
    """The database as one tool sees it: its statements count as its calls."""

    def __init__(self, database: Database, meter: Meter, tool: str, account: str) -> None:
        self._database = database
        self._meter = meter
        self._tool = tool
        self._account = account

    async def fetch(self, statement: Executable, params: Mapping[str, Any] | None = None) -> Sequence[Any]:
        """See ``adapters.base.runtime.Sql``."""
        with self._metered("read"):
            return await self._database.fetch(statement, params)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """See ``adapters.base.runtime.Sql``."""
        with self._metered("write"):
            async with self._database.write() as connection:
                yield connection

    @contextmanager
    def _metered(self, endpoint: str) -> Iterator[None]:
        started, outcome = time.monotonic(), "ERROR"
        try:
            yield
            outcome = "ok"
        finally:
            seconds = time.monotonic() - started
            self._meter.record(Call(self._tool, self._account, f"sql_{endpoint}", outcome, seconds))


def tool_name(kind: type) -> str:
    """The tool that an adapter class belongs to."""
    return next(spec.name for spec in TOOLS if spec.adapter is kind)


@asynccontextmanager
async def open_tools(
    settings: Settings,
    database: Database,
    clock: Clock,
    meter: Meter,
    *,
    transport: Transport | None = None,
    link: RedisLink | None = None,
    retries: bool = True,
) -> AsyncIterator[OpenTools]:
    """Open every configured account; closed when the context ends. With ``link`` processes share access tokens."""
    configs = accounts(settings)
    async with AsyncExitStack() as stack:
        wire = await stack.enter_async_context(HttpTransport()) if transport is None else transport
        quotas = Quotas(
            clock, _limits(configs), counts_of(database), interactive_share=settings.quota.interactive_share
        )
        stack.push_async_callback(quotas.close)
        tokens = MemoryTokenStore() if link is None else RedisTokenStore(link, database.keyring, clock)
        runtime = Runtime(
            transport=wire,
            clock=clock,
            sleep=asyncio.sleep,
            token_store=tokens,
            secret_store=SqlSecretStore(database, clock),
            quota=quotas,
            meter=meter,
            sql=database,
            pseudonym=lambda text: database.keyring.hash(text, "pseudonym").hex(),
            retries=retries,
        )
        opened: dict[tuple[str, str], Adapter] = {}
        for name, tool in configs.items():
            for alias, config in tool.accounts.items():
                lent = replace(runtime, sql=MeteredSql(database, meter, name, config.external_id))
                adapter = await stack.enter_async_context(tool.spec.open(config, lent))
                opened[(name, alias)] = adapter
        yield OpenTools(opened, configs, quotas)


def _limits(configs: Mapping[str, Accounts]) -> dict[Account, Limits]:
    """What is declared for each account's tool, with what the settings say of the account in its place."""
    return {
        (name, config.external_id): {
            **tool.spec.limits,
            **{
                endpoint: given.over(tool.spec.limits.get(endpoint, tool.spec.limits.get(EVERY, ())))
                for endpoint, given in config.limits.items()
            },
        }
        for name, tool in configs.items()
        for config in tool.accounts.values()
    }
