"""Customers of employees and their tags (客户管理, 客户标签管理), and what employees did (联系客户统计)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from adapters.base.endpoint import idempotent, once, read
from adapters.enterprise_chat import models
from adapters.wechat.api import TokenApi
from adapters.wechat.envelope import Envelope

#: userids per call of ``batch/get_by_user``, and pairs per page.
BATCH_LIMIT: Final = 100

GET_FOLLOW_USER_LIST: Final = read("get_follow_user_list")
EXTERNALCONTACT_LIST: Final = read("externalcontact_list")
EXTERNALCONTACT_GET: Final = read("externalcontact_get")
BATCH_GET_BY_USER: Final = read("batch_get_by_user")
REMARK: Final = idempotent("externalcontact_remark", "external_userid")
GET_CORP_TAG_LIST: Final = read("get_corp_tag_list")
ADD_CORP_TAG: Final = once("add_corp_tag")
EDIT_CORP_TAG: Final = idempotent("edit_corp_tag", "id")
DEL_CORP_TAG: Final = once("del_corp_tag")
MARK_TAG: Final = idempotent("mark_tag", "external_userid")
GET_USER_BEHAVIOR_DATA: Final = read("get_user_behavior_data", family="statistics")

_ROOT: Final = "/cgi-bin/externalcontact/"


class Remark(Struct, omit_defaults=True):
    """Request of ``remark``: what is None stays; ``remark_mobiles`` of one empty text empties them."""

    userid: str
    external_userid: str
    remark: str | None = None
    description: str | None = None
    remark_company: str | None = None
    remark_mobiles: list[str] | None = None


class NewTag(Struct, omit_defaults=True):
    """A tag of ``add_corp_tag``."""

    name: str
    order: int | None = None


class AddTags(Struct, omit_defaults=True):
    """Request of ``add_corp_tag``: a group by its id, or by its name."""

    tag: list[NewTag]
    group_id: str = ""
    group_name: str = ""
    order: int | None = None


class AddedTags(Struct):
    """``add_corp_tag``: one group, with the new tags only."""

    tag_group: models.CorpTagGroup


class EditTag(Struct, omit_defaults=True):
    """Request of ``edit_corp_tag``: the id of a tag or of a group."""

    id: str
    name: str = ""
    order: int | None = None


class BehaviourDay(Struct):
    """What all who were asked for did on one day. Shares and times are missing on days without chats."""

    stat_time: int
    chat_cnt: int = 0
    message_cnt: int = 0
    reply_percentage: float | None = None
    avg_reply_time: float | None = None
    negative_feedback_cnt: int = 0
    new_apply_cnt: int = 0
    new_contact_cnt: int = 0


class Behaviour(Struct):
    """``get_user_behavior_data``."""

    behavior_data: list[BehaviourDay] = []


class CustomersClient:
    """Everything directly under externalcontact/ that reads and labels customers."""

    def __init__(self, api: TokenApi) -> None:
        self._api = api

    async def get_follow_user_list(self) -> models.FollowUserList:
        """获取配置了客户联系功能的成员列表."""
        return await self._api.get(GET_FOLLOW_USER_LIST, _ROOT + "get_follow_user_list", models.FollowUserList)

    async def externalcontact_list(self, userid: str) -> models.ExternalUserList:
        """获取客户列表: of one employee; 84061 where there are none."""
        return await self._api.get(EXTERNALCONTACT_LIST, _ROOT + "list", models.ExternalUserList, {"userid": userid})

    async def externalcontact_get(self, external_userid: str, cursor: str) -> models.ContactAnswer:
        """获取客户详情: with up to 500 of the employees who have them."""
        query = {"external_userid": external_userid} | ({"cursor": cursor} if cursor else {})
        return await self._api.get(EXTERNALCONTACT_GET, _ROOT + "get", models.ContactAnswer, query)

    async def batch_get_by_user(self, userids: Sequence[str], cursor: str, limit: int) -> models.ContactPairs:
        """批量获取客户详情: at most 100 userids, 100 pairs."""
        body = {"userid_list": list(userids), "cursor": cursor, "limit": limit}
        return await self._api.post(BATCH_GET_BY_USER, _ROOT + "batch/get_by_user", models.ContactPairs, body)

    async def externalcontact_remark(self, remark: Remark) -> None:
        """修改客户备注信息."""
        await self._api.post(REMARK, _ROOT + "remark", Envelope, remark)

    async def get_corp_tag_list(self, tag_ids: Sequence[str] = (), group_ids: Sequence[str] = ()) -> models.CorpTagList:
        """获取企业标签库: all of it, or some; with both kinds of id, those of tags are ignored."""
        body = {name: list(ids) for name, ids in (("tag_id", tag_ids), ("group_id", group_ids)) if ids}
        return await self._api.post(GET_CORP_TAG_LIST, _ROOT + "get_corp_tag_list", models.CorpTagList, body)

    async def add_corp_tag(self, tags: AddTags) -> AddedTags:
        """添加企业客户标签."""
        return await self._api.post(ADD_CORP_TAG, _ROOT + "add_corp_tag", AddedTags, tags)

    async def edit_corp_tag(self, tag: EditTag) -> None:
        """编辑企业客户标签: of this app's making only."""
        await self._api.post(EDIT_CORP_TAG, _ROOT + "edit_corp_tag", Envelope, tag)

    async def del_corp_tag(self, tag_ids: Sequence[str], group_ids: Sequence[str]) -> None:
        """删除企业客户标签: a group goes with its last tag."""
        body = {"tag_id": list(tag_ids), "group_id": list(group_ids)}
        await self._api.post(DEL_CORP_TAG, _ROOT + "del_corp_tag", Envelope, body)

    async def mark_tag(self, userid: str, external_userid: str, add: Sequence[str], remove: Sequence[str]) -> None:
        """编辑客户企业标签: of one pair."""
        body: dict[str, object] = {"userid": userid, "external_userid": external_userid}
        body |= {name: list(ids) for name, ids in (("add_tag", add), ("remove_tag", remove)) if ids}
        await self._api.post(MARK_TAG, _ROOT + "mark_tag", Envelope, body)

    async def get_user_behavior_data(
        self, userids: Sequence[str], departments: Sequence[int], start: int, end: int
    ) -> Behaviour:
        """获取「联系客户统计」数据: days summed over everybody who is named."""
        body: dict[str, object] = {"start_time": start, "end_time": end}
        body |= {name: list(ids) for name, ids in (("userid", userids), ("partyid", departments)) if ids}
        return await self._api.post(GET_USER_BEHAVIOR_DATA, _ROOT + "get_user_behavior_data", Behaviour, body)
