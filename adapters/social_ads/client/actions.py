"""Data sources (数据源) and the conversions that are reported to them."""

from __future__ import annotations

from typing import Final

from adapters.base.endpoint import idempotent, once, read
from adapters.social_ads import models
from adapters.social_ads.client.wire import Wire

USER_ACTION_SETS_ADD: Final = once("user_action_sets_add", family="user_actions")
USER_ACTION_SETS_GET: Final = read("user_action_sets_get", family="user_actions")
#: The platform's own key is (user_action_set_id, outer_action_id, action_type); all three are in the body.
USER_ACTIONS_ADD: Final = idempotent("user_actions_add", key="outer_action_id", family="user_actions")


class ActionsClient(Wire):
    """``/v3.0/user_action_sets``, ``/v3.0/user_actions``."""

    async def user_action_sets_add(
        self, access_token: str, kind: str, name: str | None, wechat_app_id: str | None, description: str | None
    ) -> models.ActionSetCreated:
        """POST /v3.0/user_action_sets/add."""
        body = {"type": kind, "name": name, "wechat_app_id": wechat_app_id, "description": description}
        path = "user_action_sets/add"
        return await self._send(USER_ACTION_SETS_ADD, path, access_token, body, models.ActionSetCreated)

    async def user_action_sets_get(self, access_token: str) -> models.ActionSets:
        """GET /v3.0/user_action_sets/get; no paging is documented."""
        return await self._get(USER_ACTION_SETS_GET, "user_action_sets/get", access_token, {}, models.ActionSets)

    async def user_actions_add(self, access_token: str, body: bytes) -> None:
        """POST /v3.0/user_actions/add with an encoded ``models.UserActions``."""
        await self._post(USER_ACTIONS_ADD, "user_actions/add", access_token, body, models.Nothing)
