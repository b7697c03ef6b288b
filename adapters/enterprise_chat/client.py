"""The platform's endpoints, one method each, named after them.

Directory and messages take the app's token, everything about customers the customer-contact token.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from adapters.base.endpoint import idempotent, once, read
from adapters.base.http import Upstream
from adapters.base.tokens import AccessTokens
from adapters.enterprise_chat import models
from adapters.enterprise_chat.errors import FAULTS
from adapters.wechat.api import TokenApi
from adapters.wechat.envelope import Envelope

#: userids per call of ``batch/get_by_user``, and pairs per page.
BATCH_LIMIT: Final = 100
#: Groups per page, customers without an employee per page.
PAGE_LIMIT: Final = 1000
#: The longest interval over which the platform recognises a repeated message.
DUPLICATE_WINDOW: Final = timedelta(hours=4)

USER_GET: Final = read("user_get", family="directory")
DEPARTMENT_LIST: Final = read("department_list", family="directory")
GET_FOLLOW_USER_LIST: Final = read("get_follow_user_list")
EXTERNALCONTACT_LIST: Final = read("externalcontact_list")
EXTERNALCONTACT_GET: Final = read("externalcontact_get")
BATCH_GET_BY_USER: Final = read("batch_get_by_user")
GET_CORP_TAG_LIST: Final = read("get_corp_tag_list")
GROUPCHAT_LIST: Final = read("groupchat_list")
GROUPCHAT_GET: Final = read("groupchat_get")
GET_UNASSIGNED_LIST: Final = read("get_unassigned_list")
SEND_WELCOME_MSG: Final = once("send_welcome_msg", family="message")
MEDIA_UPLOAD: Final = once("media_upload", family="message")
MESSAGE_SEND: Final = once("message_send", family="message")
MESSAGE_SEND_CHECKED: Final = idempotent(
    "message_send", "enable_duplicate_check", lifetime=DUPLICATE_WINDOW, family="message"
)


class EnterpriseChatClient:
    """qyapi.weixin.qq.com for one corp. Every method raises one of the ten kinds."""

    def __init__(self, upstream: Upstream, base_url: str, app: AccessTokens, customer_contact: AccessTokens) -> None:
        self._app = TokenApi(upstream, app, base_url, FAULTS)
        self._customers = TokenApi(upstream, customer_contact, base_url, FAULTS)

    async def user_get(self, userid: str) -> models.Member:
        """读取成员."""
        return await self._app.get(USER_GET, "/cgi-bin/user/get", models.Member, {"userid": userid})

    async def department_list(self) -> models.DepartmentList:
        """获取部门列表: all of them."""
        return await self._app.get(DEPARTMENT_LIST, "/cgi-bin/department/list", models.DepartmentList)

    async def get_follow_user_list(self) -> models.FollowUserList:
        """获取配置了客户联系功能的成员列表."""
        path = "/cgi-bin/externalcontact/get_follow_user_list"
        return await self._customers.get(GET_FOLLOW_USER_LIST, path, models.FollowUserList)

    async def externalcontact_list(self, userid: str) -> models.ExternalUserList:
        """获取客户列表: of one employee; 84061 where there are none."""
        path = "/cgi-bin/externalcontact/list"
        return await self._customers.get(EXTERNALCONTACT_LIST, path, models.ExternalUserList, {"userid": userid})

    async def externalcontact_get(self, external_userid: str, cursor: str) -> models.ContactAnswer:
        """获取客户详情: with up to 500 of the employees who have them."""
        query = {"external_userid": external_userid} | ({"cursor": cursor} if cursor else {})
        path = "/cgi-bin/externalcontact/get"
        return await self._customers.get(EXTERNALCONTACT_GET, path, models.ContactAnswer, query)

    async def batch_get_by_user(self, userids: Sequence[str], cursor: str, limit: int) -> models.ContactPairs:
        """批量获取客户详情: at most 100 userids, 100 pairs."""
        path = "/cgi-bin/externalcontact/batch/get_by_user"
        body = {"userid_list": list(userids), "cursor": cursor, "limit": limit}
        return await self._customers.post(BATCH_GET_BY_USER, path, models.ContactPairs, body)

    async def get_corp_tag_list(self) -> models.CorpTagList:
        """获取企业标签库: all of it."""
        path = "/cgi-bin/externalcontact/get_corp_tag_list"
        return await self._customers.post(GET_CORP_TAG_LIST, path, models.CorpTagList, {})

    async def groupchat_list(self, owners: Sequence[str], cursor: str, limit: int) -> models.GroupChatList:
        """获取客户群列表: at most 100 owners; without owners, groups of everyone still there."""
        body: dict[str, object] = {"status_filter": 0, "cursor": cursor, "limit": limit}
        if owners:
            body["owner_filter"] = {"userid_list": list(owners)}
        path = "/cgi-bin/externalcontact/groupchat/list"
        return await self._customers.post(GROUPCHAT_LIST, path, models.GroupChatList, body)

    async def groupchat_get(self, chat_id: str) -> models.GroupChatAnswer:
        """获取客户群详情: members without their names."""
        path = "/cgi-bin/externalcontact/groupchat/get"
        body = {"chat_id": chat_id, "need_name": 0}
        return await self._customers.post(GROUPCHAT_GET, path, models.GroupChatAnswer, body)

    async def get_unassigned_list(self, cursor: str, page_size: int) -> models.UnassignedList:
        """获取待分配的离职成员列表."""
        path = "/cgi-bin/externalcontact/get_unassigned_list"
        body = {"cursor": cursor, "page_size": page_size}
        return await self._customers.post(GET_UNASSIGNED_LIST, path, models.UnassignedList, body)

    async def send_welcome_msg(self, welcome: models.SendWelcome) -> None:
        """发送新客户欢迎语: within 20 seconds, once."""
        path = "/cgi-bin/externalcontact/send_welcome_msg"
        await self._customers.post(SEND_WELCOME_MSG, path, Envelope, welcome)

    async def media_upload(self, name: str, content: bytes) -> models.Uploaded:
        """上传临时素材: an image, for three days."""
        path, query = "/cgi-bin/media/upload", {"type": "image"}
        return await self._customers.post_file(MEDIA_UPLOAD, path, models.Uploaded, query, (name, content))

    async def message_send(self, message: models.SendMessage) -> models.SendMessageAnswer:
        """发送应用消息: repeatable only with the duplicate check."""
        endpoint = MESSAGE_SEND_CHECKED if message.enable_duplicate_check else MESSAGE_SEND
        return await self._app.post(endpoint, "/cgi-bin/message/send", models.SendMessageAnswer, message)
