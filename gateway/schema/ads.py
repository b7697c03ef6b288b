"""Ads (广告) and the members' clicks on them."""

from __future__ import annotations

from datetime import date as date_type
from datetime import datetime

import strawberry

from gateway.resolvers import freshness, ids, places, touch
from gateway.resolvers.touch import AdRecord, TouchpointRecord
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.info import Info
from gateway.schema.node import Node
from gateway.schema.places import Campaign
from gateway.schema.scalars import Long, Money


@strawberry.type(description="An ad (广告): an adgroup of 腾讯广告.")
class Ad(Node):
    """Ad."""

    record: strawberry.Private[AdRecord]
    name: str = strawberry.field(description="Its name.")
    status: str = strawberry.field(description="The platform's status.")

    @strawberry.field(description="The brand's campaign it belongs to.")
    async def campaign(self, info: Info) -> Campaign | None:
        return await campaign_of(info, self.record)

    @strawberry.field(description="The last thirty days by the platform's own count, newest first.")
    async def days(self, info: Info) -> list[AdDay]:
        info.context.principal.require("ads:read")
        key = (self.record.account_id, self.record.adgroup_id)
        found = await info.context.loaders.load(touch.ad_days, key)
        return [
            AdDay(
                date=each.day,
                impressions=Long(each.impressions),
                clicks=Long(each.clicks),
                cost=Money.of(each.cost),
                conversions=Long(each.conversions),
            )
            for each in found
        ]

    @classmethod
    def of(cls, record: AdRecord) -> Ad:
        return cls(
            id=strawberry.ID(ids.encode("ad", record.adgroup_id, record.account_id)),
            record=record,
            name=record.name,
            status=record.status,
        )


async def campaign_of(info: Info, record: AdRecord) -> Campaign | None:
    """The campaign of an ad."""
    if record.campaign is None:
        return None
    found = await info.context.loaders.load(places.campaigns, record.campaign)
    return None if found is None else Campaign.of(found)


@strawberry.type(description="One day of an ad (日报).")
class AdDay:
    """Daily report."""

    date: date_type = strawberry.field(description="Business date (Asia/Shanghai).")
    impressions: Long = strawberry.field(description="曝光量.")
    clicks: Long = strawberry.field(description="点击量.")
    cost: Money = strawberry.field(description="花费.")
    conversions: Long = strawberry.field(description="转化量.")


@strawberry.type(description="A click on an ad: a claim of the ad platform, never proof.")
class AdTouchpoint:
    """Ad click."""

    record: strawberry.Private[TouchpointRecord]
    clicked_at: datetime = strawberry.field(description="When, by the ad platform.")

    @strawberry.field(description="The ad.")
    async def ad(self, info: Info) -> Ad | None:
        found = await self._ad(info)
        return None if found is None else Ad.of(found)

    @strawberry.field(description="The brand's campaign that the ad belongs to.")
    async def campaign(self, info: Info) -> Campaign | None:
        found = await self._ad(info)
        return None if found is None else await campaign_of(info, found)

    async def _ad(self, info: Info) -> AdRecord | None:
        if self.record.adgroup_id is None:
            return None
        return await info.context.loaders.load(touch.ads, (self.record.account_id, self.record.adgroup_id))

    @classmethod
    def of(cls, record: TouchpointRecord) -> AdTouchpoint:
        return cls(record=record, clicked_at=record.clicked_at)


@strawberry.type(description="Fields about ads.")
class AdQueries:
    """Ads."""

    @strawberry.field(description="All ads (广告).")
    async def ads(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Ad] | None:
        page = await touch.ad_page(info.context, args(first, after, last, before))
        if (asked := info.context.asked(info)) is not None:
            await freshness.projected(info.context, asked, freshness.ADS)
        return connect(page, Ad.of)
