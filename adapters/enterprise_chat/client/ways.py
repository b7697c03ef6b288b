"""QR codes that bring customers: 「联系我」 of employees, and 加入群聊 of groups. A lost config_id is lost."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from adapters.base.endpoint import idempotent, once, read
from adapters.wechat.api import TokenApi
from adapters.wechat.envelope import Envelope

ADD_CONTACT_WAY: Final = once("add_contact_way")
GET_CONTACT_WAY: Final = read("get_contact_way")
LIST_CONTACT_WAY: Final = read("list_contact_way")
UPDATE_CONTACT_WAY: Final = idempotent("update_contact_way", "config_id")
DEL_CONTACT_WAY: Final = once("del_contact_way")
ADD_JOIN_WAY: Final = once("add_join_way")
GET_JOIN_WAY: Final = read("get_join_way")
UPDATE_JOIN_WAY: Final = idempotent("update_join_way", "config_id")
DEL_JOIN_WAY: Final = once("del_join_way")

_ROOT: Final = "/cgi-bin/externalcontact/"


class ContactWay(Struct, omit_defaults=True):
    """A 「联系我」: ``type`` 1 one employee, 2 several; ``scene`` 1 mini-program, 2 QR code.

    Also the request: of ``add_contact_way`` without config_id, of ``update_contact_way`` without type and scene.
    """

    config_id: str = ""
    type: int | None = None
    scene: int | None = None
    style: int | None = None
    remark: str | None = None
    skip_verify: bool | None = None
    state: str | None = None
    user: list[str] | None = None
    party: list[int] | None = None
    is_exclusive: bool | None = None
    qr_code: str = ""


class ContactWayAdded(Struct):
    """``add_contact_way``."""

    config_id: str
    qr_code: str = ""


class ContactWayAnswer(Struct):
    """``get_contact_way``."""

    contact_way: ContactWay


class ContactWayRow(Struct):
    """A row of ``list_contact_way``."""

    config_id: str


class ContactWayList(Struct):
    """``list_contact_way``."""

    contact_way: list[ContactWayRow] = []
    next_cursor: str = ""


class JoinWay(Struct, omit_defaults=True):
    """A 加入群聊: ``scene`` 1 mini-program, 2 QR code; 0 or 1 in ``auto_create_room``. Also the request."""

    scene: int
    config_id: str = ""
    remark: str = ""
    auto_create_room: int | None = None
    room_base_name: str = ""
    room_base_id: int | None = None
    chat_id_list: list[str] = []
    state: str = ""
    qr_code: str = ""


class JoinWayAdded(Struct):
    """``groupchat/add_join_way``."""

    config_id: str


class JoinWayAnswer(Struct):
    """``groupchat/get_join_way``."""

    join_way: JoinWay


class WaysClient:
    """Contact ways and join ways."""

    def __init__(self, api: TokenApi) -> None:
        self._api = api

    async def add_contact_way(self, way: ContactWay) -> ContactWayAdded:
        """配置客户联系「联系我」方式: 500,000 a corp, those of groups included."""
        return await self._api.post(ADD_CONTACT_WAY, _ROOT + "add_contact_way", ContactWayAdded, way)

    async def get_contact_way(self, config_id: str) -> ContactWayAnswer:
        """获取企业已配置的「联系我」方式."""
        body = {"config_id": config_id}
        return await self._api.post(GET_CONTACT_WAY, _ROOT + "get_contact_way", ContactWayAnswer, body)

    async def list_contact_way(self, start: int | None, end: int | None, cursor: str, limit: int) -> ContactWayList:
        """获取企业已配置的「联系我」列表: ids only, at most 1000; of the last 90 days where no time is given."""
        body: dict[str, object] = {"limit": limit}
        body |= {
            k: v for k, v in (("start_time", start), ("end_time", end), ("cursor", cursor or None)) if v is not None
        }
        return await self._api.post(LIST_CONTACT_WAY, _ROOT + "list_contact_way", ContactWayList, body)

    async def update_contact_way(self, way: ContactWay) -> None:
        """更新企业已配置的「联系我」方式: lists are replaced."""
        await self._api.post(UPDATE_CONTACT_WAY, _ROOT + "update_contact_way", Envelope, way)

    async def del_contact_way(self, config_id: str) -> None:
        """删除企业已配置的「联系我」方式."""
        await self._api.post(DEL_CONTACT_WAY, _ROOT + "del_contact_way", Envelope, {"config_id": config_id})

    async def add_join_way(self, way: JoinWay) -> JoinWayAdded:
        """配置客户群进群方式: the QR code comes from ``get_join_way``."""
        return await self._api.post(ADD_JOIN_WAY, _ROOT + "groupchat/add_join_way", JoinWayAdded, way)

    async def get_join_way(self, config_id: str) -> JoinWayAnswer:
        """获取客户群进群方式配置."""
        body = {"config_id": config_id}
        return await self._api.post(GET_JOIN_WAY, _ROOT + "groupchat/get_join_way", JoinWayAnswer, body)

    async def update_join_way(self, way: JoinWay) -> None:
        """更新客户群进群方式配置: replaces everything."""
        await self._api.post(UPDATE_JOIN_WAY, _ROOT + "groupchat/update_join_way", Envelope, way)

    async def del_join_way(self, config_id: str) -> None:
        """删除客户群进群方式配置."""
        await self._api.post(DEL_JOIN_WAY, _ROOT + "groupchat/del_join_way", Envelope, {"config_id": config_id})
