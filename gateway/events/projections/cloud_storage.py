"""Members' files (会员文件) in object storage."""

from __future__ import annotations

import re
from collections.abc import Sequence

from adapters.cloud_storage import StoredObject
from gateway.database.facts import Fact
from gateway.database.tables.projections import stored_file
from gateway.events.erased import unless_erased
from gateway.events.projector import Evidence, Handle, Projector

TOOL = "cloud_storage"
#: A member's files lie under this prefix, in a folder named by the unionid.
PREFIX = "members/"
_OWNER = re.compile(r"members/([^/]+)/.+")


def member_prefix(unionid: str) -> str:
    """The folder of one member."""
    return f"{PREFIX}{unionid}/"


async def files(projector: Projector, records: Sequence[StoredObject]) -> int:
    """Objects under the members' prefix; others are passed over."""
    owned = [(each, match[1]) for each in records if (match := _OWNER.fullmatch(each.key))]
    evidence = [
        Evidence((Handle("UNIONID", projector.open_platform, unionid),), f"{TOOL}.list", each.modified_at)
        for each, unionid in owned
    ]
    owned, evidence = await unless_erased(projector, owned, evidence)
    async with projector.batch(evidence) as batch:
        rows = []
        for (each, _), linked in zip(owned, batch.linked, strict=True):
            rows.append(
                {
                    "bucket": each.bucket,
                    "key_hash": projector.database.keyring.hash(each.key, "file"),
                    "key": batch.seal(each.key, linked),
                    "identity": linked.identity,
                    "size": each.size,
                    "etag": each.etag,
                    "modified_at": each.modified_at,
                }
            )
            batch.facts.append(
                Fact(
                    kind="file.stored",
                    occurred_at=each.modified_at,
                    source="poll",
                    source_key=f"{each.key}:{each.etag}",
                    account=each.bucket,
                    tool=TOOL,
                    member=linked.member,
                    identity=linked.identity,
                    quantity=each.size,
                )
            )
        return await batch.upsert(stored_file, rows)
