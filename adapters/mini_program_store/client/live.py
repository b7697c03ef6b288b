"""Live sessions (视频号直播) and the store's daily figures (罗盘)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from adapters.base.endpoint import read
from adapters.mini_program_store.models import live as models
from adapters.wechat.api import TokenApi

GETFINDERLIVERECORDLIST: Final = read("getfinderliverecordlist", family="live")
GETFINDERLIVENOTICERECORDLIST: Final = read("getfinderlivenoticerecordlist", family="live")
GET_FINDER_ATTR_BY_APPID: Final = read("get_finder_attr_by_appid", family="live")
GET_FINDER_LIVE_DATA_LIST: Final = read("get_finder_live_data_list", family="live")
COMPASS_SHOP_OVERALL_GET: Final = read("compass_shop_overall_get", family="compass")
COMPASS_SHOP_LIVE_LIST_GET: Final = read("compass_shop_live_list_get", family="compass")


class LiveClient:
    """The calls of one store about its Channels account."""

    def __init__(self, api: TokenApi) -> None:
        self._api = api

    async def getfinderliverecordlist(self) -> models.LiveRecords:
        """POST /channels/ec/finderlive/getfinderliverecordlist."""
        path = "/channels/ec/finderlive/getfinderliverecordlist"
        return await self._api.post(GETFINDERLIVERECORDLIST, path, models.LiveRecords, {})

    async def getfinderlivenoticerecordlist(self) -> models.LiveNotices:
        """POST /channels/ec/finderlive/getfinderlivenoticerecordlist."""
        path = "/channels/ec/finderlive/getfinderlivenoticerecordlist"
        return await self._api.post(GETFINDERLIVENOTICERECORDLIST, path, models.LiveNotices, {})

    async def get_finder_attr_by_appid(self) -> models.FinderAttrGet:
        """POST /channels/finderlive/get_finder_attr_by_appid."""
        path = "/channels/finderlive/get_finder_attr_by_appid"
        return await self._api.post(GET_FINDER_ATTR_BY_APPID, path, models.FinderAttrGet, {})

    async def get_finder_live_data_list(self, question: Mapping[str, object]) -> models.LiveDataList:
        """POST /channels/finderlive/get_finder_live_data_list."""
        path = "/channels/finderlive/get_finder_live_data_list"
        return await self._api.post(GET_FINDER_LIVE_DATA_LIST, path, models.LiveDataList, question)

    async def compass_shop_overall_get(self, day: date) -> models.ShopOverallGet:
        """POST /channels/ec/compass/shop/overall/get."""
        path = "/channels/ec/compass/shop/overall/get"
        return await self._api.post(COMPASS_SHOP_OVERALL_GET, path, models.ShopOverallGet, {"ds": f"{day:%Y%m%d}"})

    async def compass_shop_live_list_get(self, day: date, finder_id: str) -> models.ShopLiveList:
        """POST /channels/ec/compass/shop/live/list/get."""
        path = "/channels/ec/compass/shop/live/list/get"
        body = {"ds": f"{day:%Y%m%d}", "finder_id": finder_id}
        return await self._api.post(COMPASS_SHOP_LIVE_LIST_GET, path, models.ShopLiveList, body)
