"""What all messages to one member have in common: the gate's word, who it goes to, and what is told of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from sqlalchemy import select

from adapters.base.errors import OutcomeUnknown, UpstreamError
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


@asynccontextmanager
async def sending(
    ctx: StepContext, decision: Decision, told: Mapping[str, str], give_back: Callable[[str], Awaitable[object]]
) -> AsyncIterator[None]:
    """Around what finds the account that the gate chose, which may be configured no more, and sends by it.

    What was provably not sent is told as a fact, and given back with the reason why. Of an unknown outcome the place
    stays taken, and nothing is told.
    """
    try:
        yield
    except (UpstreamError, ToolNotConfigured) as error:
        reason = not_sent(ctx, error)
        if reason is not None:
            await give_back(reason)
            ctx.facts.append(message_fact(ctx, decision, "message.failed", **told, reason=reason))
        raise


def not_sent(ctx: StepContext, error: UpstreamError | ToolNotConfigured) -> str | None:
    """Why a message was provably not sent; None where this attempt, or one before it, may have sent it."""
    if ctx.repeated or isinstance(error, OutcomeUnknown):
        return None
    return error.reason if isinstance(error, UpstreamError) else error.code


async def openid_of(ctx: StepContext, decision: Decision) -> str:
    """By which name the platform knows whom the gate allowed. Raises StepRefused when they were erased meanwhile."""
    row = await ctx.projector.database.one(select(identity.c.value).where(identity.c.id == decision.identity))
    if row is None or not row.value:
        raise StepRefused("NOT_REACHABLE", "The member was erased meanwhile.", reason="UNKNOWN_MEMBER")
    return str(row.value)


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
