"""Conversions (转化归因回传) that headquarters reports: what a member did where no checkout of ours saw it.

A purchase of our own checkout is reported by the checkout's tail.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import select

from adapters.base.errors import OutcomeUnknown, UpstreamError
from adapters.mini_program_store import MiniProgramStoreAdapter
from adapters.social_ads import CONVERSIONS_PER_CALL, Conversion, SocialAdsAdapter
from gateway.database.facts import Fact
from gateway.database.tables.members import identity
from gateway.members.consent import Purpose
from gateway.members.family import present_ids
from gateway.members.gate import Asked, Decision
from gateway.members.reach import Channel
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.runner import FINAL
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

TOOL: Final = "social_ads"
#: Conversions of one request: what the platform takes in one call.
MOST: Final = CONVERSIONS_PER_CALL
#: Characters of a key; how many the platform takes is not documented.
KEY_LENGTH: Final = 64


class Event(msgspec.Struct, frozen=True):
    """What happened. ``action`` is the platform's word; ``key`` with it is counted once; ``value`` is in fen."""

    action: str
    at: datetime
    key: str
    value: int | None = None
    click_id: str = ""


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for. ``app`` empty: the mini-program that the member was seen in last."""

    member: str
    events: tuple[Event, ...]
    app: str = ""
    account: str = ""


class Report(msgspec.Struct, frozen=True):
    """The conversions of a member; ``identity`` is the openid's, empty where there is none."""

    account: str
    member: str
    identity: str
    events: tuple[Event, ...]
    key: str


class Refusal(msgspec.Struct, frozen=True):
    """One that the platform did not take, or that lacks something, and its reason."""

    key: str
    action: str
    reason: str


class Reported(msgspec.Struct, frozen=True):
    """How many were taken, now or earlier; that they will be attributed to an ad is not promised."""

    account: str
    accepted: int
    refused: tuple[Refusal, ...] = ()


def may_go(decision: Decision) -> None:
    """Raises StepRefused NOT_ALLOWED, with the gate's reason."""
    if not decision.allowed:
        raise StepRefused(
            "NOT_ALLOWED",
            f"The platform may not be told of this member: {decision.reason}; Member.consents says what they allow.",
            reason=str(decision.reason),
        )


async def _plan(planning: Planning, asked: Wanted) -> Effect:
    if not 1 <= len(asked.events) <= MOST:
        raise StepRefused("BAD_USER_INPUT", f"{len(asked.events)} conversions given: 1 to {MOST} are possible.")
    if not all(1 <= len(each.key) <= KEY_LENGTH for each in asked.events):
        raise StepRefused("BAD_USER_INPUT", f"A conversion's key must have 1 to {KEY_LENGTH} characters.")
    if len({(each.key, each.action) for each in asked.events}) < len(asked.events):
        raise StepRefused("BAD_USER_INPUT", "Two conversions have one key and action: the platform counts one of them.")
    adapter = planning.tools.get(SocialAdsAdapter, asked.account or None)
    present = await present_ids(planning.database.fetch, [asked.member])
    if asked.member not in present:
        raise StepRefused("MEMBER_UNKNOWN", "There is no such member.")
    member = present[asked.member]
    named = await _openid(planning, member, asked.app)
    intent = Report(adapter.account, member, named, asked.events, planning.key)
    return Effect(intent, member, {"member": member})


async def _openid(planning: Planning, member: str, app: str) -> str:
    """Our id of it: openids of other apps than mini-programs are of no use to ads, unless one is asked for."""
    apps = [app] if app else [each.account for each in planning.tools.all(MiniProgramStoreAdapter)]
    row = await planning.database.one(
        select(identity.c.id)
        .where(identity.c.member == member, identity.c.kind == "OPENID", identity.c.issuer.in_(apps))
        .where(identity.c.superseded_by.is_(None))
        .order_by(identity.c.linked_at.desc(), identity.c.id)
        .limit(1)
    )
    return "" if row is None else str(row.id)


# KEYED: the platform counts one (data source, key, action) once. RETRIABLE: there is no call that takes one back.
@step(name="conversion.tell", tool=TOOL, kind=Kind.RETRIABLE, delivery=Delivery.KEYED, personal=True)
async def tell(ctx: StepContext, intent: Report) -> Reported:
    """Through the gate, then one call, which is halved where the platform refuses it for one of them."""
    about = Asked(
        purpose=Purpose.AD_MATCHING,
        channel=Channel.SOCIAL_ADS,
        key=f"conversionReport:{intent.key}",
        account=intent.account,
    )
    [decision] = await ctx.gate.decide(about, [intent.member])
    may_go(decision)
    openid, appid = await _named(ctx, intent.identity)
    conversions = [
        Conversion(
            action_type=each.action,
            at=each.at,
            outer_action_id=each.key,
            click_id=each.click_id or None,
            wechat_openid=openid or None,
            wechat_appid=appid or None,
            value=each.value,
        )
        for each in intent.events
    ]
    outcomes = await ctx.tools.get(SocialAdsAdapter, intent.account).report_conversions(conversions)
    told = list(zip(intent.events, outcomes, strict=True))
    accepted = [event for event, outcome in told if not isinstance(outcome, UpstreamError)]
    _or_later([outcome for outcome in outcomes if isinstance(outcome, UpstreamError)], some=bool(accepted))
    ctx.facts += [_fact(intent, decision, event) for event in accepted]
    refused = [
        Refusal(event.key, event.action, outcome.reason)
        for event, outcome in told
        if isinstance(outcome, UpstreamError)
    ]
    return Reported(intent.account, len(accepted), tuple(refused))


def _or_later(errors: Sequence[UpstreamError], *, some: bool) -> None:
    """Raises what would be another answer at another time: all of them are repeated then, which is harmless."""
    passing = next((each for each in errors if not isinstance(each, FINAL)), None)
    if passing is None:
        return
    if some:
        raise OutcomeUnknown(passing.tool, passing.reason, "Only some of the conversions were taken.") from passing
    raise passing


async def _named(ctx: StepContext, identity_id: str) -> tuple[str, str]:
    """(openid, appid); empty for none, and where it has been erased."""
    row = await ctx.projector.database.one(
        select(identity.c.value, identity.c.issuer).where(identity.c.id == identity_id)
    )
    return ("", "") if row is None or not row.value else (str(row.value), row.issuer)


def _fact(intent: Report, decision: Decision, event: Event) -> Fact:
    return Fact(
        kind="conversion.reported",
        occurred_at=event.at,
        source="own",
        source_key=f"{event.action}:{event.key}",
        account=intent.account,
        tool=TOOL,
        member=decision.member,
        identity=intent.identity or None,
        amount_fen=event.value,
        reason=event.action,
    )


REPORT: Final = Action("conversionReport", tell, _plan)
