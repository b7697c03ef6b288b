"""腾讯云 COS (cloud object storage): a bucket's files as lists, heads, links and upload forms."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from adapters.base.runtime import Runtime
from adapters.base.spec import ToolSpec
from adapters.cloud_storage.adapter import LIST_LIMIT, SMALL_BODY_BYTES, CloudStorageAdapter
from adapters.cloud_storage.checks import MAX_KEY_BYTES, MAX_SINGLE_UPLOAD_BYTES
from adapters.cloud_storage.config import CloudStorageConfig
from adapters.cloud_storage.errors import FAULTS, NAME
from adapters.cloud_storage.grants import MAX_EXPIRES_IN
from adapters.cloud_storage.records import (
    ObjectHead,
    ObjectOptions,
    Permission,
    PutReceipt,
    StoredObject,
    TemporaryKey,
    UploadForm,
)
from adapters.cloud_storage.uploads import MIN_PART_BYTES, PART_BYTES


@asynccontextmanager
async def _open(config: CloudStorageConfig, runtime: Runtime) -> AsyncIterator[CloudStorageAdapter]:
    yield CloudStorageAdapter(config, runtime)


TOOL: Final[ToolSpec[CloudStorageConfig, CloudStorageAdapter]] = ToolSpec(
    name=NAME,
    title="腾讯云对象存储 COS",
    config=CloudStorageConfig,
    adapter=CloudStorageAdapter,
    open=_open,
    faults=FAULTS,
    exempt={
        "refused_token": "Every request is signed with the key itself; there is no token.",
        "webhooks": "The bucket does not call back.",
        "truncate:put": "The answer to a PUT has no body that could be cut.",
        "truncate:tag": "The answer to a PUT of tags has no body that could be cut.",
        "truncate:delete": "The answer is a 204 without a body.",
    },
)

__all__ = [
    "LIST_LIMIT",
    "MAX_EXPIRES_IN",
    "MAX_KEY_BYTES",
    "MAX_SINGLE_UPLOAD_BYTES",
    "MIN_PART_BYTES",
    "PART_BYTES",
    "SMALL_BODY_BYTES",
    "TOOL",
    "CloudStorageAdapter",
    "CloudStorageConfig",
    "ObjectHead",
    "ObjectOptions",
    "Permission",
    "PutReceipt",
    "StoredObject",
    "TemporaryKey",
    "UploadForm",
]
