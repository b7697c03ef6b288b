"""Who looked people up by their personal data: a fact before anything is answered, without the value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.context import Context
from gateway.database.facts import Fact, append_facts
from gateway.database.ulid import Ulids

KIND = "personal_data.searched"


@dataclass(frozen=True, slots=True, eq=False)
class LookUp:
    """By which kinds of values, how many were found, and who, where it is one. No two are the same: each counts."""

    by: tuple[str, ...]
    found: int
    member: str | None = None


async def recorded(ctx: Context, look_up: LookUp) -> None:
    """Keep a look-up. Those of one request that come together are one small transaction."""
    await ctx.loaders.load(_written, look_up)


async def _written(ctx: Context, look_ups: Sequence[LookUp]) -> Sequence[None]:
    now, ulids = ctx.clock.now(), Ulids(ctx.clock)
    facts = [
        Fact(
            kind=KIND,
            occurred_at=now,
            source="own",
            source_key=ulids.next(now),
            member=each.member,
            quantity=each.found,
            reason=",".join(each.by),
            payload={"principal": ctx.principal.id},
        )
        for each in look_ups
    ]
    async with ctx.database.write() as connection:
        await append_facts(connection, facts, clock=ctx.clock)
    return [None] * len(look_ups)
