"""The tags that a corp has for its customers (企业标签): made, renamed and deleted, and asked about by the list of all.

A name is unique in its group (标签组). A group is made with its first tag and goes with its last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import msgspec

from adapters.base.errors import NotFound, OutcomeUnknown
from adapters.enterprise_chat import CorpTag, EnterpriseChatAdapter
from gateway.events.projections import enterprise_chat
from gateway.events.projector import Batch
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.tagging import Known, TagName, find_tags
from gateway.transactions.log import siblings
from gateway.transactions.states import StepState
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

_CREATE: Final = "corp_tag.create"
#: Characters of a tag's name and of a group's, and tags of one request.
NAME_LENGTH: Final = 30
MOST_NAMES: Final = 30


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for: tags of one group by their names, and what one of them is to be called.

    ``account`` None: not said; ``group`` empty: not said.
    """

    account: str | None
    group: str
    names: tuple[str, ...]
    new_name: str = ""


class Tag(msgspec.Struct, frozen=True):
    """A tag as the platform has it; ``id`` empty for one that is to be made."""

    id: str
    name: str
    group: str


class Make(msgspec.Struct, frozen=True):
    """Tags to make, of which the group had none."""

    corpid: str
    group: str
    names: tuple[str, ...]


class Rename(msgspec.Struct, frozen=True):
    """A tag as it was, and what it is to be called."""

    corpid: str
    tag: Tag
    new_name: str


class Remove(msgspec.Struct, frozen=True):
    """Tags that go."""

    corpid: str
    tags: tuple[Tag, ...]


class Kept(msgspec.Struct, frozen=True):
    """The tags as they are, or as they were when they went."""

    corpid: str
    tags: tuple[Tag, ...]


async def _plan_create(planning: Planning, asked: Wanted) -> Effect:
    adapter = planning.tools.get(EnterpriseChatAdapter, asked.account)
    names = tuple(dict.fromkeys(asked.names))
    if not 1 <= len(names) <= MOST_NAMES:
        raise StepRefused("BAD_USER_INPUT", f"{len(names)} names given: 1 to {MOST_NAMES} are possible.")
    _check("group", asked.group)
    tags = await adapter.corp_tags()
    for each in names:
        _free(tags, asked.group, each)
    return Effect(Make(adapter.account, asked.group, names), values={"corpid": adapter.account})


async def _plan_rename(planning: Planning, asked: Wanted) -> Effect:
    adapter = planning.tools.get(EnterpriseChatAdapter, asked.account)
    tags = await adapter.corp_tags()
    [tag] = await _named(tags, asked)
    _free(tags, tag.group, asked.new_name)
    return Effect(Rename(adapter.account, tag, asked.new_name), values={"corpid": adapter.account})


async def _plan_delete(planning: Planning, asked: Wanted) -> Effect:
    adapter = planning.tools.get(EnterpriseChatAdapter, asked.account)
    tags = await _named(await adapter.corp_tags(), asked)
    return Effect(Remove(adapter.account, tuple(tags)), values={"corpid": adapter.account})


async def _named(tags: Sequence[CorpTag], asked: Wanted) -> Sequence[Tag]:
    async def all_of_them() -> Sequence[Known[str]]:
        return [Known(each.id, each.name, each.group) for each in tags]

    found = await find_tags([TagName(each, asked.group) for each in asked.names], (), all_of_them)
    return [Tag(each.id, each.name, each.group) for each in tags if each.id in found]


def _free(tags: Sequence[CorpTag], group: str, name: str) -> None:
    """Raises StepRefused where no tag of the group can be called that."""
    _check("name", name)
    if any((each.group, each.name) == (group, name) for each in tags):
        raise _exists(name)


def _exists(name: str) -> StepRefused:
    return StepRefused("TAG_EXISTS", "The group has a tag of this name.", tag=name)


def _check(what: str, text: str) -> None:
    if not 1 <= len(text) <= NAME_LENGTH:
        raise StepRefused("BAD_USER_INPUT", f"{what} has {len(text)} characters: 1 to {NAME_LENGTH} are possible.")


async def _made(ctx: StepContext, intent: Make) -> tuple[Sequence[Tag], frozenset[str]]:
    """Tags of these names that are ours, and names that another transaction made meanwhile.

    There were none of these names when this was planned, and names are unique: those that are there now are ours, or
    that one's. Raises OutcomeUnknown where nobody knows yet what became of such another.
    """
    tags = await ctx.tools.get(EnterpriseChatAdapter, intent.corpid).corp_tags()
    there = [each for each in tags if each.group == intent.group and each.name in intent.names]
    if not there:
        return (), frozenset()
    others = await siblings(ctx.projector.database, ctx.saga, _CREATE)
    theirs = {tag.id for each in others if each.state is StepState.DONE for tag in each.outcome(Kept).tags}
    ours = _tags([each for each in there if each.id not in theirs])
    doubtful = [each.intent(Make) for each in others if each.state in {StepState.RUNNING, StepState.UNKNOWN}]
    where = (intent.corpid, intent.group)
    if any((each.corpid, each.group) == where and tag.name in each.names for each in doubtful for tag in ours):
        raise OutcomeUnknown("enterprise_chat", "not_told_apart", "Another transaction may have made these tags.")
    return ours, frozenset(each.name for each in there if each.id in theirs)


def _tags(records: Sequence[CorpTag]) -> Sequence[Tag]:
    return [Tag(each.id, each.name, each.group) for each in records]


async def _ask_create(ctx: StepContext, intent: Make) -> Kept | None:
    ours, theirs = await _made(ctx, intent)
    if {each.name for each in ours} | theirs < set(intent.names):
        return None
    if not ours:
        raise _exists(intent.names[0])
    return _keep(ctx, Kept(intent.corpid, tuple(ours)))


async def _undo_create(ctx: StepContext, intent: Make, outcome: Kept | None) -> None:
    """Whoever was given them meanwhile loses them. What another transaction made stays."""
    ours, _ = await _made(ctx, intent) if outcome is None else (outcome.tags, None)
    gone = [each.id for each in ours]
    adapter = ctx.tools.get(EnterpriseChatAdapter, intent.corpid)
    there = [each.id for each in await adapter.corp_tags_by_id(tags=gone)]
    if there:
        with suppress(NotFound):
            await adapter.delete_corp_tags(tags=there)
    async with ctx.projector.batch() as batch:
        await enterprise_chat.tags_gone(batch, intent.corpid, gone)


# ASKABLE: the platform does not make a second tag of a name in a group, and the list of all tells which there are.
@step(
    name=_CREATE,
    tool="enterprise_chat",
    kind=Kind.COMPENSATABLE,
    delivery=Delivery.ASKABLE,
    ask=_ask_create,
    undo=_undo_create,
)
async def create(ctx: StepContext, intent: Make) -> Kept:
    """One call. Names that are there by now are not answered: by an attempt before this one, or by somebody else."""
    made = _tags(await ctx.tools.get(EnterpriseChatAdapter, intent.corpid).add_corp_tags(intent.group, intent.names))
    if len(made) < len(intent.names):
        made, _ = await _made(ctx, intent)
        if not made:
            raise _exists(intent.names[0])
    return _keep(ctx, Kept(intent.corpid, tuple(made)))


async def _ask_rename(ctx: StepContext, intent: Rename) -> Kept | None:
    tags = await ctx.tools.get(EnterpriseChatAdapter, intent.corpid).corp_tags_by_id(tags=[intent.tag.id])
    if [each.name for each in tags] != [intent.new_name]:
        return None
    return _keep(ctx, Kept(intent.corpid, tuple(_tags(tags))))


async def _undo_rename(ctx: StepContext, intent: Rename, outcome: Kept | None) -> None:
    """A tag that is gone meanwhile has no name to get back."""
    del outcome
    tag = intent.tag
    try:
        await ctx.tools.get(EnterpriseChatAdapter, intent.corpid).edit_corp_tag(tag.id, name=tag.name)
    except NotFound:
        return
    async with ctx.projector.batch() as batch:
        await enterprise_chat.tags_kept(batch, intent.corpid, [CorpTag(tag.id, tag.name, tag.group)])


@step(
    name="corp_tag.rename",
    tool="enterprise_chat",
    kind=Kind.COMPENSATABLE,
    delivery=Delivery.ASKABLE,
    ask=_ask_rename,
    undo=_undo_rename,
)
async def rename(ctx: StepContext, intent: Rename) -> Kept:
    """One call; the same again changes nothing."""
    await ctx.tools.get(EnterpriseChatAdapter, intent.corpid).edit_corp_tag(intent.tag.id, name=intent.new_name)
    return _keep(ctx, Kept(intent.corpid, (Tag(intent.tag.id, intent.new_name, intent.tag.group),)))


async def _ask_delete(ctx: StepContext, intent: Remove) -> Kept | None:
    """The platform deletes all of them or none."""
    adapter = ctx.tools.get(EnterpriseChatAdapter, intent.corpid)
    there = await adapter.corp_tags_by_id(tags=[each.id for each in intent.tags])
    return None if there else _lose(ctx, intent)


# A PIVOT: customers lose the tags, and nobody could tell any more who had them.
@step(
    name="corp_tag.delete",
    tool="enterprise_chat",
    kind=Kind.PIVOT,
    delivery=Delivery.ASKABLE,
    ask=_ask_delete,
)
async def delete(ctx: StepContext, intent: Remove) -> Kept:
    """One call."""
    adapter = ctx.tools.get(EnterpriseChatAdapter, intent.corpid)
    await adapter.delete_corp_tags(tags=[each.id for each in intent.tags])
    return _lose(ctx, intent)


def _keep(ctx: StepContext, kept: Kept) -> Kept:
    """Our own rows, in the commit of the outcome."""

    async def follow(batch: Batch) -> None:
        await enterprise_chat.tags_kept(
            batch, kept.corpid, [CorpTag(each.id, each.name, each.group) for each in kept.tags]
        )

    ctx.on_done.append(follow)
    return kept


def _lose(ctx: StepContext, intent: Remove) -> Kept:
    async def follow(batch: Batch) -> None:
        await enterprise_chat.tags_gone(batch, intent.corpid, [each.id for each in intent.tags])

    ctx.on_done.append(follow)
    return Kept(intent.corpid, intent.tags)


CREATE: Final = Action("corpTagCreate", create, _plan_create)
RENAME: Final = Action("corpTagRename", rename, _plan_rename)
DELETE: Final = Action("corpTagDelete", delete, _plan_delete)
