"""user_actions/add: conversions of one data source, counted once each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from adapters.social_ads.sandbox.envelope import MISSING, NOT_IN_RANGE, NOT_PERMITTED, WRONG_TYPE, Refusal
from sandbox.platform import Kit

ITEMS: Final = 50
BODY_BYTES: Final = 50 * 1024


class UserActions:
    """One WECHAT_MINI_PROGRAM data source (用户行为数据源) of one account."""

    def __init__(self, kit: Kit, account_id: int, set_id: int, authorised_appids: frozenset[str]) -> None:
        self._kit = kit
        self._account_id = account_id
        self._set_id = set_id
        self._authorised = authorised_appids
        self._seen: set[tuple[int, str, str]] = set()

    def add(self, raw: bytes) -> dict[str, Any]:
        """All actions or none: one bad item fails the call. An action that was seen before is dropped."""
        body = self._body(raw)
        actions = body["actions"]
        for action in actions:
            self._check(action)
        for action in actions:
            self._take(action)
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
        if body.get("user_action_set_id") != self._set_id:
            raise Refusal(NOT_PERMITTED, "The parameter user_action_set_id is not permitted here.")
        if not 1 <= len(body["actions"]) <= ITEMS:
            raise Refusal(NOT_IN_RANGE, "The parameter actions must have 1 to 50 elements.")
        return body

    def _check(self, action: Mapping[str, Any]) -> None:
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
        if not user.get("wechat_app_id") or not (user.get("wechat_openid") or user.get("wechat_unionid")):
            raise Refusal(MISSING, "This data source needs wechat_app_id and wechat_openid or wechat_unionid.")

    def _take(self, action: Mapping[str, Any]) -> None:
        outer, kind = str(action.get("outer_action_id", "")), str(action["action_type"])
        if outer:
            if (self._set_id, outer, kind) in self._seen:
                return
            self._seen.add((self._set_id, outer, kind))
        user = action["user_id"]
        self._kit.effect(
            "social_ads",
            f"user_action.{kind}",
            outer,
            action_type=kind,
            action_time=action.get("action_time", int(self._kit.clock.now().timestamp())),
            click_id=(action.get("trace") or {}).get("click_id", ""),
            value=(action.get("action_param") or {}).get("value"),
            # Accepted all the same, but never attributed, where the app is not the advertiser's own.
            attributable=user["wechat_app_id"] in self._authorised,
        )
