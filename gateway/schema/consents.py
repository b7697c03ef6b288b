"""Consent mutations."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import strawberry

from gateway.resolvers import consents
from gateway.resolvers.errors import UserError
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem


@strawberry.enum(description="What personal data may be used for (处理目的).")
class ConsentPurpose(Enum):
    """Purpose."""

    SERVICE = strawberry.enum_value("SERVICE", description="Serving the shopper; allowed by default.")
    MARKETING = strawberry.enum_value("MARKETING", description="Marketing messages (营销).")
    PROFILING = strawberry.enum_value("PROFILING", description="Personal recommendations (个性化推荐).")
    AD_MATCHING = strawberry.enum_value("AD_MATCHING", description="Reporting conversions to 腾讯广告.")
    SHARE_FRANCHISEE = strawberry.enum_value("SHARE_FRANCHISEE", description="Sharing with a franchisee (加盟商).")


assert {purpose.name for purpose in ConsentPurpose} == set(consents.PURPOSES)  # noqa: S101 — two lists would drift


@strawberry.input(description="What the shopper allows, or no longer allows.")
class ConsentRecordInput:
    """Consent."""

    purpose: ConsentPurpose = strawberry.field(description="For what.")
    given: bool = strawberry.field(description="True to allow, false to withdraw.")
    policy_version: str = strawberry.field(description="Version of the privacy policy that was shown.")


@strawberry.type(description="A consent as recorded.")
class Consent:
    """Consent."""

    purpose: ConsentPurpose = strawberry.field(description="For what.")
    given: bool = strawberry.field(description="Whether it is allowed now.")


ConsentResult = Annotated[
    Consent | DomainProblem,
    strawberry.union("ConsentResult", description="The consent as recorded, or why it was not."),
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
        try:
            await consents.record(info.context, input.purpose.name, input.policy_version, given=input.given)
        except UserError as error:
            return DomainProblem(code=error.code, message=str(error), retryable=False)
        return Consent(purpose=input.purpose, given=input.given)
