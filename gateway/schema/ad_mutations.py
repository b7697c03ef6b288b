"""Ads (广告): let run or suspended, and limited by the day."""

from __future__ import annotations

from datetime import date as date_type
from typing import Annotated

import strawberry

from gateway.resolvers import ad_accounts, ids, touch
from gateway.resolvers.errors import UserError
from gateway.schema.acting import KEY_DESCRIPTION, act, ask, done_by
from gateway.schema.ad_accounts import AdAccount, ConversionSource
from gateway.schema.ads import Ad
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem, ToolProblem, invalid
from gateway.schema.scalars import Long
from gateway.transactions.actions import Performed
from gateway.transactions.effects import ads as effects
from gateway.transactions.effects import new_ads

_BUDGET = "Fen a day (日预算), 5,000 to 400,000,000; null is no limit."


@strawberry.input(description="Ads to let run, or to suspend.")
class AdSwitchInput:
    """开关."""

    ads: list[strawberry.ID] = strawberry.field(description="1 to 100 ads of one account.")
    on: bool = strawberry.field(description="Whether they are to run (投放) or not (暂停).")
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)


@strawberry.input(description="What is to be other about an ad; what is left out stays.")
class AdUpdateInput:
    """修改广告."""

    ad: strawberry.ID = strawberry.field(description="The ad.")
    name: str | None = strawberry.field(description="广告名称: unique in the account, 180 bytes at most.", default=None)
    bid: Long | None = strawberry.field(description="Fen (出价); each kind of bid has bounds of its own.", default=None)
    starts: date_type | None = strawberry.field(description="The first business date (开始投放日期).", default=None)
    ends: date_type | None = strawberry.field(
        description="The last business date, included (结束投放日期); for WeChat's traffic six hours ahead.",
        default=None,
    )
    endless: bool = strawberry.field(
        description="Whether it has no last date from now on; not together with ends.", default=False
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)


@strawberry.input(description="What an ad may cost a day.")
class AdBudgetInput:
    """日预算."""

    ad: strawberry.ID = strawberry.field(description="The ad.")
    daily_budget: Long | None = strawberry.field(
        description=f"{_BUDGET} It must be 1.5 times and 50 yuan above what the ad has cost today.", default=None
    )


@strawberry.input(description="What ads may cost a day.")
class AdBudgetSetInput:
    """日预算."""

    budgets: list[AdBudgetInput] = strawberry.field(description="1 to 100 ads of one account, each once.")
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)


@strawberry.input(description="What all ads of an account together may cost a day.")
class AdAccountBudgetSetInput:
    """账户日预算."""

    account: str | None = strawberry.field(
        description="account_id; the first one of the settings without it.", default=None
    )
    daily_budget: Long | None = strawberry.field(description=_BUDGET, default=None)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)


@strawberry.input(description="An ad to create, suspended. Goals and kinds are the platform's own words.")
class AdCreateInput:
    """创建广告."""

    name: str = strawberry.field(description="广告名称: unique in the account, 180 bytes at most.")
    marketing_goal: str = strawberry.field(description="营销目的, such as MARKETING_GOAL_PRODUCT_SALES.")
    carrier: str = strawberry.field(description="营销载体类型, such as MARKETING_CARRIER_TYPE_MINI_PROGRAM_WECHAT.")
    starts: date_type = strawberry.field(description="The first business date (开始投放日期).")
    ends: date_type | None = strawberry.field(
        description="The last business date, included (结束投放日期); null is no end.", default=None
    )
    bid_mode: str = strawberry.field(description="出价方式, such as BID_MODE_OCPM.")
    bid: Long = strawberry.field(description="Fen (出价), 1 to 500,000; each kind of bid has bounds of its own.")
    optimization_goal: str = strawberry.field(description="优化目标, such as OPTIMIZATIONGOAL_ECOMMERCE_ORDER.")
    sites: list[str] = strawberry.field(description="投放版位: 1 to 20, such as SITE_SET_MOMENTS.")
    daily_budget: Long | None = strawberry.field(description=_BUDGET, default=None)
    audiences: list[strawberry.ID] = strawberry.field(
        description="Audiences that it is for (定向人群), 50 at most.", default_factory=list
    )
    excluded_audiences: list[strawberry.ID] = strawberry.field(
        description="Audiences that it is not for (排除人群), 50 at most.", default_factory=list
    )
    account: str | None = strawberry.field(
        description="account_id; the first one of the settings without it.", default=None
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> new_ads.Draft:
        """As the action takes it. Raises UserError for ids that are none, or of another account."""
        found = [ids.decode_as("au", each) for each in (*self.audiences, *self.excluded_audiences)]
        accounts = {account for account, _ in found} | ({self.account} if self.account else set())
        if len(accounts) > 1:
            raise UserError("The audiences must be of the account that the ad is created in.")
        numbers = [int(number) for _, number in found]
        return new_ads.Draft(
            account=next(iter(accounts), ""),
            name=self.name,
            marketing_goal=self.marketing_goal,
            carrier=self.carrier,
            starts=self.starts,
            ends=self.ends,
            bid_mode=self.bid_mode,
            bid=self.bid,
            optimization_goal=self.optimization_goal,
            sites=tuple(self.sites),
            daily_budget=self.daily_budget,
            audiences=tuple(numbers[: len(self.audiences)]),
            excluded_audiences=tuple(numbers[len(self.audiences) :]),
        )


@strawberry.input(description="A data source to make.")
class ConversionSourceCreateInput:
    """数据源."""

    kind: str = strawberry.field(
        description="WEB, ANDROID, IOS, OFFLINE, WECHAT, WECHAT_MINI_PROGRAM, WECHAT_MINI_GAME or HARMONY."
    )
    name: str = strawberry.field(description="Its name, 1 to 32 bytes in UTF-8; one of a kind.")
    app_id: str = strawberry.field(description="appid, of WeChat's kinds only.", default="")
    description: str = strawberry.field(description="What it is, 128 characters at most.", default="")
    account: str | None = strawberry.field(
        description="account_id; the first one of the settings without it.", default=None
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> new_ads.WantedSource:
        """As the action takes it."""
        return new_ads.WantedSource(self.kind, self.name, self.app_id, self.description, self.account)


@strawberry.type(description="An ad that was created.")
class AdCreated:
    """Created."""

    key: strawberry.Private[tuple[str, str]]
    transaction_id: strawberry.Private[str]
    adgroup_id: str = strawberry.field(description="The platform's number (adgroup_id).")
    transaction = done_by("The transaction that created it.")

    @strawberry.field(description="The ad; null where the platform could not be read yet: it comes with the next sync.")
    async def ad(self, info: Info) -> Ad | None:
        found = await info.context.loaders.load(touch.ads, self.key)
        return None if found is None else Ad.of(found)


@strawberry.type(description="A data source that was made.")
class ConversionSourceCreated:
    """Made."""

    transaction_id: strawberry.Private[str]
    account: str = strawberry.field(description="account_id.")
    source: ConversionSource = strawberry.field(
        description="The source. What is reported to it is decided by the setting user_action_set_id."
    )
    transaction = done_by("The transaction that made it.")


@strawberry.type(description="An ad that the platform did not change; the others were.")
class AdRefusal:
    """Refusal."""

    key: strawberry.Private[tuple[str, str]]
    reason: str = strawberry.field(description="Why, as in docs/upstream-errors.md.")

    @strawberry.field(description="The ad.")
    async def ad(self, info: Info) -> Ad | None:
        found = await info.context.loaders.load(touch.ads, self.key)
        return None if found is None else Ad.of(found)


@strawberry.type(description="Ads that stand now as they should.")
class AdsChanged:
    """Changed."""

    keys: strawberry.Private[list[tuple[str, str]]]
    transaction_id: strawberry.Private[str]
    refused: list[AdRefusal] = strawberry.field(description="Those that the platform did not change.")
    transaction = done_by("The transaction that did it.")

    @strawberry.field(description="Those that it changed, as our rows have them now.")
    async def ads(self, info: Info) -> list[Ad]:
        found = await info.context.loaders.load_many(touch.ads, self.keys)
        return [Ad.of(each) for each in found if each is not None]

    @classmethod
    def of(cls, done: Performed[effects.Changed]) -> AdsChanged:
        changed = done.outcome
        return cls(
            keys=[(changed.account, each) for each in changed.ads],
            transaction_id=done.transaction,
            refused=[AdRefusal(key=(changed.account, each.ad), reason=each.reason) for each in changed.refused],
        )


@strawberry.type(description="An ad account with another budget.")
class AdAccountBudgetSet:
    """Set."""

    number: strawberry.Private[str]
    transaction_id: strawberry.Private[str]
    transaction = done_by("The transaction that did it.")

    @strawberry.field(description="The account: live.")
    def account(self) -> AdAccount:
        return AdAccount(account=self.number)


AdsChangedResult = Annotated[
    AdsChanged | DomainProblem | ToolProblem,
    strawberry.union("AdsChangedResult", description="What changed, or why nothing did."),
]
AdAccountBudgetSetResult = Annotated[
    AdAccountBudgetSet | DomainProblem | ToolProblem,
    strawberry.union("AdAccountBudgetSetResult", description="The account, or why its budget stayed."),
]


AdCreateResult = Annotated[
    AdCreated | DomainProblem | ToolProblem,
    strawberry.union("AdCreateResult", description="The ad, or why there is none."),
]
ConversionSourceCreateResult = Annotated[
    ConversionSourceCreated | DomainProblem | ToolProblem,
    strawberry.union("ConversionSourceCreateResult", description="The source, or why there is none."),
]


@strawberry.type(description="Mutations about ads.")
class AdMutations:
    """Ads."""

    @strawberry.mutation(
        description="Let ads run, or suspend them (广告开关). Repeating it is harmless. Needs the scope ads:write."
    )
    async def ad_switch(
        self,
        info: Info,
        input: Annotated[AdSwitchInput, strawberry.argument(description="Which, and how.")],  # noqa: A002
    ) -> AdsChangedResult:
        info.context.principal.require(ad_accounts.WRITE)
        try:
            account, numbers = ad_accounts.decode_all(input.ads)
        except UserError as error:
            return invalid(error)
        done = await act(info, effects.SWITCH, effects.Switch(account, tuple(numbers), input.on), input.idempotency_key)
        return AdsChanged.of(done) if isinstance(done, Performed) else done

    @strawberry.mutation(
        description="Rename an ad, or change its bid or its days (修改广告). Repeating it is harmless. Needs the scope"
        " ads:write."
    )
    async def ad_update(
        self,
        info: Info,
        input: Annotated[AdUpdateInput, strawberry.argument(description="Which, and how.")],  # noqa: A002
    ) -> AdsChangedResult:
        info.context.principal.require(ad_accounts.WRITE)
        try:
            account, number = ad_accounts.decode(input.ad)
        except UserError as error:
            return invalid(error)
        asked = effects.Edit(account, number, input.name, input.bid, input.starts, input.ends, input.endless)
        done = await act(info, effects.EDIT, asked, input.idempotency_key)
        return AdsChanged.of(done) if isinstance(done, Performed) else done

    @strawberry.mutation(
        description="Limit what ads may cost a day (广告日预算). Repeating it is harmless. Needs the scope ads:write."
    )
    async def ad_budget_set(
        self,
        info: Info,
        input: Annotated[AdBudgetSetInput, strawberry.argument(description="Which, and how much.")],  # noqa: A002
    ) -> AdsChangedResult:
        info.context.principal.require(ad_accounts.WRITE)
        try:
            account, numbers = ad_accounts.decode_all([each.ad for each in input.budgets])
        except UserError as error:
            return invalid(error)
        budgets = tuple(map(effects.Budget, numbers, (each.daily_budget for each in input.budgets)))
        done = await act(info, effects.LIMIT, effects.Limit(account, budgets), input.idempotency_key)
        return AdsChanged.of(done) if isinstance(done, Performed) else done

    @strawberry.mutation(
        description="Limit what all ads of an account together may cost a day (账户日预算). Repeating it is harmless."
        " Needs the scope ads:write."
    )
    async def ad_account_budget_set(
        self,
        info: Info,
        input: Annotated[  # noqa: A002
            AdAccountBudgetSetInput, strawberry.argument(description="Which, and how much.")
        ],
    ) -> AdAccountBudgetSetResult:
        info.context.principal.require(ad_accounts.WRITE)
        asked = effects.AccountLimit(input.account or "", input.daily_budget)
        done = await act(info, effects.LIMIT_ACCOUNT, asked, input.idempotency_key)
        if not isinstance(done, Performed):
            return done
        return AdAccountBudgetSet(number=done.outcome.account, transaction_id=done.transaction)

    @strawberry.mutation(
        description="Create an ad (创建广告), suspended: it runs when somebody gave it creatives in the platform's"
        " console and adSwitch lets it. Needs the scope ads:write."
    )
    async def ad_create(
        self,
        info: Info,
        input: Annotated[AdCreateInput, strawberry.argument(description="The ad.")],  # noqa: A002
    ) -> AdCreateResult:
        info.context.principal.require(ad_accounts.WRITE)
        done = await ask(info, new_ads.CREATE, input)
        if not isinstance(done, Performed):
            return done
        [number] = done.outcome.ads
        return AdCreated(key=(done.outcome.account, number), transaction_id=done.transaction, adgroup_id=number)

    @strawberry.mutation(
        description="Make a data source (创建用户行为数据源) that conversions can be reported to. Needs the scope"
        " ads:write."
    )
    async def conversion_source_create(
        self,
        info: Info,
        input: Annotated[ConversionSourceCreateInput, strawberry.argument(description="The source.")],  # noqa: A002
    ) -> ConversionSourceCreateResult:
        info.context.principal.require(ad_accounts.WRITE)
        done = await ask(info, new_ads.CREATE_SOURCE, input)
        if not isinstance(done, Performed):
            return done
        made = done.outcome
        source = ConversionSource(source_id=str(made.number), kind=made.kind, name=made.name)
        return ConversionSourceCreated(transaction_id=done.transaction, account=made.account, source=source)
