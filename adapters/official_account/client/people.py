"""Followers (用户管理), their tags (标签管理) and the blacklist (黑名单)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from adapters.base.endpoint import idempotent, once, read
from adapters.official_account.models import wire as models
from adapters.wechat.api import TokenApi
from adapters.wechat.envelope import Envelope

GET_API_DOMAIN_IP: Final = read("get_api_domain_ip")
USER_GET: Final = read("user_get")
USER_INFO: Final = read("user_info")
USER_INFO_BATCHGET: Final = read("user_info_batchget")
USER_INFO_UPDATEREMARK: Final = idempotent("user_info_updateremark", "remark")
GETBLACKLIST: Final = read("getblacklist")
BATCHBLACKLIST: Final = idempotent("batchblacklist", "openid_list")
BATCHUNBLACKLIST: Final = idempotent("batchunblacklist", "openid_list")
TAGS_GET: Final = read("tags_get")
# A second tag of the name would be refused as a duplicate, which says nothing about whose the first one is.
TAGS_CREATE: Final = once("tags_create")
TAGS_UPDATE: Final = idempotent("tags_update", "name")
# A repetition finds no tag and is refused, like a wrong id.
TAGS_DELETE: Final = once("tags_delete")
USER_TAG_GET: Final = read("user_tag_get")
BATCHTAGGING: Final = idempotent("batchtagging", "tagid")
BATCHUNTAGGING: Final = idempotent("batchuntagging", "tagid")
GETIDLIST: Final = read("getidlist")


class PeopleClient:
    """The calls about who follows one account."""

    def __init__(self, api: TokenApi) -> None:
        self._api = api

    async def get_api_domain_ip(self) -> models.Addresses:
        """GET /cgi-bin/get_api_domain_ip: proves the token and our address."""
        return await self._api.get(GET_API_DOMAIN_IP, "/cgi-bin/get_api_domain_ip", models.Addresses)

    async def user_get(self, next_openid: str) -> models.OpenidPage:
        """GET /cgi-bin/user/get: up to 10,000 openids behind ``next_openid``, from the first when it is empty."""
        query = {"next_openid": next_openid} if next_openid else {}
        return await self._api.get(USER_GET, "/cgi-bin/user/get", models.OpenidPage, query)

    async def user_info(self, openid: str) -> models.UserInfo:
        """GET /cgi-bin/user/info."""
        return await self._api.get(USER_INFO, "/cgi-bin/user/info", models.UserInfo, {"openid": openid})

    async def user_info_batchget(self, openids: Sequence[str]) -> models.UserInfoList:
        """POST /cgi-bin/user/info/batchget: 1 to 100 openids."""
        body = {"user_list": [{"openid": openid} for openid in openids]}
        return await self._api.post(USER_INFO_BATCHGET, "/cgi-bin/user/info/batchget", models.UserInfoList, body)

    async def user_info_updateremark(self, openid: str, remark: str) -> None:
        """POST /cgi-bin/user/info/updateremark."""
        body = {"openid": openid, "remark": remark}
        await self._api.post(USER_INFO_UPDATEREMARK, "/cgi-bin/user/info/updateremark", Envelope, body)

    async def getblacklist(self, begin_openid: str) -> models.OpenidPage:
        """POST /cgi-bin/tags/members/getblacklist: up to 10,000 openids behind ``begin_openid``."""
        body = {"begin_openid": begin_openid}
        return await self._api.post(GETBLACKLIST, "/cgi-bin/tags/members/getblacklist", models.OpenidPage, body)

    async def batchblacklist(self, openids: Sequence[str]) -> None:
        """POST /cgi-bin/tags/members/batchblacklist: up to 20 openids."""
        body = {"openid_list": list(openids)}
        await self._api.post(BATCHBLACKLIST, "/cgi-bin/tags/members/batchblacklist", Envelope, body)

    async def batchunblacklist(self, openids: Sequence[str]) -> None:
        """POST /cgi-bin/tags/members/batchunblacklist: up to 20 openids."""
        body = {"openid_list": list(openids)}
        await self._api.post(BATCHUNBLACKLIST, "/cgi-bin/tags/members/batchunblacklist", Envelope, body)

    async def tags_get(self) -> models.TagList:
        """GET /cgi-bin/tags/get: all tags, 100 at most."""
        return await self._api.get(TAGS_GET, "/cgi-bin/tags/get", models.TagList)

    async def tags_create(self, name: str) -> models.TagCreated:
        """POST /cgi-bin/tags/create."""
        return await self._api.post(TAGS_CREATE, "/cgi-bin/tags/create", models.TagCreated, {"tag": {"name": name}})

    async def tags_update(self, tag: int, name: str) -> None:
        """POST /cgi-bin/tags/update."""
        await self._api.post(TAGS_UPDATE, "/cgi-bin/tags/update", Envelope, {"tag": {"id": tag, "name": name}})

    async def tags_delete(self, tag: int) -> None:
        """POST /cgi-bin/tags/delete."""
        await self._api.post(TAGS_DELETE, "/cgi-bin/tags/delete", Envelope, {"tag": {"id": tag}})

    async def user_tag_get(self, tag: int, next_openid: str) -> models.OpenidPage:
        """POST /cgi-bin/user/tag/get; the vendor's page once had it as a GET with a body."""
        # In small letters: ``tagId`` is ignored, and refused as an unknown tag (45159).
        body = {"tagid": tag, "next_openid": next_openid}
        return await self._api.post(USER_TAG_GET, "/cgi-bin/user/tag/get", models.OpenidPage, body)

    async def batchtagging(self, tag: int, openids: Sequence[str]) -> None:
        """POST /cgi-bin/tags/members/batchtagging: up to 50 openids."""
        body = {"openid_list": list(openids), "tagid": tag}
        await self._api.post(BATCHTAGGING, "/cgi-bin/tags/members/batchtagging", Envelope, body)

    async def batchuntagging(self, tag: int, openids: Sequence[str]) -> None:
        """POST /cgi-bin/tags/members/batchuntagging: up to 50 openids."""
        body = {"openid_list": list(openids), "tagid": tag}
        await self._api.post(BATCHUNTAGGING, "/cgi-bin/tags/members/batchuntagging", Envelope, body)

    async def getidlist(self, openid: str) -> models.TagIds:
        """POST /cgi-bin/tags/getidlist."""
        return await self._api.post(GETIDLIST, "/cgi-bin/tags/getidlist", models.TagIds, {"openid": openid})
