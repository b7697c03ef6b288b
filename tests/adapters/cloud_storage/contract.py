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


async def _delete_many(adapter: CloudStorageAdapter, sandbox: Sandbox) -> object:
    return await adapter.delete_many(_known(sandbox)[:2])


async def _copy(adapter: CloudStorageAdapter, sandbox: Sandbox) -> object:
    return await adapter.copy(_known(sandbox)[0], KEY)


async def _tag(adapter: CloudStorageAdapter, sandbox: Sandbox) -> object:
    return await adapter.tag(_known(sandbox)[0], {"purpose": "returns"})


async def _tags(adapter: CloudStorageAdapter, sandbox: Sandbox) -> object:
    key = _known(sandbox)[0]
    await adapter.tag(key, {"purpose": "returns"})
    return await adapter.tags(key)


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
        Operation("delete_many", "idempotent", _delete_many, "POST /", "object.deleted", 2),
        Operation("copy", "idempotent", _copy, f"PUT /{KEY}", "object.copied", 1),
        Operation("tag", "idempotent", _tag, "PUT /products/*", "object.tagged", 1),
        Operation("tags", "read", _tags, "GET /products/*"),
    ],
    batches=[Batch("heads", _heads, _known, "products/none/cover.jpg", 0, "HEAD /products/*")],
    secrets=lambda settings: [settings["secret_key"]],
)
