"""Consent: what a member allows, its history, and mutations that record answers."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from gateway.members.consent import Answer, ConsentRefused, Purpose, Standing
from gateway.resolvers import consents
from gateway.resolvers.errors import UserError
from gateway.resolvers.paging import in_memory
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem, invalid


@strawberry.enum(description="What personal data may be used for (处理目的).")
class ConsentPurpose(Enum):
    """Purpose."""

    SERVICE = strawberry.enum_value("SERVICE", description="Serving the shopper; allowed by default.")
    MARKETING = strawberry.enum_value("MARKETING", description="Marketing messages (营销).")
    PROFILING = strawberry.enum_value(
        "PROFILING", description="Personal recommendations (个性化推荐); without it offers are not personalised."
    )
    AD_MATCHING = strawberry.enum_value(
        "AD_MATCHING", description="Matching with 腾讯广告: conversions and audiences; a consent of its own (单独同意)."
    )
    SHARE_FRANCHISEE = strawberry.enum_value("SHARE_FRANCHISEE", description="Sharing with a franchisee (加盟商).")


assert [each.name for each in ConsentPurpose] == [each.name for each in Purpose]  # noqa: S101 — two lists would drift


@strawberry.type(description="One answer about a purpose, as it was recorded.")
class ConsentAnswer:
    """Answer."""

    record: strawberry.Private[Answer]
    given: bool = strawberry.field(description="True for 同意, false for 撤回.")
    at: datetime = strawberry.field(description="When the shopper answered.")
    policy_version: str = strawberry.field(description="Version of the privacy policy (隐私政策) that was shown.")
    channel: str = strawberry.field(description="Where it was taken, such as MINI_PROGRAM or STORE; MERGE for a merge.")
    guardian: bool = strawberry.field(description="Whether a guardian (监护人) answered.")
    recorded_at: datetime = strawberry.field(description="When the gateway recorded it.")
    recorded_by: str = strawberry.field(description="Which caller recorded it; session for the shopper.")

    @strawberry.field(description="What proves it (证明); null without the scope pii:read.")
    async def proof(self, info: Info) -> str | None:
        if not info.context.principal.sees_personal_data or not self.record.id:
            return None
        return await info.context.loaders.load(consents.proofs, self.record.id)

    @classmethod
    def of(cls, record: Answer) -> ConsentAnswer:
        return cls(
            record=record,
            given=record.given,
            at=record.at,
            policy_version=record.policy_version,
            channel=record.channel,
            guardian=record.guardian,
            recorded_at=record.recorded_at,
            # Behind it stands our id of the member whose session it was, which says nothing new.
            recorded_by=record.recorded_by.partition(":")[0],
        )


@strawberry.type(description="Where a purpose stands for a member (同意状态).")
class Consent:
    """Consent."""

    record: strawberry.Private[Standing]
    purpose: ConsentPurpose = strawberry.field(description="For what.")
    given: bool = strawberry.field(description="Whether it is allowed now.")
    guardian_missing: bool = strawberry.field(
        description="Whether it was given by a member under 14 alone, so that it does not count (需监护人同意)."
    )
    since: datetime | None = strawberry.field(description="Since when; null when nobody was asked.")
    policy_version: str | None = strawberry.field(description="Version of the privacy policy that was shown.")
    channel: str | None = strawberry.field(description="Where the last answer was taken.")

    @strawberry.field(description="Every answer, newest first (同意记录).")
    async def history(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[ConsentAnswer]:
        newest = self.record.history[0] if self.record.history else None
        # A new answer moves every place; its own id in the scope makes an old cursor a known mistake.
        scope = f"consent.history:{newest and (newest.member, newest.id)}:{self.record.purpose}"
        page = in_memory(info.context, scope, self.record.history, args(first, after, last, before))
        return connect(page, ConsentAnswer.of)

    @classmethod
    def of(cls, record: Standing) -> Consent:
        return cls(
            record=record,
            purpose=ConsentPurpose[record.purpose.name],
            given=record.given,
            guardian_missing=record.guardian_missing,
            since=record.since,
            policy_version=record.policy_version,
            channel=record.channel,
        )


@strawberry.input(description="What the shopper allows, or no longer allows.")
class ConsentRecordInput:
    """Consent."""

    purpose: ConsentPurpose = strawberry.field(description="For what.")
    given: bool = strawberry.field(description="True to allow, false to withdraw.")
    policy_version: str = strawberry.field(description="Version of the privacy policy shown, 40 characters at most.")
    guardian: bool = strawberry.field(
        description="True when a guardian (监护人) answers; needed to allow anything for a member under 14.",
        default=False,
    )
    idempotency_key: str | None = strawberry.field(
        description="The same key again is the same answer, also when another one came between.", default=None
    )


@strawberry.input(description="What a shopper said in a shop, on the phone, or to an older system.")
class MemberConsentRecordInput:
    """Consent."""

    member: strawberry.ID = strawberry.field(description="Whose answer.")
    purpose: ConsentPurpose = strawberry.field(description="For what.")
    given: bool = strawberry.field(description="True to allow, false to withdraw.")
    policy_version: str = strawberry.field(description="Version of the privacy policy shown, 40 characters at most.")
    channel: str = strawberry.field(description="Where it was taken, such as STORE, PHONE or IMPORT.")
    proof: str = strawberry.field(
        description="What proves it: a form's number, a recording; 4,000 characters at most. Stored sealed."
    )
    given_at: datetime | None = strawberry.field(
        description="When it was answered, for what was taken earlier; now by default. A newer answer stands.",
        default=None,
    )
    guardian: bool = strawberry.field(
        description="True when a guardian (监护人) answered; needed to allow anything for a member under 14.",
        default=False,
    )
    idempotency_key: str | None = strawberry.field(
        description="The same key of the same caller again is the same answer.", default=None
    )


@strawberry.input(description="What staff know of a member's age.")
class MemberMinorSetInput:
    """Minor."""

    member: strawberry.ID = strawberry.field(description="Who.")
    minor: bool = strawberry.field(description="Whether they are under 14 (未满十四周岁); outweighs a birthday.")


@strawberry.type(description="What staff know of a member's age, as recorded.")
class MemberMinor:
    """Minor."""

    minor: bool = strawberry.field(description="Whether a guardian must answer.")


ConsentResult = Annotated[
    Consent | DomainProblem,
    strawberry.union("ConsentResult", description="The purpose as it stands now, or why nothing was recorded."),
]
MemberMinorResult = Annotated[
    MemberMinor | DomainProblem,
    strawberry.union("MemberMinorResult", description="What was recorded, or why it was not."),
]


@strawberry.type(description="Mutations about consent.")
class ConsentMutations:
    """Consent."""

    @strawberry.mutation(description="Record what the shopper of this session allows (同意或撤回).")
    async def consent_record(
        self,
        info: Info,
        input: Annotated[ConsentRecordInput, strawberry.argument(description="The consent.")],  # noqa: A002
    ) -> ConsentResult:
        given = consents.GivenRecord(
            purpose=input.purpose.name,
            given=input.given,
            policy_version=input.policy_version,
            guardian=input.guardian,
            key=input.idempotency_key or "",
        )
        try:
            return Consent.of(await consents.record_own(info.context, given))
        except (ConsentRefused, UserError) as error:
            return invalid(error)

    @strawberry.mutation(
        description="Record what a shopper said to staff or to another system (代录同意). Needs consents:write."
    )
    async def member_consent_record(
        self,
        info: Info,
        input: Annotated[MemberConsentRecordInput, strawberry.argument(description="The consent.")],  # noqa: A002
    ) -> ConsentResult:
        given = consents.GivenRecord(
            purpose=input.purpose.name,
            given=input.given,
            policy_version=input.policy_version,
            guardian=input.guardian,
            key=input.idempotency_key or "",
            member=input.member,
            channel=input.channel,
            proof=input.proof,
            at=input.given_at,
        )
        try:
            return Consent.of(await consents.record_for(info.context, given))
        except (ConsentRefused, UserError) as error:
            return invalid(error)

    @strawberry.mutation(description="Say whether a member is under 14 (未成年标记). Needs consents:write.")
    async def member_minor_set(
        self,
        info: Info,
        input: Annotated[MemberMinorSetInput, strawberry.argument(description="Who, and whether.")],  # noqa: A002
    ) -> MemberMinorResult:
        try:
            await consents.set_minor(info.context, input.member, is_minor=input.minor)
        except (ConsentRefused, UserError) as error:
            return invalid(error)
        return MemberMinor(minor=input.minor)
