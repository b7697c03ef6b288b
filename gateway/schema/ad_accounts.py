"""Ad accounts (广告主账号): money and figures, by the platform's own count."""

from __future__ import annotations

from datetime import date as date_type
from datetime import datetime, timedelta
from typing import Annotated

import strawberry

from adapters.social_ads import Creative as CreativeRecord
from adapters.social_ads import DailyReport, HourlyReport, RealtimeCost
from gateway.resolvers import ad_accounts, touch
from gateway.schema.ads import Ad
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.info import Info
from gateway.schema.scalars import Long, Money

Ads = Annotated[
    list[strawberry.ID] | None, strawberry.argument(description="1 to 100 ads of this account; all without it.")
]


async def _ad(info: Info, account: str, number: int) -> Ad | None:
    found = await info.context.loaders.load(touch.ads, (account, str(number)))
    return None if found is None else Ad.of(found)


@strawberry.type(description="A purse of an ad account (资金账户).")
class AdFund:
    """Fund."""

    kind: str = strawberry.field(description="The platform's word: FUND_TYPE_CASH (现金), FUND_TYPE_GIFT (赠送) …")
    status: str = strawberry.field(description="The platform's word: FUND_STATUS_NORMAL, FUND_STATUS_NOT_ENOUGH …")
    balance: Money = strawberry.field(description="余额.")
    spent_today: Money = strawberry.field(description="What went out of it today (今日消耗).")


@strawberry.type(description="A data source (用户行为数据源) that conversions are reported to.")
class ConversionSource:
    """Source."""

    source_id: str = strawberry.field(
        description="The platform's number (user_action_set_id), for the setting of the same name."
    )
    kind: str = strawberry.field(description="The platform's word: WEB, WECHAT, WECHAT_MINI_PROGRAM …")
    name: str = strawberry.field(description="Its name; empty without.")


@strawberry.type(description="Figures of an ad in one day or hour, by the platform's own count.")
class AdFigures:
    """Figures."""

    impressions: Long = strawberry.field(description="曝光量.")
    clicks: Long = strawberry.field(description="点击量.")
    cost: Money = strawberry.field(description="花费.")
    conversions: Long = strawberry.field(description="转化量; those of the last days are not all known yet.")

    @classmethod
    def of(cls, record: DailyReport | HourlyReport) -> AdFigures:
        return cls(
            impressions=Long(record.impressions),
            clicks=Long(record.clicks),
            cost=Money.of(record.cost),
            conversions=Long(record.conversions),
        )


@strawberry.type(description="An ad on one day (日报). A day without traffic has none.")
class AdDayFigures:
    """Day."""

    record: strawberry.Private[DailyReport]
    date: date_type = strawberry.field(description="Business date (Asia/Shanghai).")
    figures: AdFigures = strawberry.field(description="What the platform counted.")

    @strawberry.field(description="The ad; null for one that the gateway does not know yet.")
    async def ad(self, info: Info) -> Ad | None:
        return await _ad(info, str(self.record.account_id), self.record.adgroup_id)

    @classmethod
    def of(cls, record: DailyReport) -> AdDayFigures:
        return cls(record=record, date=record.day, figures=AdFigures.of(record))


@strawberry.type(description="An ad in one hour of a day (小时报表). An hour without traffic has none.")
class AdHourFigures:
    """Hour."""

    record: strawberry.Private[HourlyReport]
    hour: int = strawberry.field(description="0 to 23, in Beijing.")
    figures: AdFigures = strawberry.field(description="What the platform counted.")

    @strawberry.field(description="The ad; null for one that the gateway does not know yet.")
    async def ad(self, info: Info) -> Ad | None:
        return await _ad(info, str(self.record.account_id), self.record.adgroup_id)

    @classmethod
    def of(cls, record: HourlyReport) -> AdHourFigures:
        return cls(record=record, hour=record.hour, figures=AdFigures.of(record))


@strawberry.type(description="What an ad has cost today so far (实时消耗): an estimate; the reports are what counts.")
class AdCost:
    """Cost."""

    account: strawberry.Private[str]
    number: strawberry.Private[int]
    cost: Money = strawberry.field(description="消耗.")

    @strawberry.field(description="The ad; null for one that the gateway does not know yet.")
    async def ad(self, info: Info) -> Ad | None:
        return await _ad(info, self.account, self.number)

    @classmethod
    def of(cls, account: str, record: RealtimeCost) -> AdCost:
        return cls(account=account, number=record.adgroup_id, cost=Money.of(record.cost))


@strawberry.type(description="A creative (动态创意) of an ad.")
class AdCreative:
    """Creative."""

    account: strawberry.Private[str]
    record: strawberry.Private[CreativeRecord]
    creative_id: str = strawberry.field(description="The platform's number (dynamic_creative_id).")
    name: str = strawberry.field(description="Its name.")
    kind: str = strawberry.field(description="The platform's word (创意类型).")
    on: bool = strawberry.field(description="Whether it is switched on (客户设置状态).")
    review: str = strawberry.field(
        description="The platform's word (审核状态): CREATIVE_SET_APPROVAL_STATUS_PENDING, _NORMAL, _DENIED or"
        " _PARTIAL_NORMAL."
    )
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it last changed.")

    @strawberry.field(description="The ad; null for one that the gateway does not know yet.")
    async def ad(self, info: Info) -> Ad | None:
        return await _ad(info, self.account, self.record.adgroup_id)

    @classmethod
    def of(cls, account: str, record: CreativeRecord) -> AdCreative:
        return cls(
            account=account,
            record=record,
            creative_id=str(record.creative_id),
            name=record.name,
            kind=record.kind,
            on=record.active,
            review=record.review,
            created_at=record.created_at,
            updated_at=record.updated_at,
        )


@strawberry.type(description="An ad account (广告主账号), asked of the platform now; each field fails alone.")
class AdAccount:
    """Account."""

    account: str = strawberry.field(description="The platform's number (account_id).")

    @strawberry.field(description="Data sources (用户行为数据源) that conversions can be reported to. One call.")
    async def conversion_sources(self, info: Info) -> list[ConversionSource] | None:
        found = await ad_accounts.sources(info.context, self.account)
        return [ConversionSource(source_id=str(each.action_set_id), kind=each.kind, name=each.name) for each in found]

    @strawberry.field(description="Whose it is (公司名称). One call for this, status and dailyBudget.")
    async def company(self, info: Info) -> str | None:
        return (await info.context.loaders.load(ad_accounts.advertiser, self.account)).company

    @strawberry.field(description="The platform's word (账户状态): CUSTOMER_STATUS_NORMAL and others.")
    async def status(self, info: Info) -> str | None:
        return (await info.context.loaders.load(ad_accounts.advertiser, self.account)).status

    @strawberry.field(description="What all its ads together may cost a day (账户日预算); null for no limit.")
    async def daily_budget(self, info: Info) -> Money | None:
        return Money.maybe((await info.context.loaders.load(ad_accounts.advertiser, self.account)).daily_budget)

    @strawberry.field(description="Its purses (资金账户). One call.")
    async def funds(self, info: Info) -> list[AdFund] | None:
        return [
            AdFund(
                kind=each.kind,
                status=each.status,
                balance=Money.of(each.balance),
                spent_today=Money.of(each.spent_today),
            )
            for each in await ad_accounts.funds(info.context, self.account)
        ]

    @strawberry.field(
        description="Ad by ad and day by day, the oldest first (日报表): forward only, one call per hundred and per"
        " ninety days. Of the last 365 days; yesterday is complete from about 08:00."
    )
    async def days(
        self,
        info: Info,
        start: Annotated[
            date_type, strawberry.argument(name="from", description="The first business date (Asia/Shanghai).")
        ],
        until: Annotated[
            date_type, strawberry.argument(description="The business date after the last one: tomorrow at the latest.")
        ],
        ads: Ads = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[AdDayFigures] | None:
        asked = ad_accounts.span(info.context, self.account, start, until, ads)
        page = await ad_accounts.days(info.context, self.account, asked, args(first, after, last, before))
        return connect(page, AdDayFigures.of)

    @strawberry.field(
        description="Ad by ad and hour by hour of one day, the earliest first (小时报表): forward only, one call per"
        " hundred."
    )
    async def hours(
        self,
        info: Info,
        date: Annotated[date_type, strawberry.argument(description="The business date (Asia/Shanghai).")],
        ads: Ads = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[AdHourFigures] | None:
        asked = ad_accounts.span(info.context, self.account, date, date + timedelta(days=1), ads)
        page = await ad_accounts.hours(info.context, self.account, asked, args(first, after, last, before))
        return connect(page, AdHourFigures.of)

    @strawberry.field(description="What each ad has cost today so far (实时消耗): forward only, one call per hundred.")
    async def costs(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[AdCost] | None:
        page = await ad_accounts.costs(info.context, self.account, args(first, after, last, before))
        return connect(page, lambda each: AdCost.of(self.account, each))

    @strawberry.field(description="Creatives (动态创意): forward only, one call per hundred.")
    async def creatives(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[AdCreative] | None:
        page = await ad_accounts.creatives(info.context, self.account, args(first, after, last, before))
        return connect(page, lambda each: AdCreative.of(self.account, each))


@strawberry.type(description="Questions about ad accounts.")
class AdAccountQueries:
    """Accounts."""

    @strawberry.field(
        description="An ad account (广告主账号): its money, and the platform's own figures of its ads, live. Needs the"
        " scope ads:read."
    )
    async def ad_account(
        self,
        info: Info,
        account: Annotated[
            str | None, strawberry.argument(description="account_id; the first one of the settings without it.")
        ] = None,
    ) -> AdAccount | None:
        return AdAccount(account=ad_accounts.account(info.context, account))
