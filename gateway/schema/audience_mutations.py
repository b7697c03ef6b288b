"""Audiences (人群) of 腾讯广告: made, filled with members, emptied of them, renamed, deleted."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any, Final

import strawberry
from strawberry import Parent

from gateway.resolvers import audiences, ids
from gateway.resolvers.errors import UserError
from gateway.schema.acting import KEY_DESCRIPTION, act, done_by
from gateway.schema.audiences import Audience, AudienceFile
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem, ToolProblem, invalid
from gateway.schema.search import MemberFilter
from gateway.transactions.actions import Performed
from gateway.transactions.effects import audiences as effects


@strawberry.enum(description="By which kind of id the platform is told of members.")
class AudienceIdKind(Enum):
    """Ids."""

    PHONE = strawberry.enum_value("PHONE", description="手机号 that was verified, hashed by SHA-256.")
    UNIONID = strawberry.enum_value("UNIONID", description="unionid, in clear, as the platform wants it.")
    OPENID = strawberry.enum_value("OPENID", description="openid in one app, in clear, as the platform wants it.")


#: In the platform's words (user_id_type).
_ID_TYPES: Final = {"PHONE": "SHA256_MOBILE_PHONE", "UNIONID": "WX_UNIONID", "OPENID": "WECHAT_OPENID"}


@strawberry.input(description="A new audience (创建人群).")
class AudienceCreateInput:
    """创建."""

    name: str = strawberry.field(description="Its name (人群名称).")
    description: str | None = strawberry.field(description="What it is for (人群描述).", default=None)
    account: str | None = strawberry.field(
        description="The ad account; the first one of the settings without it.", default=None
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)


@strawberry.input(description="Other words for an audience (修改人群).")
class AudienceUpdateInput:
    """修改."""

    audience: strawberry.ID = strawberry.field(description="The audience.")
    name: str | None = strawberry.field(description="Its new name; left out, it keeps its own.", default=None)
    description: str | None = strawberry.field(
        description="Its new description; left out, it keeps its own.", default=None
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)


@strawberry.input(description="An audience that is not needed any more (删除人群).")
class AudienceDeleteInput:
    """删除."""

    audience: strawberry.ID = strawberry.field(description="The audience.")
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)


@strawberry.input(description="Members to take out of an audience (人群包减量). Give either members or filter.")
class AudienceReduceInput:
    """减量."""

    audience: strawberry.ID = strawberry.field(description="The audience.")
    members: list[strawberry.ID] | None = strawberry.field(description="1 to 10,000 members.", default=None)
    filter: MemberFilter | None = strawberry.field(
        description="Whom the query members finds by it, the first 10,000; an empty filter is everybody.", default=None
    )
    after: str | None = strawberry.field(
        description="With filter: where the answer before says to go on.", default=None
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def wanted(self) -> effects.Wanted:
        """As the action takes it. Raises UserError for an id that is none."""
        return _wanted(self)


@strawberry.input(description="Members to hand over to an audience (人群包上传). Give either members or filter.")
class AudienceUploadInput:
    """上传."""

    audience: strawberry.ID = strawberry.field(description="The audience, of the kind CUSTOMER_FILE.")
    members: list[strawberry.ID] | None = strawberry.field(description="1 to 10,000 members.", default=None)
    filter: MemberFilter | None = strawberry.field(
        description="Whom the query members finds by it, the first 10,000; an empty filter is everybody.", default=None
    )
    after: str | None = strawberry.field(
        description="With filter: where the answer before says to go on.", default=None
    )
    ids: AudienceIdKind = strawberry.field(
        description="By which kind of id the platform is told of them.", default=AudienceIdKind.PHONE
    )
    app: str | None = strawberry.field(description="appid of the openids; with OPENID only.", default=None)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def wanted(self) -> effects.Wanted:
        """As the action takes it. Raises UserError for an id that is none."""
        return _wanted(self, id_type=_ID_TYPES[self.ids.name], appid=self.app or "")


def _wanted(given: AudienceReduceInput | AudienceUploadInput, **more: str) -> effects.Wanted:
    account, audience = audiences.decode(given.audience)
    return effects.Wanted(
        account=account,
        audience=audience,
        members=None if given.members is None else tuple(ids.decode_as("mb", each)[1] for each in given.members),
        # What a cursor is bound to names all that is given.
        filter="" if given.filter is None else given.filter.criteria(None).scope,
        after=given.after or "",
        **more,
    )


def _find(info: Info, given: AudienceReduceInput | AudienceUploadInput) -> effects.Find | None:
    if given.filter is None:
        return None
    return audiences.finder(info.context, given.filter.criteria(None), given.after)


@strawberry.type(description="Members who stayed here.")
class AudienceWithheld:
    """Withheld."""

    reason: str = strawberry.field(
        description="NO_CONSENT (AD_MATCHING was not given), UNDER_AGE, ERASED, UNKNOWN_MEMBER; or NO_ID: nothing is"
        " known that the platform could find them by."
    )
    members: int = strawberry.field(description="How many.")


async def _audience(root: Parent[Any], info: Info) -> Audience | None:
    found = await info.context.loaders.load(audiences.by_key, root.key)
    return None if found is None else Audience.of(root.key[0], found)


@strawberry.type(description="An audience that was made; nobody is in it yet.")
class AudienceCreated:
    """Created."""

    key: strawberry.Private[audiences.Key]
    transaction_id: strawberry.Private[str]
    id: strawberry.ID = strawberry.field(description="The audience's id.")
    audience = strawberry.field(resolver=_audience, description="The audience: live.")
    transaction = done_by("The transaction that made it.")


@strawberry.type(description="An audience that was renamed or described.")
class AudienceUpdated:
    """Updated."""

    key: strawberry.Private[audiences.Key]
    transaction_id: strawberry.Private[str]
    audience = strawberry.field(resolver=_audience, description="The audience: live.")
    transaction = done_by("The transaction that did it.")


@strawberry.type(description="An audience that is gone.")
class AudienceDeleted:
    """Deleted."""

    transaction_id: strawberry.Private[str]
    id: strawberry.ID = strawberry.field(description="The id that it had.")
    transaction = done_by("The transaction that deleted it.")


@strawberry.type(description="Members who were handed over, and those who stayed here.")
class AudienceUploaded:
    """Uploaded."""

    key: strawberry.Private[audiences.Key]
    file_id: strawberry.Private[str | None]
    transaction_id: strawberry.Private[str]
    handed_over: int = strawberry.field(description="How many members are in the file.")
    withheld: list[AudienceWithheld] = strawberry.field(description="How many stayed here, by reason.")
    next: str | None = strawberry.field(
        description="With filter: after for the next request; null when all were reached."
    )
    audience = strawberry.field(resolver=_audience, description="The audience: live.")
    transaction = done_by("The transaction that did it.")

    @strawberry.field(
        description="The file, and how far the platform is with it now: live. Null where nobody could be handed over."
    )
    async def file(self, info: Info) -> AudienceFile | None:
        if self.file_id is None:
            return None
        found = await info.context.loaders.load(audiences.file_by_key, (*self.key, self.file_id))
        return None if found is None else AudienceFile.of(found)


@strawberry.type(description="Members who were taken out.")
class AudienceReduced:
    """Reduced."""

    key: strawberry.Private[audiences.Key]
    file_ids: strawberry.Private[tuple[str, ...]]
    transaction_id: strawberry.Private[str]
    removed: int = strawberry.field(
        description="How many were taken out: those of the named members whom the gateway had handed over."
    )
    next: str | None = strawberry.field(
        description="With filter: after for the next request; null when all were reached."
    )
    audience = strawberry.field(resolver=_audience, description="The audience: live.")
    transaction = done_by("The transaction that did it.")

    @strawberry.field(description="The files that did it, one per kind of id by which they were in it: live.")
    async def files(self, info: Info) -> list[AudienceFile]:
        keys = [(*self.key, each) for each in self.file_ids]
        found = await info.context.loaders.load_many(audiences.file_by_key, keys)
        return [AudienceFile.of(each) for each in found if each is not None]


AudienceCreateResult = Annotated[
    AudienceCreated | DomainProblem | ToolProblem,
    strawberry.union("AudienceCreateResult", description="The audience, or why there is none."),
]
AudienceUpdateResult = Annotated[
    AudienceUpdated | DomainProblem | ToolProblem,
    strawberry.union("AudienceUpdateResult", description="The audience, or why it stayed as it was."),
]
AudienceDeleteResult = Annotated[
    AudienceDeleted | DomainProblem | ToolProblem,
    strawberry.union("AudienceDeleteResult", description="What is gone, or why nothing is."),
]
AudienceUploadResult = Annotated[
    AudienceUploaded | DomainProblem | ToolProblem,
    strawberry.union("AudienceUploadResult", description="Who was handed over, or why nobody was."),
]
AudienceReduceResult = Annotated[
    AudienceReduced | DomainProblem | ToolProblem,
    strawberry.union("AudienceReduceResult", description="Who was taken out, or why nobody was."),
]


@strawberry.type(description="Mutations about audiences.")
class AudienceMutations:
    """Audiences."""

    @strawberry.mutation(
        description="Make an audience that is to be filled with members (创建号码包人群). Needs the scope"
        " audiences:write."
    )
    async def audience_create(
        self,
        info: Info,
        input: Annotated[AudienceCreateInput, strawberry.argument(description="What it is called.")],  # noqa: A002
    ) -> AudienceCreateResult:
        info.context.principal.require(audiences.WRITE)
        asked = effects.Make(input.name, input.description or "", input.account or "")
        done = await act(info, effects.CREATE, asked, input.idempotency_key)
        if not isinstance(done, Performed):
            return done
        made = done.outcome
        return AudienceCreated(
            key=(made.account, made.audience),
            transaction_id=done.transaction,
            id=strawberry.ID(ids.encode("au", made.audience, made.account)),
        )

    @strawberry.mutation(
        description="Rename or describe an audience (修改人群). Repeating it is harmless. Needs the scope"
        " audiences:write."
    )
    async def audience_update(
        self,
        info: Info,
        input: Annotated[AudienceUpdateInput, strawberry.argument(description="Which, and how.")],  # noqa: A002
    ) -> AudienceUpdateResult:
        info.context.principal.require(audiences.WRITE)
        try:
            key = audiences.decode(input.audience)
        except UserError as error:
            return invalid(error)
        asked = effects.Change(*key, input.name, input.description)
        done = await act(info, effects.UPDATE, asked, input.idempotency_key)
        return AudienceUpdated(key=key, transaction_id=done.transaction) if isinstance(done, Performed) else done

    @strawberry.mutation(
        description="Delete an audience for good (删除人群): ads that aim at it lose it. Needs the scope"
        " audiences:write."
    )
    async def audience_delete(
        self,
        info: Info,
        input: Annotated[AudienceDeleteInput, strawberry.argument(description="Which.")],  # noqa: A002
    ) -> AudienceDeleteResult:
        info.context.principal.require(audiences.WRITE)
        try:
            key = audiences.decode(input.audience)
        except UserError as error:
            return invalid(error)
        done = await act(info, effects.DELETE, effects.Change(*key), input.idempotency_key)
        if not isinstance(done, Performed):
            return done
        return AudienceDeleted(transaction_id=done.transaction, id=input.audience)

    @strawberry.mutation(
        description="Hand members over to an audience (人群包上传), as one file: those who have given the consent"
        " AD_MATCHING and are known by such an id. Whoever withdraws it is taken out again. Needs the scope"
        " audiences:write, and with filter members:read."
    )
    async def audience_upload(
        self,
        info: Info,
        input: Annotated[AudienceUploadInput, strawberry.argument(description="Whom, to where.")],  # noqa: A002
    ) -> AudienceUploadResult:
        info.context.principal.require(audiences.WRITE)
        try:
            asked, find = input.wanted(), _find(info, input)
        except UserError as error:
            return invalid(error)
        action = effects.UPLOAD if find is None else effects.uploading(find)
        done = await act(info, action, asked, input.idempotency_key)
        if not isinstance(done, Performed):
            return done
        filled = done.outcome
        return AudienceUploaded(
            key=(filled.account, filled.audience),
            file_id=filled.file,
            transaction_id=done.transaction,
            handed_over=filled.handed,
            withheld=[AudienceWithheld(reason=reason, members=number) for reason, number in filled.withheld.items()],
            next=filled.after,
        )

    @strawberry.mutation(
        description="Take members out of an audience (人群包减量): those whom the gateway handed over; the platform is"
        " told of nobody else. Repeating it is harmless. Needs the scope audiences:write, and with filter members:read."
    )
    async def audience_reduce(
        self,
        info: Info,
        input: Annotated[AudienceReduceInput, strawberry.argument(description="Whom, from where.")],  # noqa: A002
    ) -> AudienceReduceResult:
        info.context.principal.require(audiences.WRITE)
        try:
            asked, find = input.wanted(), _find(info, input)
        except UserError as error:
            return invalid(error)
        action = effects.REDUCE if find is None else effects.reducing(find)
        done = await act(info, action, asked, input.idempotency_key)
        if not isinstance(done, Performed):
            return done
        emptied = done.outcome
        return AudienceReduced(
            key=(emptied.account, emptied.audience),
            file_ids=emptied.files,
            transaction_id=done.transaction,
            removed=emptied.removed,
            next=emptied.after,
        )
