"""Members' files in 对象存储 COS."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from gateway.resolvers import benefits, ids
from gateway.resolvers.benefits import FileRecord
from gateway.resolvers.errors import UserError
from gateway.schema.info import Info
from gateway.schema.node import Node
from gateway.schema.scalars import Long


@strawberry.type(description="A file of the member in 对象存储 COS.")
class File(Node):
    """File."""

    record: strawberry.Private[FileRecord]
    shown: strawberry.Private[bool]
    key: str = strawberry.field(description="Name within the member's own folder.")
    size: Long = strawberry.field(description="Bytes.")
    modified_at: datetime = strawberry.field(description="When it was stored.")

    @strawberry.field(
        description="A download link, signed here, that needs no other credential; null without the scope pii:read."
    )
    async def url(
        self,
        info: Info,
        expires_in: Annotated[int, strawberry.argument(description="Seconds that the link lives: 60 to 3600.")] = 600,
    ) -> str | None:
        if not 60 <= expires_in <= 3600:
            raise UserError(f"expiresIn is {expires_in}: it must be between 60 and 3600 seconds.")
        if not self.shown:
            return None
        return benefits.file_url(info.context, self.record, expires_in)

    @classmethod
    def of(cls, info: Info, record: FileRecord, *, shown: bool) -> File:
        return cls(
            id=strawberry.ID(ids.encode("fl", benefits.file_ref(info.context, record), record.bucket)),
            record=record,
            shown=shown,
            key=record.name,
            size=Long(record.size),
            modified_at=record.modified_at,
        )
