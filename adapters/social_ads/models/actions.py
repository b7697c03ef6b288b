"""Data sources and conversions, in the platform's own field names."""

from __future__ import annotations

import msgspec


class UserId(msgspec.Struct, omit_defaults=True):
    """Who acted, in a user action."""

    wechat_openid: str = ""
    wechat_unionid: str = ""
    wechat_app_id: str = ""


class Trace(msgspec.Struct):
    """What led there."""

    click_id: str


class UserAction(msgspec.Struct, omit_defaults=True):
    """One conversion of user_actions/add; ``action_param.value`` in fen."""

    action_time: int
    action_type: str
    outer_action_id: str
    user_id: UserId | None = None
    trace: Trace | None = None
    action_param: dict[str, int] | None = None


class UserActions(msgspec.Struct):
    """Body of user_actions/add."""

    account_id: int
    user_action_set_id: int
    actions: list[UserAction]


class ActionSetCreated(msgspec.Struct):
    """user_action_sets/add."""

    user_action_set_id: int


class ActionSet(msgspec.Struct):
    """An element of user_action_sets/get. The form of ``created_time`` is not documented."""

    user_action_set_id: int
    type: str
    name: str = ""
    activate_status: bool | str = ""
    access_way: str = ""


class ActionSets(msgspec.Struct):
    """user_action_sets/get."""

    rows: list[ActionSet] = msgspec.field(name="list")
