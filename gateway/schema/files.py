"""Members' files in 对象存储 COS."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from gateway.resolvers import benefits, ids
from gateway.resolvers.benefits import FileRecord
from gateway.resolvers.errors import UserError
from gateway.resolvers.uploads import UploadRecord
from gateway.schema.info import Info
from gateway.schema.node import Node
from gateway.schema.scalars import Long


@strawberry.enum(description="What a file is for; it decides which types (Content-Type) are taken.")
class FilePurpose(Enum):
    """Purpose."""

    INVOICE = strawberry.enum_value("INVOICE", description="发票: application/pdf, image/jpeg or image/png.")
    PICTURE = strawberry.enum_value(
        "PICTURE", description="图片 of the member's own: image/jpeg, image/png or image/webp."
    )
    MINI_PROGRAM_CODE = strawberry.enum_value(
        "MINI_PROGRAM_CODE", description="小程序码 of the brand's own, by miniProgramCodeCreate; it cannot be uploaded."
    )


@strawberry.enum(description="Where an upload (上传) stands.")
class FileState(Enum):
    """State."""

    PENDING = strawberry.enum_value(
        "PENDING", description="Granted; not committed yet. It is deleted when its grant has ended by then."
    )
    COMMITTED = strawberry.enum_value("COMMITTED", description="The platform holds what was announced.")
    DELETED = strawberry.enum_value("DELETED", description="Deleted, or its grant ended before it was committed.")


@strawberry.type(description="What the ledger of uploads (文件台账) says of a file.")
class FileUpload:
    """Upload."""

    state: FileState = strawberry.field(description="Where it stands.")
    purpose: FilePurpose = strawberry.field(description="What it is for.")
    content_type: str = strawberry.field(description="Its type, such as image/jpeg.")
    crc64: str | None = strawberry.field(
        description="CRC-64/XZ of the whole, unsigned decimal text: as announced, and once committed the platform's."
    )
    begun_at: datetime = strawberry.field(description="When the grant was given.")
    expires_at: datetime = strawberry.field(description="When the grant ends; until then its holder can upload.")
    committed_at: datetime | None = strawberry.field(description="When it was committed; null before.")
    deleted_at: datetime | None = strawberry.field(description="When it was deleted; null before.")


@strawberry.type(description="A file in 对象存储 COS: a member's, or a picture of the brand's own.")
class File(Node):
    """File."""

    record: strawberry.Private[FileRecord]
    shown: strawberry.Private[bool]
    key: str = strawberry.field(
        description="Name within the member's own folder; of an upload, its purpose and number."
    )
    size: Long = strawberry.field(description="Bytes; of an upload that is PENDING, as announced.")
    modified_at: datetime = strawberry.field(description="When it was stored; of an upload that is PENDING, begun.")
    upload: FileUpload | None = strawberry.field(
        description="How it was uploaded; null for a file that another system put into the member's folder.",
        default=None,
    )

    @strawberry.field(
        description="A download link, signed here, that needs no other credential; null without the scope pii:read"
        " unless it is the shopper's own, and for an upload that is not COMMITTED."
    )
    async def url(
        self,
        info: Info,
        expires_in: Annotated[int, strawberry.argument(description="Seconds that the link lives: 60 to 3600.")] = 600,
    ) -> str | None:
        if not 60 <= expires_in <= 3600:
            raise UserError(f"expiresIn is {expires_in}: it must be between 60 and 3600 seconds.")
        if not self.shown or (self.upload is not None and self.upload.state is not FileState.COMMITTED):
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

    @classmethod
    def of_upload(cls, info: Info, owner: str | None, record: UploadRecord) -> File:
        """A row of the ledger; ``owner`` is the id that its member has now, None for a file that is no member's."""
        caller = info.context.principal
        return cls(
            id=strawberry.ID(ids.encode("fl", record.id)),
            record=record.file,
            shown=owner is None or caller.sees_personal_data or caller.member == owner,
            key=record.file.name,
            size=Long(record.file.size),
            modified_at=record.file.modified_at,
            upload=FileUpload(
                state=FileState[record.state],
                purpose=FilePurpose[record.purpose],
                content_type=record.content_type,
                crc64=record.crc64,
                begun_at=record.created_at,
                expires_at=record.expires_at,
                committed_at=record.committed_at,
                deleted_at=record.deleted_at,
            ),
        )
