"""The templates of subscribe messages (订阅消息, 订阅通知) that a mini-program or an official account may send.

Both tools have the same book. A second call takes a second template, and the list of all shows whether the first did.
Giving one up is a PIVOT: what members accepted of it is lost.
"""

from __future__ import annotations

from typing import Final

import msgspec

from adapters.mini_program_store import MiniProgramStoreAdapter
from adapters.official_account import OfficialAccountAdapter
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.template_book import Kept, WantedGone, came, known, number
from gateway.transactions.effects.wechat_apps import mini_program
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

_ACCOUNT_ADD: Final = "account.subscribe_template.add"
_ADD: Final = "mini_program.subscribe_template.add"
#: Words that one template takes, and characters of what it is for (服务场景描述).
KEYWORDS: Final = range(2, 6)
PURPOSE_LENGTH: Final = 15

AnyAdapter = MiniProgramStoreAdapter | OfficialAccountAdapter


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for: a template of the library by its title's number. ``account`` None: not said."""

    number: str
    keywords: tuple[int, ...]
    purpose: str
    account: str | None


class Add(msgspec.Struct, frozen=True):
    """The same, and the templates that were there when this was asked."""

    account: str
    number: str
    keywords: tuple[int, ...]
    purpose: str
    before: tuple[str, ...]


class Drop(msgspec.Struct, frozen=True):
    """A template of this account."""

    account: str
    template: str


def _check(asked: Wanted) -> None:
    number(asked.number)
    if len(asked.keywords) not in KEYWORDS or len(set(asked.keywords)) < len(asked.keywords):
        raise StepRefused("BAD_USER_INPUT", "keywords are the numbers of 2 to 5 words of the template, each once.")
    if len(asked.purpose) > PURPOSE_LENGTH:
        raise StepRefused("BAD_USER_INPUT", f"purpose has {PURPOSE_LENGTH} characters at most.")


async def listed(adapter: AnyAdapter) -> list[str]:
    """The templates' own ids. One call."""
    if isinstance(adapter, OfficialAccountAdapter):
        return [each.template_id for each in await adapter.subscribe_templates()]
    return [each.template for each in await adapter.subscribe_templates()]


async def _added(ctx: StepContext, adapter: AnyAdapter, intent: Add) -> Kept | None:
    step_name, tool = (
        (_ACCOUNT_ADD, "official_account")
        if isinstance(adapter, OfficialAccountAdapter)
        else (_ADD, "mini_program_store")
    )
    found = await came(ctx, step_name, tool, intent.account, await listed(adapter), intent.before)
    return None if found is None else Kept(intent.account, found)


async def _there(adapter: AnyAdapter, template: str) -> bool:
    return template in await listed(adapter)


async def _plan_account_add(planning: Planning, asked: Wanted) -> Effect:
    _check(asked)
    adapter = planning.tools.get(OfficialAccountAdapter, asked.account)
    before = tuple(await listed(adapter))
    intent = Add(adapter.account, asked.number, asked.keywords, asked.purpose, before)
    return Effect(intent, values={"appid": adapter.account})


async def _plan_account_delete(planning: Planning, asked: WantedGone) -> Effect:
    adapter = planning.tools.get(OfficialAccountAdapter, asked.account)
    known(asked.template, await listed(adapter))
    return Effect(Drop(adapter.account, asked.template), values={"appid": adapter.account})


async def _ask_account_add(ctx: StepContext, intent: Add) -> Kept | None:
    return await _added(ctx, ctx.tools.get(OfficialAccountAdapter, intent.account), intent)


async def _undo_account_add(ctx: StepContext, intent: Add, outcome: Kept | None) -> None:
    adapter = ctx.tools.get(OfficialAccountAdapter, intent.account)
    outcome = outcome or await _added(ctx, adapter, intent)
    if outcome is not None and await _there(adapter, outcome.template):
        await adapter.subscribe_template_delete(outcome.template)


@step(
    name=_ACCOUNT_ADD,
    tool="official_account",
    kind=Kind.COMPENSATABLE,
    delivery=Delivery.ASKABLE,
    idempotent=False,
    ask=_ask_account_add,
    undo=_undo_account_add,
)
async def account_add(ctx: StepContext, intent: Add) -> Kept:
    """One call."""
    adapter = ctx.tools.get(OfficialAccountAdapter, intent.account)
    made = await adapter.subscribe_template_add(intent.number, intent.keywords, intent.purpose)
    return Kept(intent.account, made)


async def _ask_account_delete(ctx: StepContext, intent: Drop) -> Kept | None:
    adapter = ctx.tools.get(OfficialAccountAdapter, intent.account)
    return None if await _there(adapter, intent.template) else Kept(intent.account, intent.template)


@step(
    name="account.subscribe_template.delete",
    tool="official_account",
    kind=Kind.PIVOT,
    delivery=Delivery.ASKABLE,
    ask=_ask_account_delete,
)
async def account_delete(ctx: StepContext, intent: Drop) -> Kept:
    """One call."""
    adapter = ctx.tools.get(OfficialAccountAdapter, intent.account)
    await adapter.subscribe_template_delete(intent.template)
    return Kept(intent.account, intent.template)


async def _plan_mini_program_add(planning: Planning, asked: Wanted) -> Effect:
    _check(asked)
    adapter = mini_program(planning, asked.account)
    before = tuple(await listed(adapter))
    intent = Add(adapter.account, asked.number, asked.keywords, asked.purpose, before)
    return Effect(intent, values={"appid": adapter.account})


async def _plan_mini_program_delete(planning: Planning, asked: WantedGone) -> Effect:
    adapter = mini_program(planning, asked.account)
    known(asked.template, await listed(adapter))
    return Effect(Drop(adapter.account, asked.template), values={"appid": adapter.account})


async def _ask_mini_program_add(ctx: StepContext, intent: Add) -> Kept | None:
    return await _added(ctx, ctx.tools.get(MiniProgramStoreAdapter, intent.account), intent)


async def _undo_mini_program_add(ctx: StepContext, intent: Add, outcome: Kept | None) -> None:
    adapter = ctx.tools.get(MiniProgramStoreAdapter, intent.account)
    outcome = outcome or await _added(ctx, adapter, intent)
    if outcome is not None and await _there(adapter, outcome.template):
        await adapter.subscribe_template_delete(outcome.template)


@step(
    name=_ADD,
    tool="mini_program_store",
    kind=Kind.COMPENSATABLE,
    delivery=Delivery.ASKABLE,
    idempotent=False,
    ask=_ask_mini_program_add,
    undo=_undo_mini_program_add,
)
async def mini_program_add(ctx: StepContext, intent: Add) -> Kept:
    """One call."""
    adapter = ctx.tools.get(MiniProgramStoreAdapter, intent.account)
    made = await adapter.subscribe_template_add(intent.number, intent.keywords, intent.purpose)
    return Kept(intent.account, made)


async def _ask_mini_program_delete(ctx: StepContext, intent: Drop) -> Kept | None:
    adapter = ctx.tools.get(MiniProgramStoreAdapter, intent.account)
    return None if await _there(adapter, intent.template) else Kept(intent.account, intent.template)


@step(
    name="mini_program.subscribe_template.delete",
    tool="mini_program_store",
    kind=Kind.PIVOT,
    delivery=Delivery.ASKABLE,
    ask=_ask_mini_program_delete,
)
async def mini_program_delete(ctx: StepContext, intent: Drop) -> Kept:
    """One call."""
    adapter = ctx.tools.get(MiniProgramStoreAdapter, intent.account)
    await adapter.subscribe_template_delete(intent.template)
    return Kept(intent.account, intent.template)


ACCOUNT_ADD: Final = Action("subscribeTemplateAdd", account_add, _plan_account_add)
ACCOUNT_DELETE: Final = Action("subscribeTemplateDelete", account_delete, _plan_account_delete)
ADD: Final = Action("subscribeTemplateAdd", mini_program_add, _plan_mini_program_add)
DELETE: Final = Action("subscribeTemplateDelete", mini_program_delete, _plan_mini_program_delete)
