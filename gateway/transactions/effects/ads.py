"""Ads (广告) of 腾讯广告: let run or suspended, and limited by the day, as the account itself is.

What is set again is set once. None of it is compensatable: what an ad has spent meanwhile is not given back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from typing import Final

import msgspec
from sqlalchemy import select

from adapters.base.errors import OutcomeUnknown, UpstreamError
from adapters.social_ads import BUDGET, CHANGES_PER_CALL, AdChanged, AdEdit, SocialAdsAdapter
from gateway.database.facts import Fact
from gateway.database.tables.projections import ad
from gateway.events.projections import places, social_ads
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.runner import FINAL
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

TOOL: Final = "social_ads"
#: Ads of one request: what the platform takes in one call.
MOST: Final = CHANGES_PER_CALL


class Switch(msgspec.Struct, frozen=True):
    """Ads of one account, by the platform's numbers, and whether they are to run. Asked for, and the intent."""

    account: str
    ads: tuple[str, ...]
    on: bool


class Budget(msgspec.Struct, frozen=True):
    """Of one ad: fen a day, None is no limit."""

    ad: str
    daily: int | None


class Limit(msgspec.Struct, frozen=True):
    """Budgets of ads of one account. Asked for, and the intent."""

    account: str
    budgets: tuple[Budget, ...]


class Edit(msgspec.Struct, frozen=True):
    """Of one ad; None stays as it is. ``bid`` in fen, days are business dates. Asked for, and the intent."""

    account: str
    ad: str
    name: str | None = None
    bid: int | None = None
    starts: date | None = None
    ends: date | None = None
    endless: bool = False


class AccountLimit(msgspec.Struct, frozen=True):
    """Of the whole account: fen a day, None is no limit. ``account`` empty, where it is asked for: the first one."""

    account: str
    daily: int | None


class Refusal(msgspec.Struct, frozen=True):
    """An ad that the platform did not change, and its reason."""

    ad: str
    reason: str


class Changed(msgspec.Struct, frozen=True):
    """Ads that stand now as they should, and those that do not."""

    account: str
    ads: tuple[str, ...]
    refused: tuple[Refusal, ...] = ()


class Limited(msgspec.Struct, frozen=True):
    """The account."""

    account: str


async def _plan_switch(planning: Planning, asked: Switch) -> Effect:
    await _known(planning, asked.account, asked.ads)
    return Effect(asked, values={"account": asked.account})


async def _plan_limit(planning: Planning, asked: Limit) -> Effect:
    for each in asked.budgets:
        _possible(each.daily)
    await _known(planning, asked.account, [each.ad for each in asked.budgets])
    return Effect(asked, values={"account": asked.account})


async def _plan_edit(planning: Planning, asked: Edit) -> Effect:
    await _known(planning, asked.account, [asked.ad])
    return Effect(asked, values={"account": asked.account})


async def _plan_account(planning: Planning, asked: AccountLimit) -> Effect:
    _possible(asked.daily)
    account = planning.tools.get(SocialAdsAdapter, asked.account or None).account
    return Effect(AccountLimit(account, asked.daily), values={"account": account})


def _possible(fen: int | None) -> None:
    if fen is not None and fen not in BUDGET:
        raise StepRefused(
            "BAD_USER_INPUT", f"A daily budget must be {BUDGET.start} to {BUDGET.stop - 1} fen, or null for no limit."
        )


async def _known(planning: Planning, account: str, ads: Sequence[str]) -> None:
    """Raises StepRefused and ToolNotConfigured."""
    if not 1 <= len(ads) <= MOST or len(set(ads)) < len(ads):
        raise StepRefused(
            "BAD_USER_INPUT", f"{len(ads)} ads given: 1 to {MOST} of one account are possible, each once."
        )
    planning.tools.get(SocialAdsAdapter, account)
    rows = await planning.database.fetch(
        select(ad.c.adgroup_id).where(ad.c.account_id == account, ad.c.adgroup_id.in_(ads))
    )
    if len(rows) < len(ads):
        raise StepRefused("AD_UNKNOWN", "There is no such ad among them; take them from the query ads.")


@step(name="ad.switch", tool=TOOL, kind=Kind.RETRIABLE, delivery=Delivery.KEYED)
async def switch(ctx: StepContext, intent: Switch) -> Changed:
    """One call. What one ad is refused for is told beside what the others took; if all are, it failed."""
    adapter = ctx.tools.get(SocialAdsAdapter, intent.account)
    outcomes = await adapter.switch_ads({int(each): intent.on for each in intent.ads})
    changed = _changed(intent.account, intent.ads, outcomes)
    ctx.facts += [_fact(ctx, intent.account, each, "ON" if intent.on else "OFF", None) for each in changed.ads]
    await followed(ctx, adapter, changed)
    return changed


@step(name="ad.limit", tool=TOOL, kind=Kind.RETRIABLE, delivery=Delivery.KEYED)
async def limit(ctx: StepContext, intent: Limit) -> Changed:
    """As ``switch``. That a budget must be above what the ad has cost today is the platform's to say."""
    adapter = ctx.tools.get(SocialAdsAdapter, intent.account)
    budgets: Mapping[str, int | None] = {each.ad: each.daily for each in intent.budgets}
    outcomes = await adapter.set_budgets({int(each): fen for each, fen in budgets.items()})
    changed = _changed(intent.account, list(budgets), outcomes)
    ctx.facts += [_fact(ctx, intent.account, each, "BUDGET", budgets[each]) for each in changed.ads]
    await followed(ctx, adapter, changed)
    return changed


@step(name="ad.edit", tool=TOOL, kind=Kind.RETRIABLE, delivery=Delivery.KEYED)
async def edit(ctx: StepContext, intent: Edit) -> Changed:
    """Its name, its bid, its days: what the platform finds wrong it refuses as a whole."""
    adapter = ctx.tools.get(SocialAdsAdapter, intent.account)
    wanted = AdEdit(name=intent.name, bid=intent.bid, starts=intent.starts, ends=intent.ends, endless=intent.endless)
    await adapter.update_ad(int(intent.ad), wanted)
    ctx.facts.append(_fact(ctx, intent.account, intent.ad, "EDIT", intent.bid))
    changed = Changed(intent.account, (intent.ad,))
    await followed(ctx, adapter, changed)
    return changed


@step(name="ad_account.limit", tool=TOOL, kind=Kind.RETRIABLE, delivery=Delivery.KEYED)
async def limit_account(ctx: StepContext, intent: AccountLimit) -> Limited:
    """Ads of the account stop for the day when it is spent."""
    adapter = ctx.tools.get(SocialAdsAdapter, intent.account)
    await adapter.set_account_budget(intent.daily)
    ctx.facts.append(_fact(ctx, intent.account, None, "BUDGET", intent.daily))
    return Limited(intent.account)


def _changed(account: str, ads: Sequence[str], outcomes: Sequence[AdChanged | UpstreamError]) -> Changed:
    """Raises what all of them failed by, and what would be another answer at another time."""
    told = list(zip(ads, outcomes, strict=True))
    done = tuple(each for each, outcome in told if not isinstance(outcome, UpstreamError))
    errors = [(each, outcome) for each, outcome in told if isinstance(outcome, UpstreamError)]
    passing = next((error for _, error in errors if not isinstance(error, FINAL)), None)
    if passing is not None and done:
        # Part of it happened, so nobody may be told that nothing did; all of it is set again.
        raise OutcomeUnknown(passing.tool, passing.reason, "Only some of the ads were changed.") from passing
    if not done:
        raise passing or errors[0][1]
    return Changed(account, done, tuple(Refusal(each, error.reason) for each, error in errors))


async def followed(ctx: StepContext, adapter: SocialAdsAdapter, changed: Changed) -> None:
    """Read the ads into our rows: which status they have now is the platform's to say. Where they cannot be read now,
    the next sync does."""
    with suppress(UpstreamError):
        asking = ctx.projector.asking()
        page = await adapter.adgroups(only=[int(each) for each in changed.ads])
        await social_ads.adgroups(asking, page.items, await places.campaign_names(ctx.projector))


def _fact(ctx: StepContext, account: str, number: str | None, what: str, fen: int | None) -> Fact:
    return Fact(
        kind="ad.changed",
        occurred_at=ctx.now,
        source="own",
        source_key=f"{ctx.saga}:{ctx.key}:{number or account}",
        account=account,
        tool=TOOL,
        ad=number,
        amount_fen=fen,
        reason=what,
    )


SWITCH: Final = Action("adSwitch", switch, _plan_switch)
EDIT: Final = Action("adUpdate", edit, _plan_edit)
LIMIT: Final = Action("adBudgetSet", limit, _plan_limit)
LIMIT_ACCOUNT: Final = Action("adAccountBudgetSet", limit_account, _plan_account)
