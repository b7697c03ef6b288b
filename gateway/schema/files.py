"""Files in 对象存储 COS: members', and the brand's own, with what platforms hold of these."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from gateway.resolvers import benefits, ids, media
from gateway.resolvers.benefits import FileRecord
from gateway.resolvers.errors import UserError
from gateway.resolvers.media import MediumRecord
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
    MESSAGE_MEDIA = strawberry.enum_value(
        "MESSAGE_MEDIA",
        description="消息素材 of the brand's own, which mediaUpload hands to platforms: image/jpeg or image/png of 10"
        " MB at most, audio/amr or audio/mpeg of 2 MB, video/mp4 of 10 MB; documents (PDF, DOCX, XLSX, PPTX, TXT, CSV,"
        " ZIP) of 20 MB; 6 bytes at least.",
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


@strawberry.enum(description="Which tool holds a medium (素材).")
class MediaTool(Enum):
    """Tool."""

    ENTERPRISE_CHAT = strawberry.enum_value("ENTERPRISE_CHAT", description="企业微信.")
    OFFICIAL_ACCOUNT = strawberry.enum_value("OFFICIAL_ACCOUNT", description="公众号.")


@strawberry.enum(description="What a medium is (媒体文件类型).")
class MediaKind(Enum):
    """Kind."""

    IMAGE = strawberry.enum_value(
        "IMAGE", description="图片: image/jpeg or image/png; 10 MB at 企业微信, 2 MB at 公众号."
    )
    VOICE = strawberry.enum_value(
        "VOICE", description="语音 of a minute at most: audio/amr, at 公众号 audio/mpeg too; 2 MB."
    )
    VIDEO = strawberry.enum_value("VIDEO", description="视频: video/mp4; 10 MB.")
    FILE = strawberry.enum_value("FILE", description="文件, at 企业微信 only: a document; 20 MB.")
    THUMB = strawberry.enum_value("THUMB", description="缩略图, at 公众号 only: image/jpeg; 64 KB.")


@strawberry.type(description="What a platform holds of a file of the brand's own (素材).")
class Medium:
    """Medium."""

    tool: MediaTool = strawberry.field(description="Which tool.")
    account: str = strawberry.field(description="corpid or appid: nobody else knows it.")
    kind: MediaKind = strawberry.field(description="What it is there.")
    name: str = strawberry.field(description="What it was uploaded as: whoever gets a file sees it.")
    media_id: str | None = strawberry.field(
        description="For a message's mediaId (media_id of 临时素材); null for a picture that was published."
    )
    url: str | None = strawberry.field(
        description="Address of a picture that was published (上传图片), for messages of 企业微信; null for another."
    )
    uploaded_at: datetime = strawberry.field(description="When it was uploaded.")
    expires_at: datetime | None = strawberry.field(
        description="When the platform forgets it, three days after its upload; null for never."
    )

    @classmethod
    def of(cls, record: MediumRecord) -> Medium:
        published = record.url is not None
        return cls(
            tool=MediaTool[record.tool.upper()],
            account=record.account,
            kind=MediaKind.IMAGE if published else MediaKind[record.kind],
            name=record.name,
            media_id=record.media_id,
            url=record.url,
            uploaded_at=record.uploaded_at,
            expires_at=record.expires_at,
        )


@strawberry.type(description="A file in 对象存储 COS: a member's, or one of the brand's own.")
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
        " unless it is the shopper's own or the brand's, and for an upload that is not COMMITTED."
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

    @strawberry.field(
        description="What platforms hold of it now (素材), by mediaUpload and picturePublish, the latest first; of each"
        " account, kind and name the latest one. Null without the scope messages:send; empty for a member's file. A"
        " file that is deleted stays at the platforms until they forget it."
    )
    async def media(self, info: Info) -> list[Medium] | None:
        if media.SCOPE not in info.context.principal.scopes:
            return None
        if self.upload is None:
            return []
        found = await info.context.loaders.load(media.by_files, ids.decode_as("fl", self.id)[1])
        return [Medium.of(each) for each in found]

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
