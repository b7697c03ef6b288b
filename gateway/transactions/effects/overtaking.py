"""What is set anew is set once, however often it is repeated; but not over what somebody set after it was asked for.

And what somebody else has made since then is none of ours, however alike.
"""

from __future__ import annotations

from sqlalchemy import select

from gateway.database.tables.facts import fact
from gateway.transactions.steps import StepContext, StepRefused


async def overtaken(ctx: StepContext, kind: str, account: str, **named: str) -> bool:
    """Whether a later transaction has told of the same: by their ids, transactions and facts are in order of time.

    ``named`` are values of the fact's payload, or its ``order_ref``.
    """
    rows = await ctx.projector.database.fetch(
        select(fact.c.payload, fact.c.order_ref).where(
            fact.c.kind == kind, fact.c.account == account, fact.c.id > ctx.saga
        )
    )
    told = [(row.payload or {}) | {"order_ref": row.order_ref} for row in rows]
    return any(each.items() >= named.items() and each.get("transaction", "") > ctx.saga for each in told)


async def must_not_be_overtaken(ctx: StepContext, kind: str, account: str, **named: str) -> None:
    """Raises StepRefused."""
    if await overtaken(ctx, kind, account, **named):
        raise StepRefused("CHANGED_MEANWHILE", "Somebody has set another one meanwhile; look, and ask again.")


async def made_by_others(ctx: StepContext, kind: str, account: str, name: str) -> set[str]:
    """What other transactions have told of as made since this one began, by a value of their facts' payload."""
    rows = await ctx.projector.database.fetch(
        select(fact.c.payload).where(fact.c.kind == kind, fact.c.account == account, fact.c.id > ctx.saga)
    )
    return {row.payload[name] for row in rows if row.payload.get("transaction") != ctx.saga}
