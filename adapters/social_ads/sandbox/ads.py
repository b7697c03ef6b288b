"""adgroups and dynamic_creatives: lists, creation, changes of many ads at once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from adapters.social_ads.sandbox import lists
from adapters.social_ads.sandbox.accounts import BUDGET, Advertiser
from adapters.social_ads.sandbox.bodies import Body, whole
from adapters.social_ads.sandbox.envelope import MISSING, NOT_IN_RANGE, NOT_PERMITTED, Parameters, Refusal
from sandbox.platform import Kit
from sandbox.world import AdGroup

ITEMS: Final = 100
#: Business codes of one ad are not documented; this number stands in the vendor's example.
ITEM_REFUSED: Final = 1901234
_CHANGEABLE: Final = ("adgroup_name", "bid_amount", "begin_date", "end_date")
_NEEDED: Final = ("marketing_goal", "begin_date", "bid_mode", "optimization_goal")


class Ads:
    """The ads of one account; ``changes`` are the fields that callers set, by ad."""

    def __init__(self, kit: Kit, account_id: int, ads: list[AdGroup], advertiser: Advertiser) -> None:
        self._kit = kit
        self._account_id = account_id
        self._ads = ads
        self._advertiser = advertiser
        self.changes: dict[int, dict[str, Any]] = {}
        self._created: dict[str, tuple[str, int]] = {}

    def get(self, parameters: Parameters) -> Mapping[str, Any]:
        """GET adgroups/get."""
        rows = [{**lists.adgroup_row(ad), **self.changes.get(ad.adgroup_id, {})} for ad in self._ads]
        return lists.by_page_or_cursor(rows, parameters, ("adgroup_id", "adgroup_name"))

    def creatives(self, parameters: Parameters) -> Mapping[str, Any]:
        """GET dynamic_creatives/get: every ad of the world has one creative."""
        rows = [lists.creative_row(number, ad) for number, ad in enumerate(self._ads, 880001)]
        return lists.by_page_or_cursor(rows, parameters, ("dynamic_creative_id", "dynamic_creative_name"))

    def add(self, raw: bytes, request_id: str) -> Mapping[str, Any]:
        """POST adgroups/add. The same X-Request-Id with the same body is the same ad."""
        body = Body(raw, self._account_id)
        digest = hashlib.sha256(raw).hexdigest()
        if request_id in self._created:
            before, adgroup_id = self._created[request_id]
            if before != digest:
                raise Refusal(31060, "X-Request-Id was used with another body.", "请求 ID 重复")
            return {"adgroup_id": adgroup_id}
        name = body.text("adgroup_name", 180)
        for field in _NEEDED:
            body.text(field, 128)
        if any(self._name(ad) == name for ad in self._ads):
            raise Refusal(NOT_PERMITTED, "The parameter adgroup_name is used by another ad.", "广告名称重复")
        end = body.text("end_date", 10, needed=False)
        if end and end < body.values["begin_date"]:
            raise Refusal(NOT_IN_RANGE, "The parameter end_date lies before begin_date.")
        budget = body.integer("daily_budget")
        if budget and budget not in BUDGET:
            raise Refusal(NOT_IN_RANGE, "The parameter daily_budget is not in range.")
        adgroup_id = max((ad.adgroup_id for ad in self._ads), default=13397328751) + 1
        now = self._kit.clock.now().replace(microsecond=0)
        status = "ADGROUP_STATUS_CREATIVE_EMPTY"
        self._ads.append(AdGroup(self._account_id, adgroup_id, name, status, 0, "", now))
        self.changes[adgroup_id] = {
            **{field: body.values[field] for field in (*_NEEDED, "end_date") if field in body.values},
            "daily_budget": budget,
            "configured_status": body.values.get("configured_status", "AD_STATUS_NORMAL"),
        }
        if request_id:
            self._created[request_id] = (digest, adgroup_id)
        self._kit.effect("social_ads", "adgroup", str(adgroup_id), name=name)
        return {"adgroup_id": adgroup_id}

    def update(self, raw: bytes) -> Mapping[str, Any]:
        """POST adgroups/update of the fields that are given."""
        body = Body(raw, self._account_id)
        adgroup_id = body.integer("adgroup_id")
        ad = next((each for each in self._ads if each.adgroup_id == adgroup_id), None)
        if ad is None:
            raise Refusal(NOT_PERMITTED, "The parameter adgroup_id is not permitted here.", "广告不存在")
        given = {name: body.values[name] for name in _CHANGEABLE if name in body.values}
        name = body.text("adgroup_name", 180, needed="adgroup_name" in given)
        if name and any(self._name(each) == name for each in self._ads if each is not ad):
            raise Refusal(NOT_PERMITTED, "The parameter adgroup_name is used by another ad.", "广告名称重复")
        if "bid_amount" in given and not 1 <= body.integer("bid_amount") <= 500_000:
            raise Refusal(NOT_IN_RANGE, "The parameter bid_amount is not in range.")
        shown = {**lists.adgroup_row(ad), **self.changes.get(adgroup_id, {}), **given}
        if shown["end_date"] and shown["end_date"] < shown["begin_date"]:
            raise Refusal(NOT_IN_RANGE, "The parameter end_date lies before begin_date.")
        self._set(adgroup_id, "adgroup_update", given)
        return {"adgroup_id": adgroup_id}

    def _name(self, ad: AdGroup) -> str:
        return str(self.changes.get(ad.adgroup_id, {}).get("adgroup_name", ad.name))

    def update_configured_status(self, raw: bytes) -> Mapping[str, Any]:
        """POST adgroups/update_configured_status."""
        return self._update(raw, "update_configured_status_spec", self._set_status)

    def update_daily_budget(self, raw: bytes) -> Mapping[str, Any]:
        """POST adgroups/update_daily_budget."""
        return self._update(raw, "update_daily_budget_spec", self._set_budget)

    def _update(
        self, raw: bytes, spec: str, apply: Callable[[int, Mapping[str, Any]], tuple[str, str] | None]
    ) -> Mapping[str, Any]:
        """Each ad alone; the envelope says 0 all the same."""
        items = Body(raw, self._account_id).items(spec, ITEMS)
        wanted = [whole(item.get("adgroup_id"), f"{spec}.adgroup_id") for item in items]
        if len(set(wanted)) != len(wanted):
            raise Refusal(NOT_PERMITTED, f"The parameter {spec} has an ad twice.")
        known = {ad.adgroup_id for ad in self._ads}
        answers: list[dict[str, Any]] = []
        for adgroup_id, item in zip(wanted, items, strict=True):
            wrong = apply(adgroup_id, item) if adgroup_id in known else ("adgroup does not exist", "广告不存在")
            message, message_cn = wrong or ("", "")
            code = ITEM_REFUSED if wrong else 0
            answers.append({"code": code, "message": message, "message_cn": message_cn, "adgroup_id": adgroup_id})
        return {"list": answers, "fail_id_list": [row["adgroup_id"] for row in answers if row["code"]]}

    def _set_status(self, adgroup_id: int, item: Mapping[str, Any]) -> tuple[str, str] | None:
        status = item.get("configured_status")
        if status not in {"AD_STATUS_NORMAL", "AD_STATUS_SUSPEND"}:
            raise Refusal(NOT_PERMITTED, "The parameter configured_status is not permitted here.")
        shown = "ADGROUP_STATUS_ACTIVE" if status == "AD_STATUS_NORMAL" else "ADGROUP_STATUS_SUSPEND"
        self._set(adgroup_id, "adgroup_status", {"configured_status": status, "system_status": shown})
        return None

    def _set_budget(self, adgroup_id: int, item: Mapping[str, Any]) -> tuple[str, str] | None:
        if "daily_budget" not in item:
            raise Refusal(MISSING, "The parameter daily_budget is required.")
        budget = whole(item["daily_budget"], "daily_budget")
        spent = self._advertiser.spent_today(adgroup_id)
        # At least 1.5 times, and 50 yuan above, what is spent already.
        if budget and (budget not in BUDGET or budget < spent * 3 / 2 or (spent and budget < spent + 5_000)):
            return "daily budget too small", "日预算过低"
        self._set(adgroup_id, "adgroup_budget", {"daily_budget": budget})
        return None

    def _set(self, adgroup_id: int, kind: str, values: Mapping[str, Any]) -> None:
        """Setting what is set already has no effect."""
        changed = self.changes.setdefault(adgroup_id, {})
        if any(changed.get(name) != value for name, value in values.items()):
            changed.update(values, last_modified_time=int(self._kit.clock.now().timestamp()))
            self._kit.effect("social_ads", kind, str(adgroup_id), **values)
