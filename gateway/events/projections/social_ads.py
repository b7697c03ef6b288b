"""Ads, their cost, clicks and leads (广告、投放数据、点击、线索)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time

from adapters.social_ads import AdClick, AdGroup, DailyReport, Lead
from gateway.database.clock import BUSINESS_ZONE
from gateway.database.facts import Fact
from gateway.database.tables.projections import ad, ad_click, ad_report, lead
from gateway.events.erased import unless_erased
from gateway.events.projector import Evidence, Handle, Linked, Projector

TOOL = "social_ads"
#: Issuer of tracked clicks' ids. A landing page's gdt_vid or qz_gdt is another kind of id: they are never joined.
CLICK_MACRO = "__CLICK_ID__"


async def adgroups(projector: Projector, records: Sequence[AdGroup], campaigns: Mapping[str, str]) -> int:
    """Ads. ``campaigns`` maps a campaign's name to its id: an ad whose name begins with it belongs to it."""
    async with projector.batch() as batch:
        return await batch.upsert(
            ad,
            [
                {
                    "account_id": str(each.account_id),
                    "adgroup_id": str(each.adgroup_id),
                    "name": each.name,
                    "status": each.status,
                    "campaign": next((i for n, i in campaigns.items() if each.name.startswith(n)), None),
                    "created_at": each.created_at,
                }
                for each in records
            ],
        )


async def reports(projector: Projector, records: Sequence[DailyReport]) -> int:
    """Daily figures; the platform restates them for some days, so the last reading wins."""
    async with projector.batch() as batch:
        batch.facts += [
            Fact(
                kind="ad.cost",
                occurred_at=datetime.combine(each.day, time(23, 59, 59), BUSINESS_ZONE).astimezone(UTC),
                source="poll",
                source_key=f"{each.adgroup_id}:{each.day.isoformat()}:{each.cost}",
                account=str(each.account_id),
                tool=TOOL,
                ad=str(each.adgroup_id),
                amount_fen=each.cost,
                quantity=each.clicks,
            )
            for each in records
        ]
        return await batch.upsert(
            ad_report,
            [
                {
                    "account_id": str(each.account_id),
                    "adgroup_id": str(each.adgroup_id),
                    "day": each.day,
                    "impressions": each.impressions,
                    "clicks": each.clicks,
                    "cost": each.cost,
                    "conversions": each.conversions,
                }
                for each in records
            ],
        )


async def leads(projector: Projector, records: Sequence[Lead]) -> int:
    """Leads. Their phones are weak evidence: they point at nobody until a person confirms."""
    async with projector.batch() as batch:
        keyring = projector.database.keyring
        return await batch.upsert(
            lead,
            [
                {
                    "account_id": str(each.account_id),
                    "lead_id": str(each.lead_id),
                    "adgroup_id": str(each.adgroup_id) if each.adgroup_id else None,
                    "click_id": each.click_id or None,
                    "name": keyring.seal(each.name) if each.name else None,
                    "phone": keyring.seal(each.phone) if each.phone else None,
                    "phone_hash": keyring.hash(each.phone, "phone") if each.phone else None,
                    "created_at": each.created_at,
                }
                for each in records
            ],
        )


async def clicked(projector: Projector, events: Sequence[AdClick], appid: str) -> None:
    """Clicks that somebody claims. An openid is matched within the advertised mini-program only, and proves nothing:
    it makes nobody a member, and waits until something else proves whose it is.
    """
    shown = [each for each in events if each.wechat_openid]
    evidence = [Evidence(_claimed(projector, each, appid), f"{TOOL}.click", each.at, via="webhook") for each in shown]
    # A claim is no contact: the click of somebody erased stays nobody's.
    shown, evidence = await unless_erased(projector, shown, evidence, [None] * len(shown))
    async with projector.batch(evidence) as batch:
        whose = {_click_key(each): linked for each, linked in zip(shown, batch.linked, strict=True)}
        found = [(each, whose.get(_click_key(each))) for each in events]
        await batch.upsert(ad_click, [_click(each, linked) for each, linked in found])
        batch.facts += [_click_fact(each, linked) for each, linked in found]


def _claimed(projector: Projector, event: AdClick, appid: str) -> tuple[Handle, ...]:
    handles = projector.handles(appid=appid, openid=event.wechat_openid or "", unionid=None, strength="WEAK")
    return (*handles, Handle("CLICK_ID", CLICK_MACRO, event.click_id)) if event.click_id else handles


def _click_key(event: AdClick) -> tuple[str, str]:
    """Account and click. Without a click id the platform's own advice is impression or request, and the time."""
    click = event.click_id or f"{event.impression_id or event.request_id}:{int(event.at.timestamp())}"
    return str(event.account_id), click


def _click(event: AdClick, linked: Linked | None) -> dict[str, object]:
    account, click = _click_key(event)
    return {
        "account_id": account,
        "click_id": click,
        "adgroup_id": str(event.adgroup_id) if event.adgroup_id else None,
        "identity": linked.identity if linked else None,
        "clicked_at": event.at,
        "as_of": event.at,
    }


def _click_fact(event: AdClick, linked: Linked | None) -> Fact:
    account, click = _click_key(event)
    return Fact(
        kind="ad.click",
        occurred_at=event.at,
        source="webhook",
        source_key=click,
        account=account,
        tool=TOOL,
        member=linked.member if linked else None,
        identity=linked.identity if linked else None,
        ad=str(event.adgroup_id) if event.adgroup_id else None,
        payload={"claim": True},
    )
