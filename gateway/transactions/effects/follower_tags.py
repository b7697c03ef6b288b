"""Tags of members (用户标签) at an official account: they lie on the follower, and are the account's own.

As for contacts, rows, facts and labels follow in the commit of the outcome; see ``member_tags``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

import msgspec
from sqlalchemy import select

from adapters.base.errors import Conflict, Invalid, NotFound, OutcomeUnknown, Rejected, UpstreamError
from adapters.official_account import TAGGED_PER_CALL, OfficialAccountAdapter
from gateway.database.engine import Database
from gateway.database.tables.projections import follower_tag
from gateway.events.projections import official_account
from gateway.events.projections.official_account import Tagging
from gateway.events.projector import Batch
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.customers import must_be_own
from gateway.transactions.effects.followers import follows, follows_not
from gateway.transactions.effects.people import platform_names
from gateway.transactions.effects.tagging import Known, TagName, Wanted, find_tags
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: Tags that one follower may carry.
MOST_OF_ONE: Final = 20
#: What the platform says of one tag for good; the others are given all the same.
_FINAL: Final = (Rejected, Invalid, NotFound, Conflict)


class Change(msgspec.Struct, frozen=True):
    """Of one tag: our ids of the followers who get it, or, ``adding`` False, lose it."""

    tag: int
    name: str
    identities: tuple[str, ...]
    adding: bool


class Mark(msgspec.Struct, frozen=True):
    """What changes at one account, as it was when this was asked: undoing takes back these tags and no others.

    ``followers`` are all who are meant, also those who stand as they should; ``key`` is the name under which the fact
    log knows it.
    """

    appid: str
    followers: tuple[str, ...]
    changes: tuple[Change, ...]
    key: str


class Refusal(msgspec.Struct, frozen=True):
    """A tag that the platform did not give or take for good, and its reason."""

    tag: str
    reason: str


class Marked(msgspec.Struct, frozen=True):
    """The account; tags that are now as they should be, by id; and those that are not."""

    appid: str
    done: tuple[int, ...]
    refused: tuple[Refusal, ...] = ()


async def _plan_tag(planning: Planning, asked: Wanted) -> Effect:
    return await _plan(planning, asked, adding=True)


async def _plan_untag(planning: Planning, asked: Wanted) -> Effect:
    return await _plan(planning, asked, adding=False)


async def _plan(planning: Planning, asked: Wanted, *, adding: bool) -> Effect:
    """Whom the member is by our rows, and what they carry by the platform: one call."""
    if asked.guide is not None or any(each.group for each in asked.tags):
        raise StepRefused("BAD_USER_INPUT", "Tags of an official account have neither a guide nor a group.")
    await must_be_own(planning, asked.member)
    appid, identities = await follows(planning.database, asked.member, asked.account)
    adapter = planning.tools.get(OfficialAccountAdapter, appid)
    tags = await _tags(planning, adapter, asked.tags)
    carried = await _carried(planning.database, adapter, identities)
    if not carried:
        raise follows_not()
    for has in carried.values():
        if adding and len(has | tags.keys()) > MOST_OF_ONE:
            raise StepRefused(
                "TAGS_FULL",
                f"A follower carries {MOST_OF_ONE} tags at most: this one has {len(has)}, and {len(tags)} are given.",
            )
    changes = [
        Change(tag, name, tuple(who for who, has in carried.items() if (tag in has) is not adding), adding)
        for tag, name in tags.items()
    ]
    intent = Mark(appid, tuple(carried), tuple(each for each in changes if each.identities), planning.key)
    return Effect(intent, values={"member": asked.member})


async def _tags(planning: Planning, adapter: OfficialAccountAdapter, wanted: Sequence[TagName]) -> Mapping[int, str]:
    """Id → name. Tags that our rows do not know yet are looked up at the platform, by one call."""
    rows = await planning.database.fetch(select(follower_tag).where(follower_tag.c.appid == adapter.account))

    async def ask() -> Sequence[Known[int]]:
        return [Known(each.id, each.name) for each in await adapter.tags()]

    return await find_tags(wanted, [Known(row.id, row.name) for row in rows], ask)


async def _carried(
    database: Database, adapter: OfficialAccountAdapter, identities: Collection[str]
) -> Mapping[str, frozenset[int]]:
    """Our ids of those who follow now → the tags that they have at the platform. One call per hundred."""
    openids = await platform_names(database, identities, "OPENID")
    found = await adapter.followers(list(openids.values()))
    return {
        who: frozenset(each.tag_ids)
        for who, each in zip(openids, found, strict=True)
        if not isinstance(each, NotFound) and each.subscribed
    }


async def _ask(ctx: StepContext, intent: Mark) -> Marked | None:
    """Done where every follower carries what they should; else it is done (again), which is harmless."""
    adapter = ctx.tools.get(OfficialAccountAdapter, intent.appid)
    carried = await _carried(ctx.projector.database, adapter, intent.followers)
    for change in intent.changes:
        if any((change.tag in carried[who]) is not change.adding for who in change.identities if who in carried):
            return None
    marked = Marked(intent.appid, tuple(each.tag for each in intent.changes))
    tagged(ctx, intent, marked)
    return marked


async def _undo(ctx: StepContext, intent: Mark, outcome: Marked | None) -> None:
    """Takes back what the followers did not have before, and gives back what they had. Whoever left meanwhile, and a
    tag that is gone, have nothing to take."""
    adapter = ctx.tools.get(OfficialAccountAdapter, intent.appid)
    changes = [each for each in intent.changes if outcome is None or each.tag in outcome.done]
    openids = await platform_names(ctx.projector.database, intent.followers, "OPENID")
    undone = []
    for change in changes:
        try:
            for some in _calls(change, openids):
                if change.adding:
                    await adapter.untag(change.tag, some)
                else:
                    await adapter.tag(change.tag, some)
        except NotFound:
            continue
        undone.append(change)
    async with ctx.projector.batch() as batch:
        await official_account.tagged(batch, [_tagging(intent, each, undone=True) for each in undone])


# ASKABLE: the followers are read again. What is set twice stands as if set once.
@step(
    name="follower.tag",
    tool="official_account",
    kind=Kind.COMPENSATABLE,
    delivery=Delivery.ASKABLE,
    ask=_ask,
    undo=_undo,
)
async def mark(ctx: StepContext, intent: Mark) -> Marked:
    """A call per tag and fifty followers. What the platform refuses of one tag for good is told beside the others."""
    adapter = ctx.tools.get(OfficialAccountAdapter, intent.appid)
    openids = await platform_names(ctx.projector.database, intent.followers, "OPENID")
    if not openids:
        raise follows_not()
    done: list[int] = []
    refused: list[Refusal] = []
    failure: UpstreamError | None = None
    for change in intent.changes:
        try:
            for some in _calls(change, openids):
                if change.adding:
                    await adapter.tag(change.tag, some)
                else:
                    await adapter.untag(change.tag, some)
            done.append(change.tag)
        except _FINAL as error:
            refused.append(Refusal(change.name, error.reason))
            failure = error
        except UpstreamError as error:
            if not done:
                raise
            # Part of it happened, so nobody may be told that nothing did.
            raise OutcomeUnknown(error.tool, error.reason, "Only some of the tags were changed.") from error
    if failure is not None and not done:
        raise failure
    marked = Marked(intent.appid, tuple(done), tuple(refused))
    tagged(ctx, intent, marked)
    return marked


def _calls(change: Change, openids: Mapping[str, str]) -> Iterator[Sequence[str]]:
    """Openids of one call each; whoever was erased meanwhile is left out."""
    found = [openids[who] for who in change.identities if who in openids]
    for start in range(0, len(found), TAGGED_PER_CALL):
        yield found[start : start + TAGGED_PER_CALL]


def tagged(ctx: StepContext, intent: Mark, marked: Marked) -> None:
    """Our rows, the facts and the labels, in the commit of the outcome."""
    taggings = [_tagging(intent, each) for each in intent.changes if each.tag in marked.done]

    async def follow(batch: Batch) -> None:
        await official_account.tagged(batch, taggings)

    ctx.on_done.append(follow)


def _tagging(intent: Mark, change: Change, *, undone: bool = False) -> Tagging:
    key = f"{intent.key}:undone" if undone else intent.key
    return Tagging(intent.appid, change.tag, change.name, change.identities, change.adding is not undone, key)


TAG: Final = Action("memberTag", mark, _plan_tag)
UNTAG: Final = Action("memberUntag", mark, _plan_untag)
