"""Advertiser, money, ads and creatives."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Final, TypeVar

from adapters.base.errors import NotFound, OutcomeUnknown, UpstreamError
from adapters.base.page import Page
from adapters.social_ads import models
from adapters.social_ads.account import Account
from adapters.social_ads.errors import FAULTS, NAME, by_family
from adapters.social_ads.paging import next_page, page_number
from adapters.social_ads.records import AdChanged, AdDraft, AdEdit, AdGroup, Advertiser, Creative, Fund, RealtimeCost

T = TypeVar("T")

#: Rows of one call, at most.
ADGROUPS_PER_PAGE: Final = 100
CREATIVES_PER_PAGE: Final = 100
COSTS_PER_PAGE: Final = 100
#: Ads of one batch update.
CHANGES_PER_CALL: Final = 100
#: Fen a day; 0 on the wire is no limit.
BUDGET: Final = range(5_000, 400_000_001)
#: Fen of a bid, whatever it is for; each kind of bid has narrower bounds, which the platform judges.
BID: Final = range(1, 500_001)
#: Bytes of an ad's name.
NAME_BYTES: Final = 180
_BATCH: Final = "adgroups_update"


class Ads(Account):
    """``advertiser``, ``funds``, ``adgroups``, ``dynamic_creatives``."""

    async def advertiser(self) -> Advertiser:
        """The account's company, state and budget. Raises NotFound."""
        answer = await self._with(self._client.advertiser_get)
        if not answer.rows:
            message = "The platform shows no such advertiser to this application."
            raise NotFound(NAME, "missing", message, endpoint="advertiser_get", account=self.account)
        row = answer.rows[0]
        return Advertiser(row.account_id, row.corporation_name, row.system_status, row.daily_budget or None)

    async def set_account_budget(self, daily_budget: int | None) -> None:
        """Limit the whole account's day, in fen; None lifts the limit. Raises Invalid ``budget``."""
        fen = self._budget("advertiser_update_daily_budget", daily_budget)
        await self._with(lambda token: self._client.advertiser_update_daily_budget(token, fen))

    async def funds(self) -> Sequence[Fund]:
        """Every purse of the account."""
        answer = await self._with(self._client.funds_get)
        return [Fund(row.fund_type, row.fund_status, row.balance, row.realtime_cost) for row in answer.rows]

    async def realtime_costs(self, day: date, cursor: str | None = None) -> Page[RealtimeCost]:
        """What each ad has cost on a Beijing day so far."""
        page = page_number(cursor, "realtime_cost_get")
        answer = await self._with(
            lambda token: self._client.realtime_cost_get(token, day.isoformat(), page, COSTS_PER_PAGE)
        )
        items = [RealtimeCost(row.adgroup_id, row.cost) for row in answer.rows]
        return Page(items, next_page(page, answer.page_info))

    async def adgroups(self, cursor: str | None = None, *, only: Sequence[int] = ()) -> Page[AdGroup]:
        """Up to 100 ads that are not deleted, in the platform's order; ``only`` these (100) if any are named."""
        answer = await self._with(lambda token: self._client.adgroups_get(token, only, cursor, ADGROUPS_PER_PAGE))
        items = [
            AdGroup(
                self._config.account_id,
                row.adgroup_id,
                row.adgroup_name,
                row.system_status,
                datetime.fromtimestamp(row.created_time, UTC),
                datetime.fromtimestamp(row.last_modified_time, UTC),
            )
            for row in answer.rows
        ]
        return Page(items, _following(answer.cursor_page_info, items))

    async def creatives(self, cursor: str | None = None) -> Page[Creative]:
        """Up to 100 creatives that are not deleted, in the platform's order."""
        answer = await self._with(lambda token: self._client.dynamic_creatives_get(token, cursor, CREATIVES_PER_PAGE))
        items = [_creative(row) for row in answer.rows]
        return Page(items, _following(answer.cursor_page_info, items))

    async def create_ad(self, draft: AdDraft, key: str) -> int:
        """Create an ad, suspended; the same key and draft give the same ad again. Its id.

        Raises Invalid (``name``, ``budget``, ``days``, ``key``) and Conflict (``request_id_reused``) for a key
        that belongs to another draft.
        """
        body = self._draft(draft)
        if not 0 < len(key) <= 64 or not key.isascii() or not key.isprintable():
            raise self._invalid("adgroups_add", "key", "key must be 1 to 64 printable ASCII characters.")
        answer = await self._with(lambda token: self._client.adgroups_add(token, key, body))
        return answer.adgroup_id

    async def update_ad(self, adgroup_id: int, edit: AdEdit) -> None:
        """Rename an ad, or change its bid or its days; the same again changes nothing.

        For WeChat's traffic a new last day must be six hours ahead, which the platform judges. Raises Invalid:
        ``nothing``, ``name``, ``bid``, ``days``.
        """
        body = self._edit(edit)
        await self._with(lambda token: self._client.adgroups_update(token, adgroup_id, body))

    async def switch_ads(self, states: Mapping[int, bool]) -> Sequence[AdChanged | UpstreamError]:
        """Let ads run (True) or suspend them, 100 a call; one outcome each in the mapping's order, none is raised."""
        changes = [
            models.StatusChange(ad, "AD_STATUS_NORMAL" if on else "AD_STATUS_SUSPEND") for ad, on in states.items()
        ]
        return await self._change(changes, self._client.adgroups_update_configured_status)

    async def set_budgets(self, budgets: Mapping[int, int | None]) -> Sequence[AdChanged | UpstreamError]:
        """Limit ads' days in fen (None lifts the limit), 100 a call; one outcome each, none is raised.

        A budget must be 1.5 times and 50 yuan above what the ad cost today; the platform judges that.
        """
        changes = [models.BudgetChange(ad, fen or 0) for ad, fen in budgets.items()]
        return await self._change(changes, self._client.adgroups_update_daily_budget)

    async def _change(
        self, changes: Sequence[T], send: Callable[[str, Sequence[T]], Awaitable[models.Changed]]
    ) -> Sequence[AdChanged | UpstreamError]:
        calls = [changes[at : at + CHANGES_PER_CALL] for at in range(0, len(changes), CHANGES_PER_CALL)]
        answers = await asyncio.gather(*(self._change_call(call, send) for call in calls))
        return [outcome for answer in answers for outcome in answer]

    async def _change_call(
        self, changes: Sequence[T], send: Callable[[str, Sequence[T]], Awaitable[models.Changed]]
    ) -> Sequence[AdChanged | UpstreamError]:
        try:
            answer = await self._with(lambda token: send(token, changes))
        except UpstreamError as error:
            return [error] * len(changes)
        if len(answer.rows) != len(changes):
            # Which of them is missing cannot be told: none is called done.
            message = "The platform did not answer for every ad of the batch; read the ads again."
            return [OutcomeUnknown(NAME, "batch_answer", message, endpoint=_BATCH, account=self.account)] * len(changes)
        return [self._outcome(row) for row in answer.rows]

    def _outcome(self, row: models.ChangedAdgroup) -> AdChanged | UpstreamError:
        if row.code == 0:
            return AdChanged(row.adgroup_id)
        return FAULTS.error(
            row.code,
            endpoint=_BATCH,
            account=self.account,
            writes=True,
            fallback=by_family(row.code, row.message),
        )

    def _budget(self, endpoint: str, fen: int | None) -> int:
        if fen is not None and fen not in BUDGET:
            message = f"A daily budget must be {BUDGET.start} to {BUDGET.stop - 1} fen, or none."
            raise self._invalid(endpoint, "budget", message)
        return fen or 0

    def _edit(self, edit: AdEdit) -> dict[str, object]:
        endpoint = "adgroups_update"
        if edit == AdEdit():
            raise self._invalid(endpoint, "nothing", "Nothing is to be changed.")
        if edit.name is not None and not 0 < len(edit.name.encode()) <= NAME_BYTES:
            raise self._invalid(endpoint, "name", f"name must have 1 to {NAME_BYTES} bytes.")
        if edit.bid is not None and edit.bid not in BID:
            raise self._invalid(endpoint, "bid", f"bid must be {BID.start} to {BID.stop - 1} fen.")
        if edit.ends is not None and (edit.endless or (edit.starts is not None and edit.ends < edit.starts)):
            raise self._invalid(endpoint, "days", "ends lies before starts, or stands beside endless.")
        ends = "" if edit.endless else edit.ends.isoformat() if edit.ends else None
        given = {
            "adgroup_name": edit.name,
            "bid_amount": edit.bid,
            "begin_date": edit.starts.isoformat() if edit.starts else None,
            "end_date": ends,
        }
        return {name: value for name, value in given.items() if value is not None}

    def _draft(self, draft: AdDraft) -> dict[str, object]:
        if not 0 < len(draft.name.encode()) <= NAME_BYTES:
            raise self._invalid("adgroups_add", "name", f"name must have 1 to {NAME_BYTES} bytes.")
        if draft.ends is not None and draft.ends < draft.starts:
            raise self._invalid("adgroups_add", "days", "ends lies before starts.")
        targeting = {"custom_audience": draft.audiences, "excluded_custom_audience": draft.excluded_audiences}
        return {
            "adgroup_name": draft.name,
            "marketing_goal": draft.marketing_goal,
            "marketing_carrier_type": draft.carrier,
            "begin_date": draft.starts.isoformat(),
            "end_date": draft.ends.isoformat() if draft.ends else "",
            "bid_mode": draft.bid_mode,
            "bid_amount": draft.bid,
            "optimization_goal": draft.optimization_goal,
            "site_set": draft.sites,
            "daily_budget": self._budget("adgroups_add", draft.daily_budget),
            "targeting": {name: ids for name, ids in targeting.items() if ids},
            "configured_status": "AD_STATUS_SUSPEND",
        }


def _following(paging: models.CursorPageInfo, items: Sequence[object]) -> str | None:
    return str(paging.cursor) if paging.has_more and items else None


def _creative(row: models.Creative) -> Creative:
    return Creative(
        row.dynamic_creative_id,
        row.adgroup_id,
        row.dynamic_creative_name,
        row.dynamic_creative_type,
        row.configured_status == "AD_STATUS_NORMAL",
        row.creative_set_approval_status,
        datetime.fromtimestamp(row.created_time, UTC),
        datetime.fromtimestamp(row.last_modified_time, UTC),
    )
