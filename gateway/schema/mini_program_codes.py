"""Codes (小程序码) that open a page of a mini-program."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from gateway.resolvers import mini_program_codes, uploads
from gateway.resolvers.mini_program_codes import CodeRecord
from gateway.schema.acting import KEY_DESCRIPTION, act, done_by
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.files import File
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem, ToolProblem
from gateway.transactions.actions import Performed
from gateway.transactions.effects import mini_program_codes as effects


@strawberry.type(description="A code that opens a page of a mini-program with a scene (不限制的小程序码).")
class MiniProgramCode:
    """Code."""

    record: strawberry.Private[CodeRecord]
    account: str = strawberry.field(description="appid.")
    scene: str = strawberry.field(description="What the page reads, URL-encoded (scene).")
    page: str = strawberry.field(description="The page; empty for the home page.")
    width: int = strawberry.field(description="Pixels.")
    transparent: bool = strawberry.field(description="Without a ground (透明底色).")
    made_at: datetime = strawberry.field(description="When it was made. It does not expire.")

    @strawberry.field(description="Its picture: File.url is a link to download it; fileDelete deletes it.")
    async def file(self, info: Info) -> File | None:
        found = await info.context.loaders.load(uploads.by_ids, self.record.file)
        return None if found is None else File.of_upload(info, *found)

    @classmethod
    def of(cls, record: CodeRecord) -> MiniProgramCode:
        return cls(
            record=record,
            account=record.appid,
            scene=record.scene,
            page=record.page,
            width=record.width,
            transparent=record.transparent,
            made_at=record.made_at,
        )


@strawberry.input(description="A code to make. The same one again is the same picture.")
class MiniProgramCodeCreateInput:
    """Code."""

    scene: str = strawberry.field(
        description="What the page is to read: 1 to 32 characters of 0-9 A-Z a-z !#$&'()*+,/:;=?@-._~` and no personal"
        " data."
    )
    page: str = strawberry.field(
        description="A path without a leading slash and a query, up to 128 characters; empty for the home page.",
        default="",
    )
    width: int = strawberry.field(description="Pixels, 280 to 1280.", default=430)
    transparent: bool = strawberry.field(description="Without a ground (透明底色): a PNG.", default=False)
    published: bool = strawberry.field(
        description="False: the page need not be published yet (check_path).", default=True
    )
    account: str | None = strawberry.field(
        description="appid of a mini-program; the first of the settings without.", default=None
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)


@strawberry.type(description="The code is there.")
class MiniProgramCodeCreated:
    """Created."""

    transaction_id: strawberry.Private[str]
    key: strawberry.Private[str]

    @strawberry.field(description="The code; null once it was deleted.")
    async def mini_program_code(self, info: Info) -> MiniProgramCode | None:
        found = await info.context.loaders.load(mini_program_codes.by_files, self.key)
        return None if found is None else MiniProgramCode.of(found)

    transaction = done_by("The transaction that made it.")


MiniProgramCodeCreateResult = Annotated[
    MiniProgramCodeCreated | DomainProblem | ToolProblem,
    strawberry.union("MiniProgramCodeCreateResult", description="The code, or why there is none."),
]


@strawberry.type(description="Questions about codes of mini-programs.")
class MiniProgramCodeQueries:
    """Codes."""

    @strawberry.field(
        description="Codes of mini-programs that the gateway made (小程序码), the newest first. Needs the scope"
        " members:write."
    )
    async def mini_program_codes(
        self,
        info: Info,
        account: Annotated[
            str | None, strawberry.argument(description="appid of a mini-program; all of them without.")
        ] = None,
        scene: Annotated[str | None, strawberry.argument(description="Only codes of this scene.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[MiniProgramCode] | None:
        page = await mini_program_codes.page(info.context, account, scene, args(first, after, last, before))
        return connect(page, MiniProgramCode.of)


@strawberry.type(description="Mutations about codes of mini-programs.")
class MiniProgramCodeMutations:
    """Codes."""

    @strawberry.mutation(
        description="Make a code that opens a page of a mini-program with a scene (获取不限制的小程序码). Its picture"
        " goes to object storage, and its link is in file. Needs the scope members:write."
    )
    async def mini_program_code_create(
        self,
        info: Info,
        input: Annotated[MiniProgramCodeCreateInput, strawberry.argument(description="The code.")],  # noqa: A002
    ) -> MiniProgramCodeCreateResult:
        info.context.principal.require(mini_program_codes.SCOPE)
        asked = effects.Wanted(input.scene, input.page, input.width, input.transparent, input.published, input.account)
        done = await act(info, effects.CREATE, asked, input.idempotency_key)
        if not isinstance(done, Performed):
            return done
        return MiniProgramCodeCreated(transaction_id=done.transaction, key=done.outcome.file)
