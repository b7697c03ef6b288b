"""Data keys of the members on a page, loaded before their sealed values are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select

from gateway.context import Context
from gateway.database.prepared import Prepared, list_of
from gateway.database.tables.members import member


async def prime(ctx: Context, member_ids: Sequence[str]) -> None:
    """Load these members' data keys, two statements per request and set of members.

    Without it every sealed cell of a member whose key is not cached costs a lookup of its own.
    """
    await ctx.loaders.load_many(_primed, list(member_ids))


async def _primed(ctx: Context, member_ids: Sequence[str]) -> Sequence[None]:
    """Batch. A value keeps the key of the member who owned it when it was sealed, also after a merge."""
    merged = await ctx.database.fetch(_MERGED, {"ids": list(member_ids)})
    ctx.database.keyring.prime([*member_ids, *(row.id for row in merged)])
    return [None for _ in member_ids]


_MERGED: Final = Prepared(select(member.c.id).where(member.c.merged_into.in_(list_of("ids"))))
