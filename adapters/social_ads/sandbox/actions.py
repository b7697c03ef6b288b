"""user_action_sets and user_actions: data sources, and conversions that are counted once each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from adapters.social_ads.sandbox.bodies import Body
from adapters.social_ads.sandbox.envelope import MISSING, NOT_IN_RANGE, NOT_PERMITTED, WRONG_TYPE, Refusal
from sandbox.platform import Kit

ITEMS: Final = 50
_SETS: Final = {
    "WEB",
    "ANDROID",
    "IOS",
    "OFFLINE",
    "WECHAT",
    "WECHAT_MINI_PROGRAM",
    "WECHAT_MINI_GAME",
    "HARMONY",
}
BODY_BYTES: Final = 50 * 1024


class UserActions:
    """The data sources (用户行为数据源) of one account, by id; it begins with a WECHAT_MINI_PROGRAM one."""

    def __init__(self, kit: Kit, account_id: int, set_id: int, authorised_appids: frozenset[str]) -> None:
        self._kit = kit
        self._account_id = account_id
        self._authorised = authorised_appids
        self._seen: set[tuple[int, str, str]] = set()
        first = {"type": "WECHAT_MINI_PROGRAM", "name": "小程序", "created_time": int(kit.clock.now().timestamp())}
        self.sets: dict[int, dict[str, Any]] = {set_id: first}

    def sets_get(self) -> dict[str, Any]:
        """GET user_action_sets/get."""
        common = {"activate_status": True, "access_way": "SELF_BUILT", "enable_conversion_claim": True}
        return {"list": [{"user_action_set_id": set_id, **common, **row} for set_id, row in self.sets.items()]}

    def sets_add(self, raw: bytes) -> dict[str, Any]:
        """POST user_action_sets/add."""
        body = Body(raw, self._account_id)
        kind = body.text("type", 32)
        if kind not in _SETS:
            raise Refusal(NOT_PERMITTED, "The parameter type is not permitted here.")
        name = body.text("name", 32, needed=kind == "WEB")
        if kind.startswith("WECHAT"):
            body.text("wechat_app_id", 64)
        body.text("description", 128 * 3, needed=False)
        set_id = max(self.sets) + 1
        self.sets[set_id] = {"type": kind, "name": name, "created_time": int(self._kit.clock.now().timestamp())}
        self._kit.effect("social_ads", "action_set", str(set_id), type=kind)
        return {"user_action_set_id": set_id}

    def add(self, raw: bytes) -> dict[str, Any]:
        """All actions or none: one bad item fails the call. An action that was seen before is dropped."""
        body = self._body(raw)
        set_id, actions = body["user_action_set_id"], body["actions"]
        kind = self.sets[set_id]["type"]
        for action in actions:
            self._check(action, kind)
        for action in actions:
            self._take(set_id, action)
        return {}

    def _body(self, raw: bytes) -> dict[str, Any]:
        if len(raw) > BODY_BYTES:
            raise Refusal(NOT_IN_RANGE, "The body is over 50 KB.")
        try:
            body = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise Refusal(WRONG_TYPE, "The body is not JSON.") from error
        if not isinstance(body, dict) or not isinstance(body.get("actions"), list):
            raise Refusal(MISSING, "The parameter actions is required.")
        if body.get("account_id") != self._account_id:
            raise Refusal(11014, "The account is outside the authorisation.", "无权限")
        if body.get("user_action_set_id") not in self.sets:
            raise Refusal(NOT_PERMITTED, "The parameter user_action_set_id is not permitted here.")
        if not 1 <= len(body["actions"]) <= ITEMS:
            raise Refusal(NOT_IN_RANGE, "The parameter actions must have 1 to 50 elements.")
        return body

    def _check(self, action: Mapping[str, Any], source: str) -> None:
        kind = action.get("action_type")
        if not isinstance(kind, str) or not kind or kind != kind.upper():
            raise Refusal(NOT_PERMITTED, "The parameter actions.action_type is not permitted here.")
        if kind == "CUSTOM" and not action.get("custom_action"):
            raise Refusal(MISSING, "The parameter actions.custom_action is required.")
        at = action.get("action_time", 0)
        if not isinstance(at, int) or not 0 <= at <= 2_147_483_647:
            raise Refusal(NOT_IN_RANGE, "The parameter actions.action_time is not in range.")
        user, trace = action.get("user_id") or {}, action.get("trace") or {}
        if not user and not trace.get("click_id"):
            raise Refusal(MISSING, "One of actions.user_id and actions.trace.click_id is required.")
        if source == "WEB" and not action.get("url"):
            raise Refusal(MISSING, "The parameter actions.url is required.")
        person = user.get("wechat_openid") or user.get("wechat_unionid")
        if source.startswith("WECHAT") and not (user.get("wechat_app_id") and person):
            raise Refusal(MISSING, "This data source needs wechat_app_id and wechat_openid or wechat_unionid.")

    def _take(self, set_id: int, action: Mapping[str, Any]) -> None:
        outer, kind = str(action.get("outer_action_id", "")), str(action["action_type"])
        if outer:
            if (set_id, outer, kind) in self._seen:
                return
            self._seen.add((set_id, outer, kind))
        user = action.get("user_id") or {}
        self._kit.effect(
            "social_ads",
            f"user_action.{kind}",
            outer,
            action_type=kind,
            action_time=action.get("action_time", int(self._kit.clock.now().timestamp())),
            click_id=(action.get("trace") or {}).get("click_id", ""),
            value=(action.get("action_param") or {}).get("value"),
            # Accepted all the same, but never attributed, where the app is not the advertiser's own.
            attributable=user.get("wechat_app_id") in self._authorised,
        )
