"""What all messages to one member have in common: the gate's word, who it goes to, and what is told of it."""

from __future__ import annotations

from sqlalchemy import select

from adapters.base.errors import UpstreamError
from gateway.database.facts import Fact
from gateway.database.tables.members import identity
from gateway.members.gate import Decision
from gateway.runtime import ToolNotConfigured
from gateway.transactions.steps import StepContext, StepRefused


def must_be_allowed(decision: Decision) -> None:
    """Raises StepRefused NOT_REACHABLE, with the gate's reason."""
    if not decision.allowed:
        raise StepRefused(
            "NOT_REACHABLE",
            f"The member cannot be sent this now: {decision.reason}; Member.reach says which ways are open and when.",
            reason=str(decision.reason),
        )


async def openid_of(ctx: StepContext, decision: Decision) -> str:
    """By which name the platform knows whom the gate allowed. Raises StepRefused when they were erased meanwhile."""
    row = await ctx.projector.database.one(select(identity.c.value).where(identity.c.id == decision.identity))
    if row is None or not row.value:
        raise StepRefused("NOT_REACHABLE", "The member was erased meanwhile.", reason="UNKNOWN_MEMBER")
    return str(row.value)


def reason_of(error: UpstreamError | ToolNotConfigured) -> str:
    """Why a message was not sent, for its fact."""
    return error.reason if isinstance(error, UpstreamError) else error.code


def message_fact(
    ctx: StepContext,
    decision: Decision,
    kind: str,
    *,
    tool: str,
    key: str,
    reason: str | None = None,
    **payload: str,
) -> Fact:
    """What the platform said to a message; ``payload`` holds nothing that was written to the member, and no blanks."""
    return Fact(
        kind=kind,
        occurred_at=ctx.now,
        source="own",
        source_key=key,
        account=decision.account,
        tool=tool,
        member=decision.member,
        identity=decision.identity,
        reason=reason,
        payload={name: value for name, value in payload.items() if value},
    )
