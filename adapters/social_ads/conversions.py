"""Conversions into wire form, and into calls: checked one by one, packed up to the platform's two limits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from adapters.base.errors import Invalid
from adapters.social_ads import models
from adapters.social_ads.errors import NAME
from adapters.social_ads.records import Conversion

#: Conversions in one call, and bytes of its body (50 KB, read the cautious way): user_actions/add.
CONVERSIONS_PER_CALL: Final = 50
CONVERSION_BODY_BYTES: Final = 50_000
_LATEST: Final = 2_147_483_647
_ACTION_TYPE: Final = re.compile(r"[A-Z][A-Z0-9_]*")
_AROUND: Final = 200


def wire_action(conversion: Conversion) -> models.UserAction | Invalid:
    """One conversion as the platform wants it, or what is wrong with it."""
    wrong = _wrong(conversion)
    if wrong is not None:
        return Invalid(NAME, "conversion", wrong, endpoint="user_actions_add")
    user = models.UserId(
        wechat_openid=conversion.wechat_openid or "",
        wechat_unionid=conversion.wechat_unionid or "",
        wechat_app_id=conversion.wechat_appid or "",
    )
    return models.UserAction(
        action_time=int(conversion.at.timestamp()),
        action_type=conversion.action_type,
        outer_action_id=conversion.outer_action_id,
        user_id=user if user != models.UserId() else None,
        trace=models.Trace(conversion.click_id) if conversion.click_id else None,
        action_param={"value": conversion.value} if conversion.value is not None else None,
    )


def _wrong(conversion: Conversion) -> str | None:
    person = conversion.wechat_openid or conversion.wechat_unionid
    if not conversion.outer_action_id:
        return "outer_action_id is empty; give our own id of the action, such as the order number."
    if conversion.at.tzinfo is None:
        return "at is naive; give it a UTC offset."
    if not 0 <= conversion.at.timestamp() <= _LATEST:
        return f"at must lie between 1970 and Unix second {_LATEST}."
    if not _ACTION_TYPE.fullmatch(conversion.action_type) or conversion.action_type == "CUSTOM":
        return "action_type must be one of the platform's upper-case words, other than CUSTOM."
    if not person and not conversion.click_id:
        return "nobody is named; give click_id, or wechat_openid or wechat_unionid with wechat_appid."
    if person and not conversion.wechat_appid:
        return "wechat_appid is missing; an openid or unionid counts only within its app."
    if conversion.value is not None and conversion.value < 0:
        return "value is negative; it is an amount in fen, of a refund too."
    return None


def packed(actions: Sequence[models.UserAction]) -> list[list[int]]:
    """Positions of the actions, call by call: ceil(n / 50) calls unless the bytes ask for more."""
    calls: list[list[int]] = []
    size = CONVERSION_BODY_BYTES
    for position, action in enumerate(actions):
        length = len(msgspec.json.encode(action)) + 1
        if not calls or len(calls[-1]) == CONVERSIONS_PER_CALL or size + length > CONVERSION_BODY_BYTES:
            calls.append([])
            size = _AROUND
        calls[-1].append(position)
        size += length
    return calls
