"""Review cases (待核实): what the rules about people refuse and only a person can answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from gateway.context import Context
from gateway.database.keyring import Erased
from gateway.database.tables.members import identity, review_case
from gateway.resolvers.keys import prime
from gateway.resolvers.members import IdentityRecord, identity_record
from gateway.resolvers.paging import PageArgs, Slice, keyset

SCOPE = "members:write"


@dataclass(frozen=True, slots=True)
class ReviewCaseRecord:
    """One question. ``evidence`` are our identity ids."""

    id: str
    kind: str
    state: str
    evidence: Sequence[str]
    opened_at: datetime
    decision: str | None
    decided_at: datetime | None
    decided_by: str | None
    reason: str | None


async def page(ctx: Context, state: str | None, args: PageArgs) -> Slice[ReviewCaseRecord]:
    """Cases, oldest first. Needs the scope members:write."""
    ctx.principal.require(SCOPE)
    statement = select(review_case)
    if state is not None:
        statement = statement.where(review_case.c.state == state)
    return await keyset(ctx, f"reviewCases:{state}", statement, [(review_case.c.id, False)], args, _record)


async def by_ids(ctx: Context, case_ids: Sequence[str]) -> Sequence[ReviewCaseRecord | None]:
    """Batch by our ids. One statement."""
    rows = await ctx.database.fetch(select(review_case).where(review_case.c.id.in_(case_ids)))
    found = {row.id: _record(row) for row in rows}
    return [found.get(each) for each in case_ids]


async def evidence(ctx: Context, identity_ids: Sequence[str]) -> Sequence[tuple[IdentityRecord, str | None] | None]:
    """Batch: identities with the member each leads to now. Two statements, besides their keys."""
    owners = await ctx.database.fetch(select(identity.c.id, identity.c.home).where(identity.c.id.in_(identity_ids)))
    await prime(ctx, sorted({row.home for row in owners if row.home is not None}))
    rows = await ctx.database.fetch(select(identity).where(identity.c.id.in_(identity_ids)))
    found = {row.id: (identity_record(row), row.member) for row in rows if not isinstance(row.value, Erased)}
    return [found.get(each) for each in identity_ids]


def _record(row: Row[Any]) -> ReviewCaseRecord:
    return ReviewCaseRecord(
        row.id,
        row.kind,
        row.state,
        tuple(row.evidence),
        row.opened_at,
        row.decision,
        row.decided_at,
        row.decided_by,
        row.reason,
    )
