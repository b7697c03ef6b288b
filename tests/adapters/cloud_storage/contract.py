"""What the contract suite needs to know of this tool."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.cloud_storage import TOOL, CloudStorageAdapter
from sandbox.server import Sandbox
from tests.adapters.contract_case import Batch, Case, Operation

KEY = "contract/报表 1.csv"


def _known(sandbox: Sandbox) -> Sequence[str]:
    bucket = sandbox.world.buckets[1].name
    return [item.key for item in sandbox.world.objects if item.bucket == bucket]


async def _get(adapter: CloudStorageAdapter, sandbox: Sandbox) -> object:
    return await adapter.get(_known(sandbox)[0])


async def _objects(adapter: CloudStorageAdapter, sandbox: Sandbox) -> object:
    del sandbox
    return await adapter.objects("products/", None, 3)


async def _ping(adapter: CloudStorageAdapter, sandbox: Sandbox) -> object:
    del sandbox
    return await adapter.ping()


async def _put(adapter: CloudStorageAdapter, sandbox: Sandbox) -> object:
    del sandbox
    return await adapter.put(KEY, b"sku,sold\n", "text/csv")


async def _delete(adapter: CloudStorageAdapter, sandbox: Sandbox) -> object:
    return await adapter.delete(_known(sandbox)[0])


async def _heads(adapter: CloudStorageAdapter, keys: Sequence[str]) -> Sequence[object]:
    return await adapter.heads(keys)


CASE = Case(
    spec=TOOL,
    alias="assets",
    operations=[
        Operation("objects", "read", _objects, "GET /"),
        Operation("get", "read", _get, "GET /products/*"),
        Operation("ping", "read", _ping, "GET /"),
        Operation("put", "idempotent", _put, f"PUT /{KEY}", "object.put", 1),
        Operation("delete", "idempotent", _delete, "DELETE /products/*", "object.deleted", 1),
    ],
    batches=[Batch("heads", _heads, _known, "products/none/cover.jpg", 0, "HEAD /products/*")],
    secrets=lambda settings: [settings["secret_key"]],
)
