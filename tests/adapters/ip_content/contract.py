"""The tool's entry in the contract suite: its operations over HTTP are the token and the catalogue."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from adapters.base.runtime import Runtime
from adapters.ip_content import TOOL, IpContentAdapter, IpContentConfig
from sandbox.server import Sandbox
from tests.adapters.contract_case import Case, Operation
from tests.adapters.ip_content.database import tables


@asynccontextmanager
async def _open_with_tables(config: IpContentConfig, runtime: Runtime) -> AsyncIterator[IpContentAdapter]:
    """The suite's runtime has no database; this tool needs one for its import."""
    async with tables() as sql, TOOL.open(config, dataclasses.replace(runtime, sql=sql)) as adapter:
        yield adapter


async def _ping(adapter: IpContentAdapter, _sandbox: Sandbox) -> None:
    await adapter.ping()


async def _import(adapter: IpContentAdapter, _sandbox: Sandbox) -> object:
    return await adapter.import_catalogue()


async def _revoke(sandbox: Sandbox) -> None:
    await sandbox.platforms["ip_content"].actions()["revoke_tokens"]({})


def _secrets(settings: Mapping[str, Any]) -> Sequence[str]:
    return [settings["client_secret"]]


CASE = Case(
    spec=dataclasses.replace(TOOL, open=_open_with_tables),
    alias="main",
    operations=(
        Operation("token", "read", _ping, "POST /ip/v1/token"),
        Operation("ping", "read", _ping, "GET /ip/v1/catalogue"),
        Operation("import_catalogue", "read", _import, "GET /ip/v1/catalogue"),
    ),
    secrets=_secrets,
    refused_token=_revoke,
)
