"""Review cases: questions about who is who, for headquarters."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from gateway.resolvers import ids, members, review_cases
from gateway.resolvers.review_cases import ReviewCaseRecord
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.identities import Identity
from gateway.schema.info import Info
from gateway.schema.members import Member
from gateway.schema.node import Node


@strawberry.enum(description="Why the rules ask a person.")
class ReviewCaseKind(Enum):
    """Reasons of gateway.members.partition."""

    TWO_UNIONIDS = strawberry.enum_value(
        "TWO_UNIONIDS", description="Evidence joins two unionids: two WeChats (两个微信)."
    )
    PHONE_SHARED = strawberry.enum_value(
        "PHONE_SHARED", description="Two WeChats have verified one phone (同一手机号)."
    )
    LIMIT_EXCEEDED = strawberry.enum_value(
        "LIMIT_EXCEEDED", description="One person would have more identities of a kind than identity.limits allows."
    )
    SHARED_VALUE = strawberry.enum_value("SHARED_VALUE", description="Too many people show one value (公用号码).")


@strawberry.enum(description="Whether a case waits for an answer.")
class ReviewCaseState(Enum):
    """State."""

    OPEN = strawberry.enum_value("OPEN", description="待核实: waits for an answer.")
    DECIDED = strawberry.enum_value("DECIDED", description="已核实: somebody answered.")
    OBSOLETE = strawberry.enum_value("OBSOLETE", description="已失效: the evidence that raised it went away.")


@strawberry.enum(description="The answer to a case.")
class ReviewCaseDecision(Enum):
    """Decision."""

    SAME_PERSON = strawberry.enum_value("SAME_PERSON", description="同一人: join them.")
    DIFFERENT_PEOPLE = strawberry.enum_value("DIFFERENT_PEOPLE", description="不同人: the evidence proves nothing.")


@strawberry.type(description="A question about who is who that only a person can answer (待核实).")
class ReviewCase(Node):
    """待核实."""

    record: strawberry.Private[ReviewCaseRecord]
    kind: ReviewCaseKind = strawberry.field(description="Why the rules ask.")
    state: ReviewCaseState = strawberry.field(description="Whether it waits for an answer.")
    opened_at: datetime = strawberry.field(description="When the question came up.")
    decision: ReviewCaseDecision | None = strawberry.field(description="The answer; null while there is none.")
    decided_at: datetime | None = strawberry.field(description="When it was answered.")
    decided_by: str | None = strawberry.field(description="Whose API key answered.")
    reason: str | None = strawberry.field(description="Why, in the words of whoever answered.")

    @strawberry.field(description="The identities that the question is about.")
    async def identities(self, info: Info) -> list[Identity]:
        found = await info.context.loaders.load_many(review_cases.evidence, list(self.record.evidence))
        shown = info.context.principal.sees_personal_data
        return [Identity.of(each[0], shown=shown) for each in found if each is not None]

    @strawberry.field(description="The members that these identities lead to now.")
    async def members(self, info: Info) -> list[Member]:
        found = await info.context.loaders.load_many(review_cases.evidence, list(self.record.evidence))
        wanted = sorted({each[1] for each in found if each is not None and each[1] is not None})
        records = await info.context.loaders.load_many(members.by_ids, wanted)
        return [Member.of(info, each) for each in records if each is not None]

    @classmethod
    def of(cls, record: ReviewCaseRecord) -> ReviewCase:
        return cls(
            id=strawberry.ID(ids.encode("rc", record.id)),
            record=record,
            kind=ReviewCaseKind[record.kind],
            state=ReviewCaseState[record.state],
            opened_at=record.opened_at,
            decision=None if record.decision is None else ReviewCaseDecision[record.decision],
            decided_at=record.decided_at,
            decided_by=record.decided_by,
            reason=record.reason,
        )


@strawberry.type(description="Fields about review cases.")
class ReviewCaseQueries:
    """Review cases."""

    @strawberry.field(description="Review cases (待核实), oldest first. Needs the scope members:write.")
    async def review_cases(
        self,
        info: Info,
        state: Annotated[ReviewCaseState | None, strawberry.argument(description="Only cases in this state.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[ReviewCase] | None:
        wanted = None if state is None else state.name
        page = await review_cases.page(info.context, wanted, args(first, after, last, before))
        return connect(page, ReviewCase.of)
