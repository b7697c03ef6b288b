"""Mutations about who is who."""

from __future__ import annotations

from collections.abc import Awaitable
from enum import Enum
from typing import Annotated

import strawberry

from adapters.base.errors import UpstreamError
from gateway.members.answers import Decided, Refusal
from gateway.members.decisions import Decision
from gateway.members.phones import Resolution
from gateway.resolvers import decisions, ids, members, review_cases
from gateway.resolvers.errors import UserError
from gateway.schema.identities import IdentityInput
from gateway.schema.info import Info
from gateway.schema.members import Member
from gateway.schema.problems import DomainProblem, Problem, ToolProblem, invalid, tool_problem
from gateway.schema.review_cases import ReviewCase, ReviewCaseDecision


@strawberry.enum(description="What to do with a phone that another member has.")
class PhoneResolution(Enum):
    """Resolution."""

    MERGE = strawberry.enum_value("MERGE", description="合并: both members are the shopper.")
    TRANSFER = strawberry.enum_value(
        "TRANSFER", description="二次放号: the number has changed hands, the other loses it."
    )


@strawberry.type(description="The phone is another member's (手机号已绑定其他会员); nothing was done.")
class PhoneBoundElsewhere(Problem):
    """Phone bound elsewhere."""

    resolutions: list[PhoneResolution] = strawberry.field(
        description="Which answers are possible: call again with the same code and one of them, within ten minutes."
    )


@strawberry.input(description="An identity that is the member's.")
class IdentityLinkInput:
    """Identity link."""

    member: strawberry.ID = strawberry.field(description="The member.")
    identity: IdentityInput = strawberry.field(description="The name that leads to them from now on.")
    reason: str = strawberry.field(description="Why, for the audit; 1 to 200 characters, no personal data.")


@strawberry.input(description="An identity that is not the member's.")
class IdentityUnlinkInput:
    """Identity unlink."""

    member: strawberry.ID = strawberry.field(description="The member that it leads to.")
    identity: strawberry.ID = strawberry.field(description="The identity's id.")
    reason: str = strawberry.field(description="Why, for the audit; 1 to 200 characters, no personal data.")


@strawberry.input(description="Two members who are one person.")
class MemberMergeInput:
    """Member merge."""

    member: strawberry.ID = strawberry.field(description="One of them.")
    other: strawberry.ID = strawberry.field(description="The other; the older of the two keeps its id.")
    reason: str = strawberry.field(description="Why, for the audit; 1 to 200 characters, no personal data.")


@strawberry.input(description="A member who was merged and is somebody else.")
class MemberUnmergeInput:
    """Member unmerge."""

    part: strawberry.ID = strawberry.field(description="The id that lost the merge.")
    reason: str = strawberry.field(description="Why, for the audit; 1 to 200 characters, no personal data.")


@strawberry.input(description="The answer to a review case.")
class ReviewCaseDecideInput:
    """Review case decision."""

    case: strawberry.ID = strawberry.field(description="The case.")
    decision: ReviewCaseDecision = strawberry.field(description="The answer.")
    reason: str = strawberry.field(description="Why, for the audit; 1 to 200 characters, no personal data.")


@strawberry.input(description="A shopper's own phone.")
class MemberPhoneBindInput:
    """Phone bind."""

    code: str = strawberry.field(description="What the phone-number button (getPhoneNumber) gave; lives five minutes.")
    resolution: PhoneResolution | None = strawberry.field(
        description="What to do where PHONE_BOUND_ELSEWHERE was answered.", default=None
    )


@strawberry.type(description="Who is who after a decision.")
class MemberDecision:
    """Decision."""

    member_id: strawberry.Private[str | None]
    other_id: strawberry.Private[str | None]

    @strawberry.field(description="The member in question, as they are now.")
    async def member(self, info: Info) -> Member | None:
        return await _member(info, self.member_id)

    @strawberry.field(description="Whoever was parted from them; null where nobody was.")
    async def other(self, info: Info) -> Member | None:
        return await _member(info, self.other_id)


async def _member(info: Info, member_id: str | None) -> Member | None:
    record = None if member_id is None else await members.one(info.context, member_id, live=False)
    return None if record is None else Member.of(info, record)


@strawberry.type(description="A review case as answered.")
class ReviewCaseDecided(MemberDecision):
    """Decided."""

    case_id: strawberry.Private[str]

    @strawberry.field(description="The case.")
    async def case(self, info: Info) -> ReviewCase | None:
        record = await info.context.loaders.load(review_cases.by_ids, self.case_id)
        return None if record is None else ReviewCase.of(record)


IdentityLinkResult = Annotated[
    MemberDecision | DomainProblem,
    strawberry.union("IdentityLinkResult", description="The member with the identity, or why not."),
]
IdentityUnlinkResult = Annotated[
    MemberDecision | DomainProblem,
    strawberry.union("IdentityUnlinkResult", description="The member without the identity, or why not."),
]
MemberMergeResult = Annotated[
    MemberDecision | DomainProblem,
    strawberry.union("MemberMergeResult", description="The one member, or why there are still two."),
]
MemberUnmergeResult = Annotated[
    MemberDecision | DomainProblem,
    strawberry.union("MemberUnmergeResult", description="The two members, or why there is still one."),
]
ReviewCaseDecideResult = Annotated[
    ReviewCaseDecided | DomainProblem,
    strawberry.union("ReviewCaseDecideResult", description="The case as answered, or why not."),
]
MemberPhoneBindResult = Annotated[
    MemberDecision | PhoneBoundElsewhere | DomainProblem | ToolProblem,
    strawberry.union("MemberPhoneBindResult", description="The shopper with the phone, or why not."),
]


def _decision(given: ReviewCaseDecision) -> Decision:
    return "SAME_PERSON" if given is ReviewCaseDecision.SAME_PERSON else "DIFFERENT_PEOPLE"


def _resolution(given: PhoneResolution | None) -> Resolution | None:
    if given is None:
        return None
    return "MERGE" if given is PhoneResolution.MERGE else "TRANSFER"


async def _answer(work: Awaitable[Decided | Refusal]) -> MemberDecision | DomainProblem:
    try:
        found = await work
    except UserError as error:
        return invalid(error)
    if isinstance(found, Refusal):
        return DomainProblem(code=found.code, message=found.message, retryable=False)
    return MemberDecision(member_id=found.member, other_id=found.other)


@strawberry.type(description="Mutations about who is who.")
class DecisionMutations:
    """Decisions."""

    @strawberry.mutation(description="Let an identity lead to a member (关联). Needs the scope members:write.")
    async def identity_link(
        self,
        info: Info,
        input: Annotated[IdentityLinkInput, strawberry.argument(description="Whose it is.")],  # noqa: A002
    ) -> IdentityLinkResult:
        name = (input.identity.kind.name, input.identity.issuer, input.identity.value)
        return await _answer(decisions.link(info.context, input.member, name, input.reason))

    @strawberry.mutation(
        description="Take an identity away from a member (解除关联); platforms cannot undo it. Scope members:write."
    )
    async def identity_unlink(
        self,
        info: Info,
        input: Annotated[IdentityUnlinkInput, strawberry.argument(description="Whose it is not.")],  # noqa: A002
    ) -> IdentityUnlinkResult:
        return await _answer(decisions.unlink(info.context, input.member, input.identity, input.reason))

    @strawberry.mutation(description="Make two members one (合并会员). Needs the scope members:write.")
    async def member_merge(
        self,
        info: Info,
        input: Annotated[MemberMergeInput, strawberry.argument(description="The two members.")],  # noqa: A002
    ) -> MemberMergeResult:
        return await _answer(decisions.merge(info.context, input.member, input.other, input.reason))

    @strawberry.mutation(
        description="Undo a merge (拆分会员): both have their ids, names and history again. Needs members:write."
    )
    async def member_unmerge(
        self,
        info: Info,
        input: Annotated[MemberUnmergeInput, strawberry.argument(description="Who is somebody else.")],  # noqa: A002
    ) -> MemberUnmergeResult:
        return await _answer(decisions.unmerge(info.context, input.part, input.reason))

    @strawberry.mutation(description="Answer a review case (核实). Needs the scope members:write.")
    async def review_case_decide(
        self,
        info: Info,
        input: Annotated[ReviewCaseDecideInput, strawberry.argument(description="The answer.")],  # noqa: A002
    ) -> ReviewCaseDecideResult:
        work = decisions.decide(info.context, input.case, _decision(input.decision), input.reason)
        found = await _answer(work)
        if isinstance(found, DomainProblem):
            return found
        case = ids.decode_as("rc", input.case)[1]
        return ReviewCaseDecided(member_id=found.member_id, other_id=found.other_id, case_id=case)

    @strawberry.mutation(
        description="Bind the phone that WeChat vouches for to the shopper of this session (绑定手机号)."
    )
    async def member_phone_bind(
        self,
        info: Info,
        input: Annotated[MemberPhoneBindInput, strawberry.argument(description="The phone.")],  # noqa: A002
    ) -> MemberPhoneBindResult:
        resolution = _resolution(input.resolution)
        try:
            found = await decisions.bind_phone(info.context, input.code, resolution)
        except UpstreamError as error:
            return tool_problem(error)
        except UserError as error:
            return invalid(error)
        if isinstance(found, Decided):
            return MemberDecision(member_id=found.member, other_id=found.other)
        if found.resolutions:
            return PhoneBoundElsewhere(
                code=found.code,
                message=found.message,
                retryable=False,
                resolutions=[PhoneResolution[each] for each in found.resolutions],
            )
        return DomainProblem(code=found.code, message=found.message, retryable=False)
