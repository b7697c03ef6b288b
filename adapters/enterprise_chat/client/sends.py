"""What goes to customers: 企业群发 tasks, 欢迎语, and the files (素材) that they show."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from adapters.base.endpoint import idempotent, once, read
from adapters.enterprise_chat import models
from adapters.wechat.api import TokenApi
from adapters.wechat.envelope import Envelope

SEND_WELCOME_MSG: Final = once("send_welcome_msg", family="message")
MEDIA_UPLOAD: Final = once("media_upload", family="message")
MEDIA_UPLOADIMG: Final = once("media_uploadimg", family="message")
ADD_MSG_TEMPLATE: Final = once("add_msg_template", family="group_send")
GET_GROUPMSG_LIST: Final = read("get_groupmsg_list_v2", family="group_send")
GET_GROUPMSG_TASK: Final = read("get_groupmsg_task", family="group_send")
GET_GROUPMSG_SEND_RESULT: Final = read("get_groupmsg_send_result", family="group_send")
REMIND_GROUPMSG_SEND: Final = once("remind_groupmsg_send", family="group_send")
CANCEL_GROUPMSG_SEND: Final = once("cancel_groupmsg_send", family="group_send")
ADD_GROUP_WELCOME: Final = once("group_welcome_template_add", family="message")
EDIT_GROUP_WELCOME: Final = idempotent("group_welcome_template_edit", "template_id", family="message")
GET_GROUP_WELCOME: Final = read("group_welcome_template_get", family="message")
DEL_GROUP_WELCOME: Final = once("group_welcome_template_del", family="message")

_ROOT: Final = "/cgi-bin/externalcontact/"


class TagGroupFilter(Struct):
    """Customers with any of these tags."""

    tag_list: list[str]


class TagFilter(Struct):
    """Customers who pass every one of these."""

    group_list: list[TagGroupFilter]


class MsgTemplate(Struct, omit_defaults=True):
    """Request of ``add_msg_template``. ``chat_type`` single or group, which needs a sender."""

    chat_type: str
    external_userid: list[str] = []
    chat_id_list: list[str] = []
    tag_filter: TagFilter | None = None
    sender: str = ""
    allow_select: bool = False
    text: models.Text | None = None
    attachments: list[models.Attachment] = []


class MsgTemplateAdded(Struct):
    """``add_msg_template``: a task; ``fail_list`` will not be asked for."""

    msgid: str
    fail_list: list[str] = []


class GroupMsg(Struct):
    """A task. ``creator`` is missing where the API made it; ``create_time`` comes as text or number."""

    msgid: str
    create_time: str | int
    creator: str = ""
    create_type: int = 0
    text: models.Text | None = None
    attachments: list[models.Attachment] = []


class GroupMsgList(Struct):
    """``get_groupmsg_list_v2``."""

    group_msg_list: list[GroupMsg] = []
    next_cursor: str = ""


class TaskRow(Struct):
    """An employee who was asked: ``status`` 0 not yet, 2 sent."""

    userid: str
    status: int = 0
    send_time: int = 0


class TaskList(Struct):
    """``get_groupmsg_task``."""

    task_list: list[TaskRow] = []
    next_cursor: str = ""


class SendRow(Struct):
    """One customer or group: ``status`` 0 not yet, 1 sent, 2 no friend, 3 has had enough this month."""

    userid: str
    status: int = 0
    external_userid: str = ""
    chat_id: str = ""
    send_time: int = 0


class SendList(Struct):
    """``get_groupmsg_send_result``."""

    send_list: list[SendRow] = []
    next_cursor: str = ""


class GroupWelcome(Struct, omit_defaults=True):
    """A 入群欢迎语: text, one picture, link or card, or text and one of them. Also the request."""

    template_id: str = ""
    text: models.Text | None = None
    image: models.Image | None = None
    link: models.WelcomeLink | None = None
    miniprogram: models.WelcomeCard | None = None
    notify: int | None = None


class GroupWelcomeAdded(Struct):
    """``group_welcome_template/add``."""

    template_id: str


class UploadedImage(Struct):
    """``media/uploadimg``: an address for ever."""

    url: str


class SendsClient:
    """Messages to customers. Pictures may come with either token."""

    def __init__(self, api: TokenApi) -> None:
        self._api = api

    async def send_welcome_msg(self, welcome: models.SendWelcome) -> None:
        """发送新客户欢迎语: within 20 seconds, once."""
        await self._api.post(SEND_WELCOME_MSG, _ROOT + "send_welcome_msg", Envelope, welcome)

    async def media_upload(self, name: str, content: bytes, kind: str = "image") -> models.Uploaded:
        """上传临时素材: image, voice, video or file, for three days."""
        path, query = "/cgi-bin/media/upload", {"type": kind}
        return await self._api.post_file(MEDIA_UPLOAD, path, models.Uploaded, query, (name, content))

    async def media_uploadimg(self, name: str, content: bytes) -> UploadedImage:
        """上传图片: for ever; 1000 a day, 3000 a month."""
        return await self._api.post_file(
            MEDIA_UPLOADIMG, "/cgi-bin/media/uploadimg", UploadedImage, {}, (name, content)
        )

    async def add_msg_template(self, template: MsgTemplate) -> MsgTemplateAdded:
        """创建企业群发: asks employees to send; nothing is sent by it."""
        return await self._api.post(ADD_MSG_TEMPLATE, _ROOT + "add_msg_template", MsgTemplateAdded, template)

    async def get_groupmsg_list_v2(
        self, chat_type: str, start: int, end: int, filter_type: int, cursor: str, limit: int
    ) -> GroupMsgList:
        """获取群发记录列表: of a month at most; ``filter_type`` 0 the corp's, 1 employees' own, 2 all."""
        body = {"chat_type": chat_type, "start_time": start, "end_time": end, "filter_type": filter_type}
        body |= {"cursor": cursor, "limit": limit}
        return await self._api.post(GET_GROUPMSG_LIST, _ROOT + "get_groupmsg_list_v2", GroupMsgList, body)

    async def get_groupmsg_task(self, msgid: str, cursor: str, limit: int) -> TaskList:
        """获取群发成员发送任务列表."""
        body = {"msgid": msgid, "cursor": cursor, "limit": limit}
        return await self._api.post(GET_GROUPMSG_TASK, _ROOT + "get_groupmsg_task", TaskList, body)

    async def get_groupmsg_send_result(self, msgid: str, userid: str, cursor: str, limit: int) -> SendList:
        """获取企业群发成员执行结果."""
        body = {"msgid": msgid, "userid": userid, "cursor": cursor, "limit": limit}
        return await self._api.post(GET_GROUPMSG_SEND_RESULT, _ROOT + "get_groupmsg_send_result", SendList, body)

    async def remind_groupmsg_send(self, msgid: str) -> None:
        """提醒成员群发: three times a day."""
        await self._api.post(REMIND_GROUPMSG_SEND, _ROOT + "remind_groupmsg_send", Envelope, {"msgid": msgid})

    async def cancel_groupmsg_send(self, msgid: str) -> None:
        """停止企业群发: what was sent stays."""
        await self._api.post(CANCEL_GROUPMSG_SEND, _ROOT + "cancel_groupmsg_send", Envelope, {"msgid": msgid})

    async def group_welcome_template_add(self, welcome: GroupWelcome) -> GroupWelcomeAdded:
        """添加入群欢迎语素材."""
        path = _ROOT + "group_welcome_template/add"
        return await self._api.post(ADD_GROUP_WELCOME, path, GroupWelcomeAdded, welcome)

    async def group_welcome_template_edit(self, welcome: GroupWelcome) -> None:
        """编辑入群欢迎语素材: replaces it."""
        await self._api.post(EDIT_GROUP_WELCOME, _ROOT + "group_welcome_template/edit", Envelope, welcome)

    async def group_welcome_template_get(self, template_id: str) -> GroupWelcome:
        """获取入群欢迎语素材: flat in the envelope."""
        path, body = _ROOT + "group_welcome_template/get", {"template_id": template_id}
        return await self._api.post(GET_GROUP_WELCOME, path, GroupWelcome, body)

    async def group_welcome_template_del(self, template_id: str) -> None:
        """删除入群欢迎语素材."""
        body = {"template_id": template_id}
        await self._api.post(DEL_GROUP_WELCOME, _ROOT + "group_welcome_template/del", Envelope, body)
