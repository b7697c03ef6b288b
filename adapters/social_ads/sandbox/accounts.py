"""advertiser, funds, realtime_cost: the account and its money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from adapters.social_ads.sandbox.bodies import Body
from adapters.social_ads.sandbox.envelope import (
    NOT_IN_RANGE,
    NOT_PERMITTED,
    WRONG_TYPE,
    Parameters,
    Refusal,
    matches,
    only,
    page_info,
)
from adapters.social_ads.sandbox.reports import daily_row
from sandbox.clock import BEIJING
from sandbox.platform import Kit
from sandbox.world import AdGroup

#: Fen a day, for an account and for an ad; 0 is no limit.
BUDGET = range(5_000, 400_000_001)
CASH = 12_500_000


class Advertiser:
    """One account, with cash."""

    def __init__(self, kit: Kit, account_id: int, company: str, ads: Sequence[AdGroup], seed: int) -> None:
        self._kit = kit
        self._account_id = account_id
        self._company = company
        self._ads = ads
        self._seed = seed
        self.daily_budget = 0

    def get(self, parameters: Parameters) -> Mapping[str, Any]:
        """GET advertiser/get."""
        row = {
            "account_id": self._account_id,
            "daily_budget": self.daily_budget,
            "corporation_name": self._company,
            "mdm_name": self._company,
            "system_status": "CUSTOMER_STATUS_NORMAL",
            "websites": [],
            "operators": [],
        }
        page, size = parameters.page(100)
        fields = parameters.array("fields", ("account_id", "corporation_name"))
        return {"list": [only(row, fields)] if page == 1 else [], "page_info": page_info(page, size, 1)}

    def update_daily_budget(self, raw: bytes) -> Mapping[str, Any]:
        """POST advertiser/update_daily_budget."""
        budget = Body(raw, self._account_id).integer("daily_budget")
        if budget and budget not in BUDGET:
            raise Refusal(NOT_IN_RANGE, "The parameter daily_budget is not in range.")
        if budget != self.daily_budget:
            self.daily_budget = budget
            self._kit.effect("social_ads", "account_budget", str(self._account_id), daily_budget=budget)
        return {"account_id": self._account_id}

    def funds(self, _parameters: Parameters) -> Mapping[str, Any]:
        """GET funds/get."""
        spent = sum(row["cost"] for row in self._today())
        cash = {
            "fund_type": "FUND_TYPE_CASH",
            "balance": CASH - spent,
            "fund_status": "FUND_STATUS_NORMAL",
            "realtime_cost": spent,
        }
        gift = {
            "fund_type": "FUND_TYPE_GIFT",
            "balance": 0,
            "fund_status": "FUND_STATUS_NOT_ENOUGH",
            "realtime_cost": 0,
        }
        return {"list": [cash, gift]}

    def realtime_cost(self, parameters: Parameters) -> Mapping[str, Any]:
        """GET realtime_cost/get per ad."""
        if parameters.text("level") != "REPORT_LEVEL_ADGROUP":
            raise Refusal(NOT_PERMITTED, "The parameter level is not permitted here.")
        try:
            day = date.fromisoformat(parameters.text("date"))
        except ValueError as error:
            raise Refusal(WRONG_TYPE, "The parameter date must be YYYY-MM-DD.") from error
        filtering = parameters.array("filtering", ())
        rows = [row for row in self._rows(day) if matches(row, filtering)]
        page, size = parameters.page(100)
        shown = rows[(page - 1) * size : page * size]
        return {
            "list": [only(row, ("adgroup_id", "cost")) for row in shown],
            "page_info": page_info(page, size, len(rows)),
        }

    def spent_today(self, adgroup_id: int) -> int:
        """Fen that an ad has cost today."""
        return sum(row["cost"] for row in self._today() if row["adgroup_id"] == adgroup_id)

    def _today(self) -> list[dict[str, Any]]:
        return self._rows(self._kit.clock.now().astimezone(BEIJING).date())

    def _rows(self, day: date) -> list[dict[str, Any]]:
        now = self._kit.clock.now()
        return [row for ad in self._ads if (row := daily_row(ad, day, now, self._seed))]
