"""What the contract suite must know of this tool."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.sample import TOOL, SampleAdapter
from adapters.sample.adapter import ITEMS_PER_CALL
from sandbox.server import Sandbox
from tests.adapters.contract_case import Batch, Case, Operation


def known(sandbox: Sandbox) -> Sequence[str]:
    """Ids of items that exist."""
    ids: Sequence[str] = sandbox.describe()["platforms"]["sample"]["known"]["items"]
    return ids


async def _items(adapter: SampleAdapter, sandbox: Sandbox) -> object:
    return await adapter.items(known(sandbox)[:2])


async def _add_note(adapter: SampleAdapter, _sandbox: Sandbox) -> object:
    return await adapter.add_note("contract-1", "你好")


async def _revoke(sandbox: Sandbox) -> None:
    await sandbox.platforms["sample"].actions()["revoke_tokens"]({})


CASE = Case(
    spec=TOOL,
    alias="main",
    operations=(
        Operation("ping", "read", lambda adapter, _: adapter.ping(), "GET /v1/account"),
        Operation("items", "read", _items, "POST /v1/items/batch_get"),
        Operation("add_note", "idempotent", _add_note, "POST /v1/notes", "note", 1),
    ),
    batches=(
        Batch(
            "items",
            lambda adapter, ids: adapter.items(ids),
            known,
            "IT9999",
            ITEMS_PER_CALL,
            "POST /v1/items/batch_get",
        ),
    ),
    secrets=lambda settings: [settings["client_secret"]],
    refused_token=_revoke,
)
