"""What goes to employees: app messages (应用消息), and what the app's tile on their workbench shows (工作台)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from msgspec import Struct

from adapters.base.endpoint import idempotent, once, read
from adapters.enterprise_chat import models
from adapters.wechat.api import TokenApi
from adapters.wechat.envelope import Envelope

#: The longest interval over which the platform recognises a repeated message.
DUPLICATE_WINDOW: Final = timedelta(hours=4)

MESSAGE_SEND: Final = once("message_send", family="message")
MESSAGE_SEND_CHECKED: Final = idempotent(
    "message_send", "enable_duplicate_check", lifetime=DUPLICATE_WINDOW, family="message"
)
MESSAGE_RECALL: Final = once("message_recall", family="message")
UPDATE_TEMPLATE_CARD: Final = once("update_template_card", family="message")
SET_WORKBENCH_TEMPLATE: Final = idempotent("set_workbench_template", "agentid", family="workbench")
GET_WORKBENCH_TEMPLATE: Final = read("get_workbench_template", family="workbench")
SET_WORKBENCH_DATA: Final = idempotent("set_workbench_data", "userid", family="workbench")
BATCH_SET_WORKBENCH_DATA: Final = idempotent("batch_set_workbench_data", "userid_list", family="workbench")
GET_WORKBENCH_DATA: Final = read("get_workbench_data", family="workbench")


class ReplacedButton(Struct):
    """What the pressed button says from now on."""

    replace_name: str


class UpdateCard(Struct, omit_defaults=True):
    """Request of ``message/update_template_card`` that greys the buttons: ``atall`` 1 for everybody who got it."""

    agentid: int
    response_code: str
    button: ReplacedButton
    userids: list[str] = []
    atall: int = 0


class CardUpdated(Struct):
    """``message/update_template_card``."""

    invaliduser: list[str] = []


class KeyDatum(Struct, omit_defaults=True):
    """A figure of a tile; ``jump_url`` for pages, ``pagepath`` for mini-programs."""

    key: str
    data: str
    jump_url: str = ""
    pagepath: str = ""


class KeyData(Struct):
    """At most four."""

    items: list[KeyDatum] = []


class Picture(Struct, omit_defaults=True):
    """A picture of 3.35:1."""

    url: str
    jump_url: str = ""
    pagepath: str = ""


class ListLine(Struct, omit_defaults=True):
    """A line of a tile."""

    title: str
    jump_url: str = ""
    pagepath: str = ""


class Lines(Struct):
    """At most three."""

    items: list[ListLine] = []


class WebView(Struct, omit_defaults=True):
    """A page inside the tile: ``height`` single_row or double_row."""

    url: str
    jump_url: str = ""
    pagepath: str = ""
    height: str = ""
    hide_title: bool = False
    enable_webview_click: bool = False


class Tile(Struct, omit_defaults=True):
    """What a tile shows; ``type`` names the part that is there, or is normal: nothing but the icon."""

    type: str
    keydata: KeyData | None = None
    image: Picture | None = None
    list: Lines | None = None
    webview: WebView | None = None


class Template(Tile, omit_defaults=True, kw_only=True):
    """Request of ``agent/set_workbench_template``."""

    agentid: int
    replace_user_data: bool = False


class UserTile(Tile, omit_defaults=True, kw_only=True):
    """Request of ``agent/set_workbench_data``."""

    agentid: int
    userid: str


class MessagesClient:
    """Everything that one app shows its employees."""

    def __init__(self, api: TokenApi) -> None:
        self._api = api

    async def message_send(self, message: models.SendMessage) -> models.SendMessageAnswer:
        """发送应用消息: repeatable only with the duplicate check."""
        endpoint = MESSAGE_SEND_CHECKED if message.enable_duplicate_check else MESSAGE_SEND
        return await self._api.post(endpoint, "/cgi-bin/message/send", models.SendMessageAnswer, message)

    async def message_recall(self, msgid: str) -> None:
        """撤回应用消息: within 24 hours."""
        await self._api.post(MESSAGE_RECALL, "/cgi-bin/message/recall", Envelope, {"msgid": msgid})

    async def update_template_card(self, update: UpdateCard) -> CardUpdated:
        """更新模版卡片消息: with the response code of the message or of the press, within 72 hours, once."""
        return await self._api.post(UPDATE_TEMPLATE_CARD, "/cgi-bin/message/update_template_card", CardUpdated, update)

    async def set_workbench_template(self, template: Template) -> None:
        """设置应用在工作台展示的模版."""
        await self._api.post(SET_WORKBENCH_TEMPLATE, "/cgi-bin/agent/set_workbench_template", Envelope, template)

    async def get_workbench_template(self, agentid: int) -> Tile:
        """获取应用在工作台展示的模版."""
        path = "/cgi-bin/agent/get_workbench_template"
        return await self._api.post(GET_WORKBENCH_TEMPLATE, path, Tile, {"agentid": agentid})

    async def set_workbench_data(self, tile: UserTile) -> None:
        """设置应用在用户工作台展示的数据: ten a minute for each employee."""
        await self._api.post(SET_WORKBENCH_DATA, "/cgi-bin/agent/set_workbench_data", Envelope, tile)

    async def batch_set_workbench_data(self, agentid: int, userids: Sequence[str], tile: Tile) -> None:
        """批量设置应用在用户工作台展示的数据: the same for at most 1000 employees."""
        body = {"agentid": agentid, "userid_list": list(userids), "data": tile}
        await self._api.post(BATCH_SET_WORKBENCH_DATA, "/cgi-bin/agent/batch_set_workbench_data", Envelope, body)

    async def get_workbench_data(self, agentid: int, userid: str) -> Tile:
        """获取用户工作台展示数据."""
        body = {"agentid": agentid, "userid": userid}
        return await self._api.post(GET_WORKBENCH_DATA, "/cgi-bin/agent/get_workbench_data", Tile, body)
