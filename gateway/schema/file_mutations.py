"""Uploads (上传): a grant, what came of it, and their deletion. Bytes never pass through the graph."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from gateway.resolvers import ids, uploads
from gateway.resolvers.errors import UserError
from gateway.schema.acting import KEY_DESCRIPTION, KEY_REQUIRED, act, done_by, is_key
from gateway.schema.checkout import plain_problem
from gateway.schema.files import File, FilePurpose
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem, ToolProblem, invalid
from gateway.schema.scalars import Long
from gateway.transactions import files
from gateway.transactions.actions import Performed
from gateway.transactions.effects.files import DELETE, Unwanted
from gateway.transactions.records import Problem


@strawberry.enum(description="How the client uploads.")
class FileUploadWay(Enum):
    """Way."""

    POST_POLICY = strawberry.enum_value(
        "POST_POLICY", description="A form (表单上传, POST Object): wx.uploadFile of mini-programs, and HTML forms."
    )
    PRESIGNED_PUT = strawberry.enum_value(
        "PRESIGNED_PUT", description="One PUT to a signed link (预签名 URL): browsers and servers."
    )
    TEMPORARY_KEY = strawberry.enum_value(
        "TEMPORARY_KEY", description="A key of STS (临时密钥) for the platform's own SDKs, which upload in parts too."
    )


@strawberry.type(description="A name and its value, to be sent as they are.")
class NameValue:
    """Pair."""

    name: str = strawberry.field(description="Of a form's field, or of a header.")
    value: str = strawberry.field(description="Its value.")

    @classmethod
    def each(cls, pairs: dict[str, str]) -> list[NameValue]:
        return [cls(name=name, value=value) for name, value in pairs.items()]


@strawberry.type(
    description="A form (POST Object 表单上传): multipart/form-data with all fields first, in any order, and the bytes"
    " as the last part, named file. The platform refuses another name, size or type."
)
class PostPolicyGrant:
    """Form."""

    url: str = strawberry.field(description="Where to POST.")
    fields: list[NameValue] = strawberry.field(description="formData of wx.uploadFile; its name is file.")


@strawberry.type(
    description="A signed link (预签名 URL) for one PUT whose body is the bytes. The platform refuses another size"
    " or type."
)
class PresignedPutGrant:
    """Link."""

    url: str = strawberry.field(description="Where to PUT.")
    headers: list[NameValue] = strawberry.field(
        description="Headers that the PUT must have. Browsers set Content-Length by themselves and let nobody set it."
    )


@strawberry.type(
    description="A key of STS (临时密钥, GetFederationToken) that can write this one object. The platform refuses"
    " another name; size and type are compared at the commit."
)
class TemporaryKeyGrant:
    """Key."""

    secret_id: str = strawberry.field(description="SecretId (tmpSecretId).")
    secret_key: str = strawberry.field(description="SecretKey (tmpSecretKey).")
    token: str = strawberry.field(description="x-cos-security-token (sessionToken).")
    region: str = strawberry.field(description="地域 of the bucket, such as ap-shanghai.")
    bucket: str = strawberry.field(description="存储桶, with its APPID.")
    key: str = strawberry.field(description="对象键: the one name under which it may be stored.")
    expires_at: datetime = strawberry.field(description="When it ends.")


FileUploadGrant = Annotated[
    PostPolicyGrant | PresignedPutGrant | TemporaryKeyGrant,
    strawberry.union(
        "FileUploadGrant",
        description="How to upload. Whoever holds it can upload this one file until it ends: give it to nobody else.",
    ),
]


@strawberry.input(description="What is to be uploaded. It is announced, and compared with what arrives.")
class FileUploadBeginInput:
    """Begin."""

    purpose: FilePurpose = strawberry.field(description="What it is for.")
    content_type: str = strawberry.field(description="Its type, one of the purpose's.")
    size: Long = strawberry.field(description="Bytes, exactly: 1 to 104857600 (100 MB), or what FilePurpose says.")
    how: FileUploadWay = strawberry.field(description="How the client uploads.")
    crc64: str | None = strawberry.field(
        description="CRC-64/XZ of the whole, unsigned decimal text; when given, it is compared at the commit.",
        default=None,
    )
    member: strawberry.ID | None = strawberry.field(
        description="Whose file; left out, the shopper of this session. Another's needs the scope members:write; with"
        " the purpose MESSAGE_MEDIA it is nobody's, and left out.",
        default=None,
    )
    idempotency_key: str | None = strawberry.field(
        description="8 to 64 characters, one per file, kept for its retries; required at run time. The same key and"
        " input again answer the same grant (幂等键).",
        default=None,
    )

    def record(self) -> files.Wanted:
        """As the ledger takes it. Raises UserError for an id that is none."""
        member = None if self.member is None else ids.decode_as("mb", self.member)[1]
        purpose, how = self.purpose.name, self.how.name
        return files.Wanted(purpose, member, self.content_type, int(self.size), how, self.crc64)


@strawberry.type(description="A file that is PENDING, and the grant to upload it. Upload it, then commit.")
class FileUploadBegun:
    """Begun."""

    file: File = strawberry.field(description="The file.")
    grant: FileUploadGrant = strawberry.field(description="How to upload.")
    expires_at: datetime = strawberry.field(description="When the grant ends: a quarter of an hour after it was given.")


@strawberry.input(description="What was uploaded.")
class FileUploadCommitInput:
    """Commit."""

    file: strawberry.ID = strawberry.field(description="The file, as fileUploadBegin answered it.")


@strawberry.type(description="A file that the platform holds as it was announced.")
class FileUploadCommitted:
    """Committed."""

    file: File = strawberry.field(description="The file.")


@strawberry.input(description="What is to be deleted.")
class FileDeleteInput:
    """Delete."""

    file: strawberry.ID = strawberry.field(description="A file that was uploaded through the gateway.")
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)


@strawberry.type(description="A file that is deleted.")
class FileDeleted:
    """Deleted."""

    transaction_id: strawberry.Private[str]
    file: File = strawberry.field(description="The file; nothing can be downloaded any more.")

    transaction = done_by("The transaction that did it.")


FileUploadBeginResult = Annotated[
    FileUploadBegun | DomainProblem | ToolProblem,
    strawberry.union("FileUploadBeginResult", description="The grant, or why there is none."),
]
FileUploadCommitResult = Annotated[
    FileUploadCommitted | DomainProblem | ToolProblem,
    strawberry.union("FileUploadCommitResult", description="The file, or why it does not count as uploaded."),
]
FileDeleteResult = Annotated[
    FileDeleted | DomainProblem | ToolProblem,
    strawberry.union("FileDeleteResult", description="The file that is gone, or why it is not."),
]


def _grant(begun: files.Begun) -> FileUploadGrant:
    grant = begun.grant
    if grant.how == "POST_POLICY":
        return PostPolicyGrant(url=grant.url, fields=NameValue.each(grant.fields))
    if grant.how == "PRESIGNED_PUT":
        return PresignedPutGrant(url=grant.url, headers=NameValue.each(grant.headers))
    return TemporaryKeyGrant(
        secret_id=grant.key["secretId"],
        secret_key=grant.key["secretKey"],
        token=grant.key["token"],
        region=grant.key["region"],
        bucket=begun.bucket,
        key=begun.key,
        expires_at=begun.expires_at,
    )


def _upload_id(text: str) -> str:
    """The ledger's id; of a file that is not in the ledger, one that leads nowhere. Raises IdInvalid, IdForeign."""
    account, native = ids.decode_as("fl", text)
    return "" if account else native


async def _file(info: Info, upload_id: str) -> File | DomainProblem:
    """As it stands now: an erasure may have come in between."""
    [found] = await uploads.by_ids(info.context, [upload_id])
    if found is None:
        return DomainProblem(code="FILE_UNKNOWN", message="The file is gone with its member.", retryable=False)
    return File.of_upload(info, *found)


@strawberry.type(description="Mutations about files.")
class FileMutations:
    """Files."""

    @strawberry.mutation(
        description="Be granted to upload one file of a member to 对象存储 (上传授权), for a quarter of an hour. The"
        " shopper's own, else by the scope members:write; media of messages, which are the brand's own, by the scope"
        " messages:send."
    )
    async def file_upload_begin(
        self,
        info: Info,
        input: Annotated[FileUploadBeginInput, strawberry.argument(description="What will be uploaded.")],  # noqa: A002
    ) -> FileUploadBeginResult:
        if not is_key(input.idempotency_key):
            return KEY_REQUIRED
        try:
            wanted = input.record()
        except UserError as error:
            return invalid(error)
        context = info.context
        begun = await context.services.files.begin(context.principal, wanted, input.idempotency_key)
        if isinstance(begun, Problem):
            return plain_problem(begun)
        file = await _file(info, begun.id)
        if isinstance(file, DomainProblem):
            return file
        return FileUploadBegun(file=file, grant=_grant(begun), expires_at=begun.expires_at)

    @strawberry.mutation(
        description="Say that a file is uploaded (上传完成): the platform is asked for its size, type and CRC-64, and"
        " it counts when they are as announced. A repetition answers the same. The shopper's own, else by the scope"
        " members:write; media of messages by messages:send."
    )
    async def file_upload_commit(
        self,
        info: Info,
        input: Annotated[FileUploadCommitInput, strawberry.argument(description="Which file.")],  # noqa: A002
    ) -> FileUploadCommitResult:
        try:
            upload_id = _upload_id(input.file)
        except UserError as error:
            return invalid(error)
        done = await info.context.services.files.commit(info.context.principal, upload_id)
        if isinstance(done, Problem):
            return plain_problem(done)
        file = await _file(info, done.id)
        return file if isinstance(file, DomainProblem) else FileUploadCommitted(file=file)

    @strawberry.mutation(
        description="Delete a file that was uploaded through the gateway (删除文件). The shopper's own, else by the"
        " scope members:write; media of messages by messages:send, and what platforms hold of these stays there until"
        " they forget it. Should object storage fail, the file is DELETED all the same, and the gateway goes on by"
        " itself."
    )
    async def file_delete(
        self,
        info: Info,
        input: Annotated[FileDeleteInput, strawberry.argument(description="Which file.")],  # noqa: A002
    ) -> FileDeleteResult:
        try:
            upload_id = _upload_id(input.file)
        except UserError as error:
            return invalid(error)
        done = await act(info, DELETE, Unwanted(upload_id), input.idempotency_key)
        if not isinstance(done, Performed):
            return done
        file = await _file(info, done.outcome.file)
        if isinstance(file, DomainProblem):
            return file
        return FileDeleted(transaction_id=done.transaction, file=file)
