"""The blacklist (黑名单) of an official account: nothing can be sent to whoever is on it, and it hears nothing of them.

The gate refuses them by our rows, which follow in the commit of the outcome and with each sync.
"""

from __future__ import annotations

from typing import Final

import msgspec
from sqlalchemy import select

from adapters.base.errors import OutcomeUnknown, UpstreamError
from adapters.official_account import BLACKLISTED_PER_CALL, OfficialAccountAdapter
from gateway.database.tables.projections import follower
from gateway.events.projections import official_account
from gateway.events.projections.official_account import Blocking
from gateway.events.projector import Batch
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.followers import follows_not, known_to
from gateway.transactions.effects.people import platform_names
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for: our ids of members. ``account`` None: not said."""

    members: tuple[str, ...]
    account: str | None


class Change(msgspec.Struct, frozen=True):
    """Followers by our ids, who come on the list, or, ``blocking`` False, off it.

    ``changes`` are those of them for whom that is new by our rows: undoing takes back these alone. ``key`` is the
    name under which the fact log knows it.
    """

    appid: str
    members: tuple[str, ...]
    identities: tuple[str, ...]
    changes: tuple[str, ...]
    blocking: bool
    key: str


class Changed(msgspec.Struct, frozen=True):
    """The account, the members who were asked about, and how many of their names it is new for."""

    appid: str
    members: tuple[str, ...]
    changed: int


async def _plan_block(planning: Planning, asked: Wanted) -> Effect:
    return await _plan(planning, asked, blocking=True)


async def _plan_unblock(planning: Planning, asked: Wanted) -> Effect:
    return await _plan(planning, asked, blocking=False)


async def _plan(planning: Planning, asked: Wanted, *, blocking: bool) -> Effect:
    members = tuple(dict.fromkeys(asked.members))
    if not 1 <= len(members) <= BLACKLISTED_PER_CALL:
        raise StepRefused("BAD_USER_INPUT", f"members must be 1 to {BLACKLISTED_PER_CALL}; these are {len(members)}.")
    adapter = planning.tools.get(OfficialAccountAdapter, asked.account)
    identities = [each for who in members for each in await known_to(planning.database, who, adapter.account)]
    rows = await planning.database.fetch(
        select(follower.c.identity).where(
            follower.c.appid == adapter.account,
            follower.c.identity.in_(identities),
            follower.c.blocked_at.is_(None) if blocking else follower.c.blocked_at.is_not(None),
        )
    )
    changes = tuple(sorted(row.identity for row in rows))
    intent = Change(adapter.account, members, tuple(identities), changes, blocking, planning.key)
    values = {"appid": adapter.account} | ({"member": members[0]} if len(members) == 1 else {})
    return Effect(intent, values=values)


async def _undo(ctx: StepContext, intent: Change, outcome: Changed | None) -> None:
    """The other way round, of those for whom it was new; whoever was erased meanwhile is left out."""
    del outcome
    adapter = ctx.tools.get(OfficialAccountAdapter, intent.appid)
    for some in await _calls(ctx, intent.changes):
        if intent.blocking:
            await adapter.blacklist_remove(some)
        else:
            await adapter.blacklist_add(some)
    blocking = Blocking(intent.appid, intent.changes, not intent.blocking, f"{intent.key}:undone")
    async with ctx.projector.batch() as batch:
        await official_account.blocked(batch, blocking)


# KEYED: whoever is on the list stays on it once.
@step(
    name="follower.block",
    tool="official_account",
    kind=Kind.COMPENSATABLE,
    delivery=Delivery.KEYED,
    undo=_undo,
)
async def change(ctx: StepContext, intent: Change) -> Changed:
    """One call per twenty of the platform's names; rows and facts follow in the commit of the outcome."""
    adapter = ctx.tools.get(OfficialAccountAdapter, intent.appid)
    calls = await _calls(ctx, intent.identities)
    if not calls:
        raise follows_not()
    for number, some in enumerate(calls):
        try:
            if intent.blocking:
                await adapter.blacklist_add(some)
            else:
                await adapter.blacklist_remove(some)
        except UpstreamError as error:
            if number == 0:
                raise
            # Part of it happened, so nobody may be told that nothing did.
            raise OutcomeUnknown(error.tool, error.reason, "Only some of them were changed.") from error
    blocking = Blocking(intent.appid, intent.identities, intent.blocking, intent.key)

    async def follow(batch: Batch) -> None:
        await official_account.blocked(batch, blocking)

    ctx.on_done.append(follow)
    return Changed(intent.appid, intent.members, len(intent.changes))


async def _calls(ctx: StepContext, identities: tuple[str, ...]) -> list[list[str]]:
    """Openids of one call each; whoever was erased meanwhile is left out."""
    openids = list((await platform_names(ctx.projector.database, identities, "OPENID")).values())
    return [openids[n : n + BLACKLISTED_PER_CALL] for n in range(0, len(openids), BLACKLISTED_PER_CALL)]


BLOCK: Final = Action("followersBlock", change, _plan_block)
UNBLOCK: Final = Action("followersUnblock", change, _plan_unblock)
