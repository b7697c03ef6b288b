"""The templates of template messages (模板消息) that an official account has."""

from __future__ import annotations

from typing import Final

import msgspec

from adapters.official_account import OfficialAccountAdapter
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.template_book import Kept, WantedGone, came, known, number
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

TOOL: Final = "official_account"
_ADD: Final = "message_template.add"
#: Words of a template by category, and characters of one.
MOST_KEYWORDS: Final = 10
KEYWORD_LENGTH: Final = 32


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for: a template of the library by its number. ``account`` None: not said."""

    number: str
    keywords: tuple[str, ...]
    account: str | None


class Add(msgspec.Struct, frozen=True):
    """The same, and the templates that were there when this was asked."""

    account: str
    number: str
    keywords: tuple[str, ...]
    before: tuple[str, ...]


class Drop(msgspec.Struct, frozen=True):
    """A template of this account."""

    appid: str
    template: str


async def _plan_add(planning: Planning, asked: Wanted) -> Effect:
    number(asked.number)
    if len(asked.keywords) > MOST_KEYWORDS or any(not 1 <= len(each) <= KEYWORD_LENGTH for each in asked.keywords):
        raise StepRefused(
            "BAD_USER_INPUT", f"keywords are {MOST_KEYWORDS} at most, each of 1 to {KEYWORD_LENGTH} characters."
        )
    adapter = planning.tools.get(OfficialAccountAdapter, asked.account)
    before = tuple(each.template_id for each in await adapter.templates())
    return Effect(Add(adapter.account, asked.number, asked.keywords, before), values={"appid": adapter.account})


async def _plan_delete(planning: Planning, asked: WantedGone) -> Effect:
    adapter = planning.tools.get(OfficialAccountAdapter, asked.account)
    known(asked.template, [each.template_id for each in await adapter.templates()])
    return Effect(Drop(adapter.account, asked.template), values={"appid": adapter.account})


async def _ask_add(ctx: StepContext, intent: Add) -> Kept | None:
    adapter = ctx.tools.get(OfficialAccountAdapter, intent.account)
    listed = [each.template_id for each in await adapter.templates()]
    found = await came(ctx, _ADD, TOOL, intent.account, listed, intent.before)
    return None if found is None else Kept(intent.account, found)


async def _undo_add(ctx: StepContext, intent: Add, outcome: Kept | None) -> None:
    outcome = outcome or await _ask_add(ctx, intent)
    adapter = ctx.tools.get(OfficialAccountAdapter, intent.account)
    if outcome is not None and any(each.template_id == outcome.template for each in await adapter.templates()):
        await adapter.template_delete(outcome.template)


# A second call would take a second template; the list of all shows whether the first one did.
@step(
    name=_ADD,
    tool=TOOL,
    kind=Kind.COMPENSATABLE,
    delivery=Delivery.ASKABLE,
    idempotent=False,
    ask=_ask_add,
    undo=_undo_add,
)
async def add(ctx: StepContext, intent: Add) -> Kept:
    """One call."""
    adapter = ctx.tools.get(OfficialAccountAdapter, intent.account)
    return Kept(intent.account, await adapter.template_add(intent.number, intent.keywords))


async def _ask_delete(ctx: StepContext, intent: Drop) -> Kept | None:
    adapter = ctx.tools.get(OfficialAccountAdapter, intent.appid)
    there = any(each.template_id == intent.template for each in await adapter.templates())
    return None if there else Kept(intent.appid, intent.template)


# A PIVOT: taken again, it has another id, which nobody's settings know.
@step(
    name="message_template.delete",
    tool=TOOL,
    kind=Kind.PIVOT,
    delivery=Delivery.ASKABLE,
    ask=_ask_delete,
)
async def delete(ctx: StepContext, intent: Drop) -> Kept:
    """One call."""
    adapter = ctx.tools.get(OfficialAccountAdapter, intent.appid)
    await adapter.template_delete(intent.template)
    return Kept(intent.appid, intent.template)


ADD: Final = Action("messageTemplateAdd", add, _plan_add)
DELETE: Final = Action("messageTemplateDelete", delete, _plan_delete)
