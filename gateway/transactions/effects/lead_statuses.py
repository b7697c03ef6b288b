"""What became of leads (线索状态回传), told to the ad platform, whose bidding learns from it.

A lead is nobody's: its phone is what somebody typed. Whoever has verified that phone as a member is asked for consent;
of a lead that leads to no member nothing is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
from sqlalchemy import select

from adapters.social_ads import LeadFeedback, SocialAdsAdapter
from gateway.database.engine import Database
from gateway.database.facts import Fact
from gateway.database.tables.members import identity
from gateway.database.tables.projections import lead
from gateway.events.kinds import PHONE_ISSUER, normal
from gateway.members.consent import Purpose
from gateway.members.gate import Asked
from gateway.members.reach import Channel
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

TOOL: Final = "social_ads"
#: Leads of one request: one call.
MOST: Final = 100
#: Nobody has verified the phone that the lead was left with.
NOBODY: Final = "UNKNOWN_MEMBER"


class Status(msgspec.Struct, frozen=True):
    """Of one lead, by the platform's number. ``status`` and ``reason`` are the platform's words."""

    lead: str
    status: str
    reason: str = ""


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for."""

    account: str
    statuses: tuple[Status, ...]


class Tell(msgspec.Struct, frozen=True):
    """The statuses, and the name under which the gate knows them."""

    account: str
    statuses: tuple[Status, ...]
    key: str


class Withheld(msgspec.Struct, frozen=True):
    """A lead of which nothing was told, and why."""

    lead: str
    reason: str


class Told(msgspec.Struct, frozen=True):
    """How many the platform took."""

    reported: int
    withheld: tuple[Withheld, ...]


async def _plan(planning: Planning, asked: Wanted) -> Effect:
    numbers = {each.lead for each in asked.statuses}
    if not 1 <= len(asked.statuses) <= MOST or len(numbers) < len(asked.statuses):
        raise StepRefused(
            "BAD_USER_INPUT", f"{len(numbers)} different leads given: 1 to {MOST} are possible, each once."
        )
    if not all(each.status for each in asked.statuses):
        raise StepRefused("BAD_USER_INPUT", "status is empty.")
    planning.tools.get(SocialAdsAdapter, asked.account)
    known = await planning.database.fetch(
        select(lead.c.lead_id).where(lead.c.account_id == asked.account, lead.c.lead_id.in_(numbers))
    )
    if len(known) < len(numbers):
        raise StepRefused("LEAD_UNKNOWN", "There is no such lead among them; take them from the query leads.")
    return Effect(Tell(asked.account, asked.statuses, planning.key), values={"account": asked.account})


# KEYED: the last status of a lead counts, so that the same again is the same.
@step(name="lead.report", tool=TOOL, kind=Kind.RETRIABLE, delivery=Delivery.KEYED)
async def report(ctx: StepContext, intent: Tell) -> Told:
    """One call for those whose member allows it; the platform takes all of them or none."""
    owners = await _owners(ctx.projector.database, intent)
    about = Asked(
        purpose=Purpose.AD_MATCHING,
        channel=Channel.SOCIAL_ADS,
        key=f"leadStatusReport:{intent.key}",
        account=intent.account,
    )
    decisions = await ctx.gate.decide(about, list(owners.values()))
    reasons = dict(zip(owners, (each.reason for each in decisions), strict=True))
    going = [each for each in intent.statuses if each.lead in owners and reasons[each.lead] is None]
    if going:
        adapter = ctx.tools.get(SocialAdsAdapter, intent.account)
        await adapter.report_lead_status([LeadFeedback(int(each.lead), each.status, each.reason) for each in going])
    ctx.facts += [_fact(ctx, intent, each, owners[each.lead]) for each in going]
    stayed = [each.lead for each in intent.statuses if each not in going]
    return Told(len(going), tuple(Withheld(each, str(reasons.get(each) or NOBODY)) for each in stayed))


async def _owners(database: Database, intent: Tell) -> Mapping[str, str]:
    """Lead → the member who has verified the phone that it was left with. Two statements."""
    rows = await database.fetch(
        select(lead.c.lead_id, lead.c.phone).where(
            lead.c.account_id == intent.account, lead.c.lead_id.in_([each.lead for each in intent.statuses])
        )
    )
    hashes = {row.lead_id: database.keyring.hash(normal("PHONE", row.phone), "identity") for row in rows if row.phone}
    found = await database.fetch(
        select(identity.c.value_hash, identity.c.member).where(
            identity.c.kind == "PHONE",
            identity.c.issuer == PHONE_ISSUER,
            identity.c.value_hash.in_(list(set(hashes.values()))),
            identity.c.member.is_not(None),
        )
    )
    members = {bytes(row.value_hash): str(row.member) for row in found}
    return {each: members[value] for each, value in hashes.items() if value in members}


def _fact(ctx: StepContext, intent: Tell, told: Status, member: str) -> Fact:
    return Fact(
        kind="lead.reported",
        occurred_at=ctx.now,
        source="own",
        source_key=f"{intent.key}:{told.lead}",
        account=intent.account,
        tool=TOOL,
        member=member,
        reason=told.status,
        payload={"lead": told.lead},
    )


REPORT: Final = Action("leadStatusReport", report, _plan)
