"""Media of messages (素材): the brand's own files, handed to the platforms that show them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from gateway.resolvers import ids, media, uploads
from gateway.schema.acting import KEY_DESCRIPTION, ask, done_by
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.files import File, FileState, MediaKind, MediaTool
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem, ToolProblem
from gateway.transactions.actions import Performed
from gateway.transactions.effects import media as effects
from gateway.transactions.media_kinds import PUBLISHED

_FILE = "A file of the brand's own, COMMITTED: of the purpose MESSAGE_MEDIA, or the picture of a mini-program code."
_NAME = "What it is uploaded as: up to 64 of A-Z a-z 0-9 _ . - with the ending of its type, and no personal data."


def _ledger_id(text: str) -> str:
    """The ledger's id; of a file that is not in the ledger, one that leads nowhere. Raises IdInvalid, IdForeign."""
    account, native = ids.decode_as("fl", text)
    return "" if account else native


@strawberry.input(description="A file, and where it is to be shown.")
class MediaUploadInput:
    """Upload."""

    file: strawberry.ID = strawberry.field(description=_FILE)
    tool: MediaTool = strawberry.field(description="Whose messages are to show it.")
    kind: MediaKind = strawberry.field(description="As what.")
    account: str | None = strawberry.field(
        description="corpid or appid; the first account of the settings without one. Nobody else can show it.",
        default=None,
    )
    name: str | None = strawberry.field(
        description=f"{_NAME} Whoever gets a file sees it. Made of the kind without one.", default=None
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> effects.Wanted:
        """As the action takes it. Raises UserError for an id that is none."""
        return effects.Wanted(_ledger_id(self.file), self.kind.name, self.account, self.name or "")


@strawberry.type(description="The platform holds it; nobody was shown it yet.")
class MediaUploaded:
    """Uploaded."""

    ledger_id: strawberry.Private[str]
    transaction_id: strawberry.Private[str]
    account: str = strawberry.field(description="corpid or appid.")
    media_id: str = strawberry.field(description="For a message's mediaId (media_id).")
    expires_at: datetime = strawberry.field(description="When the platform forgets it: messages must be made before.")

    @strawberry.field(description="The file.")
    async def file(self, info: Info) -> File | None:
        found = await info.context.loaders.load(uploads.by_ids, self.ledger_id)
        return None if found is None else File.of_upload(info, *found)

    transaction = done_by("The transaction that did it.")


@strawberry.input(description="A picture of the brand's own that anybody may see, for ever.")
class PicturePublishInput:
    """Publish."""

    file: strawberry.ID = strawberry.field(description=f"{_FILE} JPG or PNG, 10 MB at most.")
    account: str | None = strawberry.field(
        description="corpid; the first corp of the settings without one.", default=None
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> effects.Wanted:
        """As the action takes it. Raises UserError for an id that is none."""
        return effects.Wanted(_ledger_id(self.file), PUBLISHED, self.account)


@strawberry.type(description="The picture has an address, for ever.")
class PicturePublished:
    """Published."""

    ledger_id: strawberry.Private[str]
    transaction_id: strawberry.Private[str]
    account: str = strawberry.field(description="corpid.")
    url: str = strawberry.field(description="Its address, which messages of this corp take in place of a mediaId.")

    @strawberry.field(description="The file.")
    async def file(self, info: Info) -> File | None:
        found = await info.context.loaders.load(uploads.by_ids, self.ledger_id)
        return None if found is None else File.of_upload(info, *found)

    transaction = done_by("The transaction that did it.")


PicturePublishResult = Annotated[
    PicturePublished | DomainProblem | ToolProblem,
    strawberry.union("PicturePublishResult", description="The address, or why there is none."),
]
MediaUploadResult = Annotated[
    MediaUploaded | DomainProblem | ToolProblem,
    strawberry.union("MediaUploadResult", description="The medium, or why there is none."),
]


@strawberry.type(description="Questions about media of messages.")
class MediaQueries:
    """Media."""

    @strawberry.field(
        description="Pictures, voices, films and files of the brand's own for messages (消息素材), the latest begun"
        " first. Needs the scope messages:send."
    )
    async def media_files(
        self,
        info: Info,
        state: Annotated[FileState, strawberry.argument(description="Where they stand.")] = FileState.COMMITTED,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[File] | None:
        page = await media.files(info.context, state.name, args(first, after, last, before))
        return connect(page, lambda record: File.of_upload(info, None, record))


@strawberry.type(description="Mutations about media of messages.")
class MediaMutations:
    """Media."""

    @strawberry.mutation(
        description="Hand a file of the brand's own to a platform, for messages (上传临时素材, 新增临时素材). It goes"
        " from object storage to the platform, and lives there for three days. What the platform has already of this"
        " file, kind and name for six hours more is answered again. Needs the scope messages:send."
    )
    async def media_upload(
        self,
        info: Info,
        input: Annotated[MediaUploadInput, strawberry.argument(description="What, and where to.")],  # noqa: A002
    ) -> MediaUploadResult:
        info.context.principal.require(media.SCOPE)
        official = input.tool is MediaTool.OFFICIAL_ACCOUNT
        done = await ask(info, effects.ACCOUNT_UPLOAD if official else effects.UPLOAD, input)
        if not isinstance(done, Performed):
            return done
        outcome = done.outcome
        return MediaUploaded(
            ledger_id=outcome.file,
            transaction_id=done.transaction,
            account=outcome.account,
            media_id=outcome.media_id,
            expires_at=outcome.expires_at,
        )

    @strawberry.mutation(
        description="Give a picture of the brand's own an address at 企业微信 (上传图片), for messages that outlive a"
        " mediaId, such as welcomes of groups: 1000 a day and 3000 a month. **It stays there for ever**, for whoever"
        " has the address: neither fileDelete nor an erasure reaches it, so it must show no customer. The same picture"
        " again has the same address. Needs the scope messages:send."
    )
    async def picture_publish(
        self,
        info: Info,
        input: Annotated[PicturePublishInput, strawberry.argument(description="Which.")],  # noqa: A002
    ) -> PicturePublishResult:
        info.context.principal.require(media.SCOPE)
        done = await ask(info, effects.PUBLISH, input)
        if not isinstance(done, Performed):
            return done
        outcome = done.outcome
        return PicturePublished(
            ledger_id=outcome.file, transaction_id=done.transaction, account=outcome.account, url=outcome.url
        )
