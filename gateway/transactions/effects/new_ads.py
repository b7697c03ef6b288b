"""New ads (创建广告) of 腾讯广告, suspended, and the data sources (数据源) that conversions are reported to."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

import msgspec

from adapters.social_ads import BUDGET, ActionSet, AdDraft, SocialAdsAdapter
from gateway.database.facts import Fact
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.ads import TOOL, Changed, followed
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: Sites and audiences of one ad.
MOST_SITES: Final = 20
MOST_AUDIENCES: Final = 50
NAME_BYTES: Final = 180
SOURCE_NAME_BYTES: Final = 32
DESCRIPTION_LENGTH: Final = 128
MOST_BID: Final = 500_000
#: Kinds of data sources.
SOURCES: Final = ("WEB", "ANDROID", "IOS", "OFFLINE", "WECHAT", "WECHAT_MINI_PROGRAM", "WECHAT_MINI_GAME", "HARMONY")
_WORD: Final = re.compile(r"[A-Z][A-Z0-9_]{0,63}")


class Draft(msgspec.Struct, frozen=True):
    """An ad as it is to be; see the adapter's ``AdDraft``. ``account`` empty, where it is asked for: the first one."""

    account: str
    name: str
    marketing_goal: str
    carrier: str
    starts: date
    ends: date | None
    bid_mode: str
    bid: int
    optimization_goal: str
    sites: tuple[str, ...]
    daily_budget: int | None
    audiences: tuple[int, ...]
    excluded_audiences: tuple[int, ...]


class Create(msgspec.Struct, frozen=True):
    """The ad, and the name under which the platform knows a repetition."""

    draft: Draft
    key: str


class WantedSource(msgspec.Struct, frozen=True):
    """A data source to make. ``account`` None: not said."""

    kind: str
    name: str
    appid: str
    description: str
    account: str | None


class MakeSource(msgspec.Struct, frozen=True):
    """The same, of one account, and the sources that were there when this was asked."""

    account: str
    wanted: WantedSource
    before: tuple[int, ...]


class Source(msgspec.Struct, frozen=True):
    """The source, by the platform's number."""

    account: str
    number: int
    kind: str
    name: str


async def _plan(planning: Planning, asked: Draft) -> Effect:
    _check(asked)
    account = planning.tools.get(SocialAdsAdapter, asked.account or None).account
    draft = msgspec.structs.replace(asked, account=account)
    return Effect(Create(draft, planning.key), values={"account": account})


def _check(draft: Draft) -> None:
    """Raises StepRefused for what the platform would not take in any account."""
    if not 1 <= len(draft.name.encode()) <= NAME_BYTES:
        raise StepRefused("BAD_USER_INPUT", f"name has 1 to {NAME_BYTES} bytes in UTF-8.")
    words = (draft.marketing_goal, draft.carrier, draft.bid_mode, draft.optimization_goal, *draft.sites)
    wrong = next((each for each in words if not _WORD.fullmatch(each)), None)
    if wrong is not None:
        raise StepRefused(
            "BAD_USER_INPUT", "Goals, carrier, bidMode and sites are the platform's words, such as BID_MODE_OCPM."
        )
    if not 1 <= len(draft.sites) <= MOST_SITES:
        raise StepRefused("BAD_USER_INPUT", f"sites are 1 to {MOST_SITES}.")
    if draft.ends is not None and draft.ends < draft.starts:
        raise StepRefused("BAD_USER_INPUT", "ends lies before starts.")
    if not 1 <= draft.bid <= MOST_BID:
        raise StepRefused("BAD_USER_INPUT", f"bid is 1 to {MOST_BID} fen.")
    if draft.daily_budget is not None and draft.daily_budget not in BUDGET:
        raise StepRefused(
            "BAD_USER_INPUT", f"A daily budget must be {BUDGET.start} to {BUDGET.stop - 1} fen, or null for no limit."
        )
    if max(len(draft.audiences), len(draft.excluded_audiences)) > MOST_AUDIENCES:
        raise StepRefused("BAD_USER_INPUT", f"{MOST_AUDIENCES} audiences at most are aimed at, or left out.")


# KEYED by the request's id, under which the platform answers the same ad again. It names no time after which it forgets
# one, so there is no window: a lost answer is asked for in all attempts of its job, for some hours. Of what it forgets
# all the same, it refuses a second ad of the name, and the step ends UNKNOWN. A PIVOT: nothing here deletes an ad.
@step(name="ad.create", tool=TOOL, kind=Kind.PIVOT, delivery=Delivery.KEYED)
async def create(ctx: StepContext, intent: Create) -> Changed:
    """One call; the ad is suspended, and costs nothing until somebody gives it creatives and lets it run."""
    draft = intent.draft
    adapter = ctx.tools.get(SocialAdsAdapter, draft.account)
    number = await adapter.create_ad(
        AdDraft(
            name=draft.name,
            marketing_goal=draft.marketing_goal,
            carrier=draft.carrier,
            starts=draft.starts,
            ends=draft.ends,
            bid_mode=draft.bid_mode,
            bid=draft.bid,
            optimization_goal=draft.optimization_goal,
            sites=draft.sites,
            daily_budget=draft.daily_budget,
            audiences=draft.audiences,
            excluded_audiences=draft.excluded_audiences,
        ),
        intent.key,
    )
    made = Changed(draft.account, (str(number),))
    ctx.facts.append(
        Fact(
            kind="ad.changed",
            occurred_at=ctx.now,
            source="own",
            source_key=f"{ctx.saga}:{ctx.key}:{number}",
            account=draft.account,
            tool=TOOL,
            ad=str(number),
            amount_fen=draft.bid,
            reason="CREATE",
        )
    )
    await followed(ctx, adapter, made)
    return made


async def _plan_source(planning: Planning, asked: WantedSource) -> Effect:
    if asked.kind not in SOURCES:
        raise StepRefused("BAD_USER_INPUT", f"kind is one of {', '.join(SOURCES)}.")
    if len(asked.name.encode()) > SOURCE_NAME_BYTES or not asked.name:
        raise StepRefused("BAD_USER_INPUT", f"name has 1 to {SOURCE_NAME_BYTES} bytes in UTF-8.")
    if asked.kind.startswith("WECHAT") is not bool(asked.appid):
        raise StepRefused("BAD_USER_INPUT", "A data source of WeChat has an appid, and no other has.")
    if len(asked.description) > DESCRIPTION_LENGTH:
        raise StepRefused("BAD_USER_INPUT", f"description has {DESCRIPTION_LENGTH} characters at most.")
    adapter = planning.tools.get(SocialAdsAdapter, asked.account)
    there = await adapter.action_sets()
    if any((each.kind, each.name) == (asked.kind, asked.name) for each in there):
        raise StepRefused("SOURCE_EXISTS", "The account has a data source of this kind and name.")
    intent = MakeSource(adapter.account, asked, tuple(each.action_set_id for each in there))
    return Effect(intent, values={"account": adapter.account})


async def _ask_source(ctx: StepContext, intent: MakeSource) -> Source | None:
    """There was none of the kind and name when this was planned: one that is there now is ours."""
    found = await ctx.tools.get(SocialAdsAdapter, intent.account).action_sets()
    wanted = intent.wanted
    made = next((each for each in found if _is(each, wanted) and each.action_set_id not in intent.before), None)
    return None if made is None else Source(intent.account, made.action_set_id, wanted.kind, wanted.name)


def _is(source: ActionSet, wanted: WantedSource) -> bool:
    return (source.kind, source.name) == (wanted.kind, wanted.name)


# A PIVOT: nothing deletes a data source.
@step(
    name="conversion_source.create", tool=TOOL, kind=Kind.PIVOT, delivery=Delivery.ASKABLE, idempotent=False,
    ask=_ask_source,
)  # fmt: skip
async def make_source(ctx: StepContext, intent: MakeSource) -> Source:
    """One call."""
    wanted, adapter = intent.wanted, ctx.tools.get(SocialAdsAdapter, intent.account)
    number = await adapter.create_action_set(
        wanted.kind, wanted.name, wechat_appid=wanted.appid, description=wanted.description
    )
    return Source(intent.account, number, wanted.kind, wanted.name)


CREATE: Final = Action("adCreate", create, _plan)
CREATE_SOURCE: Final = Action("conversionSourceCreate", make_source, _plan_source)
