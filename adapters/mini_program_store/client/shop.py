"""The store itself and its members."""

from __future__ import annotations

from typing import Final

from adapters.base.endpoint import read
from adapters.mini_program_store.models import shop as models
from adapters.wechat.api import TokenApi

BASICS_INFO_GET: Final = read("basics_info_get", family="store")
VIP_USER_LIST_GET: Final = read("vip_user_list_get", family="vip")
VIP_USER_SCORE_GET: Final = read("vip_user_score_get", family="vip")

_SHOP: Final = "/channels/ec"


class ShopClient:
    """The calls of one store about itself."""

    def __init__(self, api: TokenApi) -> None:
        self._api = api

    async def basics_info_get(self) -> models.StoreInfoGet:
        """GET /channels/ec/basics/info/get."""
        return await self._api.get(BASICS_INFO_GET, f"{_SHOP}/basics/info/get", models.StoreInfoGet)

    async def vip_user_list_get(self, page_num: int, page_size: int, need_phone_number: bool) -> models.VipUserList:
        """POST /channels/ec/vip/user/list/get."""
        body = {"page_num": page_num, "page_size": page_size, "need_phone_number": need_phone_number}
        return await self._api.post(VIP_USER_LIST_GET, f"{_SHOP}/vip/user/list/get", models.VipUserList, body)

    async def vip_user_score_get(self, openid: str) -> models.VipScore:
        """POST /channels/ec/vip/user/score/get."""
        path = f"{_SHOP}/vip/user/score/get"
        return await self._api.post(VIP_USER_SCORE_GET, path, models.VipScore, {"openid": openid})
