"""Audiences (人群) of 腾讯广告: what they are, and the files that fill them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from adapters.social_ads import Audience as AudienceRecord
from adapters.social_ads import AudienceFile as FileRecord
from gateway.resolvers import audiences, ids
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.info import Info
from gateway.schema.scalars import Long


@strawberry.type(description="An audience (人群) of an ad account, as the platform has it now.")
class Audience:
    """Audience."""

    key: strawberry.Private[audiences.Key]
    id: strawberry.ID = strawberry.field(description="Global id.")
    account: str = strawberry.field(description="The ad account (广告主账号) that has it.")
    name: str = strawberry.field(description="Its name (人群名称).")
    kind: str = strawberry.field(
        description="The platform's word (人群类型): CUSTOMER_FILE is filled with members (号码包); LOOKALIKE and"
        " others are the platform's own."
    )
    status: str = strawberry.field(
        description="The platform's word (人群状态): PENDING, PROCESSING, SUCCESS, ERROR, FROZEN, THAWING or LOCKING."
    )
    online: bool = strawberry.field(description="Whether ads can aim at it (人群上线状态).")
    users: Long = strawberry.field(
        description="People whom the platform found (覆盖人数); it lags behind the files, and has others in it too."
    )
    error_code: int | None = strawberry.field(description="The platform's number of what is wrong; null for nothing.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it last changed.")

    @strawberry.field(description="Members whom the gateway has handed over and not taken out, by its own rows.")
    async def handed_over(self, info: Info) -> Long:
        return Long(await info.context.loaders.load(audiences.members_in, self.key))

    @classmethod
    def of(cls, account: str, record: AudienceRecord) -> Audience:
        native = str(record.audience_id)
        return cls(
            key=(account, native),
            id=strawberry.ID(ids.encode("au", native, account)),
            account=account,
            name=record.name,
            kind=record.kind,
            status=record.status,
            online=record.online,
            users=Long(record.users),
            error_code=record.error_code or None,
            created_at=record.created_at,
            updated_at=record.updated_at,
        )


@strawberry.type(description="A file of ids (号码包文件), and how far the platform is with it.")
class AudienceFile:
    """File."""

    file_id: str = strawberry.field(description="The platform's number (custom_audience_file_id).")
    status: str = strawberry.field(description="The platform's word (处理状态): PENDING, PROCESSING, SUCCESS or ERROR.")
    removes: bool = strawberry.field(description="Whether it takes people out (REDUCE) or adds them (APPEND).")
    id_type: str = strawberry.field(description="Kind of its ids (user_id_type), such as SHA256_MOBILE_PHONE.")
    lines: Long = strawberry.field(description="Lines (总行数); 0 until it is processed.")
    valid_lines: Long = strawberry.field(description="Lines that have the form of an id (有效行数).")
    users: Long = strawberry.field(description="People whom the platform found (匹配人数).")
    error_code: int | None = strawberry.field(description="The platform's number of what is wrong; null for nothing.")
    created_at: datetime = strawberry.field(description="When it was sent.")

    @classmethod
    def of(cls, record: FileRecord) -> AudienceFile:
        return cls(
            file_id=str(record.file_id),
            status=record.status,
            removes=record.removes,
            id_type=record.id_type,
            lines=Long(record.lines),
            valid_lines=Long(record.valid_lines),
            users=Long(record.users),
            error_code=record.error_code or None,
            created_at=record.created_at,
        )


@strawberry.type(description="Questions about audiences.")
class AudienceQueries:
    """Audiences."""

    @strawberry.field(
        description="Audiences (人群) of an ad account: live, forward only, one call per hundred. Needs the scope"
        " ads:read."
    )
    async def audiences(
        self,
        info: Info,
        account: Annotated[
            str | None, strawberry.argument(description="The ad account; the first one of the settings without it.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Audience] | None:
        page = await audiences.page(info.context, account, args(first, after, last, before))
        return connect(page, lambda each: Audience.of(*each))

    @strawberry.field(description="An audience: live, one call; null for none. Needs the scope ads:read.")
    async def audience(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The audience.")],  # noqa: A002
    ) -> Audience | None:
        key = audiences.decode(id)
        found = await audiences.one(info.context, key)
        return None if found is None else Audience.of(key[0], found)

    @strawberry.field(
        description="Files of an audience (号码包文件): live, forward only, one call per hundred. Needs the scope"
        " ads:read."
    )
    async def audience_files(
        self,
        info: Info,
        audience: Annotated[strawberry.ID, strawberry.argument(description="The audience.")],
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[AudienceFile] | None:
        key = audiences.decode(audience)
        page = await audiences.files(info.context, key, args(first, after, last, before))
        return connect(page, AudienceFile.of)
