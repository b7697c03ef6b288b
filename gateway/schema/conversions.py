"""What the ad platform is told back: conversions (转化回传), and what became of leads (线索状态回传)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from gateway.resolvers import audiences, ids
from gateway.resolvers.errors import IdInvalid, UserError
from gateway.resolvers.paging import aware
from gateway.schema.acting import KEY_DESCRIPTION, act, ask, done_by
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem, ToolProblem, invalid
from gateway.schema.scalars import Long
from gateway.transactions.actions import Performed
from gateway.transactions.effects import conversions as effects
from gateway.transactions.effects import lead_statuses


@strawberry.input(description="Something that a member did (转化行为).")
class ConversionInput:
    """Conversion."""

    action: str = strawberry.field(
        description="The platform's word (行为类型): PURCHASE, COMPLETE_ORDER, RE_FUND, REGISTER, VISIT_STORE,"
        " CONFIRM_EFFECTIVE_LEADS …; CUSTOM is not possible."
    )
    at: datetime = strawberry.field(description="When it happened.")
    key: str = strawberry.field(
        description="Your own number of it, such as that of a receipt, 1 to 64 characters: the platform counts one key"
        " and action once (outer_action_id)."
    )
    value: Long | None = strawberry.field(description="Amount in fen, of a refund too.", default=None)
    click_id: str | None = strawberry.field(
        description="gdt_vid, else qz_gdt, of the landing page that they came by.", default=None
    )


@strawberry.input(description="What a member did where no checkout of the gateway saw it.")
class ConversionReportInput:
    """转化回传."""

    member: strawberry.ID = strawberry.field(description="Who.")
    conversions: list[ConversionInput] = strawberry.field(description="1 to 50 of them.")
    app: str | None = strawberry.field(
        description="appid whose openid the platform is told; the mini-program where they were seen last without it.",
        default=None,
    )
    account: str | None = strawberry.field(
        description="The ad account, by whose data source (数据源) it goes; the first one of the settings without it.",
        default=None,
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> effects.Wanted:
        """As the action takes it. Raises UserError."""
        return effects.Wanted(
            member=ids.decode_as("mb", self.member)[1],
            events=tuple(
                effects.Event(each.action, aware(each.at, "at"), each.key, each.value, each.click_id or "")
                for each in self.conversions
            ),
            app=self.app or "",
            account=self.account or "",
        )


@strawberry.type(description="A conversion that was not taken; the others were.")
class ConversionRefusal:
    """Refusal."""

    key: str = strawberry.field(description="Its key.")
    action: str = strawberry.field(description="Its action.")
    reason: str = strawberry.field(
        description="conversion: it lacks something, such as an openid or a click id; or as in docs/upstream-errors.md."
    )


@strawberry.type(description="Conversions that the platform took.")
class ConversionsReported:
    """Reported."""

    transaction_id: strawberry.Private[str]
    account: str = strawberry.field(description="The ad account.")
    reported: int = strawberry.field(
        description="How many were taken, now or under the same keys before. Whether an ad is credited is the"
        " platform's to say."
    )
    refused: list[ConversionRefusal] = strawberry.field(description="Those that were not.")
    transaction = done_by("The transaction that did it.")


@strawberry.input(description="What became of a lead.")
class LeadStatusInput:
    """Status."""

    lead: strawberry.ID = strawberry.field(description="The lead.")
    status: str = strawberry.field(description="The platform's word (线索转化状态, leads_convert_type).")
    reason: str | None = strawberry.field(
        description="Why it was ineffective (无效原因, leads_ineffect_reason).", default=None
    )


@strawberry.input(description="What became of leads of one ad account.")
class LeadStatusReportInput:
    """线索状态回传."""

    leads: list[LeadStatusInput] = strawberry.field(description="1 to 100 leads, each once.")
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> lead_statuses.Wanted:
        """As the action takes it. Raises UserError for an id that is none, and for leads of two accounts."""
        found = [(*ids.decode_as("ld", each.lead), each) for each in self.leads]
        accounts = {account for account, _, _ in found}
        if len(accounts) > 1:
            raise UserError("The leads are of several ad accounts; report each account's by itself.")
        if not all(native.isdigit() for _, native, _ in found):
            raise IdInvalid("This is no id of a lead; take one from the query leads.")
        return lead_statuses.Wanted(
            next(iter(accounts), ""),
            tuple(lead_statuses.Status(native, each.status, each.reason or "") for _, native, each in found),
        )


@strawberry.type(description="A lead of which the platform was told nothing.")
class LeadStatusWithheld:
    """Withheld."""

    lead: strawberry.ID = strawberry.field(description="The lead.")
    reason: str = strawberry.field(
        description="UNKNOWN_MEMBER: nobody has verified its phone as a member; NO_CONSENT, UNDER_AGE: that member does"
        " not allow it."
    )


@strawberry.type(description="Leads of which the platform knows now what became.")
class LeadStatusReported:
    """Reported."""

    transaction_id: strawberry.Private[str]
    reported: int = strawberry.field(description="How many.")
    withheld: list[LeadStatusWithheld] = strawberry.field(description="Those of which it was told nothing.")
    transaction = done_by("The transaction that did it.")


ConversionReportResult = Annotated[
    ConversionsReported | DomainProblem | ToolProblem,
    strawberry.union("ConversionReportResult", description="What was taken, or why nothing was told."),
]
LeadStatusReportResult = Annotated[
    LeadStatusReported | DomainProblem | ToolProblem,
    strawberry.union("LeadStatusReportResult", description="What was told, or why nothing was."),
]


@strawberry.type(description="Mutations about what an ad platform is told back.")
class ConversionMutations:
    """Conversions."""

    @strawberry.mutation(
        description="Tell the ad platform what a member did (转化归因回传): in a shop, on the phone, in another system."
        " Needs the scope audiences:write, and the member's consent AD_MATCHING. Purchases of own orders are reported"
        " when they are paid."
    )
    async def conversion_report(
        self,
        info: Info,
        input: Annotated[ConversionReportInput, strawberry.argument(description="Who did what.")],  # noqa: A002
    ) -> ConversionReportResult:
        info.context.principal.require(audiences.WRITE)
        done = await ask(info, effects.REPORT, input)
        if not isinstance(done, Performed):
            return done
        return ConversionsReported(
            transaction_id=done.transaction,
            account=done.outcome.account,
            reported=done.outcome.accepted,
            refused=[
                ConversionRefusal(key=each.key, action=each.action, reason=each.reason) for each in done.outcome.refused
            ],
        )

    @strawberry.mutation(
        description="Tell the ad platform what became of leads (线索状态回传); the last status of a lead counts. Needs"
        " the scope audiences:write, and the consent AD_MATCHING of the member whose phone it is."
    )
    async def lead_status_report(
        self,
        info: Info,
        input: Annotated[LeadStatusReportInput, strawberry.argument(description="Which leads, and what.")],  # noqa: A002
    ) -> LeadStatusReportResult:
        info.context.principal.require(audiences.WRITE)
        try:
            asked = input.record()
        except UserError as error:
            return invalid(error)
        done = await act(info, lead_statuses.REPORT, asked, input.idempotency_key)
        if not isinstance(done, Performed):
            return done
        return LeadStatusReported(
            transaction_id=done.transaction,
            reported=done.outcome.reported,
            withheld=[
                LeadStatusWithheld(lead=strawberry.ID(ids.encode("ld", each.lead, asked.account)), reason=each.reason)
                for each in done.outcome.withheld
            ],
        )
