"""QR codes with a scene (带参数二维码) of an official account (公众号)."""

from __future__ import annotations

from datetime import date as date_type
from datetime import datetime
from typing import Annotated

import strawberry

from gateway.resolvers import scene_codes
from gateway.resolvers.scene_codes import Counted, SceneCodeRecord
from gateway.schema.acting import KEY_DESCRIPTION, act, done_by
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem, ToolProblem
from gateway.schema.scalars import Long
from gateway.transactions.actions import Performed
from gateway.transactions.effects import scene_codes as effects


@strawberry.type(description="Who came by a code over some days, as the gateway heard of them.")
class SceneCodeScans:
    """Scans."""

    follows: Long = strawberry.field(description="Times that somebody followed by it (扫码关注).")
    scans: Long = strawberry.field(description="Times that a follower scanned it (已关注扫码).")


@strawberry.type(description="A QR code with a scene (带参数二维码).")
class SceneCode:
    """Code."""

    account: str = strawberry.field(description="appid.")
    scene: str = strawberry.field(description="What a scan tells (场景值): scene of the timeline's entries.")
    label: str = strawberry.field(description="What headquarters calls it; empty without.")
    ticket: str = strawberry.field(description="Its name at the platform.")
    url: str = strawberry.field(description="What the picture says, for those who draw it themselves.")
    image_url: str = strawberry.field(description="The picture (JPEG), open to everybody.")
    made_at: datetime = strawberry.field(description="When it was made.")
    expires_at: datetime | None = strawberry.field(description="When it ends; null for a permanent one (永久二维码).")

    @strawberry.field(
        description="Who came by its scene over 1 to 92 business days. Codes of one scene are counted together."
    )
    async def scans(
        self,
        info: Info,
        start: Annotated[
            date_type, strawberry.argument(name="from", description="The first business date (Asia/Shanghai).")
        ],
        until: Annotated[date_type, strawberry.argument(description="The business date after the last one.")],
    ) -> SceneCodeScans | None:
        scene_codes.span(start, until)
        found = await info.context.loaders.load(scene_codes.scans, Counted(self.account, self.scene, start, until))
        return SceneCodeScans(follows=Long(found.follows), scans=Long(found.scans))

    @classmethod
    def of(cls, record: SceneCodeRecord) -> SceneCode:
        return cls(
            account=record.appid,
            scene=record.scene,
            label=record.label,
            ticket=record.ticket,
            url=record.url,
            image_url=record.image_url,
            made_at=record.made_at,
            expires_at=record.expires_at,
        )


@strawberry.input(description="A QR code to make: for a while, or for ever.")
class SceneCodeCreateInput:
    """Code."""

    scene: str = strawberry.field(description="What a scan is to tell (场景值), 1 to 64 characters.")
    label: str = strawberry.field(description="What you call it, 64 characters at most.", default="")
    lifetime: int = strawberry.field(description="Seconds that it works, 60 to 2,592,000 (30 days).", default=2_592_000)
    permanent: bool = strawberry.field(
        description="For ever instead (永久二维码): one of the account's 100,000, and never given back.", default=False
    )
    account: str | None = strawberry.field(
        description="appid; the first official account of the settings without one.", default=None
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)


@strawberry.type(description="The code was made.")
class SceneCodeCreated:
    """Created."""

    transaction_id: strawberry.Private[str]
    key: strawberry.Private[tuple[str, str]]

    @strawberry.field(description="The code.")
    async def scene_code(self, info: Info) -> SceneCode | None:
        found = await info.context.loaders.load(scene_codes.by_keys, self.key)
        return None if found is None else SceneCode.of(found)

    transaction = done_by("The transaction that made it.")


SceneCodeCreateResult = Annotated[
    SceneCodeCreated | DomainProblem | ToolProblem,
    strawberry.union("SceneCodeCreateResult", description="The code, or why there is none."),
]


@strawberry.type(description="Questions about QR codes with a scene.")
class SceneCodeQueries:
    """Codes."""

    @strawberry.field(
        description="QR codes that the gateway made (带参数二维码), the newest first. Needs the scope members:write."
    )
    async def scene_codes(
        self,
        info: Info,
        account: Annotated[
            str | None, strawberry.argument(description="appid; all official accounts without one.")
        ] = None,
        scene: Annotated[str | None, strawberry.argument(description="Only codes of this scene.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[SceneCode] | None:
        page = await scene_codes.page(info.context, account, scene, args(first, after, last, before))
        return connect(page, SceneCode.of)


@strawberry.type(description="Mutations about QR codes with a scene.")
class SceneCodeMutations:
    """Codes."""

    @strawberry.mutation(
        description="Make a QR code (生成带参数的二维码) whose scan tells a scene: whoever scans it follows the"
        " account. Needs the scope members:write."
    )
    async def scene_code_create(
        self,
        info: Info,
        input: Annotated[SceneCodeCreateInput, strawberry.argument(description="The code.")],  # noqa: A002
    ) -> SceneCodeCreateResult:
        info.context.principal.require(scene_codes.SCOPE)
        asked = effects.Wanted(input.scene, input.label, None if input.permanent else input.lifetime, input.account)
        done = await act(info, effects.CREATE, asked, input.idempotency_key)
        if not isinstance(done, Performed):
            return done
        return SceneCodeCreated(transaction_id=done.transaction, key=(done.outcome.appid, done.outcome.ticket))
