"""The endpoints of api.weixin.qq.com that this tool calls, one method each, named after them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from adapters.base.endpoint import idempotent, once, read
from adapters.official_account.models import (
    Addresses,
    BatchGetRequest,
    CustomSendRequest,
    TagList,
    TemplateSendAnswer,
    TemplateSendRequest,
    UserGet,
    UserInfoList,
    UserQuery,
)
from adapters.wechat.api import TokenApi
from adapters.wechat.envelope import Envelope

GET_API_DOMAIN_IP: Final = read("get_api_domain_ip")
USER_GET: Final = read("user_get")
USER_INFO_BATCHGET: Final = read("user_info_batchget")
TAGS_GET: Final = read("tags_get")
TEMPLATE_SEND: Final = idempotent("template_send", "client_msg_id", lifetime=timedelta(minutes=10), family="template")
# It has no key: whatever is sent twice arrives twice, and is counted twice.
CUSTOM_SEND: Final = once("custom_send", family="custom")


class OfficialAccountClient:
    """Every method raises one of the ten kinds of ``adapters.base.errors``."""

    def __init__(self, api: TokenApi) -> None:
        self._api = api

    async def get_api_domain_ip(self) -> Addresses:
        """获取微信API服务器IP: proves the token and our address."""
        return await self._api.get(GET_API_DOMAIN_IP, "/cgi-bin/get_api_domain_ip", Addresses)

    async def user_get(self, next_openid: str) -> UserGet:
        """获取关注者列表: up to 10,000 openids behind ``next_openid``, from the first when it is empty."""
        query = {"next_openid": next_openid} if next_openid else {}
        return await self._api.get(USER_GET, "/cgi-bin/user/get", UserGet, query)

    async def user_info_batchget(self, openids: Sequence[str]) -> UserInfoList:
        """批量获取用户基本信息: 1 to 100 openids."""
        body = BatchGetRequest([UserQuery(openid) for openid in openids])
        return await self._api.post(USER_INFO_BATCHGET, "/cgi-bin/user/info/batchget", UserInfoList, body)

    async def tags_get(self) -> TagList:
        """获取标签列表: all tags, 100 at most."""
        return await self._api.get(TAGS_GET, "/cgi-bin/tags/get", TagList)

    async def template_send(self, message: TemplateSendRequest) -> TemplateSendAnswer:
        """发送模板消息."""
        return await self._api.post(TEMPLATE_SEND, "/cgi-bin/message/template/send", TemplateSendAnswer, message)

    async def custom_send(self, message: CustomSendRequest) -> None:
        """发送客服消息: the answer says no more than that it was taken."""
        await self._api.post(CUSTOM_SEND, "/cgi-bin/message/custom/send", Envelope, message)
