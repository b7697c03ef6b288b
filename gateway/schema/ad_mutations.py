"""Ads (广告): let run or suspended, and limited by the day."""

from __future__ import annotations

from datetime import date as date_type
from typing import Annotated

import strawberry

from gateway.resolvers import ad_accounts, touch
from gateway.resolvers.errors import UserError
from gateway.schema.acting import KEY_DESCRIPTION, act, done_by
from gateway.schema.ad_accounts import AdAccount
from gateway.schema.ads import Ad
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem, ToolProblem, invalid
from gateway.schema.scalars import Long
from gateway.transactions.actions import Performed
from gateway.transactions.effects import ads as effects

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
