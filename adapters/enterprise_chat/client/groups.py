"""Customer groups (客户群管理), their figures and their handover."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from adapters.base.endpoint import once, read
from adapters.enterprise_chat import models
from adapters.wechat.api import TokenApi

#: Groups per page, customers without an employee per page.
PAGE_LIMIT: Final = 1000

GROUPCHAT_LIST: Final = read("groupchat_list")
GROUPCHAT_GET: Final = read("groupchat_get")
OPENGID_TO_CHATID: Final = read("opengid_to_chatid")
GROUPCHAT_STATISTIC: Final = read("groupchat_statistic", family="statistics")
GROUPCHAT_STATISTIC_BY_DAY: Final = read("groupchat_statistic_group_by_day", family="statistics")
GROUPCHAT_ONJOB_TRANSFER: Final = once("groupchat_onjob_transfer", family="handover")
GROUPCHAT_TRANSFER: Final = once("groupchat_transfer", family="handover")

_ROOT: Final = "/cgi-bin/externalcontact/"


class ChatId(Struct):
    """``opengid_to_chatid``."""

    chat_id: str


class GroupFigures(Struct):
    """What happened in groups of one owner, or on one day; totals are those of the last day."""

    new_chat_cnt: int = 0
    chat_total: int = 0
    chat_has_msg: int = 0
    new_member_cnt: int = 0
    member_total: int = 0
    member_has_msg: int = 0
    msg_total: int = 0


class OwnerRow(Struct):
    """A row of ``groupchat/statistic``."""

    owner: str
    data: GroupFigures


class OwnerFigures(Struct):
    """``groupchat/statistic``: pages by offset."""

    items: list[OwnerRow] = []
    total: int = 0
    next_offset: int = 0


class DayRow(Struct):
    """A row of ``groupchat/statistic_group_by_day``."""

    stat_time: int
    data: GroupFigures


class DayFigures(Struct):
    """``groupchat/statistic_group_by_day``: unpaged."""

    items: list[DayRow] = []


class FailedChat(Struct):
    """A group that was not handed over."""

    chat_id: str
    errcode: int
    errmsg: str = ""


class FailedChats(Struct):
    """Only failures are told."""

    failed_chat_list: list[FailedChat] = []


class GroupsClient:
    """Everything under groupchat/ but join ways."""

    def __init__(self, api: TokenApi) -> None:
        self._api = api

    async def groupchat_list(
        self, owners: Sequence[str], cursor: str, limit: int, status: int = 0
    ) -> models.GroupChatList:
        """获取客户群列表: at most 100 owners; without owners, groups of everyone still there."""
        body: dict[str, object] = {"status_filter": status, "cursor": cursor, "limit": limit}
        if owners:
            body["owner_filter"] = {"userid_list": list(owners)}
        return await self._api.post(GROUPCHAT_LIST, _ROOT + "groupchat/list", models.GroupChatList, body)

    async def groupchat_get(self, chat_id: str) -> models.GroupChatAnswer:
        """获取客户群详情: members without their names."""
        body = {"chat_id": chat_id, "need_name": 0}
        return await self._api.post(GROUPCHAT_GET, _ROOT + "groupchat/get", models.GroupChatAnswer, body)

    async def opengid_to_chatid(self, opengid: str) -> ChatId:
        """客户群opengid转换: what a mini-program that was opened in a group got."""
        return await self._api.post(OPENGID_TO_CHATID, _ROOT + "opengid_to_chatid", ChatId, {"opengid": opengid})

    async def groupchat_statistic(
        self, owners: Sequence[str], start: int, end: int, offset: int, limit: int
    ) -> OwnerFigures:
        """获取「群聊数据统计」数据, 按群主聚合: the owners with the most groups first."""
        body = {"day_begin_time": start, "day_end_time": end, "owner_filter": {"userid_list": list(owners)}}
        body |= {"order_by": 2, "order_asc": 0, "offset": offset, "limit": limit}
        return await self._api.post(GROUPCHAT_STATISTIC, _ROOT + "groupchat/statistic", OwnerFigures, body)

    async def groupchat_statistic_group_by_day(self, owners: Sequence[str], start: int, end: int) -> DayFigures:
        """获取「群聊数据统计」数据, 按自然日聚合."""
        body = {"day_begin_time": start, "day_end_time": end, "owner_filter": {"userid_list": list(owners)}}
        path = _ROOT + "groupchat/statistic_group_by_day"
        return await self._api.post(GROUPCHAT_STATISTIC_BY_DAY, path, DayFigures, body)

    async def groupchat_onjob_transfer(self, chat_ids: Sequence[str], new_owner: str) -> FailedChats:
        """分配在职成员的客户群: at most 100."""
        body = {"chat_id_list": list(chat_ids), "new_owner": new_owner}
        path = _ROOT + "groupchat/onjob_transfer"
        return await self._api.post(GROUPCHAT_ONJOB_TRANSFER, path, FailedChats, body)

    async def groupchat_transfer(self, chat_ids: Sequence[str], new_owner: str) -> FailedChats:
        """分配离职成员的客户群: at most 100."""
        body = {"chat_id_list": list(chat_ids), "new_owner": new_owner}
        return await self._api.post(GROUPCHAT_TRANSFER, _ROOT + "groupchat/transfer", FailedChats, body)
