"""The tags that an official account has (标签管理): made, renamed and deleted, and asked about by the list of all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from adapters.base.errors import OutcomeUnknown
from adapters.official_account import OfficialAccountAdapter, Tag
from gateway.events.projections import official_account
from gateway.events.projector import Batch
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.log import siblings
from gateway.transactions.states import StepState
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

_CREATE: Final = "follower_tag.create"
#: Characters of a tag's name, and tags of one account.
NAME_LENGTH: Final = 30
MOST_TAGS: Final = 100


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for: a tag by its name, and what it is to be called; empty for none.

    ``account`` None: not said.
    """

    name: str
    account: str | None
    new_name: str = ""


class Change(msgspec.Struct, frozen=True):
    """A tag as it was: ``id`` 0 for one that is to be made, ``new_name`` empty for one that goes."""

    appid: str
    id: int
    name: str
    new_name: str = ""


class Kept(msgspec.Struct, frozen=True):
    """The tag as it is, or as it was when it went."""

    appid: str
    id: int
    name: str


async def _plan_create(planning: Planning, asked: Wanted) -> Effect:
    adapter = planning.tools.get(OfficialAccountAdapter, asked.account)
    tags = await adapter.tags()
    _free(tags, asked.new_name)
    if len(tags) >= MOST_TAGS:
        raise StepRefused("TAGS_FULL", f"The account has {len(tags)} tags, {MOST_TAGS} at most; delete one first.")
    return Effect(Change(adapter.account, 0, "", asked.new_name), values={"appid": adapter.account})


async def _plan_rename(planning: Planning, asked: Wanted) -> Effect:
    adapter = planning.tools.get(OfficialAccountAdapter, asked.account)
    tags = await adapter.tags()
    found = _named(tags, asked.name)
    _free(tags, asked.new_name)
    return Effect(Change(adapter.account, found.id, found.name, asked.new_name), values={"appid": adapter.account})


async def _plan_delete(planning: Planning, asked: Wanted) -> Effect:
    adapter = planning.tools.get(OfficialAccountAdapter, asked.account)
    found = _named(await adapter.tags(), asked.name)
    return Effect(Change(adapter.account, found.id, found.name), values={"appid": adapter.account})


def _named(tags: Sequence[Tag], name: str) -> Tag:
    found = next((each for each in tags if each.name == name), None)
    if found is None:
        raise StepRefused("TAG_UNKNOWN", "There is no such tag; the query tags lists them.", tag=name)
    return found


def _free(tags: Sequence[Tag], name: str) -> None:
    """Raises StepRefused where a tag cannot be called that."""
    if not 1 <= len(name) <= NAME_LENGTH:
        raise StepRefused("BAD_USER_INPUT", f"The name has {len(name)} characters: 1 to {NAME_LENGTH} are possible.")
    if any(each.name == name for each in tags):
        raise _exists(name)


def _exists(name: str) -> StepRefused:
    return StepRefused("TAG_EXISTS", "The account has a tag of this name.", tag=name)


async def _ask_create(ctx: StepContext, intent: Change) -> Kept | None:
    """There was none of the name when this was planned, and names are unique: one that is there now is ours, or
    another transaction's."""
    found, theirs = await _made(ctx, intent)
    if theirs:
        raise _exists(intent.new_name)
    return None if found is None else _keep(ctx, Kept(intent.appid, found.id, found.name))


async def _undo_create(ctx: StepContext, intent: Change, outcome: Kept | None) -> None:
    """Whoever was given it meanwhile loses it. What another transaction made stays."""
    adapter = ctx.tools.get(OfficialAccountAdapter, intent.appid)
    if outcome is None:
        made, _ = await _made(ctx, intent)
    else:
        made = next((each for each in await adapter.tags() if each.id == outcome.id), None)
    if made is not None:
        await adapter.tag_delete(made.id)
        outcome = Kept(intent.appid, made.id, made.name)
    if outcome is not None:
        async with ctx.projector.batch() as batch:
            await official_account.tag_gone(batch, intent.appid, outcome.id)


async def _made(ctx: StepContext, intent: Change) -> tuple[Tag | None, bool]:
    """The tag of the name, and whether another transaction made it meanwhile, which is none of ours then.

    Raises OutcomeUnknown where nobody knows yet what became of such another.
    """
    tags = await ctx.tools.get(OfficialAccountAdapter, intent.appid).tags()
    found = next((each for each in tags if each.name == intent.new_name), None)
    if found is None:
        return None, False
    others = await siblings(ctx.projector.database, ctx.saga, _CREATE)
    mine = (intent.appid, found.id)
    outcomes = [each.outcome(Kept) for each in others if each.state is StepState.DONE]
    if any((each.appid, each.id) == mine for each in outcomes):
        return None, True
    doubtful = [each.intent(Change) for each in others if each.state in {StepState.RUNNING, StepState.UNKNOWN}]
    if any((each.appid, each.new_name) == (intent.appid, intent.new_name) for each in doubtful):
        raise OutcomeUnknown("official_account", "not_told_apart", "Another transaction may have made this tag.")
    return found, False


# The platform refuses a second tag of the name without saying whose the first one is; the list of all does.
@step(
    name=_CREATE,
    tool="official_account",
    kind=Kind.COMPENSATABLE,
    delivery=Delivery.ASKABLE,
    ask=_ask_create,
    undo=_undo_create,
)
async def create(ctx: StepContext, intent: Change) -> Kept:
    """One call."""
    adapter = ctx.tools.get(OfficialAccountAdapter, intent.appid)
    made = await adapter.tag_create(intent.new_name)
    return _keep(ctx, Kept(intent.appid, made.id, made.name))


async def _ask_rename(ctx: StepContext, intent: Change) -> Kept | None:
    tags = await ctx.tools.get(OfficialAccountAdapter, intent.appid).tags()
    if not any((each.id, each.name) == (intent.id, intent.new_name) for each in tags):
        return None
    return _keep(ctx, Kept(intent.appid, intent.id, intent.new_name))


async def _undo_rename(ctx: StepContext, intent: Change, outcome: Kept | None) -> None:
    del outcome
    adapter = ctx.tools.get(OfficialAccountAdapter, intent.appid)
    await adapter.tag_rename(intent.id, intent.name)
    async with ctx.projector.batch() as batch:
        await official_account.tag_kept(batch, intent.appid, intent.id, intent.name)


@step(
    name="follower_tag.rename",
    tool="official_account",
    kind=Kind.COMPENSATABLE,
    delivery=Delivery.ASKABLE,
    ask=_ask_rename,
    undo=_undo_rename,
)
async def rename(ctx: StepContext, intent: Change) -> Kept:
    """One call; the same again changes nothing."""
    adapter = ctx.tools.get(OfficialAccountAdapter, intent.appid)
    await adapter.tag_rename(intent.id, intent.new_name)
    return _keep(ctx, Kept(intent.appid, intent.id, intent.new_name))


async def _ask_delete(ctx: StepContext, intent: Change) -> Kept | None:
    tags = await ctx.tools.get(OfficialAccountAdapter, intent.appid).tags()
    return None if any(each.id == intent.id for each in tags) else _lose(ctx, intent)


# A PIVOT: followers lose the tag, and nobody could tell any more who had it.
@step(
    name="follower_tag.delete",
    tool="official_account",
    kind=Kind.PIVOT,
    delivery=Delivery.ASKABLE,
    ask=_ask_delete,
)
async def delete(ctx: StepContext, intent: Change) -> Kept:
    """One call."""
    adapter = ctx.tools.get(OfficialAccountAdapter, intent.appid)
    await adapter.tag_delete(intent.id)
    return _lose(ctx, intent)


def _keep(ctx: StepContext, kept: Kept) -> Kept:
    """Our own row, in the commit of the outcome."""

    async def follow(batch: Batch) -> None:
        await official_account.tag_kept(batch, kept.appid, kept.id, kept.name)

    ctx.on_done.append(follow)
    return kept


def _lose(ctx: StepContext, intent: Change) -> Kept:
    async def follow(batch: Batch) -> None:
        await official_account.tag_gone(batch, intent.appid, intent.id)

    ctx.on_done.append(follow)
    return Kept(intent.appid, intent.id, intent.name)


CREATE: Final = Action("followerTagCreate", create, _plan_create)
RENAME: Final = Action("followerTagRename", rename, _plan_rename)
DELETE: Final = Action("followerTagDelete", delete, _plan_delete)
