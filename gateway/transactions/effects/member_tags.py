"""Tags of members (标签): the corp tags (企业标签) that guides' contacts carry.

A tag belongs to a contact, which is one guide's. The platform calls nobody back for what is done by API: our own
rows, the fact and the labels that members are searched by follow in the commit of the outcome.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from sqlalchemy import select

from adapters.base.errors import Conflict, Invalid, NotFound, OutcomeUnknown, Rejected, UpstreamError
from adapters.enterprise_chat import EnterpriseChatAdapter
from gateway.database.tables.projections import contact_tag
from gateway.events.projections import enterprise_chat
from gateway.events.projections.enterprise_chat import Tagging
from gateway.events.projector import Batch
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.customers import Pair, contacts_of, external_userids, is_own, one_corp
from gateway.transactions.effects.tagging import Known, TagName, Wanted, find_tags
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: What the platform says of one contact for good; the others are tagged all the same.
_FINAL: Final = (Rejected, Invalid, NotFound, Conflict)


class Change(msgspec.Struct, frozen=True):
    """Of one contact: ids of tags that it lacks and gets, and of those that it has and loses."""

    pair: Pair
    add: tuple[str, ...]
    remove: tuple[str, ...]


class Mark(msgspec.Struct, frozen=True):
    """What changes in one corp, as it was when this was asked: undoing takes back these tags and no others.

    ``names`` are those of the tags, by id; ``key`` is the name under which the fact log knows it.
    """

    corpid: str
    changes: tuple[Change, ...]
    names: Mapping[str, str]
    key: str


class Refusal(msgspec.Struct, frozen=True):
    """A contact that the platform did not change for good, and its reason."""

    pair: Pair
    reason: str


class Marked(msgspec.Struct, frozen=True):
    """Contacts that stand now as they should, and those that do not."""

    done: tuple[Pair, ...]
    refused: tuple[Refusal, ...] = ()


async def _plan_tag(planning: Planning, asked: Wanted) -> Effect:
    return await _plan(planning, asked, adding=True)


async def _plan_untag(planning: Planning, asked: Wanted) -> Effect:
    return await _plan(planning, asked, adding=False)


async def _plan(planning: Planning, asked: Wanted, *, adding: bool) -> Effect:
    """Whose contact the member is by our rows, and what these contacts carry by the platform: one call a customer."""
    pairs = await _pairs(planning, asked)
    corpid = one_corp(pairs)
    adapter = planning.tools.get(EnterpriseChatAdapter, corpid)
    tags = await tag_ids(planning, adapter, asked.tags)
    carried = await _carried(adapter, await external_userids(planning.database, {each.identity for each in pairs}))
    changes = []
    for pair in pairs:
        has = carried.get((pair.userid, pair.identity))
        if has is not None:
            add = tuple(each for each in tags if adding and each not in has)
            changes.append(Change(pair, add, tuple(each for each in tags if not adding and each in has)))
    if not changes:
        raise _not_a_contact()
    return Effect(Mark(corpid, tuple(changes), tags, planning.key), values={"member": asked.member})


async def _pairs(planning: Planning, asked: Wanted) -> Sequence[Pair]:
    found = await contacts_of(planning.database, [asked.member])
    if asked.member not in found:
        raise StepRefused("MEMBER_UNKNOWN", "There is no such member.")
    pairs = [
        each
        for each in found[asked.member]
        if asked.account in {None, each.corpid}
        and asked.guide in {None, (each.corpid, each.userid)}
        and is_own(planning, each)
    ]
    if not pairs:
        raise _not_a_contact()
    return pairs


def _not_a_contact() -> StepRefused:
    return StepRefused("CONTACT_UNKNOWN", "No such guide has the member as a contact; Member.chat says who has.")


async def tag_ids(planning: Planning, adapter: EnterpriseChatAdapter, wanted: Sequence[TagName]) -> Mapping[str, str]:
    """Id → name. Tags that our rows do not know yet are looked up at the platform, by one call."""
    rows = await planning.database.fetch(select(contact_tag).where(contact_tag.c.corpid == adapter.account))

    async def ask() -> Sequence[Known[str]]:
        return [Known(each.id, each.name, each.group) for each in await adapter.corp_tags()]

    return await find_tags(wanted, [Known(row.id, row.name, row.group_name) for row in rows], ask)


async def _carried(
    adapter: EnterpriseChatAdapter, externals: Mapping[str, str]
) -> Mapping[tuple[str, str], frozenset[str]]:
    """(guide, our id of the customer) → the tags that the contact has at the platform now."""
    found: dict[tuple[str, str], frozenset[str]] = {}
    for identity, external in externals.items():
        answer = await adapter.contact(external)
        if not isinstance(answer, NotFound):
            found |= {(each.userid, identity): frozenset(each.tag_ids) for each in answer}
    return found


async def _ask(ctx: StepContext, intent: Mark) -> Marked | None:
    """Done where every contact carries what it should; else it is done (again), which is harmless."""
    adapter = ctx.tools.get(EnterpriseChatAdapter, intent.corpid)
    externals = await external_userids(ctx.projector.database, {each.pair.identity for each in intent.changes})
    carried = await _carried(adapter, externals)
    for change in intent.changes:
        has = carried.get((change.pair.userid, change.pair.identity), frozenset())
        if not has.issuperset(change.add) or not has.isdisjoint(change.remove):
            return None
    marked = Marked(tuple(each.pair for each in intent.changes))
    tagged(ctx, intent, marked)
    return marked


async def _undo(ctx: StepContext, intent: Mark, outcome: Marked | None) -> None:
    """Takes back what the contacts did not have before, and gives back what they had. A contact that is over has
    no tags left to take."""
    adapter = ctx.tools.get(EnterpriseChatAdapter, intent.corpid)
    changes = [each for each in intent.changes if outcome is None or each.pair in outcome.done]
    externals = await external_userids(ctx.projector.database, {each.pair.identity for each in changes})
    taggings = []
    for change in changes:
        external = externals.get(change.pair.identity)
        if external is None or not (change.add or change.remove):
            continue
        try:
            await adapter.mark_tags(change.pair.userid, external, add=change.remove, remove=change.add)
        except NotFound:
            continue
        taggings.append(_tagging(intent, change, undone=True))
    async with ctx.projector.batch() as batch:
        await enterprise_chat.tagged(batch, taggings)


# ASKABLE: the contact is read again. What is set twice stands as if set once, so that a repetition is harmless too.
@step(
    name="contact.tag",
    tool="enterprise_chat",
    kind=Kind.COMPENSATABLE,
    delivery=Delivery.ASKABLE,
    ask=_ask,
    undo=_undo,
)
async def mark(ctx: StepContext, intent: Mark) -> Marked:
    """One call a contact. What one refuses for good is told beside what the others took; if all refuse, it failed."""
    adapter = ctx.tools.get(EnterpriseChatAdapter, intent.corpid)
    externals = await external_userids(ctx.projector.database, {each.pair.identity for each in intent.changes})
    done: list[Pair] = []
    refused: list[Refusal] = []
    failure: UpstreamError | StepRefused = _not_a_contact()
    for change in intent.changes:
        external = externals.get(change.pair.identity)
        if external is None:
            refused.append(Refusal(change.pair, "no_relation"))
            continue
        try:
            if change.add or change.remove:
                await adapter.mark_tags(change.pair.userid, external, add=change.add, remove=change.remove)
            done.append(change.pair)
        except _FINAL as error:
            refused.append(Refusal(change.pair, error.reason))
            failure = error
        except UpstreamError as error:
            if not done:
                raise
            # Part of it happened, so nobody may be told that nothing did.
            raise OutcomeUnknown(error.tool, error.reason, "Only some of the contacts were changed.") from error
    if not done:
        raise failure
    marked = Marked(tuple(done), tuple(refused))
    tagged(ctx, intent, marked)
    return marked


def tagged(ctx: StepContext, intent: Mark, marked: Marked) -> None:
    """Our rows, the facts and the labels, in the commit of the outcome."""
    taggings = [_tagging(intent, each) for each in intent.changes if each.pair in marked.done]

    async def follow(batch: Batch) -> None:
        await enterprise_chat.tagged(batch, taggings)

    ctx.on_done.append(follow)


def _tagging(intent: Mark, change: Change, *, undone: bool = False) -> Tagging:
    add, remove = (change.remove, change.add) if undone else (change.add, change.remove)
    key = f"{intent.key}:undone" if undone else intent.key
    pair = change.pair
    return Tagging(pair.corpid, pair.userid, pair.identity, add, remove, intent.names, key)


TAG: Final = Action("memberTag", mark, _plan_tag)
UNTAG: Final = Action("memberUntag", mark, _plan_untag)
